//! What must hold whatever Kisi answers and whoever else has hands in it.

use std::time::Duration;

use door_access_host::Clock;
use door_access_host::contract::events::{AccountAction, Action, Outcome, WarningKind};
use door_access_host::contract::groups::GroupWarning;
use door_access_host::contract::types::{Demand, Error, MemberStatus, MembershipStatus, Reason};
use kisi_sim::{
    DuplicateRoleAssignment, DuplicateUser, EmailFilterCase, Fault, FaultEffect, Knobs, ValidityInPatch,
};

use crate::tick::try_tick;
use crate::world::{Arm, DAY, Failure, SETTINGS, START, World, member, membership};

const ANN: &str = "ann";
const EMAIL: &str = "ann@gym.test";

fn gym(knobs: Knobs) -> World {
    let mapping: &[(&str, &[&str])] = &[("basic", &["Gym"]), ("gold", &["Gym", "Spa"])];
    World::connected(Arm::Component, knobs, SETTINGS, mapping)
}

fn with_ann(plan: &str) -> World {
    let world = gym(Knobs::default());
    world.directory.insert(member(ANN, vec![membership("ms-1", plan)]));
    world.settle(ANN);
    world.calls();
    world
}

fn fault(world: &World, route: &str, effect: FaultEffect) {
    world.sim.add_fault(Fault::new(route, effect).unwrap());
}

fn group(world: &World, name: &str) -> u64 {
    world.sim.state().group_by_name(name).unwrap().id
}

#[test]
fn a_connection_that_drops_after_kisi_committed_leaves_one_user_and_one_assignment() {
    for route in ["POST /users", "POST /role_assignments"] {
        let world =
            gym(Knobs { duplicate_role_assignment: DuplicateRoleAssignment::Stack, ..Knobs::default() });
        world.directory.insert(member(ANN, vec![membership("ms-1", "gold")]));
        fault(&world, route, FaultEffect::DropAfterCommit);
        let Err(Failure::Unfinished(Error { demand: Demand::Retry(_), .. })) = world.deliver(ANN) else {
            panic!("{route}: a lost answer")
        };
        world.settle(ANN);
        assert_eq!(world.names_of(EMAIL), ["Gym", "Spa"], "{route}");
        assert_eq!(world.sim.state().users.len(), 2, "{route}: the owner and Ann");
    }
}

#[test]
fn every_kind_of_bad_answer_ends_in_a_retry_and_then_in_the_right_state() {
    for effect in [
        FaultEffect::Html,
        FaultEffect::Status { status: 503, retry_after_s: Some(7) },
        FaultEffect::Status { status: 500, retry_after_s: None },
        FaultEffect::Status { status: 429, retry_after_s: None },
        FaultEffect::StatusAfterCommit { status: 500 },
        FaultEffect::DropBeforeCommit,
        FaultEffect::DropAfterCommit,
    ] {
        for route in ["GET /users", "POST /users", "POST /role_assignments"] {
            let world = gym(Knobs::default());
            world.directory.insert(member(ANN, vec![membership("ms-1", "gold")]));
            fault(&world, route, effect.clone());
            let Err(Failure::Unfinished(Error { demand: Demand::Retry(after_ms), .. })) = world.deliver(ANN)
            else {
                panic!("{route}, {effect:?}: no retry")
            };
            if effect == (FaultEffect::Status { status: 503, retry_after_s: Some(7) }) {
                assert_eq!(after_ms, 7_000, "Retry-After is honoured");
            }
            world.settle(ANN);
            assert_eq!(world.names_of(EMAIL), ["Gym", "Spa"], "{route}, {effect:?}");
        }
    }
}

#[test]
fn a_list_in_doubt_is_not_believed_and_a_block_does_not_wait_for_it() {
    // A block takes at once what the ledger knows; what was given by hand is read first, and a list that does not add
    // up must not be taken for the truth.
    for effect in [FaultEffect::NotAnArray, FaultEffect::Truncated { missing: 1 }, FaultEffect::Html] {
        let world = with_ann("gold");
        let user = world.sim.state().user_by_email(EMAIL).unwrap().id;
        let staff = world.sim.add_group("Staff");
        world.sim.assign(user, staff, "group_basic");
        world.directory.update(ANN, |ann| ann.status = MemberStatus::Blocked);
        fault(&world, "GET /role_assignments", effect.clone());
        let Err(Failure::Unfinished(Error { demand: Demand::Retry(_), .. })) = world.deliver(ANN) else {
            panic!("{effect:?}: no retry")
        };
        assert_eq!(world.names_of(EMAIL), ["Staff"], "{effect:?}");
        world.settle(ANN);
        assert_eq!(world.names_of(EMAIL), Vec::<String>::new(), "{effect:?}");
    }
}

#[test]
fn whoever_waits_for_an_address_is_served_also_when_the_call_that_frees_it_fails() {
    for route in ["POST /role_assignments", "GET /users", "POST /users"] {
        for effect in [FaultEffect::DropAfterCommit, FaultEffect::Status { status: 503, retry_after_s: None }]
        {
            for skip in 0..2 {
                let world = with_ann("basic");
                let mut amy = member("amy", vec![membership("ms-2", "basic")]);
                amy.email = Some(EMAIL.to_string());
                world.directory.insert(amy);
                world.settle("amy");
                // What follows is not for a comparison of everybody to mend.
                try_tick(&world, 1_000).unwrap();
                world.directory.update(ANN, |ann| ann.email = Some("ann.lee@gym.test".to_string()));
                world.sim.add_fault(Fault::new(route, effect.clone()).unwrap().skip(skip));
                let outcomes = world.settle(ANN);
                let case = format!("{route}, {effect:?}, after {skip}");
                assert_eq!(world.names_of("ann.lee@gym.test"), ["Gym"], "Ann: {case}");
                let amy = outcomes.iter().find(|outcome| outcome.member == "amy").unwrap();
                if world.names_of(EMAIL).is_empty() {
                    assert_eq!(amy.due_at, Some(world.clock.now_ms() + 60_000), "the host is told: {case}");
                    world.advance(Duration::from_mins(1));
                    try_tick(&world, 1_000).unwrap();
                }
                assert_eq!(world.names_of(EMAIL), ["Gym"], "Amy, a minute later at the latest: {case}");
            }
        }
    }
}

#[test]
fn an_address_that_kisi_refuses_costs_only_what_no_membership_gives_any_more() {
    let world = with_ann("gold");
    world.directory.update(ANN, |ann| {
        ann.email = Some("ann-at-gym".to_string());
        ann.memberships[0].plan = "basic".to_string();
    });
    let Err(Failure::Unfinished(Error { demand: Demand::Reject, .. })) = world.deliver(ANN) else {
        panic!("not rejected")
    };
    assert_eq!(world.names_of(EMAIL), ["Gym"], "the spa goes, the gym stays on the old account");
    // Somebody else's event is not answered with Ann's trouble.
    let mut bob = member("bob", vec![membership("ms-2", "basic")]);
    bob.email = Some(EMAIL.to_string());
    world.directory.insert(bob);
    assert_eq!(world.settle("bob")[0].refusals[0].reason, Reason::EmailInUse);
}

#[test]
fn where_accounts_are_not_created_a_new_address_keeps_the_old_account_until_there_is_one() {
    let settings =
        r#"{"integration":{"identifier":"Test Gym","contact":"doors@gym.test"},"missing_user":"report"}"#;
    let world = World::connected(Arm::Component, Knobs::default(), settings, &[("basic", &["Gym"])]);
    world.sim.add_user("Ann", EMAIL);
    world.directory.insert(member(ANN, vec![membership("ms-1", "basic")]));
    world.settle(ANN);
    world.directory.update(ANN, |ann| ann.email = Some("ann.lee@gym.test".to_string()));
    let outcomes = world.settle(ANN);
    assert_eq!(world.names_of(EMAIL), ["Gym"]);
    assert_eq!(outcomes[0].refusals[0].reason, Reason::NoAccount);
    world.sim.add_user("Ann Lee", "ann.lee@gym.test");
    world.settle(ANN);
    assert_eq!(world.names_of("ann.lee@gym.test"), ["Gym"]);
    assert_eq!(world.names_of(EMAIL), Vec::<String>::new());
}

#[test]
fn one_odd_refusal_is_no_rule_for_later_changes() {
    let knobs = Knobs {
        validity_in_patch: ValidityInPatch::Ignored,
        duplicate_role_assignment: DuplicateRoleAssignment::Stack,
        ..Knobs::default()
    };
    let world = gym(knobs);
    world.directory.insert(member(ANN, vec![membership("ms-1", "basic")]));
    world.settle(ANN);
    for until in [10, 20] {
        world.directory.update(ANN, |ann| ann.memberships[0].ends_at = Some(START + until * DAY));
        if until == 20 {
            fault(&world, "POST /role_assignments", FaultEffect::Status { status: 422, retry_after_s: None });
        }
        world.settle(ANN);
        assert_eq!(world.names_of(EMAIL), ["Gym"]);
    }
    world.calls();
    world.settle(ANN);
    let calls = world.calls();
    assert!(calls[0].starts_with("POST") && calls[1].starts_with("DELETE"), "{calls:#?}");
}

#[test]
fn many_roles_above_a_plain_member_do_not_stop_what_must_go() {
    let names: Vec<String> = (0..14).map(|number| format!("Room {number}")).collect();
    let rooms: Vec<&str> = names.iter().map(String::as_str).collect();
    let mapping: &[(&str, &[&str])] = &[("rooms", &rooms), ("spa", &["Spa"])];
    let world = World::connected(Arm::Component, Knobs::default(), SETTINGS, mapping);
    world.directory.insert(member(ANN, vec![membership("ms-1", "spa")]));
    world.settle(ANN);
    let user = world.sim.state().user_by_email(EMAIL).unwrap().id;
    for room in &rooms[1..] {
        world.sim.assign(user, group(&world, room), "group_manager");
    }
    world.directory.update(ANN, |ann| ann.memberships[0].plan = "rooms".to_string());
    world.deliver(ANN).unwrap();
    assert_eq!(world.names_of(EMAIL), ["Room 0"], "the spa is gone and the room is given");
}

#[test]
fn a_blocked_person_is_found_whatever_the_filter_heeds_and_after_the_address_is_free() {
    let world = gym(Knobs { email_filter_case: EmailFilterCase::Sensitive, ..Knobs::default() });
    let user = world.sim.add_user("Ann", "Ann@Gym.test");
    world.sim.assign(user, group(&world, "Gym"), "group_basic");
    let mut ann = member(ANN, Vec::new());
    ann.status = MemberStatus::Blocked;
    world.directory.insert(ann);
    world.settle(ANN);
    assert_eq!(world.names_of(EMAIL), Vec::<String>::new());

    let world = with_ann("basic");
    let user = world.sim.state().user_by_email(EMAIL).unwrap().id;
    world.sim.assign(user, group(&world, "Spa"), "group_basic");
    let mut bob = member("bob", Vec::new());
    bob.email = Some(EMAIL.to_string());
    bob.status = MemberStatus::Blocked;
    world.directory.insert(bob);
    world.settle("bob");
    assert_eq!(world.names_of(EMAIL), ["Gym", "Spa"], "the account is Ann's");
    world.directory.update(ANN, |ann| ann.email = Some("ann.lee@gym.test".to_string()));
    world.settle(ANN);
    assert_eq!(world.names_of(EMAIL), Vec::<String>::new(), "the account is a blocked person's now");
}

#[test]
fn what_others_gave_is_untouched_by_everything_but_a_block() {
    let world = with_ann("basic");
    let user = world.sim.state().user_by_email(EMAIL).unwrap().id;
    let staff = world.sim.add_group("Staff");
    world.sim.assign(user, staff, "group_basic");
    world.sim.assign(user, group(&world, "Spa"), "group_manager");
    for status in [MembershipStatus::Frozen, MembershipStatus::Active, MembershipStatus::Cancelled] {
        world.directory.update(ANN, |ann| ann.memberships[0].status = status);
        world.settle(ANN);
        assert!(world.names_of(EMAIL).contains(&"Staff".to_string()), "{status:?}");
    }
    world.directory.update(ANN, |ann| ann.status = MemberStatus::Blocked);
    let outcomes = world.settle(ANN);
    assert_eq!(world.names_of(EMAIL), Vec::<String>::new());
    let roles: Vec<String> =
        world.sim.state().role_assignments_of(user).map(|row| row.role_id.clone()).collect();
    assert_eq!(roles, ["group_manager"], "a role above a plain member's is never touched");
    assert_eq!(outcomes[0].warnings[0].kind, WarningKind::ElevatedRole);
    assert!(!outcomes[0].changes[0].ours, "given by hand");
}

#[test]
fn a_group_given_by_hand_is_adopted_when_a_membership_gives_it_too() {
    let world = gym(Knobs::default());
    let user = world.sim.add_user("Ann", "Ann@Gym.test");
    world.sim.assign(user, group(&world, "Gym"), "group_basic");
    world.directory.insert(member(ANN, vec![membership("ms-1", "basic")]));
    let outcomes = world.settle(ANN);
    assert_eq!(outcomes[0].changes[0].action, Action::Adopted);
    assert_eq!(world.names_of(EMAIL), ["Gym"], "one assignment, not two");
    world.directory.update(ANN, |ann| ann.memberships.clear());
    world.settle(ANN);
    assert_eq!(world.names_of(EMAIL), Vec::<String>::new(), "adopted means looked after");
}

#[test]
fn a_renewal_never_locks_an_entitled_member_out() {
    for duplicates in [DuplicateRoleAssignment::IdenticalDatesConflict, DuplicateRoleAssignment::Stack] {
        for dates in [ValidityInPatch::Honoured, ValidityInPatch::Ignored] {
            let knobs =
                Knobs { duplicate_role_assignment: duplicates, validity_in_patch: dates, ..Knobs::default() };
            let world = gym(knobs);
            let mut dated = membership("ms-1", "basic");
            dated.ends_at = Some(START + 10 * DAY);
            world.directory.insert(member(ANN, vec![dated]));
            world.settle(ANN);
            for until in [20, 30, 15] {
                world.directory.update(ANN, |ann| ann.memberships[0].ends_at = Some(START + until * DAY));
                world.calls();
                world.settle(ANN);
                assert_eq!(
                    world.groups_of(EMAIL),
                    [("Gym".to_string(), None, Some(START + until * DAY))],
                    "{duplicates:?}, {dates:?}"
                );
                let calls = world.calls();
                let removal = calls.iter().position(|call| call.starts_with("DELETE"));
                let addition = calls.iter().position(|call| call.starts_with("POST"));
                assert!(removal.is_none() || addition < removal, "removed before added: {calls:#?}");
            }
        }
    }
}

#[test]
fn a_group_deleted_in_kisi_breaks_its_mapping_and_the_others_are_still_served() {
    let world = gym(Knobs::default());
    world.sim.delete_group(group(&world, "Spa"));
    world.directory.insert(member(ANN, vec![membership("ms-1", "gold")]));
    let outcomes = world.settle(ANN);
    assert_eq!(world.names_of(EMAIL), ["Gym"]);
    assert_eq!(outcomes[0].warnings[0].kind, WarningKind::BrokenMapping);
    assert_eq!(outcomes[0].refusals[0].reason, Reason::GroupDeleted);
    let health = world.runtime.block_on(world.tenant().status()).unwrap().unwrap();
    let flawed: Vec<_> = health.flawed_groups.iter().map(|group| (&*group.name, group.warnings[0])).collect();
    assert_eq!(flawed, [("Gym", GroupWarning::NoDoors), ("Spa", GroupWarning::Deleted)]);
    world.calls();
    world.directory.insert(member("ben", vec![membership("ms-2", "gold")]));
    world.settle("ben");
    let calls = world.calls();
    assert_eq!(calls.len(), 3, "a broken group is not tried again: {calls:#?}");
}

#[test]
fn a_user_deleted_in_kisi_is_made_anew() {
    let world = with_ann("gold");
    world.sim.delete_user(world.sim.state().user_by_email(EMAIL).unwrap().id);
    world.directory.update(ANN, |ann| ann.memberships[0].plan = "basic".to_string());
    world.settle(ANN);
    world.directory.update(ANN, |ann| ann.memberships[0].plan = "gold".to_string());
    world.settle(ANN);
    assert_eq!(world.names_of(EMAIL), ["Gym", "Spa"]);
}

#[test]
fn a_shared_address_serves_the_first_and_the_second_once_it_is_free() {
    let world = with_ann("gold");
    let mut ben = member("ben", vec![membership("ms-2", "basic")]);
    ben.email = Some(" ANN@gym.test ".to_string());
    world.directory.insert(ben);
    let outcomes = world.settle("ben");
    assert_eq!(outcomes[0].refusals[0].reason, Reason::EmailInUse);
    assert_eq!(world.calls(), Vec::<String>::new(), "nothing is asked of Kisi");
    assert_eq!(world.names_of(EMAIL), ["Gym", "Spa"]);

    world.directory.update(ANN, |ann| ann.email = Some("ann.lee@gym.test".to_string()));
    let outcomes = world.settle(ANN);
    assert_eq!(outcomes.iter().map(|outcome| outcome.member.as_str()).collect::<Vec<_>>(), [ANN, "ben"]);
    assert_eq!(world.names_of("ann.lee@gym.test"), ["Gym", "Spa"]);
    assert_eq!(world.names_of(EMAIL), ["Gym"]);
}

#[test]
fn two_members_who_exchange_their_addresses_both_end_with_their_own_groups() {
    for first in [ANN, "ben"] {
        let world = with_ann("gold");
        world.directory.insert(member("ben", vec![membership("ms-2", "basic")]));
        world.settle("ben");
        world.directory.update(ANN, |ann| ann.email = Some("ben@gym.test".to_string()));
        world.directory.update("ben", |ben| ben.email = Some(EMAIL.to_string()));
        world.settle(first);
        world.settle(ANN);
        world.settle("ben");
        assert_eq!(world.names_of("ben@gym.test"), ["Gym", "Spa"], "Ann's, {first} first");
        assert_eq!(world.names_of(EMAIL), ["Gym"], "Ben's, {first} first");
    }
}

#[test]
fn a_member_who_left_an_account_behind_is_blocked_there_too() {
    let world = with_ann("basic");
    let old = world.sim.state().user_by_email(EMAIL).unwrap().id;
    let staff = world.sim.add_group("Staff");
    world.sim.assign(old, staff, "group_basic");
    world.directory.update(ANN, |ann| ann.email = Some("ann.lee@gym.test".to_string()));
    world.settle(ANN);
    assert_eq!(world.names_of(EMAIL), ["Staff"], "given by hand, so it stays");
    world.directory.update(ANN, |ann| ann.status = MemberStatus::Blocked);
    world.settle(ANN);
    assert_eq!(
        world.names_of(EMAIL),
        Vec::<String>::new(),
        "the phone may still be signed in with the old address"
    );
    assert_eq!(world.names_of("ann.lee@gym.test"), Vec::<String>::new());
}

#[test]
fn nothing_about_a_deleted_member_stays_in_storage() {
    let world = with_ann("gold");
    let before = world.storage.entries().len();
    assert!(before > 3, "the member's record and its indexes are there");
    world.directory.remove(ANN);
    world.settle(ANN);
    assert_eq!(world.names_of(EMAIL), Vec::<String>::new());
    for entry in world.storage.entries() {
        let text = format!("{} {}", entry.key, String::from_utf8_lossy(&entry.value));
        assert!(!text.contains(ANN), "{text}");
    }
    assert!(world.sim.state().user_by_email(EMAIL).is_some(), "no user of Kisi is ever deleted");
}

#[test]
fn access_that_starts_later_is_given_at_once_and_opens_by_itself() {
    let world = gym(Knobs::default());
    let mut later = membership("ms-1", "basic");
    later.starts_at = Some(START + 3 * DAY);
    later.ends_at = Some(START + 9 * DAY);
    world.directory.insert(member(ANN, vec![later]));
    let outcomes = world.settle(ANN);
    assert_eq!(outcomes[0].changes[0].reason, Reason::NotStarted);
    assert_eq!(outcomes[0].due_at, Some(START + 3 * DAY));
    assert_eq!(world.groups_of(EMAIL), [("Gym".to_string(), Some(START + 3 * DAY), Some(START + 9 * DAY))]);
    world.calls();
    world.advance(Duration::from_millis(4 * DAY));
    world.settle(ANN);
    assert_eq!(world.calls(), Vec::<String>::new(), "the start needs no call");
    world.advance(Duration::from_millis(6 * DAY));
    world.settle(ANN);
    assert_eq!(world.calls().len(), 1, "the end removes what is over");
}

#[test]
fn an_account_spelt_in_capitals_is_found_whatever_the_filter_heeds() {
    for duplicate_user in [DuplicateUser::Conflict, DuplicateUser::Unprocessable] {
        for email_filter_case in [EmailFilterCase::Insensitive, EmailFilterCase::Sensitive] {
            let world = gym(Knobs { duplicate_user, email_filter_case, ..Knobs::default() });
            world.sim.add_user("Ann", "Ann@Gym.Test");
            world.directory.insert(member(ANN, vec![membership("ms-1", "basic")]));
            world.settle(ANN);
            assert_eq!(world.names_of(EMAIL), ["Gym"], "{duplicate_user:?}, {email_filter_case:?}");
            assert_eq!(world.sim.state().users.len(), 2);
        }
    }
}

#[test]
fn where_kisi_leaves_no_other_way_the_gap_is_told_each_time() {
    let knobs = Knobs {
        duplicate_role_assignment: DuplicateRoleAssignment::AlwaysConflict,
        validity_in_patch: ValidityInPatch::Ignored,
        ..Knobs::default()
    };
    let world = gym(knobs);
    world.directory.insert(member(ANN, vec![membership("ms-1", "basic")]));
    world.settle(ANN);
    for until in [10, 20] {
        world.directory.update(ANN, |ann| ann.memberships[0].ends_at = Some(START + until * DAY));
        let outcomes = world.settle(ANN);
        assert_eq!(world.groups_of(EMAIL), [("Gym".to_string(), None, Some(START + until * DAY))]);
        assert_eq!(
            outcomes[0].warnings.iter().map(|warning| warning.kind).collect::<Vec<_>>(),
            [WarningKind::Gap]
        );
    }
}

#[test]
fn one_member_with_impossible_data_stops_nobody_else() {
    let world = gym(Knobs::default());
    let mut odd = member("odd", vec![membership("ms-1", "basic")]);
    odd.email = Some(format!("{}@gym.test", "x".repeat(600)));
    world.directory.insert(odd);
    let Err(Failure::Unfinished(Error { demand: Demand::Reject, .. })) = world.deliver("odd") else {
        panic!("not rejected")
    };
    world.directory.insert(member(ANN, vec![membership("ms-2", "basic")]));
    world.settle(ANN);
    assert_eq!(world.names_of(EMAIL), ["Gym"]);
}

#[test]
fn a_grant_whose_answer_was_lost_is_ours_when_a_block_takes_it_away() {
    let world = gym(Knobs::default());
    world.directory.insert(member(ANN, vec![membership("ms-1", "basic")]));
    fault(&world, "POST /role_assignments", FaultEffect::DropAfterCommit);
    world.deliver(ANN).unwrap_err();
    world.directory.update(ANN, |ann| ann.status = MemberStatus::Blocked);
    let outcomes = world.settle(ANN);
    assert_eq!(world.names_of(EMAIL), Vec::<String>::new());
    assert!(outcomes[0].changes[0].ours);
}

#[test]
fn a_lagging_search_ends_in_one_user() {
    let world = gym(Knobs { email_lag_ms: 5_000, ..Knobs::default() });
    world.sim.add_user("Ann", EMAIL);
    world.directory.insert(member(ANN, vec![membership("ms-1", "basic")]));
    world.settle(ANN);
    assert_eq!(world.sim.state().users.len(), 2);
    assert_eq!(world.names_of(EMAIL), ["Gym"]);
}

#[test]
fn a_role_above_a_plain_members_costs_nothing_at_each_event_and_is_looked_at_again_after_a_day() {
    let world = with_ann("basic");
    let user = world.sim.state().user_by_email(EMAIL).unwrap().id;
    let managed = world.sim.assign(user, group(&world, "Spa"), "group_manager");
    world.directory.insert(member(ANN, vec![membership("ms-1", "gold")]));
    let warned =
        |outcomes: &[Outcome]| outcomes[0].warnings.iter().any(|w| w.kind == WarningKind::ElevatedRole);
    assert!(warned(&world.settle(ANN)));
    assert!(!world.calls().is_empty(), "it is found out by asking");

    assert!(warned(&world.settle(ANN)), "and told each time");
    assert_eq!(world.calls(), Vec::<String>::new());

    world.sim.unassign(managed);
    world.advance(Duration::from_millis(DAY));
    assert!(!warned(&world.settle(ANN)));
    assert_eq!(world.names_of(EMAIL), ["Gym", "Spa"]);
    assert_eq!(world.calls().len(), 1, "one edit");
}

#[test]
fn that_an_account_is_no_longer_a_members_is_told_once_whatever_fails_then() {
    let world = with_ann("basic");
    world.directory.update(ANN, |ann| ann.email = Some("ann@home.test".to_string()));
    let mut told = 0;
    for route in ["GET /users", "POST /users", "POST /role_assignments"] {
        fault(&world, route, FaultEffect::Status { status: 503, retry_after_s: None });
    }
    for _ in 0..6 {
        let handled = world.runtime.block_on(world.tenant().handle(&world.event(ANN))).unwrap();
        let done = handled.unwrap_or_else(|unfinished| unfinished.done);
        let unlinked = |outcome: &Outcome| {
            outcome.account.iter().filter(|change| change.action == AccountAction::Unlinked).count()
        };
        told += done.iter().map(unlinked).sum::<usize>();
        world.advance(Duration::from_secs(10));
    }
    assert_eq!(told, 1);
    assert_eq!(world.names_of("ann@home.test"), ["Gym"]);
    assert_eq!(world.names_of(EMAIL), Vec::<String>::new());
}
