//! What must be done without an event: starts, ends, graces and freezes that fall due, the groups once a day, and every
//! member after the mapping was replaced or a day has passed.

use door_access_host::contract::maintenance::Ticked;
use door_access_host::contract::sync::{FindingKind, Hold, Mode, Phase};
use door_access_host::contract::types::{
    Demand, Error, Member, MemberStatus, Membership, MembershipStatus, PauseCause, Payment,
};
use door_access_testkit::{
    DAY, HOUR, MAPPING, SETTINGS, START, World, dated, frozen_until, many, member, membership, settings,
    status,
};
use kisi_sim::{Fault, FaultEffect};

fn tick(world: &World) -> Ticked {
    world.tick(1_000).unwrap()
}

fn ann(plan: &str) -> Vec<Member> {
    vec![member("ann", vec![membership("ms-1", plan)])]
}

#[test]
fn without_any_event_access_follows_the_dates() {
    let frozen = frozen_until(START + 10 * DAY, "basic");
    let overdue = Membership { payment: Payment::Overdue(START), ..membership("ms-1", "basic") };
    let windows = vec![dated("ms-1", "basic", 0, 3), dated("ms-2", "gold", 20, 30)];
    let world = World::in_step(
        &settings(r#""grace_days":5"#),
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
        said.extend(world.tick_when_due(START + day * DAY));
        said.push(tick(&world));
        let now = ["starts", "overdue", "frozen", "windows"].map(|id| world.open(id));
        let wanted =
            [one(starts), one(overdue), one(frozen), both.iter().take(of_windows).cloned().collect()];
        assert_eq!(now, wanted, "on day {day}");
    }
    // Expired grants are removed from Kisi, and each change was reported with its reason.
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
    // Members without further dates have no entry.
    assert!(world.keys().iter().all(|key| !key.starts_with("due/")));
}

#[test]
fn an_event_stores_the_due_date_and_one_that_changes_nothing_costs_nothing() {
    let world = World::in_step(SETTINGS, Vec::new());
    world.directory.insert(member("ann", vec![dated("ms-1", "basic", 0, 9)]));
    world.settle("ann");
    let due = format!("due/{:020}/ann", START + 9 * DAY);
    assert!(world.keys().contains(&due), "{:?}", world.keys());
    world.calls();
    let commits = world.storage.commits();
    let outcomes = world.settle("ann");
    assert_eq!(outcomes[0].due_at, Some(START + 9 * DAY));
    assert_eq!((world.calls().len(), world.storage.commits()), (0, commits));

    // A member without grants has a record with the date alone, until that date.
    let frozen = frozen_until(START + 2 * DAY, "basic");
    world.directory.insert(member("bo", vec![frozen]));
    world.settle("bo");
    assert_eq!((world.calls().len(), world.storage.commits()), (0, commits + 1));
    let record = world.storage.entries().into_iter().find(|entry| entry.key == "member/bo").unwrap();
    assert_eq!(record.value, format!("{{\"due\":{}}}", START + 2 * DAY).into_bytes());
    world.directory.remove("bo");
    world.tick_when_due(START + 2 * DAY);
    tick(&world);
    assert!(world.keys().iter().all(|key| !key.contains("bo")), "{:?}", world.keys());
}

#[test]
fn a_sync_stores_the_due_dates_of_members_for_whom_nothing_else_differs() {
    let world = World::in_step(SETTINGS, Vec::new());
    let frozen = frozen_until(START + 3 * DAY, "basic");
    world.directory.insert(member("ann", vec![frozen]));
    world.go_to(START + DAY);
    let ticked = tick(&world);
    assert_eq!(ticked.sync.unwrap().phase, Phase::Done);
    assert_eq!(world.people().len(), 1, "only the owner");
    world.tick_when_due(START + 3 * DAY);
    assert_eq!(tick(&world).members, 1);
    assert_eq!(world.open("ann"), ["Gym"]);
}

#[test]
fn a_tick_stays_within_its_requests_and_small_ticks_reach_the_same_state() {
    let members = |world: &World| {
        for number in 0..12 {
            let overdue = Membership { payment: Payment::Overdue(START), ..membership("ms-1", "gold") };
            world.directory.insert(member(&format!("m-{number}"), vec![overdue]));
        }
    };
    let world = World::builder().settings(&settings(r#""grace_days":5"#)).mapping(MAPPING).connected();
    members(&world);
    let mut spent = 0;
    let small = |world: &World, spent: &mut usize| {
        for _ in 0..500 {
            let ticked = world.tick(4).unwrap();
            let calls = world.calls().len();
            assert!(calls <= 4, "{calls} requests");
            *spent += calls;
            if ticked.next > world.now() {
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
    world.go_to(START + 5 * DAY);
    small(&world, &mut spent);
    assert_eq!(world.names_of("m-11@gym.test"), Vec::<String>::new());
    // Their grants, the page of groups, and two of their members.
    assert_eq!(spent, 24 + 1 + 2);
}

#[test]
fn a_kill_anywhere_in_a_tick_loses_nothing_and_repeats_no_edit() {
    let prepared = || {
        let world = World::in_step(
            &settings(r#""grace_days":5"#),
            vec![
                member("ends", vec![dated("ms-1", "basic", 0, 1)]),
                member("next", vec![dated("ms-1", "gold", 0, 1), dated("ms-2", "basic", 2, 9)]),
                member("blocked", vec![membership("ms-1", "basic")]),
                member("moves", vec![membership("ms-1", "basic")]),
            ],
        );
        world.directory.update("moves", |one| one.memberships[0].plan = "gold".to_string());
        world.directory.update("blocked", |one| one.status = MemberStatus::Blocked);
        world.go_to(START + DAY);
        world
    };
    let undisturbed = prepared();
    undisturbed.boundary.plan(&[]);
    let ticked = tick(&undisturbed);
    assert_eq!((ticked.members, ticked.groups_refreshed), (2, true));
    assert_eq!(ticked.sync.unwrap().phase, Phase::Done);
    let (passed, wanted) = (undisturbed.boundary.passed(), undisturbed.people());
    // A block does not read first: what it removes twice is already gone the second time, and Kisi answers 404.
    let edits = |world: &World| world.edits().iter().filter(|edit| !edit.ends_with("404")).count();
    let edits_needed = edits(&undisturbed);
    assert!(passed.requests > 8 && passed.commits > 8 && edits_needed == 5, "{passed:?} {edits_needed}");

    for kill in passed.kills() {
        let world = prepared();
        world.boundary.plan(&[kill]);
        assert!(world.run(world.tenant().tick(1_000)).is_err(), "{kill:?}: the host was not killed");
        world.boundary.plan(&[]);
        for _ in 0..10 {
            if world.tick(1_000).is_ok_and(|ticked| ticked.next > world.now()) {
                break;
            }
        }
        assert_eq!(world.people(), wanted, "{kill:?}");
        assert_eq!(edits(&world), edits_needed, "{kill:?}: edits are made once");
    }
}

#[test]
fn a_replaced_mapping_applies_to_every_member_at_once_and_the_same_mapping_costs_nothing() {
    let world = World::in_step(SETTINGS, ann("basic"));
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
fn once_a_day_groups_are_read_and_every_member_is_compared() {
    let world = World::in_step(SETTINGS, ann("basic"));
    let ticked = tick(&world);
    assert_eq!((ticked.next, ticked.groups_refreshed, ticked.sync), (START + DAY, false, None));
    world.unassign_first("ann@gym.test");
    world.calls();
    world.go_to(START + DAY - 1);
    tick(&world);
    assert_eq!(world.calls().len(), 0);
    world.go_to(START + DAY);
    let ticked = tick(&world);
    assert!(ticked.groups_refreshed);
    assert_eq!(ticked.sync.unwrap().counts.drifted, 1);
    assert_eq!(world.open("ann"), ["Gym"]);
    assert_eq!(ticked.next, START + 2 * DAY);
}

#[test]
fn groups_that_cannot_be_read_are_reported_once_and_delay_nothing() {
    let world = World::in_step(SETTINGS, ann("basic"));
    world.directory.update("ann", |ann| ann.memberships[0].status = MembershipStatus::Cancelled);
    world.go_to(START + DAY);
    world.sim.add_fault(status("GET /groups", 503).times(100));
    let Err(Error { demand: Demand::Retry(_), .. }) = world.tick(1_000) else {
        panic!("the host gets no error")
    };
    let ticked = tick(&world);
    assert_eq!((ticked.groups_refreshed, ticked.sync.unwrap().phase), (false, Phase::Done));
    assert_eq!(world.open("ann"), Vec::<String>::new());
    assert_eq!(ticked.next, START + DAY + HOUR, "not before an hour has passed");
    world.sim.clear_faults();
    world.go_to(START + DAY + HOUR);
    assert!(tick(&world).groups_refreshed);
}

#[test]
fn a_list_of_groups_that_the_budget_cuts_off_is_not_reported_as_read() {
    let world = World::in_step(SETTINGS, ann("basic"));
    let groups = ["Gym", "Spa", "Pool", "Sauna"];
    for name in ["Pool", "Sauna"] {
        world.sim.add_group(name);
    }
    world.refresh_groups();
    world.map(&[("basic", &groups)]).unwrap();
    tick(&world);
    for name in groups {
        world.sim.delete_group(world.group(name));
    }
    world.go_to(START + DAY + HOUR);
    world.calls();
    // One request more is needed: the list, and each of the four mapped groups that it lacks.
    let ticked = world.tick(4).unwrap();
    assert_eq!((world.calls().len(), ticked.groups_refreshed), (4, false));
    world.go_to(START + DAY + 3 * HOUR);
    assert!(tick(&world).groups_refreshed);
}

#[test]
fn a_sync_that_waits_for_a_confirmation_delays_nothing_else() {
    let mut members = many(15);
    members.push(member("ends", vec![dated("ms-1", "basic", 0, 2)]));
    let world = World::in_step(SETTINGS, members);
    for one in many(12) {
        world.directory.remove(&one.id);
    }
    world.go_to(START + DAY);
    let waits = tick(&world).sync.unwrap();
    assert_eq!((waits.phase, waits.waits), (Phase::Waiting, Some(Hold::Brake)));
    let before = world.people().len();
    world.go_to(START + 2 * DAY);
    let ticked = tick(&world);
    assert_eq!((ticked.members, ticked.sync.unwrap().waits), (1, Some(Hold::Brake)));
    assert_eq!(world.open("ends"), Vec::<String>::new());
    assert_eq!((world.people().len(), world.open("m-00").len()), (before, 1));

    // After a cancellation there is no sync for a day.
    world.cancel_sync(&waits.job);
    let ticked = tick(&world);
    assert_eq!((ticked.sync, ticked.next), (None, START + 3 * DAY));
    world.go_to(START + 3 * DAY);
    let again = tick(&world).sync.unwrap();
    assert_ne!(again.job, waits.job);
    world.confirm_sync(&again.job);
    assert_eq!(tick(&world).sync.unwrap().phase, Phase::Done);
    assert_eq!(world.open("m-00"), Vec::<String>::new());
}

#[test]
fn a_preview_does_not_postpone_a_replaced_mapping() {
    let world = World::in_step(SETTINGS, ann("basic"));
    world.map(&[("basic", &["Spa"]), ("gold", &["Gym"])]).unwrap();
    let job = world.sync(Mode::Preview).progress.job;
    assert_eq!(tick(&world).sync.unwrap().waits, Some(Hold::Preview));
    world.cancel_sync(&job);
    assert_eq!(tick(&world).sync.unwrap().phase, Phase::Done);
    assert_eq!(world.names_of("ann@gym.test"), ["Spa"]);
}

#[test]
fn an_emptied_directory_is_reported_and_read_again_a_day_later() {
    let world = World::in_step(SETTINGS, ann("basic"));
    world.directory.remove("ann");
    world.go_to(START + DAY);
    let ticked = tick(&world);
    assert_eq!(ticked.sync.unwrap().phase, Phase::Cancelled);
    assert!(ticked.findings[0].explanation.contains("directory is empty"), "{:?}", ticked.findings);
    assert_eq!((ticked.next, world.open("ann").len()), (START + 2 * DAY, 1));
}

#[test]
fn a_new_key_that_ends_a_pause_catches_up_by_itself() {
    let mut world = World::in_step(SETTINGS, ann("basic"));
    let good = world.sim.key();
    world.use_key("no-key-of-anybody");
    world.directory.update("ann", |ann| ann.memberships[0].plan = "gold".to_string());
    world.go_to(START + DAY);
    for _ in 0..2 {
        let Err(Error { demand: Demand::Pause(PauseCause::KeyRejected), .. }) = world.tick(1_000) else {
            panic!("a wrong key does not pause")
        };
    }
    world.use_key(&good);
    world.connect(SETTINGS).unwrap();
    assert_eq!(tick(&world).sync.unwrap().phase, Phase::Done);
    assert_eq!(world.open("ann"), ["Gym", "Spa"]);
}

#[test]
fn a_member_whom_kisi_refuses_is_reported_and_tried_again_a_day_later() {
    let frozen = |id: &str| Membership {
        status: MembershipStatus::Frozen,
        frozen_until: Some(START + HOUR),
        ..membership(id, "basic")
    };
    let world = World::in_step(SETTINGS, Vec::new());
    for id in ["ann", "bo"] {
        world.directory.insert(member(id, vec![frozen("ms-1")]));
        world.settle(id);
    }
    world.go_to(START + HOUR);
    world.sim.add_fault(status("POST /users", 422));
    let ticked = tick(&world);
    assert_eq!(ticked.members, 2);
    let failures: Vec<_> = ticked.findings.iter().filter(|one| one.kind == FindingKind::Failure).collect();
    assert_eq!((failures.len(), failures[0].member.as_deref()), (1, Some("ann")), "{failures:?}");
    assert_eq!(world.open("bo"), ["Gym"], "the others do not wait");
    world.calls();
    tick(&world);
    assert_eq!(world.calls().len(), 0, "not again at once");
    assert!(world.keys().contains(&format!("due/{:020}/ann", START + HOUR + DAY)));
}

#[test]
fn a_temporary_error_ends_the_tick_and_the_next_one_continues() {
    let world = World::in_step(SETTINGS, vec![member("ann", vec![dated("ms-1", "basic", 0, 1)])]);
    world.go_to(START + DAY);
    world
        .sim
        .add_fault(Fault::new("DELETE /role_assignments/{id}", FaultEffect::DropAfterCommit {}).unwrap());
    let Err(Error { demand: Demand::Retry(_), .. }) = world.tick(1_000) else {
        panic!("the host gets no error")
    };
    // Other members do not wait: every member is compared, this one too.
    let ticked = tick(&world);
    assert_eq!((ticked.members, ticked.sync.unwrap().phase), (0, Phase::Done));
    assert_eq!(world.names_of("ann@gym.test"), Vec::<String>::new());
    let deletes = world.calls().into_iter().filter(|call| call.starts_with("DELETE")).count();
    assert_eq!(deletes, 1, "the finished removal is read, not repeated");
}

#[test]
fn changes_before_an_error_are_reported() {
    let members = ["ann", "ben"].map(|id| member(id, vec![dated(id, "gold", 0, 3)]));
    let world = World::in_step(SETTINGS, members.to_vec());
    world.go_to(START + 3 * DAY);
    let fault =
        Fault::new("DELETE /role_assignments/{id}", FaultEffect::Status { status: 503, retry_after_s: None });
    world.sim.add_fault(fault.unwrap().skip(2));
    let ticked = world.tick(1_000).unwrap();
    let lost = ticked.findings.iter().filter(|finding| finding.kind == FindingKind::Loses);
    assert_eq!(lost.count(), 2, "{:#?}", ticked.findings);
    assert!(ticked.next > world.now(), "not at once");
    world.go_to(ticked.next);
    let told = tick(&world).findings;
    assert_eq!(told.iter().filter(|finding| finding.kind == FindingKind::Loses).count(), 2, "{told:#?}");
}

#[test]
fn a_mapping_replaced_during_a_sync_applies_in_the_end() {
    let world = World::gym(many(12));
    let halfway = |world: &World| {
        world.sim.state().users.iter().filter(|user| user.email.starts_with("m-")).count() == 5
    };
    while !halfway(&world) {
        world.tick(4).unwrap();
    }
    world.map(&[("basic", &["Spa"]), ("gold", &["Gym"])]).unwrap();
    world.tick_until_calm(4);
    for one in many(12) {
        assert_eq!(world.open(&one.id), ["Spa"], "{}", one.id);
    }
    assert_eq!(tick(&world).sync, None, "and no member is compared once more");
    // Members who were not compared yet were never added to the other group.
    let posts = world.calls().into_iter().filter(|call| call.starts_with("POST /role_assignments")).count();
    assert!((12..=12 + 6).contains(&posts), "{posts}");
}

#[test]
fn doors_that_are_read_in_parts_stay_known_meanwhile() {
    let world = World::with_doors_for_ann("gold");
    let doors = |world: &World| {
        let mut names: Vec<String> = world.list_doors("ann").into_iter().map(|door| door.name).collect();
        names.sort();
        names
    };
    tick(&world);
    let all = ["Annex door", "Front door", "Sauna"];
    assert_eq!(doors(&world), all);
    let added = serde_json::json!({
        "group_lock": { "group_id": world.group("Spa"), "lock_id": world.door("Office") }
    });
    world.request("POST", "/group_locks", &added);
    world.go_to(START + DAY);
    world.calls();
    let (mut refreshed, mut calls) = (0, 0);
    for _ in 0..20 {
        let ticked = world.tick(4).unwrap();
        let sent = world.calls().len();
        assert!(sent <= 4, "{sent} requests");
        calls += sent;
        refreshed += usize::from(ticked.groups_refreshed);
        assert!(all.iter().all(|door| doors(&world).contains(&(*door).to_string())), "{:?}", doors(&world));
        if ticked.next > world.now() {
            break;
        }
    }
    assert_eq!(refreshed, 1);
    assert_eq!(doors(&world), ["Annex door", "Front door", "Office", "Sauna"]);
    // The page of groups, the doors of three that have any, and a page of members of each of the four mapped ones.
    assert_eq!(calls, 1 + 3 + 4);
}
