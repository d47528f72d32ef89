//! The `harness` command line from outside: exit codes, messages, JSON, and the way to a Kisi at an address.

use std::ffi::OsString;

use host_harness::{Live, Streams};
use serde_json::Value;

use door_access_testkit::{compiled, component_path};

use super::desk::{Desk, Pipe, SCENARIO};

#[test]
fn a_scenario_as_expected_ends_with_0_and_has_colours_only_on_request() {
    let desk = Desk::new();
    let ran = desk.play(SCENARIO, &[]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{}", ran.out);
    assert!(ran.out.contains("As expected: all"), "{}", ran.out);
    assert!(!ran.out.contains('\u{1b}'));
    assert!(ran.out.lines().all(|line| line.chars().count() <= 100), "{}", ran.out);
    let coloured = desk.play(SCENARIO, &["--color", "always", "--stable"]);
    assert!(coloured.out.contains("\u{1b}["), "{}", coloured.out);
}

#[test]
fn a_failed_expectation_ends_with_1_and_shows_the_difference() {
    let wrong = SCENARIO.replace(r#"groups = { ann = [] }"#, r#"groups = { ann = ["24/7 entrance"] }"#);
    let wrong = wrong.replace(r#"reasons = { ann = ["frozen"] }"#, r#"reasons = { ann = ["expired"] }"#);
    let ran = Desk::new().play(&wrong, &[]);
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    for needle in [
        "EXPECTED  groups of ann (line ",
        "- 24/7 entrance   expected",
        "- expired   expected",
        "+ frozen   found",
        "OTHER than expected: 2 of",
    ] {
        assert!(ran.out.contains(needle), "{needle:?} is missing in\n{}", ran.out);
    }
}

#[test]
fn an_error_in_a_scenario_has_its_place_and_a_suggestion() {
    let table = [
        ("title = \"A", "titel = \"A", "1:1: the field `titel` is not known here: did you mean `title`?"),
        (
            "event = \"membership-frozen\"",
            "event = \"membership_frozen\"",
            "there is no event `membership_frozen`: did you mean `membership-frozen`?",
        ),
        ("event = \"membership-frozen\"", "event = \"party\"", ", `member-deleted`, `other:WORD`"),
        ("event = \"membership-frozen\"", "event = \"other:\"", "did you mean `other:WORD`?"),
        ("status = \"frozen\"", "status = \"frosen\"", "there is no status `frosen`: did you mean `frozen`?"),
        (
            "plan = \"basic\"\ngroups",
            "plan = \"basik\"\ngroups",
            "there is no plan `basik`: did you mean `basic`?",
        ),
        (
            "groups = [\"24/7 entrance\"]",
            "groups = [\"24/7 entrence\"]",
            "there is no group `24/7 entrence`: did you mean `24/7 entrance`?",
        ),
        (
            "id = \"m-1\", plan = \"basic\"",
            "id = \"m-1\", plan = \"gold\"",
            "there is no plan `gold`: known are `basic`",
        ),
        ("member = \"ann\"", "member = \"anne\"", "there is no member `anne`: did you mean `ann`?"),
        ("member = \"ann\"", "", "an event is about a member: add `member`"),
        ("groups = { ann = [] }", "groups = { ben = [] }", "there is no member `ben`"),
        (
            "reasons = { ann = [\"frozen\"] }",
            "reasons = { ann = [\"cold\"] }",
            "there is no reason `cold`: known are",
        ),
        ("calls = 1", "calls = \"one\"", "invalid type: string \"one\", expected u32"),
        (
            "start = 2026-12-01T08:00:00Z",
            "start = 2026-12-01",
            "`2026-12-01` is not a point in time: write date, time and offset",
        ),
        ("frozen_until = 2027-03-01T00:00:00Z", "frozen_until = \"soon\"", "`soon` is not a point in time"),
        (
            "event = \"membership-frozen\"",
            "advance = \"3 weeks\"\nevent = \"membership-frozen\"",
            "a step does one thing, and this one has `event` and `advance`",
        ),
        ("[[mappings]]", "[[mapings]]", "the field `mapings` is not known here: did you mean `mappings`?"),
        ("doors = 2", "doors = 300", "expected u8"),
        ("name = \"Ann Lee\"\n", "", "the field `name` is missing here"),
        ("title", "title = ", "expected"),
        (
            "plan = \"basic\" }]",
            "plan = \"basic\", starts_at = 2026-12-02T00:00:00Z, ends_at = 2026-12-01T00:00:00Z }]",
            "the membership `m-1` ends before it starts",
        ),
    ];
    let desk = Desk::new();
    for (found, replaced, message) in table {
        assert!(SCENARIO.contains(found), "{found}");
        let ran = desk.play(&SCENARIO.replacen(found, replaced, 1), &[]);
        let ran = ran.refused(message);
        let place = ran.err.split_once("scenario.toml:").map(|(_, rest)| rest).unwrap_or_default();
        let numbers = place.split(':').take(2).filter(|number| number.parse::<u32>().is_ok());
        assert_eq!(numbers.count(), 2, "{}", ran.err);
    }
}

#[test]
fn steps_that_cannot_be_played_are_refused_before_anything_happens() {
    let table = [
        ("note = \"x\"\n", "this one does neither"),
        ("advance = \"soon\"\n", "`soon` is not a span of time: write a number and d, h, m or s"),
        ("fault = { on = \"POST /usrs\", kind = \"html\" }\n", "fits no endpoint of the simulator"),
        (
            "fault = { on = \"POST /users\", kind = \"drop-after-commit\" }\n",
            "did you mean `drop_after_commit`?",
        ),
        ("fault = { on = \"POST /users\", kind = \"status\" }\n", "the field `status` is missing here"),
        (
            "hand = { asign = { email = \"a@b.test\", group = \"Spa\" } }\n",
            "the value `asign` is not known here: did you mean `assign`?",
        ),
        ("hand = { delete_group = { group = \"Pool\" } }\n", "there is no group `Pool`"),
        ("change = { delete = true }\nadvance = \"1d\"\n", "`change` belongs to an `event`"),
        (
            "event = \"member-changed\"\nmember = \"ann\"\nchange = { new = true, name = \"Ann\" }\n",
            "`ann` is a member already",
        ),
        (
            "event = \"member-changed\"\nmember = \"ben\"\nchange = { new = true }\n",
            "a new member needs a `name`",
        ),
        (
            "event = \"member-changed\"\nmember = \"ann\"\nchange = { memberships = [{ id = \"m-2\" }] }\n",
            "a new one needs a `plan`",
        ),
        (
            "event = \"member-changed\"\nmember = \"ann\"\nchange = { remove = [\"m-2\"] }\n",
            "Ann Lee has no membership `m-2`",
        ),
        (
            "event = \"payment-overdue\"\nmember = \"ann\"\nchange = { memberships = [{ id = \"m-1\", payment = \"paid\", overdue_since = 2026-12-01T00:00:00Z }] }\n",
            "either paid or overdue",
        ),
        ("[[members]]\nid = \"ann\"\nname = \"Ann\"\n", "the member `ann` is defined twice"),
        ("[[people]]\nemail = \"x@y.test\"\ngroups = [\"Pool\"]\n", "there is no group `Pool`"),
        ("[knobs]\nrate_limits = false\n", "did you mean `rate_limit`?"),
        ("until = 2026-12-01T07:59:59Z\n", ":44:9: the scenario goes back in time"),
        (
            "advance = \"1d\"\n[[steps]]\nuntil = 2026-12-02T07:00:00Z\n",
            ":46:9: the scenario goes back in time",
        ),
    ];
    let desk = Desk::new();
    for (more, message) in table {
        let header = if more.starts_with("[") { "" } else { "[[steps]]\n" };
        desk.play(&format!("{SCENARIO}\n{header}{more}"), &[]).refused(message);
    }
}

/// The place of a text in a scenario, as messages name it.
fn place(scenario: &str, text: &str) -> String {
    let (before, _) = scenario.split_once(text).unwrap_or_else(|| panic!("{text} does not occur"));
    let column = before.chars().rev().take_while(|char| *char != '\n').count() + 1;
    format!("scenario.toml:{}:{column}: ", before.matches('\n').count() + 1)
}

#[test]
fn settings_that_break_the_plugins_schema_are_named_with_their_place() {
    let integration = "integration = { identifier = \"\", contact = \"a@b.test\" }";
    for (settings, wrong) in [
        ("grace_days = 400", vec![("grace_days = 400", "grace_days: ")]),
        ("grace_days = \"many\"", vec![("grace_days", "grace_days: ")]),
        ("\non_block = \"some\"", vec![("on_block", "on_block: ")]),
        ("on_blok = \"all\"", vec![("on_blok", "on_blok: ")]),
        ("integration = { identifier = \"Gym\" }", vec![("integration", "integration.contact: ")]),
        (
            &format!("grace_days = 366\n{integration}"),
            vec![("grace_days", "grace_days: "), ("identifier = \"\"", "integration.identifier: ")],
        ),
    ] {
        let first = SCENARIO.replacen("[[plans]]", &format!("[settings]\n{settings}\n\n[[plans]]"), 1);
        let table = settings.trim().replace('\n', ", ");
        let again = format!("{SCENARIO}\n[[steps]]\nconnect = {{ settings = {{ {table} }} }}\n");
        for scenario in [first, again] {
            let ran = Desk::new().play(&scenario, &[]);
            assert_eq!(ran.code, 2, "{settings}: {}", ran.out);
            assert_eq!(ran.err.lines().count(), wrong.len(), "{}", ran.err);
            for (text, path) in &wrong {
                let message = format!("{}the scenario's settings are wrong: {path}", place(&scenario, text));
                assert!(ran.err.contains(&message), "{message:?} is missing in {}", ran.err);
            }
        }
    }
    let wrong = format!("{SCENARIO}\n[[steps]]\nconnect = {{ settings = {{ grace_days = 400 }} }}\n");
    for expected in ["", "[[steps]]\n"] {
        let ran = Desk::new()
            .play(&format!("{wrong}{expected}expect = {{ error = \"settings:grace_days\" }}"), &[]);
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "what is expected is no mistake: {}", ran.out);
    }
}

#[test]
fn an_error_while_playing_has_its_place() {
    let entrance = "group = \"24/7 entrance\"";
    let entry = "{ plan = \"basic\", groups = [\"24/7 entrance\"] }";
    for (steps, at, message) in [
        (
            format!("hand = {{ assign = {{ email = \"ann@exampel.test\", {entrance} }} }}"),
            "[[steps]]\nhand",
            "Kisi has no user with the address ann@exampel.test at this point of the scenario: did you mean `ann@example.test`?",
        ),
        (
            format!("hand = {{ unassign = {{ email = \"ann@example.test\", {entrance} }} }}"),
            "[[steps]]\nhand",
            "ann@example.test is not in 24/7 entrance in Kisi",
        ),
        (
            format!(
                "note = \"x\"\nhand = {{ delete_group = {{ {entrance} }} }}\n[[steps]]\nhand = {{ app_access = {{ {entrance}, on = true }} }}"
            ),
            "[[steps]]\nhand",
            "Kisi has no group `24/7 entrance` at this point of the scenario",
        ),
        (
            "connect = { key_of = \"tom@box.test\" }".to_owned(),
            "[[steps]]\nconnect",
            "Kisi has no user with the address tom@box.test",
        ),
        (
            format!("mappings = [{entry},\n  {entry}]"),
            "\"24/7 entrance\"] }]",
            "the plugin refuses the mapping: mappings[1]: is the same as an earlier entry",
        ),
        (
            "fault = { on = \"*\", kind = \"status\", status = 503 }\n\
             [[steps]]\nevent = \"membership-unfrozen\"\nmember = \"ann\"\n\
             change = { memberships = [{ id = \"m-1\", status = \"active\" }] }\n\
             [[steps]]\nuntil = 2026-12-01T08:00:00Z"
                .to_owned(),
            "[[steps]]\nuntil",
            "the scenario goes back in time: it is 2026-12-01T08:00:",
        ),
    ] {
        let scenario = format!("{SCENARIO}\n[[steps]]\n{steps}\n");
        let ran = Desk::new().play(&scenario, &[]);
        assert_eq!(ran.code, 2, "{steps}: {}{}", ran.out, ran.err);
        let message = format!("{}{message}", place(&scenario, at));
        assert!(ran.err.contains(&message), "{message:?} is missing in {}", ran.err);
        assert_eq!(ran.err.lines().count(), 1, "{}", ran.err);
    }
}

#[test]
fn a_file_that_is_no_plugin_is_refused_with_one_sentence() {
    let desk = Desk::new();
    let text = desk.file("text.wasm", "hello");
    let core = desk.file("core.wasm", b"\0asm\x01\0\0\0");
    let other = desk.file("other.wasm", b"\0asm\x0d\0\x01\0");
    let absent = desk.folder.path().join("absent.wasm");
    let scenario = desk.file("scenario.toml", SCENARIO);
    for (component, message) in [
        (&text, "this is not WebAssembly"),
        (&core, "this is a core module; a component is needed: build with `cargo xtask build`"),
        (&other, "the component is not a door-access plugin: it does not export"),
        (&absent, "build it with `cargo xtask build`"),
    ] {
        let component = component.to_str().unwrap();
        for arguments in
            [vec!["run", scenario.to_str().unwrap(), "--component", component], vec!["inspect", component]]
        {
            let ran = desk.run(&arguments);
            let ran = ran.refused(message);
            assert_eq!(ran.err.lines().count(), 1, "{}", ran.err);
        }
    }
}

#[test]
fn json_is_one_document_a_line_with_everything_in_it() {
    let ran = Desk::new().play(SCENARIO, &["--json", "--bodies"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let lines: Vec<Value> = ran.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let types: Vec<&str> = lines.iter().map(|line| line["type"].as_str().unwrap()).collect();
    assert_eq!(types, ["opening", "step", "step", "step", "step", "ending"]);
    assert_eq!(lines[0]["at"], "2026-12-01T08:00:00.000Z");
    let bought = &lines[3];
    assert_eq!(
        (&bought["step"], &bought["title"]),
        (&"event".into(), &"membership-purchased · Ann Lee".into())
    );
    assert_eq!(bought["facts"][1]["kind"], "granted");
    assert_eq!(bought["facts"][1]["word"], "entitled");
    assert_eq!(bought["facts"][1]["group"], "24/7 entrance");
    assert_eq!(bought["calls"][1]["method"], "POST");
    assert_eq!(bought["calls"][1]["status"], 200);
    assert!(bought["calls"][1]["body"].as_str().unwrap().contains("ann@example.test"));
    assert_eq!(bought["groups"][0]["before"], serde_json::json!([]));
    assert_eq!(bought["groups"][0]["after"], serde_json::json!(["24/7 entrance"]));
    let ending = &lines[5];
    assert_eq!((&ending["calls"], &ending["edits"], &ending["failed"]), (&4.into(), &3.into(), &0.into()));
    assert!(ending["elapsed_ms"].is_u64());
}

#[test]
fn json_ends_with_the_error() {
    let desk = Desk::new();
    let settings = SCENARIO.replacen("[[plans]]", "[settings]\ngrace_days = 400\n\n[[plans]]", 1);
    for (ran, lines) in [
        (desk.play(&SCENARIO.replacen("title", "titel", 1), &["--json"]), 1),
        (desk.play(&settings, &["--json"]), 3),
        (desk.run(&["inspect", "absent.wasm", "--json"]), 1),
    ] {
        assert_eq!((ran.code, ran.out.lines().count()), (2, lines), "{}", ran.out);
        let last: Value = serde_json::from_str(ran.out.lines().last().unwrap()).unwrap();
        assert_eq!(last["type"], "error");
        assert_eq!(format!("harness: {}\n", last["error"].as_str().unwrap()), ran.err);
    }
}

#[test]
fn a_closed_pipe_is_no_failure() {
    let (desk, component) = (Desk::new(), component_path());
    let (scenario, component) = (desk.file("scenario.toml", SCENARIO), component.to_str().unwrap());
    let [scenario, cache] = [&scenario, compiled()].map(|path| path.to_str().unwrap());
    let run = ["harness", "run", scenario, "--component", component, "--cache", cache];
    let inspect = ["harness", "inspect", component];
    for (arguments, lines_left) in
        [(&run[..], 1), (&run[..], 9), (&[&run[..], &["--json"]].concat()[..], 1), (&inspect[..], 1)]
    {
        let (mut out, mut err) = (Pipe { lines_left }, Vec::new());
        let streams = Streams { out: &mut out, err: &mut err, colour: false };
        let code = host_harness::run(arguments.iter().map(OsString::from), streams, &Live::default());
        assert_eq!((code, String::from_utf8(err).unwrap()), (0, String::new()), "{arguments:?}");
    }
}

#[test]
fn an_event_that_failed_is_kept_until_time_passes_or_the_gym_connects() {
    let fault = "[[steps]]\nfault = { on = \"POST /users\", kind = \"status\", status = 503, times = 7 }\n\n";
    let kept = SCENARIO.replacen("[[steps]]", &format!("{fault}[[steps]]"), 1);
    let kept = kept.replace(
        "expect = { groups = { ann = [\"24/7 entrance\"] }, changes = { ann = [\"granted 24/7 entrance\"] }, calls = 3 }",
        "expect = { groups = { ann = [] }, deliveries = 6, error = \"retry\" }",
    );
    let (kept, _) = kept.split_once("[[steps]]\nnote = \"She is abroad").unwrap();
    let ran = Desk::new().play(kept, &[]);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    for needle in ["Kept after 6 deliveries", "1 event kept until time passes or the gym connects again."] {
        assert!(ran.out.contains(needle), "{needle:?} is missing in\n{}", ran.out);
    }
    let delivered = "expect = { groups = { ann = [\"24/7 entrance\"] }, deliveries = 2, error = \"none\" }";
    for step in ["advance = \"1d\"", "until = 2026-12-03T08:00:00Z", "connect = {}"] {
        let ran = Desk::new().play(&format!("{kept}[[steps]]\n{step}\n{delivered}\n"), &["--json"]);
        assert_eq!(ran.code, 0, "{step}: {}{}", ran.out, ran.err);
        assert!(
            ran.out.contains("Ann Lee (kept until now)\"") && ran.out.contains("\"undelivered\":0"),
            "{}",
            ran.out
        );
    }
}

#[test]
fn the_ending_names_the_calls_that_belong_to_no_event() {
    for (steps, words) in [
        ("", "Connecting and mapping took 6 calls."),
        ("[[steps]]\nrefresh_groups = true\n", "Connecting, mapping and refreshing the groups took 8 calls."),
        ("[[steps]]\nconnect = {}\n", "Connecting 2 times and mapping took 12 calls."),
    ] {
        let ran = Desk::new().play(&format!("{SCENARIO}\n{steps}"), &[]);
        let out = ran.words();
        assert!(out.contains(words), "{words:?} is missing in\n{}", ran.out);
    }
}

#[test]
fn inspecting_a_component_lists_what_it_may_do_and_reach() {
    let (desk, component) = (Desk::new(), component_path());
    let component = component.to_str().unwrap();
    let ran = desk.run(&["inspect", component]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let words = ran.words();
    for needle in [
        "Kisi door access (kisi ",
        "send HTTPS requests to https://api.kisi.io, once the installer has approved it; the host adds the gym's key as `authorization`",
        "read from the platform's directory: names, emails, memberships and plans",
        "keep its own records in the tenant's storage",
        "write log lines",
        "read the time",
        "it has none",
        "grace_days (integer, 0 when left out)",
        "gym:door-access/events@0.1.0",
        "wasi:http/outgoing-handler@",
    ] {
        assert!(words.contains(needle), "{needle:?} is missing in\n{}", ran.out);
    }
    let ran = desk.run(&["inspect", component, "--json"]);
    let inspection: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(inspection["origins"], serde_json::json!(["https://api.kisi.io"]));
    assert_eq!(inspection["credential"]["header"], "authorization");
    assert_eq!(inspection["bytes"], std::fs::metadata(component).unwrap().len());
    assert_eq!(inspection["settings"]["type"], "object");
}

#[test]
fn help_has_examples_and_a_wrong_command_line_ends_with_2() {
    let desk = Desk::new();
    for (arguments, needle) in [
        (vec!["--help"], "Exit codes:"),
        (vec!["run", "--help"], "[[steps]]"),
        (vec!["inspect", "--help"], "Examples:"),
        (vec!["--version"], "harness "),
    ] {
        let ran = desk.run(&arguments);
        assert_eq!((ran.code, ran.err.as_str()), (0, ""));
        assert!(ran.out.contains(needle), "{}", ran.out);
    }
    for arguments in [vec![], vec!["play"], vec!["run"], vec!["run", "x.toml", "--allow-seeding"]] {
        let ran = desk.run(&arguments);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{arguments:?}");
    }
    let ran = desk.run(&["run", "no-such-scenario.toml"]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("no-such-scenario.toml cannot be read"), "{}", ran.err);
}
