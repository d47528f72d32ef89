//! `cargo xtask simulate`: random histories with faults at every boundary, judged by the rules of the product.

use anyhow::Result;
use clap::Args;
use xshell::Cmd;

use crate::build::{self, COMPONENT_VARIABLE};
use crate::mutations::{self, Seeds};
use crate::workspace::Workspace;

/// How many histories are played by default.
const SEEDS: u64 = 1_000;
/// How many for each mutation. Some bugs show in rare histories only; this many take hours at most.
const SEEDS_PER_MUTATION: u64 = 3_000;

/// Arguments of `cargo xtask simulate`.
#[derive(Args)]
pub(crate) struct SimulateArgs {
    /// How many histories to play.
    ///
    /// By default 1,000; with `--minutes` as many as there is time for; with `--mutations` at most 3,000 for each.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    seeds: Option<u64>,

    /// The first history, 1 by default.
    ///
    /// Without `--seeds`, `--minutes` and `--mutations` it is the only one: everything that happens in it is printed,
    /// and a history that breaks a rule is made smaller.
    #[arg(long, value_name = "S", value_parser = clap::value_parser!(u64).range(..u64::MAX))]
    seed: Option<u64>,

    /// Stop after this many minutes.
    #[arg(long, value_name = "M", value_parser = clap::value_parser!(u64).range(1..))]
    minutes: Option<u64>,

    /// Play deliberate bugs of the plugin, each until the judge objects. Fails if a bug is not noticed.
    #[arg(long, conflicts_with = "minutes")]
    mutations: bool,

    /// Play only the bugs with this text in their names.
    #[arg(long, value_name = "TEXT", requires = "mutations")]
    only: Option<String>,
}

/// Builds the component and plays histories. Fails when one breaks a rule.
pub(crate) fn run(workspace: &Workspace, args: &SimulateArgs) -> Result<()> {
    let from = args.seed.unwrap_or(1);
    if args.mutations {
        let seeds = Seeds { from, count: args.seeds.unwrap_or(SEEDS_PER_MUTATION) };
        return mutations::run(workspace, seeds, args.only.as_deref());
    }
    let component = build::component(workspace)?;
    let simulate = simulation(workspace).arg("--");
    let simulate = match args {
        SimulateArgs { seed: Some(seed), seeds: None, minutes: None, .. } => {
            simulate.args(["--seed".to_owned(), seed.to_string()])
        }
        SimulateArgs { seeds, minutes, .. } => {
            let seeds = seeds.unwrap_or(if minutes.is_some() { u64::MAX } else { SEEDS });
            simulate.args(["--seeds".to_owned(), seeds.to_string(), "--from".to_owned(), from.to_string()])
        }
    };
    let minutes = args.minutes.map(|minutes| ["--minutes".to_owned(), minutes.to_string()]);
    let simulate = simulate.args(minutes.into_iter().flatten());
    Ok(simulate.env(COMPONENT_VARIABLE, component).run()?)
}

/// Cargo's build of the program that plays histories, with our own code optimised.
pub(crate) fn simulation(workspace: &Workspace) -> Cmd<'_> {
    let cargo = workspace.cargo().args(["test", "--locked", "--config", "profile.dev.opt-level=2"]);
    cargo.args(["--test", "simulate"])
}
