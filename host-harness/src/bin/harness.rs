//! The `harness` program: hands its arguments and streams to the library's command line, and its exit code back.

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use host_harness::cli::{self, Interrupt, Live, STOPPING, Streams};

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
    ExitCode::from(cli::run(std::env::args_os(), streams, &live))
}

fn typed() -> io::Result<String> {
    let mut line = String::new();
    io::stdin().read_line(&mut line)?;
    Ok(line)
}
