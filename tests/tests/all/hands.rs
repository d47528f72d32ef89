//! What staff does in Kisi to what the plugin gave, and what Kisi refuses: roles, dates, lists that change.

use door_access_host::contract::events::{Action, Change};
use door_access_host::contract::sync::{FindingKind, Mode, Phase};
use door_access_host::contract::types::{Demand, MemberStatus, Membership, MembershipStatus};
use kisi_sim::{DuplicateRoleAssignment, Fault, FaultEffect, Hand, Knobs, ValidityInPatch};

use crate::hindrances::{HOUR, LEASED, gym_with, live, many};
use crate::tick::open;
use crate::world::{Arm, DAY, SETTINGS, START, World, member, membership};

const MAPPING: &[(&str, &[&str])] = &[("basic", &["Gym"]), ("gold", &["Gym", "Spa"])];

/// Staff makes the member's grant a manager's, under the same id.
pub(crate) fn promote(world: &World, email: &str) {
    let state = world.sim.state();
    let user = state.user_by_email(email).unwrap().id;
    let row = state.role_assignments_of(user).next().unwrap().id;
    world.sim.hand(Hand::SetRole { id: row, role: "group_manager".to_string() }).unwrap();
}

fn roles(world: &World, email: &str) -> Vec<(String, Option<u64>)> {
    let state = world.sim.state();
    let user = state.user_by_email(email).unwrap().id;
    state.role_assignments_of(user).map(|row| (row.role_id.clone(), row.valid_until)).collect()
}

#[test]
fn a_grant_that_staff_made_a_higher_role_is_theirs_from_the_next_reconciliation_on() {
    for end in ["cancelled", "blocked", "deleted", "leased"] {
        let world = gym_with(if end == "leased" { LEASED } else { SETTINGS }, many(1));
        promote(&world, "m-00@gym.test");
        let before = roles(&world, "m-00@gym.test");
        live(&world, START + DAY + 2 * HOUR);
        match end {
            "cancelled" => drop(
                world.directory.update("m-00", |one| one.memberships[0].status = MembershipStatus::Cancelled),
            ),
            "blocked" => drop(world.directory.update("m-00", |one| one.status = MemberStatus::Blocked)),
            "deleted" => drop(world.directory.remove("m-00")),
            _ => live(&world, START + 40 * DAY),
        }
        world.settle("m-00");
        assert_eq!(roles(&world, "m-00@gym.test"), before, "{end}");
    }
}

#[test]
fn a_reconciliation_that_reads_a_higher_role_does_not_take_it() {
    let world = gym_with(SETTINGS, many(1));
    promote(&world, "m-00@gym.test");
    // The event is lost.
    world.directory.update("m-00", |one| one.memberships[0].status = MembershipStatus::Cancelled);
    live(&world, START + 3 * DAY);
    assert_eq!(roles(&world, "m-00@gym.test"), [("group_manager".to_string(), None)]);
}

#[test]
fn one_odd_refusal_of_a_date_makes_no_gap_the_rule() {
    let knobs = Knobs {
        duplicate_role_assignment: DuplicateRoleAssignment::AlwaysConflict,
        validity_in_patch: ValidityInPatch::Honoured,
        ..Knobs::default()
    };
    let world = World::connected(Arm::Component, knobs, LEASED, MAPPING);
    for one in many(2) {
        world.directory.insert(one);
    }
    live(&world, START + 15 * DAY - HOUR);
    let fault = FaultEffect::Status { status: 422, retry_after_s: None };
    world.sim.add_fault(Fault::new("PATCH /role_assignments/{id}", fault).unwrap().times(1));
    world.calls();
    live(&world, START + 60 * DAY);
    let calls = world.calls();
    assert!(!calls.iter().any(|call| call.starts_with("DELETE")), "nobody stands outside: {calls:#?}");
    for id in ["m-00", "m-01"] {
        assert_eq!(open(&world, id), ["Gym"], "{id}");
    }
}

#[test]
fn dates_that_an_entry_by_hand_has_already_are_not_asked_for_day_after_day() {
    let knobs = Knobs {
        duplicate_role_assignment: DuplicateRoleAssignment::IdenticalDatesConflict,
        validity_in_patch: ValidityInPatch::Honoured,
        ..Knobs::default()
    };
    let world = World::connected(Arm::Component, knobs, SETTINGS, MAPPING);
    let user = world.sim.add_user("Ann", "ann@gym.test");
    world.sim.assign(user, world.sim.state().group_by_name("Spa").unwrap().id, "group_basic");
    let month = Membership { ends_at: Some(START + 30 * DAY), ..membership("ms-1", "gold") };
    world.directory.insert(member("ann", vec![month]));
    world.settle("ann");
    assert_eq!(open(&world, "ann"), ["Gym", "Spa", "Spa"], "by hand without an end, and for a month");
    world.directory.update("ann", |ann| ann.memberships[0].ends_at = None);
    world.settle("ann");
    live(&world, START + 2 * DAY);
    world.calls();
    live(&world, START + 5 * DAY);
    let calls = world.calls();
    assert!(calls.iter().all(|call| call.starts_with("GET")), "{calls:#?}");
    assert_eq!(open(&world, "ann"), ["Gym", "Spa"]);
    // It was adopted, since Kisi takes no second one, and goes with the membership.
    world.directory.update("ann", |ann| ann.memberships[0].status = MembershipStatus::Cancelled);
    world.settle("ann");
    assert_eq!(open(&world, "ann"), Vec::<String>::new());
}

#[test]
fn who_is_in_by_the_old_entry_is_not_said_to_be_out_when_staff_takes_the_new_one() {
    for reconciles in [false, true] {
        let knobs = Knobs {
            duplicate_role_assignment: DuplicateRoleAssignment::Stack,
            validity_in_patch: ValidityInPatch::Ignored,
            ..Knobs::default()
        };
        let world = World::connected(Arm::Component, knobs, SETTINGS, MAPPING);
        let month = Membership { ends_at: Some(START + 30 * DAY), ..membership("ms-1", "basic") };
        world.directory.insert(member("ann", vec![month]));
        world.settle("ann");
        world.directory.update("ann", |ann| ann.memberships[0].ends_at = None);
        let fault = FaultEffect::Status { status: 503, retry_after_s: None };
        world.sim.add_fault(Fault::new("DELETE /role_assignments/{id}", fault).unwrap().times(1));
        assert!(world.deliver("ann").is_err(), "the new entry is there, and the old one still");
        let user = world.sim.state().user_by_email("ann@gym.test").unwrap().id;
        let rows: Vec<u64> = world.sim.state().role_assignments_of(user).map(|row| row.id).collect();
        assert_eq!(rows.len(), 2);
        world.sim.hand(Hand::Unassign { id: rows[1] }).unwrap();
        if reconciles {
            let job = world.runtime.block_on(world.tenant().start_sync(Mode::Apply)).unwrap().unwrap();
            let stepped = world.runtime.block_on(world.tenant().step_sync(&job, 1_000)).unwrap().unwrap();
            assert_eq!((stepped.progress.phase, stepped.progress.counts.drifted), (Phase::Done, 0));
            let is_drift = |kind| kind == FindingKind::Drifted;
            assert!(!stepped.findings.iter().any(|found| is_drift(found.kind)), "{:#?}", stepped.findings);
        } else {
            let outcomes = world.settle("ann");
            let is_drop = |change: &Change| change.action == Action::Dropped;
            assert!(!outcomes.iter().flat_map(|one| &one.changes).any(is_drop), "{outcomes:#?}");
        }
        assert_eq!(world.groups_of("ann@gym.test"), [("Gym".to_string(), None, None)]);
    }
}

#[test]
fn where_kisi_refuses_every_other_way_dates_are_changed_before_access_ends() {
    // A change of dates is refused, and so is a second grant beside the first one.
    let world = gym_with(LEASED, many(1));
    let refused = || FaultEffect::Status { status: 422, retry_after_s: None };
    let user = world.sim.state().user_by_email("m-00@gym.test").unwrap().id;
    let row = world.sim.state().role_assignments_of(user).next().unwrap().id;
    for hour in 14 * 24..=32 * 24 {
        world.sim.clear_faults();
        if world.sim.state().role_assignments_of(user).any(|one| one.id == row) {
            world.sim.add_fault(Fault::new("PATCH /role_assignments/{id}", refused()).unwrap().always());
            world.sim.add_fault(Fault::new("POST /role_assignments", refused()).unwrap().times(1));
        }
        live(&world, START + hour * HOUR);
        assert_eq!(open(&world, "m-00"), ["Gym"], "hour {hour}");
    }
}

#[test]
fn whom_a_preview_found_by_hand_and_staff_took_out_since_is_let_in_when_it_is_confirmed() {
    let world = World::connected(Arm::Component, Knobs::default(), SETTINGS, MAPPING);
    let organization_id = Some(world.sim.state().organizations[0].id);
    let add = Hand::AddUser { name: "Bob".to_string(), email: "bob@gym.test".to_string(), organization_id };
    let user_id = world.sim.hand(add).unwrap().id.unwrap();
    let group_id = world.sim.state().group_by_name("Gym").unwrap().id;
    let role = "group_basic".to_string();
    let row = world.sim.hand(Hand::Assign { user_id, group_id, role, valid_from: None, valid_until: None });
    world.directory.insert(member("bob", vec![membership("ms-1", "basic")]));
    let tenant = world.tenant();
    let run = |step: &str| world.runtime.block_on(tenant.step_sync(step, 1_000)).unwrap().unwrap();
    let job = world.runtime.block_on(tenant.start_sync(Mode::Preview)).unwrap().unwrap();
    while run(&job).progress.phase != Phase::Waiting {}
    world.sim.hand(Hand::Unassign { id: row.unwrap().id.unwrap() }).unwrap();
    world.runtime.block_on(tenant.confirm_sync(&job)).unwrap().unwrap();
    while run(&job).progress.phase != Phase::Done {}
    assert_eq!(open(&world, "bob"), ["Gym"]);
}

#[test]
fn where_staff_adds_people_nobody_is_promised_access_and_who_has_no_account_is_told() {
    let settings = SETTINGS.replacen('{', r#"{"missing_user":"report","#, 1);
    let world = World::connected(Arm::Component, Knobs::default(), &settings, MAPPING);
    for one in many(3) {
        world.directory.insert(one);
    }
    let tenant = world.tenant();
    let run = |step: &str| world.runtime.block_on(tenant.step_sync(step, 1_000)).unwrap().unwrap();
    let job = world.runtime.block_on(tenant.start_sync(Mode::Preview)).unwrap().unwrap();
    let previewed = run(&job);
    assert_eq!((previewed.progress.phase, previewed.progress.counts.grants_added), (Phase::Waiting, 0));
    world.runtime.block_on(tenant.confirm_sync(&job)).unwrap().unwrap();
    let done = run(&job);
    assert_eq!((done.progress.phase, done.progress.counts.conflicts), (Phase::Done, 3));
    let told = done.findings.iter().filter(|finding| finding.kind == FindingKind::Conflict);
    assert_eq!(
        told.map(|finding| finding.member.clone().unwrap()).collect::<Vec<_>>(),
        ["m-00", "m-01", "m-02"]
    );
}

#[test]
fn what_went_with_a_deleted_group_waits_for_nobody() {
    let world = gym_with(SETTINGS, many(15));
    let id = world.sim.state().group_by_name("Gym").unwrap().id;
    world.sim.hand(Hand::DeleteGroup { id }).unwrap();
    world.runtime.block_on(world.tenant().refresh_groups()).unwrap().unwrap();
    let job = world.runtime.block_on(world.tenant().start_sync(Mode::Apply)).unwrap().unwrap();
    let stepped = world.runtime.block_on(world.tenant().step_sync(&job, 1_000)).unwrap().unwrap();
    assert_eq!((stepped.progress.phase, stepped.progress.counts.grants_removed), (Phase::Done, 0));
}

#[test]
fn a_blocked_member_whose_dates_staff_changed_is_counted_once() {
    let world = gym_with(SETTINGS, many(20));
    for number in 0..6 {
        let email = format!("m-{number:02}@gym.test");
        let state = world.sim.state();
        let user_id = state.user_by_email(&email).unwrap().id;
        let row = state.role_assignments_of(user_id).next().unwrap().id;
        let patch = serde_json::json!({ "role_assignment": { "valid_until": "2027-06-01T00:00:00Z" } });
        let request = http::Request::builder()
            .method("PATCH")
            .uri(format!("/role_assignments/{row}"))
            .header("authorization", format!("KISI-LOGIN {}", world.sim.key()))
            .header("content-type", "application/json")
            .body(bytes::Bytes::from(patch.to_string()))
            .unwrap();
        assert_eq!(world.runtime.block_on(world.wire.exchange(request)).unwrap().status(), 204);
        world.directory.update(&format!("m-{number:02}"), |one| one.status = MemberStatus::Blocked);
    }
    let job = world.runtime.block_on(world.tenant().start_sync(Mode::Apply)).unwrap().unwrap();
    let stepped = world.runtime.block_on(world.tenant().step_sync(&job, 1_000)).unwrap().unwrap();
    assert_eq!((stepped.progress.phase, stepped.progress.counts.grants_removed), (Phase::Done, 6));
}

/// What is kept under the names of a reconciliation, and knows somebody.
fn kept_of_people(world: &World) -> Vec<String> {
    let texts = world.storage.entries().into_iter().filter(|entry| entry.key.contains("sync"));
    let texts = texts.map(|entry| format!("{} {}", entry.key, String::from_utf8_lossy(&entry.value)));
    texts.filter(|text| text.contains("@gym.test") || text.contains("m-")).collect()
}

#[test]
fn nothing_of_people_stays_when_a_reconciliation_is_cancelled() {
    let world = World::connected(Arm::Component, Knobs::default(), SETTINGS, MAPPING);
    for one in many(2_000) {
        world.directory.insert(one);
    }
    let job = world.runtime.block_on(world.tenant().start_sync(Mode::Apply)).unwrap().unwrap();
    world.runtime.block_on(world.tenant().step_sync(&job, 1_000)).unwrap().unwrap();
    assert_ne!(kept_of_people(&world).len(), 0, "it is in the middle of the directory");
    world.runtime.block_on(world.tenant().cancel_sync(&job)).unwrap().unwrap();
    assert_eq!(kept_of_people(&world).first(), None);
}

#[test]
fn nothing_of_people_stays_when_the_directory_is_not_believed() {
    let world = gym_with(SETTINGS, many(1));
    let group = world.sim.state().group_by_name("Gym").unwrap().id;
    for number in 0..300 {
        let user = world.sim.add_user("Stranger", &format!("stranger-{number}@gym.test"));
        world.sim.assign(user, group, "group_basic");
    }
    world.directory.remove("m-00");
    let job = world.runtime.block_on(world.tenant().start_sync(Mode::Apply)).unwrap().unwrap();
    let ended = world.runtime.block_on(world.tenant().step_sync(&job, 1_000)).unwrap();
    assert!(matches!(&ended, Err(error) if error.demand == Demand::Reject), "{ended:?}");
    assert_eq!(kept_of_people(&world).first(), None);
}

#[test]
fn a_blocked_member_at_the_end_of_a_list_that_changes_while_it_is_read_is_out() {
    let world = World::connected(Arm::Component, Knobs::default(), SETTINGS, MAPPING);
    for one in many(250) {
        world.directory.insert(one);
    }
    world.directory.insert(member("finn", vec![]));
    live(&world, START + HOUR);
    world.directory.update("finn", |finn| finn.status = MemberStatus::Blocked);
    world.settle("finn");
    // Staff lets him in again, as the last of the list.
    let organization_id = Some(world.sim.state().organizations[0].id);
    let add = Hand::AddUser { name: "Finn".to_string(), email: "finn@gym.test".to_string(), organization_id };
    let user_id = world.sim.hand(add).unwrap().id.unwrap();
    let group_id = world.sim.state().group_by_name("Gym").unwrap().id;
    let role = "group_basic".to_string();
    world.sim.hand(Hand::Assign { user_id, group_id, role, valid_from: None, valid_until: None }).unwrap();
    let fault = FaultEffect::Status { status: 503, retry_after_s: None };
    world.sim.add_fault(Fault::new("GET /role_assignments", fault).unwrap().skip(2).times(1));
    world.calls();
    let job = world.runtime.block_on(world.tenant().start_sync(Mode::Apply)).unwrap().unwrap();
    world.runtime.block_on(world.tenant().step_sync(&job, 1_000)).unwrap().unwrap_err();
    let read = world.calls();
    assert!(read.last().unwrap().contains("offset=249"), "between two pages: {read:#?}");
    let first = world.sim.state().user_by_email("m-00@gym.test").unwrap().id;
    let row = world.sim.state().role_assignments_of(first).next().unwrap().id;
    world.sim.hand(Hand::Unassign { id: row }).unwrap();
    while world.runtime.block_on(world.tenant().step_sync(&job, 1_000)).unwrap().unwrap().progress.phase
        != Phase::Done
    {}
    assert_eq!(open(&world, "finn"), Vec::<String>::new());
}

#[test]
fn a_reconciliation_that_finds_a_block_does_not_take_a_higher_role_that_it_has_read() {
    for is_deleted in [false, true] {
        let world = gym_with(SETTINGS, many(2));
        promote(&world, "m-00@gym.test");
        // The event is lost.
        if is_deleted {
            world.directory.remove("m-00");
        } else {
            world.directory.update("m-00", |one| one.status = MemberStatus::Blocked);
        }
        live(&world, START + 3 * DAY);
        assert_eq!(roles(&world, "m-00@gym.test"), [("group_manager".to_string(), None)], "{is_deleted}");
    }
}

#[test]
fn a_list_of_groups_that_lacks_some_is_believed_when_kisi_says_so_of_each() {
    let world = gym_with(SETTINGS, many(15));
    *world.wire.mangle.lock().unwrap() = Some(Box::new(|response| {
        let is_list = response.body().starts_with(b"[")
            && response.body().windows(11).any(|part| part == b"locks_count");
        if !is_list {
            return response;
        }
        let (mut parts, _) = response.into_parts();
        parts.headers.insert("x-collection-range", "*/0".parse().unwrap());
        http::Response::from_parts(parts, "[]".into())
    }));
    live(&world, START + 2 * DAY);
    *world.wire.mangle.lock().unwrap() = None;
    world.directory.update("m-00", |one| one.memberships[0].status = MembershipStatus::Cancelled);
    world.settle("m-00");
    assert_eq!(open(&world, "m-00"), Vec::<String>::new(), "what the plugin gave, it still knows");
    assert_eq!(open(&world, "m-01"), ["Gym"]);
}

#[test]
fn where_staff_adds_people_what_they_are_given_is_counted_when_it_is() {
    let settings = SETTINGS.replacen('{', r#"{"missing_user":"report","#, 1);
    let world = World::connected(Arm::Component, Knobs::default(), &settings, MAPPING);
    for one in many(3) {
        world.sim.add_user(&one.id, one.email.as_deref().unwrap());
        world.directory.insert(one);
    }
    let job = world.runtime.block_on(world.tenant().start_sync(Mode::Apply)).unwrap().unwrap();
    let done = world.runtime.block_on(world.tenant().step_sync(&job, 1_000)).unwrap().unwrap();
    assert_eq!((done.progress.phase, done.progress.counts.grants_added), (Phase::Done, 3));
}
