//! The guard on removals, in whatever way access would go: by dates, by a sync whose directory breaks after it was
//! confirmed, by addresses that are gone or become another person's. The guard delays nothing else.

use door_access_host::contract::sync::{FindingKind, Hold, Mode, Phase};
use door_access_testkit::{
    DAY, HOUR, LEASED, SETTINGS, START, World, many, member, membership, settings, status,
};

/// How many removals the guard allows by default.
const GUARD: usize = 10;

/// How many of the first `count` members can open the gym's door now.
fn open_for(world: &World, count: usize) -> usize {
    many(count).iter().filter(|one| !world.open(&one.id).is_empty()).count()
}

/// The directory shows only the first `count` members of `of`.
fn halve(world: &World, count: usize, of: usize) {
    for one in many(of).iter().skip(count) {
        world.directory.remove(&one.id);
    }
}

/// Gives each of the first `count` members the plan `gold`, too.
fn add_gold(world: &World, count: usize) {
    for one in many(count) {
        world.directory.update(&one.id, |member| member.memberships.push(membership("ms-2", "gold")));
    }
}

/// Runs a sync that waits and is confirmed after `meanwhile`, and returns its job.
fn confirmed(world: &World, mode: Mode, meanwhile: impl Fn()) -> String {
    let waits = world.sync(mode);
    assert_eq!(waits.phase, Phase::Waiting);
    meanwhile();
    world.confirm_sync(&waits.job);
    waits.progress.job
}

#[test]
fn due_dates_remove_no_one_while_the_guard_waits_for_a_halved_directory() {
    let world = World::in_step(LEASED, many(30));
    world.live(START + 14 * DAY);
    halve(&world, 8, 30);
    world.live(START + 15 * DAY - HOUR);
    world.go_to(START + 15 * DAY + HOUR);
    world.tick_until_calm(4);
    assert_eq!(
        open_for(&world, 30),
        30,
        "a removal beyond the guard needs a confirmation, and there was none"
    );
}

#[test]
fn due_dates_remove_no_more_than_the_guard_allows_however_small_the_ticks() {
    let world = World::in_step(LEASED, many(30));
    world.live(START + 15 * DAY - 2 * HOUR);
    // Every member was just compared; the dates come before the next sync.
    halve(&world, 0, 30);
    world.go_to(START + 15 * DAY + HOUR);
    world.tick_until_calm(4);
    assert!(open_for(&world, 30) >= 30 - GUARD, "{} of 30 are left", open_for(&world, 30));
}

#[test]
fn lost_addresses_are_held_by_the_guard_when_leases_fall_due() {
    let world = World::in_step(LEASED, many(30));
    world.live(START + 15 * DAY - 2 * HOUR);
    for one in many(30) {
        world.directory.update(&one.id, |member| member.email = None);
    }
    world.go_to(START + 15 * DAY + HOUR);
    world.tick_until_calm(4);
    assert!(open_for(&world, 30) >= 30 - GUARD, "{} of 30 are left", open_for(&world, 30));
    waiting_job(&world);
}

/// The first `count` members have the addresses of other people.
fn readdress(world: &World, count: usize) {
    for one in many(count) {
        world.directory.update(&one.id, |member| member.email = Some(format!("{}@elsewhere.test", one.id)));
    }
}

/// How many accounts have such an address.
fn strangers(world: &World) -> usize {
    world.sim.state().users.iter().filter(|user| user.email.ends_with("@elsewhere.test")).count()
}

/// The job of the sync that waits for a confirmation.
fn waiting_job(world: &World) -> String {
    let status = world.sync_status();
    assert_eq!(status.waits, Some(Hold::Brake), "the counts are reported");
    status.job
}

#[test]
fn the_addresses_of_another_gyms_members_are_applied_only_after_a_confirmation() {
    let world = World::in_step(SETTINGS, many(30));
    readdress(&world, 30);
    let preview = world.sync(Mode::Preview);
    assert_eq!((preview.counts.grants_removed, preview.counts.grants_added), (30, 30));
    assert_eq!((preview.found(FindingKind::Loses), preview.found(FindingKind::Gains)), (30, 30));
    world.cancel_sync(&preview.job);
    world.live(START + 3 * DAY);
    assert_eq!((open_for(&world, 30), strangers(&world)), (30, 0));
    let job = waiting_job(&world);
    world.confirm_sync(&job);
    world.live(START + 3 * DAY + HOUR);
    assert_eq!((open_for(&world, 30), strangers(&world)), (0, 30));
}

#[test]
fn as_many_changed_addresses_as_the_guard_allows_are_applied_by_the_next_sync() {
    let world = World::in_step(SETTINGS, many(30));
    readdress(&world, GUARD);
    world.live(START + 2 * DAY);
    assert_eq!((open_for(&world, 30), strangers(&world)), (30 - GUARD, GUARD));
}

#[test]
fn changed_addresses_are_held_by_the_guard_when_leases_fall_due() {
    let world = World::in_step(LEASED, many(30));
    world.live(START + 15 * DAY - 2 * HOUR);
    readdress(&world, 30);
    world.go_to(START + 15 * DAY + HOUR);
    world.tick_until_calm(4);
    assert!(strangers(&world) <= GUARD, "{} strangers have access", strangers(&world));
    assert_eq!(open_for(&world, 30), 30 - strangers(&world), "and the leases of all others are extended");
    waiting_job(&world);
    let names = |world: &World| {
        let users = world.sim.state().users.clone().into_iter();
        let own = users.filter(|user| !user.email.ends_with("@elsewhere.test"));
        own.map(|user| user.name).collect::<Vec<_>>()
    };
    let before = names(&world);
    for number in 0..30 {
        world.directory.update(&format!("m-{number:02}"), |member| member.name = "Another Name".to_string());
    }
    world.live(START + 40 * DAY);
    assert_eq!(open_for(&world, 30), 30 - strangers(&world), "as long as there is no confirmation");
    assert_eq!(names(&world), before, "no account gets another person's name");
}

#[test]
fn addresses_that_change_after_a_preview_are_held_by_the_guard() {
    let world = World::in_step(SETTINGS, many(30));
    add_gold(&world, 30);
    confirmed(&world, Mode::Preview, || readdress(&world, 30));
    world.live(START + 2 * HOUR);
    assert!(strangers(&world) <= GUARD, "{} strangers have access", strangers(&world));
    assert_eq!(open_for(&world, 30), 30 - strangers(&world));
    waiting_job(&world);
}

#[test]
fn where_the_plugin_adds_no_users_a_changed_address_without_an_account_changes_nothing() {
    let world = World::in_step(SETTINGS, many(30));
    world.connect(&settings(r#""missing_user":"report""#)).unwrap();
    readdress(&world, 30);
    let done = world.sync(Mode::Apply);
    assert_eq!((done.phase, done.counts.grants_removed), (Phase::Done, 0));
    assert_eq!((open_for(&world, 30), strangers(&world)), (30, 0));
}

#[test]
fn a_directory_that_breaks_after_a_preview_is_held_by_the_guard() {
    let world = World::in_step(SETTINGS, many(30));
    add_gold(&world, 30);
    // Thirty members gain a group, and no member loses one: that is confirmed.
    confirmed(&world, Mode::Preview, || halve(&world, 5, 30));
    world.live(START + 2 * HOUR);
    assert!(open_for(&world, 30) >= 30 - GUARD, "{} of 30 are left", open_for(&world, 30));
    waiting_job(&world);
}

#[test]
fn a_confirmed_removal_is_finished_though_kisi_fails_meanwhile() {
    let world = World::in_step(SETTINGS, many(30));
    halve(&world, 5, 30);
    let job = confirmed(&world, Mode::Apply, || {});
    world.sim.add_fault(status("DELETE /role_assignments/{id}", 503).skip(3).times(2));
    world.live(START + 3 * HOUR);
    let status = world.sync_status();
    assert_eq!((status.job, status.phase), (job, Phase::Done), "nothing more had to be confirmed");
    assert_eq!(open_for(&world, 30), 5);
}

#[test]
fn a_preview_confirmed_after_more_than_a_day_is_applied() {
    let world = World::in_step(SETTINGS, many(3));
    halve(&world, 2, 3);
    let job = confirmed(&world, Mode::Preview, || world.go_to(START + DAY + HOUR));
    let mut phases = Vec::new();
    for _ in 0..20 {
        let ticked = world.tick(4).unwrap();
        phases.extend(ticked.sync.filter(|sync| sync.job == job).map(|sync| sync.phase));
    }
    assert_eq!(phases.last(), Some(&Phase::Done), "{phases:?}");
    assert_eq!(open_for(&world, 3), 2);
}

#[test]
fn an_abandoned_preview_beyond_the_guard_does_not_stop_the_daily_sync() {
    let world = World::in_step(SETTINGS, many(30));
    halve(&world, 5, 30);
    world.sync(Mode::Preview);
    // The platform corrects its data, and an event is lost.
    for one in many(30) {
        world.directory.insert(one);
    }
    world.directory.insert(member("zoe", vec![membership("ms-1", "basic")]));
    world.live(START + 3 * DAY);
    assert_eq!(world.open("zoe"), ["Gym"], "every member is compared once a day");
    assert_eq!(open_for(&world, 30), 30);
}

#[test]
fn a_member_who_costs_more_requests_than_a_step_may_send_delays_no_sync() {
    let world = World::in_step(SETTINGS, many(2));
    for one in many(2) {
        world.directory.update(&one.id, |member| member.memberships = vec![membership("ms-1", "gold")]);
    }
    // Each refusal costs a look-up: four requests are too few for one member.
    world.sim.add_fault(status("POST /role_assignments", 422).always());
    world.go_to(START + DAY);
    for one in many(2) {
        world.unassign_first(one.email.as_deref().unwrap());
    }
    world.tick_until_calm(4);
    let status = world.sync_status();
    assert_eq!(status.phase, Phase::Done);
    assert!(status.counts.failures >= 2, "{:?}", status.counts);
}

#[test]
fn one_odd_refusal_of_a_date_changes_nothing_for_the_next_member() {
    let world = World::in_step(LEASED, many(2));
    world.live(START + 15 * DAY - HOUR);
    world.sim.add_fault(status("PATCH /role_assignments/{id}", 422).times(1));
    world.calls();
    world.go_to(START + 15 * DAY + HOUR);
    world.tick_until_calm(4);
    let calls = world.calls();
    let changed = calls.iter().filter(|call| call.starts_with("PATCH")).count();
    assert_eq!(changed, 2, "the second member's dates are changed in place: {calls:#?}");
    assert_eq!(open_for(&world, 2), 2);
}

#[test]
fn a_removal_by_staff_together_with_a_loss_causes_no_endless_syncs() {
    let settings = settings(r#""brake":{"grants":1,"percent":0}"#);
    let world = World::in_step(&settings, vec![member("ann", vec![membership("ms-1", "gold")])]);
    world.unassign_first("ann@gym.test");
    world.directory.update("ann", |ann| ann.email = None);
    world.calls();
    world.live(START + 2 * DAY + 2 * HOUR);
    let lists = world.calls().iter().filter(|call| call.contains("applies_to_id")).count();
    assert_eq!(lists, 2 * 2, "two groups, once a day");
    assert_eq!(world.open("ann"), Vec::<String>::new());
}

/// Members to whom the plugin gives nothing any more. Staff put each of them into a group that no plan gives.
fn by_hand_alone(settings: &str, count: usize) -> World {
    let world = World::in_step(settings, many(count));
    for one in many(count) {
        world.directory.update(&one.id, |member| member.memberships.clear());
        world.by_hand(one.email.as_deref().unwrap(), &["Pool"]);
    }
    let job = confirmed(&world, Mode::Apply, || {});
    world.steps(&job, 1_000).unwrap();
    assert_eq!((left_in(&world, "Gym"), left_in(&world, "Pool")), (0, count));
    world
}

/// The records that the plugin keeps of members.
fn records(world: &World) -> Vec<String> {
    world.keys().into_iter().filter(|key| key.starts_with("member/")).collect()
}

fn left_in(world: &World, group: &str) -> usize {
    world.sim.state().role_assignments_in(world.group(group)).count()
}

#[test]
fn manual_access_of_members_who_left_counts_for_the_guard_before_it_is_removed() {
    let world = by_hand_alone(SETTINGS, 15);
    halve(&world, 0, 14);
    // Apply stops counting as soon as it is certain that a confirmation is needed.
    for (mode, counted) in [(Mode::Preview, 14), (Mode::Apply, 11)] {
        let waits = world.sync(mode);
        let standing = (waits.phase, waits.waits, waits.counts.grants_removed);
        assert_eq!(standing, (Phase::Waiting, Some(Hold::Brake), counted), "{mode:?}");
        assert_eq!(waits.found(FindingKind::Loses), if mode == Mode::Preview { 14 } else { 0 });
        if mode == Mode::Preview {
            world.cancel_sync(&waits.job);
        }
    }
    world.live(START + 3 * DAY);
    assert_eq!(
        left_in(&world, "Pool"),
        15,
        "a removal beyond the guard needs a confirmation, and there was none"
    );
    world.confirm_sync(&waiting_job(&world));
    world.live(START + 3 * DAY + HOUR);
    assert_eq!(left_in(&world, "Pool"), 1, "after the confirmation");
    assert_eq!(records(&world), ["member/m-14"], "no record of them stays");
}

#[test]
fn a_few_members_who_left_lose_manual_access_with_the_next_sync() {
    let world = by_hand_alone(SETTINGS, 15);
    halve(&world, 0, 3);
    world.live(START + 2 * DAY);
    assert_eq!(left_in(&world, "Pool"), 12);
}

#[test]
fn where_a_deletion_removes_only_granted_access_manual_access_is_neither_counted_nor_removed() {
    let world = by_hand_alone(&settings(r#""on_block":"ours""#), 15);
    halve(&world, 0, 14);
    world.calls();
    let done = world.sync(Mode::Apply);
    assert_eq!((done.phase, done.counts.grants_removed), (Phase::Done, 0));
    assert_eq!(left_in(&world, "Pool"), 15);
    assert!(world.calls().iter().all(|call| !call.contains("assignee_id")), "no account is looked up");
    assert_eq!(records(&world), ["member/m-14"]);
}

#[test]
fn a_former_member_whom_kisi_cannot_list_does_not_delay_the_others() {
    for code in [503, 422] {
        let world = World::in_step(SETTINGS, many(3));
        world.directory.remove("m-00");
        world.directory.update("m-01", |member| member.memberships = vec![membership("ms-1", "gold")]);
        // The lists of both groups are shown; those of single users fail.
        world.sim.add_fault(status("GET /role_assignments", code).skip(2).times(1_000));
        world.live(START + 2 * DAY);
        assert_eq!(world.open("m-01"), ["Gym", "Spa"], "{code}");
        assert_eq!(world.open("m-00"), [""; 0], "what the plugin gave goes, {code}");
    }
}
