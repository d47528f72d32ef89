//! One call: a fresh store and instance, the guest's work under its deadlines, and how it ended.
//!
//! Only what went through storage or out of the gate outlives a call. So a trap, a deadline or a caller that drops the
//! future needs no repair: the store is gone, and the next call starts from the compiled component.

mod gate;
mod imports;
mod meter;
mod record;
mod words;

use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;
use wasmtime::component::{ResourceTable, ResourceTableError};
use wasmtime::{Store, Trap, UpdateDeadline};
use wasmtime_wasi_http::WasiHttpCtx;

use crate::clock::Clock;
use crate::contract::bindings;
use crate::directory::Directory;
use crate::error::{Busy, CallError, Deadline, EndCall};
use crate::limits::{Limits, STACK_BYTES_MAX};
use crate::log::{LogQuota, LogSink};
use crate::observe::Observer;
use crate::pool::Pool;
use crate::storage::Storage;
use gate::GateHooks;
use meter::Meter;
use record::CallRecord;

pub(crate) use gate::Gate;
pub(crate) use imports::link;

/// Where the instances of one component come from.
pub(crate) struct Instances {
    pub(crate) pool: Arc<Pool>,
    pub(crate) component: bindings::PluginPre<CallCtx>,
    /// One permit for each instance that this component may have at once.
    pub(crate) share: Semaphore,
}

/// What the host provides to the calls of one tenant.
pub(crate) struct Provisions {
    pub(crate) tenant: Arc<str>,
    pub(crate) directory: Arc<dyn Directory>,
    pub(crate) storage: Arc<dyn Storage>,
    pub(crate) gate: Arc<Gate>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) log: Arc<dyn LogSink>,
    pub(crate) observer: Option<Arc<dyn Observer>>,
    pub(crate) limits: Arc<Limits>,
}

/// The state inside the store of one call.
pub(crate) struct CallCtx {
    provisions: Arc<Provisions>,
    record: Arc<CallRecord>,
    log_quota: LogQuota,
    meter: Meter,
    table: ResourceTable,
    http: WasiHttpCtx,
    hooks: GateHooks,
}

/// What a call used.
#[derive(Debug, Default)]
pub(crate) struct Usage {
    pub(crate) requests: u32,
    pub(crate) log_lines: u32,
    pub(crate) log_lines_dropped: u32,
    pub(crate) memory_bytes_peak: u64,
    pub(crate) duration: Duration,
}

/// The guest's side of a call, as the generated bindings make it.
pub(crate) type Work<'a, T> = Pin<Box<dyn Future<Output = wasmtime::Result<T>> + Send + 'a>>;

/// The call whose responses contain a secret: no observer sees their bodies.
pub(crate) const ISSUE_LOGIN: &str = "doors.issue-login";

/// Which call it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Which {
    /// Counts the tenant's calls from 1.
    pub(crate) number: u64,
    /// The called function, as the contract names it.
    pub(crate) export: &'static str,
}

/// Makes an instance, lets `work` call it, and ends it.
pub(crate) async fn run<T>(
    instances: &Instances,
    provisions: &Arc<Provisions>,
    which: Which,
    work: impl for<'a> FnOnce(&'a bindings::Plugin, &'a mut Store<CallCtx>) -> Work<'a, T>,
) -> (Result<T, CallError>, Usage) {
    let limits = Arc::clone(&provisions.limits);
    // Both permits are held until the store is gone and its place in the pool is free again. Acquire the plugin's permit
    // first, so a saturated plugin holds no engine places.
    let deadline = tokio::time::Instant::now() + limits.wait_max;
    let saturated = |busy| (Err(CallError::Saturated(busy, in_ms(limits.wait_max))), Usage::default());
    let Ok(Ok(_share)) = tokio::time::timeout_at(deadline, instances.share.acquire()).await else {
        return saturated(Busy::Plugin);
    };
    let Ok(Ok(_place)) = tokio::time::timeout_at(deadline, instances.pool.places.acquire()).await else {
        return saturated(Busy::Engine);
    };
    let began = Instant::now();
    let record = Arc::new(CallRecord::new(provisions, which));
    let mut store = new_store(&instances.pool, provisions, &record);

    let guest = async {
        let instance = instances.component.instantiate_async(&mut store).await.map_err(Ending::Start)?;
        work(&instance, &mut store).await.map_err(Ending::Run)
    };
    let ended = tokio::select! {
        // Biased, so that an aborted call does not continue because its answer came at the same moment.
        biased;
        reason = record.aborted() => Err(CallError::Aborted(reason)),
        ended = tokio::time::timeout(limits.duration_max, guest) => match ended {
            Ok(ended) => ended.map_err(|ending| ending.explain(&record, &limits)),
            Err(_) => Err(CallError::TimedOut(Deadline::Duration, in_ms(limits.duration_max))),
        },
    };

    let ctx = store.data();
    if let Some((level, message, fields)) = ctx.log_quota.notice() {
        record.log(level, message, fields);
    }
    let usage = Usage {
        requests: record.requests(),
        log_lines: limits.log_lines_max - ctx.log_quota.lines_left(),
        log_lines_dropped: ctx.log_quota.dropped(),
        memory_bytes_peak: ctx.meter.memory_bytes_peak(),
        duration: began.elapsed(),
    };
    (ended, usage)
}

fn new_store(pool: &Pool, provisions: &Arc<Provisions>, record: &Arc<CallRecord>) -> Store<CallCtx> {
    let limits = &provisions.limits;
    let mut table = ResourceTable::new();
    table.set_max_capacity(limits.resources_max);
    let mut http = WasiHttpCtx::new();
    http.set_field_size_limit(limits.header_bytes_max);
    let ctx = CallCtx {
        provisions: Arc::clone(provisions),
        record: Arc::clone(record),
        log_quota: LogQuota::new(limits),
        meter: Meter::new(limits),
        table,
        http,
        hooks: GateHooks::new(record),
    };
    let mut store = Store::new(&pool.wasm, ctx);
    store.limiter(|ctx| &mut ctx.meter);
    store.set_hostcall_fuel(limits.hostcall_bytes_max);

    // At each tick the guest yields to other tasks, its own timeout among them. When its ticks are used up it is stopped.
    let compute_ms = in_ms(limits.compute_max);
    let mut ticks_left = compute_ms.div_ceil(in_ms(pool.tick).max(1));
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(move |_| match ticks_left.checked_sub(1) {
        Some(left) => {
            ticks_left = left;
            Ok(UpdateDeadline::YieldCustom(1, Box::pin(tokio::task::yield_now())))
        }
        None => Err(EndCall(CallError::TimedOut(Deadline::Compute, compute_ms)).into()),
    });
    store
}

/// Where a guest failed.
enum Ending {
    Start(wasmtime::Error),
    Run(wasmtime::Error),
}

impl Ending {
    fn explain(self, record: &CallRecord, limits: &Limits) -> CallError {
        let (Self::Start(error) | Self::Run(error)) = &self;
        if let Some(EndCall(ended)) = error.chain().find_map(|cause| cause.downcast_ref::<EndCall>()) {
            return ended.clone();
        }
        let message = error.root_cause().to_string();
        let is_full = |cause: &ResourceTableError| matches!(cause, ResourceTableError::Full);
        if error.chain().any(|cause| cause.downcast_ref().is_some_and(is_full)) {
            return CallError::ResourceLimit { limit: limits.resources_max as u64 };
        }
        if error.chain().any(|cause| cause.is::<wasmtime_wasi_http::FieldMapError>()) {
            return CallError::HeaderLimit { limit_bytes: limits.header_bytes_max as u64 };
        }
        if imports::is_hostcall_limit(error) {
            return CallError::HostCallLimit { limit_bytes: limits.hostcall_bytes_max as u64 };
        }
        let trap = error.chain().find_map(|cause| cause.downcast_ref::<Trap>());
        if trap == Some(&Trap::StackOverflow) {
            return CallError::StackLimit { limit_bytes: STACK_BYTES_MAX as u64 };
        }
        match self {
            Self::Start(_) if trap.is_none() => CallError::Instance(message),
            _ => CallError::Trapped { message, panic: record.last_error_line() },
        }
    }
}

pub(crate) fn in_ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
