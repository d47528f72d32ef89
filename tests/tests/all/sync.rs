//! Reconciliation of everybody: what it costs, what it finds, and that nothing it is told or cut off by takes access
//! from anybody.

use door_access_host::contract::sync::{Finding, FindingKind, Hold, Mode, Phase, Progress};
use door_access_host::contract::types::{Demand, Error, MemberStatus, MembershipStatus};
use kisi_sim::{DuplicateRoleAssignment, Fault, FaultEffect, Hand, Knobs, ValidityInPatch};

use crate::world::{Arm, Cut, SETTINGS, World, member, membership};

const MAPPING: &[(&str, &[&str])] = &[("basic", &["Gym"]), ("gold", &["Gym", "Spa"])];

fn gym() -> World {
    World::connected(Arm::Component, Knobs::default(), SETTINGS, MAPPING)
}

/// A gym with `count` members, every third of them with the larger plan.
fn gym_of(count: usize) -> World {
    let world = gym();
    for number in 0..count {
        let plan = if number % 3 == 0 { "gold" } else { "basic" };
        world.directory.insert(member(&id(number), vec![membership(&format!("ms-{number}"), plan)]));
    }
    world
}

fn id(number: usize) -> String {
    format!("m-{number:05}")
}

fn email(number: usize) -> String {
    format!("{}@gym.test", id(number))
}

/// Everything that a job found, and how it stands in the end.
struct Report {
    progress: Progress,
    findings: Vec<Finding>,
}

impl std::ops::Deref for Report {
    type Target = Progress;

    fn deref(&self) -> &Progress {
        &self.progress
    }
}

fn start(world: &World, mode: Mode) -> String {
    world.runtime.block_on(world.tenant().start_sync(mode)).unwrap().unwrap()
}

/// Steps until the job ends or waits.
fn steps(world: &World, job: &str, calls: u32) -> Result<Report, Error> {
    let mut findings = Vec::new();
    for _ in 0..100_000 {
        let mut stepped = world.runtime.block_on(world.tenant().step_sync(job, calls)).unwrap()?;
        findings.append(&mut stepped.findings);
        if matches!(stepped.progress.phase, Phase::Waiting | Phase::Done | Phase::Cancelled) {
            return Ok(Report { progress: stepped.progress, findings });
        }
    }
    panic!("the reconciliation does not end");
}

fn sync(world: &World) -> Report {
    let job = start(world, Mode::Apply);
    steps(world, &job, 50).unwrap()
}

fn found(report: &Report, kind: FindingKind) -> usize {
    report.findings.iter().filter(|finding| finding.kind == kind).count()
}

#[test]
fn a_first_sync_costs_its_pages_and_its_edits_and_an_unchanged_one_only_pages() {
    let world = gym_of(300);
    let done = sync(&world);
    assert_eq!(done.phase, Phase::Done);
    assert_eq!((done.counts.members, done.counts.applied, done.counts.failures), (300, 300, 0));
    // 300 users and 400 grants; one page of each of the two empty groups, and of the users.
    assert_eq!(world.calls().len(), 300 + 400 + 3);
    assert_eq!(world.names_of(&email(0)), ["Gym", "Spa"]);
    assert_eq!(world.names_of(&email(1)), ["Gym"]);

    let again = sync(&world);
    assert_eq!((again.phase, again.counts.differing), (Phase::Done, 0));
    // 300 and 100 rows, 250 a page.
    assert_eq!(world.calls().len(), 2 + 1);
    assert_eq!(again.counts.rows, 400);
}

#[test]
fn a_preview_changes_nothing_and_says_what_an_apply_then_does() {
    let world = gym_of(20);
    let before = world.people();
    let job = start(&world, Mode::Preview);
    let preview = steps(&world, &job, 50).unwrap();
    assert_eq!((preview.phase, preview.waits), (Phase::Waiting, Some(Hold::Preview)));
    assert_eq!((preview.counts.grants_added, found(&preview, FindingKind::Gains)), (27, 27));
    assert_eq!(world.people(), before);

    world.runtime.block_on(world.tenant().confirm_sync(&job)).unwrap().unwrap();
    let applied = steps(&world, &job, 50).unwrap();
    assert_eq!((applied.phase, found(&applied, FindingKind::Gains)), (Phase::Done, 27));
    assert_eq!(world.names_of(&email(0)), ["Gym", "Spa"]);
}

#[test]
fn people_who_were_there_by_hand_are_adopted_without_a_request_and_strangers_are_kept_and_told() {
    let world = gym_of(240);
    let state = world.sim.state();
    let gym = state.group_by_name("Gym").unwrap().id;
    let spa = state.group_by_name("Spa").unwrap().id;
    for number in 0..240 {
        let user = world.sim.add_user(&id(number), &email(number));
        world.sim.assign(user, gym, "group_basic");
        if number % 3 == 0 {
            world.sim.assign(user, spa, "group_basic");
        }
    }
    let cleaner = world.sim.add_user("Cleaner", "cleaner@staff.test");
    world.sim.assign(cleaner, gym, "group_basic");
    let manager = world.sim.add_user("Manager", "manager@staff.test");
    world.sim.assign(manager, spa, "group_manager");
    let before = world.people();

    let done = sync(&world);
    assert_eq!(world.calls().len(), 2, "one page of each group");
    assert_eq!((done.counts.adopted, found(&done, FindingKind::Adopted)), (320, 320));
    assert_eq!(done.counts.unmanaged, 2, "{:?}", done.findings);
    assert_eq!(world.people(), before, "nobody is touched");

    // From now on they follow their memberships, with no look-up; staff does not.
    world.directory.update(&id(0), |one| one.memberships[0].status = MembershipStatus::Frozen);
    world.settle(&id(0));
    assert_eq!(world.calls().len(), 2);
    assert_eq!(world.names_of(&email(0)), Vec::<String>::new());
    assert_eq!(world.names_of("cleaner@staff.test"), ["Gym"]);
}

#[test]
fn whoever_is_more_than_a_plain_member_by_hand_is_announced_no_grant_that_nobody_makes() {
    let world = gym_of(2);
    let spa = world.sim.state().group_by_name("Spa").unwrap().id;
    // Of two who are entitled to it, the one whom the plugin does not know yet.
    let manager = world.sim.add_user(&id(0), &email(0));
    world.sim.assign(manager, spa, "group_manager");

    let job = start(&world, Mode::Preview);
    let preview = steps(&world, &job, 50).unwrap();
    assert_eq!((preview.counts.grants_added, found(&preview, FindingKind::Gains)), (2, 2));
    world.runtime.block_on(world.tenant().confirm_sync(&job)).unwrap().unwrap();
    let applied = steps(&world, &job, 50).unwrap();
    assert_eq!((applied.counts.grants_added, found(&applied, FindingKind::Gains)), (2, 2));
    let roles = |world: &World| {
        let rows = world.sim.state();
        rows.role_assignments_of(manager).map(|row| row.role_id.clone()).collect::<Vec<_>>()
    };
    assert_eq!(roles(&world), ["group_manager", "group_basic"]);
    // Also when nothing is left to do but to look: no grant, and no request but the pages.
    world.calls();
    let again = sync(&world);
    assert_eq!((again.counts.differing, again.counts.grants_added, world.calls().len()), (0, 0, 2));
}

#[test]
fn what_somebody_changed_behind_our_back_is_found_and_mended() {
    let world = gym_of(12);
    sync(&world);
    world.calls();
    let state = world.sim.state();
    let user = |number: usize| state.user_by_email(&email(number)).unwrap().id;
    let spa = state.group_by_name("Spa").unwrap().id;
    let row = |user: u64| state.role_assignments_of(user).next().unwrap().id;
    world.sim.unassign(row(user(1)));
    world.sim.assign(user(2), spa, "group_basic");

    let done = sync(&world);
    assert_eq!((done.counts.drifted, found(&done, FindingKind::Drifted)), (1, 1), "{:?}", done.findings);
    assert_eq!(done.counts.unmanaged, 1);
    assert_eq!(world.names_of(&email(1)), ["Gym"], "given back");
    assert_eq!(world.names_of(&email(2)), ["Gym", "Spa"], "what staff gave stays");
    // Two pages, the member's list to be sure, and one edit.
    assert_eq!(world.calls().len(), 4);
    let again = sync(&world);
    assert_eq!((again.counts.differing, again.counts.unmanaged, world.calls().len()), (0, 1, 2));
}

#[test]
fn whoever_comes_while_the_lists_are_read_is_not_said_to_have_been_removed() {
    // Two pages of one group and four of the other, of which a step reads four.
    let world = gym_of(760);
    sync(&world);
    world.calls();
    let job = start(&world, Mode::Apply);
    let step = || world.runtime.block_on(world.tenant().step_sync(&job, 4)).unwrap().unwrap();
    assert_eq!(step().progress.phase, Phase::Reading);
    let spa = format!("applies_to_id={}&", world.sim.state().group_by_name("Spa").unwrap().id);
    let read = world.calls();
    assert_eq!(read.iter().filter(|call| call.contains(&spa)).count(), 2, "{read:?}");
    world.directory.update(&id(1), |one| one.memberships[0].plan = "gold".to_string());
    world.settle(&id(1));
    world.calls();

    let done = steps(&world, &job, 4).unwrap();
    assert_eq!(
        (done.phase, done.counts.drifted, done.findings.len()),
        (Phase::Done, 0, 0),
        "{:?}",
        done.findings
    );
    // Two pages more, and one look, since the lists are older than what is known of the member.
    assert_eq!(world.calls().len(), 2 + 1);
    assert_eq!(world.names_of(&email(1)), ["Gym", "Spa"]);
}

#[test]
fn a_lost_event_is_made_up_for_and_removals_go_first() {
    let world = gym_of(12);
    sync(&world);
    world.calls();
    world.directory.update(&id(0), |one| one.memberships[0].plan = "basic".to_string());
    world.directory.update(&id(1), |one| one.memberships[0].plan = "gold".to_string());
    world.directory.update(&id(2), |one| one.memberships[0].status = MembershipStatus::Cancelled);
    world.directory.update(&id(7), |one| one.status = MemberStatus::Blocked);
    sync(&world);
    let edits: Vec<String> = world.calls().into_iter().filter(|call| !call.starts_with("GET")).collect();
    let kinds: Vec<&str> = edits.iter().filter_map(|edit| edit.split(' ').next()).collect();
    assert_eq!(kinds, ["DELETE", "DELETE", "DELETE", "POST"], "{edits:?}");
    assert_eq!(world.names_of(&email(7)), Vec::<String>::new());
    assert_eq!(world.names_of(&email(1)), ["Gym", "Spa"]);
}

#[test]
fn an_emptied_directory_is_not_believed_and_a_halved_one_waits_for_somebody() {
    let world = gym_of(40);
    sync(&world);
    let before = world.people();
    for number in 0..40 {
        world.directory.remove(&id(number));
    }
    let job = start(&world, Mode::Apply);
    let Err(Error { demand: Demand::Reject, message: why, .. }) = steps(&world, &job, 50) else {
        panic!("an empty directory is believed")
    };
    assert!(why.contains("empty"), "{why}");
    assert_eq!(world.people(), before);

    for number in 0..20 {
        world.directory.insert(member(&id(number), vec![membership(&format!("ms-{number}"), "basic")]));
    }
    let job = start(&world, Mode::Apply);
    let waits = steps(&world, &job, 50).unwrap();
    assert_eq!((waits.phase, waits.waits), (Phase::Waiting, Some(Hold::Brake)));
    assert!(waits.counts.grants_removed > 20, "{:?}", waits.counts);
    assert_eq!(world.people(), before);

    world.runtime.block_on(world.tenant().confirm_sync(&job)).unwrap().unwrap();
    assert_eq!(steps(&world, &job, 50).unwrap().phase, Phase::Done);
    assert_eq!(world.names_of(&email(30)), Vec::<String>::new());
}

#[test]
fn a_page_that_does_not_add_up_removes_nobody() {
    for effect in [FaultEffect::NotAnArray, FaultEffect::Truncated { missing: 1 }, FaultEffect::Html] {
        let world = gym_of(12);
        sync(&world);
        let before = world.people();
        world.sim.add_fault(Fault::new("GET /role_assignments", effect.clone()).unwrap());
        let job = start(&world, Mode::Apply);
        let Err(Error { demand: Demand::Retry(_), .. }) = steps(&world, &job, 50) else {
            panic!("{effect:?} is believed")
        };
        assert_eq!(steps(&world, &job, 50).unwrap().phase, Phase::Done, "{effect:?}: the next step goes on");
        assert_eq!(world.people(), before, "{effect:?}");
    }
}

#[test]
fn a_step_sends_no_more_than_it_may() {
    let world = gym_of(30);
    let job = start(&world, Mode::Apply);
    world.calls();
    let mut total = 0;
    for _ in 0..200 {
        let stepped = world.runtime.block_on(world.tenant().step_sync(&job, 4)).unwrap().unwrap();
        let calls = world.calls().len();
        assert!(calls <= 4, "{calls} calls in a step");
        total += calls;
        if stepped.progress.phase == Phase::Done {
            break;
        }
    }
    assert_eq!(total, 30 + 40 + 3, "small steps cost no more");
    assert_eq!(world.names_of(&email(29)), ["Gym"]);
}

#[test]
fn where_dates_cost_a_gap_nobody_stands_outside_from_one_step_to_the_next() {
    let knobs = Knobs {
        duplicate_role_assignment: DuplicateRoleAssignment::AlwaysConflict,
        validity_in_patch: ValidityInPatch::Ignored,
        ..Knobs::default()
    };
    let world = World::connected(Arm::Component, knobs, SETTINGS, MAPPING);
    for number in 0..8 {
        world.directory.insert(member(&id(number), vec![membership("ms-1", "basic")]));
    }
    sync(&world);
    for number in 0..8 {
        let end = world.sim.now_ms() + 1_000_000_000;
        world.directory.update(&id(number), |member| member.memberships[0].ends_at = Some(end));
    }
    let job = start(&world, Mode::Apply);
    for calls in [4, 5, 7].into_iter().cycle().take(100) {
        let stepped = world.runtime.block_on(world.tenant().step_sync(&job, calls)).unwrap().unwrap();
        let outside: Vec<_> = (0..8).filter(|number| world.names_of(&email(*number)).is_empty()).collect();
        assert!(outside.is_empty(), "{outside:?} stand outside until the next step");
        if stepped.progress.phase == Phase::Done {
            break;
        }
    }
    let ended = (0..8).filter(|number| world.groups_of(&email(*number))[0].2.is_some()).count();
    assert_eq!(ended, 8);
}

#[test]
fn a_kill_anywhere_in_a_sync_loses_nothing_and_repeats_no_edit() {
    let prepared = || {
        let world = gym_of(8);
        sync(&world);
        world.directory.update(&id(0), |one| one.memberships[0].plan = "basic".to_string());
        world.directory.update(&id(1), |one| one.memberships[0].plan = "gold".to_string());
        world.directory.update(&id(2), |one| one.status = MemberStatus::Blocked);
        world.directory.insert(member("m-new", vec![membership("ms-new", "gold")]));
        world.calls();
        world
    };
    let undisturbed = prepared();
    undisturbed.cut(None);
    sync(&undisturbed);
    let (requests, wanted) = (undisturbed.wire.sent(), undisturbed.people());
    // A block does not wait for a look: what it takes twice is gone already the second time, and Kisi says 404.
    let is_edit = |call: &&String| !call.starts_with("GET") && !call.ends_with("404");
    let edits = |world: &World| world.calls().iter().filter(is_edit).count();
    let edits_needed = edits(&undisturbed);
    for number in 0..requests {
        for cut in [Cut::BeforeSending(number), Cut::AfterCommit(number)] {
            let world = prepared();
            world.cut(Some(cut));
            let job = start(&world, Mode::Apply);
            let killed = loop {
                match world.runtime.block_on(world.tenant().step_sync(&job, 5)) {
                    Ok(Ok(stepped)) if stepped.progress.phase == Phase::Done => break false,
                    Ok(Ok(_)) => {}
                    Ok(Err(error)) => panic!("{cut:?}: {error:?}"),
                    Err(_) => break true,
                }
            };
            assert!(killed, "{cut:?} cuts nothing off");
            world.cut(None);
            assert_eq!(steps(&world, &job, 5).unwrap().phase, Phase::Done, "{cut:?}");
            assert_eq!(world.people(), wanted, "{cut:?}");
            assert_eq!(edits(&world), edits_needed, "{cut:?}: edits are made once");
            assert_eq!(sync(&world).counts.differing, 0, "{cut:?}: at rest");
        }
    }
}

#[test]
fn events_between_the_steps_end_in_the_same_state() {
    for pause_after in 0..12 {
        let world = gym_of(10);
        sync(&world);
        world.directory.update(&id(3), |one| one.memberships[0].plan = "basic".to_string());
        world.directory.insert(member("m-new", vec![membership("ms-new", "gold")]));
        let job = start(&world, Mode::Apply);
        for _ in 0..pause_after {
            world.runtime.block_on(world.tenant().step_sync(&job, 4)).unwrap().unwrap();
        }
        world.directory.update(&id(4), |one| one.memberships[0].plan = "gold".to_string());
        world.directory.update(&id(6), |one| one.memberships[0].status = MembershipStatus::Frozen);
        for id in [id(3), id(4), id(6), "m-new".to_string()] {
            world.settle(&id);
        }
        let second = start(&world, Mode::Apply);
        let _either = steps(&world, &job, 4);
        let _other = steps(&world, &second, 4);
        for (number, groups) in [(3, vec!["Gym"]), (4, vec!["Gym", "Spa"]), (6, vec![])] {
            assert_eq!(world.names_of(&email(number)), groups, "{pause_after} steps, member {number}");
        }
        assert_eq!(world.names_of("m-new@gym.test"), ["Gym", "Spa"], "{pause_after} steps");
        assert_eq!(sync(&world).counts.differing, 0, "{pause_after} steps: at rest");
    }
}

#[test]
fn two_who_reconcile_at_once_share_one_job_and_no_edit_is_made_twice() {
    let changed = || {
        let world = gym_of(12);
        sync(&world);
        world.calls();
        world.directory.update(&id(3), |one| one.memberships[0].plan = "basic".to_string());
        world.directory.update(&id(4), |one| one.memberships[0].plan = "gold".to_string());
        world.directory.insert(member("m-new", vec![membership("ms-new", "gold")]));
        world
    };
    let alone = changed();
    sync(&alone);

    let world = changed();
    let tenant = world.tenant();
    let drive = async || {
        let job = tenant.start_sync(Mode::Apply).await.unwrap().unwrap();
        loop {
            let stepped = tenant.step_sync(&job, 4).await.unwrap().unwrap();
            tokio::task::yield_now().await;
            if stepped.progress.phase == Phase::Done {
                return job;
            }
        }
    };
    let (one, other) = world.runtime.block_on(async { tokio::join!(drive(), drive()) });
    assert_eq!(one, other, "the second finds the first one's job");
    assert_eq!(world.people(), alone.people());
    assert_eq!(world.calls(), alone.calls());
}

#[test]
fn nothing_of_a_sync_is_left_in_storage_but_how_it_went() {
    let world = gym_of(10);
    let user = world.sim.add_user("Cleaner", "cleaner@staff.test");
    world.sim.assign(user, world.sim.state().group_by_name("Gym").unwrap().id, "group_basic");
    sync(&world);
    let left: Vec<String> = world
        .storage
        .entries()
        .into_iter()
        .map(|entry| entry.key)
        .filter(|key| key.starts_with("sync/"))
        .collect();
    assert_eq!(left, Vec::<String>::new());
}

#[test]
fn a_group_longer_than_kisi_lets_be_read_is_refused_and_nobody_is_touched() {
    // The simulator's limit stands in for Kisi's 20,000: what matters is that the client never cuts a list.
    let world = gym_of(3);
    sync(&world);
    let before = world.people();
    let gym = world.sim.state().group_by_name("Gym").unwrap().id;
    for number in 0..20_001 {
        let user = world.sim.add_user("Crowd", &format!("crowd-{number}@x.test"));
        world.sim.assign(user, gym, "group_basic");
    }
    // Somebody whom the plugin does not know, in the group that is read before.
    let spa = world.sim.state().group_by_name("Spa").unwrap().id;
    let stranger = world.sim.add_user("Stranger", "stranger@x.test");
    world.sim.assign(stranger, spa, "group_basic");
    let job = start(&world, Mode::Apply);
    let fault = FaultEffect::Status { status: 503, retry_after_s: None };
    world.sim.add_fault(Fault::new("GET /role_assignments", fault).unwrap().skip(1).times(1));
    assert!(steps(&world, &job, 50).is_err(), "Kisi fails between the two groups");
    assert_eq!(kept_of(&world, "stranger@x.test").len(), 1);
    let Err(Error { demand: Demand::Reject, message: why, .. }) = steps(&world, &job, 50) else {
        panic!("a list that is too long is cut")
    };
    assert!(why.contains("20,000") && why.contains("Gym"), "{why}");
    let after = world.people();
    assert!(before.iter().all(|person| after.contains(person)));
    assert_eq!(kept_of(&world, "@x.test"), Vec::<String>::new(), "of a reconciliation that ended");
}

/// The entries of storage that hold this text.
fn kept_of(world: &World, text: &str) -> Vec<String> {
    let entries = world.storage.entries().into_iter();
    let shown = entries.map(|entry| format!("{} {}", entry.key, String::from_utf8_lossy(&entry.value)));
    shown.filter(|shown| shown.contains(text)).collect()
}

#[test]
fn more_strangers_than_fit_a_page_are_all_told() {
    let world = gym_of(3);
    let gym = world.sim.state().group_by_name("Gym").unwrap().id;
    for number in 0..200 {
        let user = world.sim.add_user("Guest", &format!("guest-{number}@x.test"));
        world.sim.assign(user, gym, "group_basic");
    }
    let done = sync(&world);
    assert_eq!((done.phase, found(&done, FindingKind::Unmanaged)), (Phase::Done, 200));
}

#[test]
fn whoever_is_entitled_to_nothing_and_is_in_a_group_by_hand_is_told_and_kept() {
    let world = gym_of(2);
    let gym = world.sim.state().group_by_name("Gym").unwrap().id;
    let user = world.sim.add_user(&id(1), &email(1));
    world.sim.assign(user, gym, "group_basic");
    world.directory.update(&id(1), |one| one.memberships[0].status = MembershipStatus::Frozen);
    let done = sync(&world);
    assert_eq!(found(&done, FindingKind::Unmanaged), 1, "{:?}", done.findings);
    assert_eq!(world.names_of(&email(1)), ["Gym"]);
}

#[test]
fn a_shared_address_serves_the_first_and_tells_the_others_at_once() {
    let world = gym_of(3);
    world.directory.update(&id(2), |one| one.email = Some(email(1)));
    let done = sync(&world);
    assert_eq!((done.counts.conflicts, found(&done, FindingKind::Conflict)), (1, 1));
    assert_eq!(world.names_of(&email(1)), ["Gym"]);
    assert_eq!(world.sim.state().users.len(), 3, "the owner and two members");
    assert_eq!(sync(&world).counts.differing, 0);
}

#[test]
fn a_list_that_changes_while_it_is_read_ends_and_blames_nobody() {
    blames_nobody(|_| {});
}

#[test]
fn a_list_that_is_as_long_as_before_and_another_one_blames_nobody() {
    blames_nobody(|world| {
        let user = world.sim.add_user("Stranger", "stranger@gym.test");
        let gym = world.sim.state().group_by_name("Gym").unwrap().id;
        world.sim.assign(user, gym, "group_basic");
    });
}

/// A list that changes between two of its pages: staff takes somebody out who was read, and all behind move up.
#[track_caller]
fn blames_nobody(and_besides: impl Fn(&World)) {
    let world = gym();
    let count = 300;
    for number in 0..count {
        world.directory.insert(member(&id(number), vec![membership("ms-1", "basic")]));
    }
    sync(&world);
    world.calls();
    let fault = FaultEffect::Status { status: 503, retry_after_s: None };
    world.sim.add_fault(Fault::new("GET /role_assignments", fault).unwrap().skip(2).times(1));
    let job = start(&world, Mode::Apply);
    world.runtime.block_on(world.tenant().step_sync(&job, 1_000)).unwrap().unwrap_err();
    let read = world.calls();
    assert!(read.last().unwrap().contains("offset=249"), "between two pages: {read:#?}");
    let state = world.sim.state();
    let first = state.user_by_email(&email(0)).unwrap().id;
    let row = state.role_assignments_of(first).next().unwrap().id;
    drop(state);
    world.sim.hand(Hand::Unassign { id: row }).unwrap();
    and_besides(&world);
    let report = steps(&world, &job, 1_000).unwrap();
    let drifted = report.findings.iter().filter(|finding| finding.kind == FindingKind::Drifted);
    let blamed: Vec<_> = drifted.filter_map(|finding| finding.member.clone()).collect();
    assert_eq!((report.phase, blamed), (Phase::Done, vec![id(0)]), "whom staff took out, and nobody else");
    let inside = (0..count).filter(|number| !world.names_of(&email(*number)).is_empty()).count();
    assert_eq!(inside, count, "whom staff took out as well: the list is read from its beginning again");
    let report = sync(&world);
    assert_eq!((report.counts.drifted, report.counts.differing), (0, 0));
}

/// A list of users that changes between two of its pages skips whoever moves up.
#[test]
fn whoever_is_blocked_is_out_though_the_list_of_users_changes_while_it_is_read() {
    let world = World::connected(Arm::Component, Knobs::default(), SETTINGS, &[("basic", &["Gym"])]);
    let organization_id = Some(world.sim.state().organizations[0].id);
    let add = |name: &str| {
        let hand =
            Hand::AddUser { name: name.to_string(), email: format!("{name}@gym.test"), organization_id };
        world.sim.hand(hand).unwrap().id.unwrap()
    };
    let strangers: Vec<u64> = (0..100).map(|number| add(&format!("stranger-{number}"))).collect();
    // By hand, and by a group that no plan gives.
    let hand =
        Hand::AddGroup { name: "Back door".to_string(), organization_id, place_id: None, lock_ids: vec![] };
    let group_id = world.sim.hand(hand).unwrap().id.unwrap();
    let user_id = add("finn");
    for number in 100..150 {
        add(&format!("stranger-{number}"));
    }
    let role = "group_basic".to_string();
    world.sim.hand(Hand::Assign { user_id, group_id, role, valid_from: None, valid_until: None }).unwrap();
    let mut finn = member("finn", vec![membership("ms-1", "basic")]);
    finn.status = MemberStatus::Blocked;
    world.directory.insert(finn);
    for number in 0..10 {
        world.directory.insert(member(&id(number), vec![membership("ms-1", "basic")]));
    }
    world.calls();
    let fault = FaultEffect::Status { status: 503, retry_after_s: None };
    world.sim.add_fault(Fault::new("GET /users", fault).unwrap().skip(1).times(1));
    let job = start(&world, Mode::Apply);
    world.runtime.block_on(world.tenant().step_sync(&job, 1_000)).unwrap().unwrap_err();
    let read = world.calls();
    assert!(read.last().unwrap().starts_with("GET /users?"), "between two pages: {read:#?}");
    world.sim.delete_user(strangers[0]);
    world.sim.delete_user(strangers[1]);
    assert_eq!(steps(&world, &job, 1_000).unwrap().phase, Phase::Done);
    assert_eq!(world.sim.state().role_assignments_of(user_id).count(), 0, "a blocked member is out");
}
