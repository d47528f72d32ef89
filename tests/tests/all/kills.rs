//! The host is killed at each HTTP boundary and at each commit of each kind of change. The next delivery must reach
//! the state that an undisturbed one reaches: one user, one assignment in each group, nothing lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use door_access_host::contract::types::{MemberStatus, Membership, MembershipStatus};
use door_access_host::{Moment, Verdict};
use kisi_sim::{DuplicateRoleAssignment, Knobs, ValidityInPatch};

use crate::world::{Arm, Cut, DAY, Failure, SETTINGS, START, World, member, membership};

const ANN: &str = "ann";

struct Change {
    name: &'static str,
    /// What Ann has before, already in step.
    before: Option<Membership>,
    /// What happens.
    happens: fn(&World),
}

fn dated(until: u64) -> Membership {
    Membership { ends_at: Some(until), ..membership("ms-1", "gold") }
}

fn changes() -> Vec<Change> {
    vec![
        Change {
            name: "first purchase",
            before: None,
            happens: |world| {
                world.directory.insert(member(ANN, vec![dated(START + 30 * DAY)]));
            },
        },
        Change {
            name: "plan changed",
            before: Some(membership("ms-1", "basic")),
            happens: |world| update(world, |ann| ann.memberships[0].plan = "pool".to_string()),
        },
        Change {
            name: "frozen",
            before: Some(membership("ms-1", "gold")),
            happens: |world| update(world, |ann| ann.memberships[0].status = MembershipStatus::Frozen),
        },
        Change {
            name: "renewed",
            before: Some(dated(START + 30 * DAY)),
            happens: |world| update(world, |ann| ann.memberships[0].ends_at = Some(START + 60 * DAY)),
        },
        Change {
            name: "e-mail changed",
            before: Some(membership("ms-1", "gold")),
            happens: |world| update(world, |ann| ann.email = Some("ann.lee@gym.test".to_string())),
        },
        Change {
            name: "blocked, with a group given by hand",
            before: Some(membership("ms-1", "gold")),
            happens: |world| {
                let state = world.sim.state();
                let user = state.user_by_email("ann@gym.test").unwrap().id;
                world.sim.assign(user, state.group_by_name("Pool").unwrap().id, "group_basic");
                update(world, |ann| ann.status = MemberStatus::Blocked);
            },
        },
        Change {
            name: "deleted",
            before: Some(membership("ms-1", "gold")),
            happens: |world| assert!(world.directory.remove(ANN).is_some()),
        },
    ]
}

fn update(world: &World, change: impl FnOnce(&mut door_access_host::contract::types::Member)) {
    assert!(world.directory.update(ANN, change), "the member exists");
}

/// A world in which the change has happened on the platform and no event was delivered yet.
fn world(arm: Arm, knobs: &Knobs, change: &Change) -> World {
    let mapping: &[(&str, &[&str])] = &[("basic", &["Gym"]), ("gold", &["Gym", "Spa"]), ("pool", &["Pool"])];
    let world = World::connected(arm, knobs.clone(), SETTINGS, mapping);
    if let Some(membership) = &change.before {
        world.directory.insert(member(ANN, vec![membership.clone()]));
        world.settle(ANN);
    }
    (change.happens)(&world);
    world.cut(None);
    world
}

fn check(arm: Arm, knobs: &Knobs) {
    let mut kills = 0;
    for change in changes() {
        let reference = world(arm, knobs, &change);
        let commits_before = reference.storage.commits();
        reference.settle(ANN);
        let expected = reference.people();
        let (requests, commits) = (reference.wire.sent(), reference.storage.commits() - commits_before);
        assert!(requests > 0, "{}: nothing to cut", change.name);

        let mut finish = |world: &World, how: &str| {
            kills += 1;
            world.settle(ANN);
            assert_eq!(world.people(), expected, "{}, {how}", change.name);
            world.calls();
            world.settle(ANN);
            assert_eq!(world.calls(), Vec::<String>::new(), "{}, {how}: not at rest", change.name);
        };
        for number in 0..requests {
            for cut in [Cut::BeforeSending(number), Cut::AfterCommit(number)] {
                let world = world(arm, knobs, &change);
                world.cut(Some(cut));
                assert_eq!(world.deliver(ANN), Err(Failure::Cut), "{}, {cut:?}", change.name);
                world.cut(None);
                finish(&world, &format!("{cut:?}"));
            }
        }
        for number in 0..commits {
            for moment in [Moment::Before, Moment::After] {
                let world = world(arm, knobs, &change);
                let seen = Arc::new(AtomicU64::new(0));
                world.storage.on_commit(move |now, _| {
                    if now == moment && seen.fetch_add(1, Ordering::SeqCst) == number {
                        return Verdict::Abort("the host was killed".to_string());
                    }
                    Verdict::Proceed
                });
                assert_eq!(world.deliver(ANN), Err(Failure::Cut), "{}, commit {number}", change.name);
                world.storage.clear_hook();
                finish(&world, &format!("commit {number}, {moment:?}"));
            }
        }
    }
    assert!(kills > 60, "only {kills} kills were tried");
}

#[test]
fn a_kill_anywhere_leaves_one_user_and_one_assignment_by_the_component() {
    check(Arm::Component, &Knobs::default());
}

#[test]
fn a_kill_anywhere_leaves_one_user_and_one_assignment_whatever_kisi_does_with_duplicates_and_dates() {
    for duplicates in [
        DuplicateRoleAssignment::IdenticalDatesConflict,
        DuplicateRoleAssignment::AlwaysConflict,
        DuplicateRoleAssignment::Stack,
    ] {
        for dates in [ValidityInPatch::Honoured, ValidityInPatch::Ignored] {
            println!("{duplicates:?}, {dates:?}");
            let knobs =
                Knobs { duplicate_role_assignment: duplicates, validity_in_patch: dates, ..Knobs::default() };
            check(Arm::Native, &knobs);
        }
    }
}
