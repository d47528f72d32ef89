//! `harness tick`, from outside: what a timer runs.

use std::fmt::Write;

use serde_json::Value;

use crate::gym_folder::Gym;

/// A gym with so many members who have Basic.
fn gym_of(count: usize) -> Gym {
    let gym = Gym::mapped();
    let mut members = "member_id,name,email,membership_id,plan,status,last_day\n".to_string();
    for number in 0..count {
        writeln!(members, "{number},Member {number},m{number}@example.test,ms-{number},basic,active,")
            .unwrap();
    }
    gym.file("members.csv", &members);
    gym
}

#[test]
fn a_timer_brings_everybody_up_to_date_after_the_mapping_changed_and_then_costs_nothing() {
    let gym = Gym::mapped();
    gym.run(&["tick", "--until-done"]).ends(0).says(&[
        "Gain a group: 2",
        "Ann Lee (1) Entrance “Basic” gives access to “Entrance”.",
        "Done: everybody compared.",
        "sync through: 4 members compared",
        "UTC; earlier does no harm",
    ]);
    assert_eq!(gym.in_group("Entrance"), ["ann@example.test"]);
    gym.sim.clear_journal();
    gym.run(&["tick"]).ends(0).says(&["Nothing was due."]);
    assert_eq!(gym.sim.journal().len(), 0);
}

#[test]
fn more_than_one_call_may_do_is_said_and_until_done_does_it_all() {
    let gym = gym_of(8);
    let ran = gym.run(&["tick", "--calls", "4"]).ends(4);
    ran.says(&["More is due: run `harness tick` again, or with --until-done."]);
    assert!(gym.in_group("Entrance").len() < 8);
    gym.run(&["tick", "--calls", "4", "--until-done"]).ends(0).says(&["sync through: 8 members compared"]);
    assert_eq!(gym.in_group("Entrance").len(), 8);
}

#[test]
fn what_waits_to_be_confirmed_has_an_exit_code_of_its_own_and_says_how() {
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
fn machines_read_one_document() {
    let gym = Gym::mapped();
    let ran = gym.run(&["tick", "--until-done", "--json"]).ends(0);
    let told: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((&told["type"], &told["more"]), (&Value::from("tick"), &Value::from(false)));
    assert_eq!((&told["sync"]["phase"], &told["members"]), (&"done".into(), &0.into()));
    let kinds: Vec<&Value> = told["findings"].as_array().unwrap().iter().map(|line| &line["kind"]).collect();
    assert!(kinds.contains(&&Value::from("gains")), "{told}");
    assert!(told["next"].as_str().unwrap().ends_with('Z'), "{told}");
}

#[test]
fn a_rejected_key_pauses_with_what_to_do() {
    let gym = Gym::mapped();
    assert!(gym.sim.revoke_key("the-owner-s-key-0001"));
    gym.run(&["tick"]).ends(5).complains("`harness connect --key-file FILE` takes another key");
}

#[test]
fn a_lease_is_a_setting_of_connect() {
    let gym = Gym::mapped();
    gym.run(&["connect", "--lease-days", "30"]).ends(0);
    gym.run(&["tick", "--until-done"]).ends(0).says(&["and is prolonged in time"]);
    gym.run(&["connect", "--lease-days", "400"]).ends(2).complains("lease_days: is from 0 to 365");
}
