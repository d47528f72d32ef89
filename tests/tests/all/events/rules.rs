//! What must hold whatever Kisi answers and whatever staff does in it.

use std::time::Duration;

use door_access_host::contract::events::{AccountAction, Action, Outcome, WarningKind};
use door_access_host::contract::groups::GroupWarning;
use door_access_host::contract::types::{Demand, Error, Member, MemberStatus, MembershipStatus, Reason};
use door_access_testkit::{
    DAY, Failure, MAPPING, SETTINGS, START, World, dated, member, membership, settings, with_email,
};
use kisi_sim::{
    DuplicateRoleAssignment, DuplicateUser, EmailFilterCase, Fault, FaultEffect, Knobs, ValidityInPatch,
};

const ANN: &str = "ann";
const EMAIL: &str = "ann@gym.test";
const UNAVAILABLE: FaultEffect = FaultEffect::Status { status: 503, retry_after_s: None };

fn gym(knobs: Knobs) -> World {
    World::connected(knobs, SETTINGS, MAPPING)
}

/// A gym in which Ann has this plan and its groups.
fn with_ann(plan: &str) -> World {
    let world = World::gym(vec![member(ANN, vec![membership("ms-1", plan)])]);
    world.settle(ANN);
    world.calls();
    world
}

fn fault(world: &World, route: &str, effect: FaultEffect) {
    world.sim.add_fault(Fault::new(route, effect).unwrap());
}

#[test]
fn a_connection_that_drops_after_kisi_committed_leaves_one_user_and_one_assignment() {
    for route in ["POST /users", "POST /role_assignments"] {
        let world =
            gym(Knobs { duplicate_role_assignment: DuplicateRoleAssignment::Stack, ..Knobs::default() });
        world.directory.insert(member(ANN, vec![membership("ms-1", "gold")]));
        fault(&world, route, FaultEffect::DropAfterCommit {});
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
        FaultEffect::Html {},
        FaultEffect::Status { status: 503, retry_after_s: Some(7) },
        FaultEffect::Status { status: 500, retry_after_s: None },
        FaultEffect::Status { status: 429, retry_after_s: None },
        FaultEffect::StatusAfterCommit { status: 500 },
        FaultEffect::DropBeforeCommit {},
        FaultEffect::DropAfterCommit {},
    ] {
        for route in ["GET /users", "POST /users", "POST /role_assignments"] {
            let world = World::gym(Vec::new());
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
fn an_inconsistent_list_is_read_again_and_a_block_does_not_wait_for_it() {
    // A block removes at once what the record knows. Manual access is read first, and an inconsistent list is not trusted.
    for effect in [FaultEffect::NotAnArray {}, FaultEffect::Truncated { missing: 1 }, FaultEffect::Html {}] {
        let world = with_ann("gold");
        world.by_hand(EMAIL, &["Staff"]);
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
fn a_member_who_waits_for_an_address_gets_it_though_the_call_that_frees_it_fails() {
    for route in ["POST /role_assignments", "GET /users", "POST /users"] {
        for effect in [FaultEffect::DropAfterCommit {}, UNAVAILABLE] {
            for skip in 0..2 {
                let world = with_ann("basic");
                world.directory.insert(with_email("amy", EMAIL, "basic"));
                world.settle("amy");
                // A sync must not correct what follows.
                world.tick(1_000).unwrap();
                world.directory.update(ANN, |ann| ann.email = Some("ann.lee@gym.test".to_string()));
                world.sim.add_fault(Fault::new(route, effect.clone()).unwrap().skip(skip));
                let outcomes = world.settle(ANN);
                let case = format!("{route}, {effect:?}, after {skip}");
                assert_eq!(world.names_of("ann.lee@gym.test"), ["Gym"], "Ann: {case}");
                let amy = outcomes.iter().find(|outcome| outcome.member == "amy").unwrap();
                if world.names_of(EMAIL).is_empty() {
                    assert_eq!(amy.due_at, Some(world.now() + 60_000), "the due date is reported: {case}");
                    world.advance(Duration::from_mins(1));
                    world.tick(1_000).unwrap();
                }
                assert_eq!(world.names_of(EMAIL), ["Gym"], "Amy, a minute later at the latest: {case}");
            }
        }
    }
}

#[test]
fn an_address_that_kisi_refuses_removes_only_what_no_membership_gives() {
    let world = with_ann("gold");
    world.directory.update(ANN, |ann| {
        ann.email = Some("ann-at-gym".to_string());
        ann.memberships[0].plan = "basic".to_string();
    });
    let Err(Failure::Unfinished(Error { demand: Demand::Reject, .. })) = world.deliver(ANN) else {
        panic!("not rejected")
    };
    assert_eq!(world.names_of(EMAIL), ["Gym"], "the spa goes, the gym stays on the old account");
    // Another member's event is not answered with Ann's error.
    world.directory.insert(with_email("bob", EMAIL, "basic"));
    assert_eq!(world.settle("bob")[0].refusals[0].reason, Reason::EmailInUse);
}

#[test]
fn where_accounts_are_not_created_a_new_address_keeps_the_old_account_until_there_is_one() {
    let settings = settings(r#""missing_user":"report""#);
    let world = World::builder().settings(&settings).mapping(MAPPING).connected();
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
fn many_higher_roles_do_not_delay_a_removal() {
    let names: Vec<String> = (0..14).map(|number| format!("Room {number}")).collect();
    let rooms: Vec<&str> = names.iter().map(String::as_str).collect();
    let mapping: &[(&str, &[&str])] = &[("rooms", &rooms), ("spa", &["Spa"])];
    let world = World::connected(Knobs::default(), SETTINGS, mapping);
    world.directory.insert(member(ANN, vec![membership("ms-1", "spa")]));
    world.settle(ANN);
    let user = world.user(EMAIL);
    for room in &rooms[1..] {
        world.sim.assign(user, world.group(room), "group_manager");
    }
    world.directory.update(ANN, |ann| ann.memberships[0].plan = "rooms".to_string());
    world.deliver(ANN).unwrap();
    assert_eq!(world.names_of(EMAIL), ["Room 0"], "the spa is gone and the room is given");
}

#[test]
fn a_blocked_member_is_found_whatever_the_filter_compares_and_after_the_address_is_free() {
    let world = gym(Knobs { email_filter_case: EmailFilterCase::Sensitive, ..Knobs::default() });
    world.by_hand("Ann@Gym.test", &["Gym"]);
    world.directory.insert(Member { status: MemberStatus::Blocked, ..member(ANN, Vec::new()) });
    world.settle(ANN);
    assert_eq!(world.names_of(EMAIL), Vec::<String>::new());

    let world = with_ann("basic");
    world.by_hand(EMAIL, &["Spa"]);
    let bob = with_email("bob", EMAIL, "basic");
    world.directory.insert(Member { status: MemberStatus::Blocked, memberships: Vec::new(), ..bob });
    world.settle("bob");
    assert_eq!(world.names_of(EMAIL), ["Gym", "Spa"], "the account is Ann's");
    world.directory.update(ANN, |ann| ann.email = Some("ann.lee@gym.test".to_string()));
    world.settle(ANN);
    assert_eq!(world.names_of(EMAIL), Vec::<String>::new(), "the account is a blocked person's now");
}

#[test]
fn manual_access_is_changed_by_nothing_but_a_block() {
    let world = with_ann("basic");
    let user = world.by_hand(EMAIL, &["Staff"]);
    world.sim.assign(user, world.group("Spa"), "group_manager");
    for status in [MembershipStatus::Frozen, MembershipStatus::Active, MembershipStatus::Cancelled] {
        world.directory.update(ANN, |ann| ann.memberships[0].status = status);
        world.settle(ANN);
        assert!(world.names_of(EMAIL).contains(&"Staff".to_string()), "{status:?}");
    }
    world.directory.update(ANN, |ann| ann.status = MemberStatus::Blocked);
    let outcomes = world.settle(ANN);
    assert_eq!(world.names_of(EMAIL), Vec::<String>::new());
    let roles: Vec<String> = world.rows_of(EMAIL).into_iter().map(|row| row.role_id).collect();
    assert_eq!(roles, ["group_manager"], "a role above a plain member's is never touched");
    assert_eq!(outcomes[0].warnings[0].kind, WarningKind::ElevatedRole);
    assert!(!outcomes[0].changes[0].ours, "given by hand");
}

#[test]
fn a_manual_grant_is_adopted_when_a_membership_gives_the_group_too() {
    let world = World::gym(Vec::new());
    world.by_hand("Ann@Gym.test", &["Gym"]);
    world.directory.insert(member(ANN, vec![membership("ms-1", "basic")]));
    let outcomes = world.settle(ANN);
    assert_eq!(outcomes[0].changes[0].action, Action::Adopted);
    assert_eq!(world.names_of(EMAIL), ["Gym"], "one assignment, not two");
    world.directory.update(ANN, |ann| ann.memberships.clear());
    world.settle(ANN);
    assert_eq!(world.names_of(EMAIL), Vec::<String>::new(), "adopted means managed");
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
    let world = World::gym(Vec::new());
    world.sim.delete_group(world.group("Spa"));
    world.directory.insert(member(ANN, vec![membership("ms-1", "gold")]));
    let outcomes = world.settle(ANN);
    assert_eq!(world.names_of(EMAIL), ["Gym"]);
    assert_eq!(outcomes[0].warnings[0].kind, WarningKind::BrokenMapping);
    assert_eq!(outcomes[0].refusals[0].reason, Reason::GroupDeleted);
    let health = world.status();
    let flawed: Vec<_> = health.flawed_groups.iter().map(|group| (&*group.name, group.warnings[0])).collect();
    assert_eq!(flawed, [("Gym", GroupWarning::NoDoors), ("Spa", GroupWarning::Deleted)]);
    world.calls();
    world.directory.insert(member("ben", vec![membership("ms-2", "gold")]));
    world.settle("ben");
    let calls = world.calls();
    assert_eq!(calls.len(), 3, "a broken group is not tried again: {calls:#?}");
}

#[test]
fn a_user_deleted_in_kisi_is_created_again() {
    let world = with_ann("gold");
    world.sim.delete_user(world.user(EMAIL));
    world.directory.update(ANN, |ann| ann.memberships[0].plan = "basic".to_string());
    world.settle(ANN);
    world.directory.update(ANN, |ann| ann.memberships[0].plan = "gold".to_string());
    world.settle(ANN);
    assert_eq!(world.names_of(EMAIL), ["Gym", "Spa"]);
}

#[test]
fn a_shared_address_serves_the_first_member_and_the_second_after_it_became_free() {
    let world = with_ann("gold");
    world.directory.insert(with_email("ben", " ANN@gym.test ", "basic"));
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
fn a_block_reaches_the_account_of_a_former_address_too() {
    let world = with_ann("basic");
    world.by_hand(EMAIL, &["Staff"]);
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
    assert_eq!(world.stored(ANN), Vec::<String>::new());
    assert!(world.sim.state().user_by_email(EMAIL).is_some(), "no user of Kisi is ever deleted");
}

#[test]
fn access_that_starts_later_is_granted_at_once_and_opens_by_itself() {
    let world = World::gym(Vec::new());
    world.directory.insert(member(ANN, vec![dated("ms-1", "basic", 3, 9)]));
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
fn an_account_in_capitals_is_found_whatever_the_filter_compares() {
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
fn where_kisi_leaves_no_other_way_each_gap_is_reported() {
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
fn one_member_with_impossible_data_delays_no_other_member() {
    let world = World::gym(Vec::new());
    world.directory.insert(with_email("odd", &format!("{}@gym.test", "x".repeat(600)), "basic"));
    let Err(Failure::Unfinished(Error { demand: Demand::Reject, .. })) = world.deliver("odd") else {
        panic!("not rejected")
    };
    world.directory.insert(member(ANN, vec![membership("ms-2", "basic")]));
    world.settle(ANN);
    assert_eq!(world.names_of(EMAIL), ["Gym"]);
}

#[test]
fn a_grant_whose_answer_was_lost_is_reported_as_ours_when_a_block_removes_it() {
    let world = World::gym(vec![member(ANN, vec![membership("ms-1", "basic")])]);
    fault(&world, "POST /role_assignments", FaultEffect::DropAfterCommit {});
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
fn a_higher_role_costs_nothing_at_each_event_and_is_read_again_after_a_day() {
    let world = with_ann("basic");
    let user = world.user(EMAIL);
    let managed = world.sim.assign(user, world.group("Spa"), "group_manager");
    world.directory.insert(member(ANN, vec![membership("ms-1", "gold")]));
    let warned =
        |outcomes: &[Outcome]| outcomes[0].warnings.iter().any(|w| w.kind == WarningKind::ElevatedRole);
    assert!(warned(&world.settle(ANN)));
    assert!(!world.calls().is_empty(), "the role is found by a request");

    assert!(warned(&world.settle(ANN)), "and reported each time");
    assert_eq!(world.calls(), Vec::<String>::new());

    world.sim.unassign(managed);
    world.advance(Duration::from_millis(DAY));
    assert!(!warned(&world.settle(ANN)));
    assert_eq!(world.names_of(EMAIL), ["Gym", "Spa"]);
    assert_eq!(world.calls().len(), 1, "one edit");
}

#[test]
fn an_unlinked_account_is_reported_once_whatever_fails_then() {
    let world = with_ann("basic");
    world.directory.update(ANN, |ann| ann.email = Some("ann@home.test".to_string()));
    let mut told = 0;
    for route in ["GET /users", "POST /users", "POST /role_assignments"] {
        fault(&world, route, UNAVAILABLE);
    }
    for _ in 0..6 {
        let handled = world.answer(world.tenant().handle(&world.event(ANN)));
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
