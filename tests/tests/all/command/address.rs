//! `harness run` against a Kisi at an address: which addresses and keys it takes, what it may change there, and how it plays.

use std::path::Path;

use axum::Router;
use kisi_sim::{Knobs, Seed, Simulator};

use super::desk::{Desk, MEMBER_KEY, OWNER_KEY, SCENARIO, serve};

/// A gym with this group, an owner's key and a plain member's.
fn gym(group: &str) -> Simulator {
    let seed = format!(
        r#"
        [[organizations]]
        name = "Box 42"
        groups = [{{ name = "{group}" }}]
        users = [{{ name = "", email = "olga@box.test", role = "owner" }}, {{ name = "", email = "mia@box.test" }}]
        keys = [
            {{ user = "olga@box.test", secret = "{OWNER_KEY}" }},
            {{ user = "mia@box.test", secret = "{MEMBER_KEY}" }},
        ]
        "#
    );
    Simulator::new(Seed::from_toml(&seed).unwrap()).unwrap()
}

/// [`SCENARIO`] without the groups that it puts into Kisi.
fn without_seeding() -> String {
    SCENARIO.replace("[[groups]]\nname = \"24/7 entrance\"\ndoors = 2\n", "")
}

#[test]
fn addresses_and_keys_that_cannot_be_used_are_refused_with_one_sentence() {
    let address = serve(&gym("24/7 entrance"), None);
    let desk = Desk::new();
    let owner = desk.file("owner.key", format!("{OWNER_KEY}\n"));
    let member = desk.file("member.key", MEMBER_KEY);
    let wrong = desk.file("wrong.key", "wrong-key-wrong-key");
    let empty = desk.file("empty.key", "\n");
    let short = desk.file("short.key", "secret\n");
    let sentence = desk.file("sentence.key", "the key is on the fridge");
    let image = desk.file("image.key", [0xff; 40]);
    let absent = desk.folder.path().join("absent.key");
    for (kisi, key, message) in [
        ("http://gym.example", &owner, "plain http"),
        ("ftp://gym.example", &owner, "--kisi ftp://gym.example"),
        ("gym.example", &owner, "--kisi gym.example"),
        ("http://127.0.0.1:1", &owner, "Kisi"),
        (&address, &absent, "cannot be read"),
        ("ftp://gym.example", &absent, "--kisi ftp://gym.example"),
        (&address, &empty, "is empty; let an administrator make an API key in Kisi"),
        (
            &address,
            &short,
            "holds no key: its length is 6, and a key has 8 to 4096 characters; let an administrator",
        ),
        (&address, &sentence, "holds no key: it has blanks or special characters, and a key is one word"),
        (&address, &image, "holds no key: it has blanks or special characters"),
        (&address, &wrong, "Kisi does not accept the key"),
        (&address, &member, "not an administrator"),
    ] {
        let ran = desk.play(&without_seeding(), &["--kisi", kisi, "--key-file", key.to_str().unwrap()]);
        let ran = ran.ends(2).complains(message);
        assert_eq!(ran.err.lines().count(), 1, "{kisi}: {}", ran.err);
    }
    desk.play(&without_seeding(), &["--kisi", &address]).ends(2).complains("--key-file");
}

#[test]
fn an_address_is_not_seeded_unless_allowed() {
    let simulator = gym("24/7 entrance");
    let address = serve(&simulator, None);
    let desk = Desk::new();
    let key = desk.file("owner.key", OWNER_KEY);
    let at = ["--kisi", &address, "--key-file", key.to_str().unwrap()];
    for (scenario, message) in [
        (SCENARIO.to_owned(), ":12:8: the scenario puts groups and people into Kisi before it begins"),
        (
            format!("{}\n[[steps]]\nadvance = \"1d\"\n", without_seeding()),
            ":40:1: the scenario lets time pass",
        ),
        (
            format!(
                "{}\n[[steps]]\nfault = {{ on = \"POST /users\", kind = \"html\" }}\n",
                without_seeding()
            ),
            "injects a fault",
        ),
        (format!("{}\n[[steps]]\nhand = \"revoke_key\"\n", without_seeding()), "does by hand"),
    ] {
        desk.play(&scenario, &at).refused(message).complains("--allow-seeding");
    }
    assert_eq!(simulator.journal().len(), 0, "nothing was sent");
}

#[test]
fn a_scenario_plays_at_an_address_through_the_real_client() {
    let simulator = gym("24/7 entrance");
    // A Kisi that shows no sign of a simulator.
    let hidden = Router::new()
        .route("/_sim", axum::routing::any(|| async { axum::http::StatusCode::NOT_FOUND }))
        .fallback_service(simulator.router());
    simulator.set_knobs(Knobs { rate_limit: false, ..Knobs::default() });
    let address = serve(&simulator, Some(hidden));
    let desk = Desk::new();
    let key = desk.file("owner.key", OWNER_KEY);
    let at = ["--kisi", &address, "--key-file", key.to_str().unwrap()];
    let ran = desk.play(&without_seeding(), &at);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    assert!(ran.out.contains(&format!("played against Kisi at {address}")), "{}", ran.out);

    let seeding = without_seeding().replace("24/7 entrance", "Pool");
    desk.play(&seeding, &at).ends(2).complains("Kisi has no group `Pool`: known are `24/7 entrance`");

    let seeding = format!(
        "{}\n[[groups]]\nname = \"Pool\"\n[[people]]\nemail = \"tom@box.test\"\nname = \"Tom\"\ngroups = [\"Pool\"]\n",
        SCENARIO.replace("ann@", "anna@")
    );
    let allowed = [&at[..], &["--allow-seeding"]].concat();
    desk.play(&seeding, &allowed).ends(0);
    let state = simulator.state();
    let pool = state.group_by_name("Pool").unwrap();
    assert_eq!(state.role_assignments_in(pool.id).count(), 1, "Tom is in the pool");
    desk.play(&format!("{seeding}\n[[steps]]\nadvance = \"1d\"\n"), &allowed)
        .ends(2)
        .complains("which only a simulator can play");
}

#[test]
fn the_demo_plays_against_a_simulator_at_an_address_as_in_this_process() {
    let simulator = gym("Something else");
    let address = serve(&simulator, None);
    let desk = Desk::new();
    let key = desk.file("owner.key", OWNER_KEY);
    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/demo.toml");
    let at =
        ["--kisi", &address, "--key-file", key.to_str().unwrap(), "--allow-seeding", "--json", "--stable"];
    let there = desk.play_file(&demo, &at).ends(0);
    let again = desk.play_file(&demo, &at);
    assert_eq!(there.out, again.out, "the second run finds the same beginning");
    assert!(simulator.state().group_by_name("Something else").is_none(), "what was there is replaced");
    assert!(simulator.state().group_by_name("Spa").is_some());
    assert_eq!(simulator.journal().iter().filter(|entry| entry.status == Some(429)).count(), 0);
}

#[test]
fn a_simulator_that_does_not_know_the_key_keeps_what_it_holds() {
    let simulator = gym("Something else");
    let address = serve(&simulator, None);
    let desk = Desk::new();
    let key = desk.file("other.key", "not-a-key-of-this-simulator");
    let before = (simulator.state(), simulator.now_ms());
    let at = ["--kisi", &address, "--key-file", key.to_str().unwrap(), "--allow-seeding"];
    for scenario in [SCENARIO.to_owned(), format!("{}\n[[steps]]\nadvance = \"1d\"\n", without_seeding())] {
        let ran = desk.play(&scenario, &at);
        ran.refused("does not know the key in --key-file, so nothing was replaced");
    }
    assert_eq!((simulator.state(), simulator.now_ms()), before);
}
