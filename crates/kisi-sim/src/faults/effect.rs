//! The effect of an injected fault, as a value and as JSON.

use serde::{Deserialize, Deserializer, Serialize, de::Error};

use crate::route::Rows;

/// The effect of an injected fault. The variants without fields have braces, because serde accepts unknown fields in one
/// without, and a misspelt fault must be refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum FaultEffect {
    /// Answers with this error status in Kisi's envelope, and changes nothing.
    Status {
        /// From 400 to 599.
        #[serde(deserialize_with = "error_status")]
        status: u16,
        /// Seconds in a `Retry-After` header.
        #[serde(skip_serializing_if = "Option::is_none")]
        retry_after_s: Option<u64>,
    },
    /// Makes the change, but answers with this error status.
    StatusAfterCommit {
        /// From 400 to 599.
        #[serde(deserialize_with = "error_status")]
        status: u16,
    },
    /// Answers 500 with a page of HTML, and changes nothing.
    Html {},
    /// Answers as usual, but late. In one process the answer carries [`Delay`](crate::Delay); a server sleeps.
    Delay {
        /// The delay, in milliseconds.
        ms: u64,
    },
    /// Drops the connection, and changes nothing.
    DropBeforeCommit {},
    /// Makes the change, and drops the connection.
    DropAfterCommit {},
    /// A list with fewer rows than its range header says.
    Truncated {
        /// The number of rows missing at the end of the page.
        #[serde(default = "one_row")]
        missing: usize,
    },
    /// A list answered with status 200 and a body that is no array.
    NotAnArray {},
    /// A page from a list whose rows have moved by one since the last request.
    Reordered {},
    /// The previous page once more, under the range that was asked for.
    RepeatedPage {},
}

impl FaultEffect {
    /// Its name, as in the journal and in JSON.
    pub fn name(&self) -> &'static str {
        match self {
            FaultEffect::Status { .. } => "status",
            FaultEffect::StatusAfterCommit { .. } => "status_after_commit",
            FaultEffect::Html {} => "html",
            FaultEffect::Delay { .. } => "delay",
            FaultEffect::DropBeforeCommit {} => "drop_before_commit",
            FaultEffect::DropAfterCommit {} => "drop_after_commit",
            FaultEffect::Truncated { .. } => "truncated",
            FaultEffect::NotAnArray {} => "not_an_array",
            FaultEffect::Reordered {} => "reordered",
            FaultEffect::RepeatedPage {} => "repeated_page",
        }
    }

    /// Whether it can change the answer of an endpoint with such rows.
    pub(crate) fn changes(&self, rows: Rows) -> bool {
        match self {
            FaultEffect::Truncated { .. } | FaultEffect::NotAnArray {} => rows != Rows::None,
            FaultEffect::Reordered {} | FaultEffect::RepeatedPage {} => rows == Rows::Page,
            _ => true,
        }
    }
}

fn one_row() -> usize {
    1
}

fn error_status<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u16, D::Error> {
    let status = u16::deserialize(deserializer)?;
    if (400..=599).contains(&status) {
        Ok(status)
    } else {
        Err(D::Error::custom(format!("`{status}` is not an error status: give one from 400 to 599")))
    }
}
