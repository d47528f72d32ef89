//! Doors: the list of a member, opening one, and logins for branded apps, against a Kisi that evaluates access.

use door_access_host::ExchangeEnd;
use door_access_host::contract::access::Cause;
use door_access_host::contract::doors::{Attempt, Issued, Login};
use door_access_host::contract::types::{Demand, Error, MemberStatus, MembershipStatus, PauseCause};
use door_access_testkit::{At, Effect, SETTINGS, World, member, membership, phone, settings, status};
use kisi_sim::{
    AccessHours, EventType, Fault, FaultEffect, Hand, Knobs, LockdownStatus, OfflineStatus, OrganizationRole,
};

const ANN: &str = "ann";
const EMAIL: &str = "ann@gym.test";

/// Why a door stays shut, and what the front desk reads.
fn refused(world: &World, name: &str) -> (Cause, String) {
    match world.unlock(ANN, name) {
        Ok(Attempt::Refused(reason)) => (reason.cause, reason.for_staff),
        other => panic!("{name}: {other:?}"),
    }
}

fn listed(world: &World, member: &str) -> Vec<String> {
    let doors = world.list_doors(member);
    assert_eq!(world.calls(), Vec::<String>::new(), "a list sends no request");
    doors.into_iter().map(|door| door.name).collect()
}

fn login(world: &World) -> Login {
    match world.issue_login(ANN) {
        Ok(Issued::Login(login)) => login,
        other => panic!("{other:?}"),
    }
}

fn revoke(world: &World, member: &str, login: &str) -> Result<(), Error> {
    world.answer(world.tenant().revoke_login(member, login))
}

fn block(world: &World) {
    assert!(world.directory.update(ANN, |ann| ann.status = MemberStatus::Blocked));
}

#[test]
fn the_list_has_the_doors_that_open_now() {
    let world = World::with_doors_for_ann("gold");
    assert_eq!(listed(&world, ANN), ["Front door", "Sauna", "Annex door"]);
    assert_eq!(listed(&world, "nobody"), Vec::<String>::new());
    world.directory.update(ANN, |ann| ann.memberships[0].status = MembershipStatus::Frozen);
    assert_eq!(listed(&world, ANN), Vec::<String>::new());
    assert_eq!(listed(&World::with_doors_for_ann("cards"), ANN), Vec::<String>::new());
}

#[test]
fn a_door_opens_after_kisi_confirmed_access_and_kisis_event_names_the_keys_owner() {
    let world = World::with_doors_for_ann("gold");
    assert_eq!(world.unlock(ANN, "Sauna"), Ok(Attempt::Opened));
    let user = world.user(EMAIL);
    let of_user = format!("assignee_type=User&assignee_id={user}&limit=250&offset=0");
    assert_eq!(
        world.calls(),
        [
            format!("GET /users/{user} -> 200"),
            format!("GET /role_assignments?{of_user} -> 200"),
            format!("POST /locks/{}/unlock -> 200", world.door("Sauna")),
        ]
    );
    let event = world.sim.events().pop().unwrap();
    assert_eq!(event.event_type, EventType::LockUnlock);
    assert_ne!(event.actor_email.as_deref(), Some(EMAIL));
}

#[test]
fn a_door_outside_the_members_groups_is_refused_without_a_request() {
    let world = World::with_doors_for_ann("basic");
    assert_eq!(refused(&world, "Sauna").0, Cause::OtherDoor);
    world.directory.update(ANN, |ann| ann.memberships[0].status = MembershipStatus::Frozen);
    assert_eq!(refused(&world, "Front door").0, Cause::Paused);
    block(&world);
    assert_eq!(refused(&world, "Front door").0, Cause::Blocked);
    assert_eq!(
        refused(&World::with_doors_for_ann("cards"), "Office").0,
        Cause::OtherDoor,
        "its members need a card"
    );
    let nowhere = world.answer(world.tenant().unlock(ANN, "1"));
    assert!(matches!(nowhere, Err(Error { demand: Demand::Reject, .. })), "{nowhere:?}");
    assert_eq!(world.calls(), Vec::<String>::new());
}

#[test]
fn the_owners_key_does_not_open_a_door_past_kisis_restricted_hours() {
    // Asked with the owner's key, Kisi would open at any hour.
    let world = World::with_doors_for_ann("gold");
    let group = world.group("Spa");
    let hours = AccessHours::new("06:00", "07:00").unwrap();
    world.sim.set_group_access_hours(group, Some(hours));
    world.refresh_groups();
    world.calls();
    assert_eq!(refused(&world, "Sauna").0, Cause::Restricted);
    assert_eq!(world.calls(), Vec::<String>::new());
    assert_eq!(world.unlock(ANN, "Front door"), Ok(Attempt::Opened), "the gym's group has it, too");
}

#[test]
fn an_offline_or_locked_down_door_is_named_as_that_whatever_status_kisi_uses() {
    for (offline_status, lockdown_status) in [
        (OfflineStatus::Unavailable, LockdownStatus::Forbidden),
        (OfflineStatus::Conflict, LockdownStatus::Conflict),
    ] {
        let world = World::with_doors_for_ann("gold");
        let knobs = world.sim.knobs();
        world.sim.set_knobs(Knobs { offline_status, lockdown_status, ..knobs });
        let sauna = world.door("Sauna");
        world.sim.set_lock_online(sauna, false);
        assert_eq!(refused(&world, "Sauna").0, Cause::DoorOffline);
        world.sim.set_lock_online(sauna, true);
        world.sim.set_lock_locked_down(sauna, true);
        assert_eq!(refused(&world, "Sauna").0, Cause::LockedDown);
        assert_eq!(world.unlock(ANN, "Front door"), Ok(Attempt::Opened));
        world.sim.set_lock_locked_down(sauna, false);
        let place = world.sim.state().places[0].id;
        world.sim.set_place_locked_down(place, true);
        let (cause, staff) = refused(&world, "Front door");
        assert_eq!(cause, Cause::LockedDown);
        assert!(staff.contains("place") && staff.contains("fad002"), "{staff}");
    }
}

#[test]
fn a_denial_has_a_plain_reason_and_an_unknown_one_quotes_kisi() {
    // A key whose owner is no administrator any more, and holds nothing.
    let world = World::with_doors_for_ann("gold");
    let owner = world.sim.keys()[0].user_id;
    world.sim.hand(Hand::SetOrganizationRole { user_id: owner, role: OrganizationRole::Member }).unwrap();
    let stopped = world.unlock(ANN, "Sauna");
    assert!(
        matches!(&stopped, Err(Error { demand: Demand::Pause(PauseCause::KeyWithoutRights), .. })),
        "{stopped:?}"
    );
    let world = World::with_doors_for_ann("gold");
    world.sim.add_fault(status("POST /locks/{id}/unlock", 403));
    let (cause, staff) = refused(&world, "Sauna");
    assert_eq!(cause, Cause::Denied);
    assert!(staff.contains("403"), "{staff}");
}

#[test]
fn a_lost_answer_to_an_unlock_is_reported_as_unknown_and_never_retried() {
    for effect in [
        FaultEffect::DropAfterCommit {},
        FaultEffect::DropBeforeCommit {},
        FaultEffect::StatusAfterCommit { status: 503 },
        FaultEffect::Html {},
    ] {
        let world = World::with_doors_for_ann("gold");
        world.sim.add_fault(Fault::new("POST /locks/{id}/unlock", effect.clone()).unwrap());
        match world.unlock(ANN, "Sauna") {
            Err(Error { demand: Demand::Reject, message, .. }) => {
                assert!(message.contains("not known"), "{message}")
            }
            other => panic!("{effect:?}: {other:?}"),
        }
        let attempts = world.calls().into_iter().filter(|call| call.starts_with("POST")).count();
        assert_eq!(attempts, 1, "{effect:?}: one attempt");
    }
    // A request that Kisi certainly refused may be repeated.
    let world = World::with_doors_for_ann("gold");
    world.sim.add_fault(status("POST /locks/{id}/unlock", 429));
    assert!(matches!(world.unlock(ANN, "Sauna"), Err(Error { demand: Demand::Retry(_), .. })));
    assert_eq!(
        world.sim.events().iter().filter(|event| event.event_type == EventType::LockUnlock).count(),
        0
    );
}

#[test]
fn a_refused_key_pauses_and_no_door_opens_until_the_gym_connects_again() {
    let world = World::with_doors_for_ann("gold");
    world.sim.revoke_key(&world.sim.key());
    for calls in [1, 0] {
        assert!(matches!(world.unlock(ANN, "Sauna"), Err(Error { demand: Demand::Pause(_), .. })));
        assert_eq!(world.calls().len(), calls);
    }
}

#[test]
fn a_login_opens_doors_as_the_member_and_its_secret_is_stored_nowhere() {
    let mut world = World::with_doors_for_ann("gold");
    let recorder = world.record();
    let login = login(&world);
    assert_eq!(world.calls(), ["POST /logins -> 200"]);
    assert!(login.secret().len() > 8 && !format!("{login:?}").contains(login.secret()));
    assert_eq!(world.logins_of(EMAIL), [login.id.as_str()]);
    for entry in world.storage.entries() {
        let text = String::from_utf8_lossy(&entry.value).into_owned();
        assert!(!text.contains(login.secret()), "{}: {text}", entry.key);
    }
    let told = recorder.take();
    assert_eq!(told.exchanges.len(), 1);
    let bodies = told.exchanges.iter().map(|exchange| match &exchange.end {
        ExchangeEnd::Answered { response_body, .. } => response_body.to_vec(),
        end => panic!("{end:?}"),
    });
    let told = format!("{told:?}{}", String::from_utf8_lossy(&bodies.collect::<Vec<_>>().concat()));
    assert!(!told.contains(login.secret()), "in what is recorded of the calls");

    revoke(&world, ANN, &login.id).unwrap();
    assert_eq!(world.calls(), [format!("DELETE /logins/{} -> 204", login.id)]);
    assert_eq!(world.logins_of(EMAIL), Vec::<String>::new());
    assert!(matches!(revoke(&world, ANN, &login.id), Err(Error { demand: Demand::Reject, .. })));
    assert_eq!(world.calls(), Vec::<String>::new());
}

#[test]
fn no_login_is_issued_to_a_member_without_doors_and_no_member_ends_anothers_login() {
    let world = World::with_doors_for_ann("gold");
    let login = login(&world);
    world.directory.insert(member("ben", vec![membership("ms-2", "basic")]));
    assert!(
        matches!(world.issue_login("ben"), Ok(Issued::Refused(why)) if why.cause == Cause::NotYetInProvider)
    );
    world.settle("ben");
    world.calls();
    assert!(matches!(revoke(&world, "ben", &login.id), Err(Error { demand: Demand::Reject, .. })));
    world.directory.update(ANN, |ann| ann.memberships[0].status = MembershipStatus::Frozen);
    assert!(matches!(world.issue_login(ANN), Ok(Issued::Refused(why)) if why.cause == Cause::Paused));
    assert_eq!(world.calls(), Vec::<String>::new());
    assert_eq!(world.logins_of(EMAIL), [login.id]);
}

#[test]
fn the_oldest_of_forty_logins_ends_when_the_next_is_issued() {
    let world = World::with_doors_for_ann("gold");
    let logins: Vec<String> = (0..40).map(|_| login(&world).id).collect();
    world.calls();
    let next = login(&world).id;
    assert_eq!(
        world.calls(),
        [format!("DELETE /logins/{} -> 204", logins[0]), "POST /logins -> 200".to_string()]
    );
    let working = world.logins_of(EMAIL);
    assert_eq!((working.len(), working.contains(&logins[0]), working.contains(&next)), (40, false, true));
}

#[test]
fn a_block_and_a_deletion_end_every_login_after_the_groups() {
    for is_deleted in [false, true] {
        for on_block in ["all", "ours"] {
            let world = World::with_doors_for_ann("gold");
            world.connect(&settings(&format!(r#""on_block":"{on_block}""#))).unwrap();
            let (first, second) = (login(&world).id, login(&world).id);
            // One is gone already: the member signed out.
            revoke_by_hand(&world, &first);
            if is_deleted {
                world.directory.remove(ANN);
            } else {
                block(&world);
            }
            world.calls();
            world.settle(ANN);
            let calls = world.calls();
            let [.., before, last] = calls.as_slice() else { panic!("{calls:#?}") };
            assert_eq!(*before, format!("DELETE /logins/{first} -> 404"), "{calls:#?}");
            assert_eq!(*last, format!("DELETE /logins/{second} -> 204"), "{calls:#?}");
            assert_eq!((world.logins_of(EMAIL).len(), world.names_of(EMAIL).len()), (0, 0));
            world.settle(ANN);
            assert_eq!(world.calls(), Vec::<String>::new(), "a repeated event costs nothing");
            let knows = world.storage.entries().iter().any(|entry| entry.key == "member/ann");
            assert_eq!(knows, !is_deleted, "of a deleted member nothing stays");
        }
    }
}

fn revoke_by_hand(world: &World, login: &str) {
    let state = world.sim.state();
    let user = state.user_by_email(EMAIL).unwrap().id;
    let id: u64 = login.parse().unwrap();
    let keys = world.sim.keys();
    let key = keys.iter().find(|key| key.user_id == user && key.secret.ends_with(&format!("-{id}"))).unwrap();
    assert!(world.sim.revoke_key(&key.secret));
}

#[test]
fn a_login_that_cannot_be_ended_delays_no_group_and_is_tried_again() {
    for effect in [
        FaultEffect::Status { status: 403, retry_after_s: None },
        FaultEffect::Status { status: 503, retry_after_s: None },
        FaultEffect::DropAfterCommit {},
    ] {
        let world = World::with_doors_for_ann("gold");
        login(&world);
        block(&world);
        world.sim.add_fault(Fault::new("DELETE /logins/{id}", effect.clone()).unwrap());
        world.deliver(ANN).unwrap_err();
        assert_eq!(world.names_of(EMAIL), Vec::<String>::new(), "{effect:?}");
        world.settle(ANN);
        assert_eq!(world.logins_of(EMAIL), Vec::<String>::new(), "{effect:?}");
    }
}

#[test]
fn a_login_whose_answer_was_lost_is_unusable_and_another_is_issued() {
    let world = World::with_doors_for_ann("gold");
    world.sim.add_fault(Fault::new("POST /logins", FaultEffect::DropAfterCommit {}).unwrap());
    assert!(matches!(world.issue_login(ANN), Err(Error { demand: Demand::Retry(_), .. })));
    let login = login(&world);
    assert_eq!(world.logins_of(EMAIL).len(), 2);
    block(&world);
    world.settle(ANN);
    assert!(!world.logins_of(EMAIL).contains(&login.id));
}

#[test]
fn a_host_killed_while_a_login_is_issued_leaves_one_that_is_unusable() {
    let world = World::with_doors_for_ann("gold");
    world.boundary.plan(&[door_access_testkit::Fault { at: At::Request(0), effect: Effect::KillAfter }]);
    assert!(world.run(world.tenant().issue_login(ANN, &phone())).is_err());
    world.boundary.plan(&[]);
    let login = login(&world);
    assert_eq!(world.logins_of(EMAIL).len(), 2, "no one has the first one's secret");
    revoke(&world, ANN, &login.id).unwrap();
}

#[test]
fn a_login_is_issued_for_an_address_that_differs_in_case() {
    let world = World::with_doors(SETTINGS);
    world.sim.add_user("Ann", "Ann@Gym.test");
    world.directory.insert(member(ANN, vec![membership("ms-1", "gold")]));
    world.settle(ANN);
    let login = login(&world);
    assert_eq!(world.logins_of(EMAIL), [login.id]);
}
