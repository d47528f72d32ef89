//! `kisi-sim`: the simulator as a program, on the loopback interface.

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::{Parser, ValueEnum};
use kisi_sim::{ClockMode, Seed, Simulator};
use tokio::net::TcpListener;

/// Exit codes, as in `--help`.
const EXIT_SEED: u8 = 2;
const EXIT_OTHER: u8 = 1;

/// A simulator of the Kisi REST API, to develop and test an integration without a Kisi account.
///
/// Prints its address and a key, then serves on 127.0.0.1 until Ctrl-C. Send the key as
/// `Authorization: KISI-LOGIN <key>`. Its content, faults, knobs and clock can be changed while it runs: see GET
/// /_sim.
#[derive(Debug, Parser)]
#[command(
    version,
    after_help = "Examples:\n  \
        kisi-sim\n      \
            one organization with an owner, a key and a place\n  \
        kisi-sim --port 8080 --seed crates/kisi-sim/seeds/example.toml\n      \
            a gym with groups, members and doors; the path is that in the workspace\n  \
        kisi-sim --json --time virtual --unpaced\n      \
            for a test that controls the clock\n\n\
        Exit codes:\n  \
        0  stopped by Ctrl-C\n  \
        1  could not listen, or could not write its address\n  \
        2  the command line or the seed can't be used"
)]
struct Arguments {
    /// The port to listen on; 0 takes any free one.
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    port: u16,
    /// The file with the initial content: JSON if its name ends in .json, else TOML.
    #[arg(long, value_name = "FILE")]
    seed: Option<PathBuf>,
    /// The clock.
    #[arg(long, value_enum, default_value_t = TimeSource::System)]
    time: TimeSource,
    /// Turn off Kisi's limit of five requests per second and user.
    #[arg(long)]
    unpaced: bool,
    /// Print address and key as one line of JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum TimeSource {
    /// The machine's clock.
    System,
    /// A clock that starts at the seed's start time and moves only through /_sim/clock.
    Virtual,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let failed = |code| {
        move |error: anyhow::Error| {
            eprintln!("kisi-sim: {error:#}");
            ExitCode::from(code)
        }
    };
    seeded(&arguments)
        .map_err(failed(EXIT_SEED))
        .and_then(|simulator| run(&arguments, simulator).map_err(failed(EXIT_OTHER)))
        .map_or_else(|code| code, |()| ExitCode::SUCCESS)
}

/// The simulator, with the seed and the clock of the command line.
fn seeded(arguments: &Arguments) -> anyhow::Result<Simulator> {
    let mut seed = arguments.seed.as_deref().map_or_else(|| Ok(Seed::default()), read_seed)?;
    if arguments.unpaced {
        seed.knobs.rate_limit = false;
    }
    let mode = match arguments.time {
        TimeSource::System => ClockMode::System,
        TimeSource::Virtual => ClockMode::Virtual,
    };
    let simulator = Simulator::with_clock(seed, mode);
    simulator.with_context(|| format!("seed {}", shown(arguments.seed.as_deref())))
}

fn read_seed(file: &Path) -> anyhow::Result<Seed> {
    let seed = || format!("seed {}", shown(Some(file)));
    let text = std::fs::read_to_string(file).map_err(|error| {
        let advice = "--seed must be the path of a seed file, for example crates/kisi-sim/seeds/example.toml";
        anyhow::anyhow!("{} cannot be read: {error}; {advice}", seed())
    })?;
    let is_json = file.extension().is_some_and(|extension| extension == "json");
    if is_json { Seed::from_json(&text) } else { Seed::from_toml(&text) }.with_context(seed)
}

fn shown(file: Option<&Path>) -> String {
    file.map_or_else(|| "(empty)".to_owned(), |file| file.display().to_string())
}

#[tokio::main]
async fn run(arguments: &Arguments, simulator: Simulator) -> anyhow::Result<()> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, arguments.port));
    let listener = TcpListener::bind(address)
        .await
        .map_err(|error| anyhow::anyhow!("can't listen on {address}: {error}; choose another --port"))?;
    let url = format!("http://{}", listener.local_addr().context("has no address")?);
    tokio::select! {
        // The signal handler is polled first, so it exists before the address is printed.
        biased;
        // Without a handler the server can't end cleanly, but it can serve.
        Ok(()) = tokio::signal::ctrl_c() => Ok(()),
        served = async {
            announce(arguments.json, &url, &simulator.key()).context("can't write to standard output")?;
            kisi_sim::serve(listener, simulator).await.context("stopped serving")
        } => served,
    }
}

fn announce(json: bool, url: &str, key: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    if json {
        writeln!(out, "{}", serde_json::json!({ "address": url, "key": key }))?;
    } else {
        writeln!(out, "address {url}\nkey {key}")?;
    }
    Ok(out.flush()?)
}
