//! Sets up a tenant: required and optional parts, and the checks before its first call.

use std::fmt;
use std::sync::Arc;

use thiserror::Error;

use super::Tenant;
use crate::call::{Gate, Provisions};
use crate::clock::{Clock, SystemClock};
use crate::component::Plugin;
use crate::directory::Directory;
use crate::egress::policy::Route;
use crate::egress::{ApprovedOrigin, Credential, Endpoint, Pace, PaceConfig, Transport};
use crate::limits::Limits;
use crate::log::{LogSink, TracingSink};
use crate::observe::Observer;
use crate::secret::Secret;
use crate::storage::Storage;

/// Why a tenant cannot be set up. Nothing has run.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TenantError {
    /// A required part was not given to the builder.
    #[error("a tenant needs {0}")]
    Missing(&'static str),
    /// A limit is above the engine's.
    #[error("{limit} is {wanted}, and the engine allows {allowed}")]
    LimitTooHigh {
        /// The limit's name.
        limit: &'static str,
        /// The given value.
        wanted: u64,
        /// What the engine was set up for.
        allowed: u64,
    },
    /// The credential cannot be sent in the header that the manifest names.
    #[error("the credential cannot be sent in a header: it has characters that no header may have")]
    Credential,
}

/// Collects a tenant's parts; see [`Tenant::builder`].
///
/// Directory, storage, credential and transport are required. Without approved origins every request is refused.
#[must_use = "a builder does nothing until `build`"]
pub struct TenantBuilder {
    plugin: Plugin,
    id: String,
    directory: Option<Arc<dyn Directory>>,
    storage: Option<Arc<dyn Storage>>,
    credential: Option<Secret>,
    transport: Option<Arc<dyn Transport>>,
    approved: Vec<ApprovedOrigin>,
    pace: Option<Arc<Pace>>,
    clock: Arc<dyn Clock>,
    log: Arc<dyn LogSink>,
    observer: Option<Arc<dyn Observer>>,
    limits: Limits,
}

impl TenantBuilder {
    pub(super) fn new(plugin: Plugin, id: String) -> Self {
        Self {
            plugin,
            id,
            directory: None,
            storage: None,
            credential: None,
            transport: None,
            approved: Vec::new(),
            pace: None,
            clock: Arc::new(SystemClock),
            log: Arc::new(TracingSink),
            observer: None,
            limits: Limits::default(),
        }
    }

    /// The gym's members.
    pub fn directory(self, directory: Arc<dyn Directory>) -> Self {
        Self { directory: Some(directory), ..self }
    }

    /// The tenant's own key-value space. No other tenant may share it.
    pub fn storage(self, storage: Arc<dyn Storage>) -> Self {
        Self { storage: Some(storage), ..self }
    }

    /// The gym's key at the provider. It is added to approved requests and never enters the plugin.
    pub fn credential(self, key: Secret) -> Self {
        Self { credential: Some(key), ..self }
    }

    /// What sends the requests; share one [`HttpsClient`](crate::HttpsClient) among all tenants.
    pub fn transport(self, transport: Arc<dyn Transport>) -> Self {
        Self { transport: Some(transport), ..self }
    }

    /// An origin that the installer approved. It counts only if the plugin's manifest names it too.
    pub fn approve(mut self, approved: ApprovedOrigin) -> Self {
        self.approved.push(approved);
        self
    }

    /// The rate of requests, shared by all tenants whose keys have the same owner. Default: a pace of its own.
    pub fn pace(self, pace: Arc<Pace>) -> Self {
        Self { pace: Some(pace), ..self }
    }

    /// The tenant's clock. Default: [`SystemClock`].
    pub fn clock(self, clock: Arc<dyn Clock>) -> Self {
        Self { clock, ..self }
    }

    /// The destination of log lines. Default: [`TracingSink`].
    pub fn log(self, log: Arc<dyn LogSink>) -> Self {
        Self { log, ..self }
    }

    /// Observes the tenant's calls. Default: none.
    pub fn observer(self, observer: Arc<dyn Observer>) -> Self {
        Self { observer: Some(observer), ..self }
    }

    /// What a call may use. Default: [`Limits::default`].
    pub fn limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// Checks the parts. The plugin does not run, and nothing is sent.
    ///
    /// # Errors
    /// See [`TenantError`].
    pub fn build(self) -> Result<Tenant, TenantError> {
        let Self { plugin, id, approved, clock, log, observer, limits, .. } = self;
        let directory = self.directory.ok_or(TenantError::Missing("a directory"))?;
        let storage = self.storage.ok_or(TenantError::Missing("a storage"))?;
        let credential = self.credential.ok_or(TenantError::Missing("a credential"))?;
        let transport = self.transport.ok_or(TenantError::Missing("a transport"))?;
        check_limits(&limits, &plugin)?;

        let prefix = &plugin.manifest().credential.prefix;
        let key_header = plugin.key_header().clone();
        let credential =
            Credential::new(key_header.clone(), prefix, &credential).ok_or(TenantError::Credential)?;
        let approved = approved.into_iter().filter(|approved| plugin.origins().contains(&approved.origin));
        let routes = approved.map(|ApprovedOrigin { origin, endpoint }| {
            let endpoint = endpoint.unwrap_or_else(|| Endpoint::of(&origin));
            Route { origin, endpoint }
        });
        let gate = Gate {
            routes: routes.collect(),
            key_header,
            credential: Some(credential),
            transport,
            pace: self.pace.unwrap_or_else(|| Arc::new(Pace::new(PaceConfig::default()))),
            clock: Arc::clone(&clock),
        };
        let provisions = Provisions {
            tenant: id.into(),
            directory,
            storage,
            gate: Arc::new(gate),
            clock,
            log,
            observer,
            limits: Arc::new(limits),
        };
        Ok(Tenant::new(plugin, provisions))
    }
}

impl fmt::Debug for TenantBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TenantBuilder")
            .field("id", &self.id)
            .field("plugin", &self.plugin)
            .field("approved", &self.approved)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

/// The engine's pool has a fixed size; a higher limit would fail in the middle of a call.
fn check_limits(limits: &Limits, plugin: &Plugin) -> Result<(), TenantError> {
    let config = &plugin.loaded().config;
    let table = [
        ("memory_bytes_max", limits.memory_bytes_max, config.memory_bytes_max),
        ("table_elements_max", limits.table_elements_max, config.table_elements_max),
    ];
    match table.into_iter().find(|(_, wanted, allowed)| wanted > allowed) {
        Some((limit, wanted, allowed)) => {
            Err(TenantError::LimitTooHigh { limit, wanted: wanted as u64, allowed: allowed as u64 })
        }
        None => Ok(()),
    }
}
