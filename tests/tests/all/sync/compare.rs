//! A sync of every member: what it costs, what it finds, and that no page, kill or event in between removes access.

use door_access_host::contract::sync::{FindingKind, Hold, Mode, Phase};
use door_access_host::contract::types::{Demand, Error, Member, MemberStatus, MembershipStatus};
use door_access_testkit::{MAPPING, Report, SETTINGS, World, many, member, membership, status};
use kisi_sim::{DuplicateRoleAssignment, Fault, FaultEffect, Knobs, ValidityInPatch};

/// A gym with `count` members, every third of them with the larger plan.
fn gym_of(count: usize) -> World {
    let plan = |number: usize| if number.is_multiple_of(3) { "gold" } else { "basic" };
    let one = |number: usize| member(&id(number), vec![membership(&format!("ms-{number}"), plan(number))]);
    World::gym((0..count).map(one).collect())
}

fn id(number: usize) -> String {
    format!("m-{number:05}")
}

fn email(number: usize) -> String {
    format!("{}@gym.test", id(number))
}

/// A sync in steps of 50 requests.
fn sync(world: &World) -> Report {
    world.steps(&world.start_sync(Mode::Apply), 50).unwrap()
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
    let job = world.start_sync(Mode::Preview);
    let preview = world.steps(&job, 50).unwrap();
    assert_eq!((preview.phase, preview.waits), (Phase::Waiting, Some(Hold::Preview)));
    assert_eq!((preview.counts.grants_added, preview.found(FindingKind::Gains)), (27, 27));
    assert_eq!(world.people(), before);

    world.confirm_sync(&job);
    let applied = world.steps(&job, 50).unwrap();
    assert_eq!((applied.phase, applied.found(FindingKind::Gains)), (Phase::Done, 27));
    assert_eq!(world.names_of(&email(0)), ["Gym", "Spa"]);
}

#[test]
fn manual_grants_of_members_are_adopted_without_a_request_and_strangers_are_kept_and_reported() {
    let world = gym_of(240);
    for number in 0..240 {
        world.by_hand(&email(number), if number % 3 == 0 { &["Gym", "Spa"] } else { &["Gym"] });
    }
    world.by_hand("cleaner@staff.test", &["Gym"]);
    let manager = world.by_hand("manager@staff.test", &[]);
    world.sim.assign(manager, world.group("Spa"), "group_manager");
    let before = world.people();

    let done = sync(&world);
    assert_eq!(world.calls().len(), 2, "one page of each group");
    assert_eq!((done.counts.adopted, done.found(FindingKind::Adopted)), (320, 320));
    assert_eq!(done.counts.unmanaged, 2, "{:?}", done.findings);
    assert_eq!(world.people(), before, "no account is changed");

    // From now on their access follows memberships, with no look-up; that of staff does not.
    world.directory.update(&id(0), |one| one.memberships[0].status = MembershipStatus::Frozen);
    world.settle(&id(0));
    assert_eq!(world.calls().len(), 2);
    assert_eq!(world.names_of(&email(0)), Vec::<String>::new());
    assert_eq!(world.names_of("cleaner@staff.test"), ["Gym"]);
}

#[test]
fn a_preview_counts_no_second_grant_for_a_member_with_a_higher_role() {
    let world = gym_of(2);
    // The member who is entitled to the spa, and whom the plugin does not know yet.
    let manager = world.by_hand(&email(0), &[]);
    world.sim.assign(manager, world.group("Spa"), "group_manager");

    let job = world.start_sync(Mode::Preview);
    let preview = world.steps(&job, 50).unwrap();
    assert_eq!((preview.counts.grants_added, preview.found(FindingKind::Gains)), (2, 2));
    world.confirm_sync(&job);
    let applied = world.steps(&job, 50).unwrap();
    assert_eq!((applied.counts.grants_added, applied.found(FindingKind::Gains)), (2, 2));
    let roles: Vec<String> = world.rows_of(&email(0)).into_iter().map(|row| row.role_id).collect();
    assert_eq!(roles, ["group_manager", "group_basic"]);
    // The next sync makes no grant and no request beside the pages.
    world.calls();
    let again = sync(&world);
    assert_eq!((again.counts.differing, again.counts.grants_added, world.calls().len()), (0, 0, 2));
}

#[test]
fn manual_changes_to_grants_are_found_and_corrected() {
    let world = gym_of(12);
    sync(&world);
    world.calls();
    world.unassign_first(&email(1));
    world.by_hand(&email(2), &["Spa"]);

    let done = sync(&world);
    assert_eq!((done.counts.drifted, done.found(FindingKind::Drifted)), (1, 1), "{:?}", done.findings);
    assert_eq!(done.counts.unmanaged, 1);
    assert_eq!(world.names_of(&email(1)), ["Gym"], "given back");
    assert_eq!(world.names_of(&email(2)), ["Gym", "Spa"], "what staff gave stays");
    // Two pages, the member's list to be sure, and one edit.
    assert_eq!(world.calls().len(), 4);
    let again = sync(&world);
    assert_eq!((again.counts.differing, again.counts.unmanaged, world.calls().len()), (0, 1, 2));
}

#[test]
fn a_member_added_while_lists_are_read_is_not_reported_as_removed() {
    // Two pages of one group and four of the other, of which a step reads four.
    let world = gym_of(760);
    sync(&world);
    world.calls();
    let job = world.start_sync(Mode::Apply);
    let step = || world.step_sync(&job, 4).unwrap();
    assert_eq!(step().progress.phase, Phase::Reading);
    let spa = format!("applies_to_id={}&", world.group("Spa"));
    let read = world.calls();
    assert_eq!(read.iter().filter(|call| call.contains(&spa)).count(), 2, "{read:?}");
    world.directory.update(&id(1), |one| one.memberships[0].plan = "gold".to_string());
    world.settle(&id(1));
    world.calls();

    let done = world.steps(&job, 4).unwrap();
    assert_eq!(
        (done.phase, done.counts.drifted, done.findings.len()),
        (Phase::Done, 0, 0),
        "{:?}",
        done.findings
    );
    // Two more pages, and one more read, because the lists are older than the member's record.
    assert_eq!(world.calls().len(), 2 + 1);
    assert_eq!(world.names_of(&email(1)), ["Gym", "Spa"]);
}

#[test]
fn a_sync_makes_up_for_lost_events_with_removals_first() {
    let world = gym_of(12);
    sync(&world);
    world.calls();
    world.directory.update(&id(0), |one| one.memberships[0].plan = "basic".to_string());
    world.directory.update(&id(1), |one| one.memberships[0].plan = "gold".to_string());
    world.directory.update(&id(2), |one| one.memberships[0].status = MembershipStatus::Cancelled);
    world.directory.update(&id(7), |one| one.status = MemberStatus::Blocked);
    sync(&world);
    let edits = world.edits();
    let kinds: Vec<&str> = edits.iter().filter_map(|edit| edit.split(' ').next()).collect();
    assert_eq!(kinds, ["DELETE", "DELETE", "DELETE", "POST"], "{edits:?}");
    assert_eq!(world.names_of(&email(7)), Vec::<String>::new());
    assert_eq!(world.names_of(&email(1)), ["Gym", "Spa"]);
}

#[test]
fn an_empty_directory_is_refused_and_a_halved_one_waits_for_a_confirmation() {
    let world = gym_of(40);
    sync(&world);
    let before = world.people();
    for number in 0..40 {
        world.directory.remove(&id(number));
    }
    let job = world.start_sync(Mode::Apply);
    let Err(Error { demand: Demand::Reject, message: why, .. }) = world.steps(&job, 50) else {
        panic!("an empty directory is accepted")
    };
    assert!(why.contains("empty"), "{why}");
    assert_eq!(world.people(), before);

    for number in 0..20 {
        world.directory.insert(member(&id(number), vec![membership(&format!("ms-{number}"), "basic")]));
    }
    let job = world.start_sync(Mode::Apply);
    let waits = world.steps(&job, 50).unwrap();
    assert_eq!((waits.phase, waits.waits), (Phase::Waiting, Some(Hold::Brake)));
    assert!(waits.counts.grants_removed > 20, "{:?}", waits.counts);
    assert_eq!(world.people(), before);

    world.confirm_sync(&job);
    assert_eq!(world.steps(&job, 50).unwrap().phase, Phase::Done);
    assert_eq!(world.names_of(&email(30)), Vec::<String>::new());
}

#[test]
fn an_inconsistent_page_removes_no_one() {
    for effect in [FaultEffect::NotAnArray {}, FaultEffect::Truncated { missing: 1 }, FaultEffect::Html {}] {
        let world = gym_of(12);
        sync(&world);
        let before = world.people();
        world.sim.add_fault(Fault::new("GET /role_assignments", effect.clone()).unwrap());
        let job = world.start_sync(Mode::Apply);
        let Err(Error { demand: Demand::Retry(_), .. }) = world.steps(&job, 50) else {
            panic!("{effect:?} is accepted")
        };
        assert_eq!(world.steps(&job, 50).unwrap().phase, Phase::Done, "{effect:?}: the next step continues");
        assert_eq!(world.people(), before, "{effect:?}");
    }
}

#[test]
fn a_step_stays_within_its_requests() {
    let world = gym_of(30);
    let job = world.start_sync(Mode::Apply);
    world.calls();
    let mut total = 0;
    for _ in 0..200 {
        let stepped = world.step_sync(&job, 4).unwrap();
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
fn where_changed_dates_cost_a_gap_no_member_is_shut_out_between_two_steps() {
    let knobs = Knobs {
        duplicate_role_assignment: DuplicateRoleAssignment::AlwaysConflict,
        validity_in_patch: ValidityInPatch::Ignored,
        ..Knobs::default()
    };
    let world = World::connected(knobs, SETTINGS, MAPPING);
    for number in 0..8 {
        world.directory.insert(member(&id(number), vec![membership("ms-1", "basic")]));
    }
    sync(&world);
    for number in 0..8 {
        let end = world.sim.now_ms() + 1_000_000_000;
        world.directory.update(&id(number), |member| member.memberships[0].ends_at = Some(end));
    }
    let job = world.start_sync(Mode::Apply);
    for calls in [4, 5, 7].into_iter().cycle().take(100) {
        let stepped = world.step_sync(&job, calls).unwrap();
        let outside: Vec<_> = (0..8).filter(|number| world.names_of(&email(*number)).is_empty()).collect();
        assert!(outside.is_empty(), "{outside:?} are shut out until the next step");
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
    let job = undisturbed.start_sync(Mode::Apply);
    undisturbed.boundary.plan(&[]);
    undisturbed.steps(&job, 5).unwrap();
    let (passed, wanted) = (undisturbed.boundary.passed(), undisturbed.people());
    // A block does not read first: what it removes twice is already gone the second time, and Kisi answers 404.
    let edits = |world: &World| world.edits().iter().filter(|edit| !edit.ends_with("404")).count();
    let edits_needed = edits(&undisturbed);
    for kill in passed.kills() {
        let world = prepared();
        let job = world.start_sync(Mode::Apply);
        world.boundary.plan(&[kill]);
        let was_killed = loop {
            match world.run(world.tenant().step_sync(&job, 5)) {
                Ok(Ok(stepped)) if stepped.progress.phase == Phase::Done => break false,
                Ok(Ok(_)) => {}
                Ok(Err(error)) => panic!("{kill:?}: {error:?}"),
                Err(_) => break true,
            }
        };
        assert!(was_killed, "{kill:?} does not happen");
        world.boundary.plan(&[]);
        assert_eq!(world.steps(&job, 5).unwrap().phase, Phase::Done, "{kill:?}");
        assert_eq!(world.people(), wanted, "{kill:?}");
        assert_eq!(edits(&world), edits_needed, "{kill:?}: edits are made once");
        assert_eq!(sync(&world).counts.differing, 0, "{kill:?}: at rest");
    }
}

#[test]
fn events_between_the_steps_end_in_the_same_state() {
    for pause_after in 0..12 {
        let world = gym_of(10);
        sync(&world);
        world.directory.update(&id(3), |one| one.memberships[0].plan = "basic".to_string());
        world.directory.insert(member("m-new", vec![membership("ms-new", "gold")]));
        let job = world.start_sync(Mode::Apply);
        for _ in 0..pause_after {
            world.step_sync(&job, 4).unwrap();
        }
        world.directory.update(&id(4), |one| one.memberships[0].plan = "gold".to_string());
        world.directory.update(&id(6), |one| one.memberships[0].status = MembershipStatus::Frozen);
        for id in [id(3), id(4), id(6), "m-new".to_string()] {
            world.settle(&id);
        }
        let second = world.start_sync(Mode::Apply);
        let _either = world.steps(&job, 4);
        let _other = world.steps(&second, 4);
        for (number, groups) in [(3, vec!["Gym"]), (4, vec!["Gym", "Spa"]), (6, vec![])] {
            assert_eq!(world.names_of(&email(number)), groups, "{pause_after} steps, member {number}");
        }
        assert_eq!(world.names_of("m-new@gym.test"), ["Gym", "Spa"], "{pause_after} steps");
        assert_eq!(sync(&world).counts.differing, 0, "{pause_after} steps: at rest");
    }
}

#[test]
fn two_syncs_at_once_share_one_job_and_repeat_no_edit() {
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
    let (one, other) = world.run(async { tokio::join!(drive(), drive()) });
    assert_eq!(one, other, "the second finds the first one's job");
    assert_eq!(world.people(), alone.people());
    assert_eq!(world.calls(), alone.calls());
}

#[test]
fn storage_keeps_only_the_result_of_a_sync() {
    let world = gym_of(10);
    world.by_hand("cleaner@staff.test", &["Gym"]);
    sync(&world);
    assert!(world.keys().iter().all(|key| !key.starts_with("sync/")), "{:?}", world.keys());
}

#[test]
fn a_group_longer_than_kisi_can_list_is_refused_and_nothing_changes() {
    // The simulator's limit stands in for Kisi's 20,000: what matters is that the client never cuts a list.
    let world = gym_of(3);
    sync(&world);
    let before = world.people();
    let gym = world.group("Gym");
    for number in 0..20_001 {
        world.sim.assign(world.sim.add_user("Crowd", &format!("crowd-{number}@x.test")), gym, "group_basic");
    }
    // A person whom the plugin does not know, in the group that is read before.
    world.by_hand("stranger@x.test", &["Spa"]);
    let job = world.start_sync(Mode::Apply);
    world.sim.add_fault(status("GET /role_assignments", 503).skip(1).times(1));
    assert!(world.steps(&job, 50).is_err(), "Kisi fails between the two groups");
    assert_eq!(world.stored("stranger@x.test").len(), 1);
    let Err(Error { demand: Demand::Reject, message: why, .. }) = world.steps(&job, 50) else {
        panic!("a list that is too long is accepted")
    };
    assert!(why.contains("20,000") && why.contains("Gym"), "{why}");
    let after = world.people();
    assert!(before.iter().all(|person| after.contains(person)));
    assert_eq!(world.stored("@x.test"), Vec::<String>::new(), "after the sync ended");
}

#[test]
fn more_strangers_than_fit_a_page_are_all_reported() {
    let world = gym_of(3);
    for number in 0..200 {
        world.by_hand(&format!("guest-{number}@x.test"), &["Gym"]);
    }
    let done = sync(&world);
    assert_eq!((done.phase, done.found(FindingKind::Unmanaged)), (Phase::Done, 200));
}

#[test]
fn a_manual_grant_of_a_member_without_entitlement_is_reported_and_kept() {
    let world = gym_of(2);
    world.by_hand(&email(1), &["Gym"]);
    world.directory.update(&id(1), |one| one.memberships[0].status = MembershipStatus::Frozen);
    let done = sync(&world);
    assert_eq!(done.found(FindingKind::Unmanaged), 1, "{:?}", done.findings);
    assert_eq!(world.names_of(&email(1)), ["Gym"]);
}

#[test]
fn a_shared_address_serves_the_first_member_and_reports_the_others() {
    let world = gym_of(3);
    world.directory.update(&id(2), |one| one.email = Some(email(1)));
    let done = sync(&world);
    assert_eq!((done.counts.conflicts, done.found(FindingKind::Conflict)), (1, 1));
    assert_eq!(world.names_of(&email(1)), ["Gym"]);
    assert_eq!(world.sim.state().users.len(), 3, "the owner and two members");
    assert_eq!(sync(&world).counts.differing, 0);
}

/// Between two pages of a list staff removes a member who was read already, and all later rows move up.
#[test]
fn a_list_that_changes_between_two_pages_reports_no_other_member_as_removed() {
    for is_as_long_as_before in [false, true] {
        let world = World::gym(many(300));
        sync(&world);
        world.calls();
        world.sim.add_fault(status("GET /role_assignments", 503).skip(2).times(1));
        let job = world.start_sync(Mode::Apply);
        world.step_sync(&job, 1_000).unwrap_err();
        let read = world.calls();
        assert!(read.last().unwrap().contains("offset=249"), "between two pages: {read:#?}");
        world.unassign_first("m-00@gym.test");
        if is_as_long_as_before {
            world.by_hand("stranger@gym.test", &["Gym"]);
        }
        let report = world.steps(&job, 1_000).unwrap();
        let drifted = report.findings.iter().filter(|finding| finding.kind == FindingKind::Drifted);
        let removed: Vec<_> = drifted.filter_map(|finding| finding.member.as_deref()).collect();
        assert_eq!((report.phase, removed), (Phase::Done, vec!["m-00"]), "{is_as_long_as_before}");
        let inside = many(300).iter().filter(|one| !world.open(&one.id).is_empty()).count();
        assert_eq!(inside, 300, "the removed member too: the list is read again from its beginning");
        let report = sync(&world);
        assert_eq!((report.counts.drifted, report.counts.differing), (0, 0));
    }
}

/// A list of users that changes between two of its pages skips the users who move up.
#[test]
fn a_blocked_member_loses_access_though_the_list_of_users_changes_while_it_is_read() {
    let world = World::connected(Knobs::default(), SETTINGS, &[("basic", &["Gym"])]);
    let stranger = |number: usize| world.by_hand(&format!("stranger-{number}@gym.test"), &[]);
    let strangers: Vec<u64> = (0..100).map(stranger).collect();
    // Manually, and in a group that no plan gives.
    let finn = world.by_hand("finn@gym.test", &["Back door"]);
    for number in 100..150 {
        stranger(number);
    }
    let blocked = member("finn", vec![membership("ms-1", "basic")]);
    world.directory.insert(Member { status: MemberStatus::Blocked, ..blocked });
    for one in many(10) {
        world.directory.insert(one);
    }
    world.calls();
    world.sim.add_fault(status("GET /users", 503).skip(1).times(1));
    let job = world.start_sync(Mode::Apply);
    world.step_sync(&job, 1_000).unwrap_err();
    let read = world.calls();
    assert!(read.last().unwrap().starts_with("GET /users?"), "between two pages: {read:#?}");
    world.sim.delete_user(strangers[0]);
    world.sim.delete_user(strangers[1]);
    assert_eq!(world.steps(&job, 1_000).unwrap().phase, Phase::Done);
    assert_eq!(world.sim.state().role_assignments_of(finn).count(), 0, "a blocked member has no access");
}
