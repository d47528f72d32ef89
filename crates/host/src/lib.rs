//! A host for door-access plugins: WebAssembly components that keep a provider of door access in step with
//! the memberships of a gym platform. The platform embeds this library. The contract between both is the WIT
//! package `gym:door-access`, here as [`contract`].
//!
//! # How it fits together
//! Three lifetimes, three types:
//! - The **process** has one [`Engine`]. It compiles each component once and keeps a pool of instances.
//! - A **tenant** is one gym's installation: a [`Plugin`], the gym's key, its data, its limits. A [`Tenant`]
//!   offers the contract's calls as async methods.
//! - A **call** has an instance of its own, which ends with the call. Calls of one tenant run one at a time,
//!   tenants in parallel.
//!
//! The platform provides a [`Directory`] (who is a member) and a [`Storage`] per tenant. It may provide its own
//! [`Clock`], [`LogSink`], [`Transport`] and [`Observer`]. Each has an in-memory version or a default.
//! A [`Vault`] seals the gyms' keys at rest.
//!
//! # What a plugin cannot do
//! - Import anything but the contract, one clock and outgoing HTTP: [`Engine::load`] refuses such a component,
//!   and the linker has nothing else.
//! - See the gym's key: the host adds it to requests that passed every check in [`Denial`], and searches
//!   requests, responses, settings, log lines and storage for it.
//! - Reach any origin but those that its manifest names *and* the installer approved. Private and local
//!   addresses are refused when a name resolves to them ([`address`]); redirects are not followed.
//! - Exceed its [`Limits`]: the call ends with a [`CallError`], and other calls are not affected.
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
//! # // The component is the tests' obedient plugin, assembled from its text.
//! # let mut resolve = wit_parser::Resolve::default();
//! # resolve.push_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../../wit"))?;
//! # resolve.push_str("guest.wit", include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/all/guest.wit")))?;
//! # let packages: Vec<_> = resolve.package_names.values().copied().collect();
//! # let world = resolve.select_world(&packages, Some("test:guests/obedient"))?;
//! # let mut module = wat::parse_str(include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/all/guest.wat")))?;
//! # wit_component::embed_component_metadata(&mut module, &resolve, world, wit_component::StringEncoding::UTF8)?;
//! # let component = wit_component::ComponentEncoder::default().module(&module)?.encode()?;
//! // Once per process: the engine, and one client for all tenants.
//! let engine = Engine::new(EngineConfig::default())?;
//! let client = Arc::new(HttpsClient::new(&HttpsClientConfig::default())?);
//!
//! // Once per component: check it, compile it, and read its manifest.
//! let plugin = engine.load(&component).await?;
//! println!("{} wants to reach {:?}", plugin.manifest().title, plugin.manifest().origins);
//!
//! // Once per installation, when the gym has approved the origins and entered its key.
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
//!         Demand::Retry(after_ms) => println!("retry in {after_ms} ms: {}", error.message),
//!         _ => println!("a person has to act: {}", error.message),
//!     },
//!     Err(error) => println!("keep the event and deliver it again: {error}"),
//! }
//! # assert!(matches!(tenant.handle(&event).await, Ok(Ok(_))));
//! # Ok(())
//! # }
//! ```

// In reading order. A module uses `contract` and modules below itself, never one above.

pub mod contract;

// Process: one engine, which accepts components.
mod engine;

// Tenant: one gym's installation, and the calls that the contract offers.
mod tenant;

// A component: checked, compiled, and asked for its manifest.
mod component;

// Call: an instance, its imports, its way out, its end.
mod call;

// What the platform provides or receives.
mod observe;

mod log;

mod storage;

mod directory;

// What may leave, and how: origins, addresses, the key, the pace, the client.
mod egress;

mod clock;

// Keys at rest.
mod vault;

// Leaves that several of the above share.
mod secret;

mod private;

mod shown;

mod pool;

mod limits;

mod error;

pub use clock::{Clock, SystemClock, VirtualClock};
pub use component::{CONTRACT_VERSION, LoadError, ManifestError, Plugin};
pub use directory::{Directory, MemoryDirectory};
pub use egress::address;
pub use egress::{
    ApprovedOrigin, Denial, Endpoint, EndpointError, HttpsClient, HttpsClientConfig, Origin, OriginError,
    Outbound, Pace, PaceConfig, Reach, Transport, TransportError,
};
pub use engine::Engine;
pub use error::{Busy, CallError, Deadline, Fault};
pub use limits::{EngineConfig, Limits};
pub use log::{LogLine, LogSink, TracingSink};
pub use observe::{CallEnd, CallReport, Exchange, ExchangeEnd, Observer, Recorder, Recording};
pub use pool::EngineError;
pub use secret::{Secret, SecretError};
pub use shown::{Lines, OneLine, is_plain};
pub use storage::{MemoryStorage, Moment, Storage, Verdict};
#[cfg(feature = "sqlite")]
pub use storage::{SqliteStorage, SqliteStorageError};
pub use tenant::{Called, Tenant, TenantBuilder, TenantError};
pub use vault::{Sealed, SealingKey, SealingKeyError, SealingKeyId, Vault, VaultError};
