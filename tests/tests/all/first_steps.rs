//! What meets somebody who tries the command line for the first time: two commands at once, and answers that say what
//! to do.

use std::fs::{self, File};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::installation::Gym;

/// Ann in the entrance and Bo in the spa, through the plugin.
fn synced() -> Gym {
    let gym = Gym::mapped();
    gym.run(&["sync"]).ends(0);
    gym
}

#[test]
fn whoever_comes_while_another_command_works_waits_and_is_told_why() {
    let gym = synced();
    let lock = File::open(gym.path("state/lock")).unwrap();
    lock.lock().unwrap();
    for command in [&["status"][..], &["doors", "1"], &["event", "member-changed", "1"], &["sync"]] {
        let ran = gym.run(&[command, &["--wait", "0"]].concat()).ends(4);
        ran.complains("run the same command again when it has ended, or let it wait for longer with --wait");
    }
    std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(1_500));
            lock.unlock().unwrap();
        });
        gym.run(&["status"]).ends(0).complains("Waits for another harness");
    });
}

#[test]
fn a_sync_of_everybody_lets_whoever_stands_at_a_door_in_between_two_steps() {
    let gym = synced();
    let rows: String =
        (10..70).map(|n| format!("{n},Member {n},m{n}@example.test,ms-{n},basic,active,\n")).collect();
    let members = fs::read_to_string(gym.path("members.csv")).unwrap();
    gym.file("members.csv", &format!("{members}{rows}"));
    let is_through = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let sync = scope.spawn(|| {
            let ran = gym.run(&["sync", "--calls", "4"]);
            is_through.store(true, Ordering::SeqCst);
            ran
        });
        while !gym.path("state/findings.jsonl").exists() {
            std::thread::sleep(Duration::from_millis(5));
        }
        // What a short command finds in the members' file is not undone by what the sync had read before.
        gym.edit("10,Member 10,m10@example.test,ms-10,basic,active", "10,Member 10,m10@example.test,ms-10,basic,frozen");
        gym.edit("1,Ann Lee,ann@example.test,ms-1,basic,active", "1,Ann Lee,ann@example.test,ms-1,basic,frozen");
        gym.run(&["event", "membership-frozen", "10"]).ends(0);
        gym.run(&["event", "membership-frozen", "1"]).ends(0).says(&["Removed from “Entrance”"]);
        gym.run(&["doors", "2"]);
        assert!(!is_through.load(Ordering::SeqCst), "the sync was not waited for");
        let ran = sync.join().unwrap().ends(0).says(&["Kisi matches: 64 members compared"]);
        assert!(!ran.err.contains("Going on with"), "{}", ran.err);
    });
    let held = gym.in_group("Entrance");
    assert_eq!(held.len(), 59, "{held:?}");
    assert!(!held.contains(&"ann@example.test".to_owned()) && !held.contains(&"m10@example.test".to_owned()));
}

#[test]
fn a_tick_lets_others_in_too_and_tells_all_that_it_did() {
    let gym = synced();
    let rows: String =
        (10..50).map(|n| format!("{n},Member {n},m{n}@example.test,ms-{n},basic,active,\n")).collect();
    let members = fs::read_to_string(gym.path("members.csv")).unwrap();
    gym.file("members.csv", &format!("{members}{rows}"));
    gym.run(&["map", "Basic", "Spa"]).ends(0);
    std::thread::scope(|scope| {
        let before = gym.writes();
        let tick = scope.spawn(|| gym.run(&["tick", "--until-done", "--calls", "5", "--all"]));
        while gym.writes() == before {
            std::thread::sleep(Duration::from_millis(5));
        }
        gym.run(&["explain", "1"]).ends(0);
        assert!(!tick.is_finished(), "the tick was not waited for");
        let ran = tick.join().unwrap().ends(0);
        let told = ran.out.lines().filter(|line| line.contains("Member ")).count();
        assert_eq!(told, 80, "{}", ran.out);
    });
}
