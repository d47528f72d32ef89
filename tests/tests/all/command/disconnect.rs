//! `harness disconnect`, and choosing places with `harness connect --place`, from outside.

use std::fs;

use host_harness::Live;

use super::desk::{Installation, OTHER_KEY, OWNER_KEY, rows};

const TWO_PLACES: &str = r#"
[knobs]
rate_limit = false

[[organizations]]
name = "Box 42"
places = [{ name = "North" }, { name = "South" }]
locks = [{ name = "North door", place = "North" }, { name = "South door", place = "South" }]
groups = [
    { name = "North gym", place = "North", locks = ["North door"] },
    { name = "South gym", place = "South", locks = ["South door"] },
]
users = [{ name = "Olga", email = "olga@box.test", role = "owner" }]
keys = [{ user = "olga@box.test", secret = "the-owner-s-key-0001" }]
"#;

/// Nothing of the installation is left, and the gym's own files are as they were.
#[track_caller]
fn is_gone(gym: &Installation) {
    let left: Vec<_> = fs::read_dir(gym.path("state")).into_iter().flatten().flatten().collect();
    assert!(left.is_empty(), "{left:?}");
    let keys: Vec<_> = fs::read_dir(gym.path("config/door-access")).into_iter().flatten().flatten().collect();
    assert!(keys.is_empty(), "{keys:?}");
    assert!(gym.path("members.csv").exists() && gym.path("plans.csv").exists());
    gym.run(&["status"]).ends(2).complains("there is no installation");
}

#[test]
fn leaving_lists_every_member_changes_nothing_in_kisi_and_leaves_no_key_behind() {
    let gym = Installation::synced();
    let before = gym.writes();
    let list = gym.path("left.csv");
    gym.run(&["disconnect", "--yes", "--out", list.to_str().unwrap()]).ends(0).says(&[
        "WHO EMAIL REMOVED KEEPS NOTE",
        "Ann Lee (1) ann@example.test Entrance",
        "Bo Kim (2) bo@example.test Spa",
        "nothing of the installation is left",
    ]);
    assert_eq!(
        fs::read_to_string(list).unwrap(),
        "member_id,name,email,removed,keeps,problem\n\
         1,Ann Lee,ann@example.test,,Entrance,\n\
         2,Bo Kim,bo@example.test,,Spa,\n"
    );
    assert_eq!(gym.writes(), before, "nothing changes in Kisi");
    is_gone(&gym);
    gym.connect(&[]).ends(0);
    gym.run(&["map", "Basic", "Entrance"]).ends(0);
    gym.run(&["map", "Gold", "Spa"]).ends(0);
    gym.run(&["sync"]).ends(0);
    assert_eq!(gym.writes(), before, "coming back finds what is there");
}

#[test]
fn a_list_that_cannot_be_written_is_refused_before_anything_is_done() {
    let gym = Installation::synced();
    let before = gym.writes();
    let list = gym.path("no-such-folder/left.csv");
    gym.run(&["disconnect", "--remove-granted", "--yes", "--out", list.to_str().unwrap()])
        .ends(2)
        .complains("nothing was done yet, name another file with --out");
    assert_eq!(gym.writes(), before, "nothing changes in Kisi");
    gym.run(&["status"]).ends(0).says(&["is connected", "2 grants"]);
}

#[test]
fn removing_takes_granted_access_and_prints_json() {
    let gym = Installation::synced();
    let ran = gym.run(&["disconnect", "--remove-granted", "--yes", "--json"]).ends(0);
    let document = ran.json();
    assert_eq!((&document["type"], &document["what"]), (&"disconnected".into(), &"remove-granted".into()));
    assert_eq!(document["people"][1]["removed"], serde_json::json!(["Spa"]));
    assert_eq!(document["people"][1]["keeps"], serde_json::json!([]));
    assert!(gym.in_group("Entrance").is_empty() && gym.in_group("Spa").is_empty());
    is_gone(&gym);
}

#[test]
fn nothing_is_done_before_the_gyms_name_was_typed() {
    let gym = Installation::synced();
    gym.run(&["disconnect"]).ends(3).complains("type the gym's name, “Box 42”");
    let mistyped = Live { typed: Some(|| Ok("Box 24\n".to_owned())), ..Live::default() };
    let ran = gym.run_live(&["disconnect", "--remove-granted"], &mistyped).ends(3);
    assert!(ran.err.contains("2 members, and their 2 grants are removed from Kisi"), "{}", ran.err);
    gym.run(&["status"]).ends(0).says(&["“Box 42” is connected", "2 grants"]);
    let typed = Live { typed: Some(|| Ok("Box 42\n".to_owned())), ..Live::default() };
    gym.run_live(&["disconnect"], &typed).ends(0);
    is_gone(&gym);
}

#[test]
fn an_interrupted_disconnect_continues_and_lists_each_member_once() {
    let gym = Installation::synced();
    gym.add(&rows(10..20));
    gym.run(&["sync"]).ends(0);
    let mut runs = 0;
    let through = loop {
        runs += 1;
        let live = Live::default();
        live.interrupt.request();
        let ran = gym.run_live(&["disconnect", "--remove-granted", "--yes", "--calls", "6"], &live);
        if ran.code == 0 {
            break ran;
        }
        assert!(runs < 30, "{}", ran.err);
        ran.ends(4).complains("`harness disconnect` continues from here");
        if runs == 2 {
            gym.run(&["status"])
                .ends(0)
                .says(&["is not connected", "`harness disconnect` finishes disconnecting it"]);
            gym.run(&["event", "member-changed", "1"]).ends(5);
        }
    };
    assert!(runs > 3, "{runs}");
    let told = through.out.lines().filter(|line| line.contains("@example.test")).count();
    assert_eq!(told, 12, "{}", through.out);
    assert!(gym.in_group("Entrance").is_empty());
    is_gone(&gym);
}

#[test]
fn a_key_that_no_longer_works_does_not_prevent_leaving() {
    let gym = Installation::synced();
    assert!(gym.sim.revoke_key(OWNER_KEY));
    gym.run(&["disconnect", "--remove-granted", "--yes"])
        .ends(5)
        .complains("Or leave without removing anything: `harness disconnect`");
    // The installation is still there, and another key would work.
    assert!(!OTHER_KEY.is_empty() && gym.path("state/key.sealed").exists());
    gym.run(&["disconnect", "--yes"]).ends(0).says(&["Ann Lee (1) ann@example.test Entrance"]);
    is_gone(&gym);
}

#[test]
fn places_are_chosen_by_name_and_shown() {
    let gym = Installation::with(TWO_PLACES);
    gym.connect(&["--place", "Nroth"])
        .ends(2)
        .complains("there is no place `Nroth`; the places are: North (");
    gym.connect(&["--place", "north"]).ends(0).says(&["places North; not managed: South", "North gym"]);
    let shown = gym.run(&["groups"]).ends(0).says(&["places North; not managed: South"]);
    assert!(!shown.out.contains("South gym"), "{}", shown.out);
    gym.run(&["map", "Basic", "South gym"]).ends(2);
    // Settings that are not named stay.
    gym.connect(&["--grace-days", "2"]).ends(0).says(&["places North; not managed: South"]);
    let south = gym.sim.state().places.iter().find(|place| place.name == "South").unwrap().id.to_string();
    gym.connect(&["--place", &south, "--place", "North"]).ends(0).says(&["places North, South", "South gym"]);
    gym.run(&["map", "Basic", "South gym"]).ends(0);
    gym.connect(&["--place", "North"]).ends(2).complains("take that out of the mapping first");
    gym.connect(&["--all-places"]).ends(0).says(&["South gym"]);
    assert_eq!(gym.writes(), 0);
}

#[test]
fn the_status_has_the_time_of_the_last_sync_and_the_mapped_groups_that_open_nothing() {
    let gym = Installation::mapped();
    let before = gym.run(&["status"]).ends(0).says(&["group “Spa” is mapped and opens nothing [no-doors]"]);
    assert!(!before.words().contains("synced all members"), "{}", before.out);
    gym.run(&["sync"]).ends(0);
    gym.run(&["status"]).ends(0).says(&["synced all members, "]);
    let status = gym.run(&["status", "--json"]).ends(0).json();
    assert!(status["last_synced_at"].is_u64(), "{status}");
    assert_eq!(status["flawed_groups"][0]["name"], "Spa");
}

#[test]
fn a_reader_who_closes_the_list_does_not_keep_the_key_in_the_folder() {
    let gym = Installation::synced();
    assert_eq!(gym.run_closed(&["disconnect", "--yes"], 1), 0);
    assert!(
        !gym.path("state").exists(),
        "{:?}",
        fs::read_dir(gym.path("state")).unwrap().collect::<Vec<_>>()
    );
    gym.run(&["status"]).ends(2).complains("there is no installation in");
}

#[test]
fn a_disconnect_that_was_killed_while_it_removed_the_files_is_continued() {
    for command in ["disconnect", "connect"] {
        for gone in [&[][..], &["key.sealed"], &["key.sealed", "tenant", "installation.json", "records.db"]] {
            let gym = Installation::synced();
            fs::write(gym.path("state/ending.json"), "true\n").unwrap();
            gone.iter().for_each(|name| fs::remove_file(gym.path("state").join(name)).unwrap());
            if command == "connect" {
                gym.connect(&[]).ends(0).complains("what was left of its files is removed");
                assert!(gym.run(&["map"]).ends(0).words().contains("nothing: no door"), "{gone:?}");
            } else {
                gym.run(&["disconnect"]).ends(0);
                assert!(!gym.path("state").exists(), "{gone:?}");
            }
        }
    }
}

#[test]
fn a_list_that_was_cut_inside_a_character_loses_one_person_at_most() {
    let gym = Installation::synced();
    let before = b"\n{\"member\":\"0\",\"removed\":[],\"keeps\":[\"Spa\"]}\n\n{\"member\":\"00\",\"keeps\":[\"\xe9\x96";
    fs::write(gym.path("state/left.jsonl"), before).unwrap();
    let ran = gym.run(&["disconnect", "--yes", "--json"]).ends(0);
    let people = ran.json()["people"].as_array().unwrap().len();
    assert_eq!(people, 3, "the one before, Ann and Bo: {}", ran.out);
}
