//! The host is killed at each request and each commit of each kind of change. The next delivery must reach the state of an
//! undisturbed one: one user, one assignment in each group, nothing lost.

use door_access_host::contract::types::{Member, MemberStatus, Membership, MembershipStatus};
use door_access_testkit::{DAY, Failure, SETTINGS, START, World, member, membership};
use kisi_sim::{DuplicateRoleAssignment, Knobs, ValidityInPatch};

const ANN: &str = "ann";

struct Change {
    name: &'static str,
    /// What Ann has before, already in step.
    before: Option<Membership>,
    /// What happens.
    happens: fn(&World),
}

fn lasts(days: u64) -> Membership {
    Membership { ends_at: Some(START + days * DAY), ..membership("ms-1", "gold") }
}

fn changes() -> [Change; 7] {
    let gold = || Some(membership("ms-1", "gold"));
    [
        Change {
            name: "first purchase",
            before: None,
            happens: |world| drop(world.directory.insert(member(ANN, vec![lasts(30)]))),
        },
        Change {
            name: "plan changed",
            before: Some(membership("ms-1", "basic")),
            happens: |world| update(world, |ann| ann.memberships[0].plan = "pool".to_string()),
        },
        Change {
            name: "frozen",
            before: gold(),
            happens: |world| update(world, |ann| ann.memberships[0].status = MembershipStatus::Frozen),
        },
        Change {
            name: "renewed",
            before: Some(lasts(30)),
            happens: |world| update(world, |ann| ann.memberships[0].ends_at = lasts(60).ends_at),
        },
        Change {
            name: "e-mail changed",
            before: gold(),
            happens: |world| update(world, |ann| ann.email = Some("ann.lee@gym.test".to_string())),
        },
        Change {
            name: "blocked, with a group given by hand",
            before: gold(),
            happens: |world| {
                world.by_hand("ann@gym.test", &["Pool"]);
                update(world, |ann| ann.status = MemberStatus::Blocked);
            },
        },
        Change {
            name: "deleted",
            before: gold(),
            happens: |world| assert!(world.directory.remove(ANN).is_some()),
        },
    ]
}

fn update(world: &World, change: impl FnOnce(&mut Member)) {
    assert!(world.directory.update(ANN, change), "the member exists");
}

/// The change has happened on the platform, and no event was delivered yet.
fn changed(knobs: &Knobs, change: &Change) -> World {
    let mapping: &[(&str, &[&str])] = &[("basic", &["Gym"]), ("gold", &["Gym", "Spa"]), ("pool", &["Pool"])];
    let world = World::connected(knobs.clone(), SETTINGS, mapping);
    if let Some(membership) = &change.before {
        world.directory.insert(member(ANN, vec![membership.clone()]));
        world.settle(ANN);
    }
    (change.happens)(&world);
    world.boundary.plan(&[]);
    world
}

#[test]
fn a_kill_anywhere_leaves_one_user_and_one_assignment_whatever_kisi_does_with_duplicates_and_dates() {
    for duplicate_role_assignment in [
        DuplicateRoleAssignment::IdenticalDatesConflict,
        DuplicateRoleAssignment::AlwaysConflict,
        DuplicateRoleAssignment::Stack,
    ] {
        for validity_in_patch in [ValidityInPatch::Honoured, ValidityInPatch::Ignored] {
            let knobs = Knobs { duplicate_role_assignment, validity_in_patch, ..Knobs::default() };
            let mut kills = 0;
            for change in changes() {
                let undisturbed = changed(&knobs, &change);
                undisturbed.settle(ANN);
                let passed = undisturbed.boundary.passed();
                assert!(passed.requests > 0, "{}: nothing to cut", change.name);
                for kill in passed.kills() {
                    let at = format!(
                        "{}, {kill:?}, {duplicate_role_assignment:?}, {validity_in_patch:?}",
                        change.name
                    );
                    kills += 1;
                    let world = changed(&knobs, &change);
                    world.boundary.plan(&[kill]);
                    assert_eq!(world.deliver(ANN), Err(Failure::Cut), "{at}");
                    world.boundary.plan(&[]);
                    world.settle(ANN);
                    assert_eq!(world.people(), undisturbed.people(), "{at}");
                    world.calls();
                    world.settle(ANN);
                    assert_eq!(world.calls(), Vec::<String>::new(), "{at}: not at rest");
                }
            }
            assert!(kills > 60, "only {kills} kills were tried");
        }
    }
}
