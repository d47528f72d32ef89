//! Which member an account belongs to: shared addresses, accounts that staff made again, old accounts that still give
//! access, and members who must move first.

use door_access_host::contract::connection::Departure;
use door_access_host::contract::doors::{Attempt, Issued};
use door_access_host::contract::events::Outcome;
use door_access_host::contract::types::{Demand, Error, Member, MemberStatus, MembershipStatus, Reason};
use door_access_testkit::{
    DAY, Failure, HOUR, MAPPING, SETTINGS, START, World, many, member, membership, status, with_email,
};
use kisi_sim::{Hand, Knobs, RoleAssignmentsOfDeletedUser, ValidityInPatch};

fn shared(id: &str, plan: &str) -> Member {
    with_email(id, "family@gym.test", plan)
}

#[test]
fn a_blocked_member_takes_nothing_from_a_paying_member_with_the_same_address() {
    for blocked in ["dad", "zed"] {
        let world = World::gym(Vec::new());
        world.by_hand("family@gym.test", &["Gym", "Spa"]);
        world.directory.insert(shared("mum", "gold"));
        world.directory.insert(Member { status: MemberStatus::Blocked, ..shared(blocked, "gold") });
        world.live(START + 3 * DAY);
        assert_eq!(world.names_of("family@gym.test"), ["Gym", "Spa"], "mum pays, {blocked} is blocked");
        world.settle(blocked);
        world.settle("mum");
        assert_eq!(world.names_of("family@gym.test"), ["Gym", "Spa"], "mum pays, {blocked} is blocked");
    }
}

#[test]
fn a_blocked_member_takes_nothing_from_the_member_whom_the_accounts_metadata_names() {
    let world = World::gym(Vec::new());
    world.directory.insert(shared("zed", "gold"));
    world.settle("zed");
    world.directory.insert(Member { status: MemberStatus::Blocked, ..shared("ann", "basic") });
    world.disconnect(Departure::Leave, 100);
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
fn a_freed_address_serves_the_paying_member_who_waits_for_it_and_not_the_blocked_one() {
    let world = World::gym(Vec::new());
    world.directory.insert(shared("ann", "basic"));
    world.settle("ann");
    world.directory.insert(Member { status: MemberStatus::Blocked, ..shared("abe", "basic") });
    world.directory.insert(shared("amy", "gold"));
    world.directory.update("ann", |ann| ann.email = Some("ann@gym.test".to_string()));
    world.settle("ann");
    assert_eq!(world.names_of("family@gym.test"), ["Gym", "Spa"], "amy's");
}

/// Staff made the accounts of Ann and Bea again, in two groups; Ann is blocked and Bea deleted, and no event said so.
fn made_again(of_deleted: RoleAssignmentsOfDeletedUser, plan: &str) -> World {
    let knobs = Knobs { role_assignments_of_deleted_user: of_deleted, ..Knobs::default() };
    let world = World::connected(knobs, SETTINGS, MAPPING);
    for id in ["ann", "bea"] {
        world.directory.insert(member(id, vec![membership("ms-1", plan)]));
        world.settle(id);
        world.sim.delete_user(world.user(&format!("{id}@gym.test")));
        world.by_hand(&format!("{id}@gym.test"), &["Gym", "Staff"]);
    }
    world.directory.update("ann", |ann| ann.status = MemberStatus::Blocked);
    world.directory.remove("bea");
    world
}

#[test]
fn a_block_and_a_deletion_reach_the_account_that_staff_made_again() {
    for of_deleted in [RoleAssignmentsOfDeletedUser::Empty, RoleAssignmentsOfDeletedUser::NotFound] {
        let world = made_again(of_deleted, "basic");
        for id in ["ann", "bea"] {
            world.settle(id);
            assert_eq!(world.open(id), Vec::<String>::new(), "{id}, {of_deleted:?}");
        }
    }
}

#[test]
fn a_login_that_kisi_will_not_end_neither_keeps_nor_takes_access() {
    let world = World::with_doors_for_ann("gold");
    world.directory.update("ann", |ann| ann.memberships.insert(0, membership("ms-0", "basic")));
    world.settle("ann");
    let issued = world.issue_login("ann").unwrap();
    assert!(matches!(issued, Issued::Login(_)));
    world.sim.add_fault(status("DELETE /logins/{id}", 409).always());
    world.directory.update("ann", |ann| {
        ann.email = Some("new@gym.test".to_string());
        ann.memberships[1].status = MembershipStatus::Cancelled;
        ann.memberships[0].ends_at = Some(START + 9 * DAY);
    });
    let Err(Failure::Unfinished(Error { demand: Demand::Reject, .. })) = world.deliver("ann") else {
        panic!("the login must be ended by hand")
    };
    assert_eq!(world.groups_of("ann@gym.test"), [("Gym".to_string(), None, Some(START + 9 * DAY))]);
    world.sim.clear_faults();
    world.settle("ann");
    assert_eq!(world.names_of("new@gym.test"), ["Gym"]);
    assert_eq!(world.names_of("ann@gym.test"), Vec::<String>::new());
}

/// Ann cannot move because Kisi refuses her new address. Bea waits for the account that Ann keeps.
fn waiting() -> World {
    let world = World::in_step(SETTINGS, vec![shared("ann", "basic"), shared("bea", "basic")]);
    assert_eq!(world.names_of("family@gym.test"), ["Gym"]);
    world.sim.add_fault(status("POST /users", 422).always());
    world.directory.update("ann", |ann| ann.email = Some("ann-at-gym".to_string()));
    drop(world.deliver("ann"));
    drop(world.deliver("bea"));
    world
}

#[test]
fn a_member_who_waits_for_an_account_gets_it_soon_after_it_became_free() {
    let world = waiting();
    world.sim.clear_faults();
    world.directory.update("ann", |ann| ann.email = Some("ann@gym.test".to_string()));
    world.settle("ann");
    assert_eq!(world.open("ann"), ["Gym"]);
    world.go_to(world.now() + HOUR);
    world.tick(1_000).unwrap();
    let user = world.user("family@gym.test");
    assert!(world.stored(&format!("user/{user} ")).iter().all(|entry| entry.ends_with(" bea")));
    assert_eq!(world.names_of("family@gym.test"), ["Gym"]);
}

#[test]
fn waiting_for_an_account_keeps_one_due_date_however_many_events_come() {
    let world = waiting();
    for _ in 0..20 {
        drop(world.deliver("bea"));
    }
    let dates = world.keys().into_iter().filter(|key| key.ends_with("/bea")).count();
    assert!(dates <= 2, "{dates} dates");
}

#[test]
fn no_door_opens_through_an_old_account_that_staff_suspended() {
    let world = World::with_doors_for_ann("gold");
    world.sim.add_fault(status("POST /users", 422).always());
    world.directory.update("ann", |ann| ann.email = Some("ann-at-gym".to_string()));
    drop(world.deliver("ann"));
    let unlock = || world.unlock("ann", "Sauna").unwrap();
    assert_eq!(unlock(), Attempt::Opened, "the old account still gives");
    let id = world.user("ann@gym.test");
    world.sim.hand(Hand::SetUserAccessEnabled { id, enabled: false }).unwrap();
    assert_ne!(unlock(), Attempt::Opened);
}

#[test]
fn a_retry_for_one_member_does_not_delay_anothers_removal() {
    let world = World::in_step(SETTINGS, vec![shared("ann", "basic")]);
    world.directory.insert(member("amy", vec![membership("ms-1", "basic"), membership("ms-2", "gold")]));
    world.settle("amy");
    // Ann moves to an address that Kisi has and never shows; Amy moves to the one that Ann still has an account for.
    world.sim.add_fault(status("POST /users", 409).always());
    world.directory.update("ann", |ann| ann.email = Some("ann@gym.test".to_string()));
    world.directory.update("amy", |amy| {
        amy.email = Some("family@gym.test".to_string());
        amy.memberships[1].status = MembershipStatus::Cancelled;
    });
    assert!(world.deliver("amy").is_err(), "the owner of the account is not known yet");
    assert_eq!(world.names_of("amy@gym.test"), ["Gym"], "the spa was cancelled");
}

#[test]
fn account_metadata_that_contradicts_the_record_does_not_retry_without_end() {
    let world = World::gym(Vec::new());
    world.directory.insert(shared("cleo", "basic"));
    world.settle("cleo");
    // Cleo leaves, Max takes over the address and the account.
    world.directory.remove("cleo");
    world.directory.insert(shared("max", "basic"));
    world.settle("cleo");
    world.settle("max");
    world.directory.insert(shared("cleo", "basic"));
    world.sim.add_fault(status("POST /users", 422).times(1));
    world.directory.update("max", |max| max.email = Some("max-at-gym".to_string()));
    drop(world.deliver("max"));
    world.directory.update("max", |max| max.email = Some("family@gym.test".to_string()));
    let outcomes = world.settle("max");
    let withheld =
        |outcome: &Outcome| outcome.refusals.iter().any(|refusal| refusal.reason == Reason::EmailInUse);
    assert!(!withheld(&outcomes[0]), "it is Max's by the record: {outcomes:#?}");
    assert_eq!(world.names_of("family@gym.test"), ["Gym"]);
}

#[test]
fn a_rename_creates_an_account_that_staff_deleted_again() {
    let world = World::in_step(SETTINGS, many(1));
    world.sim.delete_user(world.user("m-00@gym.test"));
    world.directory.update("m-00", |one| one.name = "Max".to_string());
    world.settle("m-00");
    assert_eq!(world.open("m-00"), ["Gym"]);
}

#[test]
fn an_error_while_a_missing_account_is_looked_up_leaves_no_access_after_a_block() {
    for of_deleted in [RoleAssignmentsOfDeletedUser::Empty, RoleAssignmentsOfDeletedUser::NotFound] {
        let world = made_again(of_deleted, "gold");
        for id in ["ann", "bea"] {
            world.sim.add_fault(status("GET /users", 503).times(1));
            assert!(world.deliver(id).is_err(), "{id}, {of_deleted:?}");
            world.settle(id);
            assert_eq!(world.open(id), Vec::<String>::new(), "{id}, {of_deleted:?}");
        }
    }
}

#[test]
fn a_member_who_waits_for_anothers_account_keeps_what_memberships_give() {
    let knobs = Knobs { validity_in_patch: ValidityInPatch::Ignored, ..Knobs::default() };
    let world = World::connected(knobs, SETTINGS, MAPPING);
    for one in [shared("ann", "basic"), member("amy", vec![membership("ms-1", "basic")])] {
        let id = one.id.clone();
        world.directory.insert(one);
        world.settle(&id);
    }
    world.sim.add_fault(status("POST /users", 409).always());
    world.directory.update("ann", |ann| ann.email = Some("ann@gym.test".to_string()));
    world.directory.update("amy", |amy| {
        amy.email = Some("family@gym.test".to_string());
        amy.memberships[0].ends_at = Some(START + 9 * DAY);
    });
    assert!(world.deliver("amy").is_err(), "the owner of the account is not known yet");
    assert_eq!(world.names_of("amy@gym.test"), ["Gym"], "she pays");
}

#[test]
fn an_account_that_staff_made_again_for_a_paying_member_survives_the_departure_of_the_former_holder() {
    let world = World::gym(Vec::new());
    world.directory.insert(shared("cleo", "basic"));
    world.settle("cleo");
    // Cleo leaves, and Max has her address now. Staff makes the account again for him.
    world.directory.remove("cleo");
    world.directory.insert(shared("max", "basic"));
    world.sim.delete_user(world.user("family@gym.test"));
    world.by_hand("family@gym.test", &["Gym", "Staff"]);
    world.settle("cleo");
    world.settle("max");
    assert_eq!(world.names_of("family@gym.test"), ["Gym", "Staff"]);
}

#[test]
fn a_door_opens_through_the_old_account_while_kisi_refuses_the_new_one() {
    let world = World::with_doors_for_ann("gold");
    world.sim.add_fault(status("POST /role_assignments", 422).always());
    world.directory.update("ann", |ann| ann.email = Some("new@gym.test".to_string()));
    drop(world.deliver("ann"));
    let attempt = world.unlock("ann", "Sauna").unwrap();
    assert_eq!(attempt, Attempt::Opened, "she pays, and the old account still gives");
}
