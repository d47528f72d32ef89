//! A member's damaged record is rebuilt from the indexes, Kisi and the directory, and nothing is guessed.

use door_access_host::contract::sync::{FindingKind, Hold};
use door_access_host::contract::types::{Demand, MemberStatus, PauseCause};
use door_access_testkit::{DAY, World, many, member, membership};

/// A gym that is up to date, with the gold member `ann` and some others.
fn gym() -> World {
    let basic = |number: usize| member(&format!("m-{number}"), vec![membership("ms-1", "basic")]);
    let world = World::gym((0..4).map(basic).collect());
    world.directory.insert(member("ann", vec![membership("ms-1", "gold")]));
    day(&world);
    world
}

/// Lets a day pass, with its ticks, and returns the requests.
fn day(world: &World) -> Vec<String> {
    world.go_to(world.now() + DAY);
    world.calls();
    world.tick_until_calm(1_000);
    world.calls()
}

fn damage(world: &World, member: &str, value: &[u8]) {
    world.store(&format!("member/{member}"), value);
}

fn edits(calls: &[String]) -> usize {
    calls.iter().filter(|call| !call.starts_with("GET")).count()
}

#[test]
fn a_damaged_record_is_made_again_by_an_event_with_one_read_and_no_edit() {
    let world = gym();
    let before = (world.people(), world.keys());
    for damaged in [&b"{"[..], b"", b"[]", b"\xff", br#"{"holds":[{"user":1}]}"#] {
        damage(&world, "ann", damaged);
        world.calls();
        world.settle("ann");
        let calls = world.calls();
        assert_eq!((edits(&calls), calls.len()), (0, 1), "{calls:?}");
        assert_eq!((world.people(), world.keys()), before);
        assert_eq!(world.open("ann"), ["Gym", "Spa"]);
        world.settle("ann");
        assert_eq!(world.calls(), [] as [&str; 0]);
    }
}

#[test]
fn a_damaged_record_delays_no_sync_and_is_made_again_by_it() {
    let world = gym();
    let before = (world.people(), world.keys());
    let calm = day(&world);
    damage(&world, "ann", b"{");
    damage(&world, "m-2", b"{}}");
    let mended = day(&world);
    assert_eq!(edits(&mended), 0, "{mended:?}");
    assert_eq!((world.people(), world.keys()), before);
    assert_eq!(day(&world), calm);
}

#[test]
fn after_a_lost_record_access_without_a_membership_is_reported_as_unmanaged_and_kept() {
    let world = gym();
    damage(&world, "ann", b"{");
    world.directory.update("ann", |ann| ann.memberships.clear());
    world.go_to(world.now() + DAY);
    let mut told = Vec::new();
    for _ in 0..10 {
        told.extend(world.tick(1_000).unwrap().findings);
    }
    let unmanaged = told.iter().filter(|finding| finding.kind == FindingKind::Unmanaged).count();
    assert_eq!(unmanaged, 2, "{told:?}");
    assert_eq!(world.open("ann"), ["Gym", "Spa"]);
}

#[test]
fn a_blocked_or_deleted_member_loses_access_though_the_record_is_damaged() {
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
            assert_eq!(world.open("ann"), [] as [&str; 0], "deleted: {is_deleted}, event: {by_event}");
            assert_eq!(world.keys().iter().any(|key| key.contains("ann")), !is_deleted);
        }
    }
}

#[test]
fn a_changed_address_and_a_damaged_record_leave_one_account_with_access() {
    let world = gym();
    world.directory.update("ann", |ann| ann.email = Some("new@gym.test".to_string()));
    damage(&world, "ann", b"{");
    world.settle("ann");
    day(&world);
    let held = |email: &str| world.rows_of(email).len();
    assert_eq!((held("new@gym.test"), held("ann@gym.test")), (2, 0));
}

#[test]
fn members_who_take_another_members_address_count_for_the_guard() {
    let world = World::gym(many(12));
    world.directory.insert(member("owner", vec![membership("ms-1", "basic")]));
    day(&world);
    let before = world.people();
    for one in many(12) {
        world.directory.update(&one.id, |one| one.email = Some("owner@gym.test".to_string()));
    }
    world.go_to(world.now() + DAY);
    let waits = (0..10).find_map(|_| world.tick(1_000).unwrap().sync?.waits);
    assert_eq!(waits, Some(Hold::Brake));
    assert_eq!(world.people(), before);
}

#[test]
fn an_account_that_staff_made_again_for_a_blocked_member_loses_access() {
    let world = gym();
    world.directory.update("ann", |ann| ann.status = MemberStatus::Blocked);
    world.sim.delete_user(world.user("ann@gym.test"));
    world.by_hand("ann@gym.test", &["Gym"]);
    day(&world);
    assert_eq!(world.open("ann"), [] as [&str; 0]);
}

#[test]
fn a_damaged_mapping_pauses_and_takes_nobodys_access() {
    for damaged in [&b"{}"[..], b"{", br#"{"entriet":[]}"#, br#"{"entries":null}"#] {
        let world = gym();
        let before = world.people();
        world.store("tenant/mappings", damaged);
        world.deliver("ann").unwrap_err();
        world.go_to(world.now() + DAY);
        let error = world.tick(20).unwrap_err();
        assert!(matches!(error.demand, Demand::Pause(PauseCause::StorageDamaged)), "{error:?}");
        assert_eq!(world.people(), before);
    }
}
