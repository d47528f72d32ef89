//! Kisi's identifiers, one type per kind, so that a user is never taken for an assignment.

use std::fmt;

use crate::json::{self, Json, Text, Value, Wrong};

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
            fn read(value: &Value, wrong: &Wrong) -> Self {
                $name(json::number(value).unwrap_or_else(|| {
                    wrong.note("", "is not a whole number");
                    0
                }))
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
id!(
    /// A door; Kisi calls it a lock.
    DoorId
);
id!(
    /// A login of a user.
    LoginId
);

/// Numbers that were seen, each once: a sorted list, many times smaller in the component than the standard sets.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Seen(Vec<u64>);

impl Seen {
    /// Adds a number; false when it was there.
    pub fn insert(&mut self, number: u64) -> bool {
        match self.0.binary_search(&number) {
            Ok(_) => false,
            Err(place) => {
                self.0.insert(place, number);
                true
            }
        }
    }

    /// Whether a number is there.
    pub fn contains(&self, number: u64) -> bool {
        self.0.binary_search(&number).is_ok()
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.0.len() as u64
    }

    /// Eight bytes each, as they are kept.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.0.iter().flat_map(|number| number.to_le_bytes()).collect()
    }

    /// Reads what [`Seen::to_bytes`] wrote.
    pub fn from_bytes(bytes: &[u8]) -> Seen {
        let number = |bytes: &[u8]| u64::from_le_bytes(bytes.try_into().unwrap_or_default());
        Seen(bytes.chunks_exact(8).map(number).collect())
    }
}
