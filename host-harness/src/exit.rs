//! Exit codes, and what ends a command early.

use std::io;

use door_access_scenario::{PlayError, Unusable};

/// How a command ended, with its exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// Everything was as expected.
    AsExpected = 0,
    /// An expectation of the scenario failed, or something was refused for good.
    OtherThanExpected = 1,
    /// What was given cannot be used.
    Unusable = 2,
    /// The user must check what would change, and confirm it.
    Unconfirmed = 3,
    /// It ended in the middle; the same command continues.
    Unfinished = 4,
    /// Nothing continues until a person has acted.
    Paused = 5,
    /// The answer is no: no door opens for the member, or this one stays shut.
    Shut = 6,
    /// It is not known whether the door opened.
    Unknown = 7,
    /// The members' file does not confirm the event.
    Contradicted = 8,
}

impl Exit {
    /// The program's exit code.
    pub(crate) fn code(self) -> u8 {
        self as u8
    }
}

/// Why a command ends early.
#[derive(Debug)]
pub(crate) enum Stop {
    /// What was given cannot be used.
    Unusable(Unusable),
    /// The command did not succeed. The sentences say why, and what to do.
    Ended(Exit, String),
    /// The reader of the output closed it, as in `harness run … | head -1`. This is not a failure.
    Unread,
    /// A short command has priority. This command starts again after it.
    GivesWay,
}

impl From<Unusable> for Stop {
    fn from(unusable: Unusable) -> Stop {
        Stop::Unusable(unusable)
    }
}

impl From<io::Error> for Stop {
    /// Only writing the report returns such an error.
    fn from(error: io::Error) -> Stop {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Stop::Unread,
            _ => Stop::Unusable(Unusable::new(format!("the report cannot be written: {error}"))),
        }
    }
}

impl From<PlayError> for Stop {
    fn from(error: PlayError) -> Stop {
        match error {
            PlayError::Unusable(unusable) => Stop::Unusable(unusable),
            PlayError::Report(error) => error.into(),
        }
    }
}
