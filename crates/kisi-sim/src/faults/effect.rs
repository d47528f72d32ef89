//! The effect of an injected fault, as a value and as JSON.

use serde::{Deserialize, Deserializer, Serialize, de::Error};

/// The effect of an injected fault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", from = "Document")]
pub enum FaultEffect {
    /// Answers with this error status in Kisi's envelope, and changes nothing.
    Status {
        /// From 400 to 599.
        status: u16,
        /// Seconds in a `Retry-After` header.
        #[serde(skip_serializing_if = "Option::is_none")]
        retry_after_s: Option<u64>,
    },
    /// Makes the change, but answers with this error status.
    StatusAfterCommit {
        /// From 400 to 599.
        status: u16,
    },
    /// Answers 500 with a page of HTML, and changes nothing.
    Html,
    /// Answers as usual, but late. In one process the answer carries [`Delay`](crate::Delay); a server sleeps.
    Delay {
        /// The delay, in milliseconds.
        ms: u64,
    },
    /// Drops the connection, and changes nothing.
    DropBeforeCommit,
    /// Makes the change, and drops the connection.
    DropAfterCommit,
    /// A list with fewer rows than its range header says.
    Truncated {
        /// The number of rows missing at the end of the page.
        missing: usize,
    },
    /// A list answered with status 200 and a body that is no array.
    NotAnArray,
    /// A page from a list whose rows have moved by one since the last request.
    Reordered,
    /// The previous page once more, under the range that was asked for.
    RepeatedPage,
}

impl FaultEffect {
    /// Its name, as in the journal and in JSON.
    pub fn name(&self) -> &'static str {
        match self {
            FaultEffect::Status { .. } => "status",
            FaultEffect::StatusAfterCommit { .. } => "status_after_commit",
            FaultEffect::Html => "html",
            FaultEffect::Delay { .. } => "delay",
            FaultEffect::DropBeforeCommit => "drop_before_commit",
            FaultEffect::DropAfterCommit => "drop_after_commit",
            FaultEffect::Truncated { .. } => "truncated",
            FaultEffect::NotAnArray => "not_an_array",
            FaultEffect::Reordered => "reordered",
            FaultEffect::RepeatedPage => "repeated_page",
        }
    }

    pub(crate) fn is_about_lists(&self) -> bool {
        matches!(
            self,
            FaultEffect::Truncated { .. }
                | FaultEffect::NotAnArray
                | FaultEffect::Reordered
                | FaultEffect::RepeatedPage
        )
    }
}

/// The same in JSON. A separate enum, because serde accepts unknown fields in a variant without fields, and a
/// misspelt fault must be refused.
#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
enum Document {
    Status {
        #[serde(deserialize_with = "error_status")]
        status: u16,
        retry_after_s: Option<u64>,
    },
    StatusAfterCommit {
        #[serde(deserialize_with = "error_status")]
        status: u16,
    },
    Html {},
    Delay {
        ms: u64,
    },
    DropBeforeCommit {},
    DropAfterCommit {},
    Truncated {
        #[serde(default = "one_row")]
        missing: usize,
    },
    NotAnArray {},
    Reordered {},
    RepeatedPage {},
}

impl From<Document> for FaultEffect {
    fn from(document: Document) -> FaultEffect {
        match document {
            Document::Status { status, retry_after_s } => FaultEffect::Status { status, retry_after_s },
            Document::StatusAfterCommit { status } => FaultEffect::StatusAfterCommit { status },
            Document::Html {} => FaultEffect::Html,
            Document::Delay { ms } => FaultEffect::Delay { ms },
            Document::DropBeforeCommit {} => FaultEffect::DropBeforeCommit,
            Document::DropAfterCommit {} => FaultEffect::DropAfterCommit,
            Document::Truncated { missing } => FaultEffect::Truncated { missing },
            Document::NotAnArray {} => FaultEffect::NotAnArray,
            Document::Reordered {} => FaultEffect::Reordered,
            Document::RepeatedPage {} => FaultEffect::RepeatedPage,
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
