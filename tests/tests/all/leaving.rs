//! The end of an installation: who keeps what, that nothing is lost or done twice however often it is cut off, that
//! nothing stays behind, and that coming back finds what is there.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use door_access_host::contract::connection::{Departed, Departure, Person, State};
use door_access_host::contract::doors::{Issued, Phone};
use door_access_host::contract::storage::{Precondition, Write};
use door_access_host::contract::sync::{Mode, Phase};
use door_access_host::contract::types::{Demand, Error, InputError, PauseCause};
use door_access_host::{CallError, Moment, Storage, Verdict};
use kisi_sim::{Fault, FaultEffect, Hand, Knobs, OrganizationRole};

use crate::access::with_ann;
use crate::world::{Arm, Cut, Failure, SETTINGS, World, member, membership};

const MAPPING: &[(&str, &[&str])] = &[("basic", &["Gym"]), ("gold", &["Gym", "Spa"])];

/// Ann (basic), Ben (gold) and Cleo (gold, a manager of the spa by hand) at Kisi through the plugin; Dora, a stranger,
/// in the gym by hand, and Ben in the pool by hand.
fn gym() -> World {
    let world = World::connected(Arm::Component, Knobs::default(), SETTINGS, MAPPING);
    let pool = world.sim.add_group("Pool");
    for (id, plan) in [("ann", "basic"), ("ben", "gold"), ("cleo", "gold")] {
        let user = world.sim.add_user(id, &format!("{id}@gym.test"));
        if id == "ben" {
            world.sim.assign(user, pool, "group_basic");
        }
        if id == "cleo" {
            world.sim.assign(user, group(&world, "Spa"), "group_manager");
        }
        world.directory.insert(member(id, vec![membership(&format!("ms-{id}"), plan)]));
    }
    let dora = world.sim.add_user("dora", "dora@gym.test");
    world.sim.assign(dora, group(&world, "Gym"), "group_basic");
    world
}

/// The same with everybody in step.
fn in_step() -> World {
    let world = gym();
    for id in ["ann", "ben", "cleo"] {
        world.settle(id);
    }
    world.sim.clear_journal();
    world.cut(None);
    world
}

fn group(world: &World, name: &str) -> u64 {
    world.sim.state().group_by_name(name).unwrap().id
}

/// One step; nothing when the call was cut off.
fn step(world: &World, what: Departure, after: Option<&str>, calls: u32) -> Option<Result<Departed, Error>> {
    match world.runtime.block_on(world.tenant().disconnect(what, after, calls)) {
        Ok(answer) => Some(answer),
        Err(CallError::Aborted(_)) => None,
        Err(error) => panic!("the call failed: {error}"),
    }
}

/// Steps as a host does that may die at any time: it keeps the answers, and repeats what it has no answer of.
fn disconnect(world: &World, what: Departure, calls: u32) -> Vec<Person> {
    let mut people: Vec<Person> = Vec::new();
    for _ in 0..1_000 {
        let after = people.last().map(|person| person.member.clone());
        match step(world, what, after.as_deref(), calls) {
            None => world.cut(None),
            Some(Err(Error { demand: Demand::Retry(_), .. })) => {}
            Some(answer) => {
                let departed = answer.unwrap();
                people.extend(departed.people);
                if departed.finished {
                    return people;
                }
            }
        }
    }
    panic!("the installation does not end");
}

fn told(people: &[Person]) -> Vec<String> {
    let names = |groups: &[door_access_host::contract::types::GroupRef]| {
        groups.iter().map(|group| group.name.as_str()).collect::<Vec<_>>().join("+")
    };
    let line = |person: &Person| {
        let email = person.email.as_deref().unwrap_or("nobody");
        format!("{email} removed[{}] keeps[{}]", names(&person.removed), names(&person.keeps))
    };
    people.iter().map(line).collect()
}

fn edits(world: &World) -> Vec<String> {
    world.calls().into_iter().filter(|call| !call.starts_with("GET ")).collect()
}

#[track_caller]
fn is_not_connected(error: &Error) {
    assert!(matches!(error.demand, Demand::Pause(PauseCause::NotConnected)), "{error:?}");
}

fn sync(world: &World) -> door_access_host::contract::sync::Progress {
    let job = world.runtime.block_on(world.tenant().start_sync(Mode::Apply)).unwrap().unwrap();
    for _ in 0..1_000 {
        let stepped = world.runtime.block_on(world.tenant().step_sync(&job, 50)).unwrap().unwrap();
        if stepped.progress.phase == Phase::Done {
            return stepped.progress;
        }
    }
    panic!("the reconciliation does not end");
}

#[test]
fn leaving_asks_kisi_nothing_names_everybody_and_leaves_nothing_behind() {
    let world = in_step();
    let before = world.people();
    let people = disconnect(&world, Departure::Leave, 20);
    assert_eq!(
        told(&people),
        [
            "ann@gym.test removed[] keeps[Gym]",
            "ben@gym.test removed[] keeps[Gym+Spa]",
            "cleo@gym.test removed[] keeps[Gym]",
        ]
    );
    assert_eq!(world.calls(), Vec::<String>::new());
    assert_eq!(world.people(), before);
    assert_eq!(world.storage.entries(), []);
}

#[test]
fn removing_takes_what_the_plugin_gave_and_nothing_that_others_gave() {
    let world = gym();
    let before = world.people();
    for id in ["ann", "ben", "cleo"] {
        world.settle(id);
    }
    assert_ne!(world.people(), before, "the plugin gave something");
    let people = disconnect(&world, Departure::RemoveGranted, 20);
    assert_eq!(
        told(&people),
        [
            "ann@gym.test removed[Gym] keeps[]",
            "ben@gym.test removed[Gym+Spa] keeps[]",
            "cleo@gym.test removed[Gym] keeps[]",
        ]
    );
    assert!(people.iter().all(|person| person.problem.is_none()), "{people:?}");
    assert_eq!(world.people(), before, "Kisi is as it was");
    assert_eq!(world.storage.entries(), []);
}

#[test]
fn coming_back_adopts_what_is_there_without_an_edit() {
    let world = gym();
    sync(&world);
    disconnect(&world, Departure::Leave, 20);
    let before = world.people();
    world.calls();
    world.connect(SETTINGS).unwrap();
    world.map(MAPPING).unwrap();
    let progress = sync(&world);
    assert_eq!((progress.counts.adopted, progress.counts.failures), (4, 0));
    assert_eq!(edits(&world), Vec::<String>::new());
    assert_eq!(world.people(), before);
}

#[test]
fn coming_back_in_the_middle_works_and_gives_again_what_was_taken() {
    for what in [Departure::Leave, Departure::RemoveGranted] {
        let world = in_step();
        let before = world.people();
        let first = step(&world, what, None, 4).unwrap().unwrap();
        assert!(!first.finished && !first.people.is_empty(), "{first:?}");
        // Ann is forgotten, the others are not.
        step(&world, what, Some("ann"), 4).unwrap().unwrap();
        world.connect(SETTINGS).unwrap();
        let progress = sync(&world);
        assert_eq!(progress.counts.failures, 0);
        assert_eq!(progress.counts.adopted > 0, what == Departure::Leave, "{progress:?}");
        assert_eq!(world.people(), before);
        for id in ["ann", "ben", "cleo"] {
            world.settle(id);
        }
        // What was taken earlier and given again is not told as taken.
        let people = disconnect(&world, Departure::Leave, 20);
        assert_eq!(people.len(), 3);
        assert!(people.iter().all(|person| person.removed.is_empty()), "{people:?}");
    }
}

#[test]
fn from_the_first_step_on_nothing_changes_anything() {
    let world = in_step();
    let job = world.runtime.block_on(world.tenant().start_sync(Mode::Apply)).unwrap().unwrap();
    step(&world, Departure::Leave, None, 20).unwrap().unwrap();
    let entries = world.storage.entries();
    world.directory.remove("ann");
    let Err(Failure::Unfinished(error)) = world.deliver("ann") else { panic!("an event is refused") };
    is_not_connected(&error);
    let tenant = world.tenant();
    is_not_connected(&world.runtime.block_on(tenant.step_sync(&job, 20)).unwrap().unwrap_err());
    is_not_connected(&world.runtime.block_on(tenant.start_sync(Mode::Apply)).unwrap().unwrap_err());
    is_not_connected(&world.runtime.block_on(tenant.unlock("ben", "1")).unwrap().unwrap_err());
    is_not_connected(&world.runtime.block_on(tenant.refresh_groups()).unwrap().unwrap_err());
    let InputError::Failed(error) = world.map(MAPPING).unwrap_err() else { panic!("nothing is wrong") };
    is_not_connected(&error);
    assert_eq!(world.runtime.block_on(tenant.status()).unwrap().unwrap().state, State::NotConnected);
    assert_eq!(world.calls(), Vec::<String>::new());
    assert_eq!(world.storage.entries(), entries);
}

#[test]
fn whoever_was_never_connected_is_told_and_what_is_finished_may_be_asked_for_again() {
    let world = World::new(Arm::Component, Knobs::default(), &["Gym"], &["basic"]);
    is_not_connected(&step(&world, Departure::Leave, None, 20).unwrap().unwrap_err());
    let world = in_step();
    disconnect(&world, Departure::Leave, 20);
    let again = step(&world, Departure::Leave, Some("cleo"), 20).unwrap().unwrap();
    assert!(again.finished && again.people.is_empty(), "{again:?}");
}

#[test]
fn a_step_sends_no_more_than_it_may_and_a_person_stays_until_the_next_one_names_them() {
    let world = in_step();
    let mut people: Vec<Person> = Vec::new();
    loop {
        world.calls();
        let after = people.last().map(|person| person.member.clone());
        let departed = step(&world, Departure::RemoveGranted, after.as_deref(), 4).unwrap().unwrap();
        assert!(world.calls().len() <= 4);
        if departed.finished {
            break;
        }
        for person in &departed.people {
            let key = format!("member/{}", person.member);
            assert!(world.storage.entries().iter().any(|entry| entry.key == key), "{key}");
        }
        // Whoever asks again is told the same, and it costs nothing.
        let before = world.people();
        let again = step(&world, Departure::RemoveGranted, after.as_deref(), 4).unwrap().unwrap();
        let same = told(&again.people)[..departed.people.len()].to_vec();
        assert_eq!(same, told(&departed.people));
        if again.people.len() == departed.people.len() {
            assert_eq!(world.people(), before);
        }
        people.extend(again.people);
    }
    assert_eq!(people.len(), 3);
    assert_eq!(world.storage.entries(), []);
}

#[test]
fn a_kill_anywhere_loses_nobody_and_repeats_no_edit() {
    for what in [Departure::Leave, Departure::RemoveGranted] {
        let reference = in_step();
        let commits_before = reference.storage.commits();
        let expected = told(&disconnect(&reference, what, 6));
        let (requests, commits) = (reference.wire.sent(), reference.storage.commits() - commits_before);
        assert!(commits > 3, "{commits}");
        let finish = |world: &World, how: &str| {
            assert_eq!(told(&disconnect(world, what, 6)), expected, "{how}");
            assert_eq!(world.people(), reference.people(), "{how}");
            assert_eq!(world.storage.entries(), [], "{how}");
            let mut done: Vec<String> =
                edits(world).into_iter().filter(|call| call.ends_with("204")).collect();
            let all = done.len();
            done.sort();
            done.dedup();
            assert_eq!(done.len(), all, "{how}: an edit was made twice");
        };
        for number in 0..requests {
            for cut in [Cut::BeforeSending(number), Cut::AfterCommit(number)] {
                let world = in_step();
                world.cut(Some(cut));
                finish(&world, &format!("{what:?}, {cut:?}"));
            }
        }
        for number in 0..commits {
            for moment in [Moment::Before, Moment::After] {
                let world = in_step();
                let seen = Arc::new(AtomicU64::new(0));
                world.storage.on_commit(move |now, _| {
                    if now == moment && seen.fetch_add(1, Ordering::SeqCst) == number {
                        return Verdict::Abort("the host was killed".to_string());
                    }
                    Verdict::Proceed
                });
                finish(&world, &format!("{what:?}, commit {number}, {moment:?}"));
            }
        }
    }
}

#[test]
fn an_unfinished_grant_is_found_and_taken_and_left_alone_it_is_told() {
    for (what, expected) in [
        (Departure::RemoveGranted, "ann@gym.test removed[Gym] keeps[]"),
        (Departure::Leave, "ann@gym.test removed[] keeps[Gym]"),
    ] {
        let world = gym();
        // The first request finds Ann's account, the second adds her.
        world.cut(Some(Cut::AfterCommit(1)));
        assert_eq!(world.deliver("ann"), Err(Failure::Cut));
        world.cut(None);
        assert_eq!(world.names_of("ann@gym.test"), ["Gym"], "it was made and nobody heard");
        let people = disconnect(&world, what, 20);
        assert_eq!(told(&people), [expected]);
        let is_open = people[0].problem.as_ref().is_some_and(|problem| problem.contains("under way"));
        assert_eq!(is_open, what == Departure::Leave, "{people:?}");
        assert_eq!(world.names_of("ann@gym.test").is_empty(), what == Departure::RemoveGranted);
    }
}

#[test]
fn a_refused_edit_is_told_and_does_not_stop_the_others() {
    let world = in_step();
    let refused = FaultEffect::Status { status: 422, retry_after_s: None };
    world.sim.add_fault(Fault::new("DELETE /role_assignments/{id}", refused).unwrap());
    let people = disconnect(&world, Departure::RemoveGranted, 50);
    assert_eq!(told(&people)[0], "ann@gym.test removed[] keeps[Gym]");
    assert!(people[0].problem.as_deref().unwrap().contains("refused"), "{people:?}");
    assert!(people[1..].iter().all(|person| person.keeps.is_empty() && person.problem.is_none()));
    assert_eq!(world.storage.entries(), []);
}

#[test]
fn a_grant_that_became_a_higher_role_is_not_taken() {
    let world = in_step();
    let state = world.sim.state();
    let ann = state.user_by_email("ann@gym.test").unwrap().id;
    let row = state.role_assignments_of(ann).next().unwrap().id;
    world.sim.hand(Hand::SetRole { id: row, role: "group_manager".to_string() }).unwrap();
    let people = disconnect(&world, Departure::RemoveGranted, 50);
    assert_eq!(told(&people)[0], "ann@gym.test removed[] keeps[Gym]");
    assert!(people[0].problem.as_deref().unwrap().contains("group_manager"), "{people:?}");
    assert_eq!(world.sim.state().role_assignments_of(ann).count(), 1);
}

#[test]
fn a_key_that_lost_its_rights_pauses_and_leaving_is_still_possible() {
    let world = in_step();
    let owner = world.sim.keys()[0].user_id;
    world.sim.hand(Hand::SetOrganizationRole { user_id: owner, role: OrganizationRole::Member }).unwrap();
    let error = step(&world, Departure::RemoveGranted, None, 20).unwrap().unwrap_err();
    assert!(matches!(error.demand, Demand::Pause(PauseCause::KeyWithoutRights)), "{error:?}");
    world.sim.revoke_key(&world.sim.key());
    let error = step(&world, Departure::RemoveGranted, None, 20).unwrap().unwrap_err();
    assert!(matches!(error.demand, Demand::Pause(PauseCause::KeyRejected)), "{error:?}");
    assert_eq!(disconnect(&world, Departure::Leave, 20).len(), 3);
    assert_eq!(world.storage.entries(), []);
}

#[test]
fn logins_that_the_plugin_issued_end() {
    let world = with_ann("gold");
    let phone =
        Phone { brand: "Apple".to_string(), model: "iPhone 17".to_string(), system: "iOS".to_string() };
    let issued = world.runtime.block_on(world.tenant().issue_login("ann", &phone)).unwrap();
    assert!(matches!(issued, Ok(Issued::Login(_))));
    let working = |world: &World| {
        let state = world.sim.state();
        let ann = state.user_by_email("ann@gym.test").unwrap().id;
        state.logins_of(ann).count()
    };
    assert_eq!(working(&world), 1);
    assert!(disconnect(&world, Departure::RemoveGranted, 20)[0].problem.is_none());
    assert_eq!(working(&world), 0);
}

#[test]
fn damaged_records_keep_nobody_from_leaving() {
    for what in [Departure::Leave, Departure::RemoveGranted] {
        let world = in_step();
        let damage = |key: &str| Write {
            key: key.to_string(),
            value: Some(b"{".to_vec()),
            requires: Precondition::None,
        };
        let mut damaged = vec![damage("member/ben"), damage("tenant/groups"), damage("tenant/mappings")];
        if what == Departure::Leave {
            damaged.push(damage("tenant/config"));
        }
        world.runtime.block_on(world.storage.commit(damaged)).unwrap();
        let people = disconnect(&world, what, 20);
        let members: Vec<&str> = people.iter().map(|person| person.member.as_str()).collect();
        assert_eq!(members, ["ann", "ben", "cleo"]);
        assert!(people[1].problem.as_deref().unwrap().contains("was damaged"), "{people:?}");
        assert_eq!(world.storage.entries(), []);
    }
}

#[test]
fn a_gym_of_many_members_ends_in_bounded_steps_with_everything_gone() {
    let world = World::connected(Arm::Component, Knobs::default(), SETTINGS, MAPPING);
    for number in 0..250 {
        let id = format!("m-{number:03}");
        world.directory.insert(member(&id, vec![membership(&id, "basic")]));
    }
    sync(&world);
    // A sync under way keeps a lot, which goes, too.
    let job = world.runtime.block_on(world.tenant().start_sync(Mode::Preview)).unwrap().unwrap();
    world.runtime.block_on(world.tenant().step_sync(&job, 4)).unwrap().unwrap();
    let first = step(&world, Departure::Leave, None, 4).unwrap().unwrap();
    assert_eq!((first.people.len(), first.finished), (100, false));
    let people = disconnect(&world, Departure::Leave, 4);
    assert_eq!(people.len(), 250);
    assert_eq!(world.storage.entries(), []);
}

#[test]
fn without_readable_settings_nothing_can_be_taken_and_leaving_is_still_possible() {
    let world = in_step();
    let before = world.people();
    let damage =
        Write { key: "tenant/config".to_string(), value: Some(b"{".to_vec()), requires: Precondition::None };
    world.runtime.block_on(world.storage.commit(vec![damage])).unwrap();
    let error = step(&world, Departure::RemoveGranted, None, 20).unwrap().unwrap_err();
    assert!(matches!(error.demand, Demand::Pause(PauseCause::StorageDamaged)), "{error:?}");
    assert_eq!((world.calls().len(), world.people()), (0, before.clone()));
    assert_eq!(disconnect(&world, Departure::Leave, 20).len(), 3);
    assert_eq!((world.people(), world.storage.entries().len()), (before, 0));
}
