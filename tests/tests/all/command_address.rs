//! `harness run` against a Kisi at an address: one that is a simulator, and one that nobody can tell from the real one.

use std::path::Path;

use axum::Router;
use kisi_sim::Knobs;

use crate::command_line::{Desk, GOOD, OWNER_KEY, gym, serve, without_seeding};

#[test]
fn a_scenario_plays_at_an_address_through_the_real_client() {
    let simulator = gym(&["24/7 entrance"]);
    // A Kisi that is no simulator, as far as anybody can tell.
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
    let ran = desk.play(&seeding, &at);
    assert_eq!(ran.code, 2, "{}", ran.out);
    assert!(ran.err.contains("Kisi has no group `Pool`: known are `24/7 entrance`"), "{}", ran.err);

    let seeding = format!(
        "{}\n[[groups]]\nname = \"Pool\"\n[[people]]\nemail = \"tom@box.test\"\nname = \"Tom\"\ngroups = [\"Pool\"]\n",
        GOOD.replace("ann@", "anna@")
    );
    let allowed = [&at[..], &["--allow-seeding"]].concat();
    let ran = desk.play(&seeding, &allowed);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    let state = simulator.state();
    let pool = state.group_by_name("Pool").unwrap();
    assert_eq!(state.role_assignments_in(pool.id).count(), 1, "Tom is in the pool");
    let ran = desk.play(&format!("{seeding}\n[[steps]]\nadvance = \"1d\"\n"), &allowed);
    assert_eq!(ran.code, 2, "{}", ran.out);
    assert!(ran.err.contains("which only a simulator can play"), "{}", ran.err);
}

#[test]
fn the_demo_plays_against_a_simulator_at_an_address_as_in_this_process() {
    let simulator = gym(&["Something else"]);
    let address = serve(&simulator, None);
    let desk = Desk::new();
    let key = desk.file("owner.key", OWNER_KEY);
    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/demo.toml");
    let at =
        ["--kisi", &address, "--key-file", key.to_str().unwrap(), "--allow-seeding", "--json", "--stable"];
    let there = desk.play_file(&demo, &at);
    assert_eq!(there.code, 0, "{}{}", there.out, there.err);
    let again = desk.play_file(&demo, &at);
    assert_eq!(there.out, again.out, "the second run finds the same beginning");
    assert!(simulator.state().group_by_name("Something else").is_none(), "what was there is replaced");
    assert!(simulator.state().group_by_name("Spa").is_some());
    assert_eq!(simulator.journal().iter().filter(|entry| entry.status == Some(429)).count(), 0);
}

#[test]
fn a_simulator_that_does_not_know_the_key_keeps_what_it_holds() {
    let simulator = gym(&["Something else"]);
    let address = serve(&simulator, None);
    let desk = Desk::new();
    let key = desk.file("other.key", "not-a-key-of-this-simulator");
    let before = (simulator.state(), simulator.now_ms());
    let at = ["--kisi", &address, "--key-file", key.to_str().unwrap(), "--allow-seeding"];
    for scenario in [GOOD.to_owned(), format!("{}\n[[steps]]\nadvance = \"1d\"\n", without_seeding())] {
        let ran = desk.play(&scenario, &at);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{}", ran.err);
        assert!(
            ran.err.contains("does not know the key in --key-file, so nothing was replaced"),
            "{}",
            ran.err
        );
    }
    assert_eq!((simulator.state(), simulator.now_ms()), before);
}
