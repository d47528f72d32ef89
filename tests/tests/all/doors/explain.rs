//! Whether a member may enter: what `access.explain` says beside what the simulated Kisi does at the door, and how access
//! comes back. The table of all alerts is the plugin's own test.

use door_access_host::contract::access::{Cause, Device, Explanation, Remedy, Verdict};
use door_access_host::contract::types::{
    Demand, Error, Member, MemberStatus, MembershipStatus, PauseCause, Payment,
};
use door_access_testkit::{DAY, NO_DEVICE, SETTINGS, START, World, member, membership, settings, with_email};
use kisi_sim::AccessHours;

const ANN: &str = "ann";
const EMAIL: &str = "ann@gym.test";

fn explain(world: &World, member: &str) -> Explanation {
    let explained = world.explain(member);
    assert_eq!(world.calls(), Vec::<String>::new(), "explaining sends no request");
    explained
}

fn verify(world: &World, member: &str) -> Explanation {
    let before = world.storage.entries();
    let explained = world.run(world.tenant().explain(member, NO_DEVICE, true));
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

fn change(world: &World, change: impl FnOnce(&mut Member)) {
    assert!(world.directory.update(ANN, change), "the member exists");
}

#[test]
fn connecting_reads_which_doors_are_in_each_group_that_has_any() {
    let world = World::with_doors(SETTINGS);
    world.connect(SETTINGS).unwrap();
    let calls = world.calls();
    let of_groups: Vec<&String> = calls.iter().filter(|call| call.contains("/group_locks")).collect();
    assert_eq!((calls.len(), of_groups.len()), (8, 3), "five and one a group with doors: {calls:#?}");
}

#[test]
fn a_member_in_good_standing_is_told_which_doors_open_and_until_when() {
    let world = World::with_doors_for_ann("gold");
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
fn a_change_that_takes_access_is_explained_before_its_event_and_its_remedy_gives_access_back() {
    type Change = fn(&mut Member);
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
        let world = World::with_doors_for_ann("gold");
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
fn an_unknown_member_and_one_who_shares_an_address_are_told_the_reason() {
    let world = World::with_doors_for_ann("gold");
    assert_eq!(causes(&explain(&world, "nobody")), [Cause::UnknownMember]);
    world.directory.remove(ANN);
    assert_eq!(causes(&explain(&world, ANN)), [Cause::UnknownMember]);
    let world = World::with_doors_for_ann("gold");
    world.directory.insert(with_email("amy", EMAIL, "basic"));
    let explained = explain(&world, "amy");
    assert_eq!((explained.verdict, causes(&explained)), (Verdict::No, vec![Cause::EmailInUse]));
}

#[test]
fn a_member_whom_kisi_does_not_have_yet_is_told_so_until_the_event() {
    let world = World::with_doors(SETTINGS);
    world.directory.insert(member(ANN, vec![membership("ms-1", "gold")]));
    let explained = explain(&world, ANN);
    assert_eq!((explained.verdict, causes(&explained)), (Verdict::No, vec![Cause::NotYetInProvider]));
    world.settle(ANN);
    world.calls();
    assert_eq!(explain(&world, ANN).verdict, Verdict::Yes);
    let world = World::with_doors(&settings(r#""missing_user":"report""#));
    world.directory.insert(member(ANN, vec![membership("ms-1", "gold")]));
    world.settle(ANN);
    world.calls();
    assert_eq!(causes(&explain(&world, ANN)), [Cause::NoAccount]);
}

#[test]
fn a_group_without_app_access_without_doors_or_deleted_is_named_as_the_reason() {
    let explained = explain(&World::with_doors_for_ann("cards"), ANN);
    assert_eq!((explained.verdict, causes(&explained)), (Verdict::Limited, vec![Cause::AppAccessOff]));
    assert_eq!((doors(&explained).len(), explained.groups.len()), (0, 1));
    let explained = explain(&World::with_doors_for_ann("empty"), ANN);
    assert_eq!((explained.verdict, causes(&explained)), (Verdict::No, vec![Cause::GroupWithoutDoors]));
    let world = World::with_doors_for_ann("gold");
    world.sim.delete_group(world.group("Spa"));
    world.refresh_groups();
    world.calls();
    let explained = explain(&world, ANN);
    assert_eq!((explained.verdict, causes(&explained)), (Verdict::Limited, vec![Cause::GroupDeleted]));
    assert_eq!(doors(&explained), ["Front door"]);
}

#[test]
fn a_paused_plugin_answers_from_its_records() {
    let world = World::with_doors_for_ann("gold");
    world.sim.revoke_key(&world.sim.key());
    change(&world, |ann| ann.memberships[0].ends_at = Some(START + DAY));
    world.deliver(ANN).unwrap_err();
    world.calls();
    for verify in [false, true] {
        let explained = world.answer(world.tenant().explain(ANN, NO_DEVICE, verify)).unwrap();
        assert_eq!((explained.verdict, causes(&explained)), (Verdict::Yes, vec![Cause::ProviderPaused]));
        assert_eq!(explained.alerts[0].reason.remedy, Remedy::AskAdministrator);
        assert_eq!(world.calls(), Vec::<String>::new());
    }
    let fresh = World::builder().build();
    let asked = fresh.answer(fresh.tenant().explain(ANN, NO_DEVICE, false));
    assert!(matches!(asked, Err(Error { demand: Demand::Pause(PauseCause::NotConnected), .. })));
}

#[test]
fn a_key_that_is_refused_while_verifying_pauses_the_plugin() {
    let world = World::with_doors_for_ann("gold");
    world.sim.revoke_key(&world.sim.key());
    let asked = world.answer(world.tenant().explain(ANN, NO_DEVICE, true));
    assert!(matches!(asked, Err(Error { demand: Demand::Pause(PauseCause::KeyRejected), .. })));
    assert_eq!(world.calls().len(), 1);
    assert_eq!(causes(&explain(&world, ANN)), [Cause::ProviderPaused]);
}

#[test]
fn the_phone_and_an_open_invitation_are_explained() {
    let world = World::with_doors_for_ann("gold");
    let phone = Device { bluetooth: Some(false), location: Some(false), signed_in: Some(false) };
    let explained = world.answer(world.tenant().explain(ANN, phone, false)).unwrap();
    let told = [Cause::InvitationPending, Cause::BluetoothOff, Cause::LocationOff];
    assert_eq!((explained.verdict, causes(&explained)), (Verdict::Limited, told.to_vec()));
    // Nothing is known of the app, and Kisi says that Ann was never at a door.
    let explained = verify(&world, ANN);
    assert_eq!((explained.verdict, causes(&explained)), (Verdict::Yes, vec![Cause::InvitationPending]));
}

#[test]
fn verifying_reports_each_difference_and_changes_nothing() {
    // An account that was there before: no invitation waits.
    let world = World::with_doors(SETTINGS);
    let user = world.sim.add_user("Ann", EMAIL);
    world.directory.insert(member(ANN, vec![membership("ms-1", "gold")]));
    world.settle(ANN);
    world.calls();
    assert_eq!(causes(&verify(&world, ANN)), []);

    let spa = world.group("Spa");
    let held = world.rows_of(EMAIL).into_iter().find(|row| row.applies_to_id == spa).unwrap();
    world.sim.unassign(held.id);
    world.by_hand(EMAIL, &["Empty"]);
    let explained = verify(&world, ANN);
    assert_eq!(causes(&explained), [Cause::ProviderDiffers, Cause::ProviderDiffers]);
    assert_eq!((explained.verdict, doors(&explained)), (Verdict::Limited, vec!["Front door"]));
    assert_eq!(explained.alerts[0].group.as_ref().unwrap().name, "Spa");
    assert_eq!(doors(&explain(&world, ANN)).len(), 3, "without a request the difference is not known");

    world.sim.set_user_access_enabled(user, false);
    let explained = verify(&world, ANN);
    let reason = &explained.alerts[0].reason;
    assert!(reason.for_staff.contains("suspended"), "{reason:?}");
    assert_eq!(reason.remedy, Remedy::AskAdministrator, "no sync turns it on again");
    assert_eq!((explained.verdict, doors(&explained).len()), (Verdict::No, 0));
    world.sim.delete_user(user);
    let explained = verify(&world, ANN);
    assert_eq!((explained.verdict, causes(&explained)), (Verdict::No, vec![Cause::ProviderDiffers]));
}

#[test]
fn restricted_hours_are_not_known_to_an_explanation() {
    let world = World::with_doors_for_ann("basic");
    let hours = AccessHours::new("06:00", "07:00").unwrap();
    world.sim.set_group_access_hours(world.group("Gym"), Some(hours));
    world.refresh_groups();
    world.calls();
    assert_eq!(explain(&world, ANN).verdict, Verdict::Yes);
}
