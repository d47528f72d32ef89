//! Grants on a lease: access ends by itself when no tick comes, and without a gap for members as long as ticks come.

use door_access_host::contract::access::Verdict;
use door_access_host::contract::sync::Phase;
use door_access_host::contract::types::{Membership, Window};
use door_access_testkit::{DAY, LEASED, MAPPING, SETTINGS, START, World, member, membership};
use kisi_sim::{DuplicateRoleAssignment, Knobs, ValidityInPatch};

/// A gym with a lease of 30 days and a member who came by an event.
fn gym(membership: Membership) -> World {
    gym_at(Knobs::default(), membership)
}

fn gym_at(knobs: Knobs, membership: Membership) -> World {
    let world = World::connected(knobs, LEASED, MAPPING);
    world.tick(100).unwrap();
    world.directory.insert(member("ann", vec![membership]));
    world.settle("ann");
    world.calls();
    world
}

/// Ticks when they are due, until a moment. Access is never off.
fn live(world: &World, until: u64) {
    for _ in 0..10_000 {
        let next = world.tick(1_000).unwrap().next;
        assert!(is_open(world), "access is off at {}", world.now());
        world.go_to(next.min(until));
        if next >= until {
            return;
        }
        assert!(is_open(world), "access is off at {}", world.now());
    }
    panic!("ticks do not come to rest");
}

fn until(world: &World) -> Option<u64> {
    let groups = world.groups_of("ann@gym.test");
    assert_eq!(groups.len(), 1, "{groups:?}");
    groups[0].2
}

fn is_open(world: &World) -> bool {
    until(world).is_none_or(|until| world.now() < until)
}

#[test]
fn without_ticks_access_ends_with_the_lease() {
    let world = gym(membership("ms-1", "basic"));
    world.go_to(START + 30 * DAY - 1_000);
    assert!(is_open(&world));
    world.go_to(START + 30 * DAY);
    assert!(!is_open(&world), "no call for 30 days");
    assert_eq!(world.calls().len(), 0);
}

#[test]
fn a_year_of_an_unchanged_member_costs_a_change_of_dates_each_half_lease_and_no_gap() {
    let world = gym(membership("ms-1", "basic"));
    live(&world, START + 365 * DAY);
    let edits = world.edits();
    assert!(edits.iter().all(|edit| edit.starts_with("PATCH /role_assignments/")), "{edits:?}");
    assert_eq!(edits.len(), 24, "365 days, one in 15");
}

#[test]
fn where_kisi_ignores_changed_dates_the_new_assignment_is_added_before_the_old_one_is_removed() {
    let knobs = Knobs {
        validity_in_patch: ValidityInPatch::Ignored,
        duplicate_role_assignment: DuplicateRoleAssignment::Stack,
        ..Knobs::default()
    };
    let world = gym_at(knobs, membership("ms-1", "basic"));
    live(&world, START + 100 * DAY);
    let edits = world.edits();
    // What the first change has shown is stored.
    assert!(edits[0].starts_with("PATCH"), "{edits:?}");
    let rest: Vec<&str> = edits[1..].iter().filter_map(|edit| edit.split(' ').next()).collect();
    assert_eq!(rest, ["POST", "DELETE"].repeat(6), "100 days, one change in 15");
}

#[test]
fn an_event_extends_a_lease_only_after_half_of_it() {
    let world = gym(membership("ms-1", "basic"));
    world.go_to(START + 14 * DAY);
    let outcomes = world.settle("ann");
    assert_eq!((outcomes[0].changes.len(), world.edits().len()), (0, 0));
    world.go_to(START + 16 * DAY);
    world.settle("ann");
    assert_eq!(world.edits().len(), 1);
    assert_eq!(until(&world), Some(START + 46 * DAY));
    world.settle("ann");
    assert_eq!(world.edits().len(), 0);
}

#[test]
fn a_lease_never_reaches_beyond_the_membership() {
    let ends = START + 40 * DAY;
    let world = gym(Membership { ends_at: Some(ends), ..membership("ms-1", "basic") });
    assert_eq!(until(&world), Some(START + 30 * DAY));
    live(&world, ends - 1);
    assert_eq!(until(&world), Some(ends));
    // The membership is cut short: the end moves at once, whatever is left of the lease.
    world.directory.update("ann", |ann| ann.memberships[0].ends_at = Some(ends - DAY / 2));
    world.settle("ann");
    assert_eq!(world.groups_of("ann@gym.test").len(), 0);

    let world = gym(Membership { ends_at: Some(ends), ..membership("ms-1", "basic") });
    world.directory.update("ann", |ann| ann.memberships[0].ends_at = Some(START + 20 * DAY));
    world.settle("ann");
    assert_eq!(until(&world), Some(START + 20 * DAY));
}

#[test]
fn a_lease_counts_from_the_start_of_the_membership() {
    let starts = START + 60 * DAY;
    let world = gym(Membership { starts_at: Some(starts), ..membership("ms-1", "basic") });
    let groups = world.groups_of("ann@gym.test");
    assert_eq!((groups[0].1, groups[0].2), (Some(starts), Some(starts + 30 * DAY)));
}

#[test]
fn the_front_desk_reads_what_the_membership_says() {
    let world = World::with_doors(SETTINGS);
    world.connect(LEASED).unwrap();
    world.directory.insert(member("ann", vec![membership("ms-1", "basic")]));
    let outcomes = world.settle("ann");
    let always = Window { starts_at: None, ends_at: None };
    assert_eq!((outcomes[0].grants[0].window, outcomes[0].changes[0].window), (always, always));
    assert_eq!(
        outcomes[0].changes[0].explanation,
        "“basic” gives access to “Gym”; the end date in Kisi is 2026-12-31 08:00 UTC and is extended in time."
    );
    assert_eq!(outcomes[0].due_at, Some(START + 15 * DAY));
    let explained = world.explain("ann");
    assert_eq!((explained.verdict, explained.until), (Verdict::Yes, None));
}

#[test]
fn switching_leases_on_or_off_takes_effect_with_the_next_sync() {
    let world = World::gym(vec![member("ann", vec![membership("ms-1", "basic")])]);
    world.settle("ann");
    assert_eq!(until(&world), None);
    let next_day = || {
        world.go_to(world.now() + DAY);
        let ticked = world.tick(100).unwrap();
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
