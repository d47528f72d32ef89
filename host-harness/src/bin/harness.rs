//! The `harness` program: hands its arguments and streams to the library's command line, and its exit code back.

use std::io::{self, IsTerminal};
use std::process::ExitCode;

use host_harness::cli::{self, Streams};

fn main() -> ExitCode {
    let colour = io::stdout().is_terminal()
        && anstream::AutoStream::choice(&io::stdout()) != anstream::ColorChoice::Never;
    let (mut out, mut err) = (anstream::AutoStream::always(io::stdout()), io::stderr());
    let streams = Streams { out: &mut out, err: &mut err, colour };
    ExitCode::from(cli::main(std::env::args_os(), streams))
}
