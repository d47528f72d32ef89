//! What a reconciliation keeps in storage between its steps, all of it under one prefix and gone at its end.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::contract::storage::{Entry, Precondition, Write};
use crate::contract::types::Timestamp;
use crate::host::Host;
use crate::id::{AssignmentId, GroupId, UserId};
use crate::json;
use crate::kisi::role_assignments::RoleAssignment;
use crate::kisi::users::User;
use crate::stop::{Stop, retry};
use crate::storage;
use crate::window::Window;

/// The job itself is beside these.
const KEPT: &str = "sync/";
const SEEN: &str = "sync/seen/";
const ODD: &str = "sync/odd/";
const TODO: &str = "sync/todo/";
const USER: &str = "sync/user/";
/// Ends the part of a key that names a person, so that no name is the beginning of another one's keys.
const END: char = '\u{1f}';

/// The most writes in a commit (`storage.wit`).
const WRITES_MAX: usize = 100;

/// The assignments that were seen in a group; none when nothing was read yet. Those of a group as long as Kisi lets be
/// read fit into one value.
///
/// # Errors
/// Those of storage.
pub fn seen(host: &dyn Host, group: GroupId) -> Result<BTreeSet<u64>, Stop> {
    let entry = storage::get(host, &format!("{SEEN}{group}"))?;
    let bytes = entry.map(|entry| entry.value).unwrap_or_default();
    let (numbers, _) = bytes.as_chunks();
    Ok(numbers.iter().map(|number| u64::from_le_bytes(*number)).collect())
}

/// The write that keeps the assignments that were seen in a group.
pub fn keep_seen(seen: &BTreeSet<u64>, group: GroupId) -> Write {
    put(format!("{SEEN}{group}"), seen.iter().flat_map(|number| number.to_le_bytes()).collect())
}

/// A row in a mapped group that is not what the ledger says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "StoredOdd", into = "StoredOdd")]
pub struct Odd {
    /// The assignment.
    pub assignment: AssignmentId,
    /// Whose it is.
    pub user: UserId,
    /// In which group.
    pub group: GroupId,
    /// Its dates.
    pub window: Window,
    /// The role, when it is above a plain member's.
    pub elevated: Option<String>,
    /// Name or address of the user, for the report.
    pub account: String,
}

/// To whom an odd row belongs, as far as that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner<'a> {
    /// The member who is tied to the user.
    Member(&'a str),
    /// Whoever has this address.
    Email(&'a str),
}

impl Odd {
    /// Takes what matters from a row of a group.
    pub fn of(row: &RoleAssignment, user: UserId, group: GroupId) -> Odd {
        let name = if row.assignee_name.is_empty() { &row.assignee_email } else { &row.assignee_name };
        Odd {
            assignment: row.id,
            user,
            group,
            window: row.window(),
            elevated: (!row.is_plain()).then(|| row.role_id.clone()),
            account: name.clone(),
        }
    }

    /// The write that keeps it.
    pub fn write(&self, owner: Owner) -> Write {
        put(format!("{}{}", odd_prefix(owner), self.assignment), json::to_vec(self))
    }

    /// Those of somebody.
    ///
    /// # Errors
    /// Those of storage.
    pub fn of_owner(host: &dyn Host, owner: Owner) -> Result<Vec<Odd>, Stop> {
        let entries = storage::scan(host, &odd_prefix(owner), None, 1_000)?;
        Ok(entries.iter().filter_map(|entry| json::object(&entry.value).ok()).collect())
    }

    /// Rows of people who belong to no member when they were read, from `after` on; with the key to go on from.
    ///
    /// # Errors
    /// Those of storage.
    pub fn of_strangers(
        host: &dyn Host,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<(String, Odd)>, Stop> {
        let entries = storage::scan(host, &format!("{ODD}e"), after, limit)?;
        let odd = |value: &[u8]| json::object(value).ok();
        Ok(entries.into_iter().filter_map(|entry| Some((entry.key, odd(&entry.value)?))).collect())
    }
}

/// The address in the key of a row of somebody who was no member.
pub fn email_of(key: &str) -> Option<&str> {
    key.get(ODD.len() + 1..)?.split(END).next()
}

fn odd_prefix(owner: Owner) -> String {
    match owner {
        Owner::Member(member) => format!("{ODD}m{member}{END}"),
        Owner::Email(email) => format!("{ODD}e{email}{END}"),
    }
}

/// An odd row as it is stored.
#[derive(Serialize, Deserialize)]
struct StoredOdd {
    assignment: AssignmentId,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<Timestamp>,
    user: UserId,
    group: GroupId,
    #[serde(skip_serializing_if = "Option::is_none")]
    elevated: Option<String>,
    account: String,
}

impl From<StoredOdd> for Odd {
    fn from(stored: StoredOdd) -> Odd {
        let StoredOdd { assignment, from, until, user, group, elevated, account } = stored;
        Odd { assignment, user, group, window: Window { starts_at: from, ends_at: until }, elevated, account }
    }
}

impl From<Odd> for StoredOdd {
    fn from(odd: Odd) -> StoredOdd {
        let Odd { assignment, user, group, window, elevated, account } = odd;
        StoredOdd {
            assignment,
            from: window.starts_at,
            until: window.ends_at,
            user,
            group,
            elevated,
            account,
        }
    }
}

/// A member for whom something differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Todo {
    /// Its key in storage.
    pub key: String,
    /// The member.
    pub member: String,
    /// Whether what the ledger says must be checked by reading Kisi.
    pub verify: bool,
    /// How many grants the member was to lose when everybody was compared.
    pub losses: u64,
}

/// How soon somebody's turn comes: loss of access first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// Blocked and deleted members.
    Barred,
    /// Members who only lose something.
    Loses,
    /// All others.
    Gains,
}

/// The write that notes a member for applying.
pub fn todo(turn: Turn, member: &str, verify: bool, losses: u64) -> Write {
    let mut value = vec![u8::from(verify)];
    value.extend(losses.to_le_bytes());
    put(format!("{TODO}{}{member}", turn as u8), value)
}

/// The next member to bring up to date.
///
/// # Errors
/// Those of storage.
pub fn take_todo(host: &dyn Host) -> Result<Option<Todo>, Stop> {
    Ok(storage::scan(host, TODO, None, 1)?.pop().map(Todo::of))
}

/// The next one of this turn whose key comes behind `last`.
///
/// # Errors
/// Those of storage.
pub fn todo_behind(host: &dyn Host, turn: Turn, last: Option<&str>) -> Result<Option<Todo>, Stop> {
    Ok(storage::scan(host, &format!("{TODO}{}", turn as u8), last, 1)?.pop().map(Todo::of))
}

impl Todo {
    fn of(entry: Entry) -> Todo {
        Todo {
            member: entry.key.get(TODO.len() + 1..).unwrap_or_default().to_string(),
            verify: entry.value.first() == Some(&1),
            // One that an earlier version noted has none.
            losses: entry
                .value
                .get(1..)
                .and_then(|bytes| bytes.try_into().ok())
                .map_or(0, u64::from_le_bytes),
            key: entry.key,
        }
    }

    /// The write that notes that the member was brought up to date.
    pub fn done(&self) -> Write {
        Write { key: self.key.clone(), value: None, requires: Precondition::None }
    }
}

/// The write that keeps a user under an address.
pub fn user(email: &str, user: &User) -> Write {
    let kept = KeptUser { id: user.id, member: user.created_for.clone() };
    put(format!("{USER}{email}"), json::to_vec(&kept))
}

/// The user with this address, when all users were kept.
///
/// # Errors
/// Those of storage.
pub fn user_with(host: &dyn Host, email: &str) -> Result<Option<User>, Stop> {
    let Some(entry) = storage::get(host, &format!("{USER}{email}"))? else { return Ok(None) };
    let kept: KeptUser = json::object(&entry.value)
        .map_err(|error| retry(0, &format!("What a reconciliation kept is damaged: {error}"), None))?;
    Ok(Some(User { id: kept.id, email: Some(email.to_string()), created_for: kept.member }))
}

#[derive(Serialize, Deserialize)]
struct KeptUser {
    id: UserId,
    #[serde(skip_serializing_if = "Option::is_none")]
    member: Option<String>,
}

/// Removes some of what was kept. True when nothing is left.
///
/// # Errors
/// Those of storage.
pub fn clean(host: &dyn Host) -> Result<bool, Stop> {
    remove(host, KEPT, "")
}

/// Removes some of what is under `prefix`, the key `last` not before all others. True when nothing is left.
///
/// # Errors
/// Those of storage.
pub fn remove(host: &dyn Host, prefix: &str, last: &str) -> Result<bool, Stop> {
    let entries = storage::scan(host, prefix, None, WRITES_MAX as u32)?;
    let is_last = entries.len() < WRITES_MAX;
    let writes: Vec<Write> = entries
        .into_iter()
        .filter(|entry| is_last || entry.key != last)
        .map(|entry| Write { key: entry.key, value: None, requires: Precondition::None })
        .collect();
    if !writes.is_empty() {
        storage::commit(host, writes)?;
    }
    Ok(is_last)
}

/// Commits writes that need no other, as many as storage takes at once.
///
/// # Errors
/// Those of storage.
pub fn keep(host: &dyn Host, mut writes: Vec<Write>) -> Result<(), Stop> {
    while !writes.is_empty() {
        let rest = writes.split_off(writes.len().min(WRITES_MAX));
        storage::commit(host, writes)?;
        writes = rest;
    }
    Ok(())
}

fn put(key: String, value: Vec<u8>) -> Write {
    Write { key, value: Some(value), requires: Precondition::None }
}
