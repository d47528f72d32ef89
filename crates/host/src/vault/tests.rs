//! What a sealed key withstands, and how sealing keys are made and replaced.

use std::fs;
#[cfg(unix)]
use std::os::unix::fs::PermissionsExt;

use super::*;

const SECRET: &str = "the-gym-s-key-0001";
const ONE: &str = "5f0c2d9be1a84763f0e1d2c3b4a5968778695a4b3c2d1e0f1122334455667788";
const OTHER: &str = "00112233445566778899aabbccddeeff5f0c2d9be1a84763f0e1d2c3b4a59687";

fn key(text: &str) -> SealingKey {
    SealingKey::parse(text).unwrap()
}

fn secret() -> Secret {
    Secret::new(SECRET).unwrap()
}

#[test]
fn a_sealed_key_opens_for_its_tenant_and_shows_nothing() {
    let vault = Vault::new(key(ONE));
    let sealed = vault.seal("north", &secret()).unwrap();
    let text = sealed.to_string();
    let kept: Sealed = format!("{text}\n").parse().unwrap();
    assert_eq!(vault.open("north", &kept).unwrap().expose(), SECRET);
    assert_ne!(vault.seal("north", &secret()).unwrap().to_string(), text, "each nonce is new");
    let hex = hex::encode(SECRET);
    for shown in [text, format!("{vault:?} {sealed:?} {:?}", vault.open("north", &kept))] {
        for plain in [SECRET, &hex, ONE, "5f0c2d"] {
            assert!(!shown.contains(plain), "{plain} in {shown}");
        }
    }
}

#[test]
fn a_key_sealed_by_another_implementation_opens() {
    // Made with another implementation of RFC 5869 and RFC 8439. The form must not change.
    let kept = "door-access-sealed:1:e58de399985cfa4e:000102030405060708090a0b:\
                bdfed5bdd533cb2404801f02f6720dde97e00b946c3f317631815d44fd6633424c89";
    let sealed: Sealed = kept.parse().unwrap();
    assert_eq!(Vault::new(key(ONE)).open("north", &sealed).unwrap().expose(), SECRET);
}

#[test]
fn another_tenants_sealed_key_is_refused() {
    let vault = Vault::new(key(ONE));
    let sealed = vault.seal("north", &secret()).unwrap();
    for tenant in ["south", "", "north ", "northern", "nort"] {
        assert_eq!(vault.open(tenant, &sealed).unwrap_err(), VaultError::Refused, "{tenant:?}");
    }
}

#[test]
fn every_changed_character_and_every_cut_is_refused() {
    let vault = Vault::new(key(ONE));
    let text = vault.seal("north", &secret()).unwrap().to_string();
    let open = |text: &str| text.parse().and_then(|sealed| vault.open("north", &sealed));
    for at in 0..text.len() {
        let mut changed = text.clone().into_bytes();
        changed[at] = if changed[at] == b'0' { b'1' } else { b'0' };
        assert!(open(&String::from_utf8(changed).unwrap()).is_err(), "changed at {at}");
        assert!(open(&text[..at]).is_err(), "cut at {at}");
    }
    assert_eq!(open(&format!("{text}00")).unwrap_err(), VaultError::Refused);
    assert_eq!(open(&format!("{text}:00")).unwrap_err(), VaultError::Form);
    assert_eq!(open(&text.replace(":1:", ":2:")).unwrap_err(), VaultError::Version(2));
    assert_eq!(open(&"0".repeat(100_000)).unwrap_err(), VaultError::Form);
}

#[test]
fn the_readable_version_and_key_id_are_authenticated() {
    let one = key(ONE);
    assert_ne!(bound(1, one.id(), "north"), bound(2, one.id(), "north"));
    assert_ne!(bound(1, one.id(), "north"), bound(1, key(OTHER).id(), "north"));
}

#[test]
fn a_wrong_sealing_key_is_named_by_its_id() {
    let (one, other) = (key(ONE), key(OTHER));
    let sealed = Vault::new(one.clone()).seal("north", &secret()).unwrap();
    let error = Vault::new(other.clone()).open("north", &sealed).unwrap_err();
    assert_eq!(error, VaultError::UnknownKey { sealed_with: one.id(), given: vec![other.id()] });
    let text = error.to_string();
    assert!(text.contains(&one.id().to_string()) && text.contains(&other.id().to_string()), "{text}");
    assert!(!ONE.contains(&one.id().to_string()), "the id is not part of the key");
}

#[test]
fn both_keys_open_while_a_sealing_key_is_replaced() {
    let (one, other) = (key(ONE), key(OTHER));
    let before = Vault::new(one.clone()).seal("north", &secret()).unwrap();
    let both = Vault::new(other.clone()).with_former(one);
    let after = both.reseal("north", &before).unwrap().unwrap();
    assert_eq!(after.key(), other.id());
    for sealed in [&before, &after] {
        assert_eq!(both.open("north", sealed).unwrap().expose(), SECRET);
    }
    assert_eq!(Vault::new(other).open("north", &after).unwrap().expose(), SECRET);
    assert_eq!(both.reseal("north", &after).unwrap(), None, "the second time there is nothing to do");
    assert_eq!(
        both.reseal("south", &after).unwrap_err(),
        VaultError::Refused,
        "a sealed key is always opened first"
    );
}

#[test]
fn an_invalid_sealing_key_is_refused_without_repeating_it() {
    for text in
        ["", "secret-word", &ONE[1..], &format!("{ONE}00"), &ONE.replace('5', "g"), &ONE.replace('5', "é")]
    {
        let error = SealingKey::parse(text).unwrap_err();
        assert!(matches!(error, SealingKeyError::Form), "{text:?}: {error:?}");
        assert!(text.is_empty() || !format!("{error} {error:?}").contains(text), "{error}");
    }
    let zeros = SealingKey::parse(&"0".repeat(64)).unwrap_err();
    assert!(matches!(zeros, SealingKeyError::Placeholder), "{zeros:?}");
    assert_eq!(key(&format!(" {ONE}\n")).id(), key(&ONE.to_uppercase()).id());
}

#[cfg(unix)]
#[test]
fn a_sealing_key_file_is_private_or_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("more/sealing.key");
    let made = SealingKey::create(&path).unwrap();
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
    assert_eq!(SealingKey::read(&path).unwrap().id(), made.id());
    let names: Vec<_> =
        fs::read_dir(path.parent().unwrap()).unwrap().flatten().map(|f| f.file_name()).collect();
    assert_eq!(names, ["sealing.key"], "no other file is left");

    let again = SealingKey::create(&path).unwrap_err();
    assert!(matches!(again, SealingKeyError::File { done: "made", .. }), "{again:?}");
    assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    assert_eq!(SealingKey::read(&path).unwrap().id(), made.id(), "an existing key is never replaced");

    for open in [0o640, 0o604, 0o620, 0o602, 0o601] {
        fs::set_permissions(&path, fs::Permissions::from_mode(open)).unwrap();
        let error = SealingKey::read(&path).unwrap_err();
        assert!(matches!(error, SealingKeyError::Shared(_)), "{open:o}: {error:?}");
        assert!(error.to_string().contains("run `chmod 600 "), "{error}");
    }
    fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
    assert!(SealingKey::read(&path).is_ok());
}

#[cfg(unix)]
#[test]
fn folders_above_a_sealing_key_are_the_users_decision() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("own/sealing.key");
    for mode in [0o770, 0o777] {
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(mode)).unwrap();
        let made = SealingKey::create(&path).unwrap();
        assert_eq!(SealingKey::read(&path).unwrap().id(), made.id(), "{mode:o}");
        fs::remove_dir_all(folder.path().join("own")).unwrap();
    }
}

#[cfg(unix)]
#[test]
fn an_interrupted_attempt_to_make_a_key_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700)).unwrap();
    fs::write(folder.path().join("sealing.key.partial"), ONE).unwrap();
    SealingKey::create(&folder.path().join("sealing.key")).unwrap();
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[cfg(target_os = "linux")]
#[test]
fn a_sealing_key_comes_through_a_pipe() {
    use std::io::Write;
    use std::os::fd::AsRawFd;
    let (read, mut write) = std::io::pipe().unwrap();
    writeln!(write, "{ONE}").unwrap();
    drop(write);
    let path = format!("/dev/fd/{}", read.as_raw_fd());
    assert_eq!(SealingKey::read(path.as_ref()).unwrap().id(), key(ONE).id());
}

#[cfg(unix)]
#[test]
fn a_file_without_a_sealing_key_is_refused_without_repeating_its_content() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sealing.key");
    let read = |content: &[u8]| {
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        SealingKey::read(&path).unwrap_err()
    };
    for content in [&b"my-pass-word"[..], b"", b"\xff\xfe", &[b'a'; 100_000], &ONE.as_bytes()[..40]] {
        let error = read(content);
        assert!(matches!(error, SealingKeyError::Content { .. }), "{error:?}");
        let text = format!("{error} {error:?}");
        assert!(
            text.contains("sealing.key") && !text.contains("my-pass-word") && !text.contains(&ONE[..20]),
            "{text}"
        );
    }
    fs::remove_file(&path).unwrap();
    let missing = SealingKey::read(&path).unwrap_err();
    // Callers create a key that does not exist, and only such a key.
    let SealingKeyError::File { done: "read", error, .. } = missing else { panic!("{missing:?}") };
    assert_eq!(error.kind(), std::io::ErrorKind::NotFound);
}
