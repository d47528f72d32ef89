//! `harness connect`, `map`, `preview`, `sync`, `event` and the rest, from outside.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use host_harness::Live;
use serde_json::Value;

use door_access_testkit::component_path;

use super::desk::{Installation, MEMBERS, OTHER_KEY, OWNER_KEY, Ran, rows};

#[test]
fn a_gym_connects_maps_previews_syncs_and_follows_events() {
    let gym = Installation::new();
    gym.connect(&[]).ends(0).says(&[
        "Connected to “Box 42”",
        "of Olga (olga@box.test)",
        "may reach https://api.kisi.io, which leads to http://127.0.0.1",
        "4 members with 4 memberships of 2 plans",
        "Spa",
        "no doors",
    ]);
    gym.run(&["status"]).ends(0).says(&["“Box 42” is connected", "no plan opens anything yet"]);
    gym.run(&["map"]).ends(0).says(&["Basic any nothing: no door", "Gold any nothing: no door"]);
    gym.run(&["map", "Basic", "Entrance"]).ends(0).says(&["Basic any Entrance", "Saved."]);
    gym.run(&["map", "gold", "Entrance"]).ends(0);
    gym.run(&["map", "gold", "Spa"]).ends(0).says(&["Gold any Entrance any Spa"]);
    gym.run(&["groups"]).ends(0).says(&["1 Basic, Gold"]);

    let before = gym.writes();
    gym.run(&["preview"]).ends(0).says(&[
        "Gain a group: 3",
        "Ann Lee (1) Entrance",
        "Di Ray (4)",
        "4 members compared",
        "Nothing has changed in Kisi",
        "`harness sync` applies this",
    ]);
    assert_eq!(gym.writes(), before, "a preview writes nothing");
    assert!(gym.in_group("Entrance").is_empty());

    gym.run(&["sync"]).ends(0).says(&["Kisi matches: 4 members compared"]);
    assert_eq!(gym.in_group("Entrance"), ["ann@example.test", "bo@example.test"]);
    assert_eq!(gym.in_group("Spa"), ["bo@example.test"]);
    let synced = gym.writes();
    gym.run(&["sync"]).ends(0).says(&["0 of 0 brought up to date"]);
    assert_eq!(gym.writes(), synced, "a second sync changes nothing");

    gym.edit("ms-1,basic,active", "ms-1,basic,frozen");
    gym.run(&["event", "membership-frozen", "Ann Lee"]).ends(0).says(&[
        "membership-frozen · Ann Lee (1)",
        "revoked Removed from “Entrance”",
        "DELETE /role_assignments/",
        "Holds nothing through the plugin now.",
    ]);
    assert_eq!(gym.in_group("Entrance"), ["bo@example.test"]);
    gym.run(&["event", "membership-frozen", "1"]).ends(0).says(&["withheld “Basic” is frozen."]);
    assert_eq!(gym.writes(), synced + 1, "an event that changes nothing costs nothing");

    let members = fs::read_to_string(gym.path("members.csv")).unwrap();
    gym.file("members.csv", &format!("{members}5,Eve Orr,eve@example.test,ms-5,basic,active,2032-12-31\n"));
    let bought = gym.run(&["event", "membership-purchased", "eve@example.test"]).ends(0);
    bought.says(&["granted", "Holds Entrance (until 1 Jan 2033) through the plugin now."]);
    gym.file("members.csv", &members);
    let unknown = gym.run(&["event", "member-deleted", "eve@example.test"]).ends(2);
    unknown.says(&["give the id that their row had"]);
    assert_eq!(gym.in_group("Entrance"), ["bo@example.test", "eve@example.test"]);
    gym.run(&["event", "member-deleted", "5"]).ends(0);
    gym.run(&["event", "member-deleted", "5"])
        .ends(0)
        .says(&["The plugin holds nothing for a member with this id"]);
    assert_eq!(gym.in_group("Entrance"), ["bo@example.test"]);

    gym.run(&["map", "--remove", "Gold", "Spa"]).ends(0);
    gym.run(&["sync"]).ends(0).says(&["Lose a group: 1", "Bo Kim (2)"]);
    assert!(gym.in_group("Spa").is_empty());
    gym.run(&["status"]).ends(0).says(&["1 grant through the plugin", "sync done: 4 members compared"]);
}

#[test]
fn an_interrupted_sync_continues_with_the_same_job() {
    let gym = Installation::mapped();
    let rows = rows(10..40);
    gym.file("members.csv", &format!("{MEMBERS}{rows}"));
    let mut runs = 0;
    let through = loop {
        runs += 1;
        let live = Live { terminal: false, ..Live::default() };
        live.interrupt.request();
        let ran = gym.run_live(&["sync", "--calls", "9"], &live);
        if ran.code == 0 {
            break ran;
        }
        let ran = ran.ends(4).complains("harness: ended between two steps (");
        assert!(ran.err.contains("`harness sync` continues from here"), "{}", ran.err);
        assert!(runs < 60, "{}", ran.err);
        if runs == 3 {
            gym.run(&["status"]).ends(0).says(&["sync applying, "]);
            gym.run(&["preview"]).ends(4).complains("a sync is unfinished");
            gym.run(&["event", "membership-purchased", "39"]).ends(0).says(&["granted"]);
        }
    };
    assert!(runs > 5, "{runs}");
    // The last run prints what all of them found; the event took care of one member.
    through.says(&[
        "Gain a group: 31",
        "and 21 more; --all prints them",
        "Kisi matches: 34 members compared",
    ]);
    assert_eq!(gym.in_group("Entrance").len(), 31);
    let made = gym.sim.journal().iter().filter(|entry| entry.method == "POST").count();
    assert_eq!(made, 32 + 32, "a user and a grant each, once");
    assert!(!gym.path("state/findings.jsonl").exists(), "the report is kept no longer than needed");
}

#[test]
fn a_kept_preview_is_applied_by_the_next_sync() {
    let gym = Installation::mapped();
    gym.run(&["preview", "--keep"]).ends(0).complains("Kept: the next `harness sync` applies just this");
    gym.run(&["status"]).ends(0).says(&["a preview is kept"]);
    gym.run(&["sync"]).ends(0).complains("Applying the preview that is kept.").says(&["Kisi matches"]);
    assert_eq!(gym.in_group("Entrance"), ["ann@example.test"]);
    let ran = gym.run(&["preview"]).ends(0).says(&["nothing would change"]);
    assert!(!ran.out.contains("`harness sync` applies"), "{}", ran.out);
    gym.run(&["status"]).ends(0).says(&["the last one was a preview, which changed nothing"]);
}

#[test]
fn days_follow_the_gyms_time_zone_and_earlier_installations_keep_their_offset() {
    let gym = Installation::new();
    gym.connect(&["--time-zone", "America/New_York"])
        .ends(0)
        .says(&["zone America/New_York: days begin and end"]);
    gym.run(&["status"]).ends(0).says(&["zone America/New_York"]);
    gym.connect(&["--time-zone", "Mars/Base"])
        .ends(2)
        .complains("--time-zone: `Mars/Base` is not a time zone");
    gym.connect(&["--time-zone", "UTC", "--utc-offset", "+01:00"]).ends(2);
    // What an earlier version wrote.
    let config = fs::read_to_string(gym.path("state/installation.json")).unwrap();
    let former = config.replace("\"time_zone\": \"America/New_York\"", "\"utc_offset\": \"-05:00\"");
    assert_ne!(config, former);
    fs::write(gym.path("state/installation.json"), former).unwrap();
    gym.run(&["status"]).ends(0).says(&["zone -05:00"]);
    let again = gym.connect(&[]).ends(0).says(&["zone -05:00"]);
    again.complains("name its time zone with `harness connect --time-zone`");
    gym.connect(&["--time-zone", "Europe/Berlin"]).ends(0).says(&["zone Europe/Berlin"]);
}

#[test]
fn a_preview_whose_output_was_closed_or_that_was_killed_is_not_applied() {
    let gym = Installation::mapped();
    // A preview that another process began and left.
    gym.run(&["preview", "--keep"]).ends(0);
    std::fs::remove_file(gym.path("state/preview.json")).unwrap();
    gym.edit("ms-2,gold,active", "ms-2,gold,expired");
    let ran = gym.run(&["sync"]).ends(0);
    assert!(!ran.err.contains("Applying the preview"), "{}", ran.err);
    assert_eq!(gym.in_group("Spa"), [] as [&str; 0]);
    // The reader closes the output.
    gym.edit("ms-2,gold,expired", "ms-2,gold,active");
    assert_eq!(gym.run_closed(&["preview"], 1), 0);
    let status = gym.run(&["status"]).ends(0);
    assert!(!status.words().contains("a preview is kept"), "{}", status.out);
}

#[test]
fn a_sync_that_removes_too_much_waits_for_a_confirmation() {
    let gym = Installation::mapped();
    let rows = rows(10..40);
    gym.file("members.csv", &format!("{MEMBERS}{rows}"));
    gym.run(&["sync"]).ends(0);
    gym.file("members.csv", MEMBERS);
    let brake = "This would take 30 of 32 grants, more than the removal guard allows. See whose with `harness preview --all`.";
    let compared = "34 members compared (30 of them no longer in members.csv), ";
    gym.run(&["sync"]).ends(3).says(&[compared, brake, "`harness sync --yes` does it"]);
    assert_eq!(gym.in_group("Entrance").len(), 31);
    gym.run(&["status"]).ends(0).says(&["waits to be confirmed"]);
    gym.run(&["preview"]).ends(0).says(&[
        "Lose a group: 30",
        "Removed from “Entrance”: the member was deleted.",
        brake,
    ]);
    gym.run(&["preview", "--keep"]).ends(0).says(&["Lose a group: 30", brake]);
    // After the file is corrected, no confirmation is needed.
    gym.file("members.csv", &format!("{MEMBERS}{rows}"));
    gym.run(&["sync"]).ends(0).says(&["0 of 0 brought up to date"]);
    gym.file("members.csv", MEMBERS);
    gym.run(&["sync"]).ends(3).says(&[brake]);
    gym.run(&["sync", "--yes"]).ends(0).says(&["Kisi matches"]);
    assert_eq!(gym.in_group("Entrance"), ["ann@example.test"]);
}

#[test]
fn two_installations_are_independent() {
    let (one, other) = (Installation::mapped(), Installation::mapped());
    one.run(&["sync"]).ends(0);
    assert_eq!(one.in_group("Entrance"), ["ann@example.test"]);
    assert!(other.in_group("Entrance").is_empty());
    other.run(&["status"]).ends(0).says(&["0 grants through the plugin", "sync never"]);
}

#[test]
fn a_rejected_key_pauses_until_the_gym_gives_another() {
    let gym = Installation::mapped();
    assert!(gym.sim.revoke_key(OWNER_KEY));
    gym.run(&["event", "membership-purchased", "1"]).ends(5).complains("Kisi does not accept the key");
    gym.run(&["status"]).ends(5).says(&["“Box 42” is paused", "[key-rejected]"]);
    gym.run(&["sync"]).ends(5);
    gym.connect(&[]).ends(5).complains("Kisi does not accept the key");
    let key = gym.file("new.txt", OTHER_KEY);
    gym.run(&["connect", "--key-file", key.to_str().unwrap()]).ends(0);
    gym.run(&["event", "membership-purchased", "1"]).ends(0).says(&["granted"]);
}

#[test]
fn an_address_without_an_answer_is_named() {
    // A port that was free a moment ago, without a listener.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let address = format!("http://127.0.0.1:{port}");
    let gym = Installation { address: address.clone(), ..Installation::new() };
    gym.connect(&[]).ends(4).complains(&format!("Nothing answered at {address}: is this machine online"));
    gym.run(&["status"]).ends(2);
}

#[test]
fn an_encrypted_address_of_a_simulator_is_refused_with_advice() {
    let gym = Installation::new();
    let address = gym.address.replace("http://", "https://");
    let gym = Installation { address, ..gym };
    gym.connect(&[]).ends(4).complains("For a simulator on this machine write http://, not https://.");
}

#[test]
fn an_empty_members_file_is_refused() {
    let gym = Installation::mapped();
    gym.run(&["sync"]).ends(0);
    gym.file("members.csv", MEMBERS.lines().next().unwrap());
    for command in ["preview", "sync"] {
        gym.run(&[command]).ends(1).complains("has no members.").complains("this may be a mistake");
    }
    assert_eq!(gym.in_group("Entrance"), ["ann@example.test"]);
}

#[test]
fn a_key_in_the_wrong_place_is_refused_and_not_printed() {
    let gym = Installation::mapped();
    let contact = gym.run(&["connect", "--contact", &format!("{OWNER_KEY}@box.test")]).ends(2);
    contact.complains("the tenant's key was found in the settings");
    for command in ["connect", "rotate-sealing-key"] {
        for option in ["--key-file", "--sealing-key-file", "--new-sealing-key-file"] {
            let ran = gym.run(&[command, option, OWNER_KEY]).ends(2);
            assert!(
                !ran.out.contains(OWNER_KEY) && (ran.err.is_empty() || !ran.err.contains(OWNER_KEY)),
                "{command} {option}: {}",
                ran.err
            );
        }
    }
}

#[test]
fn a_folder_that_others_may_read_is_refused_with_advice() {
    let gym = Installation::mapped();
    let (folder, key) = (gym.path("state"), gym.path("state/key.sealed"));
    for (path, open, closed, advice) in [
        (&folder, 0o750, 0o700, "run `chmod 700 "),
        (&folder, 0o705, 0o700, "chmod 700"),
        (&key, 0o640, 0o600, "run `chmod 600 "),
    ] {
        fs::set_permissions(path, fs::Permissions::from_mode(open)).unwrap();
        gym.run(&["status"]).ends(2).complains(advice).complains("others may use");
        fs::set_permissions(path, fs::Permissions::from_mode(closed)).unwrap();
        gym.run(&["status"]).ends(0);
    }
    let gym = Installation::new();
    fs::create_dir(gym.path("state")).unwrap();
    fs::set_permissions(gym.path("state"), fs::Permissions::from_mode(0o755)).unwrap();
    let ran = gym.connect(&[]).ends(2).complains("run `chmod 700 ");
    ran.complains("and the gym's key would be kept there");
}

#[test]
fn a_file_in_place_of_the_folder_is_refused_with_advice() {
    let gym = Installation::new();
    gym.file("state", "notes");
    gym.connect(&[]).ends(2).complains("state` is a file: move it, or name another folder with --state");
}

#[test]
fn two_commands_at_once_are_refused_with_a_sentence() {
    let gym = Installation::mapped();
    let lock = fs::File::open(gym.path("state/lock")).unwrap();
    lock.lock().unwrap();
    let number = std::process::id().to_string();
    let ran = gym.run(&["sync", "--wait", "0"]).ends(4).complains("run the same command again");
    assert!(
        ran.err.contains(&format!("another harness command (process {number}) is at work")),
        "{}",
        ran.err
    );
    drop(lock);
    gym.run(&["status"]).ends(0);
}

#[test]
fn all_mistakes_in_the_members_file_are_reported_at_once_with_their_lines() {
    let gym = Installation::mapped();
    let wrong = "\
member_id,name,email,blocked,membership_id,plan,status,first_day,last_day,frozen_until,overdue_since
1,Ann Lee,ann@example.test,,ms-1,basik,active,,,,
2,Bo Kim,bo example.test,maybe,ms-2,gold,aktive,,,,
3,Cy Park,cy@example.test,,ms-1,basic,active,,,,
3,Cy Parc,cy@example.test,,ms-3,basic,active,,,,
4,,,,ms-4,basic,active,,,,
5,Eve Orr,,,ms-5,basic,active,2026-12-01,2026-11-30,,
6,Flo Zed,,,ms-6,basic,active,,,2026-12-01,1.12.2026
7,Gil Ode,,,ms-7,,,,,,
8,Hal Ivy,,,,basic,,,,,
1,Ann Lee,ann@example.test,,ms-9,basic,active,,,,
9,Ivo Ash,,,ms-9,gold,active,,,,
";
    gym.file("members.csv", wrong);
    let ran = gym.run(&["sync"]).ends(2);
    let expected = [
        ":2:34: there is no plan `basik` in plans.csv: did you mean `basic`?",
        ":3:10: `bo example.test` is not an e-mail address",
        ":3:26: blocked is `yes` or `no`, and not `maybe`",
        ":3:42: there is no status `aktive`: did you mean `active`?",
        ":5:3: `name` of the member `3` differs from line 4: it must be the same in all rows of a member",
        ":6:1: a member needs a member_id and a name",
        ":7:42: the membership `ms-5` ends before it starts",
        ":8:44: overdue_since: `1.12.2026` is not a day: write it like 2026-12-31",
        ":8:33: the membership `ms-6` has frozen_until and is not `frozen`",
        ":9:18: this membership needs a plan",
        ":9:19: this membership needs a status",
        ":10:14: there is a plan and no membership_id",
        ":12:13: the membership `ms-9` is in line 11 already",
    ];
    // The first line is the note of every command.
    for (line, message) in ran.err.lines().skip(1).zip(expected) {
        assert!(line.contains("members.csv") && line.contains(message), "{message:?} is not {line:?}");
    }
    let last = ran.err.lines().last().unwrap_or_default();
    assert!(
        last.contains("a sync compares all members, so it waits until these rows are corrected"),
        "{last}"
    );
    assert_eq!(ran.err.lines().count(), expected.len() + 2, "{}", ran.err);

    // The other columns of that file count, too, until the gym says that it has none of them.
    gym.file("members.csv", MEMBERS);
    gym.connect(&["--accept-columns"]).ends(0);
    let head = MEMBERS.lines().next().unwrap();
    for (columns, message) in [
        (head.replace("status", "state"), "members.csv needs a column `status`"),
        (head.replace("last_day", "last day "), ""),
        (head.replace("last_day", "lastday"), "the column `lastday` is not known: did you mean `last_day`?"),
        (head.replace("last_day", "status"), "there are several columns `status`"),
        (head.replace("last_day", "favourite colour"), "the column `last_day` is gone"),
    ] {
        gym.file("members.csv", &MEMBERS.replace(head, &columns));
        let ran = gym.run(&["status"]).ends(if message.is_empty() { 0 } else { 2 });
        ran.complains(message);
    }
    gym.file("members.csv", MEMBERS);
    gym.file("plans.csv", "id,name\nbasic,Basic\nbasic,Other\n,Gold\n");
    let ran = gym.run(&["sync"]).ends(2).complains(":3:1: the plan `basic` is in line 2 already");
    ran.complains(":4:1: a plan needs an id and a name");
    fs::remove_file(gym.path("plans.csv")).unwrap();
    gym.run(&["status"]).ends(2).complains("there is no plans.csv in");
}

#[test]
fn impossible_commands_are_refused_with_advice() {
    let gym = Installation::new();
    for command in
        [&["status"][..], &["groups"], &["map"], &["preview"], &["sync"], &["event", "member-changed", "1"]]
    {
        gym.run(command)
            .ends(2)
            .complains("there is no installation in")
            .complains("begin with `harness connect`");
    }
    let (key, members) = (gym.path("key.txt"), gym.desk.folder.path().to_owned());
    let (key, members) = (key.to_str().unwrap(), members.to_str().unwrap());
    let wrong_key = gym.file("wrong.txt", "no-such-key-anywhere");
    let settings = gym.file("settings.json", "{\"grace_days\": }");
    let misspelt = gym.file("misspelt.json", "{\"grace_dayz\": 1}");
    for (arguments, code, message) in [
        (vec!["connect"], 2, "--key-file is missing"),
        (vec!["connect", "--key-file", key], 2, "--members is missing"),
        (vec!["connect", "--key-file", key, "--members", members], 2, "--contact is missing"),
        (
            vec!["connect", "--key-file", "absent.txt"],
            2,
            "--key-file must be the path of a file that holds the key",
        ),
        (vec!["connect", "--key-file", key, "--members", "absent"], 2, "there is no members.csv in"),
        (vec!["connect", "--kisi", "http://gym.example"], 2, "plain http is for this machine only"),
        (
            vec!["connect", "--utc-offset", "Berlin", "--key-file", key, "--members", members],
            2,
            "--utc-offset: `Berlin`",
        ),
    ] {
        gym.run(&arguments).ends(code).complains(message);
    }
    for (more, code, message) in [
        (vec!["--kisi", "https://kisi.example"], 2, "--unpaced is for a simulator on this machine"),
        (vec!["--component", "absent.wasm"], 2, "there is no component at"),
        (vec!["--grace-days", "400"], 2, "the settings are wrong: grace_days: "),
        (
            vec!["--settings", misspelt.to_str().unwrap()],
            2,
            "misspelt.json are wrong: grace_dayz: there is no such field: it must be one of integration, grace_days, ",
        ),
        (
            vec!["--settings", settings.to_str().unwrap()],
            2,
            "settings.json:1:16: the settings must be a JSON object",
        ),
        (vec!["--key-file", wrong_key.to_str().unwrap()], 5, "Kisi does not accept the key"),
    ] {
        // Later ones win.
        let given = |name: &str| more.contains(&name);
        let component = component_path();
        let mut arguments = vec!["connect", "--unpaced", "--contact", "me@box.test", "--members", members];
        for (name, value) in [
            ("--kisi", gym.address.as_str()),
            ("--key-file", key),
            ("--component", component.to_str().unwrap()),
        ] {
            if !given(name) {
                arguments.extend([name, value]);
            }
        }
        arguments.extend(&more);
        gym.run(&arguments).ends(code).complains(message);
        gym.run(&["status"]).ends(2);
    }

    gym.connect(&[]).ends(0);
    for (arguments, message) in [
        (vec!["map", "Basik", "Entrence"], "there is no plan `Basik`: did you mean `Basic`?"),
        (vec!["map", "Basik", "Entrence"], "there is no group `Entrence`: did you mean `Entrance`?"),
        (vec!["map", "Basic"], "name the group that Basic opens: one of `Entrance`, `Spa`"),
        (vec!["map", "--remove", "Basic"], "there is no such entry for Basic"),
        (
            vec!["event", "membership-frosen", "1"],
            "there is no event `membership-frosen`: did you mean `membership-frozen`?",
        ),
        (
            vec!["event", "member-changed", "Ann Leo"],
            "there is no member `Ann Leo` in members.csv: did you mean `Ann Lee`? For a member who was deleted, use \
             `member-deleted`.",
        ),
        (vec!["event", "member-changed", "77"], "For a member who was deleted, use `member-deleted`."),
        (
            // A similar id belongs to another person.
            vec!["event", "member-changed", "11"],
            "there is no member `11` in members.csv: give the id, the e-mail address or the whole name. For a member who",
        ),
        (vec!["sync", "--calls", "3"], "3 is not in 4..=1000"),
    ] {
        gym.run(&arguments).ends(2).complains(message);
    }
    let mapping = gym.file("mapping.csv", "plan,group\nBasic,Pool\nGold,Spa\nGold,Spa\n");
    let ran = gym.run(&["map", "--file", mapping.to_str().unwrap()]).ends(2);
    let ran = ran.complains("mapping.csv:2:7: there is no group `Pool`");
    ran.complains("mapping.csv:4:1: is the same as an earlier entry");
    let blank = gym.file("blank.csv", "plan,group\nBasic,\n,Spa\n");
    let ran = gym.run(&["map", "--file", blank.to_str().unwrap()]).ends(2);
    ran.complains("blank.csv:2:7: the group is blank: ").complains("blank.csv:3:1: the plan is blank: ");
}

#[test]
fn settings_stay_until_they_are_named_again() {
    let gym = Installation::mapped();
    gym.edit("ms-1,basic,active,", "ms-1,basic,active,2020-01-01");
    gym.run(&["connect", "--grace-days", "7"]).ends(0);
    let config = fs::read_to_string(gym.path("state/installation.json")).unwrap();
    let config: Value = serde_json::from_str(&config).unwrap();
    assert_eq!(config["settings"]["grace_days"], 7);
    assert_eq!(config["settings"]["integration"]["contact"], "me@box.test");
    assert_eq!(config["unpaced"], true);
    gym.run(&["map"]).ends(0).says(&["Basic any Entrance", "Gold any Spa"]);
}

#[test]
fn every_command_prints_one_json_document() {
    let gym = Installation::new();
    let document = |ran: Ran| -> Value {
        let ran = ran.ends(0);
        assert_eq!(ran.out.lines().count(), 1, "{}", ran.out);
        ran.json()
    };
    let connected = document(gym.connect(&["--json"]));
    assert_eq!(
        (&connected["type"], &connected["groups"][0]["name"]),
        (&"connected".into(), &"Entrance".into())
    );
    let mapping = document(gym.run(&["map", "basic", "Entrance", "--json"]));
    assert_eq!((&mapping["type"], &mapping["changed"]), (&"mapping".into(), &true.into()));
    assert_eq!(mapping["without_access"], serde_json::json!(["Gold"]));
    assert_eq!(document(gym.run(&["groups", "--json"]))["groups"][0]["plans"], serde_json::json!(["Basic"]));
    let preview = document(gym.run(&["preview", "--json"]));
    assert_eq!((&preview["phase"], &preview["waits"]), (&"waiting".into(), &"preview".into()));
    assert_eq!(preview["findings"][0]["kind"], "gains");
    let synced = document(gym.run(&["sync", "--json"]));
    assert_eq!((&synced["phase"], &synced["counts"]["grants_added"]), (&"done".into(), &1.into()));
    let event = document(gym.run(&["event", "member-changed", "1", "--json"]));
    assert_eq!((&event["type"], &event["facts"][0]["kind"]), (&"step".into(), &"nothing".into()));
    let status = document(gym.run(&["status", "--json"]));
    assert_eq!((&status["state"], &status["grants"]), (&"connected".into(), &1.into()));
    let failed = gym.run(&["event", "member-changed", "77", "--json"]).ends(2);
    assert_eq!(failed.json()["type"], "error");
}

#[test]
fn progress_overwrites_one_line_on_a_terminal_and_has_a_line_for_each_step_elsewhere() {
    let gym = Installation::mapped();
    let live = Live { terminal: true, ..Live::default() };
    let ran = gym.run_live(&["sync", "--calls", "4"], &live).ends(0);
    assert!(
        ran.err.contains("\rapplying  ") && ran.err.contains('█') && ran.err.contains('░'),
        "{}",
        ran.err
    );
    assert!(ran.err.ends_with('\r'), "{:?}", ran.err);
    let ran = gym.run(&["sync"]).ends(0);
    assert!(ran.err.starts_with("done      4 members, "), "{}", ran.err);
}

#[test]
fn the_300_members_of_the_example_sync() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/gym-300");
    let read = |name: &str| fs::read_to_string(examples.join(name)).unwrap();
    let seed = read("kisi.toml").replace("rate_limit = true", "rate_limit = false");
    let gym = Installation::with(&seed);
    for name in ["members.csv", "plans.csv"] {
        gym.file(name, &read(name));
    }
    gym.file("key.txt", &gym.sim.key());
    gym.connect(&[])
        .ends(0)
        .says(&["Connected to “Harbour Gym”", "300 members with 315 memberships of 5 plans"]);
    let mapping = examples.join("mapping.csv");
    gym.run(&["map", "--file", mapping.to_str().unwrap()]).ends(0).says(&["Day pass any nothing: no door"]);
    let preview =
        gym.run(&["preview"]).ends(0).says(&["300 members compared", "Nothing has changed in Kisi"]);
    for head in [
        "Gain a group",
        "managed from now on: ",
        "kept as they are: ",
        "Higher roles, not changed",
        "Entitled, but cannot get access",
    ] {
        assert!(preview.out.contains(head), "{head}\n{}", preview.out);
    }
    gym.run(&["sync", "--calls", "200"]).ends(0).says(&["Kisi matches: 300 members compared"]);
    assert!(gym.in_group("24/7 entrance").len() > 180);
    assert!(
        gym.in_group("24/7 entrance").contains(&"tina@harbour-gym.test".to_owned()),
        "what was given by hand stays"
    );
    assert_eq!(gym.in_group("Staff").len(), 4);
    gym.run(&["sync"]).ends(0).says(&["0 of 0 brought up to date"]);
}

#[test]
fn the_help_of_each_command_has_examples() {
    let gym = Installation::new();
    for command in ["connect", "map", "preview", "sync", "event", "disconnect"] {
        gym.run(&[command, "--help"]).ends(0).says(&[
            "Examples:",
            &format!("harness {command}"),
            "Exit codes:",
            "--json",
        ]);
    }
}
