//! A component: held to what a plugin may be before any of it runs, compiled once, and asked who it is.

mod cache;
mod imports;
pub(crate) mod manifest;

use std::fmt;
use std::sync::Arc;

use http::HeaderName;
use wasmtime::component::Component;

use crate::call::{self, Provisions, Which};
use crate::clock::SystemClock;
use crate::contract::bindings::PluginPre;
use crate::contract::provider::Manifest;
use crate::directory::MemoryDirectory;
use crate::egress::{Gate, Origin, Outbound, Pace, Transport, TransportError};
use crate::engine::{Hash, Shared};
use crate::error::LoadError;
use crate::limits::{Limits, MEMORIES_MAX, TABLES_MAX};
use crate::log::TracingSink;
use crate::storage::MemoryStorage;

pub(crate) use cache::Cache;

/// Bytes in a page of WebAssembly memory.
const PAGE_BYTES: u64 = 64 << 10;

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
        check_demands(&component, &engine.config.describe_limits)?;
        let other_contract =
            |error: wasmtime::Error| LoadError::OtherContract { message: format!("{error:#}") };
        let pre = engine.linker.instantiate_pre(&component).map_err(other_contract)?;
        let pre = PluginPre::new(pre).map_err(other_contract)?;
        let unchecked = Self {
            engine: Arc::clone(engine),
            pre,
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
    let (wasm, bytes) = (engine.wasm.clone(), bytes.to_vec());
    let compiled = tokio::task::spawn_blocking(move || Component::from_binary(&wasm, &bytes)).await;
    let compiled = compiled.map_err(|error| LoadError::Invalid { message: error.to_string() })?;
    let component = compiled.map_err(|error| not_compiled(&error))?;
    if let Some(cache) = cache {
        cache.keep(hash, &component)?;
    }
    Ok(component)
}

/// Why a component cannot be compiled. The engine compares memories and tables with its pool while it compiles, and has no
/// public type for what it finds, so its words decide; a test holds them.
fn not_compiled(error: &wasmtime::Error) -> LoadError {
    let message = format!("{error:#}");
    match message.contains("pooling allocator requirements") {
        true => LoadError::TooDemanding {
            needs: format!("a larger memory or table than the pool has ({message})"),
            may_have: "what the engine was made for".to_owned(),
        },
        false => LoadError::Invalid { message },
    }
}

/// Whether an instance fits into what a call may have from the start.
fn check_demands(component: &Component, limits: &Limits) -> Result<(), LoadError> {
    let too_demanding = |needs: String, may_have: String| Err(LoadError::TooDemanding { needs, may_have });
    let Some(required) = component.resources_required() else {
        return too_demanding("other components".to_owned(), "none".to_owned());
    };
    if required.num_memories > MEMORIES_MAX {
        return too_demanding(format!("{} memories", required.num_memories), MEMORIES_MAX.to_string());
    }
    if required.num_tables > TABLES_MAX {
        return too_demanding(format!("{} tables", required.num_tables), TABLES_MAX.to_string());
    }
    let memory_bytes = required.max_initial_memory_size.unwrap_or(0).saturating_mul(PAGE_BYTES);
    if memory_bytes > limits.memory_bytes_max as u64 {
        return too_demanding(format!("{memory_bytes} bytes of memory"), limits.memory_bytes_max.to_string());
    }
    let elements = required.max_initial_table_size.unwrap_or(0);
    if elements > limits.table_elements_max as u64 {
        return too_demanding(
            format!("a table of {elements} elements"),
            limits.table_elements_max.to_string(),
        );
    }
    Ok(())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
