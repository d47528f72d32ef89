//! `cargo xtask bench`: what things cost, measured on this machine.
//!
//! Our own code and wasmtime's at run time are optimised, as where the plugin is at work; the other dependencies are
//! those of the tests, so that nobody waits for a second build of the compiler. Figures compare within one run: machines
//! differ, and so does what else they do.

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;

use crate::test::COMPONENT_VARIABLE;
use crate::workspace::Workspace;
use crate::{ComponentArgs, build, command};

const OPTIMISED: [&str; 2] = ["profile.dev.opt-level=2", "profile.dev.package.wasmtime.opt-level=3"];

/// What `cargo xtask bench` is told.
#[derive(Args)]
pub(crate) struct BenchArgs {
    #[command(flatten)]
    component: ComponentArgs,

    /// Sizes of the gyms that are reconciled, in members.
    #[arg(value_name = "MEMBERS", default_values_t = [300, 3_000, 10_000])]
    members: Vec<u32>,
}

/// Builds the component and measures it.
pub(crate) fn run(workspace: &Workspace, args: &BenchArgs) -> Result<ExitCode> {
    let built = build::component(workspace, &args.component)?;
    println!("{}", built.summary(workspace));
    let mut bench = workspace.cargo();
    bench.args(["bench", "--locked", "--profile", "dev"]);
    for setting in OPTIMISED {
        bench.args(["--config", setting]);
    }
    bench.args(["--package", "door-access-tests", "--bench", "sync", "--"]);
    bench.args(args.members.iter().map(u32::to_string));
    bench.env(COMPONENT_VARIABLE, &built.path);
    command::run(&mut bench)?;
    Ok(ExitCode::SUCCESS)
}
