//! What staff does in Kisi to access that the plugin gave, and what Kisi refuses: roles, dates, lists that change.

use door_access_host::contract::events::{Action, Change};
use door_access_host::contract::sync::{FindingKind, Mode, Phase};
use door_access_host::contract::types::{Demand, MemberStatus, Membership, MembershipStatus};
use door_access_testkit::{
    DAY, HOUR, LEASED, MAPPING, SETTINGS, START, World, many, member, membership, settings, status,
};
use kisi_sim::{DuplicateRoleAssignment, Knobs, ValidityInPatch};

fn roles(world: &World, email: &str) -> Vec<(String, Option<u64>)> {
    world.rows_of(email).into_iter().map(|row| (row.role_id, row.valid_until)).collect()
}

fn kisi(duplicate_role_assignment: DuplicateRoleAssignment, validity_in_patch: ValidityInPatch) -> Knobs {
    Knobs { duplicate_role_assignment, validity_in_patch, ..Knobs::default() }
}

#[test]
fn a_grant_that_staff_made_a_higher_role_belongs_to_staff_from_the_next_sync_on() {
    for end in ["cancelled", "blocked", "deleted", "leased"] {
        let world = World::in_step(if end == "leased" { LEASED } else { SETTINGS }, many(1));
        world.promote("m-00@gym.test");
        let before = roles(&world, "m-00@gym.test");
        world.live(START + DAY + 2 * HOUR);
        match end {
            "cancelled" => drop(
                world.directory.update("m-00", |one| one.memberships[0].status = MembershipStatus::Cancelled),
            ),
            "blocked" => drop(world.directory.update("m-00", |one| one.status = MemberStatus::Blocked)),
            "deleted" => drop(world.directory.remove("m-00")),
            _ => world.live(START + 40 * DAY),
        }
        world.settle("m-00");
        assert_eq!(roles(&world, "m-00@gym.test"), before, "{end}");
    }
}

#[test]
fn a_sync_that_reads_a_higher_role_does_not_remove_it() {
    let world = World::in_step(SETTINGS, many(1));
    world.promote("m-00@gym.test");
    // No event is delivered.
    world.directory.update("m-00", |one| one.memberships[0].status = MembershipStatus::Cancelled);
    world.live(START + 3 * DAY);
    assert_eq!(roles(&world, "m-00@gym.test"), [("group_manager".to_string(), None)]);
}

#[test]
fn one_odd_refusal_of_a_date_makes_gaps_no_rule() {
    let world = World::connected(
        kisi(DuplicateRoleAssignment::AlwaysConflict, ValidityInPatch::Honoured),
        LEASED,
        MAPPING,
    );
    for one in many(2) {
        world.directory.insert(one);
    }
    world.live(START + 15 * DAY - HOUR);
    world.sim.add_fault(status("PATCH /role_assignments/{id}", 422).times(1));
    world.calls();
    world.live(START + 60 * DAY);
    let calls = world.calls();
    assert!(!calls.iter().any(|call| call.starts_with("DELETE")), "no member is shut out: {calls:#?}");
    for id in ["m-00", "m-01"] {
        assert_eq!(world.open(id), ["Gym"], "{id}");
    }
}

#[test]
fn dates_that_a_manual_assignment_already_has_are_not_requested_day_after_day() {
    let world = World::connected(
        kisi(DuplicateRoleAssignment::IdenticalDatesConflict, ValidityInPatch::Honoured),
        SETTINGS,
        MAPPING,
    );
    world.by_hand("ann@gym.test", &["Spa"]);
    let month = Membership { ends_at: Some(START + 30 * DAY), ..membership("ms-1", "gold") };
    world.directory.insert(member("ann", vec![month]));
    world.settle("ann");
    assert_eq!(world.open("ann"), ["Gym", "Spa", "Spa"], "by hand without an end, and for a month");
    world.directory.update("ann", |ann| ann.memberships[0].ends_at = None);
    world.settle("ann");
    world.live(START + 2 * DAY);
    world.calls();
    world.live(START + 5 * DAY);
    let calls = world.calls();
    assert!(calls.iter().all(|call| call.starts_with("GET")), "{calls:#?}");
    assert_eq!(world.open("ann"), ["Gym", "Spa"]);
    // It was adopted, since Kisi takes no second one, and goes with the membership.
    world.directory.update("ann", |ann| ann.memberships[0].status = MembershipStatus::Cancelled);
    world.settle("ann");
    assert_eq!(world.open("ann"), Vec::<String>::new());
}

#[test]
fn a_member_with_the_old_assignment_is_not_reported_as_removed_when_staff_removes_the_new_one() {
    for reconciles in [false, true] {
        let world = World::connected(
            kisi(DuplicateRoleAssignment::Stack, ValidityInPatch::Ignored),
            SETTINGS,
            MAPPING,
        );
        let month = Membership { ends_at: Some(START + 30 * DAY), ..membership("ms-1", "basic") };
        world.directory.insert(member("ann", vec![month]));
        world.settle("ann");
        world.directory.update("ann", |ann| ann.memberships[0].ends_at = None);
        world.sim.add_fault(status("DELETE /role_assignments/{id}", 503).times(1));
        assert!(world.deliver("ann").is_err(), "the new entry is there, and the old one still");
        let rows = world.rows_of("ann@gym.test");
        assert_eq!(rows.len(), 2);
        world.sim.unassign(rows[1].id);
        if reconciles {
            let done = world.sync(Mode::Apply);
            assert_eq!((done.phase, done.counts.drifted), (Phase::Done, 0));
            assert_eq!(done.found(FindingKind::Drifted), 0, "{:#?}", done.findings);
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
    let world = World::in_step(LEASED, many(1));
    let row = world.rows_of("m-00@gym.test")[0].id;
    for hour in 14 * 24..=32 * 24 {
        world.sim.clear_faults();
        if world.rows_of("m-00@gym.test").iter().any(|one| one.id == row) {
            world.sim.add_fault(status("PATCH /role_assignments/{id}", 422).always());
            world.sim.add_fault(status("POST /role_assignments", 422).times(1));
        }
        world.live(START + hour * HOUR);
        assert_eq!(world.open("m-00"), ["Gym"], "hour {hour}");
    }
}

#[test]
fn a_confirmed_preview_adds_a_member_whose_manual_assignment_staff_removed_meanwhile() {
    let world = World::gym(Vec::new());
    world.by_hand("bob@gym.test", &["Gym"]);
    world.directory.insert(member("bob", vec![membership("ms-1", "basic")]));
    let preview = world.sync(Mode::Preview);
    world.unassign_first("bob@gym.test");
    world.confirm_sync(&preview.job);
    assert_eq!(world.steps(&preview.job, 1_000).unwrap().phase, Phase::Done);
    assert_eq!(world.open("bob"), ["Gym"]);
}

#[test]
fn where_the_plugin_adds_no_users_a_preview_promises_nothing_and_missing_accounts_are_reported() {
    let world = World::connected(Knobs::default(), &settings(r#""missing_user":"report""#), MAPPING);
    for one in many(3) {
        world.directory.insert(one);
    }
    let preview = world.sync(Mode::Preview);
    assert_eq!((preview.phase, preview.counts.grants_added), (Phase::Waiting, 0));
    world.confirm_sync(&preview.job);
    let done = world.steps(&preview.job, 1_000).unwrap();
    assert_eq!((done.phase, done.counts.conflicts), (Phase::Done, 3));
    let told = done.findings.iter().filter(|finding| finding.kind == FindingKind::Conflict);
    assert_eq!(
        told.map(|finding| finding.member.clone().unwrap()).collect::<Vec<_>>(),
        ["m-00", "m-01", "m-02"]
    );
}

#[test]
fn grants_of_a_deleted_group_need_no_confirmation() {
    let world = World::in_step(SETTINGS, many(15));
    world.sim.delete_group(world.group("Gym"));
    world.refresh_groups();
    let done = world.sync(Mode::Apply);
    assert_eq!((done.phase, done.counts.grants_removed), (Phase::Done, 0));
}

#[test]
fn a_blocked_member_whose_dates_staff_changed_is_counted_once() {
    let world = World::in_step(SETTINGS, many(20));
    for one in many(6) {
        let row = world.rows_of(one.email.as_deref().unwrap())[0].id;
        let patch = serde_json::json!({ "role_assignment": { "valid_until": "2027-06-01T00:00:00Z" } });
        world.request("PATCH", &format!("/role_assignments/{row}"), &patch);
        world.directory.update(&one.id, |one| one.status = MemberStatus::Blocked);
    }
    let done = world.sync(Mode::Apply);
    assert_eq!((done.phase, done.counts.grants_removed), (Phase::Done, 6));
}

/// What is stored of a sync and names a person.
fn stored_of_people(world: &World) -> Vec<String> {
    let is_of_sync = |entry: &str| entry.split(' ').next().is_some_and(|key| key.contains("sync"));
    let mut entries = world.stored("");
    entries.retain(|entry| is_of_sync(entry) && (entry.contains("@gym.test") || entry.contains("m-")));
    entries
}

#[test]
fn nothing_about_people_stays_after_a_cancelled_sync() {
    let world = World::gym(many(2_000));
    let job = world.start_sync(Mode::Apply);
    world.step_sync(&job, 1_000).unwrap();
    assert_ne!(stored_of_people(&world).len(), 0, "it is in the middle of the directory");
    world.cancel_sync(&job);
    assert_eq!(stored_of_people(&world).first(), None);
}

#[test]
fn nothing_about_people_stays_after_a_sync_with_an_empty_directory() {
    let world = World::in_step(SETTINGS, many(1));
    for number in 0..300 {
        world.by_hand(&format!("stranger-{number}@gym.test"), &["Gym"]);
    }
    world.directory.remove("m-00");
    let job = world.start_sync(Mode::Apply);
    let ended = world.step_sync(&job, 1_000);
    assert!(matches!(&ended, Err(error) if error.demand == Demand::Reject), "{ended:?}");
    assert_eq!(stored_of_people(&world).first(), None);
}

#[test]
fn a_blocked_member_at_the_end_of_a_list_that_changes_while_it_is_read_loses_access() {
    let world = World::gym(many(250));
    world.directory.insert(member("finn", vec![]));
    world.live(START + HOUR);
    world.directory.update("finn", |finn| finn.status = MemberStatus::Blocked);
    world.settle("finn");
    // Staff lets him in again, as the last of the list.
    world.by_hand("finn@gym.test", &["Gym"]);
    world.sim.add_fault(status("GET /role_assignments", 503).skip(2).times(1));
    world.calls();
    let job = world.start_sync(Mode::Apply);
    world.step_sync(&job, 1_000).unwrap_err();
    let read = world.calls();
    assert!(read.last().unwrap().contains("offset=249"), "between two pages: {read:#?}");
    world.unassign_first("m-00@gym.test");
    assert_eq!(world.steps(&job, 1_000).unwrap().phase, Phase::Done);
    assert_eq!(world.open("finn"), Vec::<String>::new());
}

#[test]
fn a_sync_that_finds_a_block_does_not_remove_a_higher_role() {
    for is_deleted in [false, true] {
        let world = World::in_step(SETTINGS, many(2));
        world.promote("m-00@gym.test");
        // No event is delivered.
        if is_deleted {
            world.directory.remove("m-00");
        } else {
            world.directory.update("m-00", |one| one.status = MemberStatus::Blocked);
        }
        world.live(START + 3 * DAY);
        assert_eq!(roles(&world, "m-00@gym.test"), [("group_manager".to_string(), None)], "{is_deleted}");
    }
}

#[test]
fn groups_missing_from_a_list_are_kept_until_kisi_denies_each_of_them() {
    let world = World::in_step(SETTINGS, many(15));
    world.boundary.mangle(|response| {
        let is_list = response.body().starts_with(b"[")
            && response.body().windows(11).any(|part| part == b"locks_count");
        if !is_list {
            return response;
        }
        let (mut parts, _) = response.into_parts();
        parts.headers.insert("x-collection-range", "*/0".parse().unwrap());
        http::Response::from_parts(parts, "[]".into())
    });
    world.live(START + 2 * DAY);
    world.boundary.end_mangling();
    world.directory.update("m-00", |one| one.memberships[0].status = MembershipStatus::Cancelled);
    world.settle("m-00");
    assert_eq!(world.open("m-00"), Vec::<String>::new(), "what the plugin gave, it still knows");
    assert_eq!(world.open("m-01"), ["Gym"]);
}

#[test]
fn where_the_plugin_adds_no_users_grants_to_existing_accounts_are_counted() {
    let settings = settings(r#""missing_user":"report""#);
    let world = World::connected(Knobs::default(), &settings, MAPPING);
    for one in many(3) {
        world.sim.add_user(&one.id, one.email.as_deref().unwrap());
        world.directory.insert(one);
    }
    let done = world.sync(Mode::Apply);
    assert_eq!((done.phase, done.counts.grants_added), (Phase::Done, 3));
}
