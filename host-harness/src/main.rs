//! The `harness` program: hands its arguments and streams to the library's command line, and its exit code back.

use std::env;
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use host_harness::{Interrupt, Live, STOPPING, Streams, Surroundings};

/// As shells say it of a program that Ctrl-C ended.
const INTERRUPTED: i32 = 130;

fn main() -> ExitCode {
    let colour = io::stdout().is_terminal()
        && anstream::AutoStream::choice(&io::stdout()) != anstream::ColorChoice::Never;
    let (mut out, mut err) = (anstream::AutoStream::always(io::stdout()), io::stderr());
    let is_asked = err.is_terminal() && io::stdin().is_terminal();
    let live = Live {
        terminal: err.is_terminal(),
        interrupt: Interrupt::default(),
        typed: is_asked.then_some(typed as fn() -> io::Result<String>),
        surroundings: Surroundings {
            sealing_key: env::var_os("HARNESS_SEALING_KEY"),
            new_sealing_key: env::var_os("HARNESS_NEW_SEALING_KEY"),
            config: config(),
        },
    };
    let interrupt = live.interrupt.clone();
    let handled = ctrlc::set_handler(move || {
        if !interrupt.request() {
            std::process::exit(INTERRUPTED);
        }
        // Who does not read it does not miss it.
        let _ = writeln!(io::stderr(), "\n{STOPPING}");
    });
    // Without a handler Ctrl-C ends the program at once, which does no harm.
    drop(handled);
    let streams = Streams { out: &mut out, err: &mut err, colour };
    ExitCode::from(host_harness::run(env::args_os(), streams, &live))
}

/// The user's folder for configuration, as the XDG Base Directory Specification says: what is not absolute is ignored.
fn config() -> Option<PathBuf> {
    let folder = |variable| env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute());
    folder("XDG_CONFIG_HOME").or_else(|| folder("HOME").map(|home| home.join(".config")))
}

fn typed() -> io::Result<String> {
    let mut line = String::new();
    io::stdin().read_line(&mut line)?;
    Ok(line)
}
