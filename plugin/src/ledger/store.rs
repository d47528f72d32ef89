//! Stored records and their indexes. A record and its indexes change in one commit, and only if the record has not
//! changed since it was read. All errors are those of storage.

use super::{Account, Record};
use crate::contract::log::Level;
use crate::contract::storage::{Entry, Precondition, Write};
use crate::contract::types::Timestamp;
use crate::host::Host;
use crate::id::UserId;
use crate::json;
use crate::stop::Stop;
use crate::storage;

/// Prefix of records, by member id.
pub const MEMBERS: &str = "member/";
/// Index: e-mail address to member.
const EMAILS: &str = "email/";
/// Addresses that became free and whose claimants have not been reconciled yet.
const FREED: &str = "freed/";
/// Index: members by due time.
const DUE: &str = "due/";
/// Digits of the due time in a key, so that keys are in the order of time.
const DUE_DIGITS: usize = 20;
/// Index: Kisi user to the member with this account or with a hold of it.
const USERS: &str = "user/";

/// Index entries that are read together.
const INDEX_PAGE: u32 = 500;

/// A stored record and its new state.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The member's id.
    pub member: String,
    /// The new state. Nothing is written before [`Loaded::save`].
    pub record: Record,
    stored: Record,
    version: Option<u64>,
}

impl Loaded {
    /// Reads a member's record, which is empty when none is stored. A damaged record is restored from the indexes and
    /// marked.
    pub fn load(host: &dyn Host, member: &str) -> Result<Loaded, Stop> {
        let entry = storage::get(host, &key(MEMBERS, member))?;
        let (stored, version) = match entry {
            None => (Record::default(), None),
            Some(entry) => match json::object(&entry.value) {
                Ok(record) => (record, Some(entry.version)),
                Err(error) => {
                    let fields = [("member", member), ("error", &error.to_string())];
                    host.log(Level::Error, "a member's record is damaged; it is rebuilt from Kisi", &fields);
                    return Loaded::from_indexes(host, member, entry.version);
                }
            },
        };
        Ok(Loaded { member: member.to_string(), record: stored.clone(), stored, version })
    }

    /// Restores a damaged record from what is certain: one user and one address in the indexes are the account. Otherwise
    /// the users become former ones, so that a block reaches them.
    fn from_indexes(host: &dyn Host, member: &str, version: u64) -> Result<Loaded, Stop> {
        let is_theirs = |entry: &Entry| entry.value == member.as_bytes();
        let mut emails = entries_of(host, EMAILS, is_theirs)?;
        let mut users = entries_of(host, USERS, is_theirs)?;
        let mut dates = entries_of(host, DUE, |entry| {
            entry.key.get(DUE.len() + DUE_DIGITS + 1..).is_some_and(|name| name == member)
        })?;
        let mut record = Record { damaged: true, ..Record::default() };
        record.due = dates.pop().and_then(|date| date.get(..DUE_DIGITS)?.parse().ok());
        record.former = users.iter().filter_map(|user| user.parse().ok().map(UserId)).collect();
        if let ([email], [user]) = (emails.as_slice(), record.former.as_slice()) {
            record.tie(Account { user: *user, email: email.clone(), name: None });
            emails.clear();
            users.clear();
        }
        let removed = |key| Write { key, value: None, requires: Precondition::None };
        let entries = [(EMAILS, emails), (USERS, users), (DUE, dates)];
        let entries = entries.iter().flat_map(|(index, names)| names.iter().map(|name| key(index, name)));
        let mut writes: Vec<Write> = entries.map(removed).collect();
        writes.push(Write {
            key: key(MEMBERS, member),
            value: Some(json::to_vec(&record)),
            requires: Precondition::UnchangedSince(version),
        });
        let version = Some(storage::commit(host, writes)?);
        Ok(Loaded { member: member.to_string(), record: record.clone(), stored: record, version })
    }

    /// Writes the record and its indexes, if anything changed.
    pub fn save(&mut self, host: &dyn Host) -> Result<(), Stop> {
        if self.record == self.stored {
            return Ok(());
        }
        let version = storage::commit(host, self.writes())?;
        self.is_saved(version);
        Ok(())
    }

    fn writes(&self) -> Vec<Write> {
        let value = if self.record.is_empty() { None } else { Some(json::to_vec(&self.record)) };
        let requires = self.version.map_or(Precondition::Absent, Precondition::UnchangedSince);
        let mut writes = vec![Write { key: key(MEMBERS, &self.member), value, requires }];
        writes.extend(index_writes(&self.member, EMAILS, &emails(&self.stored), &emails(&self.record)));
        writes.extend(index_writes(&self.member, USERS, &users(&self.stored), &users(&self.record)));
        if self.record.due != self.stored.due {
            writes.extend(self.stored.due.map(|at| due_write(at, &self.member, None)));
            writes.extend(self.record.due.map(|at| due_write(at, &self.member, Some(Vec::new()))));
        }
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

/// Writes two records in one commit, so that a hold that moves is always in exactly one of them.
pub fn transfer(host: &dyn Host, from: &mut Loaded, to: &mut Loaded) -> Result<(), Stop> {
    let taken = to.writes();
    let given = from.writes().into_iter().filter(|write| taken.iter().all(|other| other.key != write.key));
    let mut writes: Vec<Write> = given.collect();
    writes.extend(taken);
    for write in writes.iter_mut().filter(|write| !write.key.starts_with(MEMBERS)) {
        // The index entry of a moved hold exists before this commit.
        write.requires = Precondition::None;
    }
    let version = storage::commit(host, writes)?;
    from.is_saved(version);
    to.is_saved(version);
    Ok(())
}

/// Removes a member's record and index entries, because the installation ends.
pub fn forget(host: &dyn Host, member: &str) -> Result<(), Stop> {
    let mut loaded = Loaded::load(host, member)?;
    loaded.record = Record::default();
    let mut writes = loaded.writes();
    // Its address need not be offered to other members.
    writes.retain(|write| !write.key.starts_with(FREED));
    storage::commit(host, writes)?;
    Ok(())
}

/// The wanted entries of an index, found by reading all of it.
fn entries_of(
    host: &dyn Host,
    prefix: &str,
    is_wanted: impl Fn(&Entry) -> bool,
) -> Result<Vec<String>, Stop> {
    let (mut names, mut after) = (Vec::new(), None::<String>);
    loop {
        let entries = storage::scan(host, prefix, after.as_deref(), INDEX_PAGE)?;
        after = entries
            .last()
            .filter(|_| entries.len() as u64 >= u64::from(INDEX_PAGE))
            .map(|last| last.key.clone());
        let wanted = entries.iter().filter(|entry| is_wanted(entry));
        names.extend(wanted.filter_map(|entry| entry.key.strip_prefix(prefix).map(str::to_string)));
        if after.is_none() {
            return Ok(names);
        }
    }
}

/// Some addresses that became free and whose claimants have not been reconciled yet.
pub fn freed(host: &dyn Host, limit: u32) -> Result<Vec<String>, Stop> {
    let entries = storage::scan(host, FREED, None, limit)?;
    Ok(entries.into_iter().filter_map(|entry| entry.key.strip_prefix(FREED).map(str::to_string)).collect())
}

/// Removes an address from those that became free.
pub fn followed(host: &dyn Host, email: &str) -> Result<(), Stop> {
    let write = Write { key: key(FREED, email), value: None, requires: Precondition::None };
    storage::commit(host, vec![write])?;
    Ok(())
}

/// A member who is due without an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    key: String,
    /// When the member is due.
    pub at: Timestamp,
    /// The member.
    pub member: String,
}

/// The member who is due next.
pub fn first_due(host: &dyn Host) -> Result<Option<Due>, Stop> {
    let entries = storage::scan(host, DUE, None, 1)?;
    Ok(entries.into_iter().next().map(|entry| {
        let rest = entry.key.get(DUE.len()..).unwrap_or_default();
        let (at, member) = rest.split_at_checked(DUE_DIGITS).unwrap_or_default();
        let at = at.parse().unwrap_or_default();
        Due { at, member: member.get(1..).unwrap_or_default().to_string(), key: entry.key }
    }))
}

/// Moves a due date that has passed to `again`, or removes it, unless the record has a new one.
pub fn pass_due(host: &dyn Host, due: &Due, again: Option<Timestamp>) -> Result<(), Stop> {
    if storage::get(host, &due.key)?.is_none() {
        return Ok(());
    }
    let mut loaded = Loaded::load(host, &due.member)?;
    if loaded.record.due == Some(due.at) {
        loaded.record.due = again;
        return loaded.save(host);
    }
    let mut writes = vec![Write { key: due.key.clone(), value: None, requires: Precondition::None }];
    writes.extend(again.map(|at| due_write(at, &due.member, Some(Vec::new()))));
    storage::commit(host, writes)?;
    Ok(())
}

/// The write that makes a member due at `at`.
pub fn look_again(at: Timestamp, member: &str) -> Write {
    due_write(at, member, Some(Vec::new()))
}

fn due_write(at: Timestamp, member: &str, value: Option<Vec<u8>>) -> Write {
    Write { key: format!("{DUE}{at:0DUE_DIGITS$}/{member}"), value, requires: Precondition::None }
}

/// The member who has an e-mail address.
pub fn holder_of_email(host: &dyn Host, email: &str) -> Result<Option<String>, Stop> {
    holder(host, &key(EMAILS, email))
}

/// The member who has a Kisi user as account, or has a hold of it.
pub fn holder_of_user(host: &dyn Host, user: UserId) -> Result<Option<String>, Stop> {
    holder(host, &key(USERS, &user.to_string()))
}

fn holder(host: &dyn Host, key: &str) -> Result<Option<String>, Stop> {
    let entry = storage::get(host, key)?;
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
