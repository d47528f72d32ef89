//! The project's own commands, run as `cargo xtask …`.
//!
//! Plain cargo cannot encode the plugin as a component, so every task that needs the component builds it first.
//! `main` parses and dispatches; each task is one file.

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::workspace::Workspace;

mod bench;
mod build;
mod ci;
mod demo;
mod mutations;
mod simulate;
mod test;

mod toolchain;
mod workspace;

#[cfg(test)]
mod tidy;

/// Build, try and check the door-access workspace.
///
/// A fresh clone needs only a Rust toolchain and a C compiler: `cargo xtask demo` builds the plugin and shows it at
/// work with a simulated Kisi.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Build the plugin as a WebAssembly component.
    ///
    /// Writes `component/kisi_plugin.wasm` in cargo's target directory and prints its path and size. A file with the
    /// same content is not touched.
    Build,

    /// Play the demo scenario with the plugin, the host and a simulated Kisi.
    ///
    /// The same as `cargo xtask build` followed by `harness run scenarios/demo.toml`. Everything runs in one process.
    Demo(demo::DemoArgs),

    /// Build the component and run all tests of the workspace.
    ///
    /// The variable KISI_PLUGIN_COMPONENT tells the tests where the component is.
    Test(test::TestArgs),

    /// Measure syncs of gyms of several sizes: requests, processor time, memory.
    ///
    /// For example `cargo xtask bench 10000 100000`. The largest takes some minutes.
    Bench(bench::BenchArgs),

    /// Play random histories with faults at every boundary and check them against the rules.
    ///
    /// One seed is one history and always repeats it exactly: `cargo xtask simulate --seed 42` prints it. With
    /// `--mutations`, deliberate bugs test the judge of the simulation.
    Simulate(simulate::SimulateArgs),

    /// Run every check that a change must pass: format, component, lints, tests, documentation.
    ///
    /// Stops at the first failure. The time of each step is printed at the end.
    Ci,
}

fn main() -> ExitCode {
    match run(Cli::parse().task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> Result<()> {
    let workspace = Workspace::locate()?;
    match task {
        Task::Build => build::run(&workspace),
        Task::Demo(args) => demo::run(&workspace, &args),
        Task::Test(args) => test::run(&workspace, &args),
        Task::Bench(args) => bench::run(&workspace, &args),
        Task::Simulate(args) => simulate::run(&workspace, &args),
        Task::Ci => ci::run(&workspace),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_well_formed() {
        super::Cli::command().debug_assert();
    }
}
