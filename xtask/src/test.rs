//! `cargo xtask test`: all tests of the workspace, with the component they are about.

use std::time::Instant;

use anyhow::Result;
use clap::Args;

use crate::build::{self, COMPONENT_VARIABLE};
use crate::workspace::Workspace;

/// Arguments of `cargo xtask test`.
#[derive(Args)]
pub(crate) struct TestArgs {
    /// Arguments for `cargo test`; those after a second `--` reach the test programs.
    #[arg(last = true, value_name = "ARGUMENTS")]
    arguments: Vec<String>,
}

/// Builds the component, runs the tests and prints the time taken.
pub(crate) fn run(workspace: &Workspace, args: &TestArgs) -> Result<()> {
    let started = Instant::now();
    let component = build::component(workspace)?;
    let test = workspace.cargo().args(["test", "--workspace", "--locked"]).args(&args.arguments);
    test.env(COMPONENT_VARIABLE, component).run()?;
    eprintln!("xtask: all tests passed in {:.1} s", started.elapsed().as_secs_f64());
    Ok(())
}
