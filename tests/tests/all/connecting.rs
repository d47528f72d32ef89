//! Connecting with good and bad keys and settings, and what a key that stops working does.

use host_harness::contract::connection::State;
use host_harness::contract::types::{Demand, Error, PauseCause};
use kisi_sim::{Hand, Knobs, OrganizationRole};

use crate::world::{Arm, Failure, SETTINGS, World, member, membership};

fn world() -> World {
    World::new(Arm::Component, Knobs::default(), &["Gym"], &["basic"])
}

fn pause_of(error: Error) -> (PauseCause, String) {
    match error {
        Error { demand: Demand::Pause(cause), message, .. } => (cause, message),
        other => panic!("{other:?} is no pause"),
    }
}

#[test]
fn connecting_reads_who_and_where_and_writes_nothing() {
    let world = world();
    let connected = world.runtime.block_on(world.tenant().connect(SETTINGS)).unwrap().unwrap();
    assert_eq!(connected.groups.iter().map(|group| group.name.as_str()).collect::<Vec<_>>(), ["Gym"]);
    assert!(!connected.organization.name.is_empty() && !connected.places.is_empty());
    let calls = world.calls();
    assert!(calls.iter().all(|call| call.starts_with("GET ")), "{calls:#?}");
    assert_eq!(calls.len(), 5, "{calls:#?}");
    let health = world.runtime.block_on(world.tenant().status()).unwrap().unwrap();
    assert_eq!(health.state, State::Connected);
}

#[test]
fn settings_that_break_the_schema_are_named_with_their_field_and_nothing_is_asked() {
    let world = world();
    for (settings, path) in [
        ("", "settings"),
        ("{}", "integration"),
        (r#"{"integration":{"identifier":"G","contact":"a@b.test"},"grace_days":"two"}"#, "grace_days"),
        (r#"{"integration":{"identifier":"G","contact":"a@b.test"},"on_bloc":"all"}"#, "on_bloc"),
    ] {
        match world.connect(settings) {
            Err(Error { demand: Demand::Settings(problems), .. }) => {
                assert_eq!(problems[0].path, path, "{settings}")
            }
            other => panic!("{settings}: {other:?}"),
        }
    }
    assert_eq!(world.calls(), Vec::<String>::new());
}

#[test]
fn an_unknown_plan_or_group_in_a_mapping_is_named_and_the_earlier_mapping_stays() {
    let world = world();
    world.connect(SETTINGS).unwrap();
    world.map(&[("basic", &["Gym"])]).unwrap();
    let Err(Error { demand: Demand::Settings(problems), .. }) =
        world.map(&[("basic", &["Gym"]), ("platinum", &["Gym", "Roof"])])
    else {
        panic!("an unknown plan is refused");
    };
    let paths: Vec<&str> = problems.iter().map(|problem| problem.path.as_str()).collect();
    assert_eq!(paths, ["mappings[1].plan", "mappings[2].plan", "mappings[2].group"]);
    let kept = world.runtime.block_on(world.tenant().list_mappings()).unwrap().unwrap();
    assert_eq!(kept.len(), 1);
}

#[test]
fn a_wrong_key_and_a_key_without_rights_are_told_apart() {
    let mut world = world();
    world.use_key("this-key-does-not-exist");
    let (cause, _) = pause_of(world.connect(SETTINGS).unwrap_err());
    assert_eq!(cause, PauseCause::KeyRejected);

    let plain = world.sim.add_user("Tess", "tess@gym.test");
    let key = world.sim.add_key(plain);
    world.use_key(&key);
    let (cause, message) = pause_of(world.connect(SETTINGS).unwrap_err());
    assert_eq!(cause, PauseCause::KeyWithoutRights);
    assert!(message.contains("tess@gym.test"), "{message}");

    world
        .sim
        .hand(Hand::SetOrganizationRole { user_id: plain, role: OrganizationRole::Administrator })
        .unwrap();
    world.connect(SETTINGS).unwrap();
}

#[test]
fn a_revoked_key_pauses_once_and_a_new_one_catches_up() {
    let mut world = World::connected(Arm::Component, Knobs::default(), SETTINGS, &[("basic", &["Gym"])]);
    let owner = world.sim.keys()[0].user_id;
    world.sim.revoke_key(&world.sim.key());
    for id in ["ann", "ben"] {
        world.directory.insert(member(id, vec![membership("ms-1", "basic")]));
        let Err(Failure::Unfinished(error)) = world.deliver(id) else { panic!("a revoked key pauses") };
        assert_eq!(pause_of(error).0, PauseCause::KeyRejected);
    }
    assert_eq!(world.calls().len(), 1, "one refused request, not one a member");
    let health = world.runtime.block_on(world.tenant().status()).unwrap().unwrap();
    assert!(matches!(health.state, State::Paused(_)), "{health:?}");

    let key = world.sim.add_key(owner);
    world.use_key(&key);
    world.connect(SETTINGS).unwrap();
    for id in ["ann", "ben"] {
        world.settle(id);
        assert_eq!(world.names_of(&format!("{id}@gym.test")), ["Gym"]);
    }
}

#[test]
fn an_event_before_connecting_says_so() {
    let Err(Failure::Unfinished(error)) = world().deliver("ann") else { panic!("not connected") };
    assert_eq!(pause_of(error).0, PauseCause::NotConnected);
}

#[test]
fn a_key_of_another_organization_is_refused() {
    let mut world = world();
    let seed = kisi_sim::Seed::from_toml(
        r#"
        [[organizations]]
        name = "North"
        domain = "north"
        users = [{ name = "Nora", email = "nora@north.test", role = "owner" }]
        keys = [{ user = "nora@north.test" }]

        [[organizations]]
        name = "South"
        domain = "south"
        users = [{ name = "Sam", email = "sam@south.test", role = "owner" }]
        keys = [{ user = "sam@south.test" }]
        "#,
    )
    .unwrap();
    world.sim.reseed(&seed).unwrap();
    let keys = world.sim.keys();
    world.use_key(&keys[0].secret);
    world.connect(SETTINGS).unwrap();
    world.use_key(&keys[1].secret);
    let (cause, message) = pause_of(world.connect(SETTINGS).unwrap_err());
    assert_eq!(cause, PauseCause::OtherOrganization);
    assert!(message.contains("North") && message.contains("South"), "{message}");
}
