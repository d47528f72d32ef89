//! Seeds: the content of an empty and of a full one, and the errors of a wrong one.

use kisi_sim::{Seed, Simulator, format_timestamp};

use crate::peer::Peer;

#[test]
fn an_empty_seed_is_one_gym_with_an_owner_a_key_and_a_place() {
    let simulator = Simulator::new(Seed::from_toml("").unwrap()).unwrap();
    let state = simulator.state();
    let counts = (state.organizations.len(), state.users.len(), state.places.len(), simulator.keys().len());
    assert_eq!(counts, (1, 1, 1, 1));
    assert_eq!(state.role_assignments[0].role_id, "organization_owner");
    assert_eq!(simulator.keys()[0].user_id, state.users[0].id);
    assert_eq!(simulator.keys()[0].organization_id, state.organizations[0].id);
    assert_eq!(simulator.key(), simulator.keys()[0].secret);
    assert_eq!(format_timestamp(simulator.now_ms()), "2026-10-01T10:00:00.000Z");
    assert!(state.groups.is_empty() && state.locks.is_empty());
}

#[test]
fn the_example_has_its_documented_content() {
    let peer = Peer::of_example();
    let state = peer.simulator.state();
    assert_eq!(state.organizations.len(), 2);
    assert_eq!((state.places.len(), state.locks.len(), state.groups.len()), (2, 3, 3));
    let sam = state.user_by_email("SAM@example.test").unwrap();
    assert!(!sam.access_enabled);
    let held = state.role_assignments_of(sam.id).next().unwrap();
    assert_eq!(format_timestamp(held.valid_until.unwrap()), "2026-12-31T23:59:59.000Z");
    assert_eq!(peer.simulator.knobs().query_lag_ms, 1_500);
    assert_eq!(peer.simulator.keys().len(), 3);
}

#[test]
fn toml_and_json_give_the_same_seed() {
    let toml = Seed::from_toml(include_str!("../../seeds/example.toml")).unwrap();
    let json = serde_json::to_string(&toml).unwrap();
    assert_eq!(Seed::from_json(&json).unwrap(), toml);
}

#[test]
fn the_same_seed_and_calls_give_the_same_answers() {
    let run = || {
        let peer = Peer::of_example();
        let group = peer.create_group("New");
        peer.assign(peer.create_user("new@x.test"), group);
        peer.get("/role_assignments?limit=250");
        let journal = serde_json::to_string(&peer.simulator.journal()).unwrap();
        (journal, serde_json::to_string(&peer.simulator.state()).unwrap(), peer.simulator.keys())
    };
    assert_eq!(run(), run());
}

#[test]
fn one_more_user_shifts_no_other_id() {
    let extra = |users: usize| {
        let peer = Peer::new();
        for number in 0..users {
            peer.create_user(&format!("u{number}@x.test"));
        }
        peer.create_group("Basic")
    };
    assert_eq!(extra(0), extra(7));
}

#[test]
fn a_seed_that_can_not_be_read_names_line_and_place() {
    for (seed, message) in [
        ("[[organizations]]\nnmae = \"x\"", "line 2: organizations[0].nmae: unknown field `nmae`"),
        ("[knobs]\nduplicate_user = \"423\"", "line 2: knobs.duplicate_user: unknown variant `423`"),
        (
            "[[organizations]]\n[[organizations.access_hours]]\ngroup = \"A\"\nfrom = \"6\"\nuntil = \"22:00\"",
            "line 4: organizations[0].access_hours[0].from: `6` is not a time of the day",
        ),
        ("start_time = \"today\"", "line 1: start_time: `today` is not a timestamp"),
        ("[[organizations]]\n\n[[organizations.users]]\nname = \"x\"", "line 3: organizations[0].users[0]"),
        ("= 1", "line 1: the seed"),
    ] {
        let error = Seed::from_toml(seed).unwrap_err();
        assert!(error.line.is_some());
        assert!(error.to_string().starts_with(message), "{error}");
        assert_eq!(error.to_string().lines().count(), 1, "{error}");
    }
    let error = Seed::from_json("{\n\"organizations\": [{\"users\": [{\"email\": 7}]}]}").unwrap_err();
    assert!(
        error.to_string().starts_with("line 2: organizations[0].users[0].email: invalid type"),
        "{error}"
    );
    assert!(Seed::from_json("{} x").is_err());
}

#[test]
fn a_seed_with_wrong_content_names_the_place() {
    let users = "[[organizations]]\n[[organizations.users]]\nemail = \"a@x.test\"\n";
    let group = "[[organizations.groups]]\nname = \"Basic\"\n";
    let held = "[[organizations.role_assignments]]\nuser = \"a@x.test\"\n";
    for (seed, message) in [
        (
            format!("{users}{held}group = \"Basic\""),
            "organizations[0].role_assignments[0].group: there is no group `Basic`",
        ),
        (
            format!("{users}{group}{group}{held}group = \"Basic\""),
            "organizations[0].role_assignments[0].group: there is more than one",
        ),
        (
            format!("{users}{group}{held}group = \"Basic\"\nrole = \"boss\""),
            "organizations[0].role_assignments[0].role: `boss` is none of `group_manager`, `group_basic`",
        ),
        (format!("{users}{held}"), "organizations[0].role_assignments[0]: give either `group` or `place`"),
        (
            format!("{users}[[organizations.users]]\nemail = \"A@x.test\""),
            "organizations[0].users[1].email: `A@x.test` is there twice",
        ),
        (
            format!("{users}[[organizations.users]]\nemail = \"a\""),
            "organizations[0].users[1].email: `a` is not an e-mail address",
        ),
        (
            format!("{users}[[organizations.keys]]\nuser = \"b@x.test\""),
            "organizations[0].keys[0].user: there is no user",
        ),
        (
            format!("{users}[[organizations.keys]]\nsecret = \"a b\""),
            "organizations[0].keys[0].secret: must be",
        ),
        (
            "[[organizations]]\nlocked_down = [\"A\"]".to_owned(),
            "organizations[0].locked_down[0]: there is no lock `A`",
        ),
        (
            "[[organizations]]\n[[organizations.access_hours]]\ngroup = \"A\"\nfrom = \"06:00\"\nuntil = \"22:00\""
                .to_owned(),
            "organizations[0].access_hours[0].group: there is no group `A`",
        ),
        (
            "[[organizations]]\n[[organizations.locks]]\nname = \"A\"\nplace = \"B\"".to_owned(),
            "organizations[0].locks[0].place: there is no place `B`",
        ),
        (
            format!("[[organizations]]\n{group}locks = [\"A\"]"),
            "organizations[0].groups[0].locks[0]: there is no lock `A`",
        ),
        (
            "[[organizations]]\ndomain = \"x\"\n[[organizations]]\ndomain = \"x\"".to_owned(),
            "organizations[1].domain: `x` is the domain of `Gym 1` already",
        ),
    ] {
        let error = Simulator::new(Seed::from_toml(&seed).unwrap()).unwrap_err();
        assert!(error.to_string().starts_with(message), "{error}\n---\n{message}");
    }
}
