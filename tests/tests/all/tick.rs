//! What must be done though nobody sends an event: starts, ends, graces and freezes that fall due, the groups once a day,
//! and everybody when the mapping was replaced or a day has gone by.

use std::time::Duration;

use door_access_host::contract::maintenance::Ticked;
use door_access_host::contract::sync::{FindingKind, Hold, Mode, Phase};
use door_access_host::contract::types::{
    Demand, Error, Member, MemberStatus, Membership, MembershipStatus, PauseCause, Payment,
};
use door_access_host::{Clock, Moment, Verdict};
use kisi_sim::{Fault, FaultEffect, Knobs};

use crate::access::with_ann;
use crate::world::{Arm, Cut, DAY, SETTINGS, START, World, member, membership};

const MAPPING: &[(&str, &[&str])] = &[("basic", &["Gym"]), ("gold", &["Gym", "Spa"])];
const GRACE: &str = r#"{"integration":{"identifier":"Test Gym","contact":"doors@gym.test"},"grace_days":5}"#;
const HOUR: u64 = DAY / 24;

pub(crate) fn try_tick(world: &World, calls: u32) -> Result<Ticked, Error> {
    world.runtime.block_on(world.tenant().tick(calls)).unwrap()
}

fn tick(world: &World) -> Ticked {
    try_tick(world, 1_000).unwrap()
}

/// A gym with these members that was reconciled and has nothing to do.
fn gym_with(settings: &str, members: Vec<Member>) -> World {
    let world = World::connected(Arm::Component, Knobs::default(), settings, MAPPING);
    for member in members {
        world.directory.insert(member);
    }
    let ticked = tick(&world);
    assert_eq!(ticked.sync.unwrap().phase, Phase::Done, "a new mapping holds for everybody at once");
    world.calls();
    world
}

pub(crate) fn go_to(world: &World, at: u64) {
    world.advance(Duration::from_millis(at.saturating_sub(world.clock.now_ms())));
}

/// Nobody does anything but call when the last answer said so.
fn live(world: &World, until: u64) -> Vec<Ticked> {
    let mut all = Vec::new();
    for _ in 0..10_000 {
        let ticked = tick(world);
        let next = ticked.next;
        all.push(ticked);
        if next >= until {
            go_to(world, until);
            return all;
        }
        go_to(world, next);
    }
    panic!("ticks do not come to rest");
}

/// Groups whose doors open for the member now.
pub(crate) fn open(world: &World, id: &str) -> Vec<String> {
    let now = world.clock.now_ms();
    let groups = world.groups_of(&format!("{id}@gym.test"));
    let holds = |from: Option<u64>, until: Option<u64>| {
        from.is_none_or(|from| from <= now) && until.is_none_or(|until| now < until)
    };
    groups.into_iter().filter(|(_, from, until)| holds(*from, *until)).map(|(name, ..)| name).collect()
}

fn dated(id: &str, plan: &str, from: u64, until: u64) -> Membership {
    let day = |day: u64| Some(START + day * DAY);
    Membership { starts_at: day(from), ends_at: day(until), ..membership(id, plan) }
}

fn storage_keys(world: &World) -> Vec<String> {
    world.storage.entries().into_iter().map(|entry| entry.key).collect()
}

#[test]
fn nobody_sends_an_event_and_access_follows_the_dates() {
    let frozen = Membership {
        status: MembershipStatus::Frozen,
        frozen_until: Some(START + 10 * DAY),
        ..membership("ms-1", "basic")
    };
    let overdue = Membership { payment: Payment::Overdue(START), ..membership("ms-1", "basic") };
    let windows = vec![dated("ms-1", "basic", 0, 3), dated("ms-2", "gold", 20, 30)];
    let world = gym_with(
        GRACE,
        vec![
            member("starts", vec![dated("ms-1", "basic", 4, 8)]),
            member("overdue", vec![overdue]),
            member("frozen", vec![frozen]),
            member("windows", windows),
        ],
    );
    let mut said = Vec::new();
    let gym = vec!["Gym".to_string()];
    for (day, starts, overdue, frozen, of_windows) in [
        (2, false, true, false, 1),
        (4, true, true, false, 0),
        (5, true, false, false, 0),
        (8, false, false, false, 0),
        (10, false, false, true, 0),
        (20, false, false, true, 2),
        (30, false, false, true, 0),
    ] {
        let one = |is_open: bool| if is_open { gym.clone() } else { Vec::new() };
        let both = ["Gym".to_string(), "Spa".to_string()];
        said.extend(live(&world, START + day * DAY));
        said.push(tick(&world));
        let now = ["starts", "overdue", "frozen", "windows"].map(|id| open(&world, id));
        let wanted =
            [one(starts), one(overdue), one(frozen), both.iter().take(of_windows).cloned().collect()];
        assert_eq!(now, wanted, "on day {day}");
    }
    // What is over is gone from Kisi, and each change was told with its reason.
    for id in ["starts", "overdue", "windows"] {
        assert_eq!(world.names_of(&format!("{id}@gym.test")), Vec::<String>::new(), "{id}");
    }
    let told: Vec<&str> = said
        .iter()
        .flat_map(|ticked| &ticked.findings)
        .filter(|finding| finding.member.as_deref() == Some("overdue"))
        .map(|finding| finding.explanation.as_str())
        .collect();
    assert!(told.iter().any(|text| text.contains("a payment for “basic” is overdue")), "{told:?}");
    // Whoever has no more dates is on no list.
    assert!(storage_keys(&world).iter().all(|key| !key.starts_with("due/")));
}

#[test]
fn an_event_notes_the_date_and_one_that_changes_nothing_costs_nothing() {
    let world = gym_with(SETTINGS, Vec::new());
    world.directory.insert(member("ann", vec![dated("ms-1", "basic", 0, 9)]));
    world.settle("ann");
    let due = format!("due/{:020}/ann", START + 9 * DAY);
    assert!(storage_keys(&world).contains(&due), "{:?}", storage_keys(&world));
    world.calls();
    let commits = world.storage.commits();
    let outcomes = world.settle("ann");
    assert_eq!(outcomes[0].due_at, Some(START + 9 * DAY));
    assert_eq!((world.calls().len(), world.storage.commits()), (0, commits));

    // Of somebody of whom nothing but a date is known, the date is all that is kept, and only as long.
    let frozen = Membership {
        status: MembershipStatus::Frozen,
        frozen_until: Some(START + 2 * DAY),
        ..membership("ms-1", "basic")
    };
    world.directory.insert(member("bo", vec![frozen]));
    world.settle("bo");
    assert_eq!((world.calls().len(), world.storage.commits()), (0, commits + 1));
    let record = world.storage.entries().into_iter().find(|entry| entry.key == "member/bo").unwrap();
    assert_eq!(record.value, format!("{{\"due\":{}}}", START + 2 * DAY).into_bytes());
    world.directory.remove("bo");
    live(&world, START + 2 * DAY);
    tick(&world);
    assert!(storage_keys(&world).iter().all(|key| !key.contains("bo")), "{:?}", storage_keys(&world));
}

#[test]
fn a_reconciliation_notes_dates_of_those_for_whom_nothing_else_differs() {
    let world = gym_with(SETTINGS, Vec::new());
    let frozen = Membership {
        status: MembershipStatus::Frozen,
        frozen_until: Some(START + 3 * DAY),
        ..membership("ms-1", "basic")
    };
    world.directory.insert(member("ann", vec![frozen]));
    go_to(&world, START + DAY);
    let ticked = tick(&world);
    assert_eq!(ticked.sync.unwrap().phase, Phase::Done);
    assert_eq!(world.people().len(), 1, "only the owner");
    live(&world, START + 3 * DAY);
    assert_eq!(tick(&world).members, 1);
    assert_eq!(open(&world, "ann"), ["Gym"]);
}

#[test]
fn a_tick_sends_no_more_than_it_may_and_comes_to_the_same() {
    let members = |world: &World| {
        for number in 0..12 {
            let overdue = Membership { payment: Payment::Overdue(START), ..membership("ms-1", "gold") };
            world.directory.insert(member(&format!("m-{number}"), vec![overdue]));
        }
    };
    let world = World::connected(Arm::Component, Knobs::default(), GRACE, MAPPING);
    members(&world);
    let mut spent = 0;
    let small = |world: &World, spent: &mut usize| {
        for _ in 0..500 {
            let ticked = try_tick(world, 4).unwrap();
            let calls = world.calls().len();
            assert!(calls <= 4, "{calls} requests");
            *spent += calls;
            if ticked.next > world.clock.now_ms() {
                return;
            }
        }
        panic!("it does not end");
    };
    small(&world, &mut spent);
    assert_eq!(world.names_of("m-11@gym.test"), ["Gym", "Spa"]);
    // 12 users and 24 grants; two pages of groups and one of users.
    assert_eq!(spent, 12 + 24 + 3, "small steps cost no more");
    spent = 0;
    go_to(&world, START + 5 * DAY);
    small(&world, &mut spent);
    assert_eq!(world.names_of("m-11@gym.test"), Vec::<String>::new());
    // Their grants, the page of groups, and two of their members.
    assert_eq!(spent, 24 + 1 + 2);
}

#[test]
fn a_kill_anywhere_in_a_tick_loses_nothing_and_repeats_no_edit() {
    let prepared = || {
        let world = gym_with(
            GRACE,
            vec![
                member("ends", vec![dated("ms-1", "basic", 0, 1)]),
                member("next", vec![dated("ms-1", "gold", 0, 1), dated("ms-2", "basic", 2, 9)]),
                member("blocked", vec![membership("ms-1", "basic")]),
                member("moves", vec![membership("ms-1", "basic")]),
            ],
        );
        world.directory.update("moves", |one| one.memberships[0].plan = "gold".to_string());
        world.directory.update("blocked", |one| one.status = MemberStatus::Blocked);
        go_to(&world, START + DAY);
        world
    };
    let undisturbed = prepared();
    let commits_before = undisturbed.storage.commits();
    undisturbed.cut(None);
    let ticked = tick(&undisturbed);
    assert_eq!((ticked.members, ticked.groups_refreshed), (2, true));
    assert_eq!(ticked.sync.unwrap().phase, Phase::Done);
    let (requests, wanted) = (undisturbed.wire.sent(), undisturbed.people());
    let commits = undisturbed.storage.commits() - commits_before;
    // A block does not wait for a look: what it takes twice is gone already the second time, and Kisi says 404.
    let is_edit = |call: &&String| !call.starts_with("GET") && !call.ends_with("404");
    let edits = |world: &World| world.calls().iter().filter(is_edit).count();
    let edits_needed = edits(&undisturbed);
    assert!(requests > 8 && commits > 8 && edits_needed == 5, "{requests} {commits} {edits_needed}");

    let check = |world: &World, how: &str| {
        assert!(world.runtime.block_on(world.tenant().tick(1_000)).is_err(), "{how}: nothing was cut off");
        world.cut(None);
        world.storage.clear_hook();
        for _ in 0..10 {
            if try_tick(world, 1_000).is_ok_and(|ticked| ticked.next > world.clock.now_ms()) {
                break;
            }
        }
        assert_eq!(world.people(), wanted, "{how}");
        assert_eq!(edits(world), edits_needed, "{how}: edits are made once");
    };
    for number in 0..requests {
        for cut in [Cut::BeforeSending(number), Cut::AfterCommit(number)] {
            let world = prepared();
            world.cut(Some(cut));
            check(&world, &format!("{cut:?}"));
        }
    }
    for number in 0..commits {
        for moment in [Moment::Before, Moment::After] {
            let world = prepared();
            let seen = std::sync::atomic::AtomicU64::new(0);
            world.storage.on_commit(move |now, _| {
                let is_here = now == moment;
                if is_here && seen.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == number {
                    Verdict::Abort("the host was killed".to_string())
                } else {
                    Verdict::Proceed
                }
            });
            check(&world, &format!("commit {number}, {moment:?}"));
        }
    }
}

#[test]
fn a_replaced_mapping_holds_for_everybody_at_once_and_the_same_one_asks_for_nothing() {
    let world = gym_with(SETTINGS, vec![member("ann", vec![membership("ms-1", "basic")])]);
    world.map(MAPPING).unwrap();
    assert_eq!(tick(&world).sync, None);
    assert_eq!(world.calls().len(), 0, "a tick to which nothing is due sends nothing");
    world.map(&[("basic", &["Spa"]), ("gold", &["Gym"])]).unwrap();
    let ticked = tick(&world);
    assert_eq!(ticked.sync.unwrap().phase, Phase::Done);
    assert_eq!(world.names_of("ann@gym.test"), ["Spa"]);
    assert!(ticked.findings.iter().any(|finding| finding.kind == FindingKind::Gains));
    assert_eq!(tick(&world).sync, None);
}

#[test]
fn once_a_day_groups_are_read_and_everybody_is_compared() {
    let world = gym_with(SETTINGS, vec![member("ann", vec![membership("ms-1", "basic")])]);
    let ticked = tick(&world);
    assert_eq!((ticked.next, ticked.groups_refreshed, ticked.sync), (START + DAY, false, None));
    let state = world.sim.state();
    let user = state.user_by_email("ann@gym.test").unwrap().id;
    world.sim.unassign(state.role_assignments_of(user).next().unwrap().id);
    world.calls();
    go_to(&world, START + DAY - 1);
    tick(&world);
    assert_eq!(world.calls().len(), 0);
    go_to(&world, START + DAY);
    let ticked = tick(&world);
    assert!(ticked.groups_refreshed);
    assert_eq!(ticked.sync.unwrap().counts.drifted, 1);
    assert_eq!(open(&world, "ann"), ["Gym"]);
    assert_eq!(ticked.next, START + 2 * DAY);
}

#[test]
fn groups_that_cannot_be_read_are_told_once_and_hold_up_nothing() {
    let world = gym_with(SETTINGS, vec![member("ann", vec![membership("ms-1", "basic")])]);
    world.directory.update("ann", |ann| ann.memberships[0].status = MembershipStatus::Cancelled);
    go_to(&world, START + DAY);
    let fault = FaultEffect::Status { status: 503, retry_after_s: None };
    world.sim.add_fault(Fault { times: 100, ..Fault::new("GET /groups", fault).unwrap() });
    let Err(Error { demand: Demand::Retry(_), .. }) = try_tick(&world, 1_000) else {
        panic!("the host is not told")
    };
    let ticked = tick(&world);
    assert_eq!((ticked.groups_refreshed, ticked.sync.unwrap().phase), (false, Phase::Done));
    assert_eq!(open(&world, "ann"), Vec::<String>::new());
    assert_eq!(ticked.next, START + DAY + HOUR, "not before an hour has passed");
    world.sim.clear_faults();
    go_to(&world, START + DAY + HOUR);
    assert!(tick(&world).groups_refreshed);
}

#[test]
fn what_waits_for_somebody_is_left_alone_and_holds_up_nothing_else() {
    let many = (0..15).map(|number| member(&format!("m-{number:02}"), vec![membership("ms-1", "basic")]));
    let mut members: Vec<Member> = many.collect();
    members.push(member("ends", vec![dated("ms-1", "basic", 0, 2)]));
    let world = gym_with(SETTINGS, members);
    for number in 0..12 {
        world.directory.remove(&format!("m-{number:02}"));
    }
    go_to(&world, START + DAY);
    let waits = tick(&world).sync.unwrap();
    assert_eq!((waits.phase, waits.waits), (Phase::Waiting, Some(Hold::Brake)));
    let before = world.people().len();
    go_to(&world, START + 2 * DAY);
    let ticked = tick(&world);
    assert_eq!((ticked.members, ticked.sync.unwrap().waits), (1, Some(Hold::Brake)));
    assert_eq!(open(&world, "ends"), Vec::<String>::new());
    assert_eq!((world.people().len(), open(&world, "m-00").len()), (before, 1));

    // Whoever cancels it is left alone for a day.
    world.runtime.block_on(world.tenant().cancel_sync(&waits.job)).unwrap().unwrap();
    let ticked = tick(&world);
    assert_eq!((ticked.sync, ticked.next), (None, START + 3 * DAY));
    go_to(&world, START + 3 * DAY);
    let again = tick(&world).sync.unwrap();
    assert_ne!(again.job, waits.job);
    world.runtime.block_on(world.tenant().confirm_sync(&again.job)).unwrap().unwrap();
    assert_eq!(tick(&world).sync.unwrap().phase, Phase::Done);
    assert_eq!(open(&world, "m-00"), Vec::<String>::new());
}

#[test]
fn a_preview_that_somebody_looks_at_does_not_put_off_what_the_mapping_asks_for() {
    let world = gym_with(SETTINGS, vec![member("ann", vec![membership("ms-1", "basic")])]);
    world.map(&[("basic", &["Spa"]), ("gold", &["Gym"])]).unwrap();
    let job = world.runtime.block_on(world.tenant().start_sync(Mode::Preview)).unwrap().unwrap();
    world.runtime.block_on(world.tenant().step_sync(&job, 1_000)).unwrap().unwrap();
    assert_eq!(tick(&world).sync.unwrap().waits, Some(Hold::Preview));
    world.runtime.block_on(world.tenant().cancel_sync(&job)).unwrap().unwrap();
    assert_eq!(tick(&world).sync.unwrap().phase, Phase::Done);
    assert_eq!(world.names_of("ann@gym.test"), ["Spa"]);
}

#[test]
fn an_emptied_directory_is_told_and_asked_about_again_a_day_later() {
    let world = gym_with(SETTINGS, vec![member("ann", vec![membership("ms-1", "basic")])]);
    world.directory.remove("ann");
    go_to(&world, START + DAY);
    let ticked = tick(&world);
    assert_eq!(ticked.sync.unwrap().phase, Phase::Cancelled);
    assert!(ticked.findings[0].explanation.contains("directory is empty"), "{:?}", ticked.findings);
    assert_eq!((ticked.next, open(&world, "ann").len()), (START + 2 * DAY, 1));
}

#[test]
fn a_new_key_that_ends_a_pause_catches_up_by_itself() {
    let mut world = gym_with(SETTINGS, vec![member("ann", vec![membership("ms-1", "basic")])]);
    let good = world.sim.key();
    world.use_key("no-key-of-anybody");
    world.directory.update("ann", |ann| ann.memberships[0].plan = "gold".to_string());
    go_to(&world, START + DAY);
    for _ in 0..2 {
        let Err(Error { demand: Demand::Pause(PauseCause::KeyRejected), .. }) = try_tick(&world, 1_000)
        else {
            panic!("a wrong key is no reason to pause")
        };
    }
    world.use_key(&good);
    world.connect(SETTINGS).unwrap();
    assert_eq!(tick(&world).sync.unwrap().phase, Phase::Done);
    assert_eq!(open(&world, "ann"), ["Gym", "Spa"]);
}

#[test]
fn a_member_with_whom_nothing_can_be_done_is_told_and_tried_again_a_day_later() {
    let frozen = |id: &str| Membership {
        status: MembershipStatus::Frozen,
        frozen_until: Some(START + HOUR),
        ..membership(id, "basic")
    };
    let world = gym_with(SETTINGS, Vec::new());
    for id in ["ann", "bo"] {
        world.directory.insert(member(id, vec![frozen("ms-1")]));
        world.settle(id);
    }
    go_to(&world, START + HOUR);
    let fault = FaultEffect::Status { status: 422, retry_after_s: None };
    world.sim.add_fault(Fault::new("POST /users", fault).unwrap());
    let ticked = tick(&world);
    assert_eq!(ticked.members, 2);
    let failures: Vec<_> = ticked.findings.iter().filter(|one| one.kind == FindingKind::Failure).collect();
    assert_eq!((failures.len(), failures[0].member.as_deref()), (1, Some("ann")), "{failures:?}");
    assert_eq!(open(&world, "bo"), ["Gym"], "the others do not wait");
    world.calls();
    tick(&world);
    assert_eq!(world.calls().len(), 0, "not again at once");
    assert!(storage_keys(&world).contains(&format!("due/{:020}/ann", START + HOUR + DAY)));
}

#[test]
fn an_error_that_passes_ends_the_tick_and_the_next_one_goes_on() {
    let world = gym_with(SETTINGS, vec![member("ann", vec![dated("ms-1", "basic", 0, 1)])]);
    go_to(&world, START + DAY);
    world.sim.add_fault(Fault::new("DELETE /role_assignments/{id}", FaultEffect::DropAfterCommit).unwrap());
    let Err(Error { demand: Demand::Retry(_), .. }) = try_tick(&world, 1_000) else {
        panic!("the host is not told")
    };
    // Others do not wait for a member with whom something is wrong: everybody is compared, this one too.
    let ticked = tick(&world);
    assert_eq!((ticked.members, ticked.sync.unwrap().phase), (0, Phase::Done));
    assert_eq!(world.names_of("ann@gym.test"), Vec::<String>::new());
    let deletes = world.calls().into_iter().filter(|call| call.starts_with("DELETE")).count();
    assert_eq!(deletes, 1, "what was done is read, not done again");
}

#[test]
fn what_was_done_before_an_error_is_told() {
    let members = ["ann", "ben"].map(|id| member(id, vec![dated(id, "gold", 0, 3)]));
    let world = gym_with(SETTINGS, members.to_vec());
    go_to(&world, START + 3 * DAY);
    let fault =
        Fault::new("DELETE /role_assignments/{id}", FaultEffect::Status { status: 503, retry_after_s: None });
    world.sim.add_fault(fault.unwrap().skip(2));
    let ticked = try_tick(&world, 1_000).unwrap();
    let lost = ticked.findings.iter().filter(|finding| finding.kind == FindingKind::Loses);
    assert_eq!(lost.count(), 2, "{:#?}", ticked.findings);
    assert!(ticked.next > world.clock.now_ms(), "not at once");
    go_to(&world, ticked.next);
    let told = tick(&world).findings;
    assert_eq!(told.iter().filter(|finding| finding.kind == FindingKind::Loses).count(), 2, "{told:#?}");
}

#[test]
fn a_mapping_that_is_replaced_while_everybody_is_compared_holds_in_the_end() {
    let world = World::connected(Arm::Component, Knobs::default(), SETTINGS, MAPPING);
    for number in 0..12 {
        world.directory.insert(member(&format!("m-{number:02}"), vec![membership("ms-1", "basic")]));
    }
    let halfway = |world: &World| {
        world.sim.state().users.iter().filter(|user| user.email.starts_with("m-")).count() == 5
    };
    while !halfway(&world) {
        try_tick(&world, 4).unwrap();
    }
    world.map(&[("basic", &["Spa"]), ("gold", &["Gym"])]).unwrap();
    for _ in 0..100 {
        let ticked = try_tick(&world, 4).unwrap();
        if ticked.next > world.clock.now_ms() {
            break;
        }
    }
    for number in 0..12 {
        assert_eq!(world.names_of(&format!("m-{number:02}@gym.test")), ["Spa"], "{number}");
    }
    assert_eq!(tick(&world).sync, None, "and nobody is compared once more");
    // Whoever was not looked at yet was never in the other group.
    let posts = world.calls().into_iter().filter(|call| call.starts_with("POST /role_assignments")).count();
    assert!((12..=12 + 6).contains(&posts), "{posts}");
}

#[test]
fn doors_that_are_read_in_parts_are_known_all_along() {
    let world = with_ann("gold");
    let doors = |world: &World| {
        let doors = world.runtime.block_on(world.tenant().list_doors("ann")).unwrap().unwrap();
        let mut names: Vec<String> = doors.into_iter().map(|door| door.name).collect();
        names.sort();
        names
    };
    tick(&world);
    let all = ["Annex door", "Front door", "Sauna"];
    assert_eq!(doors(&world), all);
    let state = world.sim.state();
    let office = state.locks.iter().find(|lock| lock.name == "Office").unwrap().id;
    let spa = state.group_by_name("Spa").unwrap().id;
    let added = serde_json::json!({ "group_lock": { "group_id": spa, "lock_id": office } });
    let request = http::Request::post("/group_locks")
        .header("authorization", format!("KISI-LOGIN {}", world.sim.key()))
        .header("content-type", "application/json")
        .body(bytes::Bytes::from(added.to_string()))
        .unwrap();
    assert!(world.runtime.block_on(world.wire.exchange(request)).unwrap().status().is_success());
    go_to(&world, START + DAY);
    world.calls();
    let (mut refreshed, mut calls) = (0, 0);
    for _ in 0..20 {
        let ticked = try_tick(&world, 4).unwrap();
        let sent = world.calls().len();
        assert!(sent <= 4, "{sent} requests");
        calls += sent;
        refreshed += usize::from(ticked.groups_refreshed);
        assert!(all.iter().all(|door| doors(&world).contains(&(*door).to_string())), "{:?}", doors(&world));
        if ticked.next > world.clock.now_ms() {
            break;
        }
    }
    assert_eq!(refreshed, 1);
    assert_eq!(doors(&world), ["Annex door", "Front door", "Office", "Sauna"]);
    // The page of groups, the doors of three that have any, and a page of members of each of the four mapped ones.
    assert_eq!(calls, 1 + 3 + 4);
}
