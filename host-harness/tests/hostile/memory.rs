//! What attacks leave behind in the process: nothing that grows with their number.

use host_harness::Limits;

use crate::attack::{all, alone};

/// Rounds of each attack; the first half fills what is kept for good, such as the pool's and the allocator's memory.
const ROUNDS: usize = 12;
/// What the second half may add to a process of some 100 MB without being taken for a leak.
const GROWTH_BYTES_MAX: i64 = 8 << 20;

/// Resident memory of this process.
#[cfg(target_os = "linux")]
fn resident_bytes() -> i64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<i64>().unwrap() << 10
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_process_is_as_large_after_many_attacks_as_after_some() {
    let _hall = alone().await;
    let runtime = tokio::runtime::Handle::current();
    let tasks_before = runtime.metrics().num_alive_tasks();
    let mut grown = Vec::new();
    let began = resident_bytes();
    for mut attack in all() {
        // As far as it goes, and no longer than it must: twelve rounds of each.
        attack.limits = Limits { compute_max: attack.limits.compute_max.min(SHORT), ..attack.limits };
        let stage = attack.stage().await;
        let mut half = 0;
        for round in 0..ROUNDS {
            if round == ROUNDS / 2 {
                half = resident_bytes();
            }
            // What it ends with is the table's to check: with less time it may be another limit.
            let _ended = stage.try_order(&attack.order).await;
            stage.recorder.take();
            stage.wire.forget();
            settle().await;
        }
        grown.push((resident_bytes() - half, attack.name, attack.tries));
        drop(stage);
        settle().await;
    }
    let ended = resident_bytes();
    grown.sort_unstable_by_key(|(bytes, ..)| -bytes);
    println!(
        "resident: {} KiB before, {} KiB after {ROUNDS} rounds of each of {} attacks",
        began >> 10,
        ended >> 10,
        grown.len()
    );
    for (bytes, name, tries) in grown.iter().take(8) {
        println!("{:>8} KiB more in the second half: {name}, {tries}", bytes >> 10);
    }
    for (bytes, name, tries) in grown {
        assert!(bytes < GROWTH_BYTES_MAX, "{name}, {tries}: {bytes} bytes more");
    }
    assert_eq!(runtime.metrics().num_alive_tasks(), tasks_before);
}

/// Tasks that were let go of end when the runtime looks at them next.
#[cfg(target_os = "linux")]
async fn settle() {
    for _ in 0..3 {
        tokio::task::yield_now().await;
    }
}

/// Enough for an attack to get somewhere.
#[cfg(target_os = "linux")]
const SHORT: std::time::Duration = std::time::Duration::from_millis(20);
