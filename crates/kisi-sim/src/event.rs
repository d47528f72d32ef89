//! Events: what was done, by whom, to what, and whether it succeeded. What clients read by event sets, and tests as
//! [`crate::Simulator::events`].
//!
//! Requests and staff's hands make events; a seed makes none, since it is where the story begins.

use std::collections::VecDeque;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::clock::timestamp;

/// How many events are kept; older ones are forgotten, so that a long-running server stays small.
pub const EVENTS_MAX: usize = 200_000;

/// Declares the types of events: what each is called, and what kind of object it is about.
macro_rules! event_types {
    ($($(#[$doc:meta])* $name:ident = $text:literal of $object:literal),+ $(,)?) => {
        /// What happened. Kisi has many more types; these are the ones that the simulator makes.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum EventType {
            $($(#[$doc])* #[serde(rename = $text)] $name,)+
        }

        impl EventType {
            /// All of them.
            pub(crate) const ALL: &[EventType] = &[$(EventType::$name),+];

            /// As Kisi writes it, for example `lock.unlock`.
            pub fn name(self) -> &'static str {
                match self { $(EventType::$name => $text,)+ }
            }

            /// The kind of object that such an event is about, for example `Lock`.
            pub fn object_type(self) -> &'static str {
                match self { $(EventType::$name => $object,)+ }
            }
        }
    };
}

event_types!(
    /// A group was made.
    GroupCreate = "group.create" of "Group",
    /// A group was deleted.
    GroupDestroy = "group.destroy" of "Group",
    /// A group was changed.
    GroupUpdate = "group.update" of "Group",
    /// A door was put into a group.
    GroupLockCreate = "group_lock.create" of "GroupLock",
    /// A door was taken out of a group.
    GroupLockDestroy = "group_lock.destroy" of "GroupLock",
    /// The lockdown of a door ended.
    LockCancelLockdown = "lock.cancel_lockdown" of "Lock",
    /// A door was locked down.
    LockLockDown = "lock.lock_down" of "Lock",
    /// Somebody unlocked a door, or tried to.
    LockUnlock = "lock.unlock" of "Lock",
    /// Somebody signed in, or a key was made.
    LoginCreate = "login.create" of "Login",
    /// A login or key was removed.
    LoginDestroy = "login.destroy" of "Login",
    /// The lockdown of a place ended.
    PlaceCancelLockdown = "place.cancel_lockdown" of "Place",
    /// A place was locked down.
    PlaceLockDown = "place.lock_down" of "Place",
    /// Somebody was given a role.
    RoleAssignmentCreate = "role_assignment.create" of "RoleAssignment",
    /// A role was taken away.
    RoleAssignmentDestroy = "role_assignment.destroy" of "RoleAssignment",
    /// A role assignment was changed.
    RoleAssignmentUpdate = "role_assignment.update" of "RoleAssignment",
    /// A user was made.
    UserCreate = "user.create" of "User",
    /// A user was deleted.
    UserDestroy = "user.destroy" of "User",
    /// A user was changed.
    UserUpdate = "user.update" of "User",
);

impl EventType {
    /// The action without the object: `unlock` of `lock.unlock`.
    pub(crate) fn action(self) -> &'static str {
        self.name().split_once('.').map_or(self.name(), |(_, action)| action)
    }
}

/// One event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Counts events from 1.
    pub number: u64,
    /// Its id for clients.
    pub uuid: String,
    /// What happened.
    #[serde(rename = "type")]
    pub event_type: EventType,
    /// The organization it happened in.
    pub organization_id: u64,
    /// The place of the object, where it has one.
    pub place_id: Option<u64>,
    /// The user who did it; the owner, for what staff does by hand.
    pub actor_id: Option<u64>,
    /// That user's name.
    pub actor_name: Option<String>,
    /// That user's e-mail address.
    pub actor_email: Option<String>,
    /// The login that the request was sent with; none for what staff does by hand.
    pub login_id: Option<u64>,
    /// The role assignment that let somebody in.
    pub role_assignment_id: Option<u64>,
    /// The role of that role assignment.
    pub role_id: Option<String>,
    /// The kind of object.
    pub object_type: String,
    /// The object's id.
    pub object_id: u64,
    /// The object's name when it happened.
    pub object_name: String,
    /// Whether it succeeded. Only unlocking makes events of what failed.
    pub success: bool,
    /// Why not, as Kisi's six characters.
    pub error_code: Option<String>,
    /// Why not, in words.
    pub error_message: Option<String>,
    /// The same for all events that one request or hand has made: the uuid of the first of them.
    pub sequence: String,
    /// When it happened.
    #[serde(with = "timestamp")]
    pub created_at: u64,
}

impl fmt::Display for Event {
    /// One line: number, actor, what and to what, and why not.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let actor = self.actor_email.as_deref().unwrap_or("nobody");
        write!(f, "{} {actor} {} {}", self.number, self.event_type.name(), self.object_name)?;
        match &self.error_code {
            Some(code) => write!(f, " [refused {code}]"),
            None => Ok(()),
        }
    }
}

/// Who acts, until somebody else does.
#[derive(Clone, Debug)]
pub(crate) enum Acting {
    /// A user, with a login.
    User { id: u64, name: String, email: String, login_id: u64 },
    /// Staff, for whom the owner of the organization stands.
    Staff,
}

/// The events that are kept, and the number of the last one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Events {
    kept: VecDeque<Event>,
    recorded: u64,
    acting: Option<Acting>,
    sequence: Option<String>,
}

impl Events {
    /// What is recorded from now on is this one's doing, and belongs together. While nobody acts, nothing is recorded.
    pub(crate) fn begin(&mut self, acting: Option<Acting>) {
        self.acting = acting;
        self.sequence = None;
    }

    /// From now on nobody acts.
    pub(crate) fn end(&mut self) {
        self.acting = None;
    }

    pub(crate) fn acting(&self) -> Option<&Acting> {
        self.acting.as_ref()
    }

    /// Keeps an event under the next number.
    pub(crate) fn record(&mut self, mut event: Event) {
        self.recorded += 1;
        event.number = self.recorded;
        // In the form of a uuid, and countable: nothing here is random.
        event.uuid = format!("00000000-0000-4000-8000-{:012x}", self.recorded);
        event.sequence = self.sequence.get_or_insert_with(|| event.uuid.clone()).clone();
        if self.kept.len() >= EVENTS_MAX {
            self.kept.pop_front();
        }
        self.kept.push_back(event);
    }

    /// The number of the last event.
    pub(crate) fn last_number(&self) -> u64 {
        self.recorded
    }

    /// The events with higher numbers than this one, oldest first.
    pub(crate) fn after(&self, number: u64) -> Vec<Event> {
        let first = self.kept.partition_point(|event| event.number <= number);
        self.kept.iter().skip(first).cloned().collect()
    }

    /// The events up to this number, newest first.
    pub(crate) fn back_from(&self, number: u64) -> impl Iterator<Item = &Event> {
        let end = self.kept.partition_point(|event| event.number <= number);
        self.kept.iter().take(end).rev()
    }
}
