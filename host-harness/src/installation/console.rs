//! How a command of an installation prints: its answer as a page or as JSON, and its progress.

use std::io::{self, Write};

use serde::Serialize;

use crate::exit::Stop;
use crate::report::{Look, Page};
use crate::{Interrupt, Live, Streams, Surroundings};
use door_access_host::{Lines, OneLine};
use textwrap::core::display_width;

/// The answer of a command.
pub(super) trait Answer: Serialize {
    /// Prints it for people.
    fn print(&self, page: &mut Page) -> io::Result<()>;
}

/// Where a command prints.
pub(super) struct Console<'a> {
    out: &'a mut dyn Write,
    err: &'a mut dyn Write,
    look: Look,
    json: bool,
    live: &'a Live,
    /// Columns of the progress line on the terminal.
    progress: usize,
    /// Whether this is a long command that let a short one in and started again.
    pub(super) has_given_way: bool,
}

impl<'a> Console<'a> {
    pub(super) fn new(streams: Streams<'a>, live: &'a Live, json: bool, look: Look) -> Console<'a> {
        let Streams { out, err, .. } = streams;
        Console { out, err, look, json, live, progress: 0, has_given_way: false }
    }

    /// Prints an answer.
    pub(super) fn tell(&mut self, answer: &impl Answer) -> Result<(), Stop> {
        self.end_progress();
        if self.json {
            serde_json::to_writer(&mut *self.out, answer).map_err(io::Error::from)?;
            self.out.write_all(b"\n")?;
        } else {
            answer.print(&mut Page { out: self.out, look: self.look })?;
        }
        self.out.flush()?;
        Ok(())
    }

    /// Where the report of an event goes, whether it is JSON, and how it looks.
    pub(super) fn report(&mut self) -> (&mut dyn Write, bool, Look) {
        self.end_progress();
        (self.out, self.json, self.look)
    }

    /// Prints a sentence beside the answer.
    pub(super) fn note(&mut self, text: &str) {
        self.end_progress();
        // A closed stream does not end the command.
        let _ = writeln!(self.err, "{}", Lines(text));
    }

    /// Prints the progress. On a terminal each line overwrites the previous one.
    pub(super) fn progress(&mut self, text: &str) {
        if self.live.terminal {
            let text = OneLine(text).to_string();
            let width = display_width(&text);
            let rest = " ".repeat(self.progress.saturating_sub(width));
            let _ = write!(self.err, "\r{text}{rest}");
            let _ = self.err.flush();
            self.progress = width;
        } else {
            self.note(text);
        }
    }

    /// Erases the progress line.
    fn end_progress(&mut self) {
        if self.progress > 0 {
            let _ = write!(self.err, "\r{}\r", " ".repeat(self.progress));
            self.progress = 0;
        }
    }

    /// What the user types in answer to a question; `None` without a terminal.
    pub(super) fn ask(&mut self, question: &str) -> Option<String> {
        let typed = self.live.typed?;
        self.end_progress();
        let _ = write!(self.err, "{} ", Lines(question));
        let _ = self.err.flush();
        typed().ok()
    }

    /// The user's request to stop.
    pub(super) fn interrupt(&self) -> &Interrupt {
        &self.live.interrupt
    }

    /// The environment.
    pub(super) fn surroundings(&self) -> &'a Surroundings {
        &self.live.surroundings
    }

    /// Whether progress is printed on a terminal.
    pub(super) fn is_watched(&self) -> bool {
        self.live.terminal
    }
}
