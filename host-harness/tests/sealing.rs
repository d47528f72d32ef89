//! The program `harness` itself: it finds its sealing key where the environment says, and nowhere else.
#![cfg(unix)]
#![expect(
    clippy::unwrap_used,
    reason = "a panic fails the test, as intended; clippy.toml allows it in test functions only"
)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use door_access_host::SqliteStorage;

const KEY: &str = "the-owner-s-key-0001";
const SEALING_KEY: &str = "5f0c2d9be1a84763f0e1d2c3b4a5968778695a4b3c2d1e0f1122334455667788";

/// The folder of an installation as an earlier version left it.
fn installation() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700)).unwrap();
    SqliteStorage::open(folder.path().join("records.db")).unwrap();
    fs::write(folder.path().join("key"), KEY).unwrap();
    for name in ["records.db", "key"] {
        fs::set_permissions(folder.path().join(name), fs::Permissions::from_mode(0o600)).unwrap();
    }
    folder
}

fn rotate(state: &Path, environment: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_harness"));
    command.args(["rotate-sealing-key", "--state"]).arg(state).env_clear().envs(environment.iter().copied());
    let output = command.output().unwrap();
    let told =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(!told.contains(KEY) && !told.contains(SEALING_KEY), "{told}");
    output
}

fn is_sealed(state: &Path) -> bool {
    state.join("key.sealed").exists() && !state.join("key").exists()
}

#[test]
fn the_sealing_key_is_made_in_the_users_folder_for_configuration() {
    let home = tempfile::tempdir().unwrap();
    let path = |name: &str| home.path().join(name).to_str().unwrap().to_owned();
    for (environment, made) in [
        (vec![("HOME", path("one"))], "one/.config/door-access"),
        (vec![("HOME", path("two")), ("XDG_CONFIG_HOME", path("xdg"))], "xdg/door-access"),
        (
            vec![("HOME", path("three")), ("XDG_CONFIG_HOME", "relative".to_owned())],
            "three/.config/door-access",
        ),
    ] {
        let state = installation();
        let environment: Vec<(&str, &str)> =
            environment.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let output = rotate(state.path(), &environment);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert!(is_sealed(state.path()));
        assert_eq!(fs::read_dir(home.path().join(made)).unwrap().count(), 1, "{made}");
    }
    assert!(!home.path().join("two").exists());
}

#[test]
fn sealing_keys_are_taken_from_the_environment() {
    let folder = tempfile::tempdir().unwrap();
    let (file, home) = (folder.path().join("new.key"), folder.path().join("home"));
    fs::write(&file, SEALING_KEY.replace('5', "6")).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let (file, home) = (file.to_str().unwrap(), home.to_str().unwrap());
    let state = installation();
    let run = |environment: &[(&str, &str)]| {
        rotate(state.path(), &[&[("HOME", home)], environment].concat()).status.code()
    };
    let other = SEALING_KEY.replace('5', "7");
    assert_eq!(run(&[("HARNESS_SEALING_KEY", SEALING_KEY)]), Some(2), "the new one is missing");
    assert!(is_sealed(state.path()));
    assert_eq!(run(&[("HARNESS_SEALING_KEY", &other), ("HARNESS_NEW_SEALING_KEY_FILE", file)]), Some(2));
    assert_eq!(run(&[("HARNESS_SEALING_KEY", SEALING_KEY), ("HARNESS_NEW_SEALING_KEY_FILE", file)]), Some(0));
    assert_eq!(run(&[("HARNESS_SEALING_KEY_FILE", file), ("HARNESS_NEW_SEALING_KEY", &other)]), Some(0));
    assert_eq!(run(&[("HARNESS_SEALING_KEY_FILE", file), ("HARNESS_SEALING_KEY", &other)]), Some(2));
    assert!(!Path::new(home).exists(), "nothing is made where something was given");
}

#[test]
fn without_a_place_for_a_sealing_key_nothing_is_sealed_and_nothing_is_lost() {
    let state = installation();
    let output = rotate(state.path(), &[]);
    assert_eq!(output.status.code(), Some(2));
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(
        told.contains("give it in HARNESS_SEALING_KEY or with --sealing-key-file, or set HOME"),
        "{told}"
    );
    assert_eq!(fs::read_to_string(state.path().join("key")).unwrap(), KEY);
}
