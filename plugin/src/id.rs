//! Kisi's identifiers, one type per kind, so that a user is never taken for an assignment.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub u64);

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(formatter)
            }
        }
    };
}

id!(
    /// A user, to whom role assignments are given. Not a member id of Kisi's deprecated `/members`.
    UserId
);
id!(
    /// A group.
    GroupId
);
id!(
    /// A role assignment.
    AssignmentId
);
id!(
    /// A door; Kisi calls it a lock.
    DoorId
);
id!(
    /// A login of a user.
    LoginId
);
