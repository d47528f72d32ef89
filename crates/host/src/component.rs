//! A component: checked before any of it runs, compiled once, and asked for its manifest.

mod cache;
mod demands;
mod error;
mod imports;
mod manifest;

use std::fmt;
use std::sync::Arc;

use http::{HeaderName, header};
use tokio::sync::Semaphore;
use wasmtime::component::{Component, Linker};

use crate::call::{self, CallCtx, Gate, Instances, Provisions, Which};
use crate::clock::SystemClock;
use crate::contract::bindings::PluginPre;
use crate::contract::provider::Manifest;
use crate::directory::MemoryDirectory;
use crate::egress::{Origin, Outbound, Pace, Transport, TransportError};
use crate::limits::EngineConfig;
use crate::log::TracingSink;
use crate::pool::Pool;
use crate::storage::MemoryStorage;
use cache::Cache;

pub use error::LoadError;
pub use manifest::{CONTRACT_VERSION, ManifestError};

/// SHA-256 of a component.
pub(crate) type Hash = [u8; 32];

/// A component that was accepted: compiled, and with a manifest that the host can honour. Clones share it.
///
/// It belongs to no tenant; see [`Tenant::builder`](crate::Tenant::builder).
#[derive(Clone)]
pub struct Plugin {
    loaded: Arc<Loaded>,
}

/// The accepted component, shared by all its users.
pub(crate) struct Loaded {
    pub(crate) instances: Instances,
    pub(crate) config: Arc<EngineConfig>,
    manifest: Manifest,
    origins: Vec<Origin>,
    key_header: HeaderName,
    hash: Hash,
    size_bytes: u64,
    imports: Vec<String>,
    exports: Vec<String>,
}

impl Plugin {
    pub(crate) fn new(loaded: Arc<Loaded>) -> Self {
        Self { loaded }
    }

    pub(crate) fn loaded(&self) -> &Loaded {
        &self.loaded
    }

    /// Its description of itself, read and checked when it was loaded.
    pub fn manifest(&self) -> &Manifest {
        &self.loaded.manifest
    }

    /// The origins of its manifest, normalized. Show them to the installer: those that are approved become the
    /// tenant's.
    pub fn origins(&self) -> &[Origin] {
        &self.loaded.origins
    }

    pub(crate) fn key_header(&self) -> &HeaderName {
        &self.loaded.key_header
    }

    /// The interfaces that it imports, in the component's own spelling, versions included.
    pub fn imports(&self) -> &[String] {
        &self.loaded.imports
    }

    /// The interfaces that it exports, in the component's own spelling, versions included.
    pub fn exports(&self) -> &[String] {
        &self.loaded.exports
    }

    /// Size of the component, in bytes.
    pub fn size_bytes(&self) -> u64 {
        self.loaded.size_bytes
    }

    /// SHA-256 of the component, in lower-case hexadecimal.
    pub fn hash(&self) -> String {
        hex::encode(self.loaded.hash)
    }
}

impl fmt::Debug for Plugin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plugin")
            .field("name", &self.manifest().name)
            .field("version", &self.manifest().version)
            .field("hash", &self.hash())
            .finish_non_exhaustive()
    }
}

/// Turns bytes into accepted components.
pub(crate) struct Loader {
    pub(crate) config: Arc<EngineConfig>,
    /// One permit: compiling takes many times a component's size in memory, so components are compiled one by one.
    pub(crate) turn: Arc<Semaphore>,
    pool: Arc<Pool>,
    linker: Linker<CallCtx>,
    cache: Option<Cache>,
}

impl Loader {
    pub(crate) fn new(pool: Pool, config: EngineConfig) -> wasmtime::Result<Self> {
        let mut linker = Linker::new(&pool.wasm);
        call::link(&mut linker)?;
        let cache = config.cache.as_deref().map(|folder| Cache::new(folder, &pool.wasm));
        let turn = Arc::new(Semaphore::new(1));
        Ok(Self { config: Arc::new(config), turn, pool: Arc::new(pool), linker, cache })
    }

    /// Compiles, checks and describes a component. None of it runs before it has passed every check that can be made
    /// without running it.
    pub(crate) async fn load(&self, hash: Hash, bytes: &[u8]) -> Result<Loaded, LoadError> {
        check_kind(bytes)?;
        let component = self.compile(&hash, bytes).await?;
        let ty = component.component_type();
        let imports = imports::names(ty.imports(&self.pool.wasm));
        let exports = imports::names(ty.exports(&self.pool.wasm));
        imports::check(&self.pool.wasm, &ty)?;
        demands::check_start(&component, &self.config.describe_limits)?;
        let other_contract =
            |error: wasmtime::Error| LoadError::OtherContract { message: format!("{error:#}") };
        let pre = self.linker.instantiate_pre(&component).map_err(other_contract)?;
        let instances = Instances {
            pool: Arc::clone(&self.pool),
            component: PluginPre::new(pre).map_err(other_contract)?,
            share: Semaphore::new(calls_per_plugin(self.config.calls_max)),
        };
        let manifest = describe(&instances, &self.config).await?;
        let (origins, key_header) = manifest::check(&manifest).map_err(LoadError::Manifest)?;
        let (config, size_bytes) = (Arc::clone(&self.config), bytes.len() as u64);
        Ok(Loaded { instances, config, manifest, origins, key_header, hash, size_bytes, imports, exports })
    }

    async fn compile(&self, hash: &Hash, bytes: &[u8]) -> Result<Component, LoadError> {
        let wasm = &self.pool.wasm;
        if let Some(cache) = &self.cache {
            cache.check()?;
            if let Some(component) = cache.find(wasm, hash) {
                return Ok(component);
            }
        }
        // The permit moves into the thread: compiling cannot be cancelled and uses memory to its end, even when the
        // caller has gone. The semaphore is never closed.
        let turn = Arc::clone(&self.turn).acquire_owned().await;
        let (wasm, bytes) = (wasm.clone(), bytes.to_vec());
        let compiled = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            demands::check_work(&bytes)?;
            Component::from_binary(&wasm, &bytes).map_err(|error| not_compiled(&error))
        });
        let component =
            compiled.await.map_err(|error| LoadError::Invalid { message: error.to_string() })??;
        if let Some(cache) = &self.cache {
            cache.keep(hash, &component)?;
        }
        Ok(component)
    }
}

/// Asks the component for its manifest, with no directory, no storage and no way out.
async fn describe(instances: &Instances, config: &EngineConfig) -> Result<Manifest, LoadError> {
    let provisions = Arc::new(Provisions {
        tenant: Arc::from(""),
        directory: Arc::new(MemoryDirectory::new()),
        storage: Arc::new(MemoryStorage::with_total_bytes_max(0)),
        gate: Arc::new(Gate {
            routes: Vec::new(),
            key_header: header::AUTHORIZATION,
            credential: None,
            transport: Arc::new(NoTransport),
            pace: Arc::new(Pace::unlimited()),
            clock: Arc::new(SystemClock),
        }),
        clock: Arc::new(SystemClock),
        log: Arc::new(TracingSink),
        observer: None,
        limits: Arc::new(config.describe_limits.clone()),
    });
    let which = Which { number: 0, export: "provider.describe" };
    let (manifest, _) = call::run(instances, &provisions, which, |plugin, store| {
        Box::pin(plugin.gym_door_access_provider().call_describe(store))
    })
    .await;
    manifest.map_err(LoadError::Describe)
}

/// The transport of a component that has no tenant yet.
struct NoTransport;

#[async_trait::async_trait]
impl Transport for NoTransport {
    async fn send(&self, _outbound: Outbound) -> Result<http::Response<bytes::Bytes>, TransportError> {
        Err(TransportError::ConnectionRefused)
    }
}

/// Tells components from other files by their first bytes: the compiler's own message for other files is about
/// versions.
fn check_kind(bytes: &[u8]) -> Result<(), LoadError> {
    const MAGIC: &[u8] = b"\0asm";
    const CORE_MODULE: &[u8] = &[1, 0, 0, 0];
    match bytes.strip_prefix(MAGIC) {
        Some(rest) if rest.starts_with(CORE_MODULE) => Err(LoadError::CoreModule),
        Some(_) => Ok(()),
        None => Err(LoadError::NotWebAssembly { bytes: bytes.len() }),
    }
}

/// Why a component cannot be compiled. While it compiles, the engine compares memories, tables and instances with its
/// pool. Its error for that has no public type, so its text decides; a test pins the text.
fn not_compiled(error: &wasmtime::Error) -> LoadError {
    let message = format!("{error:#}");
    match message.contains("pooling allocator") {
        true => LoadError::TooDemanding {
            needs: format!("more or larger memories, tables or instances than the pool has ({message})"),
            may_have: "what the engine was set up for".to_owned(),
        },
        false => LoadError::Invalid { message },
    }
}

/// How many of the pool's instances one plugin may have at once: half. So calls that wait for a provider that does not
/// answer never take all instances from the tenants of another plugin.
fn calls_per_plugin(calls_max: u32) -> usize {
    usize::try_from(calls_max / 2).unwrap_or(Semaphore::MAX_PERMITS).clamp(1, Semaphore::MAX_PERMITS)
}
