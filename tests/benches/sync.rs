//! The cost of a sync for gyms of several sizes: requests against the lower bound, processor time and memory of the plugin, and
//! time without pacing. Run by `cargo xtask bench`; sizes are arguments.
//!
//! The simulator answers in the same process and virtual time never passes, so the time is work, not waiting. The time of a
//! call less the time on the platform's side (directory, storage, simulator) is that of the plugin and its border. All of it
//! runs on one thread, so this is processor time, too.

#![expect(clippy::panic, clippy::indexing_slicing, reason = "a measurement that cannot go on says why")]

use std::time::{Duration, Instant};

use door_access_host::Recorder;
use door_access_host::contract::sync::{Mode, Phase, Progress};
use door_access_testkit::{World, member, membership};

/// Kisi lists at most 20,000 rows, so a large gym has several groups. This many members share one.
const MEMBERS_PER_GROUP: usize = 10_000;
/// Rows of a page of role assignments.
const ROWS_A_PAGE: usize = 250;

/// The cost of one sync.
struct Measured {
    progress: Progress,
    calls: u64,
    plugin: Duration,
    memory: u64,
    whole: Duration,
}

fn main() {
    // Cargo adds `--bench`, which is no number.
    let sizes = std::env::args().skip(1).filter_map(|argument| argument.parse().ok());
    println!("sync         members   calls   bound  ratio   plugin s  µs/member  memory MiB  whole s");
    sizes.for_each(gym);
}

fn gym(members: usize) {
    let mut world = world(members);
    let recorder = world.record();

    let grants = members + members.div_ceil(3);
    let groups = members.div_ceil(MEMBERS_PER_GROUP) * 2;
    // For each member an account and its grants; a page of each group, still empty; a page of users, the key's owner.
    let first = measured(&world, &recorder);
    print("first", members, members + grants + groups + 1, &first);
    assert_eq!(first.progress.counts.applied as usize, members, "{:?}", first.progress);

    let rows = group_sizes(members).iter().map(|rows| rows.div_ceil(ROWS_A_PAGE).max(1)).sum();
    let unchanged = measured(&world, &recorder);
    print("unchanged", members, rows, &unchanged);
    assert_eq!(unchanged.progress.counts.differing, 0, "{:?}", unchanged.progress);
}

fn measured(world: &World, recorder: &Recorder) -> Measured {
    world.boundary.take_time();
    let (requests, mut memory) = (world.boundary.requests(), 0);
    let began = Instant::now();
    let job = world.start_sync(Mode::Apply);
    let progress = loop {
        let stepped = world.step_sync(&job, 1_000).unwrap_or_else(|error| panic!("{error:?}"));
        let peaks = recorder.take().calls.into_iter().map(|call| call.memory_bytes_peak);
        memory = peaks.fold(memory, u64::max);
        // The simulator keeps its journal, which would be measured.
        world.sim.clear_journal();
        match stepped.progress.phase {
            Phase::Done => break stepped.progress,
            Phase::Waiting | Phase::Cancelled => panic!("it does not go on: {:?}", stepped.progress),
            _ => {}
        }
    };
    let whole = began.elapsed();
    let plugin = whole.saturating_sub(world.boundary.take_time());
    Measured { progress, calls: world.boundary.requests() - requests, plugin, memory, whole }
}

#[expect(clippy::cast_precision_loss, reason = "figures for people")]
fn print(name: &str, members: usize, bound: usize, measured: &Measured) {
    let Measured { calls, plugin, memory, whole, .. } = measured;
    println!(
        "{name:10} {members:9} {calls:7} {bound:7} {:6.3} {:10.2} {:10.1} {:11.1} {:8.1}",
        *calls as f64 / bound as f64,
        plugin.as_secs_f64(),
        plugin.as_secs_f64() * 1e6 / members as f64,
        *memory as f64 / f64::from(1 << 20),
        whole.as_secs_f64()
    );
}

/// The final number of members of each group.
fn group_sizes(members: usize) -> Vec<usize> {
    let mut sizes = vec![0; members.div_ceil(MEMBERS_PER_GROUP) * 2];
    for number in 0..members {
        let hall = number / MEMBERS_PER_GROUP * 2;
        sizes[hall] += 1;
        sizes[hall + 1] += usize::from(number % 3 == 0);
    }
    sizes
}

/// A gym of halls, each with a group for every member and one for every third.
fn world(members: usize) -> World {
    let halls: Vec<[String; 4]> = (0..members.div_ceil(MEMBERS_PER_GROUP))
        .map(|hall| ["Gym", "Spa", "basic", "gold"].map(|name| format!("{name} {hall}")))
        .collect();
    let groups: Vec<[&str; 2]> = halls.iter().map(|[gym, spa, ..]| [gym.as_str(), spa]).collect();
    let plans = halls.iter().zip(&groups);
    let mapping: Vec<(&str, &[&str])> = plans
        .flat_map(|([_, _, basic, gold], groups)| [(basic.as_str(), &groups[..1]), (gold, &groups[..])])
        .collect();
    let one = |number: usize| {
        let plan = &halls[number / MEMBERS_PER_GROUP][if number.is_multiple_of(3) { 3 } else { 2 }];
        member(&format!("m-{number:06}"), vec![membership(&format!("ms-{number}"), plan)])
    };
    let members = (0..members).map(one).collect();
    World::builder().mapping(&mapping).members(members).storage_bytes_max(1 << 30).connected()
}
