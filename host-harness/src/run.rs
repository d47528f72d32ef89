//! `harness run`: plays a scenario and reports each step.

use std::io::Write;
use std::time::Instant;

use super::args::{OutputArgs, RunArgs};
use super::exit::{Exit, Stop};
use super::load;
use crate::report::{self, Look};
use door_access_scenario::file::Scenario;
use door_access_scenario::play::{Player, Shown};
use door_access_scenario::report::{ComponentFacts, Opening};
use door_access_scenario::unusable::Unusable;
use door_access_scenario::world::{self, Key, World};

pub(super) async fn run(
    args: &RunArgs,
    output: &OutputArgs,
    out: &mut dyn Write,
    look: Look,
) -> Result<Exit, Stop> {
    let started = Instant::now();
    let scenario = Scenario::read(&args.scenario)?;
    let plugin = load::component(&args.component, args.cache.clone()).await?;
    let world = world(args, &scenario).await?;
    let opening = Opening {
        title: scenario.title.clone(),
        story: scenario.story.clone(),
        kisi: world.name.clone(),
        at: world.clock.now_ms(),
        component: ComponentFacts {
            name: plugin.manifest().name.clone(),
            version: plugin.manifest().version.clone(),
            bytes: (!output.stable).then(|| plugin.size_bytes()),
        },
    };
    let mut report = report::to(out, output.json, look);
    report.opening(&opening)?;
    let mut player = Player::new(&scenario, world, plugin, shown(args))?;
    let mut ending = player.play(report.as_mut()).await?;
    if !output.stable {
        ending.elapsed_ms = u64::try_from(started.elapsed().as_millis()).ok();
    }
    report.ending(&ending)?;
    Ok(if ending.failed == 0 { Exit::AsExpected } else { Exit::OtherThanExpected })
}

/// Details that the steps show.
fn shown(args: &RunArgs) -> Shown {
    Shown { bodies: args.bodies, log: args.verbose }
}

async fn world(args: &RunArgs, scenario: &Scenario) -> Result<World, Unusable> {
    match (&args.kisi, &args.key_file) {
        (Some(address), Some(file)) => {
            // The key is not read for an address that is wrong.
            let endpoint = world::endpoint(address)?;
            let key = Key::read(file)?;
            world::address(scenario, endpoint, key, args.allow_seeding).await
        }
        _ => world::in_process(scenario),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::args::{Cli, Command};

    #[test]
    fn log_lines_and_bodies_are_shown_when_asked_for() {
        for (flags, bodies, log) in
            [(&[][..], false, false), (&["-v"], false, true), (&["--verbose", "--bodies"], true, true)]
        {
            let cli = Cli::try_parse_from([&["harness", "run", "s.toml"], flags].concat()).unwrap();
            let Command::Run(args) = cli.command else { panic!("another command") };
            let shown = shown(&args);
            assert_eq!((shown.bodies, shown.log), (bodies, log), "{flags:?}");
        }
    }
}
