//! `cargo xtask demo`: the demo scenario, played in one process by the plugin, the host and a simulated Kisi.

use anyhow::{Result, anyhow};
use clap::Args;

use crate::build;
use crate::workspace::Workspace;

const SCENARIO: &str = "scenarios/demo.toml";

/// Arguments of `cargo xtask demo`.
#[derive(Args)]
pub(crate) struct DemoArgs {
    /// Print JSON lines, one for each event, instead of the story.
    #[arg(long)]
    json: bool,

    /// More arguments for `harness run`.
    #[arg(last = true, value_name = "ARGUMENTS")]
    arguments: Vec<String>,
}

/// Builds the component and the harness and plays the scenario.
pub(crate) fn run(workspace: &Workspace, args: &DemoArgs) -> Result<()> {
    // The component's last step uses one processor, and has a target directory of its own: the harness is built meanwhile.
    let harness = std::thread::spawn(|| -> Result<()> {
        Ok(Workspace::locate()?.cargo().args(["build", "--locked", "--bin", "harness"]).run()?)
    });
    let component = build::component(workspace)?;
    harness.join().map_err(|_| anyhow!("the build of the harness ended in a panic"))??;
    let harness = workspace.cargo().args(["run", "--locked", "--bin", "harness", "--"]);
    let run = harness.args(["run", SCENARIO, "--component"]).arg(component);
    let run = run.args(args.json.then_some("--json")).args(&args.arguments);
    Ok(run.run()?)
}
