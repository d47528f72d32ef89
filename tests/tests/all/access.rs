//! Whether a member may enter, end to end: what `access.explain` says beside what the simulated Kisi does at the door, and
//! how access comes back. The table of all alerts is the plugin's own test.

use door_access_host::contract::access::{Cause, Device, Explanation, Remedy, Verdict};
use door_access_host::contract::types::{Demand, Error, MemberStatus, MembershipStatus, PauseCause, Payment};
use kisi_sim::{AccessHours, Knobs, Seed};

use crate::world::{Arm, DAY, SETTINGS, START, World, member, membership};

const ANN: &str = "ann";
const EMAIL: &str = "ann@gym.test";

/// A gym with doors, where `basic` opens the gym, `gold` the spa besides, and `cards` a group without app access.
pub(crate) fn gym(knobs: Knobs) -> World {
    gym_with(SETTINGS, knobs)
}

fn gym_with(settings: &str, knobs: Knobs) -> World {
    let mut world = World::new(Arm::Component, knobs, &[], &["basic", "gold", "cards", "empty", "towel"]);
    let seed = Seed::from_toml(
        r#"
        start_time = "2026-12-01T08:00:00.000Z"
        [[organizations]]
        name = "Gym"
        places = [{ name = "Main Street" }, { name = "Annex" }]
        locks = [
            { name = "Front door" },
            { name = "Sauna" },
            { name = "Annex door", place = "Annex" },
            { name = "Office" },
        ]
        groups = [
            { name = "Gym", locks = ["Front door"] },
            { name = "Spa", locks = ["Front door", "Sauna", "Annex door"] },
            { name = "Cards", locks = ["Office"], login_enabled = false },
            { name = "Empty" },
        ]
        "#,
    )
    .unwrap();
    let knobs = world.sim.knobs();
    world.sim.reseed(&seed).unwrap();
    world.sim.set_knobs(knobs);
    let key = world.sim.key();
    world.use_key(&key);
    world.connect(settings).unwrap();
    world
        .map(&[("basic", &["Gym"]), ("gold", &["Gym", "Spa"]), ("cards", &["Cards"]), ("empty", &["Empty"])])
        .unwrap();
    world.sim.clear_journal();
    world
}

/// The same with Ann in it, who has this plan.
pub(crate) fn with_ann(plan: &str) -> World {
    let world = gym(Knobs::default());
    world.directory.insert(member(ANN, vec![membership("ms-1", plan)]));
    world.settle(ANN);
    world.calls();
    world
}

const PHONE_UNKNOWN: Device = Device { bluetooth: None, location: None, signed_in: None };

fn explain(world: &World, member: &str) -> Explanation {
    let explained = world.runtime.block_on(world.tenant().explain(member, PHONE_UNKNOWN, false));
    let explained = explained.unwrap().unwrap();
    assert_eq!(world.calls(), Vec::<String>::new(), "explaining asks nobody");
    explained
}

fn verify(world: &World, member: &str) -> Explanation {
    let before = world.storage.entries();
    let explained = world.runtime.block_on(world.tenant().explain(member, PHONE_UNKNOWN, true));
    let calls = world.calls();
    assert!(calls.len() <= 2 && calls.iter().all(|call| call.starts_with("GET ")), "{calls:#?}");
    assert_eq!(world.storage.entries(), before, "verifying changes nothing");
    explained.unwrap().unwrap()
}

fn causes(explained: &Explanation) -> Vec<Cause> {
    explained.alerts.iter().map(|alert| alert.reason.cause).collect()
}

fn doors(explained: &Explanation) -> Vec<&str> {
    explained.doors.iter().map(|door| door.name.as_str()).collect()
}

fn change(world: &World, change: impl FnOnce(&mut door_access_host::contract::types::Member)) {
    assert!(world.directory.update(ANN, change), "the member exists");
}

#[test]
fn connecting_reads_which_doors_are_in_each_group_that_has_any() {
    let world = gym(Knobs::default());
    world.connect(SETTINGS).unwrap();
    let calls = world.calls();
    let of_groups: Vec<&String> = calls.iter().filter(|call| call.contains("/group_locks")).collect();
    assert_eq!((calls.len(), of_groups.len()), (8, 3), "five and one a group with doors: {calls:#?}");
}

#[test]
fn a_member_in_order_is_told_which_doors_open_and_until_when() {
    let world = with_ann("gold");
    let explained = explain(&world, ANN);
    assert_eq!((explained.verdict, causes(&explained)), (Verdict::Yes, Vec::new()));
    assert_eq!(doors(&explained), ["Front door", "Sauna", "Annex door"]);
    assert_eq!(explained.doors[2].place.as_deref(), Some("Annex"));
    assert_eq!(explained.until, None);
    let groups: Vec<&str> = explained.groups.iter().map(|grant| grant.group.name.as_str()).collect();
    assert_eq!(groups, ["Gym", "Spa"]);
    change(&world, |ann| ann.memberships[0].ends_at = Some(START + DAY));
    world.settle(ANN);
    world.calls();
    assert_eq!(explain(&world, ANN).until, Some(START + DAY));
}

#[test]
fn what_takes_access_is_told_before_its_event_and_what_settles_it_gives_it_back() {
    type Change = fn(&mut door_access_host::contract::types::Member);
    let cases: [(Cause, Remedy, Change, Change); 7] = [
        (
            Cause::PaymentMissed,
            Remedy::Pay,
            |ann| ann.memberships[0].payment = Payment::Overdue(START),
            |ann| ann.memberships[0].payment = Payment::Paid,
        ),
        (
            Cause::Paused,
            Remedy::Resume,
            |ann| ann.memberships[0].status = MembershipStatus::Frozen,
            |ann| ann.memberships[0].status = MembershipStatus::Active,
        ),
        (
            Cause::NotStarted,
            Remedy::Wait,
            |ann| ann.memberships[0].starts_at = Some(START + DAY),
            |ann| ann.memberships[0].starts_at = None,
        ),
        (
            Cause::Cancelled,
            Remedy::Buy,
            |ann| ann.memberships[0].status = MembershipStatus::Cancelled,
            |ann| ann.memberships.push(membership("ms-2", "gold")),
        ),
        (
            Cause::PlanWithoutAccess,
            Remedy::ChangePlan,
            |ann| ann.memberships[0].plan = "towel".to_string(),
            |ann| ann.memberships[0].plan = "gold".to_string(),
        ),
        (
            Cause::Blocked,
            Remedy::AskStaff,
            |ann| ann.status = MemberStatus::Blocked,
            |ann| ann.status = MemberStatus::Active,
        ),
        (
            Cause::MissingEmail,
            Remedy::ChangeEmail,
            |ann| ann.email = None,
            |ann| ann.email = Some(EMAIL.to_string()),
        ),
    ];
    for (cause, remedy, takes, settles) in cases {
        let world = with_ann("gold");
        change(&world, takes);
        for event in ["before", "after"] {
            let explained = explain(&world, ANN);
            assert_eq!(
                (explained.verdict, causes(&explained)),
                (Verdict::No, vec![cause]),
                "{event} its event"
            );
            assert_eq!(explained.alerts[0].reason.remedy, remedy);
            assert_eq!((doors(&explained).len(), explained.until), (0, None));
            world.settle(ANN);
            world.calls();
        }
        change(&world, settles);
        world.settle(ANN);
        world.calls();
        let explained = explain(&world, ANN);
        assert_eq!((explained.verdict, causes(&explained)), (Verdict::Yes, Vec::new()), "after {cause:?}");
        assert_eq!(doors(&explained).len(), 3, "after {cause:?}");
    }
}

#[test]
fn who_is_not_known_or_shares_an_address_is_told_so() {
    let world = with_ann("gold");
    assert_eq!(causes(&explain(&world, "nobody")), [Cause::UnknownMember]);
    world.directory.remove(ANN);
    assert_eq!(causes(&explain(&world, ANN)), [Cause::UnknownMember]);
    let world = with_ann("gold");
    let mut amy = member("amy", vec![membership("ms-2", "basic")]);
    amy.email = Some(EMAIL.to_string());
    world.directory.insert(amy);
    let explained = explain(&world, "amy");
    assert_eq!((explained.verdict, causes(&explained)), (Verdict::No, vec![Cause::EmailInUse]));
}

#[test]
fn what_kisi_does_not_know_yet_is_told_until_the_event_came() {
    let world = gym(Knobs::default());
    world.directory.insert(member(ANN, vec![membership("ms-1", "gold")]));
    let explained = explain(&world, ANN);
    assert_eq!((explained.verdict, causes(&explained)), (Verdict::No, vec![Cause::NotYetInProvider]));
    world.settle(ANN);
    world.calls();
    assert_eq!(explain(&world, ANN).verdict, Verdict::Yes);
    let report =
        r#"{"integration":{"identifier":"Test Gym","contact":"doors@gym.test"},"missing_user":"report"}"#;
    let world = gym_with(report, Knobs::default());
    world.directory.insert(member(ANN, vec![membership("ms-1", "gold")]));
    world.settle(ANN);
    world.calls();
    assert_eq!(causes(&explain(&world, ANN)), [Cause::NoAccount]);
}

#[test]
fn groups_that_do_not_open_from_the_app_or_at_all_are_told() {
    let explained = explain(&with_ann("cards"), ANN);
    assert_eq!((explained.verdict, causes(&explained)), (Verdict::Limited, vec![Cause::AppAccessOff]));
    assert_eq!((doors(&explained).len(), explained.groups.len()), (0, 1));
    let explained = explain(&with_ann("empty"), ANN);
    assert_eq!((explained.verdict, causes(&explained)), (Verdict::No, vec![Cause::GroupWithoutDoors]));
    let world = with_ann("gold");
    world.sim.delete_group(world.sim.state().group_by_name("Spa").unwrap().id);
    world.runtime.block_on(world.tenant().refresh_groups()).unwrap().unwrap();
    world.calls();
    let explained = explain(&world, ANN);
    assert_eq!((explained.verdict, causes(&explained)), (Verdict::Limited, vec![Cause::GroupDeleted]));
    assert_eq!(doors(&explained), ["Front door"]);
}

#[test]
fn a_paused_plugin_answers_from_its_records() {
    let world = with_ann("gold");
    world.sim.revoke_key(&world.sim.key());
    change(&world, |ann| ann.memberships[0].ends_at = Some(START + DAY));
    world.deliver(ANN).unwrap_err();
    world.calls();
    for verify in [false, true] {
        let asked = world.runtime.block_on(world.tenant().explain(ANN, PHONE_UNKNOWN, verify));
        let explained = asked.unwrap().unwrap();
        assert_eq!((explained.verdict, causes(&explained)), (Verdict::Yes, vec![Cause::ProviderPaused]));
        assert_eq!(explained.alerts[0].reason.remedy, Remedy::AskAdministrator);
        assert_eq!(world.calls(), Vec::<String>::new());
    }
    let fresh = World::new(Arm::Component, Knobs::default(), &[], &[]);
    let asked = fresh.runtime.block_on(fresh.tenant().explain(ANN, PHONE_UNKNOWN, false)).unwrap();
    assert!(matches!(asked, Err(Error { demand: Demand::Pause(PauseCause::NotConnected), .. })));
}

#[test]
fn a_key_that_is_refused_while_verifying_pauses_the_plugin() {
    let world = with_ann("gold");
    world.sim.revoke_key(&world.sim.key());
    let asked = world.runtime.block_on(world.tenant().explain(ANN, PHONE_UNKNOWN, true)).unwrap();
    assert!(matches!(asked, Err(Error { demand: Demand::Pause(PauseCause::KeyRejected), .. })));
    assert_eq!(world.calls().len(), 1);
    assert_eq!(causes(&explain(&world, ANN)), [Cause::ProviderPaused]);
}

#[test]
fn the_phone_and_an_invitation_that_waits_are_told() {
    let world = with_ann("gold");
    let phone = Device { bluetooth: Some(false), location: Some(false), signed_in: Some(false) };
    let explained = world.runtime.block_on(world.tenant().explain(ANN, phone, false)).unwrap().unwrap();
    let told = [Cause::InvitationPending, Cause::BluetoothOff, Cause::LocationOff];
    assert_eq!((explained.verdict, causes(&explained)), (Verdict::Limited, told.to_vec()));
    // Nobody knows about the app, and Kisi says that Ann was never at a door.
    let explained = verify(&world, ANN);
    assert_eq!((explained.verdict, causes(&explained)), (Verdict::Yes, vec![Cause::InvitationPending]));
}

#[test]
fn verifying_tells_each_difference_and_changes_nothing() {
    // An account that was there before: no invitation waits.
    let world = gym(Knobs::default());
    let user = world.sim.add_user("Ann", EMAIL);
    world.directory.insert(member(ANN, vec![membership("ms-1", "gold")]));
    world.settle(ANN);
    world.calls();
    assert_eq!(causes(&verify(&world, ANN)), []);

    let state = world.sim.state();
    let spa = state.group_by_name("Spa").unwrap().id;
    let held = state.role_assignments_of(user).find(|row| row.applies_to_id == spa).unwrap().id;
    world.sim.unassign(held);
    world.sim.assign(user, state.group_by_name("Empty").unwrap().id, "group_basic");
    let explained = verify(&world, ANN);
    assert_eq!(causes(&explained), [Cause::ProviderDiffers, Cause::ProviderDiffers]);
    assert_eq!((explained.verdict, doors(&explained)), (Verdict::Limited, vec!["Front door"]));
    assert_eq!(explained.alerts[0].group.as_ref().unwrap().name, "Spa");
    assert_eq!(doors(&explain(&world, ANN)).len(), 3, "without asking nothing of it is known");

    world.sim.set_user_access_enabled(user, false);
    let explained = verify(&world, ANN);
    let reason = &explained.alerts[0].reason;
    assert!(reason.for_staff.contains("suspended"), "{reason:?}");
    assert_eq!(reason.remedy, Remedy::AskAdministrator, "no reconciliation turns it on again");
    assert_eq!((explained.verdict, doors(&explained).len()), (Verdict::No, 0));
    world.sim.delete_user(user);
    let explained = verify(&world, ANN);
    assert_eq!((explained.verdict, causes(&explained)), (Verdict::No, vec![Cause::ProviderDiffers]));
}

#[test]
fn restricted_hours_are_not_known_to_an_explanation() {
    let world = with_ann("basic");
    let group = world.sim.state().group_by_name("Gym").unwrap().id;
    let hours = AccessHours::new("06:00", "07:00").unwrap();
    world.sim.set_group_access_hours(group, Some(hours));
    world.runtime.block_on(world.tenant().refresh_groups()).unwrap().unwrap();
    world.calls();
    assert_eq!(explain(&world, ANN).verdict, Verdict::Yes);
}
