//! The stored state of the installation: settings, the key's owner, groups, mapping, sync job, and whether it is paused.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::contract::connection::Pause;
use crate::contract::storage::{Precondition, Write};
use crate::contract::types::{self, Demand, PauseCause, Timestamp};
use crate::host::Host;
use crate::id::{DoorId, GroupId};
use crate::json::{self, is_default};
use crate::mapping::Mappings;
use crate::plan::DateChange;
use crate::settings::Settings;
use crate::stop::{Stop, pause};
use crate::storage;
use crate::sync::Job;

/// The key of [`Config`], and the last one to be removed when an installation ends.
pub const CONFIG: &str = "tenant/config";
const GROUPS: &str = "tenant/groups";
const MAPPINGS: &str = "tenant/mappings";
const JOB: &str = "tenant/sync";

/// What `connect` established.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Config {
    /// The gym's settings.
    pub settings: Settings,
    /// The key's owner.
    pub account: Owner,
    /// The key's organization.
    pub organization: Owned,
    /// When Kisi last accepted the key.
    pub checked_at: Timestamp,
    /// Present while the installation is paused until a person acts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paused: Option<Paused>,
    /// How this Kisi changes the dates of assignments.
    #[serde(default)]
    pub date_change: DateChange,
    /// When the last complete sync began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub synced_at: Option<Timestamp>,
    /// Since when a sync is requested, because the mapping changed or a pause ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asked_at: Option<Timestamp>,
    /// Grants that ticks have removed since the last sync, without an event.
    #[serde(default, skip_serializing_if = "is_default")]
    pub taken: u64,
    /// The installation is being removed and counts as not connected.
    #[serde(default, skip_serializing_if = "is_default")]
    pub leaving: bool,
}

/// The owner of the key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// Kisi's user id.
    pub id: u64,
    /// Name.
    pub name: String,
    /// E-mail address.
    pub email: String,
}

/// The organization.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owned {
    /// Kisi's id.
    pub id: u64,
    /// Name.
    pub name: String,
}

/// Why the installation is paused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Paused {
    #[serde(with = "StoredCause")]
    cause: PauseCause,
    message: String,
}

/// The words for the contract's causes in storage.
#[derive(Serialize, Deserialize)]
#[serde(remote = "PauseCause", rename_all = "kebab-case")]
enum StoredCause {
    KeyRejected,
    KeyWithoutRights,
    OtherOrganization,
    NotConnected,
    RequestsDenied,
    StorageFull,
    StorageDamaged,
}

/// The groups at the last refresh.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Groups {
    /// When they were read.
    pub refreshed_at: Timestamp,
    /// Ordered by name.
    pub groups: Vec<Group>,
    /// The doors that they open, each once.
    pub doors: Vec<Door>,
    /// Groups whose doors are still to be read.
    pub unread: Vec<GroupId>,
    /// When reading them last failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failed_at: Option<Timestamp>,
}

/// A group, as far as mapping needs it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// Kisi's id.
    pub id: GroupId,
    /// Name.
    pub name: String,
    /// Name of the place it is limited to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// Number of doors.
    pub doors: u32,
    /// Whether the app may open its doors.
    pub app_access: bool,
    /// Whether Kisi requires more than membership: certain hours, distance or a device.
    pub restricted: bool,
    /// Its doors, as far as they were read.
    pub door_ids: Vec<DoorId>,
}

/// A door.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Door {
    /// Kisi's id.
    pub id: DoorId,
    /// Name.
    pub name: String,
    /// Name of its place; empty when unknown.
    pub place: String,
}

/// A stored value with the version that was read.
#[derive(Debug)]
pub struct Versioned<T> {
    /// The value to write.
    pub value: T,
    key: &'static str,
    version: Option<u64>,
}

/// What every call needs in order to change members.
#[derive(Debug)]
pub struct Tenant {
    /// What `connect` established.
    pub config: Versioned<Config>,
    /// Which plan opens which groups.
    pub mappings: Versioned<Mappings>,
}

impl Tenant {
    /// Reads a connected tenant that is not paused.
    ///
    /// # Errors
    /// `pause` when it is not connected or paused.
    pub fn load(host: &dyn Host) -> Result<Tenant, Stop> {
        let tenant = Tenant::load_connected(host)?;
        match tenant.pause() {
            Some(stop) => Err(stop),
            None => Ok(tenant),
        }
    }

    /// Reads a connected tenant, paused or not.
    ///
    /// # Errors
    /// `pause` when it is not connected.
    pub fn load_connected(host: &dyn Host) -> Result<Tenant, Stop> {
        let config = config(host)?.ok_or_else(not_connected)?;
        Ok(Tenant { config, mappings: mappings(host)? })
    }

    /// The error of a paused tenant.
    pub fn pause(&self) -> Option<Stop> {
        let paused = self.config.value.paused.as_ref()?;
        Some(pause(paused.cause, &paused.message, None))
    }

    /// Reads everything again that this call may have changed.
    ///
    /// # Errors
    /// As [`Tenant::load`].
    pub fn reload(&mut self, host: &dyn Host) -> Result<(), Stop> {
        *self = Tenant::load(host)?;
        Ok(())
    }

    /// Stores a pause, so that no further request is sent until a person acts. Pauses that every call finds by itself are
    /// not stored.
    pub fn note_pause(&mut self, host: &dyn Host, error: &types::Error) {
        let Demand::Pause(cause) = error.demand else { return };
        match cause {
            PauseCause::NotConnected | PauseCause::StorageFull | PauseCause::StorageDamaged => {}
            PauseCause::KeyRejected
            | PauseCause::KeyWithoutRights
            | PauseCause::OtherOrganization
            | PauseCause::RequestsDenied => {
                let message = error.message.clone();
                self.config.value.paused = Some(Paused { cause, message });
                // The host receives the error in any case.
                let _saved = self.config.save(host);
            }
        }
    }
}

impl<T: Serialize> Versioned<T> {
    /// Writes the value.
    pub fn save(&mut self, host: &dyn Host) -> Result<(), Stop> {
        self.saved(storage::commit(host, vec![self.write()])?);
        Ok(())
    }

    /// The commit that wrote the stored value.
    pub fn version(&self) -> Option<u64> {
        self.version
    }

    /// Notes a commit that contained [`Versioned::write`].
    pub fn saved(&mut self, version: u64) {
        self.version = Some(version);
    }

    /// The write for a commit with others.
    pub fn write(&self) -> Write {
        Write {
            key: self.key.to_string(),
            value: Some(json::to_vec(&self.value)),
            requires: self.version.map_or(Precondition::Absent, Precondition::UnchangedSince),
        }
    }
}

/// What `connect` established, unless the installation is being removed.
///
/// # Errors
/// Those of storage, and `pause` when the record is damaged, like all readers here.
pub fn config(host: &dyn Host) -> Result<Option<Versioned<Config>>, Stop> {
    Ok(stored_config(host)?.filter(|config| !config.value.leaving))
}

/// The same, also while the installation is being removed.
pub fn stored_config(host: &dyn Host) -> Result<Option<Versioned<Config>>, Stop> {
    read(host, CONFIG)
}

/// A config to write over `before`, or where none is stored.
pub fn new_config(config: Config, before: Option<Versioned<Config>>) -> Versioned<Config> {
    Versioned { value: config, key: CONFIG, version: before.and_then(|before| before.version) }
}

/// The groups at the last refresh.
pub fn groups(host: &dyn Host) -> Result<Versioned<Groups>, Stop> {
    read_or_default(host, GROUPS)
}

/// The mapping.
pub fn mappings(host: &dyn Host) -> Result<Versioned<Mappings>, Stop> {
    read_or_default(host, MAPPINGS)
}

/// The sync that is running, or the last one.
pub fn job(host: &dyn Host) -> Result<Option<Versioned<Job>>, Stop> {
    read(host, JOB)
}

/// A job to write over `before`, or where none is stored.
pub fn new_job(job: Job, before: Option<Versioned<Job>>) -> Versioned<Job> {
    Versioned { value: job, key: JOB, version: before.and_then(|before| before.version) }
}

/// The write that removes the job.
pub fn without_job() -> Write {
    Write { key: JOB.to_string(), value: None, requires: Precondition::None }
}

/// The error of a tenant that is not connected.
pub fn not_connected() -> Stop {
    pause(PauseCause::NotConnected, "Kisi is not connected: connect with a key first.", None)
}

fn read_or_default<T: DeserializeOwned + Default>(
    host: &dyn Host,
    key: &'static str,
) -> Result<Versioned<T>, Stop> {
    Ok(read(host, key)?.unwrap_or_else(|| Versioned { value: T::default(), key, version: None }))
}

fn read<T: DeserializeOwned>(host: &dyn Host, key: &'static str) -> Result<Option<Versioned<T>>, Stop> {
    let Some(entry) = storage::get(host, key)? else { return Ok(None) };
    let value = json::object(&entry.value).map_err(|error| {
        let message =
            format!("The plugin's own record {key} cannot be read ({error}). Ask the platform's support.");
        pause(PauseCause::StorageDamaged, &message, None)
    })?;
    Ok(Some(Versioned { value, key, version: Some(entry.version) }))
}

impl From<Paused> for Pause {
    fn from(paused: Paused) -> Pause {
        Pause { cause: paused.cause, message: paused.message }
    }
}
