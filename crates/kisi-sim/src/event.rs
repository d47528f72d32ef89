//! Events: actor, action, object, and whether it succeeded. Clients read them through event sets, and tests through
//! [`crate::Simulator::events`].
//!
//! Requests and staff's changes make events; a seed makes none.

use std::collections::VecDeque;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::clock::timestamp;
use crate::records::User;

/// The number of events that are kept. Older ones are dropped, so that a long-running server stays small.
pub(crate) const EVENTS_MAX: usize = 200_000;

/// Declares the types of events, each with its name and its kind of object.
macro_rules! event_types {
    ($($(#[$doc:meta])* $name:ident = $text:literal of $object:literal),+ $(,)?) => {
        /// The type of an event. Kisi has many more; these are the types that the simulator records.
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
    /// A group was created.
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
    /// A user unlocked a door, or tried to.
    LockUnlock = "lock.unlock" of "Lock",
    /// A user signed in, or a key was created.
    LoginCreate = "login.create" of "Login",
    /// A login or key was removed.
    LoginDestroy = "login.destroy" of "Login",
    /// The lockdown of a place ended.
    PlaceCancelLockdown = "place.cancel_lockdown" of "Place",
    /// A place was locked down.
    PlaceLockDown = "place.lock_down" of "Place",
    /// A role was given.
    RoleAssignmentCreate = "role_assignment.create" of "RoleAssignment",
    /// A role was taken away.
    RoleAssignmentDestroy = "role_assignment.destroy" of "RoleAssignment",
    /// A role assignment was changed.
    RoleAssignmentUpdate = "role_assignment.update" of "RoleAssignment",
    /// A user was created.
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
    /// Its type.
    #[serde(rename = "type")]
    pub event_type: EventType,
    /// The organization it happened in.
    pub organization_id: u64,
    /// The place of the object, where it has one.
    pub place_id: Option<u64>,
    /// The user who did it; the owner for changes by staff.
    pub actor_id: Option<u64>,
    /// That user's name.
    pub actor_name: Option<String>,
    /// That user's e-mail address.
    pub actor_email: Option<String>,
    /// The login of the request; none for changes by staff.
    pub login_id: Option<u64>,
    /// The role assignment that opened the door.
    pub role_assignment_id: Option<u64>,
    /// The role of that role assignment.
    pub role_id: Option<String>,
    /// The kind of object.
    pub object_type: String,
    /// The object's id.
    pub object_id: u64,
    /// The object's name when it happened.
    pub object_name: String,
    /// Whether it succeeded. Of failures, only refused unlocks are recorded.
    pub success: bool,
    /// Kisi's code of the refusal, six characters.
    pub error_code: Option<String>,
    /// The reason of the refusal, in words.
    pub error_message: Option<String>,
    /// Common to all events of one request or change by staff: the uuid of the first of them.
    pub sequence: String,
    /// When it happened.
    #[serde(with = "timestamp")]
    pub created_at: u64,
}

impl fmt::Display for Event {
    /// One line: number, actor, type, object, and the code of a refusal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let actor = self.actor_email.as_deref().unwrap_or("unknown");
        write!(f, "{} {actor} {} {}", self.number, self.event_type.name(), self.object_name)?;
        match &self.error_code {
            Some(code) => write!(f, " [refused {code}]"),
            None => Ok(()),
        }
    }
}

/// The actor of the events that are recorded now.
#[derive(Clone, Debug)]
pub(crate) enum Acting {
    /// A user, with a login.
    User { user: Box<User>, login_id: u64 },
    /// Staff, recorded as the owner of the organization.
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
    /// Starts a sequence of events by one actor. Without an actor nothing is recorded.
    pub(crate) fn begin(&mut self, acting: Option<Acting>) {
        self.acting = acting;
        self.sequence = None;
    }

    /// Ends the sequence.
    pub(crate) fn end(&mut self) {
        self.acting = None;
    }

    pub(crate) fn acting(&self) -> Option<&Acting> {
        self.acting.as_ref()
    }

    /// Stores an event under the next number.
    pub(crate) fn record(&mut self, mut event: Event) {
        self.recorded += 1;
        event.number = self.recorded;
        // In the form of a uuid, and counted: nothing here is random.
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

    /// All kept events, oldest first.
    pub(crate) fn all(&self) -> Vec<Event> {
        self.kept.iter().cloned().collect()
    }

    /// The events up to this number, newest first.
    pub(crate) fn back_from(&self, number: u64) -> impl Iterator<Item = &Event> {
        let end = self.kept.partition_point(|event| event.number <= number);
        self.kept.iter().take(end).rev()
    }
}
