//! The `harness` command line: plays scenarios against Kisi, simulated or not, and tells what a component may do.
//!
//! The one part of this crate that names a provider. It is a library function, so that tests run it in their own
//! process; the program around it hands over arguments and streams.

mod args;
mod exit;
#[cfg(test)]
#[path = "../../tests/all/guest.rs"]
#[expect(dead_code, reason = "the guest has more uses in the library's tests")]
mod guest;
mod inspect;
mod load;
mod play;
mod report;
mod run;
mod scenario;
mod world;
mod wrong;

use std::ffi::OsString;
use std::io::Write;

use clap::Parser;

use args::{Cli, Command};
use exit::{Exit, Stop};
use wrong::unusable;

/// Where a command prints.
pub struct Streams<'a> {
    /// What was asked for.
    pub out: &'a mut dyn Write,
    /// Why it could not be done.
    pub err: &'a mut dyn Write,
    /// Whether `out` shows colours, when the command line leaves it open.
    pub colour: bool,
}

/// Runs the command line with these arguments, the program's name first, and returns the exit code: 0 as expected, or
/// nobody reads on; 1 an expectation failed; 2 something given cannot be used.
pub fn main(arguments: impl IntoIterator<Item = OsString>, streams: Streams) -> u8 {
    let Streams { out, err, colour } = streams;
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            let text = error.render();
            let (stream, coloured) = if error.use_stderr() { (err, false) } else { (out, colour) };
            let text = if coloured { text.ansi().to_string() } else { text.to_string() };
            // Whoever closed the stream does not want to read it.
            let _ = stream.write_all(text.as_bytes());
            return if error.use_stderr() { Exit::Unusable } else { Exit::AsExpected }.code();
        }
    };
    let json = cli.command.output().json;
    match command(cli.command, out, colour) {
        Ok(exit) => exit.code(),
        Err(Stop::Unread) => Exit::AsExpected.code(),
        Err(Stop::Unusable(unusable)) => {
            let text = unusable.to_string();
            if json {
                let _ = report::unusable(out, &text);
            }
            let _ = writeln!(err, "harness: {text}");
            Exit::Unusable.code()
        }
    }
}

fn command(command: Command, out: &mut dyn Write, colour: bool) -> Result<Exit, Stop> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return Ok(unusable(format!("the machine gives no runtime: {error}"))?),
    };
    match command {
        Command::Run(args) => runtime.block_on(run::run(&args, out, colour)),
        Command::Inspect(args) => runtime.block_on(inspect::run(&args, out, colour)),
    }
}
