//! The project's own commands, run as `cargo xtask …`.
//!
//! What plain cargo cannot do lives here: building the plugin as a WebAssembly component (on machines
//! without the target's standard library too), starting the demo, and running the checks that decide whether
//! a change may land. `main` parses and dispatches; each task has a file of its own.

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Parser, Subcommand};

use crate::toolchain::Choice;
use crate::workspace::Workspace;

mod bench;
mod build;
mod ci;
mod demo;
mod fuzz;
mod mutations;
mod simulate;
mod test;

mod encode;
mod toolchain;

mod cargo;
mod command;
mod replace;
mod workspace;

#[cfg(test)]
mod tidy;

/// Build, try out and check the door-access workspace.
///
/// A fresh clone needs nothing but a Rust toolchain and a C linker: `cargo xtask demo` builds the plugin and
/// shows it at work against the simulator.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Build the plugin and encode it as a WebAssembly component.
    ///
    /// Writes `component/kisi_plugin.wasm` in cargo's target directory and prints its path and size. The file
    /// is touched only when its content changes.
    Build(ComponentArgs),

    /// Build everything, start the simulator on loopback and run the demo scenario against it.
    ///
    /// Ends with the exit code of `harness run`. The simulator is stopped however the demo ends.
    Demo(demo::DemoArgs),

    /// Build the component, then run every test of the workspace.
    ///
    /// The tests find the component through the environment variable KISI_PLUGIN_COMPONENT.
    Test(test::TestArgs),

    /// Measure what reconciling gyms of several sizes costs: requests, processor time, memory.
    ///
    /// For example `cargo xtask bench 10000 100000`; the largest takes some minutes.
    Bench(bench::BenchArgs),

    /// Fuzz everything that reads what others wrote, guided by coverage.
    ///
    /// Kisi's answers, records in storage, settings, scenarios, a gym's files, headers. Wants a C++ compiler; cargo-fuzz
    /// is installed below the target directory where it is missing.
    Fuzz(fuzz::FuzzArgs),

    /// Play random histories with faults at every boundary, and judge where they end.
    ///
    /// A seed is a history and repeats it exactly: `cargo xtask simulate --seed 42` prints it. With `--mutations` it is
    /// the judge who is tested, by deliberate bugs.
    Simulate(simulate::SimulateArgs),

    /// Run every check that a change must pass: format, lints, component, tests, documentation.
    ///
    /// Stops at the first step that fails and names it.
    Ci(ComponentArgs),
}

/// How the component is built; the same for every task that needs it.
#[derive(Args, Clone)]
pub(crate) struct ComponentArgs {
    /// Where the standard library of wasm32-unknown-unknown comes from.
    ///
    /// `auto` tries the others in the order given here and says in one line which it took and why not an
    /// earlier one.
    #[arg(long, value_enum, value_name = "WAY", default_value_t = Choice::Auto)]
    toolchain_way: Choice,
}

fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> Result<ExitCode> {
    let workspace = Workspace::locate()?;
    match cli.task {
        Task::Build(component) => build::run(&workspace, &component),
        Task::Demo(demo) => demo::run(&workspace, &demo),
        Task::Test(test) => test::run(&workspace, &test),
        Task::Bench(bench) => bench::run(&workspace, &bench),
        Task::Fuzz(fuzz) => fuzz::run(&workspace, &fuzz),
        Task::Simulate(simulate) => simulate::run(&workspace, &simulate),
        Task::Ci(component) => ci::run(&workspace, &component),
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
