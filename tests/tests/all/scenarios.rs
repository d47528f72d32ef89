//! Every scenario in `scenarios/` plays as it says, and as its reviewed snapshot shows: decisions, reasons, requests.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::command::desk::Desk;

/// The end of the names of seed files, which belong to a scenario.
const SEED: &str = ".seed.toml";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios")
}

fn is_scenario(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "toml") && !path.to_string_lossy().ends_with(SEED)
}

#[test]
fn every_scenario_plays_as_it_says_and_as_its_snapshot_shows() {
    insta::with_settings!({ snapshot_path => "snapshots/scenarios", prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::glob!("../../../scenarios", "*.toml", |path| {
            if is_scenario(path) {
                let ran = Desk::new().play_file(path, &["--stable", "--bodies", "--color=never"]);
                let text = format!("{}{}", ran.out, ran.err);
                // Paths of this machine have no place in a snapshot.
                assert!(!text.contains(env!("CARGO_MANIFEST_DIR")), "{text}");
                assert_eq!(ran.code, 0, "{} plays differently:\n{text}", path.display());
                assert!(text.contains("As expected: all"), "{} expects nothing", path.display());
                let name = path.file_stem().unwrap().to_string_lossy().into_owned();
                insta::with_settings!({ snapshot_suffix => "" }, { insta::assert_snapshot!(name, text) });
            }
        });
    });
}

#[test]
fn no_snapshot_outlives_its_scenario() {
    let stems = |folder: &Path, keep: &dyn Fn(&Path) -> bool| -> BTreeSet<String> {
        let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        entries
            .filter(|path| keep(path))
            .map(|path| path.file_stem().unwrap().to_string_lossy().into_owned())
            .collect()
    };
    let scenarios = stems(&folder(), &is_scenario);
    let snapshots = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/all/snapshots/scenarios");
    let snapshots = stems(&snapshots, &|path| path.extension().is_some_and(|extension| extension == "snap"));
    assert!(scenarios.len() >= 25, "only {} scenarios", scenarios.len());
    assert_eq!(snapshots, scenarios, "left: snapshots, right: scenarios");
}

/// Rows of the event table and the special cases that the product promises, each with the scenario that shows it.
#[test]
fn every_promise_has_its_scenario() {
    for name in [
        "membership-purchased",
        "membership-started",
        "plan-changed",
        "membership-cancelled",
        "membership-frozen",
        "membership-unfrozen",
        "payment-recovered",
        "membership-expired",
        "payment-overdue",
        "grace",
        "member-blocked",
        "member-deleted",
        "member-unblocked",
        "name-changed",
        "email-changed",
        "two-memberships-one-group",
        "plan-on-many-groups",
        "future-start",
        "paid-through-end",
        "shared-email",
        "missing-email",
        "block-with-hand-made-grants",
        "elevated-role",
        "deleted-group",
        "lost-answer-to-new-user",
        "lost-answer-to-new-assignment",
        "revoked-key",
        "chain-locations",
        "explain-membership",
        "explain-identity",
        "explain-group",
        "explain-device",
        "explain-verify",
        "unlock-doors",
        "demo",
    ] {
        assert!(folder().join(format!("{name}.toml")).exists(), "there is no scenario {name}");
    }
}
