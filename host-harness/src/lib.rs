//! The `harness` command line: plays scenarios against Kisi, simulated or not, tells what a component may do, and keeps
//! an installation in a folder.
//!
//! The one part of this crate that names a provider. It is a library function, so that tests run it in their own
//! process; the program around it hands over arguments and streams.

mod args;
mod exit;
#[cfg(test)]
#[path = "../../crates/host/tests/all/guest.rs"]
#[expect(dead_code, reason = "the guest has more uses in the library's tests")]
mod guest;
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
use door_access_scenario::unusable;
use exit::{Exit, Stop};

#[doc(hidden)]
pub use installation::memberships;
pub use interrupt::{Interrupt, STOPPING};

/// Where a command prints.
pub struct Streams<'a> {
    /// What was asked for.
    pub out: &'a mut dyn Write,
    /// Why it could not be done, and how far long work is.
    pub err: &'a mut dyn Write,
    /// Whether `out` shows colours, when the command line leaves it open.
    pub colour: bool,
}

/// The person at the command line.
#[derive(Clone, Debug, Default)]
pub struct Live {
    /// Whether `err` is a terminal, where a line can be written over.
    pub terminal: bool,
    /// Whether they want the command to end.
    pub interrupt: Interrupt,
    /// Reads a line that they type; absent when nobody can be asked.
    pub typed: Option<fn() -> io::Result<String>>,
    /// What their environment says.
    pub surroundings: Surroundings,
}

/// What the environment says about the key that seals the gym's key. What is not set here is not there: no command
/// looks for it by itself.
#[derive(Clone, Default)]
pub struct Surroundings {
    /// `HARNESS_SEALING_KEY`.
    pub sealing_key: Option<OsString>,
    /// `HARNESS_NEW_SEALING_KEY`.
    pub new_sealing_key: Option<OsString>,
    /// The user's folder for configuration, where a sealing key is made when none is given.
    pub config: Option<PathBuf>,
}

impl fmt::Debug for Surroundings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Surroundings").field("config", &self.config).finish_non_exhaustive()
    }
}

/// [`run`] with nobody at the command line.
pub fn main(arguments: impl IntoIterator<Item = OsString>, streams: Streams) -> u8 {
    run(arguments, streams, &Live::default())
}

/// Runs the command line with these arguments, the program's name first, and returns the exit code:
///
/// | code | |
/// |---|---|
/// | 0 | as expected, or nobody reads on |
/// | 1 | an expectation failed, or something was refused for good |
/// | 2 | something given cannot be used |
/// | 3 | somebody must confirm what would change |
/// | 4 | ended in the middle; the same command goes on |
/// | 5 | nothing goes on until a person has acted |
/// | 6 | the answer is no: no door opens for the member, or this one stays shut |
/// | 7 | it is not known whether the door opened |
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
            // Whoever closed the stream does not want to read it.
            let _ = stream.write_all(text.as_bytes());
            return if error.use_stderr() { Exit::Unusable } else { Exit::AsExpected }.code();
        }
    };
    let json = cli.command.output().json;
    let (exit, text) = match command(cli.command, Streams { out, err, colour }, live) {
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

fn command(command: Command, streams: Streams, live: &Live) -> Result<Exit, Stop> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return Ok(unusable(format!("the machine gives no runtime: {error}"))?),
    };
    let Streams { out, err, colour } = streams;
    match command {
        Command::Run(args) => runtime.block_on(run::run(&args, out, colour)),
        Command::Inspect(args) => runtime.block_on(inspect::run(&args, out, colour)),
        Command::Installation(command) => {
            let streams = Streams { out, err, colour };
            runtime.block_on(installation::run(&command, streams, live))
        }
    }
}
