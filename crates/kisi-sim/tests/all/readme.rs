//! The README agrees with the code.

use kisi_sim::Knobs;
use serde_json::Value;

use crate::peer::Peer;

const README: &str = include_str!("../../README.md");

#[test]
fn every_knob_is_in_the_readme_with_its_default() {
    let Value::Object(knobs) = serde_json::to_value(Knobs::default()).unwrap() else { panic!("no object") };
    assert!(knobs.len() > 15, "only {} knobs", knobs.len());
    for (name, default) in knobs {
        let default = match default {
            Value::String(text) => format!("`{text}`"),
            Value::Null => "none".to_owned(),
            other => format!("`{other}`"),
        };
        let row = README.lines().find(|line| line.starts_with(&format!("| `{name}` | {default} |")));
        assert!(row.is_some(), "no row for {name} with its default {default}");
    }
}

#[test]
fn every_fault_and_every_control_route_is_in_the_readme() {
    // The names come from the source, so a new fault must be added to the README.
    let source = include_str!("../../src/faults/effect.rs");
    let names: Vec<&str> = source
        .lines()
        .filter(|line| line.contains("FaultEffect::") && line.contains("=> \""))
        .filter_map(|line| line.split('"').nth(1))
        .collect();
    assert_eq!(names.len(), 10);
    for name in names {
        assert!(README.contains(&format!("| `{name}` |")), "no row for the fault {name}");
    }
    let about = Peer::new().get("/_sim").json();
    for route in about["control"].as_object().unwrap().keys() {
        assert!(README.contains(&format!("`{route}`")), "{route} is not in the README");
    }
}
