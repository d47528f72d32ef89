//! The plugin's own record of a member is damaged: it is made anew from what is certain, from Kisi and the directory,
//! and never guessed.

use door_access_host::contract::storage::{Precondition, Write};
use door_access_host::contract::sync::{FindingKind, Hold};
use door_access_host::contract::types::MemberStatus;
use door_access_host::{Clock, Storage};
use kisi_sim::{Hand, Knobs};

use crate::tick::{go_to, open, try_tick};
use crate::world::{Arm, DAY, SETTINGS, World, member, membership};

const MAPPING: &[(&str, &[&str])] = &[("basic", &["Gym"]), ("gold", &["Gym", "Spa"])];

/// A gym in step, with `ann` who is a gold member and some others.
fn gym() -> World {
    let world = World::connected(Arm::Component, Knobs::default(), SETTINGS, MAPPING);
    world.directory.insert(member("ann", vec![membership("ms-1", "gold")]));
    for number in 0..4 {
        world.directory.insert(member(&format!("m-{number}"), vec![membership("ms-1", "basic")]));
    }
    day(&world);
    world
}

/// A day passes, with all that it asks for.
fn day(world: &World) -> Vec<String> {
    go_to(world, world.clock.now_ms() + DAY);
    world.calls();
    loop {
        let ticked = try_tick(world, 1_000).unwrap();
        if ticked.next > world.clock.now_ms() {
            return world.calls();
        }
    }
}

fn damage(world: &World, member: &str, value: &[u8]) {
    let key = format!("member/{member}");
    let write = Write { key, value: Some(value.to_vec()), requires: Precondition::None };
    world.runtime.block_on(world.storage.commit(vec![write])).unwrap();
}

fn kept(world: &World) -> Vec<String> {
    world.storage.entries().into_iter().map(|entry| entry.key).collect()
}

fn edits(calls: &[String]) -> Vec<&String> {
    calls.iter().filter(|call| !call.starts_with("GET")).collect()
}

#[test]
fn a_damaged_record_is_made_anew_by_an_event_with_one_read_and_without_an_edit() {
    let world = gym();
    let before = (world.people(), kept(&world));
    for damaged in [&b"{"[..], b"", b"[]", b"\xff", br#"{"holds":[{"user":1}]}"#] {
        damage(&world, "ann", damaged);
        world.calls();
        world.settle("ann");
        let calls = world.calls();
        assert_eq!((edits(&calls).len(), calls.len()), (0, 1), "{calls:?}");
        assert_eq!((world.people(), kept(&world)), before);
        assert_eq!(open(&world, "ann"), ["Gym", "Spa"]);
        world.settle("ann");
        assert_eq!(world.calls(), [] as [&str; 0]);
    }
}

#[test]
fn a_damaged_record_holds_up_no_reconciliation_and_is_made_anew_by_it() {
    let world = gym();
    let before = (world.people(), kept(&world));
    let calm = day(&world);
    damage(&world, "ann", b"{");
    damage(&world, "m-2", b"{}}");
    let mended = day(&world);
    assert_eq!(edits(&mended).len(), 0, "{mended:?}");
    assert_eq!((world.people(), kept(&world)), before);
    assert_eq!(day(&world), calm);
}

#[test]
fn what_a_membership_no_longer_gives_is_told_where_the_record_is_lost_and_not_guessed_to_be_ours() {
    let world = gym();
    damage(&world, "ann", b"{");
    world.directory.update("ann", |ann| ann.memberships.clear());
    go_to(&world, world.clock.now_ms() + DAY);
    let mut told = Vec::new();
    for _ in 0..10 {
        told.extend(try_tick(&world, 1_000).unwrap().findings);
    }
    let unmanaged = told.iter().filter(|finding| finding.kind == FindingKind::Unmanaged).count();
    assert_eq!(unmanaged, 2, "{told:?}");
    assert_eq!(open(&world, "ann"), ["Gym", "Spa"]);
}

#[test]
fn whoever_is_blocked_or_deleted_is_out_though_their_record_is_damaged() {
    for is_deleted in [false, true] {
        for by_event in [false, true] {
            let world = gym();
            damage(&world, "ann", b"{");
            if is_deleted {
                world.directory.remove("ann");
            } else {
                world.directory.update("ann", |ann| ann.status = MemberStatus::Blocked);
            }
            if by_event {
                world.settle("ann");
            } else {
                day(&world);
            }
            assert_eq!(open(&world, "ann"), [] as [&str; 0], "deleted: {is_deleted}, event: {by_event}");
            assert_eq!(kept(&world).iter().any(|key| key.contains("ann")), !is_deleted);
        }
    }
}

#[test]
fn an_address_that_changed_and_a_damaged_record_leave_nobody_with_two_accounts_open() {
    let world = gym();
    world.directory.update("ann", |ann| ann.email = Some("new@gym.test".to_string()));
    damage(&world, "ann", b"{");
    world.settle("ann");
    day(&world);
    let held = |email: &str| {
        let state = world.sim.state();
        let user = state.user_by_email(email).unwrap().id;
        state.role_assignments_of(user).count()
    };
    assert_eq!((held("new@gym.test"), held("ann@gym.test")), (2, 0));
}

#[test]
fn whoever_takes_an_address_that_is_somebody_elses_counts_for_the_brake() {
    let world = World::connected(Arm::Component, Knobs::default(), SETTINGS, MAPPING);
    world.directory.insert(member("owner", vec![membership("ms-1", "basic")]));
    for number in 0..12 {
        world.directory.insert(member(&format!("m-{number:02}"), vec![membership("ms-1", "basic")]));
    }
    day(&world);
    let before = world.people();
    for number in 0..12 {
        world.directory.update(&format!("m-{number:02}"), |member| {
            member.email = Some("owner@gym.test".to_string());
        });
    }
    go_to(&world, world.clock.now_ms() + DAY);
    let waits = (0..10).find_map(|_| try_tick(&world, 1_000).unwrap().sync?.waits);
    assert_eq!(waits, Some(Hold::Brake));
    assert_eq!(world.people(), before);
}

#[test]
fn staff_who_make_the_account_of_a_blocked_member_anew_do_not_let_them_in() {
    let world = gym();
    world.directory.update("ann", |ann| ann.status = MemberStatus::Blocked);
    let state = world.sim.state();
    let id = state.user_by_email("ann@gym.test").unwrap().id;
    let group = state.groups.iter().find(|group| group.name == "Gym").unwrap().id;
    world.sim.hand(Hand::DeleteUser { id }).unwrap();
    let add = Hand::AddUser {
        name: "Ann".to_string(),
        email: "ann@gym.test".to_string(),
        organization_id: Some(state.organizations[0].id),
    };
    let user_id = world.sim.hand(add).unwrap().id.unwrap();
    let role = "group_basic".to_string();
    world
        .sim
        .hand(Hand::Assign { user_id, group_id: group, role, valid_from: None, valid_until: None })
        .unwrap();
    day(&world);
    assert_eq!(open(&world, "ann"), [] as [&str; 0]);
}
