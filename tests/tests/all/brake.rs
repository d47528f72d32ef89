//! The brake, whichever way access would go: by dates, by a reconciliation whose directory breaks after it was
//! confirmed, by addresses that are gone. And that it stands in nobody's way whom it is not about.

use door_access_host::Clock;
use door_access_host::contract::sync::{Finding, FindingKind, Hold, Mode, Phase, Progress};
use kisi_sim::{Fault, FaultEffect, Hand};

use crate::hindrances::{HOUR, LEASED, gym_with, live, many};
use crate::tick::{go_to, open, try_tick};
use crate::world::{DAY, SETTINGS, START, World, member, membership};

/// What the brake lets go where the settings say nothing.
const BRAKE: usize = 10;

const OURS: &str =
    r#"{"integration":{"identifier":"Test Gym","contact":"doors@gym.test"},"on_block":"ours"}"#;

/// How many of the first `count` members can open the gym's door now.
fn open_for(world: &World, count: usize) -> usize {
    (0..count).filter(|number| !open(world, &format!("m-{number:02}")).is_empty()).count()
}

/// The directory shows only the first `count` members of `of`.
fn halve(world: &World, count: usize, of: usize) {
    for number in count..of {
        world.directory.remove(&format!("m-{number:02}"));
    }
}

/// Ticks that may send few requests, until there is nothing more to do at once.
fn drip(world: &World) {
    for _ in 0..300 {
        if try_tick(world, 4).unwrap().next > world.clock.now_ms() {
            return;
        }
    }
    panic!("300 ticks do not come to rest");
}

fn confirmed(world: &World, mode: Mode, meanwhile: impl Fn()) -> String {
    let tenant = world.tenant();
    let job = world.runtime.block_on(tenant.start_sync(mode)).unwrap().unwrap();
    loop {
        let stepped = world.runtime.block_on(tenant.step_sync(&job, 1_000)).unwrap().unwrap();
        if stepped.progress.phase == Phase::Waiting {
            break;
        }
    }
    meanwhile();
    world.runtime.block_on(tenant.confirm_sync(&job)).unwrap().unwrap();
    job
}

#[test]
fn a_halved_directory_does_not_drip_away_by_dates_while_the_brake_waits() {
    let world = gym_with(LEASED, many(30));
    live(&world, START + 14 * DAY);
    halve(&world, 8, 30);
    live(&world, START + 15 * DAY - HOUR);
    go_to(&world, START + 15 * DAY + HOUR);
    drip(&world);
    assert_eq!(open_for(&world, 30), 30, "somebody must confirm it, and nobody did");
}

#[test]
fn dates_take_no_more_than_the_brake_lets_go_however_few_requests_a_tick_may_send() {
    let world = gym_with(LEASED, many(30));
    live(&world, START + 15 * DAY - 2 * HOUR);
    // Everybody was just compared; the dates come before the next time.
    halve(&world, 0, 30);
    go_to(&world, START + 15 * DAY + HOUR);
    drip(&world);
    assert!(open_for(&world, 30) >= 30 - BRAKE, "{} of 30 are left", open_for(&world, 30));
}

#[test]
fn addresses_that_a_platform_loses_are_for_the_brake_when_leases_fall_due() {
    let world = gym_with(LEASED, many(30));
    live(&world, START + 15 * DAY - 2 * HOUR);
    for number in 0..30 {
        world.directory.update(&format!("m-{number:02}"), |member| member.email = None);
    }
    go_to(&world, START + 15 * DAY + HOUR);
    drip(&world);
    assert!(open_for(&world, 30) >= 30 - BRAKE, "{} of 30 are left", open_for(&world, 30));
    let waits = world.runtime.block_on(world.tenant().sync_status()).unwrap().unwrap().unwrap();
    assert_eq!(waits.waits, Some(Hold::Brake), "the counts are told");
}

/// The first `count` members have the addresses of other people.
fn readdress(world: &World, count: usize) {
    for number in 0..count {
        let id = format!("m-{number:02}");
        world.directory.update(&id, |member| member.email = Some(format!("{id}@elsewhere.test")));
    }
}

/// How many people there are at Kisi who have such an address.
fn strangers(world: &World) -> usize {
    world.sim.state().users.iter().filter(|user| user.email.ends_with("@elsewhere.test")).count()
}

fn waits_for_somebody(world: &World) -> String {
    let status = world.runtime.block_on(world.tenant().sync_status()).unwrap().unwrap().unwrap();
    assert_eq!(status.waits, Some(Hold::Brake), "the counts are told");
    status.job
}

#[test]
fn the_members_of_another_gym_take_nobodys_place_until_somebody_confirms_it() {
    let world = gym_with(SETTINGS, many(30));
    readdress(&world, 30);
    let (job, progress, findings) = reconciled(&world, Mode::Preview);
    assert_eq!((progress.counts.grants_removed, progress.counts.grants_added), (30, 30));
    for kind in [FindingKind::Loses, FindingKind::Gains] {
        assert_eq!(findings.iter().filter(|finding| finding.kind == kind).count(), 30, "{kind:?}");
    }
    world.runtime.block_on(world.tenant().cancel_sync(&job)).unwrap().unwrap();
    live(&world, START + 3 * DAY);
    assert_eq!((open_for(&world, 30), strangers(&world)), (30, 0));
    let job = waits_for_somebody(&world);
    world.runtime.block_on(world.tenant().confirm_sync(&job)).unwrap().unwrap();
    live(&world, START + 3 * DAY + HOUR);
    assert_eq!((open_for(&world, 30), strangers(&world)), (0, 30));
}

#[test]
fn some_who_have_another_address_move_with_the_next_reconciliation() {
    let world = gym_with(SETTINGS, many(30));
    readdress(&world, BRAKE);
    live(&world, START + 2 * DAY);
    assert_eq!((open_for(&world, 30), strangers(&world)), (30 - BRAKE, BRAKE));
}

#[test]
fn addresses_that_become_other_peoples_are_for_the_brake_when_leases_fall_due() {
    let world = gym_with(LEASED, many(30));
    live(&world, START + 15 * DAY - 2 * HOUR);
    readdress(&world, 30);
    go_to(&world, START + 15 * DAY + HOUR);
    drip(&world);
    assert!(strangers(&world) <= BRAKE, "{} strangers are in", strangers(&world));
    assert_eq!(open_for(&world, 30), 30 - strangers(&world), "and the leases of all others are prolonged");
    waits_for_somebody(&world);
    let names = |world: &World| {
        let users = world.sim.state().users.clone().into_iter();
        let own = users.filter(|user| !user.email.ends_with("@elsewhere.test"));
        own.map(|user| user.name).collect::<Vec<_>>()
    };
    let before = names(&world);
    for number in 0..30 {
        world.directory.update(&format!("m-{number:02}"), |member| member.name = "Somebody Else".to_string());
    }
    live(&world, START + 40 * DAY);
    assert_eq!(open_for(&world, 30), 30 - strangers(&world), "for as long as nobody confirms");
    assert_eq!(names(&world), before, "nobody's account is named after somebody else");
}

#[test]
fn addresses_that_become_other_peoples_after_a_preview_was_seen_are_for_the_brake() {
    let world = gym_with(SETTINGS, many(30));
    for number in 0..30 {
        world.directory.update(&format!("m-{number:02}"), |member| {
            member.memberships.push(membership("ms-2", "gold"));
        });
    }
    confirmed(&world, Mode::Preview, || readdress(&world, 30));
    live(&world, START + 2 * HOUR);
    assert!(strangers(&world) <= BRAKE, "{} strangers are in", strangers(&world));
    assert_eq!(open_for(&world, 30), 30 - strangers(&world));
    waits_for_somebody(&world);
}

#[test]
fn where_nobody_adds_users_another_address_without_an_account_moves_nobody_and_waits_for_nobody() {
    let world = gym_with(SETTINGS, many(30));
    let report = SETTINGS.replacen('{', r#"{"missing_user":"report","#, 1);
    world.runtime.block_on(world.tenant().connect(&report)).unwrap().unwrap();
    readdress(&world, 30);
    let (_, progress, _) = reconciled(&world, Mode::Apply);
    assert_eq!((progress.phase, progress.counts.grants_removed), (Phase::Done, 0));
    assert_eq!((open_for(&world, 30), strangers(&world)), (30, 0));
}

#[test]
fn a_directory_that_breaks_after_a_preview_was_seen_is_for_the_brake() {
    let world = gym_with(SETTINGS, many(30));
    for number in 0..30 {
        world.directory.update(&format!("m-{number:02}"), |member| {
            member.memberships.push(membership("ms-2", "gold"));
        });
    }
    // Thirty members gain a group, and nobody loses anything: that is confirmed.
    confirmed(&world, Mode::Preview, || halve(&world, 5, 30));
    live(&world, START + 2 * HOUR);
    assert!(open_for(&world, 30) >= 30 - BRAKE, "{} of 30 are left", open_for(&world, 30));
    let waits = world.runtime.block_on(world.tenant().sync_status()).unwrap().unwrap().unwrap();
    assert_eq!(waits.waits, Some(Hold::Brake), "everybody is compared anew, and the counts are told");
}

#[test]
fn what_somebody_confirmed_goes_though_kisi_has_trouble_meanwhile() {
    let world = gym_with(SETTINGS, many(30));
    halve(&world, 5, 30);
    let job = confirmed(&world, Mode::Apply, || {});
    let fault = FaultEffect::Status { status: 503, retry_after_s: None };
    world.sim.add_fault(Fault::new("DELETE /role_assignments/{id}", fault).unwrap().skip(3).times(2));
    live(&world, START + 3 * HOUR);
    let status = world.runtime.block_on(world.tenant().sync_status()).unwrap().unwrap().unwrap();
    assert_eq!((status.job, status.phase), (job, Phase::Done), "nothing more had to be confirmed");
    assert_eq!(open_for(&world, 30), 5);
}

#[test]
fn a_preview_that_was_confirmed_after_more_than_a_day_is_applied() {
    let world = gym_with(SETTINGS, many(3));
    halve(&world, 2, 3);
    let job = confirmed(&world, Mode::Preview, || go_to(&world, START + DAY + HOUR));
    let mut phases = Vec::new();
    for _ in 0..20 {
        let ticked = try_tick(&world, 4).unwrap();
        phases.extend(ticked.sync.filter(|sync| sync.job == job).map(|sync| sync.phase));
    }
    assert_eq!(phases.last(), Some(&Phase::Done), "{phases:?}");
    assert_eq!(open_for(&world, 3), 2);
}

#[test]
fn a_preview_beyond_the_brake_that_nobody_came_back_to_keeps_nobody_from_being_compared() {
    let world = gym_with(SETTINGS, many(30));
    halve(&world, 5, 30);
    let job = world.runtime.block_on(world.tenant().start_sync(Mode::Preview)).unwrap().unwrap();
    while world.runtime.block_on(world.tenant().step_sync(&job, 1_000)).unwrap().unwrap().progress.phase
        != Phase::Waiting
    {}
    // The platform mends its data, and an event is lost.
    for one in many(30) {
        world.directory.insert(one);
    }
    world.directory.insert(member("zoe", vec![membership("ms-1", "basic")]));
    live(&world, START + 3 * DAY);
    assert_eq!(open(&world, "zoe"), ["Gym"], "everybody is compared once a day");
    assert_eq!(open_for(&world, 30), 30);
}

#[test]
fn who_costs_more_requests_than_a_step_may_send_holds_up_no_reconciliation() {
    let world = gym_with(SETTINGS, many(2));
    for number in 0..2 {
        world.directory.update(&format!("m-{number:02}"), |member| {
            member.memberships = vec![membership("ms-1", "gold")];
        });
    }
    // Each refusal is looked into: with four requests, not even one member's are known.
    let fault = FaultEffect::Status { status: 422, retry_after_s: None };
    world.sim.add_fault(Fault::new("POST /role_assignments", fault).unwrap().always());
    go_to(&world, START + DAY);
    for number in 0..2 {
        let state = world.sim.state();
        let user = state.user_by_email(&format!("m-{number:02}@gym.test")).unwrap().id;
        let rows: Vec<u64> = state.role_assignments_of(user).map(|row| row.id).collect();
        drop(state);
        for id in rows {
            world.sim.hand(Hand::Unassign { id }).unwrap();
        }
    }
    drip(&world);
    let status = world.runtime.block_on(world.tenant().sync_status()).unwrap().unwrap().unwrap();
    assert_eq!(status.phase, Phase::Done);
    assert!(status.counts.failures >= 2, "{:?}", status.counts);
}

#[test]
fn one_odd_refusal_of_a_date_changes_nothing_for_the_next_member() {
    let world = gym_with(LEASED, many(2));
    live(&world, START + 15 * DAY - HOUR);
    let fault = FaultEffect::Status { status: 422, retry_after_s: None };
    world.sim.add_fault(Fault::new("PATCH /role_assignments/{id}", fault).unwrap().times(1));
    world.calls();
    go_to(&world, START + 15 * DAY + HOUR);
    drip(&world);
    let calls = world.calls();
    let changed = calls.iter().filter(|call| call.starts_with("PATCH")).count();
    assert_eq!(changed, 2, "the second member's dates are changed in place: {calls:#?}");
    assert_eq!(open_for(&world, 2), 2);
}

#[test]
fn what_staff_took_beside_what_a_member_loses_asks_for_no_comparison_after_the_other() {
    let settings = SETTINGS.replacen('{', r#"{"brake":{"grants":1,"percent":0},"#, 1);
    let world = gym_with(&settings, vec![member("ann", vec![membership("ms-1", "gold")])]);
    let state = world.sim.state();
    let user = state.user_by_email("ann@gym.test").unwrap().id;
    let row = state.role_assignments_of(user).next().unwrap().id;
    drop(state);
    world.sim.hand(Hand::Unassign { id: row }).unwrap();
    world.directory.update("ann", |ann| ann.email = None);
    world.calls();
    live(&world, START + 2 * DAY + 2 * HOUR);
    let lists = world.calls().iter().filter(|call| call.contains("applies_to_id")).count();
    assert_eq!(lists, 2 * 2, "two groups, once a day");
    assert_eq!(open(&world, "ann"), Vec::<String>::new());
}

/// Members of whom the plugin gives nothing any more, each with what staff gave them in a group that no plan opens. The
/// group's id.
fn by_hand_alone(settings: &str, count: usize) -> (World, u64) {
    let world = gym_with(settings, many(count));
    let group_id = world.sim.add_group("Pool");
    for number in 0..count {
        world.directory.update(&format!("m-{number:02}"), |member| member.memberships.clear());
        let user_id = world.sim.state().user_by_email(&format!("m-{number:02}@gym.test")).unwrap().id;
        let (role, valid_from, valid_until) = ("group_basic".to_string(), None, None);
        world.sim.hand(Hand::Assign { user_id, group_id, role, valid_from, valid_until }).unwrap();
    }
    let job = confirmed(&world, Mode::Apply, || {});
    world.runtime.block_on(world.tenant().step_sync(&job, 1_000)).unwrap().unwrap();
    let gym = world.sim.state().group_by_name("Gym").unwrap().id;
    assert_eq!((left_in(&world, gym), left_in(&world, group_id)), (0, count));
    (world, group_id)
}

/// The records that the plugin keeps of members.
fn remembered(world: &World) -> Vec<String> {
    let keys = world.storage.entries().into_iter().map(|entry| entry.key);
    keys.filter(|key| key.starts_with("member/")).collect()
}

fn left_in(world: &World, group: u64) -> usize {
    world.sim.state().role_assignments_in(group).count()
}

/// A reconciliation up to where it waits or ends, with all that it tells.
fn reconciled(world: &World, mode: Mode) -> (String, Progress, Vec<Finding>) {
    let tenant = world.tenant();
    let job = world.runtime.block_on(tenant.start_sync(mode)).unwrap().unwrap();
    let mut findings = Vec::new();
    loop {
        let stepped = world.runtime.block_on(tenant.step_sync(&job, 1_000)).unwrap().unwrap();
        findings.extend(stepped.findings);
        if matches!(stepped.progress.phase, Phase::Waiting | Phase::Done | Phase::Cancelled) {
            return (job, stepped.progress, findings);
        }
    }
}

#[test]
fn what_staff_gave_to_whom_the_directory_no_longer_has_counts_before_it_goes() {
    let (world, pool) = by_hand_alone(SETTINGS, 15);
    halve(&world, 0, 14);
    // Without a preview nobody else is asked about once it is certain that somebody must look.
    for (mode, counted) in [(Mode::Preview, 14), (Mode::Apply, 11)] {
        let (job, progress, findings) = reconciled(&world, mode);
        let standing = (progress.phase, progress.waits, progress.counts.grants_removed);
        assert_eq!(standing, (Phase::Waiting, Some(Hold::Brake), counted), "{mode:?}");
        let told = findings.iter().filter(|finding| finding.kind == FindingKind::Loses).count();
        assert_eq!(told, if mode == Mode::Preview { 14 } else { 0 });
        if mode == Mode::Preview {
            world.runtime.block_on(world.tenant().cancel_sync(&job)).unwrap().unwrap();
        }
    }
    live(&world, START + 3 * DAY);
    assert_eq!(left_in(&world, pool), 15, "somebody must confirm it, and nobody did");
    let job = world.runtime.block_on(world.tenant().sync_status()).unwrap().unwrap().unwrap().job;
    world.runtime.block_on(world.tenant().confirm_sync(&job)).unwrap().unwrap();
    live(&world, START + 3 * DAY + HOUR);
    assert_eq!(left_in(&world, pool), 1, "and somebody did");
    assert_eq!(remembered(&world), ["member/m-14"], "nothing is kept of them");
}

#[test]
fn a_few_whom_the_directory_no_longer_has_lose_what_staff_gave_with_the_next_reconciliation() {
    let (world, pool) = by_hand_alone(SETTINGS, 15);
    halve(&world, 0, 3);
    live(&world, START + 2 * DAY);
    assert_eq!(left_in(&world, pool), 12);
}

#[test]
fn where_a_deletion_takes_ours_alone_what_staff_gave_is_neither_counted_nor_taken() {
    let (world, pool) = by_hand_alone(OURS, 15);
    halve(&world, 0, 14);
    world.calls();
    let (_, progress, _) = reconciled(&world, Mode::Apply);
    assert_eq!((progress.phase, progress.counts.grants_removed), (Phase::Done, 0));
    assert_eq!(left_in(&world, pool), 15);
    assert!(world.calls().iter().all(|call| !call.contains("assignee_id")), "nobody is looked up");
    assert_eq!(remembered(&world), ["member/m-14"]);
}

#[test]
fn one_who_is_gone_and_whom_kisi_does_not_show_keeps_nobody_from_being_brought_up_to_date() {
    for status in [503, 422] {
        let world = gym_with(SETTINGS, many(3));
        world.directory.remove("m-00");
        world.directory.update("m-01", |member| member.memberships = vec![membership("ms-1", "gold")]);
        // The lists of both groups are shown, and after them nobody's own.
        let fault = FaultEffect::Status { status, retry_after_s: None };
        world.sim.add_fault(Fault::new("GET /role_assignments", fault).unwrap().skip(2).times(1_000));
        live(&world, START + 2 * DAY);
        assert_eq!(open(&world, "m-01"), ["Gym", "Spa"], "{status}");
        assert_eq!(open(&world, "m-00"), [""; 0], "what the plugin gave goes, {status}");
    }
}
