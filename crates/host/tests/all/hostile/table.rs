//! All attacks, one line each: what it tries, how it ends, how long it takes, and what a neighbour notices.

use std::panic::{self, AssertUnwindSafe};
use std::time::Duration;

use super::attack::{Attack, Played, all, hostile, limits, neighbour_s_call, play, refused, shown};
use crate::stage::Stage;

/// Calls of the neighbour alone, for comparison.
const ALONE: usize = 300;

/// The neighbour may wait for a short attack, but not for an endless one, nor for one that takes as long as so many of its
/// own calls. A shorter one may be a single host call with 4 MiB, which blocks its thread; in an unoptimised build that
/// takes as long as a hundred calls.
const LONG: u32 = 250;
/// How often a long attack is played when the neighbour seems to have waited: other work on the machine may have stalled
/// both for a while.
const PLAYS_MAX: usize = 5;

/// The longest one.
fn worst(times: &[Duration]) -> Duration {
    times.iter().max().copied().unwrap_or_default()
}

/// Whether a call of the neighbour took at least half as long as the attack, in every play. An attacker that kept the
/// thread to itself would make it wait for the whole attack.
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
    let neighbour = hostile(limits()).await;
    neighbour.wire.answer_with(200, ("x", "y"), "open");
    assert_eq!(neighbour.order("Smine").await, "1");
    let mut alone = Vec::new();
    for _ in 0..ALONE {
        alone.push(neighbour_s_call(&neighbour).await);
    }
    let alone = median(&mut alone);

    println!("neighbour alone: {} µs for two calls (the middle of {ALONE})", alone.as_micros());
    println!("{:<20} {:<52} {:>8} {:>8} {:>8}  how it ended", "attack", "tries", "ms", "beside", "worst");
    let (mut beside_all, mut attacks, mut endless, mut wrong) = (Vec::new(), 0, 0, Vec::new());
    for attack in all() {
        let stage = attack.stage().await;
        let played = play(&attack, &stage, &neighbour).await;
        let is_long = attack.is_endless() || played.took > alone * LONG;
        if is_long && holds_up(&attack, &played, &neighbour).await {
            wrong.push(format!("{}: {} holds up the neighbour", attack.name, attack.tries));
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
        // Print all lines first: one successful attack must not hide the next.
        let checked = panic::catch_unwind(AssertUnwindSafe(|| attack.check(&stage, &recording, &ended)));
        if checked.is_err() {
            wrong.push(format!("{}: {}", attack.name, attack.tries));
        }
        attacks += 1;
        endless += usize::from(attack.is_endless());
    }
    let beside_median = median(&mut beside_all);
    println!(
        "{attacks} attacks; {} calls of the neighbour beside them: {:.2} times as long as alone (the middle one)",
        beside_all.len() * 2,
        beside_median.as_secs_f64() / alone.as_secs_f64()
    );
    assert_eq!(wrong, Vec::<String>::new());
    assert!(attacks > 200 && endless == 4, "{attacks}, {endless} of them endless");
    // The neighbour's data is unchanged.
    let entries = neighbour.storage.entries();
    assert_eq!((entries.len(), entries[0].value.as_slice(), entries[0].version), (1, &b"mine"[..], 1));
    assert!(neighbour.recorder.take().lines.is_empty());
}
