//! Records in storage, with the two indexes that follow from them. A record and its indexes change in one commit, and
//! only if nobody else changed them since they were read.

use super::Record;
use crate::contract::storage::{Precondition, Quota, StorageError, Write};
use crate::contract::types::PauseCause;
use crate::host::Host;
use crate::id::UserId;
use crate::json::{self, Text};
use crate::stop::{Stop, pause, reject, retry};

/// Records are under this prefix, by member id.
pub const MEMBERS: &str = "member/";
/// Which member an e-mail address belongs to.
const EMAILS: &str = "email/";
/// Addresses that became free and whose other claimants were not looked at yet.
const FREED: &str = "freed/";
/// Which member holds something through a Kisi user.
const USERS: &str = "user/";

/// How long to wait when storage does not answer.
const RETRY_STORAGE_MS: u64 = 1_000;

/// A record as it is in storage, and as it shall be.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// Whose it is.
    pub member: String,
    /// As it shall be. Nothing is written before [`Loaded::save`].
    pub record: Record,
    stored: Record,
    version: Option<u64>,
}

impl Loaded {
    /// Reads a member's record; a member without one has an empty record.
    ///
    /// # Errors
    /// `retry` when storage does not answer, `reject` when the record is damaged.
    pub fn load(host: &dyn Host, member: &str) -> Result<Loaded, Stop> {
        let entry = host.get(&key(MEMBERS, member)).map_err(storage_error)?;
        let (stored, version) = match entry {
            None => (Record::default(), None),
            Some(entry) => {
                let record = json::from_slice(&entry.value).map_err(|error| {
                    reject(
                        &format!("The plugin's own record of member {member} cannot be read ({error})."),
                        None,
                    )
                })?;
                (record, Some(entry.version))
            }
        };
        Ok(Loaded { member: member.to_string(), record: stored.clone(), stored, version })
    }

    /// Writes the record and its indexes, when anything changed.
    ///
    /// # Errors
    /// `retry` when somebody else wrote meanwhile or storage does not answer, `pause` when it is full.
    pub fn save(&mut self, host: &dyn Host) -> Result<(), Stop> {
        if self.record == self.stored {
            return Ok(());
        }
        let version = host.commit(self.writes()).map_err(storage_error)?;
        self.is_saved(version);
        Ok(())
    }

    fn writes(&self) -> Vec<Write> {
        let value = if self.record.is_empty() { None } else { Some(Text::from(&self.record).into_bytes()) };
        let requires = self.version.map_or(Precondition::Absent, Precondition::UnchangedSince);
        let mut writes = vec![Write { key: key(MEMBERS, &self.member), value, requires }];
        writes.extend(index_writes(&self.member, EMAILS, &emails(&self.stored), &emails(&self.record)));
        writes.extend(index_writes(&self.member, USERS, &users(&self.stored), &users(&self.record)));
        let (before, after) = (emails(&self.stored), emails(&self.record));
        for email in before.iter().filter(|email| !after.contains(email)) {
            writes.push(Write {
                key: key(FREED, email),
                value: Some(Vec::new()),
                requires: Precondition::None,
            });
        }
        writes
    }

    fn is_saved(&mut self, version: u64) {
        self.version = if self.record.is_empty() { None } else { Some(version) };
        self.stored = self.record.clone();
    }
}

/// Writes two records in one commit: what moves from one to the other is never in both nor in neither.
///
/// # Errors
/// As [`Loaded::save`].
pub fn transfer(host: &dyn Host, from: &mut Loaded, to: &mut Loaded) -> Result<(), Stop> {
    let taken = to.writes();
    let given = from.writes().into_iter().filter(|write| taken.iter().all(|other| other.key != write.key));
    let mut writes: Vec<Write> = given.collect();
    writes.extend(taken);
    for write in writes.iter_mut().filter(|write| !write.key.starts_with(MEMBERS)) {
        // An index entry changes hands within this commit: it is not absent before.
        write.requires = Precondition::None;
    }
    let version = host.commit(writes).map_err(storage_error)?;
    from.is_saved(version);
    to.is_saved(version);
    Ok(())
}

/// Some addresses that became free and whose other claimants were not looked at yet.
///
/// # Errors
/// `retry` when storage does not answer.
pub fn freed(host: &dyn Host, limit: u32) -> Result<Vec<String>, Stop> {
    let entries = host.scan(FREED, None, limit).map_err(storage_error)?;
    Ok(entries.into_iter().filter_map(|entry| entry.key.strip_prefix(FREED).map(str::to_string)).collect())
}

/// Forgets that an address became free.
///
/// # Errors
/// `retry` when storage does not answer.
pub fn followed(host: &dyn Host, email: &str) -> Result<(), Stop> {
    let write = Write { key: key(FREED, email), value: None, requires: Precondition::None };
    host.commit(vec![write]).map_err(storage_error)?;
    Ok(())
}

/// The member that an e-mail address belongs to.
///
/// # Errors
/// `retry` when storage does not answer.
pub fn holder_of_email(host: &dyn Host, email: &str) -> Result<Option<String>, Stop> {
    holder(host, &key(EMAILS, email))
}

/// The member that is tied to a Kisi user, or still holds something through it.
///
/// # Errors
/// `retry` when storage does not answer.
pub fn holder_of_user(host: &dyn Host, user: UserId) -> Result<Option<String>, Stop> {
    holder(host, &key(USERS, &user.to_string()))
}

fn holder(host: &dyn Host, key: &str) -> Result<Option<String>, Stop> {
    let entry = host.get(key).map_err(storage_error)?;
    Ok(entry.map(|entry| String::from_utf8(entry.value).unwrap_or_default()))
}

fn emails(record: &Record) -> Vec<String> {
    record.account.iter().map(|account| account.email.clone()).collect()
}

fn users(record: &Record) -> Vec<String> {
    let tied = record.account.iter().map(|account| account.user);
    let mut users = Vec::new();
    for user in tied.chain(record.holds.iter().map(|hold| hold.user)) {
        let user = user.to_string();
        if !users.contains(&user) {
            users.push(user);
        }
    }
    users
}

fn index_writes(member: &str, prefix: &str, before: &[String], after: &[String]) -> Vec<Write> {
    let write = |name: &String, value: Option<Vec<u8>>| Write {
        key: key(prefix, name),
        requires: if value.is_some() { Precondition::Absent } else { Precondition::None },
        value,
    };
    let removed = before.iter().filter(|name| !after.contains(name)).map(|name| write(name, None));
    let added = after
        .iter()
        .filter(|name| !before.contains(name))
        .map(|name| write(name, Some(member.as_bytes().to_vec())));
    removed.chain(added).collect()
}

fn key(prefix: &str, name: &str) -> String {
    format!("{prefix}{name}")
}

/// What the host must do about a storage error.
pub fn storage_error(error: StorageError) -> Stop {
    match error {
        StorageError::Conflict(_) => {
            retry(0, "The plugin's records changed during the call; it starts anew.", None)
        }
        StorageError::Unavailable(why) => {
            retry(RETRY_STORAGE_MS, &format!("The plugin's storage does not answer: {why}."), None)
        }
        StorageError::QuotaExceeded(Quota::TotalSize) => pause(
            PauseCause::StorageFull,
            "The plugin's storage is full: raise the limit for this installation.",
            None,
        ),
        // One member's, whose id or address is longer than any should be: no reason to stop for all others.
        StorageError::QuotaExceeded(Quota::KeySize | Quota::ValueSize | Quota::CommitSize) => reject(
            "The record would be larger than storage allows: an id or e-mail address is too long.",
            None,
        ),
    }
}
