//! The steps `explain` and `unlock` of a scenario: an error in them has its place, a failed expectation ends with 1, and no
//! scenario opens a real door.

use serde_json::Value;

use super::desk::{Desk, SCENARIO};

const OPENED: &str = "unlock = { member = \"ann\", door = \"24/7 entrance, door 1\" }\n";

/// The scenario with one more step. At its end Ann is frozen.
fn with(step: &str) -> String {
    format!("{SCENARIO}\n[[steps]]\n{step}")
}

#[test]
fn an_error_in_such_a_step_has_its_place_and_nothing_is_played() {
    let desk = Desk::new();
    let head = with("").matches('\n').count() + 1;
    for (step, column, message) in [
        ("explain = { member = \"anne\" }\n", 22, "there is no member `anne`: did you mean `ann`?"),
        ("explain = { bluetooth = false }\n", 11, "the field `member` is missing here"),
        ("explain = { member = \"ann\", wifi = true }\n", 29, "the field `wifi` is not known here"),
        ("explain = { member = \"ann\", bluetooth = \"off\" }\n", 41, "expected a boolean"),
        ("unlock = { member = \"ann\" }\n", 10, "the field `door` is missing here"),
        ("unlock = { member = \"bea\", door = \"x\" }\n", 21, "there is no member `bea`"),
        ("explain = { member = \"ann\" }\nadvance = \"1d\"\n", 0, "this one has `advance` and `explain`"),
        (
            "expect = { verdict = \"maybe\" }\n",
            22,
            "there is no verdict `maybe`: known are `yes`, `limited`, `no`",
        ),
        (
            "expect = { attempt = \"open\" }\n",
            22,
            "there is no outcome of an `unlock` `open`: did you mean `opened`?",
        ),
        ("expect = { causes = [\"pausd\"] }\n", 21, "there is no cause `pausd`: did you mean `paused`?"),
    ] {
        let ran = desk.play(&with(step), &[]);
        let place = if column > 0 { format!("scenario.toml:{head}:{column}: ") } else { String::new() };
        ran.refused(message).complains(&place);
    }
    desk.play(&with("unlock = { member = \"ann\", door = \"Backdoor\" }\n"), &[])
        .ends(2)
        .complains("Kisi has no door `Backdoor` at this point of the scenario");
}

#[test]
fn expectations_are_compared_and_a_difference_ends_with_1() {
    let desk = Desk::new();
    for (step, code) in [
        ("explain = { member = \"ann\" }\nexpect = { verdict = \"no\", causes = [\"paused\"] }\n", 0),
        ("explain = { member = \"ann\" }\nexpect = { verdict = \"yes\" }\n", 1),
        ("explain = { member = \"ann\" }\nexpect = { causes = [] }\n", 1),
        ("explain = { member = \"ann\" }\nexpect = { causes = [\"paused\", \"blocked\"] }\n", 1),
        ("explain = { member = \"ann\" }\nexpect = { attempt = \"none\" }\n", 0),
        ("expect = { verdict = \"no\" }\n", 1),
        (
            "unlock = { member = \"ann\", door = \"24/7 entrance, door 1\" }\nexpect = { attempt = \"opened\" }\n",
            1,
        ),
        (
            "unlock = { member = \"ann\", door = \"24/7 entrance, door 1\" }\nexpect = { attempt = \"refused\", calls = 0 }\n",
            0,
        ),
    ] {
        let ran = desk.play(&with(step), &[]);
        assert_eq!(ran.code, code, "{step}: {}{}", ran.out, ran.err);
        assert_eq!(ran.out.contains("EXPECTED"), code == 1, "{step}: {}", ran.out);
    }
}

#[test]
fn a_machine_reads_verdict_reasons_and_remedies_from_the_steps_line() {
    let ran = Desk::new().play(&with("explain = { member = \"ann\" }\n"), &["--json"]);
    let lines: Vec<Value> = ran.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let step = lines.iter().find(|line| line["step"] == "explain").unwrap();
    let facts: Vec<(&str, &str)> = step["facts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|fact| (fact["kind"].as_str().unwrap(), fact["word"].as_str().unwrap()))
        .collect();
    assert_eq!(facts, [("verdict", "no"), ("why", "paused"), ("say", "resume")]);
    assert_eq!((&lines.last().unwrap()["setup"]["explains"], ran.code), (&Value::from(1), 0));
}

#[test]
fn no_scenario_opens_a_door_of_the_real_kisi() {
    let desk = Desk::new();
    let key = desk.file("key.txt", "a-key-that-is-never-sent-0001");
    let start = SCENARIO.find("[[groups]]").unwrap();
    let end = SCENARIO.find("[[mappings]]").unwrap();
    let scenario = format!("{}{}\n[[steps]]\n{OPENED}", &SCENARIO[..start], &SCENARIO[end..]);
    let arguments = ["--kisi", "https://kisi.invalid", "--key-file", key.to_str().unwrap()];
    let ran = desk.play(&scenario, &arguments);
    ran.refused("the scenario opens a door: leave --kisi out to play it against a simulator");
}
