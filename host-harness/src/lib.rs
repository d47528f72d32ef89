//! A wasmtime host for door-access plugins.

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
mod observe;
mod storage;
mod tenant;

pub use clock::{Clock, SystemClock, VirtualClock};
pub use component::Plugin;
pub use component::manifest::{CONTRACT_VERSION, ManifestError};
pub use directory::{Directory, MemoryDirectory};
pub use egress::address;
pub use egress::{
    ApprovedOrigin, Denial, Endpoint, EndpointError, HttpsClient, HttpsClientConfig, Origin, OriginError, Outbound, Pace,
    PaceConfig, Reach, Secret, SecretError, Transport, TransportError,
};
pub use engine::{Engine, EngineConfig};
pub use error::{Busy, CallError, Deadline, EngineError, Fault, LoadError, TenantError};
pub use limits::Limits;
pub use log::{LogLine, LogSink, TracingSink};
pub use observe::{CallEnd, CallReport, Exchange, ExchangeEnd, Observer, Recorder, Recording};
pub use storage::{MemoryStorage, Moment, Storage, Verdict};
pub use tenant::{Called, Tenant, TenantBuilder};
