//! A component: held to what a plugin may be before any of it runs, compiled once, and asked who it is.

mod cache;
mod demands;
mod imports;
pub(crate) mod manifest;

use std::fmt;
use std::sync::Arc;

use http::HeaderName;
use tokio::sync::Semaphore;
use wasmtime::component::Component;

use crate::call::{self, Provisions, Which};
use crate::clock::SystemClock;
use crate::contract::bindings::PluginPre;
use crate::contract::provider::Manifest;
use crate::directory::MemoryDirectory;
use crate::egress::{Gate, Origin, Outbound, Pace, Transport, TransportError};
use crate::engine::{Hash, Shared};
use crate::error::LoadError;
use crate::log::TracingSink;
use crate::storage::MemoryStorage;

pub(crate) use cache::Cache;

/// A component that was accepted: compiled, and with a manifest that the host can keep. Cloning it is cheap.
///
/// It belongs to no tenant; see [`Tenant::builder`](crate::Tenant::builder).
#[derive(Clone)]
pub struct Plugin {
    loaded: Arc<Loaded>,
}

/// The accepted component, shared by all that use it.
pub(crate) struct Loaded {
    pub(crate) engine: Arc<Shared>,
    pub(crate) pre: PluginPre<call::CallCtx>,
    /// One permit for each instance that the pool has for this plugin; see [`calls_per_plugin`].
    pub(crate) share: Semaphore,
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

    /// What it says about itself, read when it was loaded and found to be something that the host can keep.
    pub fn manifest(&self) -> &Manifest {
        &self.loaded.manifest
    }

    /// The origins of its manifest, in one form. Show them to the installer: those that are approved become
    /// the tenant's.
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
        hex(&self.loaded.hash)
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

impl Loaded {
    /// Checks, compiles and instantiates a component, in that order: nothing runs before everything that can
    /// be known without running it is known.
    pub(crate) async fn load(
        engine: &Arc<Shared>,
        cache: Option<&Cache>,
        hash: Hash,
        bytes: &[u8],
    ) -> Result<Self, LoadError> {
        check_kind(bytes)?;
        let component = compile(engine, cache, &hash, bytes).await?;
        let ty = component.component_type();
        let imports = imports::names(ty.imports(&engine.wasm));
        let exports = imports::names(ty.exports(&engine.wasm));
        imports::check(&engine.wasm, &ty)?;
        demands::check_start(&component, &engine.config.describe_limits)?;
        let other_contract =
            |error: wasmtime::Error| LoadError::OtherContract { message: format!("{error:#}") };
        let pre = engine.linker.instantiate_pre(&component).map_err(other_contract)?;
        let pre = PluginPre::new(pre).map_err(other_contract)?;
        let unchecked = Self {
            engine: Arc::clone(engine),
            pre,
            share: Semaphore::new(calls_per_plugin(engine.config.calls_max)),
            manifest: manifest::unknown(),
            origins: Vec::new(),
            key_header: http::header::AUTHORIZATION,
            hash,
            size_bytes: bytes.len() as u64,
            imports,
            exports,
        };
        let manifest = unchecked.describe().await?;
        let (origins, key_header) = manifest::check(&manifest).map_err(LoadError::Manifest)?;
        Ok(Self { manifest, origins, key_header, ..unchecked })
    }

    /// Asks the component for its manifest, with nothing around it: no directory, no storage, no way out.
    async fn describe(&self) -> Result<Manifest, LoadError> {
        let provisions = Arc::new(Provisions {
            tenant: Arc::from(""),
            directory: Arc::new(MemoryDirectory::new()),
            storage: Arc::new(MemoryStorage::with_total_bytes_max(0)),
            gate: Arc::new(Gate {
                routes: Vec::new(),
                key_header: self.key_header.clone(),
                credential: None,
                transport: Arc::new(NoTransport),
                pace: Arc::new(Pace::unlimited()),
                clock: Arc::new(SystemClock),
            }),
            clock: Arc::new(SystemClock),
            log: Arc::new(TracingSink),
            observer: None,
            limits: Arc::new(self.engine.config.describe_limits.clone()),
        });
        let which = Which { number: 0, export: "provider.describe" };
        let (manifest, _) = call::run(self, &provisions, which, |plugin, store| {
            Box::pin(plugin.gym_door_access_provider().call_describe(store))
        })
        .await;
        manifest.map_err(LoadError::Describe)
    }
}

/// The way out of a component that has no tenant yet.
struct NoTransport;

#[async_trait::async_trait]
impl Transport for NoTransport {
    async fn send(&self, _outbound: Outbound) -> Result<http::Response<bytes::Bytes>, TransportError> {
        Err(TransportError::ConnectionRefused)
    }
}

/// Tells components from other files by their first bytes: the compiler's own message for these is about
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

async fn compile(
    engine: &Arc<Shared>,
    cache: Option<&Cache>,
    hash: &Hash,
    bytes: &[u8],
) -> Result<Component, LoadError> {
    if let Some(cache) = cache {
        cache.check()?;
        if let Some(component) = cache.find(&engine.wasm, hash) {
            return Ok(component);
        }
    }
    // Never closed, so there is one for everybody in the end. It goes along, because a thread that compiles cannot be
    // stopped: it takes memory until it is done, though whoever asked has long gone.
    let turn = Arc::clone(&engine.compiling).acquire_owned().await;
    let (wasm, bytes) = (engine.wasm.clone(), bytes.to_vec());
    let compiled = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        demands::check_work(&bytes)?;
        Component::from_binary(&wasm, &bytes).map_err(|error| not_compiled(&error))
    });
    let component = compiled.await.map_err(|error| LoadError::Invalid { message: error.to_string() })??;
    if let Some(cache) = cache {
        cache.keep(hash, &component)?;
    }
    Ok(component)
}

/// Why a component cannot be compiled. The engine compares memories, tables and instances with its pool while it compiles,
/// and has no public type for what it finds, so its words decide; a test holds them.
fn not_compiled(error: &wasmtime::Error) -> LoadError {
    let message = format!("{error:#}");
    match message.contains("pooling allocator") {
        true => LoadError::TooDemanding {
            needs: format!("more or larger memories, tables or instances than the pool has ({message})"),
            may_have: "what the engine was made for".to_owned(),
        },
        false => LoadError::Invalid { message },
    }
}

/// How many of the pool's instances one plugin may have at once: half, so that tenants whose calls wait for a provider that
/// does not answer, each up to its deadline, never take all of them from the tenants of another plugin.
fn calls_per_plugin(calls_max: u32) -> usize {
    usize::try_from(calls_max / 2).unwrap_or(Semaphore::MAX_PERMITS).clamp(1, Semaphore::MAX_PERMITS)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
