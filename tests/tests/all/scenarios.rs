//! Every scenario in `scenarios/` plays as it says, and as its reviewed snapshot shows: decisions, reasons, requests.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use host_harness::Streams;

use crate::world::component_path;

/// What the names of seed files end with; they belong to a scenario and are none.
const SEED: &str = ".seed.toml";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios")
}

fn is_scenario(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "toml") && !path.to_string_lossy().ends_with(SEED)
}

/// What the command line prints for a scenario, without what differs between runs and builds.
fn played(scenario: &Path, cache: &Path) -> (u8, String) {
    let component = component_path();
    assert!(component.exists(), "there is no component at {}: run `cargo xtask build`", component.display());
    let arguments: [OsString; 10] = [
        "harness".into(),
        "run".into(),
        scenario.into(),
        "--component".into(),
        component.into(),
        "--cache".into(),
        cache.into(),
        "--stable".into(),
        "--bodies".into(),
        "--color=never".into(),
    ];
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let code = host_harness::main(arguments, Streams { out: &mut out, err: &mut err, colour: false });
    let text = String::from_utf8([out, err].concat()).unwrap();
    // Paths of this machine have no place in a snapshot.
    assert!(!text.contains(env!("CARGO_MANIFEST_DIR")), "{text}");
    (code, text)
}

#[test]
fn every_scenario_plays_as_it_says_and_as_its_snapshot_shows() {
    let cache = tempfile::tempdir().unwrap();
    insta::with_settings!({ snapshot_path => "snapshots/scenarios", prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::glob!("../../../scenarios", "*.toml", |path| {
            if is_scenario(path) {
                let (code, text) = played(path, cache.path());
                assert_eq!(code, 0, "{} is other than it says:\n{text}", path.display());
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
