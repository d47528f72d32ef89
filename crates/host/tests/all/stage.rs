//! A tenant whose whole environment the test controls.

use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use door_access_host::contract::types::{Demand, Error, InputError};
use door_access_host::{
    ApprovedOrigin, CallError, Engine, EngineConfig, MemoryDirectory, MemoryStorage, Outbound, Plugin,
    Recorder, Secret, Tenant, TenantBuilder, Transport, TransportError, VirtualClock,
};

use crate::guest;

pub(crate) const KEY: &str = "sesame-open-12345";
/// The key as written in an order; see `guest.wat`.
pub(crate) const KEY_IN_ORDERS: &str = "sesame^open^12345";
pub(crate) const ORIGIN: &str = "https://api.example.com";
/// 2026-01-01T00:00:00Z.
pub(crate) const NOW_MS: u64 = 1_767_225_600_000;

/// One engine for all tests; it compiles the guest once.
pub(crate) static ENGINE: LazyLock<Engine> = LazyLock::new(|| {
    let config = EngineConfig { calls_max: 32, tick: Duration::from_millis(2), ..EngineConfig::default() };
    Engine::new(config).unwrap()
});

type Answer =
    Box<dyn Fn(&http::Request<Bytes>) -> Result<http::Response<Bytes>, TransportError> + Send + Sync>;

/// A network that records requests and answers as set.
pub(crate) struct Wire {
    sent: Mutex<Vec<http::Request<Bytes>>>,
    answer: Mutex<Answer>,
}

impl Wire {
    /// All requests so far, as they would be sent.
    pub(crate) fn sent(&self) -> Vec<http::Request<Bytes>> {
        self.sent.lock().unwrap().clone()
    }

    /// Forgets the requests so far.
    pub(crate) fn forget(&self) {
        self.sent.lock().unwrap().clear();
    }

    pub(crate) fn answer(
        &self,
        answer: impl Fn(&http::Request<Bytes>) -> Result<http::Response<Bytes>, TransportError>
        + Send
        + Sync
        + 'static,
    ) {
        *self.answer.lock().unwrap() = Box::new(answer);
    }

    /// Answers everything with this status, header and body.
    pub(crate) fn answer_with(&self, status: u16, header: (&'static str, &'static str), body: &'static str) {
        self.answer(move |_| {
            let response = http::Response::builder().status(status).header(header.0, header.1);
            Ok(response.body(Bytes::from_static(body.as_bytes())).unwrap())
        });
    }
}

#[async_trait]
impl Transport for Wire {
    async fn send(&self, outbound: Outbound) -> Result<http::Response<Bytes>, TransportError> {
        self.sent.lock().unwrap().push(outbound.request.clone());
        (self.answer.lock().unwrap())(&outbound.request)
    }
}

pub(crate) struct Stage {
    pub(crate) tenant: Tenant,
    pub(crate) storage: Arc<MemoryStorage>,
    pub(crate) directory: Arc<MemoryDirectory>,
    pub(crate) clock: Arc<VirtualClock>,
    pub(crate) recorder: Arc<Recorder>,
    pub(crate) wire: Arc<Wire>,
}

/// A tenant of the obedient plugin with its origin approved.
pub(crate) async fn stage() -> Stage {
    stage_with(|builder| builder.approve(ApprovedOrigin::direct(ORIGIN.parse().unwrap()))).await
}

/// A tenant of the obedient plugin, changed before it is built. Nothing is approved.
pub(crate) async fn stage_with(change: impl FnOnce(TenantBuilder) -> TenantBuilder) -> Stage {
    stage_of(ENGINE.load(&guest::component()).await.unwrap(), change)
}

/// A tenant of this plugin, changed before it is built. Nothing is approved.
pub(crate) fn stage_of(plugin: Plugin, change: impl FnOnce(TenantBuilder) -> TenantBuilder) -> Stage {
    let storage = Arc::new(MemoryStorage::new());
    let directory = Arc::new(MemoryDirectory::new());
    let clock = Arc::new(VirtualClock::new(NOW_MS));
    let recorder = Arc::new(Recorder::with_bodies(100));
    let wire = Arc::new(Wire {
        sent: Mutex::default(),
        answer: Mutex::new(Box::new(|_| Ok(http::Response::default()))),
    });
    let builder = Tenant::builder(plugin, "north-gym")
        .directory(directory.clone())
        .storage(storage.clone())
        .credential(Secret::new(KEY).unwrap())
        .transport(wire.clone())
        .clock(clock.clone())
        .observer(recorder.clone());
    let tenant = change(builder).build().unwrap();
    Stage { tenant, storage, directory, clock, recorder, wire }
}

impl Stage {
    /// Gives the plugin an order and returns its answer.
    pub(crate) async fn order(&self, order: &str) -> String {
        self.try_order(order).await.unwrap_or_else(|error| panic!("{order}: {error}"))
    }

    /// Gives the plugin an order that may fail.
    pub(crate) async fn try_order(&self, order: &str) -> Result<String, CallError> {
        match self.tenant.connect(order).await? {
            Err(InputError::Failed(Error { demand: Demand::Reject, message, .. })) => Ok(message),
            other => panic!("{order}: {other:?}"),
        }
    }

    /// Has the plugin send a request to its origin.
    pub(crate) async fn get(&self, path: &str) -> String {
        self.order(&format!("HG\nhttps\napi.example.com\n{path}\n")).await
    }
}
