//! How calls end, and that none affects the next one or a neighbour.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use door_access_host::contract::connection::State;
use door_access_host::contract::events::{Event, EventKind};
use door_access_host::{
    ApprovedOrigin, Busy, CallEnd, CallError, Deadline, Engine, EngineConfig, Limits, MemoryDirectory,
    MemoryStorage, Outbound, Plugin, Secret, Tenant, TenantError, Transport, TransportError,
};
use tokio::sync::Semaphore;

use crate::guest;
use crate::stage::{ENGINE, KEY, ORIGIN, Stage, stage, stage_of, stage_with};

#[tokio::test]
async fn every_export_answers_in_the_contract_s_types() {
    let stage = stage().await;
    let tenant = &stage.tenant;
    assert_eq!(tenant.status().await.unwrap().unwrap().state, State::NotConnected);
    assert_eq!(tenant.list_groups().await.unwrap().unwrap().groups, []);
    assert_eq!(tenant.refresh_groups().await.unwrap().unwrap().groups, []);
    assert_eq!(tenant.list_mappings().await.unwrap().unwrap(), []);
    assert_eq!(tenant.replace_mappings(&[]).await.unwrap().unwrap(), []);
    let event = Event {
        id: "e-1".to_owned(),
        kind: EventKind::Other("anniversary".to_owned()),
        member: "m-1".to_owned(),
        occurred_at: 0,
    };
    assert_eq!(tenant.handle(&event).await.unwrap().unwrap(), []);
    let exports: Vec<_> =
        stage.recorder.take().calls.into_iter().map(|call| (call.call, call.export)).collect();
    let expected = [
        (1, "connection.status"),
        (2, "groups.list"),
        (3, "groups.refresh"),
        (4, "mappings.list"),
        (5, "mappings.replace"),
        (6, "events.handle"),
    ];
    assert_eq!(exports, expected);
}

#[tokio::test]
async fn every_call_has_an_instance_of_its_own() {
    let stage = stage().await;
    for _ in 0..3 {
        assert_eq!(stage.order("N").await, "1");
    }
}

#[tokio::test]
async fn the_guest_s_clock_is_the_tenant_s() {
    let stage = stage().await;
    assert_eq!(stage.order("C").await, "1767225600");
    stage.clock.advance(Duration::from_secs(60));
    assert_eq!(stage.order("C").await, "1767225660");
}

#[tokio::test]
async fn a_panic_is_reported_with_its_text_and_the_next_call_works() {
    let stage = stage().await;
    match stage.try_order("Pindex out of bounds").await {
        Err(CallError::Trapped { panic, .. }) => assert_eq!(panic.as_deref(), Some("index out of bounds")),
        other => panic!("{other:?}"),
    }
    match stage.try_order("T").await {
        Err(CallError::Trapped { message, panic: None }) => {
            assert!(message.contains("unreachable"), "{message}")
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(stage.order("Estill here").await, "still here");
}

#[tokio::test]
async fn a_guest_that_never_ends_is_stopped_after_its_computing_time() {
    let limits = Limits { compute_max: Duration::from_millis(100), ..Limits::default() };
    let stage = stage_with(|builder| builder.limits(limits)).await;
    assert_eq!(stage.try_order("I").await, Err(CallError::TimedOut(Deadline::Compute, 100)));
    assert_eq!(stage.order("N").await, "1");
}

#[tokio::test]
async fn a_guest_that_loops_lets_other_tasks_on_its_thread_run() {
    // One thread: without interruption, neither the guest's deadline nor the other call could run.
    let limits = Limits { duration_max: Duration::from_millis(300), ..Limits::default() };
    let spinning = stage_with(|builder| builder.limits(limits)).await;
    let other = stage().await;
    let (spun, answered) = tokio::join!(spinning.try_order("I"), other.order("Ehello"));
    assert_eq!(spun, Err(CallError::TimedOut(Deadline::Duration, 300)));
    assert_eq!(answered, "hello");
}

#[tokio::test]
async fn a_guest_that_takes_all_memory_is_stopped_at_its_limit() {
    let limits = Limits { memory_bytes_max: 8 << 20, ..Limits::default() };
    let stage = stage_with(|builder| builder.limits(limits)).await;
    match stage.try_order("M").await {
        Err(CallError::MemoryLimit { limit_bytes, wanted_bytes }) => {
            assert_eq!(limit_bytes, 8 << 20);
            assert!(wanted_bytes > limit_bytes);
        }
        other => panic!("{other:?}"),
    }
    let calls = stage.recorder.take().calls;
    assert!((1 << 20..=8 << 20).contains(&calls[0].memory_bytes_peak), "{calls:?}");
    assert_eq!(stage.order("N").await, "1");
}

#[tokio::test]
async fn log_lines_over_the_limit_are_dropped_and_the_last_line_says_how_many() {
    let limits = Limits { log_bytes_max: 10, ..Limits::default() };
    let stage = stage_with(|builder| builder.limits(limits)).await;
    assert_eq!(stage.order("La line that is too long").await, "logged");
    let recording = stage.recorder.take();
    assert_eq!(recording.lines.len(), 1, "{:?}", recording.lines);
    assert_eq!(recording.lines[0].fields[0].value, "1");
    assert_eq!((recording.calls[0].log_lines, recording.calls[0].log_lines_dropped), (0, 1));
}

#[tokio::test]
async fn a_directory_request_beyond_the_contract_ends_the_call() {
    let stage = stage().await;
    assert_eq!(stage.order("Dx").await, "listed");
    match stage.try_order("D").await {
        Err(CallError::Trapped { message, .. }) => assert!(message.contains("limit is 0"), "{message}"),
        other => panic!("{other:?}"),
    }
    stage.directory.set_unavailable(Some("maintenance".to_owned()));
    assert_eq!(stage.order("Dx").await, "directory refused");
}

#[tokio::test]
async fn each_call_is_reported_with_its_end() {
    let stage = stage().await;
    stage.tenant.status().await.unwrap().unwrap();
    stage.order("Ltext").await;
    stage.try_order("T").await.unwrap_err();
    let ends: Vec<_> =
        stage.recorder.take().calls.into_iter().map(|call| (call.end, call.log_lines)).collect();
    assert!(
        matches!(&ends[..], [(CallEnd::Done, 0), (CallEnd::Refused, 1), (CallEnd::Failed(_), 0)]),
        "{ends:?}"
    );
}

/// A network that answers each request only when given a permit.
struct SlowNetwork(Semaphore);

#[async_trait]
impl Transport for SlowNetwork {
    async fn send(&self, _outbound: Outbound) -> Result<http::Response<Bytes>, TransportError> {
        self.0.acquire().await.unwrap().forget();
        Ok(http::Response::default())
    }
}

const GET: &str = "HG\nhttps\napi.example.com\n/\n";

/// A tenant of this plugin whose network answers only when given a permit.
fn slow(plugin: Plugin, limits: Limits) -> (Stage, Arc<SlowNetwork>) {
    let network = Arc::new(SlowNetwork(Semaphore::new(0)));
    let approved = ApprovedOrigin::direct(ORIGIN.parse().unwrap());
    let stage =
        stage_of(plugin, |builder| builder.transport(network.clone()).approve(approved).limits(limits));
    (stage, network)
}

async fn plugin() -> Plugin {
    ENGINE.load(&guest::component()).await.unwrap()
}

#[tokio::test]
async fn calls_of_one_tenant_wait_for_each_other_and_calls_of_others_do_not() {
    let limits = Limits { wait_max: Duration::from_millis(50), ..Limits::default() };
    let (blocked, network) = slow(plugin().await, limits);
    let other = stage().await;
    let waiting = async {
        tokio::task::yield_now().await;
        let second = blocked.try_order("Esecond").await;
        let neighbour = other.order("Eneighbour").await;
        network.0.add_permits(1);
        (second, neighbour)
    };
    let (first, (second, neighbour)) = tokio::join!(blocked.try_order(GET), waiting);
    assert_eq!(second, Err(CallError::Saturated(Busy::Tenant, 50)));
    assert_eq!((first.as_deref(), neighbour.as_str()), (Ok("200"), "neighbour"));
}

#[tokio::test]
async fn a_call_without_a_free_instance_ends_as_saturated() {
    let engine = Engine::new(EngineConfig { calls_max: 1, ..EngineConfig::default() }).unwrap();
    let plugin = engine.load(&guest::component()).await.unwrap();
    let other = engine.load(&guest::component_with("Example doors", "Another doors")).await.unwrap();
    let brief = || Limits { wait_max: Duration::from_millis(50), ..Limits::default() };
    let (first, network) = slow(plugin.clone(), brief());
    let (second, third) = (slow(plugin, brief()).0.tenant, slow(other, brief()).0.tenant);
    let waiting = async {
        tokio::task::yield_now().await;
        let refused = (second.status().await, third.status().await);
        network.0.add_permits(1);
        refused
    };
    let (_, refused) = tokio::join!(first.try_order(GET), waiting);
    assert_eq!(refused.0.unwrap_err(), CallError::Saturated(Busy::Plugin, 50));
    assert_eq!(refused.1.unwrap_err(), CallError::Saturated(Busy::Engine, 50));
    assert!(second.status().await.is_ok() && third.status().await.is_ok());
}

#[tokio::test]
async fn a_call_that_waits_for_a_response_ends_at_its_deadline() {
    let limits = Limits { duration_max: Duration::from_millis(100), ..Limits::default() };
    let (stage, _network) = slow(plugin().await, limits);
    assert_eq!(stage.try_order(GET).await, Err(CallError::TimedOut(Deadline::Duration, 100)));
}

#[tokio::test]
async fn a_tenant_is_ready_after_its_caller_drops_a_call() {
    let (stage, _network) = slow(plugin().await, Limits::default());
    let dropped = tokio::time::timeout(Duration::from_millis(20), stage.try_order(GET)).await;
    assert!(dropped.is_err());
    assert_eq!(stage.order("N").await, "1");
}

#[tokio::test]
async fn a_tenant_without_a_required_part_is_not_built() {
    let plugin = plugin().await;
    let missing = Tenant::builder(plugin.clone(), "t").build().unwrap_err();
    assert_eq!(missing.to_string(), "a tenant needs a directory");
    let greedy = Tenant::builder(plugin, "t")
        .directory(Arc::new(MemoryDirectory::new()))
        .storage(Arc::new(MemoryStorage::new()))
        .credential(Secret::new(KEY).unwrap())
        .transport(Arc::new(SlowNetwork(Semaphore::new(0))))
        .limits(Limits { memory_bytes_max: 4 << 30, ..Limits::default() })
        .build();
    assert!(matches!(greedy, Err(TenantError::LimitTooHigh { limit: "memory_bytes_max", .. })), "{greedy:?}");
}
