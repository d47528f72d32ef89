//! `harness tick`, from outside: what a timer runs.

use serde_json::Value;

use super::desk::{Installation, MEMBERS, OWNER_KEY, rows};

/// A gym with this many members who have Basic.
fn gym_of(count: usize) -> Installation {
    let gym = Installation::mapped();
    gym.file("members.csv", &format!("{}\n{}", MEMBERS.lines().next().unwrap(), rows(0..count)));
    gym
}

#[test]
fn a_timer_applies_a_changed_mapping_to_every_member_and_then_costs_nothing() {
    let gym = Installation::mapped();
    gym.run(&["tick", "--until-done"]).ends(0).says(&[
        "Gain a group: 2",
        "Ann Lee (1) Entrance “Basic” gives access to “Entrance”.",
        "Done: all members compared.",
        "sync done: 4 members compared",
        "UTC; running it earlier does no harm",
    ]);
    assert_eq!(gym.in_group("Entrance"), ["ann@example.test"]);
    gym.sim.clear_journal();
    gym.run(&["tick"]).ends(0).says(&["Nothing was due."]);
    assert_eq!(gym.sim.journal().len(), 0);
}

#[test]
fn more_work_than_one_tick_may_do_is_reported_and_until_done_does_all() {
    let gym = gym_of(8);
    let ran = gym.run(&["tick", "--calls", "4"]).ends(4);
    ran.says(&["More is due: run `harness tick` again, or with --until-done."]);
    assert!(gym.in_group("Entrance").len() < 8);
    gym.run(&["tick", "--calls", "4", "--until-done"]).ends(0).says(&["sync done: 8 members compared"]);
    assert_eq!(gym.in_group("Entrance").len(), 8);
}

#[test]
fn a_removal_that_needs_a_confirmation_has_an_exit_code_of_its_own() {
    let gym = gym_of(15);
    gym.run(&["tick", "--until-done"]).ends(0);
    gym.run(&["map", "--remove", "Basic"]).ends(0);
    gym.run(&["tick", "--until-done"]).ends(3).says(&["`harness sync --yes` confirms"]);
    assert_eq!(gym.in_group("Entrance").len(), 15);
    gym.run(&["tick"]).ends(3);
    gym.run(&["sync", "--yes"]).ends(0);
    assert_eq!(gym.in_group("Entrance").len(), 0);
}

#[test]
fn a_tick_prints_one_json_document() {
    let gym = Installation::mapped();
    let ran = gym.run(&["tick", "--until-done", "--json"]).ends(0);
    let told = ran.json();
    assert_eq!((&told["type"], &told["more"]), (&Value::from("tick"), &Value::from(false)));
    assert_eq!((&told["sync"]["phase"], &told["members"]), (&"done".into(), &0.into()));
    let kinds: Vec<&Value> = told["findings"].as_array().unwrap().iter().map(|line| &line["kind"]).collect();
    assert!(kinds.contains(&&Value::from("gains")), "{told}");
    assert!(told["next"].as_str().unwrap().ends_with('Z'), "{told}");
}

#[test]
fn a_rejected_key_pauses_ticks_with_advice() {
    let gym = Installation::mapped();
    assert!(gym.sim.revoke_key(OWNER_KEY));
    gym.run(&["tick"]).ends(5).complains("`harness connect --key-file FILE` takes another key");
}

#[test]
fn a_lease_is_a_setting_of_connect() {
    let gym = Installation::mapped();
    gym.run(&["connect", "--lease-days", "30"]).ends(0);
    gym.run(&["tick", "--until-done"]).ends(0).says(&["and is extended in time"]);
    gym.run(&["connect", "--lease-days", "400"]).ends(2).complains("lease_days: must be from 0 to 365");
}
