//! The `harness` command line: plays scenarios against a simulated Kisi or a real one, shows what a component may do, and
//! keeps an installation in a folder.
//!
//! The command line is a library function, so that tests can run it in their own process. The program around it provides
//! arguments and streams.

mod args;
mod exit;
mod inspect;
mod installation;
mod interrupt;
mod load;
mod report;
mod run;

use std::ffi::OsString;
use std::fmt;
use std::io::{self, Write};
use std::path::PathBuf;

use clap::Parser;

use args::{Cli, Command};
use door_access_host::Lines;
use door_access_scenario::unusable::unusable;
use exit::{Exit, Stop};
use report::Look;

#[doc(hidden)]
pub use installation::memberships;
pub use interrupt::{Interrupt, STOPPING};

/// Narrowest page: a terminal that is narrower breaks lines itself.
const COLUMNS_MIN: usize = 40;

/// Where a command prints.
pub struct Streams<'a> {
    /// The answer.
    pub out: &'a mut dyn Write,
    /// Errors and progress.
    pub err: &'a mut dyn Write,
    /// Whether `out` shows colours, unless the command line says otherwise.
    pub colour: bool,
}

/// The terminal and the environment of a command. The default has neither.
#[derive(Clone, Debug, Default)]
pub struct Live {
    /// Whether `err` is a terminal, where progress can overwrite its line.
    pub terminal: bool,
    /// Columns of the terminal on `out`; `None` when it is not one.
    pub columns: Option<usize>,
    /// The user's request to stop.
    pub interrupt: Interrupt,
    /// Reads a line that the user types; `None` when the user cannot be asked.
    pub typed: Option<fn() -> io::Result<String>>,
    /// The environment.
    pub surroundings: Surroundings,
}

/// What the environment says about the key that seals the gym's key, and about folders. No command reads the
/// environment itself.
#[derive(Clone, Default)]
pub struct Surroundings {
    /// `HARNESS_SEALING_KEY`.
    pub sealing_key: Option<OsString>,
    /// `HARNESS_NEW_SEALING_KEY`.
    pub new_sealing_key: Option<OsString>,
    /// The user's configuration folder, where a sealing key is made when none is given.
    pub config: Option<PathBuf>,
    /// The machine's time zone by its IANA name.
    pub time_zone: Option<String>,
    /// A folder for compiled components that installations share; `None` when each has its own.
    pub compiled: Option<PathBuf>,
}

impl fmt::Debug for Surroundings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Surroundings").field("config", &self.config).finish_non_exhaustive()
    }
}

/// Runs the command line with these arguments, the program's name first, and returns the exit code:
///
/// | code | |
/// |---|---|
/// | 0 | as expected, or the reader of the output closed it early |
/// | 1 | an expectation failed, or something was refused for good |
/// | 2 | something given cannot be used |
/// | 3 | a change must be confirmed first |
/// | 4 | ended in the middle; the same command continues |
/// | 5 | paused until a person acts |
/// | 6 | the answer is no: no door opens for the member, or this one stays shut |
/// | 7 | it is not known whether the door opened |
/// | 8 | the members' file does not confirm the event |
///
/// The program itself ends with 130 when [`Interrupt::request`] was not granted.
pub fn run(arguments: impl IntoIterator<Item = OsString>, streams: Streams, live: &Live) -> u8 {
    let Streams { out, err, colour } = streams;
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let is_for_machines = arguments.iter().any(|argument| argument == "--json");
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            let text = error.render();
            if is_for_machines && error.use_stderr() {
                let _ = report::unusable(out, text.to_string().trim_end());
            }
            let (stream, coloured) = if error.use_stderr() { (err, false) } else { (out, colour) };
            let text = if coloured { text.ansi().to_string() } else { text.to_string() };
            // The reader may have closed the stream.
            let _ = stream.write_all(text.as_bytes());
            return if error.use_stderr() { Exit::Unusable } else { Exit::AsExpected }.code();
        }
    };
    let json = cli.output.json;
    let (exit, text) = match command(cli, Streams { out, err, colour }, live) {
        Ok(exit) => return exit.code(),
        Err(Stop::Unread | Stop::GivesWay) => return Exit::AsExpected.code(),
        Err(Stop::Unusable(unusable)) => (Exit::Unusable, unusable.to_string()),
        Err(Stop::Ended(exit, text)) => (exit, text.replace('\n', " ")),
    };
    if json {
        let _ = report::unusable(out, &text);
    }
    let _ = writeln!(err, "harness: {}", Lines(&text));
    exit.code()
}

fn command(cli: Cli, streams: Streams, live: &Live) -> Result<Exit, Stop> {
    let Cli { command, output } = cli;
    let Streams { out, err, colour } = streams;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return Ok(unusable(format!("the async runtime cannot start: {error}"))?),
    };
    let look = Look {
        colour: output.color.wanted(colour),
        width: live.columns.unwrap_or(report::WIDTH).max(COLUMNS_MIN),
    };
    match command {
        Command::Run(args) => runtime.block_on(run::run(&args, &output, out, look)),
        Command::Inspect(args) => runtime.block_on(inspect::run(&args, &output, out, look)),
        Command::Installation(command) => {
            let streams = Streams { out, err, colour };
            runtime.block_on(installation::run(&command, output.json, look, streams, live))
        }
    }
}
