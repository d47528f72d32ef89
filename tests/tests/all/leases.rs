//! Grants on a lease: access ends by itself when nobody confirms it, and nobody notices as long as somebody does.

use std::time::Duration;

use door_access_host::Clock;
use door_access_host::contract::access::{Device, Verdict};
use door_access_host::contract::sync::Phase;
use door_access_host::contract::types::{Membership, Window};
use kisi_sim::{DuplicateRoleAssignment, Knobs, ValidityInPatch};

use crate::access;
use crate::world::{Arm, DAY, SETTINGS, START, World, member, membership};

const MAPPING: &[(&str, &[&str])] = &[("basic", &["Gym"])];
const LEASED: &str =
    r#"{"integration":{"identifier":"Test Gym","contact":"doors@gym.test"},"lease_days":30}"#;

/// A gym with a lease of 30 days and a member who came by an event.
fn gym(membership: Membership) -> World {
    gym_at(Knobs::default(), membership)
}

fn gym_at(knobs: Knobs, membership: Membership) -> World {
    let world = World::connected(Arm::Component, knobs, LEASED, MAPPING);
    world.runtime.block_on(world.tenant().tick(100)).unwrap().unwrap();
    world.directory.insert(member("ann", vec![membership]));
    world.settle("ann");
    world.calls();
    world
}

fn go_to(world: &World, at: u64) {
    world.advance(Duration::from_millis(at.saturating_sub(world.clock.now_ms())));
}

/// Calls when the last answer said so, until then.
fn live(world: &World, until: u64) {
    for _ in 0..10_000 {
        let ticked = world.runtime.block_on(world.tenant().tick(1_000)).unwrap().unwrap();
        assert!(open(world), "access is off at {}", world.clock.now_ms());
        if ticked.next >= until {
            go_to(world, until);
            return;
        }
        go_to(world, ticked.next);
        assert!(open(world), "access is off at {}", world.clock.now_ms());
    }
    panic!("ticks do not come to rest");
}

fn until(world: &World) -> Option<u64> {
    let groups = world.groups_of("ann@gym.test");
    assert_eq!(groups.len(), 1, "{groups:?}");
    groups[0].2
}

fn open(world: &World) -> bool {
    until(world).is_none_or(|until| world.clock.now_ms() < until)
}

fn edits(world: &World) -> Vec<String> {
    world.calls().into_iter().filter(|call| !call.starts_with("GET")).collect()
}

#[test]
fn a_dead_integration_lets_nobody_in_for_longer_than_its_lease() {
    let world = gym(membership("ms-1", "basic"));
    go_to(&world, START + 30 * DAY - 1_000);
    assert!(open(&world));
    go_to(&world, START + 30 * DAY);
    assert!(!open(&world), "nobody called for 30 days");
    assert_eq!(world.calls().len(), 0);
}

#[test]
fn a_year_of_an_unchanged_member_costs_a_change_of_dates_each_half_lease_and_no_gap() {
    let world = gym(membership("ms-1", "basic"));
    live(&world, START + 365 * DAY);
    let edits = edits(&world);
    assert!(edits.iter().all(|edit| edit.starts_with("PATCH /role_assignments/")), "{edits:?}");
    assert_eq!(edits.len(), 24, "365 days, one in 15");
}

#[test]
fn where_kisi_ignores_dates_in_a_change_the_new_entry_comes_before_the_old_one_goes() {
    let knobs = Knobs {
        validity_in_patch: ValidityInPatch::Ignored,
        duplicate_role_assignment: DuplicateRoleAssignment::Stack,
        ..Knobs::default()
    };
    let world = gym_at(knobs, membership("ms-1", "basic"));
    live(&world, START + 100 * DAY);
    let edits = edits(&world);
    // What the first change finds out is remembered.
    assert!(edits[0].starts_with("PATCH"), "{edits:?}");
    let rest: Vec<&str> = edits[1..].iter().filter_map(|edit| edit.split(' ').next()).collect();
    assert_eq!(rest, ["POST", "DELETE"].repeat(6), "100 days, one change in 15");
}

#[test]
fn an_event_prolongs_only_what_is_half_over() {
    let world = gym(membership("ms-1", "basic"));
    go_to(&world, START + 14 * DAY);
    let outcomes = world.settle("ann");
    assert_eq!((outcomes[0].changes.len(), edits(&world).len()), (0, 0));
    go_to(&world, START + 16 * DAY);
    world.settle("ann");
    assert_eq!(edits(&world).len(), 1);
    assert_eq!(until(&world), Some(START + 46 * DAY));
    world.settle("ann");
    assert_eq!(edits(&world).len(), 0);
}

#[test]
fn a_lease_never_reaches_beyond_the_membership() {
    let ends = START + 40 * DAY;
    let world = gym(Membership { ends_at: Some(ends), ..membership("ms-1", "basic") });
    assert_eq!(until(&world), Some(START + 30 * DAY));
    live(&world, ends - 1);
    assert_eq!(until(&world), Some(ends));
    // It is cut short: the end moves at once, whatever is left of the lease.
    world.directory.update("ann", |ann| ann.memberships[0].ends_at = Some(ends - DAY / 2));
    world.settle("ann");
    assert_eq!(world.groups_of("ann@gym.test").len(), 0);

    let world = gym(Membership { ends_at: Some(ends), ..membership("ms-1", "basic") });
    world.directory.update("ann", |ann| ann.memberships[0].ends_at = Some(START + 20 * DAY));
    world.settle("ann");
    assert_eq!(until(&world), Some(START + 20 * DAY));
}

#[test]
fn a_membership_that_begins_later_opens_by_itself_and_its_lease_counts_from_then() {
    let starts = START + 60 * DAY;
    let world = gym(Membership { starts_at: Some(starts), ..membership("ms-1", "basic") });
    let groups = world.groups_of("ann@gym.test");
    assert_eq!((groups[0].1, groups[0].2), (Some(starts), Some(starts + 30 * DAY)));
}

#[test]
fn the_front_desk_reads_what_the_membership_says() {
    let world = access::gym(Knobs::default());
    world.connect(LEASED).unwrap();
    world.directory.insert(member("ann", vec![membership("ms-1", "basic")]));
    let outcomes = world.settle("ann");
    let always = Window { starts_at: None, ends_at: None };
    assert_eq!((outcomes[0].grants[0].window, outcomes[0].changes[0].window), (always, always));
    assert_eq!(
        outcomes[0].changes[0].explanation,
        "“basic” gives access to “Gym”; what stands in Kisi lasts until 2026-12-31 08:00 UTC and is prolonged in time."
    );
    assert_eq!(outcomes[0].due_at, Some(START + 15 * DAY));
    let phone = Device { bluetooth: None, location: None, signed_in: None };
    let explained = world.runtime.block_on(world.tenant().explain("ann", phone, false)).unwrap().unwrap();
    assert_eq!((explained.verdict, explained.until), (Verdict::Yes, None));
}

#[test]
fn switching_it_on_and_off_takes_effect_with_the_next_reconciliation() {
    let world = World::connected(Arm::Component, Knobs::default(), SETTINGS, MAPPING);
    world.directory.insert(member("ann", vec![membership("ms-1", "basic")]));
    world.settle("ann");
    assert_eq!(until(&world), None);
    let next_day = || {
        go_to(&world, world.clock.now_ms() + DAY);
        let ticked = world.runtime.block_on(world.tenant().tick(100)).unwrap().unwrap();
        assert_eq!(ticked.sync.unwrap().phase, Phase::Done);
    };
    next_day();
    world.connect(LEASED).unwrap();
    next_day();
    assert_eq!(until(&world), Some(START + 32 * DAY));
    world.connect(SETTINGS).unwrap();
    next_day();
    assert_eq!(until(&world), None);
}
