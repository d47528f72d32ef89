//! The first hours with the command line: commands at the same time, mistakes, damaged files, and advice in each answer.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use host_harness::Live;

use super::desk::{Installation, OWNER_KEY, rows};

#[test]
fn a_command_waits_for_another_one_and_says_so() {
    let gym = Installation::synced();
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
        gym.run(&["status"]).ends(0).complains("Waiting for another harness command");
    });
}

#[test]
fn while_a_long_command_lets_a_short_one_in_no_other_long_one_begins() {
    let gym = Installation::synced();
    // What a sync holds while it has released the folder.
    let place = File::create(gym.path("state/place")).unwrap();
    place.lock().unwrap();
    for command in
        [&["sync"][..], &["tick"], &["preview"], &["map", "--remove", "Gold"], &["disconnect", "--yes"]]
    {
        gym.run(&[command, &["--wait", "0"]].concat()).ends(4).complains("run the same command again");
    }
    gym.run(&["status", "--wait", "0"]).ends(0);
    gym.run(&["event", "member-changed", "1", "--wait", "0"]).ends(0);
    drop(place);
    gym.run(&["sync", "--wait", "0"]).ends(0);
}

#[test]
fn short_commands_run_between_two_steps_of_a_sync() {
    let gym = Installation::synced();
    gym.add(&rows(10..70));
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
        // A change that a short command found in the members' file is not undone by what the sync had read before.
        gym.edit(
            "10,Member 10,m10@example.test,ms-10,basic,active",
            "10,Member 10,m10@example.test,ms-10,basic,frozen",
        );
        gym.edit(
            "1,Ann Lee,ann@example.test,ms-1,basic,active",
            "1,Ann Lee,ann@example.test,ms-1,basic,frozen",
        );
        gym.run(&["event", "membership-frozen", "10"]).ends(0);
        gym.run(&["event", "membership-frozen", "1"]).ends(0).says(&["Removed from “Entrance”"]);
        gym.run(&["doors", "2"]);
        assert!(!is_through.load(Ordering::SeqCst), "the command did not wait for the sync");
        let ran = sync.join().unwrap().ends(0).says(&["Kisi matches: 64 members compared"]);
        assert!(!ran.err.contains("Continuing an unfinished sync"), "{}", ran.err);
    });
    let held = gym.in_group("Entrance");
    assert_eq!(held.len(), 59, "{held:?}");
    assert!(!held.contains(&"ann@example.test".to_owned()) && !held.contains(&"m10@example.test".to_owned()));
}

#[test]
fn short_commands_run_during_a_tick_and_the_tick_reports_all_changes() {
    let gym = Installation::synced();
    gym.add(&rows(10..50));
    gym.run(&["map", "Basic", "Spa"]).ends(0);
    std::thread::scope(|scope| {
        let before = gym.writes();
        let tick = scope.spawn(|| gym.run(&["tick", "--until-done", "--calls", "5", "--all"]));
        while gym.writes() == before {
            std::thread::sleep(Duration::from_millis(5));
        }
        gym.run(&["explain", "1"]).ends(0);
        assert!(!tick.is_finished(), "the command did not wait for the tick");
        let ran = tick.join().unwrap().ends(0);
        let told = ran.out.lines().filter(|line| line.contains("Member ")).count();
        assert_eq!(told, 80, "{}", ran.out);
    });
}

#[test]
fn commands_after_an_interrupted_disconnect_say_that_it_continues() {
    let gym = Installation::synced();
    gym.add(&rows(10..20));
    gym.run(&["sync"]).ends(0);
    for _ in 0..2 {
        let live = Live::default();
        live.interrupt.request();
        gym.run_live(&["disconnect", "--remove-granted", "--yes", "--calls", "4"], &live).ends(4);
    }
    for command in [&["explain", "1"][..], &["doors", "1"], &["event", "member-changed", "1"], &["sync"]] {
        let ran = gym.run(command).ends(5).complains("`harness disconnect` finishes disconnecting it");
        assert_eq!(ran.err.matches("`harness connect`").count(), 1, "{}", ran.err);
    }
    gym.run(&["disconnect", "--remove-granted", "--yes"]).ends(0);
}

#[test]
fn the_list_of_a_disconnect_names_what_it_does_not_contain() {
    let gym = Installation::synced();
    gym.edit("3,Cy Park,cy@example.test,ms-3,basic,frozen", "3,Cy Park,cy@example.test,ms-3,basic,active");
    gym.run(&["event", "membership-unfrozen", "3"]).ends(0);
    gym.edit("3,Cy Park,cy@example.test,ms-3,basic,active", "3,Cy Park,cy@example.test,ms-3,basic,frozen");
    gym.run(&["event", "membership-frozen", "3"]).ends(0);
    gym.run(&["disconnect", "--yes"]).ends(0).says(&[
        "Cy Park (3) cy@example.test nothing known",
        "Groups that were given by hand in Kisi and never managed are not listed",
    ]);
}

#[test]
fn a_closed_door_and_an_unknown_door_have_different_exit_codes() {
    let gym = Installation::synced();
    gym.run(&["unlock", "3", "Front door"]).ends(6).complains("no door opens for Cy Park");
    gym.run(&["unlock", "1", "Front dor"])
        .ends(2)
        .complains("`Front dor` is none of the doors that open for Ann Lee (1): did you mean `Front door`?");
}

#[test]
fn a_wrong_command_line_is_reported_in_json_too() {
    let gym = Installation::synced();
    for wrong in [&["login", "1", "--json"][..], &["unlock", "--json"], &["status", "--jsno", "--json"]] {
        let ran = gym.run(wrong).ends(2);
        assert_eq!(ran.json()["type"], "error", "{}", ran.out);
        assert!(ran.err.contains("error:"), "{}", ran.err);
    }
    assert_eq!(gym.run(&["unlock"]).ends(2).out, "");
}

#[test]
fn a_mapping_file_is_refused_with_all_its_mistakes_and_empties_nothing_by_accident() {
    let gym = Installation::synced();
    let file =
        gym.file("mapping.csv", "plan,group\nBasik,Entrance\nGold,Spaa\nBasic,Entrance\nBasic,Entrance\n");
    let file = file.to_str().unwrap();
    let ran = gym.run(&["map", "--file", file]).ends(2);
    for line in ["mapping.csv:2:1: ", "mapping.csv:3:6: ", "mapping.csv:5:1: "] {
        assert!(ran.err.contains(line), "{}", ran.err);
    }
    gym.file("mapping.csv", "plans,groups\n");
    let ran = gym
        .run(&["map", "--file", file])
        .ends(2)
        .complains("a mapping needs a column `plan`, and has `plans`");
    ran.complains("a mapping needs a column `group`, and has `groups`: rename it");
    // If the column were ignored, the entry would open the doors of every location.
    for (column, message) in [
        ("", "mapping.csv:2:1: `North` stands in a column without a name: name it, or remove it"),
        ("locatoin", "mapping.csv:1:12: the column `locatoin` is not known: did you mean `location`?"),
        ("site", "mapping.csv:1:12: a mapping has no column `site`: known are `plan`, `group`, `location`"),
    ] {
        gym.file("mapping.csv", &format!("plan,group,{column}\nBasic,Entrance,North\n"));
        gym.run(&["map", "--file", file]).ends(2).complains(message);
    }
    gym.file("mapping.csv", "plan,group\n");
    gym.run(&["map", "--file", file]).ends(2).complains("give --empty");
    gym.run(&["map"]).ends(0).says(&["Basic any Entrance"]);
    gym.run(&["map", "--file", file, "--empty"]).ends(0).says(&["Basic any nothing: no door"]);
    gym.run(&["map", "--file", file])
        .ends(2)
        .complains("the file has no entries, so that no plan would open a door");
    gym.run(&["map", "Basic", "Entrance", "--at", ""]).ends(2).complains("--at names no location");
    gym.run(&["map", "Basic", "Entrance", "--at", "Nowhere"])
        .ends(0)
        .complains("No membership has the location `Nowhere` now");
}

#[test]
fn an_unfinished_sync_can_be_cancelled() {
    let gym = Installation::mapped();
    gym.run(&["sync", "--cancel"]).ends(1).complains("no sync is under way");
    let live = Live::default();
    live.interrupt.request();
    gym.run_live(&["sync", "--calls", "4"], &live).ends(4);
    gym.run(&["preview"]).ends(4).complains("`harness sync --cancel` cancels it");
    gym.run(&["sync", "--cancel"]).ends(0).says(&["Cancelled, with", "What was done stays"]);
    gym.run(&["preview"]).ends(0);
    gym.run(&["sync"]).ends(0).says(&["Kisi matches"]);
}

#[test]
fn connecting_again_shows_the_mapping_and_the_next_step() {
    let gym = Installation::synced();
    let again = gym.connect(&["--lease-days", "30"]).ends(0);
    again.says(&["Entrance", "1 Basic", "The mapping stays.", "all members with `harness sync`"]);
}

#[test]
fn an_event_without_a_change_claims_nothing_about_kisi() {
    let gym = Installation::synced();
    gym.run(&["event", "other:gone", "1"])
        .ends(0)
        .says(&["As far as the plugin knows", "`harness sync` looks at Kisi"]);
}

#[test]
fn an_installation_with_a_missing_part_gives_advice() {
    let gym = Installation::synced();
    fs::remove_file(gym.path("state/key.sealed")).unwrap();
    gym.run(&["status"]).ends(2).complains("run `harness connect --key-file FILE`; everything else stays");
    gym.connect(&[]).ends(0);
    for name in ["records.db-wal", "records.db-shm"] {
        let _ = fs::remove_file(gym.path("state").join(name));
    }
    fs::write(
        gym.path("state/records.db"),
        "this is no database, and long enough to be told from one".repeat(20),
    )
    .unwrap();
    gym.run(&["status"]).ends(2).complains("or start over: move the folder away");
    // An empty file, as after a full disk, is no installation that is about to end.
    fs::write(gym.path("state/records.db"), "").unwrap();
    for command in [&["status"][..], &["connect"], &["sync"], &["disconnect", "--yes"]] {
        gym.run(command).ends(2).complains("the records of the installation are gone");
    }
    fs::remove_file(gym.path("state/records.db")).unwrap();
    for command in [&["status"][..], &["connect"], &["sync"]] {
        let ran = gym.run(command).ends(2).complains("the records of the installation are gone");
        ran.complains("move the folder away");
    }
    assert!(!gym.path("state/records.db").exists(), "no installation is created without a request");
}

#[test]
fn records_that_are_damaged_in_one_place_are_refused_with_advice() {
    let gym = Installation::synced();
    let mut bytes = fs::read(gym.path("state/records.db")).unwrap();
    assert!(bytes.len() > 3 * 4_096, "{} bytes", bytes.len());
    bytes[4_096..8_192].fill(0);
    fs::write(gym.path("state/records.db"), bytes).unwrap();
    for command in [&["status"][..], &["sync"], &["tick"], &["connect"], &["event", "other", "1"]] {
        let ran = gym.run(command).ends(2).complains("state/records.db cannot be used: it is damaged");
        ran.complains("move the folder away");
    }
}

#[test]
fn a_missing_column_opens_no_door() {
    let gym = Installation::new();
    gym.edit("last_day\n", "last_day,Blocked,phone\n");
    for (row, blocked) in [("basic,active,\n", "yes"), ("gold,active,\n", "no"), ("basic,frozen,\n", "no")] {
        gym.edit(row, &format!("{},{blocked},1\n", row.trim_end()));
    }
    let ran = gym.connect(&[]).ends(0).complains("that are not read: `phone`.");
    assert!(!ran.err.contains("no member counts as blocked"), "{}", ran.err);
    gym.run(&["map", "Basic", "Entrance"]).ends(0);
    gym.run(&["sync"]).ends(0);
    gym.edit("Blocked", "banned");
    for command in [&["sync"][..], &["preview"], &["explain", "1"], &["unlock", "1", "Front door"]] {
        let ran = gym.run(command).ends(2).complains("members.csv:1:1: the column `blocked` is gone");
        ran.complains("restore its name, or run `harness connect --accept-columns`");
    }
    gym.edit("banned", "blocked");
    gym.run(&["explain", "1"]).ends(6).says(&["blocked"]);
    // A gym without this column says so.
    gym.edit("blocked", "banned");
    // Connecting for another reason does not accept it.
    gym.run(&["connect", "--grace-days", "1"]).ends(2).complains("the column `blocked` is gone");
    gym.run(&["connect", "--accept-columns"])
        .ends(0)
        .complains("not read: `banned`, `phone`.")
        .complains("There is no column `blocked`: no member counts as blocked.");
    gym.run(&["sync"]).ends(0);
}

#[test]
fn a_command_that_waits_for_an_installation_that_ends_says_so() {
    let gym = Installation::synced();
    let lock = File::options().write(true).open(gym.path("state/lock")).unwrap();
    lock.lock().unwrap();
    std::thread::scope(|scope| {
        let waits = scope.spawn(|| gym.run(&["doors", "1", "--wait", "60"]));
        while !gym.path("state/queue").exists() && !waits.is_finished() {
            std::thread::sleep(Duration::from_millis(5));
        }
        fs::rename(gym.path("state"), gym.path("gone")).unwrap();
        waits.join().unwrap().ends(2).complains("there is no installation in");
    });
}

#[test]
fn a_usage_error_names_the_mistake_and_each_form_of_the_command() {
    let gym = Installation::synced();
    gym.run(&["login", "1"]).ends(2).complains("harness login [OPTIONS] <MEMBER> --revoke <ID>");
    for option in ["--grace-days", "--lease-days"] {
        for days in ["-1", "a few"] {
            let ran = gym.run(&["connect", option, days]).ends(2);
            ran.complains(&format!("'{days}' for '{option} <DAYS>': days are a whole number, 0 or more"));
        }
    }
}

#[test]
fn a_refused_first_connect_leaves_nothing_and_a_later_one_removes_nothing() {
    let gym = Installation::new();
    let key = gym.file("key.txt", "no-such-key-anywhere");
    gym.run(&["connect", "--key-file", key.to_str().unwrap()]).ends(2).complains("--members is missing");
    assert!(!gym.path("state").exists());
    gym.connect(&[]).ends(5).complains("Kisi does not accept the key");
    assert!(!gym.path("state").exists());

    gym.file("key.txt", OWNER_KEY);
    gym.connect(&[]).ends(0);
    gym.file("key.txt", "no-such-key-anywhere");
    gym.connect(&[]).ends(5);
    assert!(gym.path("state/key.sealed").exists() && gym.path("state/installation.json").exists());
    // An attempt to repair a damaged installation deletes nothing of it.
    fs::remove_file(gym.path("state/installation.json")).unwrap();
    gym.run(&["connect"]).ends(2).complains("--members is missing");
    assert!(gym.path("state/records.db").exists() && gym.path("state/key.sealed").exists());
    gym.file("key.txt", OWNER_KEY);
    gym.connect(&[]).ends(0);
}

#[test]
fn a_key_file_that_others_can_read_causes_a_warning() {
    let gym = Installation::new();
    let allow = |mode| fs::set_permissions(gym.path("key.txt"), Permissions::from_mode(mode)).unwrap();
    allow(0o640);
    let told = "Others on this machine may read the key in";
    gym.connect(&[]).ends(0).complains(told).complains("chmod 600");
    allow(0o600);
    let ran = gym.connect(&[]).ends(0);
    assert!(!ran.err.contains(told), "{}", ran.err);
}

#[test]
fn a_wrong_key_leaves_a_working_installation_as_it_was() {
    let gym = Installation::synced();
    gym.file("key.txt", "no-such-key-anywhere");
    let ran = gym.connect(&[]).ends(5).complains("Kisi does not accept the key");
    ran.complains("The installation goes on with the key that it had.");
    gym.run(&["status"]).ends(0).says(&["is connected"]);
    gym.run(&["sync"]).ends(0);

    // A paused installation does not claim to go on, and a working key ends the pause.
    gym.sim.revoke_key(OWNER_KEY);
    gym.run(&["sync"]).ends(5);
    let ran = gym.connect(&[]).ends(5);
    assert!(!ran.err.contains("goes on with"), "{}", ran.err);
}
