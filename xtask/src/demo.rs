//! `cargo xtask demo`: the plugin, the host and a simulated Kisi at work together, by one command.
//!
//! The programs are the same that anybody would start by hand, with the same arguments; both command lines are
//! put together in one place, below. The simulator makes up its key at every start: it lives in a file that
//! only this user can read, for as long as the demo runs.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};
use clap::Args;
use tempfile::NamedTempFile;

use self::children::{Ended, Simulator};
use crate::workspace::Workspace;
use crate::{ComponentArgs, build, cargo};

mod children;

/// The scenario that the demo plays, from the workspace's root.
const SCENARIO: &str = "scenarios/demo.toml";
/// What the simulated Kisi holds at first: the doors and groups that the scenario speaks of.
const SEED: &str = "scenarios/demo.seed.toml";

/// The package and the program of the simulator.
const SIMULATOR: (&str, &str) = ("kisi-sim", "kisi-sim");
/// The package and the program of the host.
const HARNESS: (&str, &str) = ("host-harness", "harness");

/// What shells answer for a program that the user interrupted: 128 and the number of SIGINT.
const INTERRUPTED: u8 = 130;

/// What `cargo xtask demo` is told.
#[derive(Args)]
pub(crate) struct DemoArgs {
    #[command(flatten)]
    component: ComponentArgs,

    /// Print JSON lines, one for each event, instead of the story.
    #[arg(long)]
    json: bool,

    /// More arguments for `harness run`.
    #[arg(last = true, value_name = "ARGUMENTS")]
    arguments: Vec<String>,
}

/// Builds the three parts, runs the scenario and answers with the harness's exit code.
pub(crate) fn run(workspace: &Workspace, args: &DemoArgs) -> Result<ExitCode> {
    let built = build::component(workspace, &args.component)?;
    eprintln!("xtask: {}", built.summary(workspace));
    let programs = Programs::build(workspace)?;

    let interrupted = children::watch_for_interrupts()?;
    let mut simulator = Command::new(&programs.simulator);
    let simulator = Simulator::start(simulator_arguments(&mut simulator).current_dir(&workspace.root))?;
    let key = private_file(&simulator.greeting.key)?;

    let mut harness = Command::new(&programs.harness);
    harness_arguments(&mut harness, &simulator.greeting.address, key.path(), &built.path, args);
    let ended = children::wait(harness.current_dir(&workspace.root), &interrupted)?;
    Ok(match ended {
        Ended::By { code } => ExitCode::from(code),
        Ended::Interrupted => ExitCode::from(INTERRUPTED),
    })
}

/// The simulator as the demo needs it: any free port, a clock that the scenario moves, and one line of JSON
/// that says where it listens and which key it takes.
fn simulator_arguments(command: &mut Command) -> &mut Command {
    command.args(["--port", "0", "--seed", SEED, "--time", "virtual", "--json"])
}

/// The harness as the demo needs it.
fn harness_arguments(command: &mut Command, address: &str, key: &Path, component: &Path, args: &DemoArgs) {
    command.args(["run", SCENARIO, "--kisi", &origin(address), "--allow-seeding"]);
    command.arg("--key-file").arg(key).arg("--component").arg(component);
    if args.json {
        command.arg("--json");
    }
    command.args(&args.arguments);
}

/// The address as an origin, whether the simulator names a scheme or not.
fn origin(address: &str) -> String {
    if address.contains("://") { address.to_owned() } else { format!("http://{address}") }
}

/// The programs of the demo, built like any other program of the workspace.
struct Programs {
    simulator: PathBuf,
    harness: PathBuf,
}

impl Programs {
    fn build(workspace: &Workspace) -> Result<Self> {
        let mut build = workspace.cargo();
        build.args(["build", "--locked"]);
        for (package, program) in [SIMULATOR, HARNESS] {
            build.args(["--package", package, "--bin", program]);
        }
        let artifacts = cargo::artifacts(&mut build)?;
        let (_, simulator) = SIMULATOR;
        let (_, harness) = HARNESS;
        Ok(Self {
            simulator: cargo::program(&artifacts, simulator)?,
            harness: cargo::program(&artifacts, harness)?,
        })
    }
}

/// A temporary file that only this user can read; it goes when the value is dropped.
fn private_file(content: &str) -> Result<NamedTempFile> {
    let mut file = tempfile::Builder::new().prefix("door-access-demo-").tempfile();
    if let Ok(file) = &mut file {
        file.write_all(content.as_bytes()).context("failed to write the key file")?;
    }
    file.context("failed to create the key file")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_harness_gets_the_key_as_a_file_and_never_as_an_argument() {
        let args = DemoArgs {
            component: ComponentArgs { toolchain_way: crate::Choice::Auto },
            json: true,
            arguments: vec!["--verbose".to_owned()],
        };
        let mut command = Command::new("harness");
        harness_arguments(&mut command, "127.0.0.1:4", Path::new("k"), Path::new("c.wasm"), &args);
        let line = crate::command::line(&command);
        assert_eq!(
            line,
            "`harness run scenarios/demo.toml --kisi http://127.0.0.1:4 --allow-seeding --key-file k \
             --component c.wasm --json --verbose`"
        );
    }

    #[cfg(unix)]
    #[test]
    fn the_key_file_is_private_and_goes_away() {
        use std::os::unix::fs::PermissionsExt;
        let file = private_file("secret").unwrap();
        let path = file.path().to_owned();
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "secret");
        drop(file);
        assert!(!path.exists());
    }

    #[test]
    fn an_address_becomes_an_origin_once() {
        assert_eq!(origin("127.0.0.1:80"), "http://127.0.0.1:80");
        assert_eq!(origin("http://127.0.0.1:80"), "http://127.0.0.1:80");
    }
}
