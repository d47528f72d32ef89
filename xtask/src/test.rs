//! `cargo xtask test`: every test of the workspace, with the component they are about.

use std::process::ExitCode;
use std::time::Instant;

use anyhow::Result;
use clap::Args;

use crate::workspace::Workspace;
use crate::{ComponentArgs, build, command};

/// The environment variable through which tests find the component, as an absolute path.
pub(crate) const COMPONENT_VARIABLE: &str = "KISI_PLUGIN_COMPONENT";

/// What `cargo xtask test` is told.
#[derive(Args)]
pub(crate) struct TestArgs {
    #[command(flatten)]
    component: ComponentArgs,

    /// Arguments for `cargo test`; those after a second `--` reach the test programs.
    #[arg(last = true, value_name = "ARGUMENTS")]
    arguments: Vec<String>,
}

/// Builds the component, runs the tests, and closes with the time taken.
pub(crate) fn run(workspace: &Workspace, args: &TestArgs) -> Result<ExitCode> {
    let started = Instant::now();
    let built = build::component(workspace, &args.component)?;
    println!("{}", built.summary(workspace));
    tests(workspace, &built, &args.arguments)?;
    println!("xtask: all tests passed in {:.1} s", started.elapsed().as_secs_f64());
    Ok(ExitCode::SUCCESS)
}

/// Runs unit, integration and documentation tests against a component that was built.
pub(crate) fn tests(workspace: &Workspace, built: &build::Built, arguments: &[String]) -> Result<()> {
    let mut test = workspace.cargo();
    test.args(["test", "--workspace", "--locked"]).args(arguments);
    test.env(COMPONENT_VARIABLE, &built.path);
    command::run(&mut test)
}
