//! What a command says, and to whom: its answer as a page or as JSON, and how far it is to whoever waits.

use std::io::{self, Write};

use serde::Serialize;

use crate::args::OutputArgs;
use crate::exit::Stop;
use crate::report::{Page, Paint};
use crate::{Interrupt, Live, Streams, Surroundings};
use door_access_host::{Lines, OneLine};

/// What a command found out.
pub(super) trait Answer: Serialize {
    /// For people.
    fn print(&self, page: &mut Page) -> io::Result<()>;
}

/// Where a command prints.
pub(super) struct Console<'a> {
    out: &'a mut dyn Write,
    err: &'a mut dyn Write,
    paint: Paint,
    json: bool,
    live: &'a Live,
    /// Columns of the line that the next one is written over.
    over: usize,
    /// Whether this is long work that let somebody in and began again.
    pub(super) has_given_way: bool,
}

impl<'a> Console<'a> {
    pub(super) fn new(streams: Streams<'a>, live: &'a Live, output: &OutputArgs) -> Console<'a> {
        let Streams { out, err, colour } = streams;
        let paint = Paint { colour: output.color.wanted(colour) };
        Console { out, err, paint, json: output.json, live, over: 0, has_given_way: false }
    }

    /// Prints an answer.
    pub(super) fn tell(&mut self, answer: &impl Answer) -> Result<(), Stop> {
        self.settle();
        if self.json {
            serde_json::to_writer(&mut *self.out, answer).map_err(io::Error::from)?;
            self.out.write_all(b"\n")?;
        } else {
            answer.print(&mut Page { out: self.out, paint: self.paint })?;
        }
        self.out.flush()?;
        Ok(())
    }

    /// Where reports go, how they are coloured, and whether they are for machines.
    pub(super) fn report(&mut self) -> (&mut dyn Write, bool, bool) {
        self.settle();
        (self.out, self.json, self.paint.colour)
    }

    /// A sentence to whoever waits.
    pub(super) fn note(&mut self, text: &str) {
        self.settle();
        // Who does not read it does not miss it.
        let _ = writeln!(self.err, "{}", Lines(text));
    }

    /// How far the work is. On a terminal the next one is written over it.
    pub(super) fn progress(&mut self, text: &str) {
        if self.live.terminal {
            let text = OneLine(text).to_string();
            let width = text.chars().count();
            let rest = " ".repeat(self.over.saturating_sub(width));
            let _ = write!(self.err, "\r{text}{rest}");
            let _ = self.err.flush();
            self.over = width;
        } else {
            self.note(text);
        }
    }

    /// Ends a line that was to be written over.
    fn settle(&mut self) {
        if self.over > 0 {
            let _ = write!(self.err, "\r{}\r", " ".repeat(self.over));
            self.over = 0;
        }
    }

    /// What the person types in answer to a question; nothing when nobody can be asked.
    pub(super) fn ask(&mut self, question: &str) -> Option<String> {
        let typed = self.live.typed?;
        self.settle();
        let _ = write!(self.err, "{} ", Lines(question));
        let _ = self.err.flush();
        typed().ok()
    }

    /// Whether somebody wants the command to end.
    pub(super) fn interrupt(&self) -> &Interrupt {
        &self.live.interrupt
    }

    /// What the environment says.
    pub(super) fn surroundings(&self) -> &'a Surroundings {
        &self.live.surroundings
    }

    /// Whether somebody watches.
    pub(super) fn is_watched(&self) -> bool {
        self.live.terminal
    }
}
