//! Connecting with good and bad keys and settings, and a key that stops working.

use std::time::Duration;

use door_access_host::contract::connection::State;
use door_access_host::contract::groups::GroupWarning;
use door_access_host::contract::sync::{Mode, Phase};
use door_access_host::contract::types::{Demand, Error, InputError, PauseCause};
use door_access_testkit::{Failure, SETTINGS, START, World, member, membership, status};
use kisi_sim::{Hand, Knobs, OrganizationRole, Seed};

fn world() -> World {
    World::builder().groups(&["Gym"]).plans(&["basic"]).build()
}

fn pause_of(error: impl Into<InputError>) -> (PauseCause, String) {
    match error.into() {
        InputError::Failed(Error { demand: Demand::Pause(cause), message, .. }) => (cause, message),
        other => panic!("{other:?} is no pause"),
    }
}

#[test]
fn connecting_reads_the_organization_and_its_groups_and_changes_nothing() {
    let world = world();
    let connected = world.connect(SETTINGS).unwrap();
    assert_eq!(connected.groups.iter().map(|group| group.name.as_str()).collect::<Vec<_>>(), ["Gym"]);
    assert!(!connected.organization.name.is_empty() && !connected.places.is_empty());
    let calls = world.calls();
    assert!(calls.iter().all(|call| call.starts_with("GET ")), "{calls:#?}");
    assert_eq!(calls.len(), 5, "{calls:#?}");
    let health = world.status();
    assert_eq!(health.state, State::Connected);
}

#[test]
fn settings_that_break_the_schema_are_named_with_their_field_without_a_request() {
    let world = world();
    for (settings, path) in [
        ("", "settings"),
        ("{}", "integration"),
        (r#"{"integration":{"identifier":"G","contact":"a@b.test"},"grace_days":"two"}"#, "grace_days"),
        (r#"{"integration":{"identifier":"G","contact":"a@b.test"},"on_bloc":"all"}"#, "on_bloc"),
    ] {
        match world.connect(settings) {
            Err(InputError::Wrong(problems)) => {
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
    let Err(InputError::Wrong(problems)) = world.map(&[("basic", &["Gym"]), ("platinum", &["Gym", "Roof"])])
    else {
        panic!("an unknown plan is refused");
    };
    let paths: Vec<&str> = problems.iter().map(|problem| problem.path.as_str()).collect();
    assert_eq!(paths, ["mappings[1].plan", "mappings[2].plan", "mappings[2].group"]);
    let kept = world.answer(world.tenant().list_mappings()).unwrap();
    assert_eq!(kept.len(), 1);
}

#[test]
fn a_wrong_key_and_a_key_without_rights_have_different_causes() {
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
    let mut world = World::connected(Knobs::default(), SETTINGS, &[("basic", &["Gym"])]);
    let owner = world.sim.keys()[0].user_id;
    world.sim.revoke_key(&world.sim.key());
    for id in ["ann", "ben"] {
        world.directory.insert(member(id, vec![membership("ms-1", "basic")]));
        let Err(Failure::Unfinished(error)) = world.deliver(id) else { panic!("a revoked key pauses") };
        assert_eq!(pause_of(error).0, PauseCause::KeyRejected);
    }
    assert_eq!(world.calls().len(), 1, "one refused request, not one a member");
    let health = world.status();
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
fn an_event_before_connecting_pauses_as_not_connected() {
    let Err(Failure::Unfinished(error)) = world().deliver("ann") else { panic!("it is not connected") };
    assert_eq!(pause_of(error).0, PauseCause::NotConnected);
}

#[test]
fn a_key_of_another_organization_is_refused() {
    let mut world = world();
    let seed = Seed::from_toml(
        r#"
        [[organizations]]
        name = "North"
        domain = "north"
        groups = [{ name = "Gym" }]
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

/// A Kisi with two places, a group in each, and one that spans them.
fn two_places() -> World {
    World::builder().seed(&kisi("North")).plans(&["basic"]).build()
}

/// Two places; the group of the north is limited to this one of them.
fn kisi(of_north: &str) -> String {
    let seed = r#"
        [knobs]
        rate_limit = false

        [[organizations]]
        name = "North and South"
        places = [{ name = "North" }, { name = "South" }]
        locks = [{ name = "North door", place = "North" }, { name = "South door", place = "South" }]
        groups = [
            { name = "All", locks = ["North door", "South door"] },
            { name = "North gym", place = "OF_NORTH", locks = ["OF_NORTH door"] },
            { name = "South gym", place = "South", locks = ["South door"] },
        ]
        users = [{ name = "Nora", email = "nora@north.test", role = "owner" }]
        keys = [{ user = "nora@north.test", secret = "the-key-of-nora-0001" }]
    "#;
    seed.replace("OF_NORTH", of_north)
}

fn place(world: &World, name: &str) -> String {
    world.sim.state().places.iter().find(|place| place.name == name).unwrap().id.to_string()
}

fn settings_with(places: &[&str]) -> String {
    format!("{},\"places\":{}}}", SETTINGS.strip_suffix('}').unwrap(), serde_json::json!(places))
}

fn problems(error: InputError) -> Vec<(String, String)> {
    match error {
        InputError::Wrong(problems) => {
            problems.into_iter().map(|problem| (problem.path, problem.message)).collect()
        }
        other => panic!("{other:?} names no field"),
    }
}

fn listed(world: &World) -> Vec<String> {
    let list = world.answer(world.tenant().list_groups()).unwrap();
    list.groups.into_iter().map(|group| group.name).collect()
}

#[test]
fn groups_of_places_that_are_not_chosen_are_not_listed() {
    let world = two_places();
    let north = place(&world, "North");
    let settings = settings_with(&[&north]);
    let connected = world.connect(&settings).unwrap();
    let places: Vec<_> = connected.places.iter().map(|place| (place.name.as_str(), place.chosen)).collect();
    assert_eq!(places, [("North", true), ("South", false)]);
    let names: Vec<&str> = connected.groups.iter().map(|group| group.name.as_str()).collect();
    assert_eq!(names, ["All", "North gym"]);
    world.refresh_groups();
    assert_eq!(listed(&world), ["All", "North gym"]);
    let refused = problems(world.map(&[("basic", &["South gym"])]).unwrap_err());
    assert_eq!(refused[0].0, "mappings[0].group");
    assert!(refused[0].1.contains("places"), "{refused:?}");
    world.map(&[("basic", &["North gym", "All"])]).unwrap();

    world.connect(SETTINGS).unwrap();
    assert_eq!(listed(&world), ["All", "North gym", "South gym"]);
}

#[test]
fn a_place_that_kisi_does_not_have_is_named_with_those_it_has() {
    let world = two_places();
    let (north, south) = (place(&world, "North"), place(&world, "South"));
    let wrong = problems(world.connect(&settings_with(&[&north, "North", "9"])).unwrap_err());
    let paths: Vec<&str> = wrong.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(paths, ["places[1]", "places[2]"]);
    for (_, message) in &wrong {
        assert!(message.contains(&format!("{north} (North)")), "{message}");
        assert!(message.contains(&format!("{south} (South)")), "{message}");
    }
    let health = world.status();
    assert_eq!(health.state, State::NotConnected);
}

#[test]
fn a_place_with_a_mapped_group_cannot_be_left_out_and_no_member_loses_access() {
    let world = two_places();
    world.connect(SETTINGS).unwrap();
    world.map(&[("basic", &["South gym"])]).unwrap();
    world.directory.insert(member("ann", vec![membership("ms-1", "basic")]));
    world.settle("ann");
    let north = place(&world, "North");
    let wrong = problems(world.connect(&settings_with(&[&north])).unwrap_err());
    assert_eq!(wrong[0].0, "places");
    assert!(wrong[0].1.contains("South gym") && wrong[0].1.contains("South,"), "{wrong:?}");
    world.settle("ann");
    assert_eq!(world.names_of("ann@gym.test"), ["South gym"]);

    world.map(&[("basic", &["North gym"])]).unwrap();
    world.connect(&settings_with(&[&north])).unwrap();
    world.settle("ann");
    assert_eq!(world.names_of("ann@gym.test"), ["North gym"], "the former group is removed as ever");
}

#[test]
fn a_mapped_group_that_moves_to_another_place_stays() {
    let world = two_places();
    let settings = settings_with(&[&place(&world, "North")]);
    world.connect(&settings).unwrap();
    world.map(&[("basic", &["North gym"])]).unwrap();
    world.sim.reseed(&Seed::from_toml(&kisi("South")).unwrap()).unwrap();
    world.refresh_groups();
    assert_eq!(listed(&world), ["All", "North gym"]);
    let mapping = world.answer(world.tenant().list_mappings()).unwrap();
    assert!(mapping.iter().all(|entry| !entry.broken), "{mapping:?}");
    world.directory.insert(member("ann", vec![membership("ms-1", "basic")]));
    world.settle("ann");
    assert_eq!(world.names_of("ann@gym.test"), ["North gym"]);
    assert_eq!(problems(world.connect(&settings).unwrap_err())[0].0, "places");
}

#[test]
fn a_kisi_without_groups_says_what_to_do_and_connects_once_there_is_one() {
    let world = World::builder().plans(&["basic"]).build();
    let InputError::Failed(error) = world.connect(SETTINGS).unwrap_err() else {
        panic!("the settings are not wrong")
    };
    assert!(matches!(error.demand, Demand::Reject), "{error:?}");
    assert!(error.message.contains("make one in Kisi"), "{}", error.message);
    assert!(world.calls().iter().all(|call| call.starts_with("GET ")));
    world.sim.add_group("Gym");
    world.connect(SETTINGS).unwrap();
    world.map(&[("basic", &["Gym"])]).unwrap();
}

#[test]
fn a_key_without_api_access_is_named_as_that() {
    let world = world();
    world.sim.add_fault(status("GET /user", 403));
    let (cause, message) = pause_of(world.connect(SETTINGS).unwrap_err());
    assert_eq!(cause, PauseCause::KeyWithoutRights);
    assert!(message.contains("API access"), "{message}");
    world.connect(SETTINGS).unwrap();
}

#[test]
fn a_paused_installation_names_the_cause_and_sends_no_request_until_it_is_connected_again() {
    let mut world = World::connected(Knobs::default(), SETTINGS, &[("basic", &["Gym"])]);
    let owner = world.sim.keys()[0].user_id;
    world.sim.revoke_key(&world.sim.key());
    let (cause, message) = pause_of(world.answer(world.tenant().refresh_groups()).unwrap_err());
    assert_eq!(cause, PauseCause::KeyRejected);
    assert_eq!(world.calls().len(), 1);
    assert!(world.deliver("ann").is_err());
    assert!(world.answer(world.tenant().refresh_groups()).is_err());
    assert!(world.answer(world.tenant().start_sync(Mode::Apply)).is_err());
    assert_eq!(world.calls(), Vec::<String>::new());
    let State::Paused(pause) = world.status().state else { panic!("it is paused") };
    assert_eq!((pause.cause, pause.message), (PauseCause::KeyRejected, message));

    // Another bad key changes the cause, and a good one ends the pause.
    let plain = world.sim.add_user("Tess", "tess@gym.test");
    let key = world.sim.add_key(plain);
    world.use_key(&key);
    pause_of(world.connect(SETTINGS).unwrap_err());
    let health = world.status();
    assert!(
        matches!(&health.state, State::Paused(pause) if pause.cause == PauseCause::KeyWithoutRights),
        "{health:?}"
    );
    let key = world.sim.add_key(owner);
    world.use_key(&key);
    world.connect(SETTINGS).unwrap();
    assert_eq!(world.status().state, State::Connected);
}

#[test]
fn the_status_has_counts_times_and_the_mapped_groups_that_open_nothing() {
    let world = two_places();
    world.connect(SETTINGS).unwrap();
    world.sim.add_group("No doors");
    let gone = world.sim.add_group("Gone");
    world.sim.add_group("No doors and not mapped");
    let south = world.group("South gym");
    world.sim.set_group_login_enabled(south, false);
    world.refresh_groups();
    world.map(&[("basic", &["North gym", "South gym", "No doors", "Gone"])]).unwrap();
    world.sim.delete_group(gone);
    world.advance(Duration::from_secs(60));
    world.refresh_groups();
    world.directory.insert(member("ann", vec![membership("ms-1", "basic")]));
    assert_eq!(world.sync(Mode::Apply).phase, Phase::Done);
    world.calls();

    let health = world.status();
    assert_eq!(world.calls(), Vec::<String>::new());
    let later = START + 60_000;
    assert_eq!(
        (health.last_checked, health.groups_refreshed, health.last_synced),
        (Some(START), Some(later), Some(later))
    );
    let counts = health.counts;
    assert_eq!((counts.groups, counts.mappings, counts.members, counts.grants), (5, 4, 1, 3));
    let flawed: Vec<(String, Vec<GroupWarning>)> =
        health.flawed_groups.into_iter().map(|group| (group.name, group.warnings)).collect();
    assert_eq!(
        flawed,
        [
            ("Gone".to_string(), vec![GroupWarning::Deleted]),
            ("No doors".to_string(), vec![GroupWarning::NoDoors]),
            ("South gym".to_string(), vec![GroupWarning::AppAccessOff]),
        ]
    );
}
