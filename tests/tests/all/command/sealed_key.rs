//! The gym's key at rest: sealed in the installation's folder, with a sealing key that is elsewhere and can be replaced.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use host_harness::{Live, Surroundings};

use super::desk::{Installation, OWNER_KEY, Ran};

const ONE: &str = "5f0c2d9be1a84763f0e1d2c3b4a5968778695a4b3c2d1e0f1122334455667788";
const OTHER: &str = "00112233445566778899aabbccddeeff5f0c2d9be1a84763f0e1d2c3b4a59687";

/// Every file in a folder and the folders in it.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().flatten().map(|entry| entry.path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// No file of the installation or beside it contains the gym's key, in the usual encodings.
#[track_caller]
fn holds_no_key(gym: &Installation) {
    let hex: String = OWNER_KEY.bytes().map(|byte| format!("{byte:02x}")).collect();
    let forms = [
        OWNER_KEY.to_owned(),
        OWNER_KEY.to_uppercase(),
        hex.to_uppercase(),
        hex,
        OWNER_KEY.chars().rev().collect(),
    ];
    let mut looked_at: Vec<String> = Vec::new();
    for path in files(&gym.path("state")).into_iter().chain(files(&gym.path("config"))) {
        let content = fs::read(&path).unwrap();
        for form in &forms {
            let holds = content.windows(form.len()).any(|window| window == form.as_bytes());
            assert!(!holds, "{}", path.display());
        }
        looked_at.push(path.file_name().unwrap().to_string_lossy().into_owned());
    }
    for name in ["key.sealed", "records.db", "installation.json", "lock", "tenant"] {
        assert!(looked_at.iter().any(|looked_at| looked_at == name), "{name} is not among {looked_at:?}");
    }
}

/// Runs `harness` with these sealing keys in the environment. No output contains one.
fn run(gym: &Installation, key: Option<&str>, new: Option<&str>, arguments: &[&str]) -> Ran {
    let sealing_key = key.map(Into::into);
    let new_sealing_key = new.map(Into::into);
    let surroundings = Surroundings { sealing_key, new_sealing_key, ..Surroundings::default() };
    let ran = gym.run_live(arguments, &Live { surroundings, ..Live::default() });
    for secret in [key, new].into_iter().flatten().filter(|secret| secret.len() > 4) {
        assert!(!format!("{}{}", ran.out, ran.err).contains(secret), "{}", ran.err);
    }
    ran
}

/// A gym that was connected with this sealing key.
fn sealed_with(key: &str) -> Installation {
    let gym = Installation::mapped();
    run(&gym, Some(key), None, &["connect", "--key-file", gym.path("key.txt").to_str().unwrap()]).ends(0);
    gym
}

/// The file with the sealing key that was made for an installation.
fn own(gym: &Installation) -> PathBuf {
    let tenant = fs::read_to_string(gym.path("state/tenant")).unwrap();
    gym.path(&format!("config/door-access/{}.key", tenant.trim()))
}

fn private(path: &Path, content: impl AsRef<[u8]>) {
    fs::write(path, content).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

/// Makes the installation one of an earlier version.
fn unseal(gym: &Installation) {
    fs::remove_file(gym.path("state/key.sealed")).unwrap();
    fs::remove_file(gym.path("state/tenant")).unwrap();
    fs::remove_dir_all(gym.path("config")).unwrap();
    private(&gym.path("state/key"), OWNER_KEY);
    private(&gym.path("state/key.partial"), &OWNER_KEY[..9]);
}

#[test]
fn no_file_contains_the_gyms_key_and_the_files_that_lead_to_it_are_private() {
    let gym = Installation::mapped();
    gym.run(&["sync"]).ends(0);
    gym.run(&["event", "membership-renewed", "1"]).ends(0);
    gym.run(&["connect", "--grace-days", "3"]).ends(0);
    holds_no_key(&gym);
    let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(gym.path("state")), mode(gym.path("state/key.sealed"))), (0o700, 0o600));
    assert_eq!((mode(gym.path("config/door-access")), mode(own(&gym))), (0o700, 0o600));
}

#[test]
fn a_copy_of_the_folder_is_useless_until_the_gym_gives_its_key_again() {
    let gym = Installation::mapped();
    fs::remove_dir_all(gym.path("config")).unwrap();
    let before = gym.sim.journal().len();
    for command in
        [&["status"][..], &["sync"], &["rotate-sealing-key"], &["connect"], &["disconnect", "--yes"]]
    {
        gym.run(command).ends(2).complains("which is not here: give it in HARNESS_SEALING_KEY");
    }
    assert_eq!(gym.sim.journal().len(), before, "nothing was sent");
    assert!(!gym.path("config").exists(), "no sealing key is made for what it cannot open");
    gym.connect(&[]).ends(0);
    gym.run(&["sync"]).ends(0);
    holds_no_key(&gym);
}

#[test]
fn another_sealing_key_is_refused_with_both_fingerprints() {
    let gym = sealed_with(ONE);
    run(&gym, Some(ONE), None, &["status"]).ends(0);
    let before = gym.sim.journal().len();
    let ran = run(&gym, Some(OTHER), None, &["sync"]).ends(2);
    let ran = ran
        .complains("key.sealed cannot be opened: it was sealed with the sealing key e58de399985cfa4e, and ");
    ran.complains(
        "was given: give the key e58de399985cfa4e in HARNESS_SEALING_KEY or with --sealing-key-file",
    );
    let json = run(&gym, Some(OTHER), None, &["sync", "--json"]).ends(2);
    assert!(json.out.contains("e58de399985cfa4e"), "{}", json.out);
    assert_eq!(gym.sim.journal().len(), before, "nothing was sent");
    run(&gym, Some(ONE), None, &["sync"]).ends(0);
}

#[test]
fn an_invalid_or_readable_sealing_key_is_refused() {
    let gym = sealed_with(ONE);
    for text in ["", "a-pass-word", &ONE[2..], &format!("{ONE}{ONE}")] {
        run(&gym, Some(text), None, &["status"])
            .ends(2)
            .complains("HARNESS_SEALING_KEY: a sealing key has 64 hexadecimal digits");
    }
    run(&gym, Some(&"0".repeat(64)), None, &["status"]).ends(2).complains("this one is a placeholder");
    let file = gym.path("sealing.key");
    let given = ["status", "--sealing-key-file", file.to_str().unwrap()];
    gym.run(&given)
        .ends(2)
        .complains("--sealing-key-file or HARNESS_SEALING_KEY_FILE: there is no such file");
    private(&file, ONE);
    gym.run(&given).ends(0);
    run(&gym, Some(ONE), None, &given).ends(2).complains("give one of both");
    for mode in [0o644, 0o640, 0o602] {
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
        gym.run(&given).ends(2).complains("and it is a sealing key: run `chmod 600 ");
    }
    private(&file, "a-pass-word");
    let ran = gym.run(&given).ends(2).complains("sealing.key holds no sealing key");
    assert!(!ran.err.contains("a-pass-word"), "{}", ran.err);

    let gym = Installation::mapped();
    fs::set_permissions(own(&gym), fs::Permissions::from_mode(0o640)).unwrap();
    gym.run(&["status"]).ends(2).complains("run `chmod 600 ");
}

#[test]
fn a_changed_or_truncated_sealed_key_is_refused() {
    let gym = sealed_with(ONE);
    let path = gym.path("state/key.sealed");
    let whole = fs::read_to_string(&path).unwrap();
    let last = whole.trim_end().len() - 1;
    let changed = |at: usize| {
        let other = if &whole[at..=at] == "0" { "1" } else { "0" };
        format!("{}{other}{}", &whole[..at], &whole[at + 1..])
    };
    let refused = "it was changed after it was sealed, or is another gym's";
    let no_form = "this is not a sealed key, or not all of one";
    for (content, complaint) in [
        (changed(last), refused),
        (changed(last - 40), refused),
        (changed(40), refused),
        (whole[..last - 1].to_owned(), refused),
        (whole[..last].to_owned(), no_form),
        (whole[..30].to_owned(), no_form),
        (String::new(), no_form),
        (OWNER_KEY.to_owned(), no_form),
        (whole.replace("sealed:1:", "sealed:9:"), "use a newer one"),
    ] {
        private(&path, &content);
        run(&gym, Some(ONE), None, &["status"]).ends(2).complains(complaint);
        run(&gym, Some(ONE), Some(OTHER), &["rotate-sealing-key"]).ends(2).complains(complaint);
        assert_eq!(fs::read_to_string(&path).unwrap(), content, "it is left as it was found");
    }
    private(&path, whole);
    run(&gym, Some(ONE), None, &["status"]).ends(0);
}

#[test]
fn the_sealed_key_of_another_installation_is_refused() {
    let (gym, other) = (sealed_with(ONE), sealed_with(ONE));
    private(&gym.path("state/key.sealed"), fs::read(other.path("state/key.sealed")).unwrap());
    run(&gym, Some(ONE), None, &["status"]).ends(2).complains("or is another gym's");
    run(&gym, Some(ONE), Some(OTHER), &["rotate-sealing-key"]).ends(2).complains("or is another gym's");
    for tenant in ["", "../../../etc/passwd", "0123"] {
        private(&gym.path("state/tenant"), tenant);
        run(&gym, Some(ONE), None, &["status"]).ends(2).complains("installation's number any more");
    }
    let key = gym.path("key.txt");
    run(&gym, Some(ONE), None, &["connect", "--key-file", key.to_str().unwrap()]).ends(0);
    run(&gym, Some(ONE), None, &["status"]).ends(0);
}

#[test]
fn a_plain_key_of_an_earlier_version_is_sealed_by_the_next_command() {
    for command in [&["status"][..], &["connect"], &["sync"], &["rotate-sealing-key"]] {
        let gym = Installation::mapped();
        unseal(&gym);
        gym.run(command)
            .ends(0)
            .complains("It is sealed now; copies and backups of the folder still have it.");
        holds_no_key(&gym);
        let again = gym.run(&["status"]).ends(0);
        assert_eq!(again.err, "", "it is said once");
    }
    let gym = Installation::mapped();
    unseal(&gym);
    fs::set_permissions(gym.path("state/key"), fs::Permissions::from_mode(0o644)).unwrap();
    gym.run(&["status"]).ends(2).complains("run `chmod 600 ");
    fs::set_permissions(gym.path("state/key"), fs::Permissions::from_mode(0o600)).unwrap();
    // Sealing does not work: the key stays until it does.
    fs::write(gym.path("config"), "no folder").unwrap();
    gym.run(&["status"]).ends(2);
    assert_eq!(fs::read_to_string(gym.path("state/key")).unwrap(), OWNER_KEY);
    fs::remove_file(gym.path("config")).unwrap();
    gym.run(&["status"]).ends(0);
    holds_no_key(&gym);
}

#[test]
fn an_interrupted_sealing_continues_with_the_next_command() {
    // The number, then the sealing key, then the sealed key is written; then the key as it is goes.
    for written in 0..=3 {
        let gym = Installation::mapped();
        let (sealed, tenant) = (gym.path("state/key.sealed"), gym.path("state/tenant"));
        let (own, state) = (own(&gym), [fs::read(&sealed).unwrap(), fs::read(&tenant).unwrap()]);
        let sealing_key = fs::read(&own).unwrap();
        unseal(&gym);
        if written > 0 {
            private(&tenant, &state[1]);
        }
        if written > 1 {
            fs::create_dir_all(own.parent().unwrap()).unwrap();
            private(&own, &sealing_key);
        }
        if written > 2 {
            private(&sealed, &state[0]);
        }
        gym.run(&["status"]).ends(0).complains("It is sealed now");
        holds_no_key(&gym);
        gym.run(&["sync"]).ends(0);
    }
}

#[test]
fn a_rotation_replaces_the_installations_own_sealing_key_and_continues_after_any_interruption() {
    let gym = Installation::mapped();
    let (own, sealed) = (own(&gym), gym.path("state/key.sealed"));
    let next = own.with_extension("key.new");
    let before = (fs::read(&own).unwrap(), fs::read(&sealed).unwrap());
    gym.run(&["rotate-sealing-key"])
        .ends(0)
        .says(&["is sealed with the sealing key", "The former one was removed."]);
    let after = (fs::read(&own).unwrap(), fs::read(&sealed).unwrap());
    assert!(before.0 != after.0 && before.1 != after.1 && !next.exists());
    gym.run(&["status"]).ends(0);

    // A copy from before does not open any more.
    private(&sealed, &before.1);
    gym.run(&["status"]).ends(2).complains("cannot be opened: it was sealed with the sealing key");

    // First the new sealing key is written, then the sealed key, then the new sealing key takes the place of the former.
    for (own_is, next_is, sealed_is) in [
        (&before.0, None, &before.1),
        (&before.0, Some(&after.0), &before.1),
        (&before.0, Some(&after.0), &after.1),
        (&after.0, None, &after.1),
    ] {
        for command in ["status", "rotate-sealing-key"] {
            private(&own, own_is);
            private(&sealed, sealed_is);
            let _ = fs::remove_file(&next);
            if let Some(next_is) = next_is {
                private(&next, next_is);
            }
            gym.run(&[command]).ends(0);
            gym.run(&["sync"]).ends(0);
        }
        assert!(!next.exists() && fs::read(&own).unwrap() != before.0);
        holds_no_key(&gym);
    }
}

#[test]
fn a_rotation_replaces_a_given_sealing_key_and_one_of_both_opens_at_any_time() {
    let gym = sealed_with(ONE);
    let sealed = gym.path("state/key.sealed");
    let before = fs::read(&sealed).unwrap();
    run(&gym, Some(ONE), None, &["rotate-sealing-key"]).ends(2).complains("so the new one must be, too");
    run(&gym, Some(ONE), Some("word"), &["rotate-sealing-key"])
        .ends(2)
        .complains("HARNESS_NEW_SEALING_KEY: a ");
    run(&gym, Some(OTHER), Some(&OTHER.replace('0', "1")), &["rotate-sealing-key"]).ends(2);
    assert_eq!(fs::read(&sealed).unwrap(), before, "a rotation that does not begin changes nothing");

    // Cut off while the sealed key was written beside the former one.
    private(&gym.path("state/key.sealed.partial"), &before[..20]);
    run(&gym, Some(ONE), None, &["status"]).ends(0);
    let file = gym.path("new.key");
    private(&file, OTHER);
    let rotated = ["rotate-sealing-key", "--new-sealing-key-file", file.to_str().unwrap()];
    run(&gym, Some(ONE), Some(OTHER), &rotated).ends(2).complains("give one of both");
    for _ in 0..2 {
        run(&gym, Some(ONE), None, &rotated).ends(0).says(&["Give that one from now on"]);
        run(&gym, Some(ONE), None, &["status"]).ends(2).complains("it was sealed with the sealing key");
        run(&gym, Some(OTHER), None, &["status"]).ends(0);
    }
    // The environment was changed first, and the command is run again.
    let json = run(&gym, Some(OTHER), Some(OTHER), &["rotate-sealing-key", "--json"]).ends(0);
    assert!(json.out.contains("\"given\":true"), "{}", json.out);
    run(&gym, Some(OTHER), None, &["sync"]).ends(0);
    assert!(!gym.path("state/key.sealed.partial").exists());
    holds_no_key(&gym);
}

#[test]
fn an_installations_own_sealing_key_is_removed_when_a_given_one_replaces_it() {
    let gym = Installation::mapped();
    let own = own(&gym);
    let kept = fs::read(&own).unwrap();
    // Its own file may be given, too: then it stays.
    gym.run(&["rotate-sealing-key", "--new-sealing-key-file", own.to_str().unwrap()]).ends(0);
    gym.run(&["status"]).ends(0);
    run(&gym, None, Some(ONE), &["rotate-sealing-key"]).ends(0);
    assert!(!own.exists());
    gym.run(&["status"]).ends(2).complains("which is not here");
    // Cut off before the former one was removed, and run again.
    private(&own, kept);
    run(&gym, Some(ONE), None, &["status"]).ends(0);
    run(&gym, None, Some(ONE), &["rotate-sealing-key"]).ends(0);
    run(&gym, None, Some(ONE), &["rotate-sealing-key"]).ends(0);
    assert!(!own.exists());
    run(&gym, Some(ONE), None, &["disconnect", "--yes"]).ends(0);
    assert!(!gym.path("state").exists());
}

#[test]
fn a_rotation_that_cannot_write_leaves_a_key_that_opens_and_continues_later() {
    let gym = Installation::mapped();
    let (own, partial) = (own(&gym), gym.path("state/key.sealed.partial"));
    let (kept, sealed) = (fs::read(&own).unwrap(), fs::read(gym.path("state/key.sealed")).unwrap());
    // Nothing can be written beside the sealed key: each command really ends in the middle.
    for new in [None, Some(ONE)] {
        fs::create_dir(&partial).unwrap();
        run(&gym, None, new, &["rotate-sealing-key"]).ends(2).complains("key.sealed cannot be written");
        assert_eq!(fs::read(&own).unwrap(), kept, "the former sealing key is there");
        assert_eq!(fs::read(gym.path("state/key.sealed")).unwrap(), sealed);
        gym.run(&["status"]).ends(0);
        fs::remove_dir(&partial).unwrap();
    }
    assert!(own.with_extension("key.new").exists(), "the first of them had begun");
    gym.run(&["rotate-sealing-key"]).ends(0);
    assert!(fs::read(&own).unwrap() != kept && !own.with_extension("key.new").exists());
    gym.run(&["sync"]).ends(0);

    unseal(&gym);
    fs::remove_file(gym.path("state/key.partial")).unwrap();
    fs::create_dir(&partial).unwrap();
    gym.run(&["status"]).ends(2);
    assert_eq!(fs::read_to_string(gym.path("state/key")).unwrap(), OWNER_KEY, "it stays until it is sealed");
    fs::remove_dir(&partial).unwrap();
    gym.run(&["status"]).ends(0);
    holds_no_key(&gym);
}
