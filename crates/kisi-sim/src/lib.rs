//! A simulator of the Kisi REST API: users, groups, role assignments, places, locks, logins and events of any
//! number of organizations, with the limits, errors and gaps of the real API, and faults on demand.
//!
//! There are two ways to use it. In one process, [`Simulator::router`] is a service that answers requests without a
//! socket. As a server, [`serve`] or the `kisi-sim` program answers on the loopback interface. Both give the same
//! answers, and both have a control surface under `/_sim`, for tests in any language.
//!
//! # Guarantees
//! - The same seed, calls and clock give the same answers, ids and journal: nothing is random.
//! - Ids come from one counter per kind of object, in ranges that do not overlap. One more user shifts no group id, and
//!   an id of the wrong kind finds nothing.
//! - The secret of a key, or of any other login, is in no journal, snapshot or debug output. Only [`Simulator::keys`],
//!   `/_sim/keys` and the answer that creates a login show it.
//!
//! # Dropped connections and delays
//! In one process a dropped connection is an answer with the extension [`ConnectionDropped`], and a delayed one has
//! [`Delay`]: the transport under test turns them into its own error or wait. In server mode the TCP connection is
//! closed without an answer, and the server sleeps. Neither moves the virtual clock.

mod access;
mod body;
mod clock;
mod control;
mod error;
mod event;
mod event_set;
mod faults;
mod hands;
mod hours;
mod interval;
mod journal;
mod knobs;
mod login;
mod page;
mod pipeline;
mod query;
mod quota;
mod records;
mod reply;
mod resources;
mod route;
mod seed;
mod serve;
mod simulator;
mod state;
mod table;

pub use clock::{ClockMode, TimestampError, format_timestamp, parse_timestamp};
pub use error::HandError;
pub use event::{Event, EventType};
pub use faults::{Fault, FaultEffect, FaultRoute, FaultRouteError, FaultStatus};
pub use hands::{Hand, HandOutcome, OrganizationRole};
pub use hours::{AccessHours, TimeOfDay, TimeOfDayError};
pub use journal::JournalEntry;
pub use knobs::{
    DuplicateRoleAssignment, DuplicateUser, EmailFilterCase, EmailInPatch, EventSetOutcome,
    IntegrationHeaders, Knobs, LimitAboveMax, LockdownStatus, LoginById, MetadataPatch, OfflineStatus,
    OffsetAboveMax, OffsetPastEnd, RoleAssignmentsOfDeletedUser, RowOrder, SecondRole, UnknownInput,
    UnlockDeniedCode, ValidityInPatch,
};
pub use login::{Login, LoginType};
pub use records::{
    AppliesTo, AssigneeType, Group, GroupLock, Lock, Organization, Place, RoleAssignment, Snapshot, User,
};
pub use reply::{ConnectionDropped, Delay};
pub use seed::{
    Seed, SeedAccessHours, SeedError, SeedGroup, SeedKey, SeedLock, SeedOrganization, SeedPlace,
    SeedRoleAssignment, SeedUser,
};
pub use serve::serve;
pub use simulator::{KeyInfo, Simulator};
