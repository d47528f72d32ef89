//! A host for door-access plugins: WebAssembly components that keep a provider of door access in step with
//! the memberships of a gym platform. The platform embeds this library; the contract between both is the WIT
//! package `gym:door-access`, here as [`contract`].
//!
//! # How it fits together
//! Three lifetimes, three types:
//! - The **process** has one [`Engine`]. It compiles each component once and keeps a pool of instances.
//! - A **tenant** is one gym's installation: a [`Plugin`], the gym's key, its data, its limits. A [`Tenant`]
//!   offers the contract's calls as async methods.
//! - A **call** has an instance of its own, which ends with it. Calls of one tenant run one at a time,
//!   tenants in parallel.
//!
//! A gym's key is kept in a [`Vault`], sealed, until a tenant is built.
//!
//! The platform brings a [`Directory`] (who is a member), a [`Storage`] per tenant, and may bring its own
//! [`Clock`], [`LogSink`], [`Transport`] and [`Observer`]. Each has a version in memory or a default.
//!
//! # What a plugin cannot do
//! - Import anything but the contract, one clock and outgoing HTTP: [`Engine::load`] refuses it, and the
//!   linker has nothing else.
//! - See the gym's key: the host adds it to requests that passed every question in [`Denial`], and searches
//!   requests, answers, settings, log lines and storage for it.
//! - Reach anybody but the origins that its manifest names *and* the installer approved; private and local
//!   addresses are refused when a name resolves to them ([`address`]); redirects are not followed.
//! - Take more than its [`Limits`]: the call ends with a [`CallError`], and no other call notices.
//!
//! # Example
//! ```
//! use std::sync::Arc;
//! use door_access_host::contract::events::{Event, EventKind, Unfinished};
//! use door_access_host::contract::types::Demand;
//! use door_access_host::{
//!     ApprovedOrigin, Engine, EngineConfig, HttpsClient, HttpsClientConfig, MemoryDirectory, MemoryStorage,
//!     Secret, Tenant,
//! };
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # // The component is the tests' obedient plugin, made on the spot from its text.
//! # let mut resolve = wit_parser::Resolve::default();
//! # resolve.push_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../../wit"))?;
//! # resolve.push_str("guest.wit", include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/all/guest.wit")))?;
//! # let packages: Vec<_> = resolve.package_names.values().copied().collect();
//! # let world = resolve.select_world(&packages, Some("test:guests/obedient"))?;
//! # let mut module = wat::parse_str(include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/all/guest.wat")))?;
//! # wit_component::embed_component_metadata(&mut module, &resolve, world, wit_component::StringEncoding::UTF8)?;
//! # let component = wit_component::ComponentEncoder::default().module(&module)?.encode()?;
//! // Once for the process: the engine, and one client for all tenants.
//! let engine = Engine::new(EngineConfig::default())?;
//! let client = Arc::new(HttpsClient::new(&HttpsClientConfig::default())?);
//!
//! // Once for a component: it is checked, compiled, and asked for its manifest.
//! let plugin = engine.load(&component).await?;
//! println!("{} wants to reach {:?}", plugin.manifest().title, plugin.manifest().origins);
//!
//! // Once for an installation, when the gym has agreed to the origins and given its key.
//! let mut tenant = Tenant::builder(plugin.clone(), "north-gym")
//!     .directory(Arc::new(MemoryDirectory::new()))
//!     .storage(Arc::new(MemoryStorage::new()))
//!     .credential(Secret::new("the-gym-s-key")?)
//!     .transport(client);
//! for origin in plugin.origins() {
//!     tenant = tenant.approve(ApprovedOrigin::direct(origin.clone()));
//! }
//! let tenant = tenant.build()?;
//!
//! // Whenever something happens on the platform.
//! let (id, member) = ("event-1".to_owned(), "member-1".to_owned());
//! let event = Event { id, kind: EventKind::MembershipPurchased, member, occurred_at: 1_767_225_600_000 };
//! match tenant.handle(&event).await {
//!     Ok(Ok(outcomes)) => println!("{} members are up to date", outcomes.len()),
//!     Ok(Err(Unfinished { error, .. })) => match error.demand {
//!         Demand::Retry(after_ms) => println!("again in {after_ms} ms: {}", error.message),
//!         _ => println!("somebody has to act: {}", error.message),
//!     },
//!     Err(error) => println!("keep the event and try it once more: {error}"),
//! }
//! # assert!(matches!(tenant.handle(&event).await, Ok(Ok(_))));
//! # Ok(())
//! # }
//! ```

pub mod contract;

mod call;
mod clock;
mod component;
mod directory;
mod egress;
mod engine;
mod error;
mod limits;
mod log;
mod login;
mod observe;
mod shown;
mod storage;
mod tenant;
mod vault;

pub use clock::{Clock, SystemClock, VirtualClock};
pub use component::Plugin;
pub use component::manifest::{CONTRACT_VERSION, ManifestError};
pub use directory::{Directory, MemoryDirectory};
pub use egress::address;
pub use egress::{
    ApprovedOrigin, Denial, Endpoint, EndpointError, HttpsClient, HttpsClientConfig, Origin, OriginError,
    Outbound, Pace, PaceConfig, Reach, Secret, SecretError, Transport, TransportError,
};
pub use engine::{Engine, EngineConfig};
pub use error::{Busy, CallError, Deadline, EngineError, Fault, LoadError, TenantError};
pub use limits::Limits;
pub use log::{LogLine, LogSink, TracingSink};
pub use observe::{CallEnd, CallReport, Exchange, ExchangeEnd, Observer, Recorder, Recording};
pub use shown::{Lines, OneLine, is_plain};
pub use storage::{MemoryStorage, Moment, Storage, Verdict};
#[cfg(feature = "sqlite")]
pub use storage::{SqliteStorage, SqliteStorageError};
pub use tenant::{Called, Tenant, TenantBuilder};
pub use vault::{Sealed, SealingKey, SealingKeyError, SealingKeyId, Vault, VaultError};
