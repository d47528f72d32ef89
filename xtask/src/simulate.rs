//! `cargo xtask simulate`: random histories with faults at every boundary, judged by the rules of the product.

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;

use crate::mutations::{self, Seeds};
use crate::test::COMPONENT_VARIABLE;
use crate::workspace::Workspace;
use crate::{ComponentArgs, build, command};

/// What `cargo xtask simulate` is told.
#[derive(Args)]
pub(crate) struct SimulateArgs {
    #[command(flatten)]
    component: ComponentArgs,

    /// How many histories: 1,000 unless told, with `--minutes` as many as there is time for, and at most 3,000 for each
    /// mutation.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    seeds: Option<u64>,

    /// The first history, 1 unless told. Without `--seeds`, `--minutes` and `--mutations` the only one: everything that
    /// happens in it is printed, and if it breaks a rule it is made smaller.
    #[arg(long, value_name = "S", value_parser = clap::value_parser!(u64).range(..u64::MAX))]
    seed: Option<u64>,

    /// Stop after so many minutes.
    #[arg(long, value_name = "M", value_parser = clap::value_parser!(u64).range(1..))]
    minutes: Option<u64>,

    /// Play deliberate bugs of the plugin instead, each until the judge objects. Fails when one survives.
    #[arg(long, conflicts_with = "minutes")]
    mutations: bool,

    /// Of these bugs only those that have this in their names.
    #[arg(long, value_name = "TEXT", requires = "mutations")]
    only: Option<String>,
}

const SEEDS: u64 = 1_000;
/// Enough for what only a rare history shows, and few enough for an evening.
const SEEDS_A_MUTATION: u64 = 3_000;

/// Builds the component and plays histories. Fails when one breaks a rule.
pub(crate) fn run(workspace: &Workspace, args: &SimulateArgs) -> Result<ExitCode> {
    let from = args.seed.unwrap_or(1);
    if args.mutations {
        let seeds = Seeds { from, count: args.seeds.unwrap_or(SEEDS_A_MUTATION) };
        return mutations::run(workspace, &args.component, seeds, args.only.as_deref());
    }
    let built = build::component(workspace, &args.component)?;
    println!("{}", built.summary(workspace));
    let mut simulate = workspace.cargo();
    simulate.args(["test", "--locked", "--config", "profile.dev.opt-level=2"]);
    simulate.args(["--package", "door-access-tests", "--test", "simulate", "--"]);
    match args {
        SimulateArgs { seed: Some(seed), seeds: None, minutes: None, .. } => {
            simulate.args(["--seed".to_owned(), seed.to_string()]);
        }
        SimulateArgs { seeds, minutes, .. } => {
            let seeds = seeds.unwrap_or(if minutes.is_some() { u64::MAX } else { SEEDS });
            simulate.args(["--seeds".to_owned(), seeds.to_string(), "--from".to_owned(), from.to_string()]);
        }
    }
    if let Some(minutes) = args.minutes {
        simulate.args(["--minutes".to_owned(), minutes.to_string()]);
    }
    simulate.env(COMPONENT_VARIABLE, &built.path);
    command::run(&mut simulate)?;
    Ok(ExitCode::SUCCESS)
}
