//! `harness run`: plays a scenario and says how it went.

use std::io::Write;
use std::time::Instant;

use super::args::RunArgs;
use super::exit::{Exit, Stop};
use super::load;
use crate::report;
use door_access_scenario::file::Scenario;
use door_access_scenario::play::{Player, Shown};
use door_access_scenario::report::{ComponentFacts, Opening};
use door_access_scenario::unusable::Unusable;
use door_access_scenario::world::{self, Key, World};

/// Plays the scenario.
pub(super) async fn run(args: &RunArgs, out: &mut dyn Write, colour: bool) -> Result<Exit, Stop> {
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
    report.opening(&opening)?;
    let shown = Shown { bodies: args.bodies, log: args.verbose };
    let mut player = Player::new(&scenario, world, plugin, shown)?;
    let mut ending = player.play(report.as_mut()).await?;
    if !args.output.stable {
        ending.elapsed_ms = u64::try_from(started.elapsed().as_millis()).ok();
    }
    report.ending(&ending)?;
    Ok(if ending.failed == 0 { Exit::AsExpected } else { Exit::OtherThanExpected })
}

async fn world(args: &RunArgs, scenario: &Scenario) -> Result<World, Unusable> {
    match (&args.kisi, &args.key_file) {
        (Some(address), Some(file)) => {
            // A wrong address is told first: to it no key belongs.
            let endpoint = world::endpoint(address)?;
            let key = Key::read(file)?;
            world::address(scenario, endpoint, key, args.allow_seeding).await
        }
        _ => world::in_process(scenario),
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use serde_json::Value;

    use crate::{Streams, guest};

    const SCENARIO: &str = "\
title = \"A talkative plugin\"
story = \"It logs what it is connected with.\"

[settings]
grace_days = 3
";

    /// A plugin that connects at once and logs its settings.
    fn talkative() -> Vec<u8> {
        let log = "(call $log (i32.const 1) (local.get $text) (local.get $text-length) (i32.const 0) (i32.const 0))";
        guest::component_with("(call $reject))\n", &format!("{log} (i32.const 0x200))\n"))
    }

    fn play(more: &[&str]) -> String {
        play_with(&talkative(), more)
    }

    fn play_with(plugin: &[u8], more: &[&str]) -> String {
        let folder = tempfile::tempdir().unwrap();
        let (scenario, component) = (folder.path().join("s.toml"), folder.path().join("p.wasm"));
        std::fs::write(&scenario, SCENARIO).unwrap();
        std::fs::write(&component, plugin).unwrap();
        let mut arguments: Vec<OsString> = vec!["harness".into(), "run".into(), scenario.into()];
        arguments.extend(["--component".into(), component.into()]);
        arguments.extend(more.iter().map(OsString::from));
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let code = crate::main(arguments, Streams { out: &mut out, err: &mut err, colour: false });
        assert_eq!(code, 0, "{}", String::from_utf8_lossy(&err));
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn log_lines_stand_under_their_step_when_asked_for() {
        let line = "log       \"grace_days\":3,";
        assert!(play(&["-v"]).contains(line), "{}", play(&["-v"]));
        assert!(!play(&[]).contains("grace_days"), "{}", play(&[]));

        let steps = |more: &[&str]| -> Vec<Value> {
            play(more).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
        };
        let connect = &steps(&["--json", "--verbose"])[1];
        assert_eq!((&connect["step"], &connect["log"][0]["level"]), (&"connect".into(), &"info".into()));
        assert!(connect["log"][0]["message"].as_str().unwrap().starts_with("\"grace_days\":3,"), "{connect}");
        assert!(steps(&["--json"])[1].get("log").is_none());
    }

    #[test]
    fn a_log_line_that_gives_the_terminal_an_order_is_printed_as_it_is_written() {
        // "\x1b[2J", which empties the screen.
        let order = "(i32.store (i32.const 0x1180) (i32.const 0x4a325b1b))";
        let log = "(call $log (i32.const 1) (i32.const 0x1180) (i32.const 14) (i32.const 0) (i32.const 0))";
        let plugin =
            guest::component_with("(call $reject))\n", &format!("{order} {log} (i32.const 0x200))\n"));
        let printed = play_with(&plugin, &["-v"]);
        assert!(printed.contains("log       \\u{1b}[2Jer refused"), "{printed}");
        assert!(!printed.contains('\u{1b}'), "{printed}");
    }
}
