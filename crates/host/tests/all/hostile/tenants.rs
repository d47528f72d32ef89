//! Two tenants of one hostile plugin on one engine: what one has, does or exhausts is not the other's.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use door_access_host::{
    ApprovedOrigin, Busy, CallError, Clock, Deadline, Engine, EngineConfig, ExchangeEnd, Limits, Pace,
    PaceConfig, Secret, SqliteStorage,
};

use super::attack::{FURTHER, hostile, last_end, limits, neighbour_s_call, plugin};
use crate::guest;
use crate::stage::{KEY, NOW_MS, ORIGIN, Stage, stage_of};

const OTHER_KEY: &str = "other-key-98765";

fn approved() -> ApprovedOrigin {
    ApprovedOrigin::direct(ORIGIN.parse().unwrap())
}

async fn with_pace(pace: &Arc<Pace>) -> Stage {
    let plugin = plugin().await;
    stage_of(plugin, |builder| builder.approve(approved()).pace(pace.clone()).limits(limits()))
}

#[tokio::test]
async fn tenants_share_neither_memory_nor_storage_nor_key() {
    let first = hostile(limits()).await;
    let plugin = plugin().await;
    let second = stage_of(plugin, |builder| {
        builder.approve(approved()).credential(Secret::new(OTHER_KEY).unwrap()).limits(limits())
    });
    first.order("pk\nof the first\n").await;
    second.order("pk\nof the second\n").await;
    assert_eq!(
        (first.order("ok\n").await, second.order("ok\n").await),
        ("of the first".to_owned(), "of the second".to_owned())
    );
    // All keys: the empty prefix.
    assert_eq!((first.order("q\n").await, second.order("q\n").await), ("k ".to_owned(), "k ".to_owned()));
    for stage in [&first, &second] {
        stage.get("/").await;
        assert_eq!(stage.order("N").await, "1");
    }
    assert_eq!(first.wire.sent()[0].headers()["authorization"], format!("LOGIN {KEY}"));
    assert_eq!(second.wire.sent()[0].headers()["authorization"], format!("LOGIN {OTHER_KEY}"));
}

#[tokio::test]
async fn keys_that_look_like_paths_stay_in_the_tenant_s_own_file() {
    let folder = tempfile::tempdir().unwrap();
    let plugin = plugin().await;
    let tenant = |name: &str| {
        let storage = Arc::new(SqliteStorage::open(folder.path().join(format!("{name}.db"))).unwrap());
        stage_of(plugin.clone(), |builder| builder.storage(storage).limits(limits()))
    };
    let (first, second) = (tenant("first"), tenant("second"));
    second.order("pk\nuntouched\n").await;
    let keys = [
        "../second.db",
        "second.db",
        "|",
        "a|b",
        "'; DELETE FROM entries; --",
        "%",
        "_",
        "..",
        "/etc/passwd",
    ];
    for key in keys {
        assert_eq!(first.order(&format!("p{key}\nvalue\n")).await, "", "{key}");
    }
    let mut stored: Vec<_> = keys.iter().map(|key| key.replace('|', "\0") + " ").collect();
    stored.sort();
    assert_eq!(first.order("q\n").await, stored.concat());
    // SQL wildcards are ordinary letters in a prefix.
    assert_eq!(first.order("q%\n").await, "% ");
    assert_eq!(first.order("q_\n").await, "_ ");
    assert_eq!(
        (second.order("q\n").await, second.order("ok\n").await),
        ("k ".to_owned(), "untouched".to_owned())
    );
    drop((first, second));
    let mut files: Vec<_> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    files.retain(|file| {
        !file.contains("-wal")
            && !file.contains("-shm")
            && !file.contains("-journal")
            && !file.contains("lock")
    });
    files.sort();
    assert_eq!(files, ["first.db", "second.db"]);
}

#[tokio::test]
async fn a_flood_of_requests_uses_up_only_its_own_owner_s_budget() {
    let shared = Arc::new(Pace::new(PaceConfig::default()));
    let attacker = with_pace(&shared).await;
    let same_owner = with_pace(&shared).await;
    let other_owner = with_pace(&Arc::new(Pace::new(PaceConfig::default()))).await;
    assert_eq!(attacker.order("k5\n").await, "200");
    same_owner.get("/").await;
    other_owner.get("/").await;
    let paced = |stage: &Stage| stage.recorder.take().exchanges[0].paced;
    assert_eq!((paced(&same_owner), paced(&other_owner)), (Duration::from_millis(1_050), Duration::ZERO));
}

/// A clock that stands still, so no sleep ends.
struct Standstill(AtomicU64);

#[async_trait]
impl Clock for Standstill {
    fn now_ms(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }

    async fn sleep(&self, _duration: Duration) {
        pending().await
    }
}

#[tokio::test]
async fn turns_that_a_plugin_reserved_and_did_not_use_are_released() {
    let pace = Arc::new(Pace::new(PaceConfig::default()));
    let clock = Arc::new(Standstill(AtomicU64::new(NOW_MS)));
    let plugin = plugin().await;
    let impatient = Limits { duration_max: Duration::from_millis(50), requests_open_max: 100, ..limits() };
    let hoarder = stage_of(plugin, |builder| {
        builder.approve(approved()).pace(pace.clone()).clock(clock.clone()).limits(impatient)
    });
    // Ninety requests at once reserve every turn of the next twenty seconds; then the call is cut off.
    let ended = hoarder.try_order("i90\n").await;
    assert_eq!(ended, Err(CallError::TimedOut(Deadline::Duration, 50)));
    tokio::task::yield_now().await;
    let recording = hoarder.recorder.take();
    assert_eq!(last_end(&recording), Some(&ExchangeEnd::Abandoned));
    assert_eq!(hoarder.wire.sent().len(), 5);
    let next = with_pace(&pace).await;
    next.get("/").await;
    assert_eq!(next.recorder.take().exchanges[0].paced, Duration::from_millis(1_050));
}

#[tokio::test]
async fn a_plugin_whose_calls_all_hang_leaves_half_of_the_pool_to_other_plugins() {
    const CALLS_MAX: u32 = 4;
    let engine = Engine::new(EngineConfig { calls_max: CALLS_MAX, ..EngineConfig::default() }).unwrap();
    let hanging = engine.load(&guest::component_with_orders(FURTHER)).await.unwrap();
    let other = engine.load(&guest::component()).await.unwrap();
    let brief =
        || Limits { wait_max: Duration::from_millis(200), duration_max: Duration::from_secs(2), ..limits() };
    // Three times the pool's places. Each waits for the response to a request that it never finishes.
    let crowd: Vec<Stage> = (0..3 * CALLS_MAX)
        .map(|_| stage_of(hanging.clone(), |builder| builder.approve(approved()).limits(brief())))
        .collect();
    let neighbour = stage_of(other, |builder| builder.approve(approved()).limits(brief()));
    let mut calls = tokio::task::JoinSet::new();
    for stage in crowd {
        calls.spawn(async move { stage.try_order("u").await });
    }
    let mut answered = 0;
    while calls.len() > CALLS_MAX as usize / 2 {
        assert_eq!(neighbour.order("Ehello").await, "hello");
        answered += 1;
        tokio::time::sleep(Duration::from_millis(5)).await;
        while let Some(ended) = calls.try_join_next() {
            assert_eq!(ended.unwrap(), Err(CallError::Saturated(Busy::Plugin, 200)));
        }
    }
    assert!(answered > 0);
    let ended = calls.join_all().await;
    assert_eq!(ended, vec![Err(CallError::TimedOut(Deadline::Duration, 2_000)); 2]);
}

/// Attackers at once: more than threads.
const CROWD: usize = 16;

#[tokio::test]
async fn a_crowd_of_attackers_on_one_thread_leaves_room_for_a_neighbour() {
    crowd().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crowd_of_attackers_on_two_threads_leaves_room_for_a_neighbour() {
    crowd().await;
}

async fn crowd() {
    let neighbour = hostile(limits()).await;
    neighbour.wire.answer_with(200, ("x", "y"), "open");
    let mut alone = Vec::new();
    for _ in 0..100 {
        alone.push(neighbour_s_call(&neighbour).await);
    }
    let moment = Limits { compute_max: Duration::from_millis(40), ..limits() };
    let mut attackers = tokio::task::JoinSet::new();
    for number in 0..CROWD {
        let stage = hostile(moment.clone()).await;
        // Loops, loops of host calls, floods of log lines and of requests.
        let order = ["I", "a", "b0\n", "j0\n"][number % 4];
        attackers.spawn(async move {
            let ended = stage.try_order(order).await;
            (ended, stage.order("Estill here").await)
        });
    }
    let mut beside = Vec::new();
    while !attackers.is_empty() {
        beside.push(neighbour_s_call(&neighbour).await);
        tokio::task::yield_now().await;
        if let Some(ended) = attackers.try_join_next() {
            let (ended, next) = ended.unwrap();
            assert_eq!(ended, Err(CallError::TimedOut(Deadline::Compute, 40)));
            assert_eq!(next, "still here");
        }
    }
    let middle = |times: &mut Vec<Duration>| {
        times.sort_unstable();
        times[times.len() / 2]
    };
    println!(
        "beside {CROWD} attackers at once: {} pairs of calls, {:.1} times as long as alone (the middle ones), the longest {} ms",
        beside.len(),
        middle(&mut beside).as_secs_f64() / middle(&mut alone).as_secs_f64(),
        beside.last().map_or(0, Duration::as_millis)
    );
}
