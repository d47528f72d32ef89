//! `cargo xtask bench`: what a sync costs on this machine.
//!
//! Our own code and wasmtime's runtime are optimised as in production. The other dependencies are those of the tests,
//! which saves a second build of the compiler. Compare figures of one run only: machines differ, and so does their
//! load.

use anyhow::Result;
use clap::Args;

use crate::build::{self, COMPONENT_VARIABLE};
use crate::workspace::Workspace;

const OPTIMISED: [&str; 2] = ["profile.dev.opt-level=2", "profile.dev.package.wasmtime.opt-level=3"];

/// Arguments of `cargo xtask bench`.
#[derive(Args)]
pub(crate) struct BenchArgs {
    /// Sizes of the gyms, in members.
    #[arg(value_name = "MEMBERS", default_values_t = [300, 3_000, 10_000])]
    members: Vec<u32>,
}

/// Builds the component and measures it.
pub(crate) fn run(workspace: &Workspace, args: &BenchArgs) -> Result<()> {
    let component = build::component(workspace)?;
    let bench = workspace.cargo().args(["bench", "--locked", "--profile", "dev"]);
    let bench = bench.args(OPTIMISED.iter().flat_map(|setting| ["--config", setting]));
    let bench = bench.args(["--bench", "sync", "--"]);
    let bench = bench.args(args.members.iter().map(u32::to_string));
    Ok(bench.env(COMPONENT_VARIABLE, component).run()?)
}
