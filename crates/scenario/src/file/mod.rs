//! Scenario files: reading and checking them.
//!
//! `document` is the file as it is written. `check` goes through it from top to bottom, with `names` (what is known
//! so far), `directory` (members and how they change) and `seeding` (what is in Kisi before). The result is a
//! [`Scenario`] that leaves nothing to look up while it is played.

mod check;
mod directory;
mod document;
mod names;
mod places;
mod scenario;
mod seeding;
mod source;
mod time;

use std::path::Path;

use crate::unusable::{Unusable, Wrong};
use source::{Mistake, Source};

pub use crate::words::{alike, event_kind, meant};
pub(crate) use document::{Attempted, Each, Expect, Explain, Hand, KeyChoice, Text, Unlock, Word};
pub use scenario::Scenario;
pub(crate) use scenario::{Action, DirectoryChange, Happening, MappingEntry, Settings, Step};

impl Scenario {
    /// Reads and checks a scenario file.
    ///
    /// # Errors
    /// A line for each mistake, with file, line and column.
    pub fn read(path: &Path) -> Result<Scenario, Unusable> {
        let file = path.display().to_string();
        let text = std::fs::read_to_string(path)
            .map_err(|error| Unusable::new(format!("{file} cannot be read: {error}")))?;
        Scenario::parse(&file, &text, path.parent().unwrap_or(Path::new("")))
    }

    /// Reads and checks a scenario. `file` is its name for messages; a `seed` that it names is in `folder`.
    ///
    /// # Errors
    /// A line for each mistake, with file, line and column.
    pub fn parse(file: &str, text: &str, folder: &Path) -> Result<Scenario, Unusable> {
        let source = Source { file, text };
        toml::from_str(text)
            .map_err(|error| vec![Mistake::from(error)])
            .and_then(|document| check::check(document, &source, folder))
            .map_err(|mistakes| {
                let wrong: Vec<Wrong> = mistakes.into_iter().map(|mistake| source.wrong(mistake)).collect();
                Unusable::from(wrong)
            })
    }
}
