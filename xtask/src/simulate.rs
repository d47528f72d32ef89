//! `cargo xtask simulate`: random histories with faults at every boundary, judged by the rules of the product.

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;

use crate::test::COMPONENT_VARIABLE;
use crate::workspace::Workspace;
use crate::{ComponentArgs, build, command};

/// What `cargo xtask simulate` is told.
#[derive(Args)]
pub(crate) struct SimulateArgs {
    #[command(flatten)]
    component: ComponentArgs,

    /// How many histories.
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    seeds: u64,

    /// The first one of them.
    #[arg(long, value_name = "S", default_value_t = 1)]
    from: u64,

    /// One history alone: everything that happens is printed, and one that breaks a rule is made smaller.
    #[arg(long, value_name = "S", conflicts_with_all = ["seeds", "from"])]
    seed: Option<u64>,

    /// Stop after so many minutes.
    #[arg(long, value_name = "M")]
    minutes: Option<u64>,
}

/// Builds the component and plays histories. Fails when one breaks a rule.
pub(crate) fn run(workspace: &Workspace, args: &SimulateArgs) -> Result<ExitCode> {
    let built = build::component(workspace, &args.component)?;
    println!("{}", built.summary(workspace));
    let mut simulate = workspace.cargo();
    simulate.args(["test", "--locked", "--config", "profile.dev.opt-level=2"]);
    simulate.args(["--package", "door-access-tests", "--test", "simulate", "--"]);
    match args.seed {
        Some(seed) => simulate.args(["--seed".to_owned(), seed.to_string()]),
        None => simulate.args([
            "--seeds".to_owned(),
            args.seeds.to_string(),
            "--from".to_owned(),
            args.from.to_string(),
        ]),
    };
    if let Some(minutes) = args.minutes {
        simulate.args(["--minutes".to_owned(), minutes.to_string()]);
    }
    simulate.env(COMPONENT_VARIABLE, &built.path);
    command::run(&mut simulate)?;
    Ok(ExitCode::SUCCESS)
}
