//! All attacks, one line each: what it tries, what comes of it, how long it takes, and what a neighbour notices.

use std::panic::{self, AssertUnwindSafe};
use std::time::Duration;

use crate::attack::{
    Attack, Played, all, among_others, hostile, limits, neighbour_s_call, play, refused, shown,
};
use crate::stage::Stage;

/// Calls of the neighbour alone, to compare with.
const ALONE: usize = 300;

/// An attack is long when it takes as much time as so many calls of the neighbour alone. A shorter one may be a single call
/// of the host with 4 MiB in it, during which a thread does nothing else; in an unoptimised build that takes as long as a
/// hundred.
const LONG: u32 = 250;
/// How many attacks are long at least, on any machine.
const LONG_MIN: usize = 3;
/// How often a long attack is played when the neighbour seems to have waited: a machine with other work may have let
/// nobody run for a while.
const PLAYS_MAX: usize = 3;

/// The longest one.
fn worst(times: &[Duration]) -> Duration {
    times.iter().max().copied().unwrap_or_default()
}

/// Whether a call of the neighbour waited for half of the attack or more, however often it is played. An attacker that had
/// the thread to itself would make it wait for all of it.
async fn holds_up(attack: &Attack, first: &Played, neighbour: &Stage) -> bool {
    let held_up = |played: &Played| worst(&played.times) * 2 > played.took;
    if !held_up(first) {
        return false;
    }
    for _ in 1..PLAYS_MAX {
        if !held_up(&play(attack, &attack.stage().await, neighbour).await) {
            return false;
        }
    }
    true
}

/// The middle one.
fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

#[tokio::test]
async fn every_attack_ends_as_it_must_and_the_neighbour_is_answered_right() {
    let _hall = among_others().await;
    let neighbour = hostile(limits()).await;
    neighbour.wire.answer_with(200, ("x", "y"), "open");
    assert_eq!(neighbour.order("Smine").await, "1");
    let mut alone = Vec::new();
    for _ in 0..ALONE {
        alone.push(neighbour_s_call(&neighbour).await);
    }
    let alone = median(&mut alone);

    println!("neighbour alone: {} µs for two calls (the middle of {ALONE})", alone.as_micros());
    println!("{:<20} {:<52} {:>8} {:>8} {:>8}  came of it", "attack", "tries", "ms", "beside", "worst");
    let (mut beside_all, mut attacks, mut long, mut wrong) = (Vec::new(), 0, 0, Vec::new());
    for attack in all() {
        let stage = attack.stage().await;
        let played = play(&attack, &stage, &neighbour).await;
        if played.took > alone * LONG {
            long += 1;
            if holds_up(&attack, &played, &neighbour).await {
                wrong.push(format!("{}: {} holds up the neighbour", attack.name, attack.tries));
            }
        }
        let Played { ended, recording, took, mut times } = played;
        let worst = worst(&times);
        let ratio = |time: Duration| time.as_secs_f64() / alone.as_secs_f64();
        println!(
            "{:<20} {:<52} {:>8.1} {:>7.1}x {:>7.1}x  {}{}",
            attack.name,
            attack.tries.escape_debug().to_string(),
            took.as_secs_f64() * 1_000.0,
            ratio(median(&mut times)),
            ratio(worst),
            shown(&ended),
            refused(&recording).unwrap_or_default().escape_debug()
        );
        beside_all.append(&mut times);
        // All lines first: one attack that succeeds must not hide the next.
        let checked = panic::catch_unwind(AssertUnwindSafe(|| attack.check(&stage, &recording, &ended)));
        if checked.is_err() {
            wrong.push(format!("{}: {}", attack.name, attack.tries));
        }
        attacks += 1;
    }
    let beside_median = median(&mut beside_all);
    println!(
        "{attacks} attacks; {} calls of the neighbour beside them: {:.2} times as long as alone (the middle one)",
        beside_all.len() * 2,
        beside_median.as_secs_f64() / alone.as_secs_f64()
    );
    assert_eq!(wrong, Vec::<String>::new());
    assert!(attacks > 200 && long >= LONG_MIN, "{attacks}, {long} of them long");
    // What is the neighbour's is as it was.
    let entries = neighbour.storage.entries();
    assert_eq!((entries.len(), entries[0].value.as_slice(), entries[0].version), (1, &b"mine"[..], 1));
    assert!(neighbour.recorder.take().lines.is_empty());
}
