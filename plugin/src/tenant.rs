//! What the plugin remembers of the installation: settings, whose key it is, groups, mappings, and whether a person
//! must act before anything can go on.

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

/// What `connect` established is here; the last key to go when an installation ends.
pub const CONFIG: &str = "tenant/config";
const GROUPS: &str = "tenant/groups";
const MAPPINGS: &str = "tenant/mappings";
const JOB: &str = "tenant/sync";

/// What `connect` established.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Config {
    /// The gym's decisions.
    pub settings: Settings,
    /// Whose key it is.
    pub account: Owner,
    /// The organization that the key belongs to.
    pub organization: Owned,
    /// When Kisi last accepted the key.
    pub checked_at: Timestamp,
    /// Why nothing goes on until a person acts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paused: Option<Paused>,
    /// How dates of assignments can be changed here.
    #[serde(default)]
    pub date_change: DateChange,
    /// When the last comparison began after which everybody was brought up to date.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub synced_at: Option<Timestamp>,
    /// Since when everybody must be compared anew, because the mapping changed or a pause ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asked_at: Option<Timestamp>,
    /// How many grants dates took, since everybody was last compared, from members of whom no event told.
    #[serde(default, skip_serializing_if = "is_default")]
    pub taken: u64,
    /// The installation is being ended: from here on it counts as not connected.
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

/// Why nothing goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Paused {
    cause: Cause,
    message: String,
}

/// The causes that outlast a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Cause {
    KeyRejected,
    KeyWithoutRights,
    OtherOrganization,
    RequestsDenied,
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
    /// Groups whose doors are still to be read again.
    pub unread: Vec<GroupId>,
    /// When reading them last failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failed_at: Option<Timestamp>,
}

/// A group, as far as a gym maps plans to it.
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
    /// Whether Kisi asks for more than membership: hours, distance, a certain device.
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
    /// Name of the place where it is; empty when not known.
    pub place: String,
}

/// Something in storage, and the version that was read.
#[derive(Debug)]
pub struct Versioned<T> {
    /// As it shall be.
    pub value: T,
    key: &'static str,
    version: Option<u64>,
}

/// What every call needs that changes members.
#[derive(Debug)]
pub struct Tenant {
    /// What `connect` established.
    pub config: Versioned<Config>,
    /// Which plan opens which groups.
    pub mappings: Versioned<Mappings>,
}

impl Tenant {
    /// Reads a tenant that works.
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

    /// Reads a tenant that works or is paused.
    ///
    /// # Errors
    /// `pause` when it is not connected.
    pub fn load_connected(host: &dyn Host) -> Result<Tenant, Stop> {
        let config = config(host)?.ok_or_else(not_connected)?;
        Ok(Tenant { config, mappings: mappings(host)? })
    }

    /// Why nothing goes on, when it does not.
    pub fn pause(&self) -> Option<Stop> {
        let paused = self.config.value.paused.as_ref()?;
        Some(pause(paused.cause.into(), &paused.message, None))
    }

    /// Reads again what others may have changed in this call.
    ///
    /// # Errors
    /// As [`Tenant::load`].
    pub fn reload(&mut self, host: &dyn Host) -> Result<(), Stop> {
        *self = Tenant::load(host)?;
        Ok(())
    }

    /// Remembers an error that a person must settle, so that no further request is made until then.
    pub fn note_pause(&mut self, host: &dyn Host, error: &types::Error) {
        if let Demand::Pause(cause) = &error.demand
            && let Some(cause) = Cause::of(cause)
        {
            let message = error.message.clone();
            self.config.value.paused = Some(Paused { cause, message });
            // The error itself reaches the host in any case.
            let _saved = self.config.save(host);
        }
    }
}

impl<T: Serialize> Versioned<T> {
    /// Writes the value.
    ///
    /// # Errors
    /// `retry` when somebody else wrote meanwhile or storage does not answer, `pause` when it is full.
    pub fn save(&mut self, host: &dyn Host) -> Result<(), Stop> {
        self.saved(storage::commit(host, vec![self.write()])?);
        Ok(())
    }

    /// The commit that wrote it, when it was read or written.
    pub fn version(&self) -> Option<u64> {
        self.version
    }

    /// Takes note of a commit with the write that `save` would make.
    pub fn saved(&mut self, version: u64) {
        self.version = Some(version);
    }

    /// The write that `save` would make, for a commit with others.
    pub fn write(&self) -> Write {
        Write {
            key: self.key.to_string(),
            value: Some(json::to_vec(&self.value)),
            requires: self.version.map_or(Precondition::Absent, Precondition::UnchangedSince),
        }
    }
}

/// What `connect` established, when it did and the installation is not being ended.
///
/// # Errors
/// `retry` when storage does not answer, `pause` when the record is damaged.
pub fn config(host: &dyn Host) -> Result<Option<Versioned<Config>>, Stop> {
    Ok(stored_config(host)?.filter(|config| !config.value.leaving))
}

/// The same, of an installation that is being ended, too.
///
/// # Errors
/// As [`config`].
pub fn stored_config(host: &dyn Host) -> Result<Option<Versioned<Config>>, Stop> {
    read(host, CONFIG)
}

/// A config to write where none was, or over `before`.
pub fn new_config(config: Config, before: Option<Versioned<Config>>) -> Versioned<Config> {
    Versioned { value: config, key: CONFIG, version: before.and_then(|before| before.version) }
}

/// The groups at the last refresh.
///
/// # Errors
/// As [`config`].
pub fn groups(host: &dyn Host) -> Result<Versioned<Groups>, Stop> {
    Ok(read(host, GROUPS)?.unwrap_or(Versioned { value: Groups::default(), key: GROUPS, version: None }))
}

/// The mapping.
///
/// # Errors
/// As [`config`].
pub fn mappings(host: &dyn Host) -> Result<Versioned<Mappings>, Stop> {
    Ok(read(host, MAPPINGS)?.unwrap_or(Versioned {
        value: Mappings::default(),
        key: MAPPINGS,
        version: None,
    }))
}

/// The reconciliation that is under way, or the last one.
///
/// # Errors
/// As [`config`].
pub fn job(host: &dyn Host) -> Result<Option<Versioned<Job>>, Stop> {
    read(host, JOB)
}

/// A job to write where `before` was.
pub fn new_job(job: Job, before: Option<Versioned<Job>>) -> Versioned<Job> {
    Versioned { value: job, key: JOB, version: before.and_then(|before| before.version) }
}

/// The write that forgets every reconciliation.
pub fn without_job() -> Write {
    Write { key: JOB.to_string(), value: None, requires: Precondition::None }
}

/// The error of a tenant that was never connected, or no longer is.
pub fn not_connected() -> Stop {
    pause(PauseCause::NotConnected, "Kisi is not connected: connect with a key first.", None)
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

impl Cause {
    fn of(cause: &PauseCause) -> Option<Cause> {
        match cause {
            PauseCause::KeyRejected => Some(Cause::KeyRejected),
            PauseCause::KeyWithoutRights => Some(Cause::KeyWithoutRights),
            PauseCause::OtherOrganization => Some(Cause::OtherOrganization),
            PauseCause::RequestsDenied => Some(Cause::RequestsDenied),
            PauseCause::NotConnected | PauseCause::StorageFull | PauseCause::StorageDamaged => None,
        }
    }
}

impl From<Cause> for PauseCause {
    fn from(cause: Cause) -> PauseCause {
        match cause {
            Cause::KeyRejected => PauseCause::KeyRejected,
            Cause::KeyWithoutRights => PauseCause::KeyWithoutRights,
            Cause::OtherOrganization => PauseCause::OtherOrganization,
            Cause::RequestsDenied => PauseCause::RequestsDenied,
        }
    }
}

impl From<Paused> for Pause {
    fn from(paused: Paused) -> Pause {
        Pause { cause: paused.cause.into(), message: paused.message }
    }
}
