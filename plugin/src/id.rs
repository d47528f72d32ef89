//! Kisi's identifiers, one type per kind, so that a user is never taken for an assignment.

use std::fmt;

use crate::json::{self, Json, Text, Unreadable, Value};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub struct $name(pub u64);

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(formatter)
            }
        }

        impl Json for $name {
            fn read(value: &Value) -> Result<Self, Unreadable> {
                json::number(value).map($name).ok_or_else(|| Unreadable::new("", "is not a whole number"))
            }
        }

        impl From<$name> for Text {
            fn from(id: $name) -> Text {
                Text::from(id.0)
            }
        }
    };
}

id!(
    /// A user: what role assignments are given to. Not a member id of Kisi's deprecated `/members`.
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
