//! The contract's words as Rust types, generated from the WIT package in the workspace's `wit/`.
//!
//! A module per interface, with the interface's own types in it; their documentation is the WIT's. Types are plain
//! data: they compare, and they serialize (records by field, variants by case, both in Rust's spelling) for
//! recordings and snapshots. Only a login is not generated: it hides its secret.

mod login;

pub(crate) mod bindings {
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "plugin",
        imports: { default: async | trappable },
        exports: { default: async },
        require_store_data_send: true,
        additional_derives: [PartialEq, serde::Serialize, serde::Deserialize],
    });
}

/// The types that all interfaces share: members, memberships, plans, groups, reasons, errors.
pub mod types {
    pub use super::bindings::gym::door_access::types::{
        Demand, Error, GroupId, GroupRef, InputError, LocationId, Member, MemberId, MemberStatus, Membership,
        MembershipId, MembershipStatus, PauseCause, Payment, Plan, PlanId, Problem, ProviderAnswer, Reason,
        Timestamp, Window,
    };
}

impl From<types::Error> for types::InputError {
    fn from(error: types::Error) -> Self {
        Self::Failed(error)
    }
}

/// The types of a host's [`Directory`](crate::Directory).
pub mod directory {
    pub use super::bindings::gym::door_access::directory::{DirectoryError, MemberPage};
}

/// The types of a tenant's [`Storage`](crate::Storage).
pub mod storage {
    pub use super::bindings::gym::door_access::storage::{
        Entry, Precondition, Quota, StorageError, Version, Write,
    };
}

/// The types of a plugin's log lines.
pub mod log {
    pub use super::bindings::gym::door_access::log::{Field, Level};
}

/// The plugin's description of itself.
pub mod provider {
    pub use super::bindings::exports::gym::door_access::provider::{Credential, DirectoryData, Manifest};
}

/// The life of an installation.
pub mod connection {
    pub use super::bindings::exports::gym::door_access::connection::{
        Account, Connected, Counts, Departed, Departure, Health, Organization, Pause, Person, Place, State,
    };
}

/// The provider's access groups.
pub mod groups {
    pub use super::bindings::exports::gym::door_access::groups::{Group, GroupList, GroupWarning};
}

/// Which plan opens which groups.
pub mod mappings {
    pub use super::bindings::exports::gym::door_access::mappings::{Effect, Effects, Mapping, MappingState};
}

/// Whether a member may enter now, and why not.
pub mod access {
    pub use super::bindings::exports::gym::door_access::access::{
        Alert, Cause, Device, Door, Explanation, Reason, Remedy, Verdict,
    };
}

/// Doors, and opening them for a member.
pub mod doors {
    pub use super::bindings::exports::gym::door_access::doors::{Attempt, Phone};
    pub use super::login::{Issued, Login};
}

/// Reconciliation of all members, in steps.
pub mod sync {
    pub use super::bindings::exports::gym::door_access::sync::{
        Counts, Finding, FindingKind, Hold, Mode, Phase, Progress, Stepped,
    };
}

/// Work that falls due without an event.
pub mod maintenance {
    pub use super::bindings::exports::gym::door_access::maintenance::Ticked;
}

/// What happens on the platform, and what a plugin did about it.
pub mod events {
    pub use super::bindings::exports::gym::door_access::events::{
        AccountAction, AccountChange, Action, Change, Event, EventKind, Failure, Grant, Outcome, Refusal,
        Unfinished, Warning, WarningKind,
    };
}
