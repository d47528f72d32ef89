//! A difficulty with one member, or in one call, delays no other member: refusals that last, a sync that waits, many dates
//! at once, odd records.

use door_access_host::contract::connection::Departure;
use door_access_host::contract::doors::{Attempt, Issued};
use door_access_host::contract::sync::{Hold, Mode, Phase};
use door_access_host::contract::types::{Demand, Error, MemberStatus, MembershipStatus};
use door_access_testkit::{
    DAY, HOUR, LEASED, MAPPING, SETTINGS, START, World, frozen_until, many, member, membership, settings,
    status, with_email,
};

/// How many of the first `count` members can open the gym's door now.
fn open_for(world: &World, count: usize) -> usize {
    many(count).iter().filter(|one| !world.open(&one.id).is_empty()).count()
}

#[test]
fn memberships_that_expired_meanwhile_do_not_count_for_the_guard() {
    let mut members = many(15);
    for member in &mut members {
        member.memberships[0].ends_at = Some(START + 2 * DAY);
    }
    let world = World::in_step(SETTINGS, members);
    world.go_to(START + 3 * DAY);
    let stepped = world.sync(Mode::Apply);
    assert_eq!((stepped.waits, stepped.phase), (None, Phase::Done));
    assert_eq!(stepped.counts.grants_removed, 15);
}

#[test]
fn a_mapping_replaced_while_the_guard_waits_is_applied_by_ticks() {
    let world = World::in_step(SETTINGS, many(15));
    // By mistake: every member would lose the gym.
    world.map(&[("gold", &["Gym"])]).unwrap();
    assert_eq!(world.tick(1_000).unwrap().sync.unwrap().waits, Some(Hold::Brake));
    // The mistake is corrected, and the spa is added.
    world.map(&[("basic", &["Gym", "Spa"])]).unwrap();
    world.live(START + 5 * DAY);
    assert_eq!(world.open("m-00"), ["Gym", "Spa"]);
}

#[test]
fn a_mapping_replaced_after_a_preview_is_applied_by_ticks() {
    let world = World::in_step(SETTINGS, many(1));
    world.sync(Mode::Preview);
    world.map(&[("basic", &["Gym", "Spa"])]).unwrap();
    world.live(START + 5 * DAY);
    assert_eq!(world.open("m-00"), ["Gym", "Spa"]);
}

#[test]
fn one_member_who_needs_endless_retries_ends_no_other_members_lease() {
    let world = World::in_step(LEASED, Vec::new());
    world.directory.insert(member("bo", vec![membership("ms-1", "basic")]));
    world.settle("bo");
    world.directory.insert(member("ann", vec![frozen_until(START + 10 * DAY, "basic")]));
    world.settle("ann");
    // Kisi has the address elsewhere and never shows it.
    world.sim.add_fault(status("POST /users", 409).always());
    world.live(START + 31 * DAY);
    assert_eq!(world.open("bo"), ["Gym"], "bo pays, and a tick came every hour");
}

#[test]
fn one_member_who_needs_endless_retries_delays_no_sync() {
    let world = World::in_step(SETTINGS, many(1));
    world.directory.insert(member("ann", vec![membership("ms-1", "basic")]));
    world.directory.insert(member("zoe", vec![membership("ms-1", "basic")]));
    world.sim.add_fault(status("POST /users", 409).always());
    world.directory.update("m-00", |one| one.memberships[0].plan = "gold".to_string());
    world.live(START + 3 * DAY);
    assert_eq!(world.open("m-00"), ["Gym", "Spa"]);
}

#[test]
fn one_member_who_needs_endless_retries_delays_no_other_members_event() {
    let world = World::in_step(LEASED, many(1));
    world.directory.insert(member("ann", vec![membership("ms-1", "basic")]));
    world.settle("ann");
    // Her account goes, and Kisi has the address elsewhere and never shows it.
    world.sim.delete_user(world.user("ann@gym.test"));
    world.sim.add_fault(status("POST /users", 409).always());
    world.directory.update("ann", |ann| ann.memberships[0].plan = "gold".to_string());
    assert!(world.deliver("ann").is_err(), "Kisi contradicts itself about ann");
    world.directory.update("m-00", |one| one.memberships[0].plan = "gold".to_string());
    assert!(world.deliver("m-00").is_ok(), "and about no other member");
    assert_eq!(world.open("m-00"), ["Gym", "Spa"]);
}

#[test]
fn an_emptied_directory_removes_no_one_when_leases_fall_due() {
    let world = World::in_step(LEASED, many(30));
    world.live(START + 15 * DAY - HOUR);
    for one in many(30) {
        world.directory.remove(&one.id);
    }
    world.live(START + 15 * DAY + 2 * HOUR);
    let left = open_for(&world, 30);
    assert!(left >= 20, "{left} of 30 are left, without a confirmation");
}

#[test]
fn while_the_directory_is_empty_due_dates_cost_one_tick_a_day() {
    let world = World::in_step(LEASED, many(30));
    world.live(START + 15 * DAY - HOUR);
    for one in many(30) {
        world.directory.remove(&one.id);
    }
    world.go_to(START + 15 * DAY);
    world.calls();
    let mut ticks = 0;
    while world.now() < START + 20 * DAY {
        let now = world.now();
        match world.tick(1_000) {
            Ok(ticked) => world.go_to(ticked.next.max(now)),
            Err(Error { demand: Demand::Retry(after), .. }) => world.go_to(now + after),
            Err(error) => panic!("{error:?}"),
        }
        ticks += 1;
    }
    let pages = world.calls().iter().filter(|call| call.contains("applies_to_type=Group")).count();
    assert!(pages <= 2 * 6, "{pages} pages in five days, of two groups");
    assert!(ticks <= 15, "{ticks} ticks in five days");
}

#[test]
fn while_the_guard_waits_members_keep_what_memberships_give() {
    let both: &[(&str, &[&str])] = &[("basic", &["Gym", "Spa"])];
    let world = World::in_step(LEASED, many(15));
    world.map(both).unwrap();
    world.live(START + DAY);
    assert_eq!(world.open("m-00"), ["Gym", "Spa"]);
    // Every member loses the spa, which needs a confirmation, and there is none for longer than a lease.
    world.map(&[("basic", &["Gym"])]).unwrap();
    world.live(START + 2 * DAY);
    assert_eq!(world.open("m-00"), ["Gym", "Spa"], "there was no confirmation");
    for day in 3..70 {
        world.live(START + day * DAY);
        for one in many(15) {
            let open = world.open(&one.id);
            assert!(open.contains(&"Gym".to_string()), "{} is shut out on day {day}", one.id);
        }
    }
    assert_eq!(world.open("m-00"), ["Gym"], "the lease of the spa has run out");
}

#[test]
fn an_emptied_mapping_is_held_by_the_guard_when_leases_fall_due() {
    let world = World::in_step(LEASED, many(30));
    world.live(START + 15 * DAY - HOUR);
    world.map(&[("gold", &["Gym", "Spa"])]).unwrap();
    world.live(START + 15 * DAY + 2 * HOUR);
    let left = open_for(&world, 30);
    assert!(left >= 20, "{left} of 30 are left, without a confirmation");
}

#[test]
fn a_login_ends_with_the_link_to_its_account() {
    let world = World::with_doors_for_ann("gold");
    let issued = world.issue_login("ann").unwrap();
    assert!(matches!(issued, Issued::Login(_)));
    // Ann leaves the gym and her address, which Bo has now.
    world.directory.update("ann", |ann| {
        ann.email = Some("ann-2@gym.test".to_string());
        ann.memberships[0].status = MembershipStatus::Cancelled;
    });
    world.settle("ann");
    world.directory.insert(with_email("bo", "ann@gym.test", "gold"));
    world.settle("bo");
    assert_eq!(world.names_of("ann@gym.test"), ["Gym", "Spa"], "Bo's");
    assert_eq!(
        world.logins_of("ann@gym.test"),
        Vec::<String>::new(),
        "the phone of Ann, who left, opens the doors that Bo pays for"
    );
}

#[test]
fn a_deleted_member_is_not_in_what_is_stored_of_the_last_sync() {
    let world = World::in_step(
        SETTINGS,
        vec![
            member("ann", vec![membership("ms-1", "basic")]),
            member("zed", vec![membership("ms-1", "basic")]),
        ],
    );
    world.directory.remove("zed");
    world.settle("zed");
    assert_eq!(world.stored("zed"), Vec::<String>::new());
}

#[test]
fn a_tick_with_the_fewest_requests_comes_to_rest_when_kisi_refuses_two_groups() {
    let world = World::in_step(SETTINGS, vec![member("ben", vec![membership("ms-1", "basic")])]);
    world.directory.insert(member("ann", vec![frozen_until(START + HOUR, "gold")]));
    world.settle("ann");
    world.go_to(START + HOUR);
    world.sim.add_fault(status("POST /role_assignments", 403).always());
    world.tick_until_calm(4);
}

#[test]
fn a_gym_that_connects_again_during_a_disconnect_has_its_members_back_by_ticks() {
    let world = World::in_step(SETTINGS, many(3));
    world.answer(world.tenant().disconnect(Departure::RemoveGranted, None, 100)).unwrap();
    assert_eq!(world.open("m-00"), Vec::<String>::new());
    world.connect(SETTINGS).unwrap();
    world.live(START + 2 * HOUR);
    assert_eq!(world.open("m-00"), ["Gym"], "the mapping is there, the membership runs, ticks come");
}

#[test]
fn a_blocked_member_whose_block_fails_for_one_group_keeps_no_login() {
    let world = World::with_doors_for_ann("gold");
    world.issue_login("ann").unwrap();
    world.directory.update("ann", |ann| ann.status = MemberStatus::Blocked);
    // Kisi has trouble with removals for a while; logins could be ended.
    world.sim.add_fault(status("DELETE /role_assignments/{id}", 503).times(3));
    let _failed = world.deliver("ann");
    assert_eq!(world.logins_of("ann@gym.test"), Vec::<String>::new());
}

#[test]
fn a_login_that_kisi_would_not_end_is_ended_by_a_sync_where_a_block_removes_only_granted_access() {
    let world = World::with_doors_for_ann("gold");
    world.connect(&settings(r#""on_block":"ours""#)).unwrap();
    world.issue_login("ann").unwrap();
    world.directory.update("ann", |ann| ann.status = MemberStatus::Blocked);
    world.sim.add_fault(status("DELETE /logins/{id}", 422).times(1));
    let _refused = world.deliver("ann");
    let working = || world.logins_of("ann@gym.test").len();
    assert_eq!((world.names_of("ann@gym.test").len(), working()), (0, 1));
    world.live(START + 2 * DAY);
    assert_eq!(working(), 0);
    world.calls();
    world.live(START + 4 * DAY);
    assert!(world.calls().iter().all(|call| call.starts_with("GET")));
}

#[test]
fn a_lease_extension_that_was_refused_once_is_tried_again_whether_a_sync_waits_or_not() {
    for waits in [false, true] {
        let world = World::in_step(LEASED, many(1));
        if waits {
            world.sync(Mode::Preview);
        }
        // The first extension finds out how dates are changed; the next one is refused once.
        world.live(START + 16 * DAY);
        assert_eq!(world.open("m-00"), ["Gym"]);
        world.sim.add_fault(status("PATCH /role_assignments/{id}", 422).times(1));
        world.live(START + 60 * DAY);
        assert_eq!(world.open("m-00"), ["Gym"], "one refusal, and no second try; a sync waits: {waits}");
    }
}

#[test]
fn a_shared_address_stays_with_the_member_whom_the_accounts_metadata_names() {
    let world = World::gym(Vec::new());
    let shared = |id: &str, plan: &str| with_email(id, "shared@gym.test", plan);
    world.directory.insert(shared("zed", "gold"));
    world.settle("zed");
    world.directory.insert(shared("ann", "basic"));
    world.tick(1_000).unwrap();
    assert_eq!(world.names_of("shared@gym.test"), ["Gym", "Spa"]);
    // The gym leaves and comes back.
    world.disconnect(Departure::Leave, 100);
    world.connect(SETTINGS).unwrap();
    world.map(MAPPING).unwrap();
    world.tick(1_000).unwrap();
    // Zed is blocked: what zed's account opens must go.
    world.directory.update("zed", |zed| zed.status = MemberStatus::Blocked);
    world.settle("zed");
    assert!(!world.names_of("shared@gym.test").contains(&"Spa".to_string()), "the spa was zed's alone");
}

#[test]
fn a_member_with_a_long_id_delays_no_sync() {
    let world = World::gym(Vec::new());
    world.directory.insert(member("ann", vec![membership("ms-1", "basic")]));
    world.directory.insert(with_email(&"x".repeat(520), "long@gym.test", "basic"));
    world.live(START + 3 * DAY);
    assert_eq!(world.open("ann"), ["Gym"]);
}

#[test]
fn a_strangers_address_is_not_stored_after_a_sync() {
    let world = World::in_step(SETTINGS, many(1));
    world.directory.insert(member("tim", vec![membership("ms-1", "basic")]));
    world.settle("tim");
    // The gym leaves and comes back without tim, who is a stranger now.
    world.disconnect(Departure::Leave, 100);
    world.directory.remove("tim");
    world.connect(SETTINGS).unwrap();
    world.map(MAPPING).unwrap();
    assert_eq!(world.tick(1_000).unwrap().sync.unwrap().phase, Phase::Done);
    assert_eq!(world.stored("tim@"), Vec::<String>::new());
}

#[test]
fn a_member_whom_staff_suspended_in_kisi_opens_no_door_before_and_after_a_daily_sync() {
    for days in [0, 3] {
        let world = World::with_doors_for_ann("gold");
        world.sim.set_user_access_enabled(world.user("ann@gym.test"), false);
        world.live(START + days * DAY);
        assert_ne!(world.unlock("ann", "Sauna").unwrap(), Attempt::Opened, "after {days} days");
    }
}

#[test]
fn a_damaged_record_removed_by_half_a_disconnect_leaves_no_index() {
    let world = World::in_step(SETTINGS, many(3));
    world.store("member/m-00", b"{");
    world.answer(world.tenant().disconnect(Departure::Leave, None, 100)).unwrap();
    world.answer(world.tenant().disconnect(Departure::Leave, Some("m-00"), 100)).unwrap();
    world.connect(SETTINGS).unwrap();
    world.settle("m-00");
}

#[test]
fn a_short_failure_of_the_directory_lets_no_short_lease_run_out() {
    for days in [1, 2] {
        let settings = settings(&format!(r#""lease_days":{days}"#));
        let world = World::in_step(&settings, many(30));
        world.go_to(START + days * DAY / 2 + HOUR);
        // A filter is wrong for a few minutes.
        for one in many(30).iter().skip(8) {
            world.directory.remove(&one.id);
        }
        for _ in 0..20 {
            drop(world.tick(1_000));
        }
        for one in many(30) {
            world.directory.insert(one);
        }
        world.cancel_sync(&world.sync_status().job);
        for hour in 1..days * 24 {
            world.live(START + days * DAY / 2 + hour * HOUR);
            for one in many(30).iter().take(8) {
                assert_eq!(world.open(&one.id), ["Gym"], "{} after {hour} hours, lease of {days}", one.id);
            }
        }
        let inside = open_for(&world, 30);
        assert!(inside >= 20, "{inside} of 30: at most the guard's ten may have gone by dates");
    }
}

#[test]
fn an_empty_directory_removes_no_one_in_a_small_gym_either() {
    let world = World::in_step(LEASED, many(5));
    world.live(START + 14 * DAY);
    for one in many(5) {
        world.directory.remove(&one.id);
    }
    world.live(START + 18 * DAY);
    for one in many(5) {
        assert_eq!(world.open(&one.id), ["Gym"], "{}", one.id);
    }
}

#[test]
fn a_clock_that_was_ahead_once_does_not_stop_daily_syncs() {
    let world = World::in_step(SETTINGS, many(3));
    world.clock.set(START + 40 * DAY);
    world.tick(1_000).unwrap();
    world.clock.set(START + 2 * HOUR);
    world.directory.insert(member("zoe", vec![membership("ms-1", "basic")]));
    world.live(START + 2 * DAY);
    assert_eq!(world.open("zoe"), ["Gym"], "every member is compared once a day");
}

#[test]
fn one_member_whom_the_directory_cannot_read_ends_no_other_members_lease() {
    let world = World::in_step(LEASED, many(3));
    world.boundary.set_unreadable("m-00");
    while world.now() < START + 40 * DAY {
        let now = world.now();
        let next = match world.tick(1_000) {
            Ok(ticked) => ticked.next,
            Err(Error { demand: Demand::Retry(after), .. }) => now + after,
            Err(error) => panic!("{error:?}"),
        };
        world.go_to(next.max(now + HOUR / 4));
    }
    for id in ["m-01", "m-02"] {
        assert_eq!(world.open(id), ["Gym"], "{id}");
    }
}
