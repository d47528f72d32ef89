//! One gym's installation: its plugin, key, data and limits, and the contract's calls.

mod builder;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;
use tokio::sync::Mutex;
use wasmtime::Store;

use crate::call::{self, CallCtx, Provisions, Usage, Which, Work};
use crate::component::Plugin;
use crate::contract::access::{Device, Door, Explanation};
use crate::contract::bindings;
use crate::contract::connection::{Connected, Departed, Departure, Health};
use crate::contract::doors::{Attempt, Issued, Phone};
use crate::contract::events::{Event, Outcome, Unfinished};
use crate::contract::groups::GroupList;
use crate::contract::maintenance::Ticked;
use crate::contract::mappings::{Effects, Mapping, MappingState};
use crate::contract::sync::{Mode, Progress, Stepped};
use crate::contract::types::{Error, InputError};
use crate::egress::Origin;
use crate::error::{Busy, CallError};
use crate::observe::{CallEnd, CallReport};

pub use builder::{TenantBuilder, TenantError};

/// One gym's installation of a plugin. Clones share the tenant.
///
/// # Guarantees
/// - Its calls run one at a time, in the order in which they were made; calls of different tenants run in parallel.
/// - Each call has an instance of its own. Calls share data through storage only.
/// - A failed call does not affect the next one.
///
/// # Errors
/// Every call returns two results. The outer one is the host's: a [`CallError`] when the call ended without an answer.
/// The inner one is the plugin's answer. Its error says what the caller must do: retry, pause, or drop the call and
/// tell the gym.
///
/// # Runtime
/// Calls need a tokio runtime with time enabled, and I/O when the transport is the
/// [`HttpsClient`](crate::HttpsClient).
#[derive(Clone)]
pub struct Tenant {
    shared: Arc<Shared>,
}

struct Shared {
    plugin: Plugin,
    provisions: Arc<Provisions>,
    turn: Mutex<()>,
    calls: AtomicU64,
}

/// The result of a call: the host's result around the plugin's.
pub type Called<T, E = Error> = Result<Result<T, E>, CallError>;

impl Tenant {
    /// Begins to build a tenant. `id` identifies it in logs and transcripts.
    pub fn builder(plugin: Plugin, id: impl Into<String>) -> TenantBuilder {
        TenantBuilder::new(plugin, id.into())
    }

    fn new(plugin: Plugin, provisions: Provisions) -> Self {
        let shared = Shared {
            plugin,
            provisions: Arc::new(provisions),
            turn: Mutex::new(()),
            calls: AtomicU64::new(0),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Its identifier in logs and transcripts.
    pub fn id(&self) -> &str {
        &self.shared.provisions.tenant
    }

    /// The plugin it runs.
    pub fn plugin(&self) -> &Plugin {
        &self.shared.plugin
    }

    /// The origins that its requests may reach: those that the manifest names and the installer approved.
    pub fn origins(&self) -> impl Iterator<Item = &Origin> {
        self.shared.provisions.gate.routes.iter().map(|route| &route.origin)
    }

    /// Verifies the key and stores the settings (JSON that follows the manifest's schema): `connection.connect`.
    ///
    /// # Errors
    /// See [`Tenant`]. Settings that contain the key never reach the plugin: the error is
    /// [`CallError::CredentialExposed`]. Ask the gym for the settings again.
    pub async fn connect(&self, settings: &str) -> Called<Connected, InputError> {
        if self.shared.provisions.gate.finds_key(settings.as_bytes()) {
            return Err(CallError::CredentialExposed("the settings".to_owned()));
        }
        self.call("connection.connect", |plugin, store| {
            let settings = settings.to_owned();
            Box::pin(async move { plugin.gym_door_access_connection().call_connect(store, &settings).await })
        })
        .await
    }

    /// The state of the installation, from the plugin's own records: `connection.status`.
    pub async fn status(&self) -> Called<Health> {
        self.call("connection.status", |plugin, store| {
            Box::pin(plugin.gym_door_access_connection().call_status(store))
        })
        .await
    }

    /// Ends the installation, a step at a time: `connection.disconnect`. A step sends at most `calls` requests. First
    /// pass `None` as `after`, then the last member of the previous answer, until the answer says `finished`. After an
    /// answer without members, pass the same `after` again. At the end, delete the key.
    pub async fn disconnect(&self, what: Departure, after: Option<&str>, calls: u32) -> Called<Departed> {
        self.call("connection.disconnect", |plugin, store| {
            let after = after.map(str::to_owned);
            Box::pin(async move {
                let connection = plugin.gym_door_access_connection();
                connection.call_disconnect(store, what, after.as_ref(), calls).await
            })
        })
        .await
    }

    /// Reads the groups from the provider: `groups.refresh`.
    pub async fn refresh_groups(&self) -> Called<GroupList> {
        self.call("groups.refresh", |plugin, store| {
            Box::pin(plugin.gym_door_access_groups().call_refresh(store))
        })
        .await
    }

    /// The groups as of the last refresh: `groups.list`.
    pub async fn list_groups(&self) -> Called<GroupList> {
        self.call("groups.list", |plugin, store| Box::pin(plugin.gym_door_access_groups().call_list(store)))
            .await
    }

    /// Which plan opens which groups: `mappings.list`.
    pub async fn list_mappings(&self) -> Called<Vec<MappingState>> {
        self.call("mappings.list", |plugin, store| {
            Box::pin(plugin.gym_door_access_mappings().call_list(store))
        })
        .await
    }

    /// Replaces the whole mapping with these entries: `mappings.replace`.
    pub async fn replace_mappings(&self, entries: &[Mapping]) -> Called<Vec<MappingState>, InputError> {
        self.call("mappings.replace", |plugin, store| {
            let entries = entries.to_vec();
            Box::pin(async move { plugin.gym_door_access_mappings().call_replace(store, &entries).await })
        })
        .await
    }

    /// What each member would gain and lose with another mapping, some members at a time: `mappings.preview`. Pass
    /// `None` first, then `next` of the previous answer.
    pub async fn preview_mappings(
        &self,
        entries: &[Mapping],
        after: Option<&str>,
    ) -> Called<Effects, InputError> {
        self.call("mappings.preview", |plugin, store| {
            let (entries, after) = (entries.to_vec(), after.map(str::to_owned));
            Box::pin(async move {
                let mappings = plugin.gym_door_access_mappings();
                mappings.call_preview(store, &entries, after.as_deref()).await
            })
        })
        .await
    }

    /// Makes the provider match an event's member: `events.handle`. The inner error has the outcomes so far, too.
    pub async fn handle(&self, event: &Event) -> Called<Vec<Outcome>, Unfinished> {
        self.call("events.handle", |plugin, store| {
            let event = event.clone();
            Box::pin(async move { plugin.gym_door_access_events().call_handle(store, &event).await })
        })
        .await
    }

    /// Starts a reconciliation of all members and returns its name, or that of the one in progress: `sync.start`.
    pub async fn start_sync(&self, mode: Mode) -> Called<String> {
        self.call("sync.start", |plugin, store| {
            Box::pin(async move { plugin.gym_door_access_sync().call_start(store, mode).await })
        })
        .await
    }

    /// Continues a reconciliation with a step of at most `calls` requests: `sync.step`. [`Tenant::handle`] may be
    /// called between two steps.
    pub async fn step_sync(&self, job: &str, calls: u32) -> Called<Stepped> {
        self.call("sync.step", |plugin, store| {
            let job = job.to_owned();
            Box::pin(async move { plugin.gym_door_access_sync().call_step(store, &job, calls).await })
        })
        .await
    }

    /// The reconciliation in progress, or the last one: `sync.status`.
    pub async fn sync_status(&self) -> Called<Option<Progress>> {
        self.call("sync.status", |plugin, store| Box::pin(plugin.gym_door_access_sync().call_status(store)))
            .await
    }

    /// Confirms a reconciliation that waits for it: `sync.confirm`.
    pub async fn confirm_sync(&self, job: &str) -> Called<()> {
        self.call("sync.confirm", |plugin, store| {
            let job = job.to_owned();
            Box::pin(async move { plugin.gym_door_access_sync().call_confirm(store, &job).await })
        })
        .await
    }

    /// Cancels a reconciliation: `sync.cancel`. Its changes so far remain.
    pub async fn cancel_sync(&self, job: &str) -> Called<()> {
        self.call("sync.cancel", |plugin, store| {
            let job = job.to_owned();
            Box::pin(async move { plugin.gym_door_access_sync().call_cancel(store, &job).await })
        })
        .await
    }

    /// Whether a member may enter now, and why not: `access.explain`. `verify` also asks the provider.
    pub async fn explain(&self, member: &str, device: Device, verify: bool) -> Called<Explanation> {
        self.call("access.explain", |plugin, store| {
            let member = member.to_owned();
            Box::pin(async move {
                plugin.gym_door_access_access().call_explain(store, &member, device, verify).await
            })
        })
        .await
    }

    /// The doors that a member may open now: `doors.list`.
    pub async fn list_doors(&self, member: &str) -> Called<Vec<Door>> {
        self.call("doors.list", |plugin, store| {
            let member = member.to_owned();
            Box::pin(async move { plugin.gym_door_access_doors().call_list(store, &member).await })
        })
        .await
    }

    /// Opens a door for a member: `doors.unlock`. Each call that succeeds opens the door again, so the host never
    /// repeats one. Repeat it only when the member asks again. After a [`CallError`] it is unknown whether the door
    /// opened.
    pub async fn unlock(&self, member: &str, door: &str) -> Called<Attempt> {
        self.call("doors.unlock", |plugin, store| {
            let (member, door) = (member.to_owned(), door.to_owned());
            Box::pin(async move { plugin.gym_door_access_doors().call_unlock(store, &member, &door).await })
        })
        .await
    }

    /// Makes a login for a branded app: `doors.issue-login`. Its secret opens doors: pass it to the app and do not keep
    /// it. Observers get no bodies of this call, because the provider's response contains the secret.
    pub async fn issue_login(&self, member: &str, phone: &Phone) -> Called<Issued> {
        let issued = self.call(call::ISSUE_LOGIN, |plugin, store| {
            let (member, phone) = (member.to_owned(), phone.clone());
            Box::pin(
                async move { plugin.gym_door_access_doors().call_issue_login(store, &member, &phone).await },
            )
        });
        Ok(issued.await?.map(Issued::from))
    }

    /// Ends a login that [`Tenant::issue_login`] made: `doors.revoke-login`.
    pub async fn revoke_login(&self, member: &str, login: &str) -> Called<()> {
        self.call("doors.revoke-login", |plugin, store| {
            let (member, login) = (member.to_owned(), login.to_owned());
            Box::pin(
                async move { plugin.gym_door_access_doors().call_revoke_login(store, &member, &login).await },
            )
        })
        .await
    }

    /// Does the work that is due, with at most `calls` requests: `maintenance.tick`. `next` in the answer says when to
    /// call it again.
    pub async fn tick(&self, calls: u32) -> Called<Ticked> {
        self.call("maintenance.tick", |plugin, store| {
            Box::pin(async move { plugin.gym_door_access_maintenance().call_tick(store, calls).await })
        })
        .await
    }

    /// Waits for the tenant's turn, makes the call, searches its answer for the key, and reports it.
    async fn call<T: Serialize, E: Serialize>(
        &self,
        export: &'static str,
        work: impl for<'a> FnOnce(&'a bindings::Plugin, &'a mut Store<CallCtx>) -> Work<'a, Result<T, E>>,
    ) -> Called<T, E> {
        let Shared { plugin, provisions, turn, calls } = self.shared.as_ref();
        let wait_max = provisions.limits.wait_max;
        let turn = tokio::time::timeout(wait_max, turn.lock()).await;
        let number = calls.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        let (ended, usage) = match turn {
            Ok(_turn) => {
                call::run(&plugin.loaded().instances, provisions, Which { number, export }, work).await
            }
            Err(_) => (Err(CallError::Saturated(Busy::Tenant, call::in_ms(wait_max))), Usage::default()),
        };
        let answer = ended.as_ref().map_or_else(|_| Ok(Vec::new()), serde_json::to_vec);
        let has_key = match answer {
            Ok(text) => provisions.gate.finds_key_yielding(&text).await,
            // An answer that cannot be searched is withheld.
            Err(_) => true,
        };
        let ended = match has_key {
            true => Err(CallError::CredentialExposed("the plugin's answer".to_owned())),
            false => ended,
        };
        if let Some(observer) = &provisions.observer {
            observer.on_call(&CallReport {
                tenant: provisions.tenant.to_string(),
                call: number,
                export,
                end: match &ended {
                    Ok(Ok(_)) => CallEnd::Done,
                    Ok(Err(_)) => CallEnd::Refused,
                    Err(error) => CallEnd::Failed(error.clone()),
                },
                requests: usage.requests,
                log_lines: usage.log_lines,
                log_lines_dropped: usage.log_lines_dropped,
                memory_bytes_peak: usage.memory_bytes_peak,
                duration: usage.duration,
            });
        }
        ended
    }
}

impl fmt::Debug for Tenant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tenant")
            .field("id", &self.id())
            .field("plugin", self.plugin())
            .finish_non_exhaustive()
    }
}
