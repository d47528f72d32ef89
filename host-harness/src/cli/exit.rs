//! How the program ends: a documented table of exit codes, and the one error that ends a command early.

use std::fmt;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Everything was as expected.
    AsExpected,
    /// An expectation of the scenario failed.
    OtherThanExpected,
    /// What was given cannot be used.
    Unusable,
}

impl Exit {
    /// The program's exit code.
    pub(crate) fn code(self) -> u8 {
        match self {
            Exit::AsExpected => 0,
            Exit::OtherThanExpected => 1,
            Exit::Unusable => 2,
        }
    }
}

/// What was given cannot be used: the scenario, the component, the key file, the address. The text says what to do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unusable(pub(crate) String);

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<String> for Unusable {
    fn from(text: String) -> Unusable {
        Unusable(text)
    }
}

/// Ends a command with a sentence.
pub(crate) fn unusable<T>(text: impl Into<String>) -> Result<T, Unusable> {
    Err(Unusable(text.into()))
}
