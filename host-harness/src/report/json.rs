//! A run as JSON lines: one document for the opening, one for each step, one for the ending or the error.

use std::io::{self, Write};

use serde::Serialize;

use door_access_scenario::report::{Ending, Opening, Report, StepReport};

/// Prints JSON lines.
pub(crate) struct Json<'a> {
    out: &'a mut dyn Write,
}

/// One line. Its `type` says which fields follow.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
enum Line<'a> {
    Opening(&'a Opening),
    Step(&'a StepReport),
    Ending(&'a Ending),
    Error { error: &'a str },
}

/// The last line of a command that failed.
pub(crate) fn unusable(out: &mut dyn Write, error: &str) -> io::Result<()> {
    Json::new(out).line(&Line::Error { error })
}

impl<'a> Json<'a> {
    /// Prints to `out`.
    pub(crate) fn new(out: &'a mut dyn Write) -> Json<'a> {
        Json { out }
    }

    fn line(&mut self, line: &Line) -> io::Result<()> {
        serde_json::to_writer(&mut *self.out, line)?;
        self.out.write_all(b"\n")?;
        self.out.flush()
    }
}

impl Report for Json<'_> {
    fn opening(&mut self, opening: &Opening) -> io::Result<()> {
        self.line(&Line::Opening(opening))
    }

    fn step(&mut self, step: &StepReport) -> io::Result<()> {
        self.line(&Line::Step(step))
    }

    fn ending(&mut self, ending: &Ending) -> io::Result<()> {
        self.line(&Line::Ending(ending))
    }
}
