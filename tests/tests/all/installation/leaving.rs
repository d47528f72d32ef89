//! The end of an installation: what each member keeps, that no kill loses or repeats anything, that nothing stays stored, and
//! that a gym that connects again adopts what is there.

use door_access_host::contract::connection::{Departed, Departure, Person, State};
use door_access_host::contract::doors::Issued;
use door_access_host::contract::sync::{Mode, Phase};
use door_access_host::contract::types::{Demand, Error, GroupRef, InputError, PauseCause};
use door_access_testkit::{
    At, Effect, Failure, Fault, MAPPING, Report, SETTINGS, World, many, member, membership, status,
};
use kisi_sim::{Hand, OrganizationRole};

/// Ann (basic), Ben (gold) and Cleo (gold, a manager of the spa by hand) with accounts; Dora, a stranger, in the gym by hand,
/// and Ben in the pool by hand.
fn gym() -> World {
    let plans = [("ann", "basic"), ("ben", "gold"), ("cleo", "gold")];
    let one = |(id, plan): (&str, &str)| member(id, vec![membership(&format!("ms-{id}"), plan)]);
    let world = World::gym(plans.map(one).to_vec());
    world.by_hand("ann@gym.test", &[]);
    world.by_hand("ben@gym.test", &["Pool"]);
    let cleo = world.by_hand("cleo@gym.test", &[]);
    world.sim.assign(cleo, world.group("Spa"), "group_manager");
    world.by_hand("dora@gym.test", &["Gym"]);
    world
}

/// The same gym, in which all members have what memberships give.
fn in_step() -> World {
    let world = gym();
    for id in ["ann", "ben", "cleo"] {
        world.settle(id);
    }
    world.sim.clear_journal();
    world.boundary.plan(&[]);
    world
}

/// One step that is not cut off.
fn step(world: &World, what: Departure, after: Option<&str>, calls: u32) -> Result<Departed, Error> {
    world.answer(world.tenant().disconnect(what, after, calls))
}

fn told(people: &[Person]) -> Vec<String> {
    let names =
        |groups: &[GroupRef]| groups.iter().map(|group| group.name.as_str()).collect::<Vec<_>>().join("+");
    let line = |person: &Person| {
        let email = person.email.as_deref().unwrap_or("no address");
        format!("{email} removed[{}] keeps[{}]", names(&person.removed), names(&person.keeps))
    };
    people.iter().map(line).collect()
}

#[track_caller]
fn is_not_connected(error: &Error) {
    assert!(matches!(error.demand, Demand::Pause(PauseCause::NotConnected)), "{error:?}");
}

/// Runs a sync to its end and returns its report.
fn sync(world: &World) -> Report {
    let report = world.steps(&world.start_sync(Mode::Apply), 50).unwrap();
    assert_eq!(report.phase, Phase::Done);
    report
}

#[test]
fn leaving_sends_no_request_names_every_member_and_leaves_nothing_stored() {
    let world = in_step();
    let before = world.people();
    let people = world.disconnect(Departure::Leave, 20);
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
fn removing_takes_what_the_plugin_gave_and_nothing_that_staff_gave() {
    let world = gym();
    let before = world.people();
    for id in ["ann", "ben", "cleo"] {
        world.settle(id);
    }
    assert_ne!(world.people(), before, "the plugin gave something");
    let people = world.disconnect(Departure::RemoveGranted, 20);
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
fn connecting_again_adopts_what_is_there_without_an_edit() {
    let world = gym();
    sync(&world);
    world.disconnect(Departure::Leave, 20);
    let before = world.people();
    world.calls();
    world.connect(SETTINGS).unwrap();
    world.map(MAPPING).unwrap();
    let progress = sync(&world);
    assert_eq!((progress.counts.adopted, progress.counts.failures), (4, 0));
    assert_eq!(world.edits(), Vec::<String>::new());
    assert_eq!(world.people(), before);
}

#[test]
fn connecting_again_during_a_disconnect_gives_again_what_was_removed() {
    for what in [Departure::Leave, Departure::RemoveGranted] {
        let world = in_step();
        let before = world.people();
        let first = step(&world, what, None, 4).unwrap();
        assert!(!first.finished && !first.people.is_empty(), "{first:?}");
        // The record of Ann is removed, the others are not.
        step(&world, what, Some("ann"), 4).unwrap();
        world.connect(SETTINGS).unwrap();
        let progress = sync(&world);
        assert_eq!(progress.counts.failures, 0);
        assert_eq!(progress.counts.adopted > 0, what == Departure::Leave, "{progress:?}");
        assert_eq!(world.people(), before);
        for id in ["ann", "ben", "cleo"] {
            world.settle(id);
        }
        // What was removed earlier and given again is not reported as removed.
        let people = world.disconnect(Departure::Leave, 20);
        assert_eq!(people.len(), 3);
        assert!(people.iter().all(|person| person.removed.is_empty()), "{people:?}");
    }
}

#[test]
fn from_the_first_step_on_no_other_call_changes_anything() {
    let world = in_step();
    let job = world.start_sync(Mode::Apply);
    step(&world, Departure::Leave, None, 20).unwrap();
    let entries = world.storage.entries();
    world.directory.remove("ann");
    let Err(Failure::Unfinished(error)) = world.deliver("ann") else { panic!("an event is refused") };
    is_not_connected(&error);
    is_not_connected(&world.step_sync(&job, 20).unwrap_err());
    is_not_connected(&world.answer(world.tenant().start_sync(Mode::Apply)).unwrap_err());
    is_not_connected(&world.answer(world.tenant().unlock("ben", "1")).unwrap_err());
    is_not_connected(&world.answer(world.tenant().refresh_groups()).unwrap_err());
    let InputError::Failed(error) = world.map(MAPPING).unwrap_err() else { panic!("nothing is wrong") };
    is_not_connected(&error);
    assert_eq!(world.status().state, State::NotConnected);
    assert_eq!(world.calls(), Vec::<String>::new());
    assert_eq!(world.storage.entries(), entries);
}

#[test]
fn a_gym_that_was_never_connected_is_told_so_and_a_finished_disconnect_may_be_repeated() {
    let world = World::builder().groups(&["Gym"]).plans(&["basic"]).build();
    is_not_connected(&step(&world, Departure::Leave, None, 20).unwrap_err());
    let world = in_step();
    world.disconnect(Departure::Leave, 20);
    let again = step(&world, Departure::Leave, Some("cleo"), 20).unwrap();
    assert!(again.finished && again.people.is_empty(), "{again:?}");
}

#[test]
fn a_step_stays_within_its_requests_and_a_record_stays_until_the_next_step_names_the_member() {
    let world = in_step();
    let mut people: Vec<Person> = Vec::new();
    loop {
        world.calls();
        let after = people.last().map(|person| person.member.clone());
        let departed = step(&world, Departure::RemoveGranted, after.as_deref(), 4).unwrap();
        assert!(world.calls().len() <= 4);
        if departed.finished {
            break;
        }
        for person in &departed.people {
            let key = format!("member/{}", person.member);
            assert!(world.storage.entries().iter().any(|entry| entry.key == key), "{key}");
        }
        // The same call again has the same answer, and costs nothing.
        let before = world.people();
        let again = step(&world, Departure::RemoveGranted, after.as_deref(), 4).unwrap();
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
fn a_kill_anywhere_in_a_disconnect_loses_no_member_and_repeats_no_edit() {
    for what in [Departure::Leave, Departure::RemoveGranted] {
        let undisturbed = in_step();
        let expected = told(&undisturbed.disconnect(what, 6));
        let passed = undisturbed.boundary.passed();
        assert!(passed.commits > 3, "{passed:?}");
        for kill in passed.kills() {
            let world = in_step();
            world.boundary.plan(&[kill]);
            assert_eq!(told(&world.disconnect(what, 6)), expected, "{what:?}, {kill:?}");
            assert_eq!(world.people(), undisturbed.people(), "{what:?}, {kill:?}");
            assert_eq!(world.storage.entries(), [], "{what:?}, {kill:?}");
            let mut done: Vec<String> =
                world.edits().into_iter().filter(|call| call.ends_with("204")).collect();
            let all = done.len();
            done.sort();
            done.dedup();
            assert_eq!(done.len(), all, "{what:?}, {kill:?}: an edit was made twice");
        }
    }
}

#[test]
fn an_unfinished_grant_is_removed_or_reported() {
    for (what, expected) in [
        (Departure::RemoveGranted, "ann@gym.test removed[Gym] keeps[]"),
        (Departure::Leave, "ann@gym.test removed[] keeps[Gym]"),
    ] {
        let world = gym();
        // The first request finds Ann's account, the second adds her.
        world.boundary.plan(&[Fault { at: At::Request(1), effect: Effect::KillAfter }]);
        assert_eq!(world.deliver("ann"), Err(Failure::Cut));
        world.boundary.plan(&[]);
        assert_eq!(world.names_of("ann@gym.test"), ["Gym"], "it was made, and the answer was lost");
        let people = world.disconnect(what, 20);
        assert_eq!(told(&people), [expected]);
        let is_open = people[0].problem.as_ref().is_some_and(|problem| problem.contains("under way"));
        assert_eq!(is_open, what == Departure::Leave, "{people:?}");
        assert_eq!(world.names_of("ann@gym.test").is_empty(), what == Departure::RemoveGranted);
    }
}

#[test]
fn a_refused_removal_is_reported_and_does_not_stop_the_others() {
    let world = in_step();
    world.sim.add_fault(status("DELETE /role_assignments/{id}", 422));
    let people = world.disconnect(Departure::RemoveGranted, 50);
    assert_eq!(told(&people)[0], "ann@gym.test removed[] keeps[Gym]");
    assert!(people[0].problem.as_deref().unwrap().contains("refused"), "{people:?}");
    assert!(people[1..].iter().all(|person| person.keeps.is_empty() && person.problem.is_none()));
    assert_eq!(world.storage.entries(), []);
}

#[test]
fn a_grant_that_became_a_higher_role_is_not_removed() {
    let world = in_step();
    world.promote("ann@gym.test");
    let people = world.disconnect(Departure::RemoveGranted, 50);
    assert_eq!(told(&people)[0], "ann@gym.test removed[] keeps[Gym]");
    assert!(people[0].problem.as_deref().unwrap().contains("group_manager"), "{people:?}");
    assert_eq!(world.rows_of("ann@gym.test").len(), 1);
}

#[test]
fn a_key_that_lost_its_rights_pauses_and_leaving_is_still_possible() {
    let world = in_step();
    let owner = world.sim.keys()[0].user_id;
    world.sim.hand(Hand::SetOrganizationRole { user_id: owner, role: OrganizationRole::Member }).unwrap();
    let error = step(&world, Departure::RemoveGranted, None, 20).unwrap_err();
    assert!(matches!(error.demand, Demand::Pause(PauseCause::KeyWithoutRights)), "{error:?}");
    world.sim.revoke_key(&world.sim.key());
    let error = step(&world, Departure::RemoveGranted, None, 20).unwrap_err();
    assert!(matches!(error.demand, Demand::Pause(PauseCause::KeyRejected)), "{error:?}");
    assert_eq!(world.disconnect(Departure::Leave, 20).len(), 3);
    assert_eq!(world.storage.entries(), []);
}

#[test]
fn logins_that_the_plugin_issued_end() {
    let world = World::with_doors_for_ann("gold");
    assert!(matches!(world.issue_login("ann"), Ok(Issued::Login(_))));
    assert_eq!(world.logins_of("ann@gym.test").len(), 1);
    assert!(world.disconnect(Departure::RemoveGranted, 20)[0].problem.is_none());
    assert_eq!(world.logins_of("ann@gym.test").len(), 0);
}

#[test]
fn damaged_records_do_not_prevent_leaving() {
    for what in [Departure::Leave, Departure::RemoveGranted] {
        let world = in_step();
        for key in ["member/ben", "tenant/groups", "tenant/mappings"] {
            world.store(key, b"{");
        }
        if what == Departure::Leave {
            world.store("tenant/config", b"{");
        }
        let people = world.disconnect(what, 20);
        let members: Vec<&str> = people.iter().map(|person| person.member.as_str()).collect();
        assert_eq!(members, ["ann", "ben", "cleo"]);
        assert!(people[1].problem.as_deref().unwrap().contains("was damaged"), "{people:?}");
        assert_eq!(world.storage.entries(), []);
    }
}

#[test]
fn a_gym_of_many_members_ends_in_bounded_steps_with_everything_gone() {
    let world = World::gym(many(250));
    sync(&world);
    // A sync under way stores much. All of it goes, too.
    let job = world.start_sync(Mode::Preview);
    world.step_sync(&job, 4).unwrap();
    let first = step(&world, Departure::Leave, None, 4).unwrap();
    assert_eq!((first.people.len(), first.finished), (100, false));
    let people = world.disconnect(Departure::Leave, 4);
    assert_eq!(people.len(), 250);
    assert_eq!(world.storage.entries(), []);
}

#[test]
fn without_readable_settings_nothing_can_be_removed_and_leaving_is_still_possible() {
    let world = in_step();
    let before = world.people();
    world.store("tenant/config", b"{");
    let error = step(&world, Departure::RemoveGranted, None, 20).unwrap_err();
    assert!(matches!(error.demand, Demand::Pause(PauseCause::StorageDamaged)), "{error:?}");
    assert_eq!((world.calls().len(), world.people()), (0, before.clone()));
    assert_eq!(world.disconnect(Departure::Leave, 20).len(), 3);
    assert_eq!((world.people(), world.storage.entries().len()), (before, 0));
}
