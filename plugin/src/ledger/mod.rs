//! The record of a member: the Kisi user, the plugin's grants, and writes in doubt. Nothing more
//! (docs/decisions/0007-small-records.md). `store` reads and writes it.

pub mod store;

use serde::{Deserialize, Serialize};

use crate::contract::types::Timestamp;
use crate::id::{AssignmentId, GroupId, LoginId, UserId};
use crate::json::is_default;
use crate::window::Window;

/// One member's record.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Record {
    /// The member's Kisi user.
    #[serde(skip_serializing_if = "is_default")]
    pub account: Option<Account>,
    /// The member's earlier users. A block clears them, too.
    #[serde(skip_serializing_if = "is_default")]
    pub former: Vec<UserId>,
    /// The plugin's grants, and intents.
    #[serde(skip_serializing_if = "is_default")]
    pub holds: Vec<Hold>,
    /// Present when the member is blocked and all groups of this address are cleared in Kisi.
    #[serde(skip_serializing_if = "is_default")]
    pub cleared: Option<Cleared>,
    /// Higher roles. Kisi adds no second role in the same group, so it is not tried at each event.
    #[serde(skip_serializing_if = "is_default")]
    pub elevated: Vec<Elevated>,
    /// Logins of the member's app, oldest first, without their secrets.
    #[serde(skip_serializing_if = "is_default")]
    pub logins: Vec<LoginId>,
    /// When the member is due without an event; also in an index.
    #[serde(skip_serializing_if = "is_default")]
    pub due: Option<Timestamp>,
    /// Groups removed because the installation ends, so that a repeated step reports the same.
    #[serde(skip_serializing_if = "is_default")]
    pub removed: Vec<GroupId>,
    /// The record was unreadable and has been restored from the indexes. Kisi must be read before it is trusted.
    #[serde(skip_serializing_if = "is_default")]
    pub damaged: bool,
}

/// The beginning of a stored record with an account, and of a stored hold's state `Held`.
const ACCOUNT: &[u8] = br#"{"account":"#;
const HELD: &[u8] = br#""held":"#;

/// The link between a member and a Kisi user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// The user.
    pub user: UserId,
    /// The e-mail address, trimmed and in lower case.
    pub email: String,
    /// Present when the plugin created the user: a fingerprint of its name, which shows a change without storing the
    /// name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<u64>,
}

/// A blocked member's groups are cleared, so a repeated event needs no request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cleared {
    /// The cleared address, as in [`Account::email`]; absent when the member had none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
}

/// A role above a plain member's in a mapped group. It opens the group's doors, too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Elevated {
    /// The user.
    pub user: UserId,
    /// The group.
    pub group: GroupId,
    /// The role.
    pub role: String,
    /// When it was last seen.
    pub seen_at: Timestamp,
}

/// A role assignment that the plugin manages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "StoredHold", into = "StoredHold")]
pub struct Hold {
    /// The user.
    pub user: UserId,
    /// The group.
    pub group: GroupId,
    /// Its dates; during a change, those before.
    pub window: Window,
    /// Its state.
    pub state: State,
}

/// The state of a hold. All but `Held` are intents: recorded before the request is sent, and resolved by reading Kisi
/// when the answer was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// About to be added.
    Granting {
        /// When the intent was recorded.
        at: Timestamp,
    },
    /// In Kisi.
    Held {
        /// Kisi's id of it.
        assignment: AssignmentId,
    },
    /// About to get other dates.
    Adjusting {
        /// Kisi's id of it.
        assignment: AssignmentId,
    },
    /// About to be removed.
    Revoking {
        /// Kisi's id of it.
        assignment: AssignmentId,
    },
}

impl Hold {
    /// Kisi's id, once known.
    pub fn assignment(&self) -> Option<AssignmentId> {
        match self.state {
            State::Granting { .. } => None,
            State::Held { assignment } | State::Adjusting { assignment } | State::Revoking { assignment } => {
                Some(assignment)
            }
        }
    }
}

impl Record {
    /// Whether a stored record has an account, and how many grants, without parsing it. Quotes inside texts are
    /// escaped, so no text looks like a field.
    pub fn tally(written: &[u8]) -> (bool, u32) {
        let held = written.windows(HELD.len()).filter(|part| *part == HELD).count();
        (written.starts_with(ACCOUNT), u32::try_from(held).unwrap_or(u32::MAX))
    }

    /// Whether there is nothing to store.
    pub fn is_empty(&self) -> bool {
        *self == Record::default()
    }

    /// Whether only a due date is stored.
    pub fn is_unknown(&self) -> bool {
        Record { due: None, ..self.clone() }.is_empty()
    }

    /// Whether the same user has another hold in the same group, for example a replacement.
    pub fn has_another(&self, hold: &Hold) -> bool {
        self.holds.iter().any(|other| (other.user, other.group) == (hold.user, hold.group) && other != hold)
    }

    /// The hold with this assignment.
    pub fn hold_mut(&mut self, assignment: AssignmentId) -> Option<&mut Hold> {
        self.holds.iter_mut().find(|hold| hold.assignment() == Some(assignment))
    }

    /// Removes a hold.
    pub fn forget(&mut self, assignment: AssignmentId) {
        self.holds.retain(|hold| hold.assignment() != Some(assignment));
    }

    /// Withdraws an intent that was certainly not carried out.
    pub fn abandon(&mut self, user: UserId, group: GroupId, assignment: Option<AssignmentId>) {
        match assignment {
            Some(assignment) => {
                if let Some(hold) = self.hold_mut(assignment) {
                    hold.state = State::Held { assignment };
                }
            }
            None => self.holds.retain(|hold| {
                !(hold.user == user && hold.group == group && matches!(hold.state, State::Granting { .. }))
            }),
        }
    }

    /// Unlinks the account and keeps its user as a former one. Returns the account, whose address becomes free.
    pub fn untie(&mut self) -> Option<Account> {
        let account = self.account.take()?;
        if !self.former.contains(&account.user) {
            self.former.push(account.user);
        }
        Some(account)
    }

    /// Links the member to a user.
    pub fn tie(&mut self, account: Account) {
        self.former.retain(|&user| user != account.user);
        self.account = Some(account);
    }

    /// All users of the member: current, former, and those with a hold.
    pub fn users(&self) -> Vec<UserId> {
        let tied = self.account.iter().map(|account| account.user);
        let mut users: Vec<UserId> = Vec::new();
        for user in tied.chain(self.former.iter().copied()).chain(self.holds.iter().map(|hold| hold.user)) {
            if !users.contains(&user) {
                users.push(user);
            }
        }
        users
    }

    /// Removes a user that Kisi no longer has, with all holds.
    pub fn forget_user(&mut self, user: UserId) {
        self.account = self.account.take().filter(|account| account.user != user);
        self.former.retain(|&former| former != user);
        self.holds.retain(|hold| hold.user != user);
        self.elevated.retain(|elevated| elevated.user != user);
    }
}

/// A stored hold. Exactly one of the last four fields is present: the state.
#[derive(Serialize, Deserialize)]
struct StoredHold {
    user: UserId,
    group: GroupId,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    granting: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    held: Option<AssignmentId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    adjusting: Option<AssignmentId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    revoking: Option<AssignmentId>,
}

impl TryFrom<StoredHold> for Hold {
    type Error = &'static str;

    fn try_from(stored: StoredHold) -> Result<Hold, &'static str> {
        let StoredHold { user, group, from, until, granting, held, adjusting, revoking } = stored;
        let state = match (granting, held, adjusting, revoking) {
            (Some(at), None, None, None) => State::Granting { at },
            (None, Some(assignment), None, None) => State::Held { assignment },
            (None, None, Some(assignment), None) => State::Adjusting { assignment },
            (None, None, None, Some(assignment)) => State::Revoking { assignment },
            _ => return Err("has not exactly one state"),
        };
        Ok(Hold { user, group, window: Window { starts_at: from, ends_at: until }, state })
    }
}

impl From<Hold> for StoredHold {
    fn from(Hold { user, group, window, state }: Hold) -> StoredHold {
        let mut stored = StoredHold {
            user,
            group,
            from: window.starts_at,
            until: window.ends_at,
            granting: None,
            held: None,
            adjusting: None,
            revoking: None,
        };
        match state {
            State::Granting { at } => stored.granting = Some(at),
            State::Held { assignment } => stored.held = Some(assignment),
            State::Adjusting { assignment } => stored.adjusting = Some(assignment),
            State::Revoking { assignment } => stored.revoking = Some(assignment),
        }
        stored
    }
}

/// A fingerprint (FNV-1a, 64 bits), stable across builds and good enough to notice a change.
pub fn fingerprint(name: impl AsRef<[u8]>) -> u64 {
    name.as_ref()
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;

    #[test]
    fn a_record_is_read_back_as_it_was_written() {
        let hold = |state| Hold {
            user: UserId(901),
            group: GroupId(7),
            window: Window { starts_at: Some(5), ends_at: Some(9) },
            state,
        };
        let assignment = AssignmentId(5501);
        let record = Record {
            account: Some(Account {
                user: UserId(901),
                email: r#""held":@x.test"#.to_string(),
                name: Some(u64::MAX),
            }),
            former: vec![UserId(900)],
            holds: vec![
                hold(State::Granting { at: 3 }),
                hold(State::Held { assignment }),
                hold(State::Adjusting { assignment }),
                hold(State::Revoking { assignment }),
            ],
            cleared: Some(Cleared { email: None }),
            elevated: vec![Elevated {
                user: UserId(901),
                group: GroupId(8),
                role: "group_manager".to_string(),
                seen_at: 4,
            }],
            logins: vec![LoginId(31), LoginId(32)],
            due: Some(7),
            removed: vec![GroupId(9)],
            damaged: true,
        };
        for record in [record, Record::default()] {
            let text = json::to_vec(&record);
            let held = record.holds.iter().filter(|hold| matches!(hold.state, State::Held { .. })).count();
            assert_eq!(Record::tally(&text), (record.account.is_some(), held as u32));
            assert_eq!(json::object::<Record>(&text), Ok(record), "{}", String::from_utf8_lossy(&text));
        }
    }

    #[test]
    fn a_damaged_record_is_refused_with_the_place() {
        for (text, place) in [
            ("", ""),
            ("[]", ""),
            (r#"{"holds":[{"user":1,"group":2}]}"#, "column 31"),
            (r#"{"holds":[{"user":1,"group":2,"held":3,"revoking":3}]}"#, "column 53"),
            (r#"{"holds":[{"user":1,"group":"2","held":3}]}"#, "column 31"),
            (r#"{"account":{"user":1}}"#, "column 21"),
        ] {
            let error = json::object::<Record>(text.as_bytes()).unwrap_err();
            assert_eq!(error.path, place, "{text}: {error}");
        }
    }
}
