//! The process's part: one WebAssembly engine, its pool of instances, and the clock that keeps guests from
//! spinning.
//!
//! Make one [`Engine`] for the process. It compiles each component once; tenants share the code, and calls
//! share the pool.

mod ticker;

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;
use wasmtime::component::Linker;
use wasmtime::{Config, InstanceAllocationStrategy, PoolingAllocationConfig};

use crate::call::{CallCtx, link};
use crate::component::{Cache, Loaded, Plugin};
use crate::error::{EngineError, LoadError};
use crate::limits::{CORE_INSTANCES_MAX, Limits, MEMORIES_MAX, STACK_BYTES_MAX, TABLES_MAX};
use ticker::Ticker;

/// What an engine is made for. All instances together reserve address space, not memory; what they use is
/// what guests touch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineConfig {
    /// Calls that run at once; more wait. Calls of one plugin have at most half of the places, and at least one, so that
    /// the other half is left for other plugins. Default 256. Each reserves 4 GiB of address space.
    pub calls_max: u32,
    /// Largest component, in bytes. Default 4 MiB: a release build has a fraction of one.
    pub component_bytes_max: u64,
    /// The most memory that any tenant's [`Limits`] may allow a call. Default 256 MiB.
    pub memory_bytes_max: usize,
    /// The largest table that any tenant's [`Limits`] may allow a call. Default 20,000 elements.
    pub table_elements_max: usize,
    /// How often running guests are interrupted: they make room for others, and their computing time is
    /// counted. Default 10 ms.
    pub tick: Duration,
    /// A folder for compiled components, so that the next start loads instead of compiling. Only this host
    /// may write it. Default none.
    pub cache: Option<PathBuf>,
    /// What a component may use to describe itself when it is loaded. Default: [`Limits::default`].
    pub describe_limits: Limits,
}

impl Default for EngineConfig {
    fn default() -> Self {
        Self {
            calls_max: 256,
            component_bytes_max: 4 << 20,
            memory_bytes_max: 256 << 20,
            table_elements_max: 20_000,
            tick: Duration::from_millis(10),
            cache: None,
            describe_limits: Limits::default(),
        }
    }
}

/// One WebAssembly engine for the process. Cloning it is cheap and gives the same engine.
#[derive(Clone)]
pub struct Engine {
    shared: Arc<Shared>,
}

/// What the engine's components and calls share with it.
pub(crate) struct Shared {
    pub(crate) wasm: wasmtime::Engine,
    pub(crate) linker: Linker<CallCtx>,
    /// One permit for each instance that the pool has room for.
    pub(crate) slots: Semaphore,
    /// One permit: compiling takes many times a component's size, so components are compiled one after another.
    pub(crate) compiling: Arc<Semaphore>,
    pub(crate) tick: Duration,
    pub(crate) config: EngineConfig,
    cache: Option<Cache>,
    loaded: Mutex<HashMap<Hash, Weak<Loaded>>>,
    // Ends its thread when the last component of the engine is gone.
    _ticker: Ticker,
}

/// SHA-256 of a component.
pub(crate) type Hash = [u8; 32];

impl Engine {
    /// Makes the engine and starts the thread that ticks it.
    ///
    /// # Errors
    /// When the machine does not give what the configuration needs, above all address space.
    pub fn new(config: EngineConfig) -> Result<Self, EngineError> {
        let failed = |error: wasmtime::Error| EngineError { message: format!("{error:#}") };
        let wasm = wasmtime::Engine::new(&wasm_config(&config)).map_err(failed)?;
        let mut linker = Linker::new(&wasm);
        link(&mut linker).map_err(failed)?;
        let ticker = Ticker::start(&wasm, config.tick)
            .map_err(|error| EngineError { message: format!("no thread for its ticks: {error}") })?;
        let cache = config.cache.as_deref().map(|folder| Cache::new(folder, &wasm));
        let shared = Shared {
            wasm,
            linker,
            slots: Semaphore::new(usize::try_from(config.calls_max).unwrap_or(Semaphore::MAX_PERMITS)),
            compiling: Arc::new(Semaphore::new(1)),
            tick: config.tick,
            cache,
            loaded: Mutex::default(),
            _ticker: ticker,
            config,
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Takes a component: checks it, compiles it, and asks it for its manifest. The same bytes a second time
    /// give what is there already.
    ///
    /// Compiling takes some tens of milliseconds of a blocking thread; with a cache folder it happens once
    /// per machine.
    ///
    /// # Errors
    /// See [`LoadError`]: every variant says what is wrong with the component and what to do.
    pub async fn load(&self, bytes: &[u8]) -> Result<Plugin, LoadError> {
        let bytes_max = self.shared.config.component_bytes_max;
        if bytes.len() as u64 > bytes_max {
            return Err(LoadError::TooLarge { bytes: bytes.len() as u64, bytes_max });
        }
        let hash: Hash = Sha256::digest(bytes).into();
        if let Some(loaded) = self.loaded(&hash) {
            return Ok(Plugin::new(loaded));
        }
        let loaded = Arc::new(Loaded::load(&self.shared, self.shared.cache.as_ref(), hash, bytes).await?);
        let mut table = self.shared.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        table.retain(|_, loaded| loaded.strong_count() > 0);
        // Two loads of the same bytes may have raced; the first one stays.
        if let Some(first) = table.get(&hash).and_then(Weak::upgrade) {
            return Ok(Plugin::new(first));
        }
        table.insert(hash, Arc::downgrade(&loaded));
        Ok(Plugin::new(loaded))
    }

    /// [`load`](Engine::load) from a file.
    ///
    /// # Errors
    /// [`LoadError::Read`], and those of `load`.
    pub async fn load_file(&self, path: impl AsRef<Path>) -> Result<Plugin, LoadError> {
        let path = path.as_ref();
        let read = |source| LoadError::Read { path: path.to_owned(), source };
        // The size first, so that the wrong file does not fill the memory.
        let bytes = std::fs::metadata(path).map_err(read)?.len();
        let bytes_max = self.shared.config.component_bytes_max;
        if bytes > bytes_max {
            return Err(LoadError::TooLarge { bytes, bytes_max });
        }
        let bytes = std::fs::read(path).map_err(read)?;
        self.load(&bytes).await
    }

    fn loaded(&self, hash: &Hash) -> Option<Arc<Loaded>> {
        let table = self.shared.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        table.get(hash).and_then(Weak::upgrade)
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").field("config", &self.shared.config).finish_non_exhaustive()
    }
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
        // The meter, and what a component may begin with, are for one memory of 32 bits.
        .wasm_memory64(false)
        .wasm_multi_memory(false)
        // The contract has no concurrent functions; without them a store is cheaper to make.
        .concurrency_support(false);
    wasm
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn components_are_compiled_one_after_another() {
        let engine = Engine::new(EngineConfig { calls_max: 1, ..EngineConfig::default() }).unwrap();
        let moment = Duration::from_millis(100);
        // The least that begins like a component. It is no plugin, which is known once it is compiled.
        let component = b"\0asm\x0d\0\x01\0";
        let other_s_turn = Arc::clone(&engine.shared.compiling).acquire_owned().await;
        assert!(tokio::time::timeout(moment, engine.load(component)).await.is_err());
        drop(other_s_turn);
        let loaded = engine.load(component).await;
        assert!(matches!(loaded, Err(LoadError::ExportsMissing { .. })), "{loaded:?}");
    }
}
