//! The `harness` program: gives its arguments and streams to the library's command line, and returns its exit code.

use std::env;
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use host_harness::{Interrupt, Live, STOPPING, Streams, Surroundings};

/// The exit code that shells use for a program that Ctrl-C ended.
const INTERRUPTED: i32 = 130;

fn main() -> ExitCode {
    let colour = io::stdout().is_terminal()
        && anstream::AutoStream::choice(&io::stdout()) != anstream::ColorChoice::Never;
    let (mut out, mut err) = (anstream::AutoStream::always(io::stdout()), io::stderr());
    let can_answer = err.is_terminal() && io::stdin().is_terminal();
    let live = Live {
        terminal: err.is_terminal(),
        columns: terminal_size::terminal_size_of(io::stdout()).map(|(width, _)| usize::from(width.0)),
        interrupt: Interrupt::default(),
        typed: can_answer.then_some(typed as fn() -> io::Result<String>),
        surroundings: Surroundings {
            sealing_key: env::var_os("HARNESS_SEALING_KEY"),
            new_sealing_key: env::var_os("HARNESS_NEW_SEALING_KEY"),
            config: config(),
            time_zone: jiff::tz::TimeZone::try_system()
                .ok()
                .and_then(|zone| zone.iana_name().map(str::to_owned)),
            compiled: None,
        },
    };
    let interrupt = live.interrupt.clone();
    let handled = ctrlc::set_handler(move || {
        if !interrupt.request() {
            std::process::exit(INTERRUPTED);
        }
        // A closed stream is no reason to stop at once.
        let _ = writeln!(io::stderr(), "\n{STOPPING}");
    });
    // Without a handler Ctrl-C ends the program at once, which does no harm.
    drop(handled);
    let streams = Streams { out: &mut out, err: &mut err, colour };
    ExitCode::from(host_harness::run(env::args_os(), streams, &live))
}

/// The user's configuration folder. The XDG Base Directory Specification says to ignore a path that is not absolute.
fn config() -> Option<PathBuf> {
    let folder = |variable| env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute());
    folder("XDG_CONFIG_HOME").or_else(|| folder("HOME").map(|home| home.join(".config")))
}

fn typed() -> io::Result<String> {
    let mut line = String::new();
    io::stdin().read_line(&mut line)?;
    Ok(line)
}
