//! Whose account it is, where several could be meant: shared addresses, accounts made anew, old accounts that go on
//! giving, and others who must move first.

use door_access_host::Clock;
use door_access_host::contract::doors::{Attempt, Issued, Phone};
use door_access_host::contract::types::{Demand, Error, Member, MemberStatus, MembershipStatus, Reason};
use kisi_sim::{Fault, FaultEffect, Hand, Knobs, RoleAssignmentsOfDeletedUser, ValidityInPatch};

use crate::hindrances::{HOUR, gym_with, leave, live, many};
use crate::tick::{go_to, open, try_tick};
use crate::world::{Arm, DAY, Failure, SETTINGS, START, World, member, membership};

const MAPPING: &[(&str, &[&str])] = &[("basic", &["Gym"]), ("gold", &["Gym", "Spa"])];

fn gym() -> World {
    World::connected(Arm::Component, Knobs::default(), SETTINGS, MAPPING)
}

fn shared(id: &str, plan: &str) -> Member {
    Member { email: Some("family@gym.test".to_string()), ..member(id, vec![membership("ms-1", plan)]) }
}

/// Staff gives somebody an account, and puts it into groups.
fn by_hand(world: &World, email: &str, groups: &[&str]) -> u64 {
    let organization_id = Some(world.sim.state().organizations[0].id);
    let add = Hand::AddUser { name: "By hand".to_string(), email: email.to_string(), organization_id };
    let user_id = world.sim.hand(add).unwrap().id.unwrap();
    for group in groups {
        let group_id = world.sim.state().group_by_name(group).map(|group| group.id);
        let group_id = group_id.unwrap_or_else(|| world.sim.add_group(group));
        let role = "group_basic".to_string();
        let hand = Hand::Assign { user_id, group_id, role, valid_from: None, valid_until: None };
        world.sim.hand(hand).unwrap();
    }
    user_id
}

fn status(code: u16) -> FaultEffect {
    FaultEffect::Status { status: code, retry_after_s: None }
}

#[test]
fn whoever_is_blocked_takes_nothing_from_a_paying_member_who_shares_the_address() {
    for blocked in ["dad", "zed"] {
        let world = gym();
        by_hand(&world, "family@gym.test", &["Gym", "Spa"]);
        world.directory.insert(shared("mum", "gold"));
        world.directory.insert(Member { status: MemberStatus::Blocked, ..shared(blocked, "gold") });
        live(&world, START + 3 * DAY);
        assert_eq!(world.names_of("family@gym.test"), ["Gym", "Spa"], "mum pays, {blocked} is blocked");
        world.settle(blocked);
        world.settle("mum");
        assert_eq!(world.names_of("family@gym.test"), ["Gym", "Spa"], "mum pays, {blocked} is blocked");
    }
}

#[test]
fn whoever_is_blocked_takes_nothing_from_the_member_whom_kisis_mark_names() {
    let world = gym();
    world.directory.insert(shared("zed", "gold"));
    world.settle("zed");
    world.directory.insert(Member { status: MemberStatus::Blocked, ..shared("ann", "basic") });
    leave(&world);
    world.directory.update("zed", |zed| zed.memberships.clear());
    world.connect(SETTINGS).unwrap();
    world.map(MAPPING).unwrap();
    world.settle("ann");
    assert_eq!(
        world.names_of("family@gym.test"),
        ["Gym", "Spa"],
        "zed's account, though zed has no membership"
    );
}

#[test]
fn of_those_who_wait_for_an_address_the_one_who_pays_is_served_and_not_the_blocked_one() {
    let world = gym();
    world.directory.insert(shared("ann", "basic"));
    world.settle("ann");
    world.directory.insert(Member { status: MemberStatus::Blocked, ..shared("abe", "basic") });
    world.directory.insert(shared("amy", "gold"));
    world.directory.update("ann", |ann| ann.email = Some("ann@gym.test".to_string()));
    world.settle("ann");
    assert_eq!(world.names_of("family@gym.test"), ["Gym", "Spa"], "amy's");
}

/// Staff has made the accounts of Ann and Bea anew, by hand in two groups; Ann is blocked and Bea deleted, and nobody told.
fn made_anew(of_deleted: RoleAssignmentsOfDeletedUser, plan: &str) -> World {
    let knobs = Knobs { role_assignments_of_deleted_user: of_deleted, ..Knobs::default() };
    let world = World::connected(Arm::Component, knobs, SETTINGS, MAPPING);
    for id in ["ann", "bea"] {
        world.directory.insert(member(id, vec![membership("ms-1", plan)]));
        world.settle(id);
        let user = world.sim.state().user_by_email(&format!("{id}@gym.test")).unwrap().id;
        world.sim.hand(Hand::DeleteUser { id: user }).unwrap();
        by_hand(&world, &format!("{id}@gym.test"), &["Gym", "Staff"]);
    }
    world.directory.update("ann", |ann| ann.status = MemberStatus::Blocked);
    world.directory.remove("bea");
    world
}

#[test]
fn an_event_that_blocks_reaches_the_account_that_staff_made_anew() {
    for of_deleted in [RoleAssignmentsOfDeletedUser::Empty, RoleAssignmentsOfDeletedUser::NotFound] {
        let world = made_anew(of_deleted, "basic");
        for id in ["ann", "bea"] {
            world.settle(id);
            assert_eq!(open(&world, id), Vec::<String>::new(), "{id}, {of_deleted:?}");
        }
    }
}

#[test]
fn a_login_that_kisi_will_not_end_keeps_no_access_and_takes_none() {
    let world = crate::access::with_ann("gold");
    world.directory.update("ann", |ann| ann.memberships.insert(0, membership("ms-0", "basic")));
    world.settle("ann");
    let phone = Phone { brand: "A".to_string(), model: "B".to_string(), system: "C".to_string() };
    let issued = world.runtime.block_on(world.tenant().issue_login("ann", &phone)).unwrap().unwrap();
    assert!(matches!(issued, Issued::Login(_)));
    world.sim.add_fault(Fault::new("DELETE /logins/{id}", status(409)).unwrap().always());
    world.directory.update("ann", |ann| {
        ann.email = Some("new@gym.test".to_string());
        ann.memberships[1].status = MembershipStatus::Cancelled;
        ann.memberships[0].ends_at = Some(START + 9 * DAY);
    });
    let Err(Failure::Unfinished(Error { demand: Demand::Reject, .. })) = world.deliver("ann") else {
        panic!("somebody must end the login")
    };
    assert_eq!(world.groups_of("ann@gym.test"), [("Gym".to_string(), None, Some(START + 9 * DAY))]);
    world.sim.clear_faults();
    world.settle("ann");
    assert_eq!(world.names_of("new@gym.test"), ["Gym"]);
    assert_eq!(world.names_of("ann@gym.test"), Vec::<String>::new());
}

/// Ann cannot move: Kisi refuses her new address. Amy waits for the account that Ann holds on to.
fn waiting() -> World {
    let world = gym_with(SETTINGS, vec![shared("ann", "basic"), shared("bea", "basic")]);
    assert_eq!(world.names_of("family@gym.test"), ["Gym"]);
    world.sim.add_fault(Fault::new("POST /users", status(422)).unwrap().always());
    world.directory.update("ann", |ann| ann.email = Some("ann-at-gym".to_string()));
    drop(world.deliver("ann"));
    drop(world.deliver("bea"));
    world
}

#[test]
fn whoever_waits_for_an_account_is_served_soon_after_it_became_free() {
    let world = waiting();
    world.sim.clear_faults();
    world.directory.update("ann", |ann| ann.email = Some("ann@gym.test".to_string()));
    world.settle("ann");
    assert_eq!(open(&world, "ann"), ["Gym"]);
    go_to(&world, world.clock.now_ms() + HOUR);
    try_tick(&world, 1_000).unwrap();
    let user = world.sim.state().user_by_email("family@gym.test").unwrap().id;
    let kept = world.storage.entries().into_iter().find(|entry| entry.key == format!("user/{user}")).unwrap();
    assert_eq!(kept.value, b"bea");
    assert_eq!(world.names_of("family@gym.test"), ["Gym"]);
}

#[test]
fn waiting_for_an_account_costs_a_look_an_hour_however_many_events_come() {
    let world = waiting();
    for _ in 0..20 {
        drop(world.deliver("bea"));
    }
    let dates = world.storage.entries().into_iter().filter(|entry| entry.key.ends_with("/bea")).count();
    assert!(dates <= 2, "{dates} dates");
}

#[test]
fn no_door_opens_by_an_old_account_that_staff_suspended() {
    let world = crate::access::with_ann("gold");
    world.sim.add_fault(Fault::new("POST /users", status(422)).unwrap().always());
    world.directory.update("ann", |ann| ann.email = Some("ann-at-gym".to_string()));
    drop(world.deliver("ann"));
    let door = world.sim.state().locks.iter().find(|lock| lock.name == "Sauna").unwrap().id.to_string();
    let unlock = || world.runtime.block_on(world.tenant().unlock("ann", &door)).unwrap().unwrap();
    assert_eq!(unlock(), Attempt::Opened, "the old account still gives");
    let id = world.sim.state().user_by_email("ann@gym.test").unwrap().id;
    world.sim.hand(Hand::SetUserAccessEnabled { id, enabled: false }).unwrap();
    assert_ne!(unlock(), Attempt::Opened);
}

#[test]
fn what_another_member_is_asked_to_wait_for_keeps_nobody_from_losing_what_they_lost() {
    let world = gym_with(SETTINGS, vec![shared("ann", "basic")]);
    world.directory.insert(member("amy", vec![membership("ms-1", "basic"), membership("ms-2", "gold")]));
    world.settle("amy");
    // Ann moves to an address that Kisi has and never shows; Amy moves to the one that Ann still has an account for.
    world.sim.add_fault(Fault::new("POST /users", status(409)).unwrap().always());
    world.directory.update("ann", |ann| ann.email = Some("ann@gym.test".to_string()));
    world.directory.update("amy", |amy| {
        amy.email = Some("family@gym.test".to_string());
        amy.memberships[1].status = MembershipStatus::Cancelled;
    });
    assert!(world.deliver("amy").is_err(), "it is not known yet whose the account is");
    assert_eq!(world.names_of("amy@gym.test"), ["Gym"], "the spa was cancelled");
}

#[test]
fn a_mark_that_contradicts_the_ledger_ends_in_no_endless_retry() {
    let world = gym();
    world.directory.insert(shared("cleo", "basic"));
    world.settle("cleo");
    // Cleo leaves, Max takes over the address and the account.
    world.directory.remove("cleo");
    world.directory.insert(shared("max", "basic"));
    world.settle("cleo");
    world.settle("max");
    world.directory.insert(shared("cleo", "basic"));
    world.sim.add_fault(Fault::new("POST /users", status(422)).unwrap().times(1));
    world.directory.update("max", |max| max.email = Some("max-at-gym".to_string()));
    drop(world.deliver("max"));
    world.directory.update("max", |max| max.email = Some("family@gym.test".to_string()));
    let outcomes = world.settle("max");
    let withheld = |outcome: &door_access_host::contract::events::Outcome| {
        outcome.refusals.iter().any(|refusal| refusal.reason == Reason::EmailInUse)
    };
    assert!(!withheld(&outcomes[0]), "it is Max's by the ledger: {outcomes:#?}");
    assert_eq!(world.names_of("family@gym.test"), ["Gym"]);
}

#[test]
fn a_rename_that_finds_the_account_gone_makes_it_again() {
    let world = gym_with(SETTINGS, many(1));
    let id = world.sim.state().user_by_email("m-00@gym.test").unwrap().id;
    world.sim.hand(Hand::DeleteUser { id }).unwrap();
    world.directory.update("m-00", |one| one.name = "Max".to_string());
    world.settle("m-00");
    assert_eq!(open(&world, "m-00"), ["Gym"]);
}

#[test]
fn an_answer_that_is_lost_between_a_missing_grant_and_the_look_for_the_account_leaves_nobody_in() {
    for of_deleted in [RoleAssignmentsOfDeletedUser::Empty, RoleAssignmentsOfDeletedUser::NotFound] {
        let world = made_anew(of_deleted, "gold");
        for id in ["ann", "bea"] {
            world.sim.add_fault(Fault::new("GET /users", status(503)).unwrap().times(1));
            assert!(world.deliver(id).is_err(), "{id}, {of_deleted:?}");
            world.settle(id);
            assert_eq!(open(&world, id), Vec::<String>::new(), "{id}, {of_deleted:?}");
        }
    }
}

#[test]
fn what_another_member_is_waited_for_takes_nothing_from_a_member_who_is_planned_twice() {
    let knobs = Knobs { validity_in_patch: ValidityInPatch::Ignored, ..Knobs::default() };
    let world = World::connected(Arm::Component, knobs, SETTINGS, MAPPING);
    for one in [shared("ann", "basic"), member("amy", vec![membership("ms-1", "basic")])] {
        let id = one.id.clone();
        world.directory.insert(one);
        world.settle(&id);
    }
    world.sim.add_fault(Fault::new("POST /users", status(409)).unwrap().always());
    world.directory.update("ann", |ann| ann.email = Some("ann@gym.test".to_string()));
    world.directory.update("amy", |amy| {
        amy.email = Some("family@gym.test".to_string());
        amy.memberships[0].ends_at = Some(START + 9 * DAY);
    });
    assert!(world.deliver("amy").is_err(), "it is not known yet whose the account is");
    assert_eq!(world.names_of("amy@gym.test"), ["Gym"], "she pays");
}

#[test]
fn an_account_that_staff_made_anew_for_a_paying_member_is_not_stripped_for_who_had_the_address_before() {
    let world = gym();
    world.directory.insert(shared("cleo", "basic"));
    world.settle("cleo");
    // Cleo leaves, and Max has her address now. Staff makes the account anew for him.
    world.directory.remove("cleo");
    world.directory.insert(shared("max", "basic"));
    let id = world.sim.state().user_by_email("family@gym.test").unwrap().id;
    world.sim.hand(Hand::DeleteUser { id }).unwrap();
    by_hand(&world, "family@gym.test", &["Gym", "Staff"]);
    world.settle("cleo");
    world.settle("max");
    assert_eq!(world.names_of("family@gym.test"), ["Gym", "Staff"]);
}

#[test]
fn a_door_opens_by_the_old_account_while_kisi_refuses_the_new_one() {
    let world = crate::access::with_ann("gold");
    world.sim.add_fault(Fault::new("POST /role_assignments", status(422)).unwrap().always());
    world.directory.update("ann", |ann| ann.email = Some("new@gym.test".to_string()));
    drop(world.deliver("ann"));
    let door = world.sim.state().locks.iter().find(|lock| lock.name == "Sauna").unwrap().id.to_string();
    let attempt = world.runtime.block_on(world.tenant().unlock("ann", &door)).unwrap().unwrap();
    assert_eq!(attempt, Attempt::Opened, "she pays, and the old account still gives");
}
