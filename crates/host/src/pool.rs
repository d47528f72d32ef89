//! One wasmtime engine with its pool of instances, and the thread that advances its epoch.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use thiserror::Error;
use tokio::sync::Semaphore;
use wasmtime::{Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

use crate::limits::{CORE_INSTANCES_MAX, EngineConfig, MEMORIES_MAX, STACK_BYTES_MAX, TABLES_MAX};

/// Why an engine cannot start.
#[derive(Debug, Error)]
#[error("the WebAssembly engine does not start: {message}")]
pub struct EngineError {
    /// The engine's reason, for example that the machine refuses so much address space: then lower
    /// [`EngineConfig::calls_max`].
    pub message: String,
}

/// What all components and calls of an engine share.
pub(crate) struct Pool {
    pub(crate) wasm: Engine,
    /// One permit for each instance that the pool has room for.
    pub(crate) places: Semaphore,
    pub(crate) tick: Duration,
    // The ticking thread ends when this end of the channel is dropped.
    _ticking: Sender<()>,
}

impl Pool {
    pub(crate) fn new(config: &EngineConfig) -> Result<Self, EngineError> {
        let wasm = Engine::new(&wasm_config(config))
            .map_err(|error| EngineError { message: format!("{error:#}") })?;
        let ticking = start_ticking(&wasm, config.tick)
            .map_err(|error| EngineError { message: format!("no thread for its ticks: {error}") })?;
        let places = Semaphore::new(usize::try_from(config.calls_max).unwrap_or(Semaphore::MAX_PERMITS));
        Ok(Self { wasm, places, tick: config.tick, _ticking: ticking })
    }
}

/// Starts the thread that advances the epoch. A running guest notices at its next loop or function. The thread holds
/// the engine weakly, so that it does not keep the engine alive.
fn start_ticking(engine: &Engine, tick: Duration) -> std::io::Result<Sender<()>> {
    let (ticking, ended) = channel::<()>();
    let engine = engine.weak();
    thread::Builder::new().name("wasm-epochs".to_owned()).spawn(move || {
        while ended.recv_timeout(tick) == Err(RecvTimeoutError::Timeout) {
            match engine.upgrade() {
                Some(engine) => engine.increment_epoch(),
                None => break,
            }
        }
    })?;
    Ok(ticking)
}

fn wasm_config(config: &EngineConfig) -> Config {
    let calls = config.calls_max;
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(calls)
        .total_core_instances(calls.saturating_mul(CORE_INSTANCES_MAX))
        .total_memories(calls.saturating_mul(MEMORIES_MAX))
        .total_tables(calls.saturating_mul(TABLES_MAX))
        .total_stacks(calls)
        .max_core_instances_per_component(CORE_INSTANCES_MAX)
        .max_memories_per_component(MEMORIES_MAX)
        .max_tables_per_component(TABLES_MAX)
        .max_memory_size(config.memory_bytes_max)
        .table_elements(config.table_elements_max);
    let mut wasm = Config::new();
    wasm.allocation_strategy(InstanceAllocationStrategy::Pooling(pool))
        .memory_init_cow(true)
        .epoch_interruption(true)
        .max_wasm_stack(STACK_BYTES_MAX)
        .wasm_component_model(true)
        // The meter and the check of initial sizes are for one 32-bit memory.
        .wasm_memory64(false)
        .wasm_multi_memory(false)
        // The contract has no concurrent functions; without them a store is cheaper.
        .concurrency_support(false);
    wasm
}
