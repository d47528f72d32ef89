//! The program of `cargo xtask simulate`.

#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "a simulation that cannot go on says why")]

#[path = "mod.rs"]
mod simulate;

use std::process::ExitCode;

use simulate::Options;

fn options() -> Result<Options, String> {
    let mut options = Options::default();
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut number = || {
            let value = arguments.next().ok_or(format!("{argument} needs a number"))?;
            value.parse::<u64>().map_err(|_| format!("{argument} needs a number and not {value}"))
        };
        match argument.as_str() {
            "--seeds" => options.seeds = number()?,
            "--seed" => options.seed = Some(number()?),
            "--from" => options.from = number()?,
            // Seeds begin in order and end when all that began are done, so the smallest failing seed is always the same.
            "--first" => options.failures_max = 1,
            "--minutes" => options.minutes = Some(number()?),
            _ => return Err(format!("{argument} is not known")),
        }
    }
    Ok(options)
}

fn main() -> ExitCode {
    let options = match options() {
        Ok(options) => options,
        Err(why) => {
            eprintln!("{why}\nOptions: --seeds N, --seed S, --from S, --minutes M, --first");
            return ExitCode::from(2);
        }
    };
    if simulate::run(&options) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
