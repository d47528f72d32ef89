//! Doors: which ones open for a member, opening one, and logins for branded apps, against a Kisi that evaluates access.

use door_access_host::contract::access::Cause;
use door_access_host::contract::doors::{Attempt, Issued, Login, Phone};
use door_access_host::contract::types::{Demand, Error, MemberStatus, MembershipStatus, PauseCause};
use door_access_host::{ExchangeEnd, Recorder};
use kisi_sim::{
    AccessHours, EventType, Fault, FaultEffect, Hand, Knobs, LockdownStatus, OfflineStatus, OrganizationRole,
};

use crate::access::{gym, with_ann};
use crate::world::{Cut, World, member, membership};

const ANN: &str = "ann";
const EMAIL: &str = "ann@gym.test";

fn door(world: &World, name: &str) -> u64 {
    world.sim.state().locks.iter().find(|lock| lock.name == name).unwrap().id
}

fn unlock(world: &World, name: &str) -> Result<Attempt, Error> {
    let door = door(world, name).to_string();
    world.runtime.block_on(world.tenant().unlock(ANN, &door)).unwrap()
}

/// Why a door stayed shut, and what the front desk reads.
fn refused(world: &World, name: &str) -> (Cause, String) {
    match unlock(world, name) {
        Ok(Attempt::Refused(reason)) => (reason.cause, reason.for_staff),
        other => panic!("{name}: {other:?}"),
    }
}

fn listed(world: &World, member: &str) -> Vec<String> {
    let doors = world.runtime.block_on(world.tenant().list_doors(member)).unwrap().unwrap();
    assert_eq!(world.calls(), Vec::<String>::new(), "a list asks nobody");
    doors.into_iter().map(|door| door.name).collect()
}

fn phone(model: &str) -> Phone {
    Phone { brand: "Apple".to_string(), model: model.to_string(), system: "iOS".to_string() }
}

fn issue(world: &World, member: &str) -> Result<Issued, Error> {
    world.runtime.block_on(world.tenant().issue_login(member, &phone("iPhone 17"))).unwrap()
}

fn login(world: &World) -> Login {
    match issue(world, ANN) {
        Ok(Issued::Login(login)) => login,
        other => panic!("{other:?}"),
    }
}

fn revoke(world: &World, member: &str, login: &str) -> Result<(), Error> {
    world.runtime.block_on(world.tenant().revoke_login(member, login)).unwrap()
}

/// The ids of the device logins of Ann's that work, as texts.
fn working(world: &World) -> Vec<String> {
    let state = world.sim.state();
    let Some(user) = state.user_by_email(EMAIL) else { return Vec::new() };
    state.logins_of(user.id).map(|login| login.id.to_string()).collect()
}

fn block(world: &World) {
    assert!(world.directory.update(ANN, |ann| ann.status = MemberStatus::Blocked));
}

#[test]
fn the_list_has_the_doors_that_open_now() {
    let world = with_ann("gold");
    assert_eq!(listed(&world, ANN), ["Front door", "Sauna", "Annex door"]);
    assert_eq!(listed(&world, "nobody"), Vec::<String>::new());
    world.directory.update(ANN, |ann| ann.memberships[0].status = MembershipStatus::Frozen);
    assert_eq!(listed(&world, ANN), Vec::<String>::new());
    assert_eq!(listed(&with_ann("cards"), ANN), Vec::<String>::new());
}

#[test]
fn a_door_is_opened_once_kisi_agrees_and_kisi_names_the_keys_owner() {
    let world = with_ann("gold");
    assert_eq!(unlock(&world, "Sauna"), Ok(Attempt::Opened));
    let user = world.sim.state().user_by_email(EMAIL).unwrap().id;
    let of_user = format!("assignee_type=User&assignee_id={user}&limit=250&offset=0");
    assert_eq!(
        world.calls(),
        [
            format!("GET /users/{user} -> 200"),
            format!("GET /role_assignments?{of_user} -> 200"),
            format!("POST /locks/{}/unlock -> 200", door(&world, "Sauna")),
        ]
    );
    let event = world.sim.events().pop().unwrap();
    assert_eq!(event.event_type, EventType::LockUnlock);
    assert_ne!(event.actor_email.as_deref(), Some(EMAIL));
}

#[test]
fn a_door_that_is_not_the_members_is_refused_without_asking_kisi() {
    let world = with_ann("basic");
    assert_eq!(refused(&world, "Sauna").0, Cause::OtherDoor);
    world.directory.update(ANN, |ann| ann.memberships[0].status = MembershipStatus::Frozen);
    assert_eq!(refused(&world, "Front door").0, Cause::Paused);
    block(&world);
    assert_eq!(refused(&world, "Front door").0, Cause::Blocked);
    assert_eq!(refused(&with_ann("cards"), "Office").0, Cause::OtherDoor, "its members need a card");
    let nowhere = world.runtime.block_on(world.tenant().unlock(ANN, "1")).unwrap();
    assert!(matches!(nowhere, Err(Error { demand: Demand::Reject, .. })), "{nowhere:?}");
    assert_eq!(world.calls(), Vec::<String>::new());
}

#[test]
fn what_kisi_restricts_is_not_opened_with_the_owners_key_past_its_restriction() {
    // Asked with the owner's key, Kisi would open at any hour.
    let world = with_ann("gold");
    let group = world.sim.state().group_by_name("Spa").unwrap().id;
    let hours = AccessHours::new("06:00", "07:00").unwrap();
    world.sim.set_group_access_hours(group, Some(hours));
    world.runtime.block_on(world.tenant().refresh_groups()).unwrap().unwrap();
    world.calls();
    assert_eq!(refused(&world, "Sauna").0, Cause::Restricted);
    assert_eq!(world.calls(), Vec::<String>::new());
    assert_eq!(unlock(&world, "Front door"), Ok(Attempt::Opened), "the gym's group has it, too");
}

#[test]
fn what_keeps_a_door_shut_is_told_whatever_status_kisi_says_it_with() {
    for (offline_status, lockdown_status) in [
        (OfflineStatus::Unavailable, LockdownStatus::Forbidden),
        (OfflineStatus::Conflict, LockdownStatus::Conflict),
    ] {
        let world = with_ann("gold");
        let knobs = world.sim.knobs();
        world.sim.set_knobs(Knobs { offline_status, lockdown_status, ..knobs });
        let sauna = door(&world, "Sauna");
        world.sim.set_lock_online(sauna, false);
        assert_eq!(refused(&world, "Sauna").0, Cause::DoorOffline);
        world.sim.set_lock_online(sauna, true);
        world.sim.set_lock_locked_down(sauna, true);
        assert_eq!(refused(&world, "Sauna").0, Cause::LockedDown);
        assert_eq!(unlock(&world, "Front door"), Ok(Attempt::Opened));
        world.sim.set_lock_locked_down(sauna, false);
        let place = world.sim.state().places[0].id;
        world.sim.set_place_locked_down(place, true);
        let (cause, staff) = refused(&world, "Front door");
        assert_eq!(cause, Cause::LockedDown);
        assert!(staff.contains("place") && staff.contains("fad002"), "{staff}");
    }
}

#[test]
fn a_denial_is_told_in_words_and_an_unknown_one_in_kisis_own() {
    // A key whose owner is no administrator any more, and holds nothing.
    let world = with_ann("gold");
    let owner = world.sim.keys()[0].user_id;
    world.sim.hand(Hand::SetOrganizationRole { user_id: owner, role: OrganizationRole::Member }).unwrap();
    let stopped = unlock(&world, "Sauna");
    assert!(
        matches!(&stopped, Err(Error { demand: Demand::Pause(PauseCause::KeyWithoutRights), .. })),
        "{stopped:?}"
    );
    let world = with_ann("gold");
    let fault = FaultEffect::Status { status: 403, retry_after_s: None };
    world.sim.add_fault(Fault::new("POST /locks/{id}/unlock", fault).unwrap());
    let (cause, staff) = refused(&world, "Sauna");
    assert_eq!(cause, Cause::Denied);
    assert!(staff.contains("403"), "{staff}");
}

#[test]
fn a_lost_answer_says_that_nobody_knows_and_is_never_a_retry() {
    for effect in [
        FaultEffect::DropAfterCommit,
        FaultEffect::DropBeforeCommit,
        FaultEffect::StatusAfterCommit { status: 503 },
        FaultEffect::Html,
    ] {
        let world = with_ann("gold");
        world.sim.add_fault(Fault::new("POST /locks/{id}/unlock", effect.clone()).unwrap());
        match unlock(&world, "Sauna") {
            Err(Error { demand: Demand::Reject, message, .. }) => {
                assert!(message.contains("not known"), "{message}")
            }
            other => panic!("{effect:?}: {other:?}"),
        }
        let attempts = world.calls().into_iter().filter(|call| call.starts_with("POST")).count();
        assert_eq!(attempts, 1, "{effect:?}: one attempt");
    }
    // What was certainly not done may be asked for again.
    let world = with_ann("gold");
    let fault = FaultEffect::Status { status: 429, retry_after_s: None };
    world.sim.add_fault(Fault::new("POST /locks/{id}/unlock", fault).unwrap());
    assert!(matches!(unlock(&world, "Sauna"), Err(Error { demand: Demand::Retry(_), .. })));
    assert_eq!(
        world.sim.events().iter().filter(|event| event.event_type == EventType::LockUnlock).count(),
        0
    );
}

#[test]
fn a_refused_key_pauses_and_nothing_is_opened_until_somebody_connects_again() {
    let world = with_ann("gold");
    world.sim.revoke_key(&world.sim.key());
    for calls in [1, 0] {
        assert!(matches!(unlock(&world, "Sauna"), Err(Error { demand: Demand::Pause(_), .. })));
        assert_eq!(world.calls().len(), calls);
    }
}

#[test]
fn a_login_opens_doors_as_the_member_and_is_kept_nowhere() {
    let mut world = with_ann("gold");
    world.recorder = std::sync::Arc::new(Recorder::with_bodies(1 << 20));
    let key = world.sim.key();
    world.use_key(&key);
    let login = login(&world);
    assert_eq!(world.calls(), ["POST /logins -> 200"]);
    assert!(login.secret().len() > 8 && !format!("{login:?}").contains(login.secret()));
    assert_eq!(working(&world), [login.id.as_str()]);
    for entry in world.storage.entries() {
        let text = String::from_utf8_lossy(&entry.value).into_owned();
        assert!(!text.contains(login.secret()), "{}: {text}", entry.key);
    }
    let told = world.recorder.take();
    assert_eq!(told.exchanges.len(), 1);
    let bodies = told.exchanges.iter().map(|exchange| match &exchange.end {
        ExchangeEnd::Answered { response_body, .. } => response_body.to_vec(),
        end => panic!("{end:?}"),
    });
    let told = format!("{told:?}{}", String::from_utf8_lossy(&bodies.collect::<Vec<_>>().concat()));
    assert!(!told.contains(login.secret()), "in what is recorded of the calls");

    revoke(&world, ANN, &login.id).unwrap();
    assert_eq!(world.calls(), [format!("DELETE /logins/{} -> 204", login.id)]);
    assert_eq!(working(&world), Vec::<String>::new());
    assert!(matches!(revoke(&world, ANN, &login.id), Err(Error { demand: Demand::Reject, .. })));
    assert_eq!(world.calls(), Vec::<String>::new());
}

#[test]
fn no_login_is_made_for_whom_no_door_opens_and_none_of_anothers_is_ended() {
    let world = with_ann("gold");
    let login = login(&world);
    world.directory.insert(member("ben", vec![membership("ms-2", "basic")]));
    assert!(matches!(issue(&world, "ben"), Ok(Issued::Refused(why)) if why.cause == Cause::NotYetInProvider));
    world.settle("ben");
    world.calls();
    assert!(matches!(revoke(&world, "ben", &login.id), Err(Error { demand: Demand::Reject, .. })));
    world.directory.update(ANN, |ann| ann.memberships[0].status = MembershipStatus::Frozen);
    assert!(matches!(issue(&world, ANN), Ok(Issued::Refused(why)) if why.cause == Cause::Paused));
    assert_eq!(world.calls(), Vec::<String>::new());
    assert_eq!(working(&world), [login.id]);
}

#[test]
fn the_oldest_of_forty_logins_makes_way_for_the_next() {
    let world = with_ann("gold");
    let logins: Vec<String> = (0..40).map(|_| login(&world).id).collect();
    world.calls();
    let next = login(&world).id;
    assert_eq!(
        world.calls(),
        [format!("DELETE /logins/{} -> 204", logins[0]), "POST /logins -> 200".to_string()]
    );
    let working = working(&world);
    assert_eq!((working.len(), working.contains(&logins[0]), working.contains(&next)), (40, false, true));
}

#[test]
fn a_block_and_a_deletion_end_every_login_once_the_groups_are_gone() {
    for is_deleted in [false, true] {
        let settings = |on_block: &str| {
            format!(r#"{{"integration":{{"identifier":"G","contact":"a@b.test"}},"on_block":"{on_block}"}}"#)
        };
        for on_block in ["all", "ours"] {
            let world = with_ann("gold");
            world.connect(&settings(on_block)).unwrap();
            let (first, second) = (login(&world).id, login(&world).id);
            // One is gone already: somebody signed out.
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
            assert_eq!((working(&world).len(), world.names_of(EMAIL).len()), (0, 0));
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
fn a_login_that_cannot_be_ended_does_not_hold_up_the_groups_and_is_tried_again() {
    for effect in [
        FaultEffect::Status { status: 403, retry_after_s: None },
        FaultEffect::Status { status: 503, retry_after_s: None },
        FaultEffect::DropAfterCommit,
    ] {
        let world = with_ann("gold");
        login(&world);
        block(&world);
        world.sim.add_fault(Fault::new("DELETE /logins/{id}", effect.clone()).unwrap());
        world.deliver(ANN).unwrap_err();
        assert_eq!(world.names_of(EMAIL), Vec::<String>::new(), "{effect:?}");
        world.settle(ANN);
        assert_eq!(working(&world), Vec::<String>::new(), "{effect:?}");
    }
}

#[test]
fn a_login_whose_answer_is_lost_is_known_to_nobody_and_asked_for_again() {
    let world = with_ann("gold");
    world.sim.add_fault(Fault::new("POST /logins", FaultEffect::DropAfterCommit).unwrap());
    assert!(matches!(issue(&world, ANN), Err(Error { demand: Demand::Retry(_), .. })));
    let login = login(&world);
    assert_eq!(working(&world).len(), 2);
    block(&world);
    world.settle(ANN);
    assert!(!working(&world).contains(&login.id));
}

#[test]
fn a_host_that_dies_while_a_login_is_made_leaves_one_that_nobody_can_use() {
    let world = with_ann("gold");
    world.cut(Some(Cut::AfterCommit(0)));
    assert!(world.runtime.block_on(world.tenant().issue_login(ANN, &phone("Pixel"))).is_err());
    world.cut(None);
    let login = login(&world);
    assert_eq!(working(&world).len(), 2, "the first one's secret was told to nobody");
    revoke(&world, ANN, &login.id).unwrap();
}

#[test]
fn an_address_in_other_letters_is_signed_in_all_the_same() {
    let world = gym(Knobs::default());
    world.sim.add_user("Ann", "Ann@Gym.test");
    world.directory.insert(member(ANN, vec![membership("ms-1", "gold")]));
    world.settle(ANN);
    let login = login(&world);
    assert_eq!(working(&world), [login.id]);
}
