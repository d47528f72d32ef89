//! `harness run`: plays a scenario and says how it went.

use std::io::Write;
use std::path::Path;
use std::time::Instant;

use super::args::RunArgs;
use super::exit::{Exit, Unusable};
use super::load;
use super::play::Player;
use super::report::{self, ComponentFacts, Opening};
use super::scenario::Scenario;
use super::world::{self, Key, World};

/// Plays the scenario.
pub(super) async fn run(args: &RunArgs, out: &mut dyn Write, colour: bool) -> Result<Exit, Unusable> {
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
            bytes: (!args.output.stable).then(|| plugin.size_bytes()),
        },
    };
    let mut report = report::to(out, args.output.json, args.output.color.wanted(colour));
    let cannot_write = |error: std::io::Error| Unusable(format!("the report cannot be written: {error}"));
    report.opening(&opening).map_err(cannot_write)?;
    let mut player = Player::new(&scenario, world, plugin, args.bodies)?;
    let mut ending = player.play(report.as_mut()).await?;
    if !args.output.stable {
        ending.elapsed_ms = u64::try_from(started.elapsed().as_millis()).ok();
    }
    report.ending(&ending).map_err(cannot_write)?;
    Ok(if ending.failed == 0 { Exit::AsExpected } else { Exit::OtherThanExpected })
}

async fn world(args: &RunArgs, scenario: &Scenario) -> Result<World, Unusable> {
    match (&args.kisi, &args.key_file) {
        (Some(address), Some(file)) => {
            let key = Key::read(Path::new(file))?;
            world::address(scenario, address, key, args.allow_seeding).await
        }
        _ => world::in_process(scenario),
    }
}
