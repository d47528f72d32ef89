//! What the plugin remembers of a member: who they are at Kisi, what they hold through it, and what was begun and not
//! yet known to be done. Nothing more (design rule 9). `store` reads and writes it.

pub mod store;

use serde::{Deserialize, Serialize};

use crate::contract::types::Timestamp;
use crate::id::{AssignmentId, GroupId, UserId};
use crate::window::Window;

/// One member's record.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// The Kisi user that the member is tied to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<Account>,
    /// Users that the member was tied to earlier: a block clears them, too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub former: Vec<UserId>,
    /// What the member holds through the plugin, and what was begun.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub holds: Vec<Hold>,
    /// The member is blocked, and all their groups at Kisi were cleared for this address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cleared: Option<Cleared>,
}

/// The tie between a member and a Kisi user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// The user.
    pub user: UserId,
    /// The e-mail address, trimmed and in lower case.
    pub email: String,
    /// Present when the plugin created the user: a fingerprint of the name it gave, so that a change is seen without
    /// keeping the name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<u64>,
}

/// That a blocked member's groups were cleared, so that a repeated event needs no look.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cleared {
    /// The address that was looked for, as in [`Account::email`]; absent when the member had none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
}

/// One role assignment that is the plugin's to change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hold {
    /// To whom it is given.
    pub user: UserId,
    /// In which group.
    pub group: GroupId,
    /// Its dates; while they are being changed, those before.
    #[serde(default)]
    pub window: Window,
    /// Where it stands.
    pub state: State,
}

/// Where a hold stands. All but `Held` are intents: recorded before the request is sent, and settled by reading Kisi
/// when the answer did not come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum State {
    /// About to be added, at this time.
    Granting {
        /// When the intent was recorded.
        at: Timestamp,
    },
    /// There.
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
    /// Kisi's id, once it is known.
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
    /// Whether there is nothing to remember.
    pub fn is_empty(&self) -> bool {
        *self == Record::default()
    }

    /// Whether every hold is known to be as recorded.
    pub fn is_settled(&self) -> bool {
        self.holds.iter().all(|hold| matches!(hold.state, State::Held { .. }))
    }

    /// The hold with this assignment.
    pub fn hold_mut(&mut self, assignment: AssignmentId) -> Option<&mut Hold> {
        self.holds.iter_mut().find(|hold| hold.assignment() == Some(assignment))
    }

    /// Forgets a hold.
    pub fn forget(&mut self, assignment: AssignmentId) {
        self.holds.retain(|hold| hold.assignment() != Some(assignment));
    }

    /// Takes back what was begun and certainly not done.
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

    /// Ends the tie to the user, who goes on being known as a former one. Returns the address that becomes free.
    pub fn untie(&mut self) -> Option<Account> {
        let account = self.account.take()?;
        if !self.former.contains(&account.user) {
            self.former.push(account.user);
        }
        Some(account)
    }

    /// Ties the member to a user.
    pub fn tie(&mut self, account: Account) {
        self.former.retain(|&user| user != account.user);
        self.account = Some(account);
    }

    /// Forgets a user that Kisi no longer has, with all that they held.
    pub fn forget_user(&mut self, user: UserId) {
        self.account = self.account.take().filter(|account| account.user != user);
        self.former.retain(|&former| former != user);
        self.holds.retain(|hold| hold.user != user);
    }
}

/// A fingerprint of a name (FNV-1a, 64 bits): stable over builds, enough to notice a change.
pub fn fingerprint(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
