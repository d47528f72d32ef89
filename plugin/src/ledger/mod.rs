//! What the plugin remembers of a member: who they are at Kisi, what they hold through it, and what was begun and not
//! yet known to be done. Nothing more (design rule 9). `store` reads and writes it.

pub mod store;

use crate::contract::types::Timestamp;
use crate::id::{AssignmentId, GroupId, LoginId, UserId};
use crate::json::{Fields, Json, Object, Text, Value, Wrong, array};
use crate::window::Window;

/// One member's record.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Record {
    /// The Kisi user that the member is tied to.
    pub account: Option<Account>,
    /// Users that the member was tied to earlier: a block clears them, too.
    pub former: Vec<UserId>,
    /// What the member holds through the plugin, and what was begun.
    pub holds: Vec<Hold>,
    /// The member is blocked, and all their groups at Kisi were cleared for this address.
    pub cleared: Option<Cleared>,
    /// Roles that make it impossible to add the member to a group, so that this is not tried at each event.
    pub elevated: Vec<Elevated>,
    /// Logins that were made for the member's app, oldest first. Never their secrets.
    pub logins: Vec<LoginId>,
    /// When the member must be looked at though nothing happens; kept as an index, too.
    pub due: Option<Timestamp>,
    /// Groups that were taken because the installation ends, so that a repeated step tells the same.
    pub removed: Vec<GroupId>,
    /// The record could not be read: what it says now is what the indexes knew, and nothing else, until Kisi was read.
    pub damaged: bool,
}

/// How a record begins that has an account, and a hold that is held, as they are written.
const ACCOUNT: &[u8] = br#"{"account":"#;
const HELD: &[u8] = br#""held":"#;

/// The tie between a member and a Kisi user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The user.
    pub user: UserId,
    /// The e-mail address, trimmed and in lower case.
    pub email: String,
    /// Present when the plugin created the user: a fingerprint of the name it gave, so that a change is seen without
    /// keeping the name.
    pub name: Option<u64>,
}

/// That a blocked member's groups were cleared, so that a repeated event needs no look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cleared {
    /// The address that was looked for, as in [`Account::email`]; absent when the member had none.
    pub email: Option<String>,
}

/// A role above a plain member's in a group that memberships give. It opens the group's doors, too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Elevated {
    /// Who has it.
    pub user: UserId,
    /// In which group.
    pub group: GroupId,
    /// The role.
    pub role: String,
    /// When it was last seen.
    pub seen_at: Timestamp,
}

/// One role assignment that is the plugin's to change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// To whom it is given.
    pub user: UserId,
    /// In which group.
    pub group: GroupId,
    /// Its dates; while they are being changed, those before.
    pub window: Window,
    /// Where it stands.
    pub state: State,
}

/// Where a hold stands. All but `Held` are intents: recorded before the request is sent, and settled by reading Kisi
/// when the answer did not come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
    /// Whether there is an account, and how many groups are held, in a record as it is written. Inside of texts a quote is
    /// escaped, so that no name can look like a field.
    pub fn tally(written: &[u8]) -> (bool, u32) {
        let held = written.windows(HELD.len()).filter(|part| *part == HELD).count();
        (written.starts_with(ACCOUNT), u32::try_from(held).unwrap_or(u32::MAX))
    }

    /// Whether there is nothing to remember.
    pub fn is_empty(&self) -> bool {
        *self == Record::default()
    }

    /// Whether nothing is known of the member but a date.
    pub fn is_unknown(&self) -> bool {
        Record { due: None, ..self.clone() }.is_empty()
    }

    /// Whether the user is in the group by another hold, too: one that was to replace it, for example.
    pub fn has_another(&self, hold: &Hold) -> bool {
        self.holds.iter().any(|other| (other.user, other.group) == (hold.user, hold.group) && other != hold)
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

    /// Each user that the member is or was, or holds something through.
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

    /// Forgets a user that Kisi no longer has, with all that they held.
    pub fn forget_user(&mut self, user: UserId) {
        self.account = self.account.take().filter(|account| account.user != user);
        self.former.retain(|&former| former != user);
        self.holds.retain(|hold| hold.user != user);
        self.elevated.retain(|elevated| elevated.user != user);
    }
}

impl Json for Record {
    fn read(value: &Value, wrong: &Wrong) -> Self {
        let fields = Fields::of(value, wrong);
        Record {
            account: fields.optional("account"),
            former: fields.list("former"),
            holds: fields.list("holds"),
            cleared: fields.optional("cleared"),
            elevated: fields.list("elevated"),
            logins: fields.list("logins"),
            due: fields.optional_number("due"),
            removed: fields.list("removed"),
            damaged: fields.flag("damaged"),
        }
    }
}

impl Json for Account {
    fn read(value: &Value, wrong: &Wrong) -> Self {
        let fields = Fields::of(value, wrong);
        Account {
            user: fields.of_type("user"),
            email: fields.text("email"),
            name: fields.optional_number("name"),
        }
    }
}

impl Json for Elevated {
    fn read(value: &Value, wrong: &Wrong) -> Self {
        let fields = Fields::of(value, wrong);
        Elevated {
            user: fields.of_type("user"),
            group: fields.of_type("group"),
            role: fields.text("role"),
            seen_at: fields.number("seen_at"),
        }
    }
}

impl Json for Cleared {
    fn read(value: &Value, wrong: &Wrong) -> Self {
        let fields = Fields::of(value, wrong);
        Cleared { email: fields.optional_text("email") }
    }
}

/// A hold is written as its user, its group, its dates, and one field named after its state.
impl Json for Hold {
    fn read(value: &Value, wrong: &Wrong) -> Self {
        let fields = Fields::of(value, wrong);
        let granting = fields.optional_number("granting").map(|at| State::Granting { at });
        let held = fields.optional("held").map(|assignment| State::Held { assignment });
        let adjusting = fields.optional("adjusting").map(|assignment| State::Adjusting { assignment });
        let revoking = fields.optional("revoking").map(|assignment| State::Revoking { assignment });
        let mut states = [granting, held, adjusting, revoking].into_iter().flatten();
        let state = match (states.next(), states.next()) {
            (Some(state), None) => state,
            _ => {
                wrong.note("", "has not exactly one state");
                State::Granting { at: 0 }
            }
        };
        Hold {
            user: fields.of_type("user"),
            group: fields.of_type("group"),
            window: Window::read(&fields),
            state,
        }
    }
}

impl From<&Record> for Text {
    fn from(record: &Record) -> Text {
        let account = record.account.as_ref().map(|account| {
            Object::default()
                .with("user", account.user)
                .with("email", account.email.as_str())
                .with_some("name", account.name)
        });
        let cleared = record
            .cleared
            .as_ref()
            .map(|cleared| Object::default().with_some("email", cleared.email.as_deref()));
        let former = Some(&record.former).filter(|former| !former.is_empty());
        let holds = Some(&record.holds).filter(|holds| !holds.is_empty());
        let elevated = Some(&record.elevated).filter(|elevated| !elevated.is_empty());
        let logins = Some(&record.logins).filter(|logins| !logins.is_empty());
        let removed = Some(&record.removed).filter(|removed| !removed.is_empty());
        Object::default()
            .with_some("account", account)
            .with_some("former", former.map(|former| array(former, |user| Text::from(*user))))
            .with_some("holds", holds.map(|holds| array(holds, |hold| Text::from(hold))))
            .with_some("cleared", cleared)
            .with_some("elevated", elevated.map(|elevated| array(elevated, |elevated| Text::from(elevated))))
            .with_some("logins", logins.map(|logins| array(logins, |login| Text::from(*login))))
            .with_some("due", record.due)
            .with_some("removed", removed.map(|removed| array(removed, |group| Text::from(*group))))
            .with_some("damaged", record.damaged.then_some(true))
            .into()
    }
}

impl From<&Elevated> for Text {
    fn from(elevated: &Elevated) -> Text {
        Object::default()
            .with("user", elevated.user)
            .with("group", elevated.group)
            .with("role", elevated.role.as_str())
            .with("seen_at", elevated.seen_at)
            .into()
    }
}

impl From<&Hold> for Text {
    fn from(hold: &Hold) -> Text {
        let object = hold.window.write(Object::default().with("user", hold.user).with("group", hold.group));
        match hold.state {
            State::Granting { at } => object.with("granting", at),
            State::Held { assignment } => object.with("held", assignment),
            State::Adjusting { assignment } => object.with("adjusting", assignment),
            State::Revoking { assignment } => object.with("revoking", assignment),
        }
        .into()
    }
}

/// A fingerprint of a name (FNV-1a, 64 bits): stable over builds, enough to notice a change.
pub fn fingerprint(name: &str) -> u64 {
    name.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
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
            let text = Text::from(&record).into_bytes();
            let held = record.holds.iter().filter(|hold| matches!(hold.state, State::Held { .. })).count();
            assert_eq!(Record::tally(&text), (record.account.is_some(), held as u32));
            assert_eq!(json::from_slice::<Record>(&text), Ok(record), "{}", String::from_utf8_lossy(&text));
        }
    }

    #[test]
    fn a_damaged_record_is_named_and_not_guessed() {
        for (text, path) in [
            ("", ""),
            ("[]", ""),
            (r#"{"holds":[{"user":1,"group":2}]}"#, "holds[0]"),
            (r#"{"holds":[{"user":1,"group":2,"held":3,"revoking":3}]}"#, "holds[0]"),
            (r#"{"holds":[{"user":1,"group":"2","held":3}]}"#, "holds[0].group"),
            (r#"{"account":{"user":1}}"#, "account.email"),
        ] {
            let error = json::from_slice::<Record>(text.as_bytes()).unwrap_err();
            assert_eq!(error.path, path, "{text}: {error}");
        }
    }
}
