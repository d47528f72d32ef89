//! The memory of the process under attack: it grows by no more than a call may use, and shrinks back. These tests measure
//! the process, so each runs in one of its own.

use std::time::Duration;

use door_access_host::Limits;

use super::attack::{all, limits};
use super::network;
use crate::network::client;
use crate::stage::ENGINE;

/// Rounds of each attack. The first half fills memory that is kept, such as the pool's and the allocator's.
const ROUNDS: usize = 12;
/// How often the rounds are repeated when they seem to leak.
const SERIES_MAX: usize = 4;
/// What the second half may add without counting as a leak; the process has some 50 MB.
const GROWTH_BYTES_MAX: i64 = 8 << 20;
/// What an attack may add while it lasts: eight responses of 8 MiB, the plugin's memory, and room for the test's network
/// and the allocator.
const PEAK_BYTES_MAX: i64 = 112 << 20;
/// What all attacks together, some thousands, may leave: the loaded plugins, the pool, and the allocator's reserve. A leak
/// of some 30 KiB a call would exceed it.
const LEFT_BYTES_MAX: i64 = 112 << 20;
/// Enough for an attack to get somewhere.
const SHORT: Duration = Duration::from_millis(20);

/// A line of this process's status on Linux, in bytes: the resident size, or its peak since the last reset.
fn status_bytes(line: &str) -> i64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let found = status.lines().find_map(|found| found.strip_prefix(line)).unwrap();
    found.trim_start_matches(':').trim().trim_end_matches(" kB").parse::<i64>().unwrap() << 10
}

fn resident_bytes() -> i64 {
    status_bytes("VmRSS")
}

/// Resets the peak. Where that is not allowed, the peak is that since the process started, which makes the test stricter.
fn reset_peak() {
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}

/// Lets dropped tasks end: the runtime frees some of them at each turn, and an attack may leave thousands.
async fn settle() {
    const TURNS_MAX: usize = 10_000;
    let runtime = tokio::runtime::Handle::current();
    let tasks = || runtime.metrics().num_alive_tasks();
    for _ in 0..TURNS_MAX {
        let before = tasks();
        for _ in 0..3 {
            tokio::task::yield_now().await;
        }
        if tasks() == before {
            return;
        }
    }
}

/// Runs the calling test again in a process of its own, where no other test disturbs its measurements. Returns whether this
/// is that process already.
fn is_alone() -> bool {
    const MARK: &str = "DOOR_ACCESS_HOST_TEST_ALONE";
    if std::env::var_os(MARK).is_some() {
        return true;
    }
    // Test threads are named after their tests.
    let thread = std::thread::current();
    let test = thread.name().unwrap();
    let mut alone = std::process::Command::new(std::env::current_exe().unwrap());
    let output = alone.args([test, "--exact", "--nocapture"]).env(MARK, "1").output().unwrap();
    let printed = String::from_utf8_lossy(&output.stdout);
    println!("{printed}");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(printed.contains("1 passed"), "{test} did not run: {printed}");
    false
}

#[tokio::test]
async fn the_process_is_as_large_after_many_attacks_as_after_some() {
    if !is_alone() {
        return;
    }
    let runtime = tokio::runtime::Handle::current();
    let tasks_before = runtime.metrics().num_alive_tasks();
    let (mut grown, mut peaks) = (Vec::new(), Vec::new());
    let began = resident_bytes();
    for mut attack in all() {
        let stage = attack.stage().await;
        reset_peak();
        let before = resident_bytes();
        // Once to its end, for the peak, then with less time.
        let _ended = stage.try_order(&attack.order).await;
        peaks.push((status_bytes("VmHWM") - before, attack.name, attack.tries));
        attack.limits = Limits { compute_max: attack.limits.compute_max.min(SHORT), ..attack.limits };
        let stage = attack.stage().await;
        let mut growth = 0;
        // A leak adds memory in every series; memory that is being freed is gone in the next one.
        for _ in 0..SERIES_MAX {
            let mut half = 0;
            for round in 0..ROUNDS {
                if round == ROUNDS / 2 {
                    half = resident_bytes();
                }
                // Its end is checked by the table; with less time it may be another limit.
                let _ended = stage.try_order(&attack.order).await;
                stage.recorder.take();
                stage.wire.forget();
                settle().await;
            }
            growth = resident_bytes() - half;
            if growth < GROWTH_BYTES_MAX {
                break;
            }
        }
        grown.push((growth, attack.name, attack.tries));
        drop(stage);
        settle().await;
    }
    let ended = resident_bytes();
    let attacks = grown.len();
    println!(
        "resident: {} KiB before, {} KiB after {ROUNDS} rounds of each of {attacks} attacks",
        began >> 10,
        ended >> 10
    );
    for (what, list, bytes_max) in [
        ("more at its peak", &mut peaks, PEAK_BYTES_MAX),
        ("more in the second half", &mut grown, GROWTH_BYTES_MAX),
    ] {
        list.sort_unstable_by_key(|(bytes, ..)| -*bytes);
        for (bytes, name, tries) in list.iter().filter(|(bytes, ..)| *bytes > 0).take(6) {
            println!("{:>8} KiB {what}: {name}, {tries}", bytes >> 10);
        }
        for (bytes, name, tries) in list {
            assert!(*bytes < bytes_max, "{name}, {tries}: {bytes} bytes {what}");
        }
    }
    assert!(ended - began < LEFT_BYTES_MAX, "all attacks together left {} bytes", ended - began);
    assert_eq!(runtime.metrics().num_alive_tasks(), tasks_before);
}

#[tokio::test]
async fn a_response_in_single_bytes_costs_its_length_and_not_its_pieces() {
    if !is_alone() {
        return;
    }
    const ANSWER_BYTES: usize = 2 << 20;
    /// The response, its growing buffer, buffers on the way, and the allocator's reserve. A list of its pieces would take
    /// some 75 MiB.
    const COST_BYTES_MAX: i64 = 24 << 20;
    let mut answer = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_owned();
    for _ in 0..ANSWER_BYTES {
        answer.push_str("1\r\nx\r\n");
    }
    answer.push_str("0\r\n\r\n");
    let authority = network::blunt(answer.leak().as_bytes(), false).await;
    let stage = network::routed(&authority, &client(), "key-of-the-first", limits()).await;
    reset_peak();
    let before = resident_bytes();
    let said = stage.get("/").await;
    let cost = status_bytes("VmHWM") - before;
    println!("a response of {ANSWER_BYTES} single bytes costs {} KiB at its peak", cost >> 10);
    assert!(said.starts_with("200 xxx"), "{said}");
    assert!(cost < COST_BYTES_MAX, "{cost} bytes");
}

#[tokio::test]
async fn no_component_within_the_limits_takes_much_memory_to_compile() {
    if !is_alone() {
        return;
    }
    /// A service can spare this much once: components are compiled one by one.
    const COST_BYTES_MAX: i64 = 192 << 20;
    let repeat = |what: &str, times: usize| what.repeat(times);
    let each = |times: usize, what: fn(usize) -> String| -> String { (0..times).map(what).collect() };
    let globals = "(global $g (mut i32) (i32.const 1))";
    let function = |locals: usize, body: String| {
        format!("(core module {globals} (func (local {}) {body}))", repeat("i32 ", locals))
    };
    let table = [
        (
            "1,900 locals in 1,990 blocks",
            function(
                1_900,
                repeat("(block)", 1_990)
                    + &each(1_900, |local| format!("(local.set {local} (global.get $g))")),
            ),
        ),
        (
            "400 locals in 1,990 loops",
            function(
                400,
                repeat("loop ", 1_990)
                    + &each(400, |local| {
                        format!("(local.set {local} (i32.add (global.get $g) (local.get {local})))")
                    })
                    + &repeat("end ", 1_990),
            ),
        ),
        (
            "30,000 values across 13,000 blocks",
            function(
                1,
                repeat("global.get $g ", 30_000)
                    + &repeat("block end ", 13_000)
                    + &repeat("i32.add ", 29_999)
                    + "global.set $g",
            ),
        ),
        (
            "24,000 values across 6,000 branches",
            function(
                1,
                repeat("global.get $g ", 24_000)
                    + &repeat("block global.get $g br_if 0 end ", 6_000)
                    + &repeat("i32.add ", 23_999)
                    + "global.set $g",
            ),
        ),
        (
            "calls that return 8 values",
            format!(
                "(core module (type $t (func (param {0}) (result {0}))) (func $f (type $t) {1}) (func {2} {3} {4}))",
                repeat("i32 ", 8),
                each(8, |local| format!("local.get {local} ")),
                repeat("i32.const 1 ", 8),
                repeat("call $f ", 9_900),
                repeat("drop ", 8),
            ),
        ),
        (
            "blocks that pass 8 of 90 values",
            format!(
                "(core module {globals} (type $t (func (param {0}) (result {1}))) (func {2} {3} {4}))",
                repeat("i32 ", 90),
                repeat("i32 ", 8),
                repeat("global.get $g ", 90),
                repeat(
                    &format!("block (type $t) {} end {}", repeat("drop ", 82), repeat("global.get $g ", 82)),
                    390
                ),
                repeat("drop ", 90),
            ),
        ),
        (
            "a jump to 39,000 places",
            function(0, format!("(br_table {} (i32.const 0))", repeat("0 ", 39_000))),
        ),
        (
            "20,000 functions",
            format!("(core module {globals} {})", repeat("(func (global.set $g (i32.const 1)))", 20_000)),
        ),
    ];
    for (what, module) in table {
        let component = wat::parse_str(format!("(component {module})")).unwrap();
        reset_peak();
        let (before, began) = (resident_bytes(), std::time::Instant::now());
        let error = ENGINE.load(&component).await.unwrap_err();
        let cost = status_bytes("VmHWM") - before;
        println!(
            "{what}: {} bytes, {} KiB at its peak, {} ms",
            component.len(),
            cost >> 10,
            began.elapsed().as_millis()
        );
        // It is no plugin, which shows once it is compiled.
        assert!(matches!(error, door_access_host::LoadError::ExportsMissing { .. }), "{what}: {error:?}");
        assert!(cost < COST_BYTES_MAX, "{what}: {cost} bytes");
    }
}
