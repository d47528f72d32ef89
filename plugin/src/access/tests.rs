//! Every alert and the three verdicts: a member with full access, changed in one way at a time.

use super::*;
use crate::contract::types::Payment;
use crate::entitlement::tests::membership;
use crate::id::AssignmentId;
use crate::mapping::{Entry, MappedGroup};
use crate::tenant::Door;

const NOW: Timestamp = 1_000_000;
const LATER: Timestamp = NOW + 5_000;
const ANN: UserId = UserId(901);
const GYM: GroupId = GroupId(1);
const SPA: GroupId = GroupId(2);
const FRONT: DoorId = DoorId(11);
const SAUNA: DoorId = DoorId(12);
const GATE: DoorId = DoorId(13);

/// The inputs that a test may change.
#[derive(Clone)]
struct World {
    member: Option<Member>,
    record: Record,
    email_is_anothers: bool,
    groups: Groups,
    mappings: Mappings,
    settings: Settings,
    is_paused: bool,
    seen: Option<Seen>,
    device: Device,
}

/// Ann has the plan `gold`, which opens the gym and the spa, and is in both groups.
fn world() -> World {
    let group = |id, name: &str, door_ids: &[DoorId]| Group {
        id,
        name: name.to_string(),
        place: None,
        doors: u32::try_from(door_ids.len()).unwrap(),
        app_access: true,
        restricted: false,
        door_ids: door_ids.to_vec(),
    };
    let door = |id, name: &str| Door { id, name: name.to_string(), place: String::new() };
    let entry = |plan: &str, group| Entry { plan: plan.to_string(), group, location: None };
    let mapped = |id, name: &str| MappedGroup { id, name: name.to_string(), deleted: false };
    let account = Account { user: ANN, email: "ann@x.test".to_string(), name: None };
    World {
        member: Some(Member {
            id: "ann".to_string(),
            name: "Ann".to_string(),
            email: Some("Ann@x.test".to_string()),
            status: MemberStatus::Active,
            memberships: vec![membership("ms-1", "gold")],
        }),
        record: Record {
            account: Some(account),
            holds: vec![hold(GYM, 51), hold(SPA, 52)],
            ..Record::default()
        },
        email_is_anothers: false,
        groups: Groups {
            refreshed_at: 0,
            groups: vec![group(GYM, "Gym", &[FRONT]), group(SPA, "Spa", &[FRONT, SAUNA])],
            doors: vec![door(FRONT, "Front"), door(SAUNA, "Sauna"), door(GATE, "Gate")],
            ..Groups::default()
        },
        mappings: Mappings {
            entries: vec![entry("basic", GYM), entry("gold", GYM), entry("gold", SPA)],
            groups: vec![mapped(GYM, "Gym"), mapped(SPA, "Spa")],
            plans: Vec::new(),
        },
        settings: Settings::parse(r#"{"integration":{"identifier":"G","contact":"g@x.test"}}"#).unwrap(),
        is_paused: false,
        seen: None,
        device: Device { bluetooth: None, location: None, signed_in: None },
    }
}

fn hold(group: GroupId, assignment: u64) -> Hold {
    let state = State::Held { assignment: AssignmentId(assignment) };
    Hold { user: ANN, group, window: Window::default(), state }
}

fn row(id: u64, group: GroupId) -> RoleAssignment {
    RoleAssignment {
        id: AssignmentId(id),
        role_id: "group_basic".to_string(),
        applies_to_type: "Group".to_string(),
        applies_to_id: Some(group.0),
        name: String::new(),
        assignee_type: "User".to_string(),
        assignee_id: Some(ANN.0),
        assignee_email: String::new(),
        assignee_name: String::new(),
        valid_from: None,
        valid_until: None,
        created_at: None,
    }
}

fn seen(rows: Vec<RoleAssignment>) -> Seen {
    Seen { user: ANN, presence: Some(Presence { is_suspended: false, has_entered: true }), rows }
}

impl World {
    fn facts(&self) -> Facts<'_> {
        Facts {
            member: self.member.as_ref(),
            record: &self.record,
            email_is_anothers: self.email_is_anothers,
            groups: &self.groups,
            mappings: &self.mappings,
            settings: &self.settings,
            is_paused: self.is_paused,
            seen: self.seen.as_ref(),
            device: self.device,
            now: NOW,
        }
    }

    fn ms(&mut self) -> &mut Membership {
        &mut self.member.as_mut().unwrap().memberships[0]
    }

    fn add(&mut self, id: &str, plan: &str) -> &mut Membership {
        let memberships = &mut self.member.as_mut().unwrap().memberships;
        memberships.push(membership(id, plan));
        memberships.last_mut().unwrap()
    }
}

/// Checks the decision for the world after `change`: the verdict, the causes in their order (in brackets those that
/// keep nothing shut), and the number of doors that open.
fn check(
    what: &str,
    change: impl FnOnce(&mut World),
    verdict: Verdict,
    causes: &str,
    doors: usize,
) -> Access {
    let mut world = world();
    change(&mut world);
    let access = access(&world.facts());
    let told: Vec<String> = access
        .alerts
        .iter()
        .map(
            |alert| if alert.hinders { format!("{:?}", alert.cause) } else { format!("({:?})", alert.cause) },
        )
        .map(|cause| cause.replace("Cause::", ""))
        .collect();
    assert_eq!(
        (access.verdict, told.join(" ").as_str(), access.doors.len()),
        (verdict, causes, doors),
        "{what}"
    );
    for alert in &access.alerts {
        let told = explain::alert::alert(alert, &world.mappings);
        for sentence in [&told.reason.for_member, &told.reason.for_staff] {
            assert!(sentence.ends_with('.') && sentence.len() > 10, "{what}: {sentence:?}");
        }
    }
    access
}

const YES: Verdict = Verdict::Yes;
const LIMITED: Verdict = Verdict::Limited;
const NO: Verdict = Verdict::No;

#[test]
fn a_member_with_full_access_gets_no_alert() {
    let access = check("as it is", |_| {}, YES, "", 2);
    assert_eq!(access.open, [(GYM, Window::default()), (SPA, Window::default())]);
    check(
        "the app says all is well",
        |w| {
            w.device = Device { bluetooth: Some(true), location: Some(true), signed_in: Some(true) };
        },
        YES,
        "",
        2,
    );
}

#[test]
fn each_state_of_the_only_membership_has_its_alert() {
    check("unpaid", |w| w.ms().payment = Payment::Overdue(5), NO, "PaymentMissed", 0);
    check("paused", |w| w.ms().status = MembershipStatus::Frozen, NO, "Paused", 0);
    let paused = |w: &mut World| {
        w.ms().status = MembershipStatus::Frozen;
        w.ms().frozen_until = Some(LATER);
    };
    assert_eq!(check("paused until", paused, NO, "Paused", 0).alerts[0].at, Some(LATER));
    let starts = check("starts later", |w| w.ms().starts_at = Some(LATER), NO, "NotStarted", 0);
    assert_eq!((starts.alerts[0].at, starts.alerts[0].membership.as_deref()), (Some(LATER), Some("ms-1")));
    check("cancelled", |w| w.ms().status = MembershipStatus::Cancelled, NO, "Cancelled", 0);
    check("expired", |w| w.ms().ends_at = Some(NOW), NO, "Expired", 0);
    check("no such plan", |w| w.ms().plan = "towel".to_string(), NO, "PlanWithoutAccess", 0);
    check("none", |w| w.member.as_mut().unwrap().memberships.clear(), NO, "NoMembership", 0);
}

#[test]
fn a_payment_within_its_grace_is_reported_with_the_end_of_the_grace() {
    let within = |w: &mut World| {
        w.settings.grace_days = 1;
        w.ms().payment = Payment::Overdue(NOW);
    };
    let access = check("within the grace", within, YES, "(PaymentMissed)", 2);
    let end = Some(NOW + 24 * 60 * 60 * 1_000);
    assert_eq!((access.alerts[0].at, access.open[0].1.ends_at), (end, end));
}

#[test]
fn a_membership_that_would_give_nothing_more_is_not_reported() {
    check("an old one beside", |w| w.add("ms-0", "gold").status = MembershipStatus::Expired, YES, "", 2);
    check("a paused one beside", |w| w.add("ms-0", "gold").status = MembershipStatus::Frozen, YES, "", 2);
    check("an unpaid one beside", |w| w.add("ms-0", "basic").payment = Payment::Overdue(5), YES, "", 2);
    check("the next one beside", |w| w.add("ms-2", "gold").starts_at = Some(LATER), YES, "", 2);
    check(
        "towels beside",
        |w| {
            w.add("ms-2", "towel");
        },
        YES,
        "",
        2,
    );
    // It would give more than the member has.
    let more = |w: &mut World| {
        w.ms().plan = "basic".to_string();
        w.record.holds.pop();
        w.add("ms-0", "gold").status = MembershipStatus::Frozen;
    };
    check("a paused one with more", more, LIMITED, "Paused", 1);
    let ended = |w: &mut World| {
        w.ms().plan = "basic".to_string();
        w.record.holds.pop();
        w.add("ms-0", "gold").status = MembershipStatus::Cancelled;
    };
    check("an ended one with more", ended, YES, "", 1);
}

#[test]
fn of_ended_memberships_only_the_last_is_reported_and_only_without_another_reason() {
    let two = |w: &mut World| {
        w.ms().ends_at = Some(5);
        w.add("ms-2", "basic").ends_at = Some(7);
        w.add("ms-3", "basic").ends_at = Some(6);
    };
    assert_eq!(check("three", two, NO, "Expired", 0).alerts[0].membership.as_deref(), Some("ms-2"));
    let paused = |w: &mut World| {
        w.ms().ends_at = Some(5);
        w.add("ms-2", "basic").status = MembershipStatus::Frozen;
        w.add("ms-3", "towel");
    };
    check("beside a paused one", paused, NO, "Paused", 0);
    let towel = |w: &mut World| {
        w.ms().ends_at = Some(5);
        w.add("ms-3", "towel");
    };
    check("beside towels", towel, NO, "Expired PlanWithoutAccess", 0);
}

#[test]
fn reasons_about_the_member_come_first() {
    check("unknown", |w| w.member = None, NO, "UnknownMember", 0);
    check("blocked", |w| w.member.as_mut().unwrap().status = MemberStatus::Blocked, NO, "Blocked", 0);
    let nobody = |w: &mut World| w.member.as_mut().unwrap().email = Some("  ".to_string());
    check("no address", nobody, NO, "MissingEmail", 0);
    let shared = |w: &mut World| {
        w.record = Record::default();
        w.email_is_anothers = true;
    };
    check("a shared address", shared, NO, "EmailInUse", 0);
    let everything = |w: &mut World| {
        nobody(w);
        w.device.bluetooth = Some(false);
        w.add("ms-2", "basic").status = MembershipStatus::Frozen;
        w.ms().starts_at = Some(LATER);
    };
    check("several", everything, NO, "MissingEmail Paused NotStarted BluetoothOff", 0);
}

#[test]
fn a_group_that_kisi_does_not_have_yet_is_reported() {
    let one = check("one group", |w| w.record.holds.truncate(1), LIMITED, "NotYetInProvider", 1);
    assert_eq!(one.alerts[0].group, Some(SPA));
    let begun = |w: &mut World| w.record.holds[1].state = State::Granting { at: 5 };
    check("an unfinished one", begun, LIMITED, "NotYetInProvider", 1);
    let going = |w: &mut World| w.record.holds[1].state = State::Revoking { assignment: AssignmentId(52) };
    check("one being removed", going, LIMITED, "NotYetInProvider", 1);
    check("nobody", |w| w.record = Record::default(), NO, "NotYetInProvider", 0);
    let report = |w: &mut World| {
        w.record = Record::default();
        w.settings.missing_user = MissingUser::Report;
    };
    check("where no accounts are created", report, NO, "NoAccount", 0);
    // A grant that memberships no longer give is not access, even while Kisi still has it.
    check("not removed yet", |w| w.ms().status = MembershipStatus::Frozen, NO, "Paused", 0);
    let ends = |w: &mut World| w.record.holds[1].window.ends_at = Some(NOW);
    check("ended in Kisi", ends, LIMITED, "NotYetInProvider", 1);
    let moved = |w: &mut World| w.member.as_mut().unwrap().email = Some("new@x.test".to_string());
    check("a new address", moved, YES, "(NotYetInProvider)", 2);
}

#[test]
fn groups_that_open_nothing_are_reported() {
    check("no doors", |w| w.groups.groups[1].doors = 0, YES, "(GroupWithoutDoors)", 2);
    let none = |w: &mut World| {
        w.ms().plan = "basic".to_string();
        w.groups.groups[0].doors = 0;
        w.groups.groups[0].door_ids.clear();
    };
    check("no doors at all", none, NO, "GroupWithoutDoors", 0);
    check("no app in the spa", |w| w.groups.groups[1].app_access = false, LIMITED, "AppAccessOff", 1);
    check("no app in the gym", |w| w.groups.groups[0].app_access = false, YES, "(AppAccessOff)", 2);
    let cards = |w: &mut World| w.groups.groups.iter_mut().for_each(|group| group.app_access = false);
    check("cards alone", cards, LIMITED, "AppAccessOff AppAccessOff", 0);
    let deleted = |w: &mut World| w.mappings.mark_deleted(SPA);
    check("a deleted group", deleted, LIMITED, "GroupDeleted", 1);
    let ended = |w: &mut World| {
        w.mappings.mark_deleted(SPA);
        w.ms().status = MembershipStatus::Expired;
    };
    check("of an ended membership", ended, NO, "Expired", 0);
    check("paused", |w| w.is_paused = true, YES, "(ProviderPaused)", 2);
}

#[test]
fn only_known_facts_about_the_phone_are_reported() {
    check("Bluetooth", |w| w.device.bluetooth = Some(false), LIMITED, "BluetoothOff", 2);
    check("location", |w| w.device.location = Some(false), LIMITED, "LocationOff", 2);
    check("signed out", |w| w.device.signed_in = Some(false), LIMITED, "AppSignedOut", 2);
    let invited = |w: &mut World| w.record.account.as_mut().unwrap().name = Some(1);
    let signed_out = |w: &mut World| {
        invited(w);
        w.device.signed_in = Some(false);
    };
    check("invited", signed_out, LIMITED, "InvitationPending", 2);
    check("invited, app unknown", invited, YES, "", 2);
    let managed = |w: &mut World| {
        signed_out(w);
        w.settings.invitation = Invitation::Managed;
    };
    check("no mail", managed, LIMITED, "AppSignedOut", 2);
    let blocked = |w: &mut World| {
        w.device.bluetooth = Some(false);
        w.member.as_mut().unwrap().status = MemberStatus::Blocked;
    };
    check("blocked", blocked, NO, "Blocked", 0);
}

#[test]
fn differences_in_kisi_count_and_are_reported() {
    let rows = || vec![row(51, GYM), row(52, SPA)];
    let with = |rows: Vec<RoleAssignment>| move |w: &mut World| w.seen = Some(seen(rows));
    check("the same", with(rows()), YES, "", 2);
    check("one is gone", with(vec![row(51, GYM)]), LIMITED, "ProviderDiffers", 1);
    let mut dated = rows();
    dated[1].valid_until = Some("2030-01-01T00:00:00Z".to_string());
    check("other dates", with(dated.clone()), YES, "(ProviderDiffers)", 2);
    dated[1].valid_until = Some("1970-01-01T00:00:01Z".to_string());
    check("over", with(dated), LIMITED, "ProviderDiffers", 1);
    let mut more = rows();
    more.push(row(53, SPA));
    check("one by hand", with(more), YES, "(ProviderDiffers)", 2);
    check(
        "another in its place",
        with(vec![row(51, GYM), row(53, SPA)]),
        YES,
        "(ProviderDiffers) (ProviderDiffers)",
        2,
    );
    let mut manager = rows();
    manager[1].role_id = "group_manager".to_string();
    manager[1].id = AssignmentId(54);
    check("a manager instead", with(manager), YES, "(ProviderDiffers) (ProviderDiffers)", 2);
    let gone = |w: &mut World| w.seen = Some(Seen { presence: None, ..seen(Vec::new()) });
    check("deleted", gone, NO, "ProviderDiffers", 0);
    let gone_and_not_made = |w: &mut World| {
        gone(w);
        w.settings.missing_user = MissingUser::Report;
    };
    check("deleted, and staff adds people", gone_and_not_made, NO, "NoAccount", 0);
    let owes_and_gone = |w: &mut World| {
        gone(w);
        w.record.holds.clear();
        w.member.as_mut().unwrap().memberships[0].payment = Payment::Overdue(0);
    };
    check("deleted, and nothing is missing", owes_and_gone, NO, "PaymentMissed", 0);
    let suspended = |w: &mut World| {
        let presence = Presence { is_suspended: true, has_entered: true };
        w.seen = Some(Seen { presence: Some(presence), ..seen(rows()) });
    };
    check("suspended", suspended, NO, "ProviderDiffers", 0);
    let never = |w: &mut World| {
        w.record.account.as_mut().unwrap().name = Some(1);
        let presence = Presence { is_suspended: false, has_entered: false };
        w.seen = Some(Seen { presence: Some(presence), ..seen(rows()) });
    };
    check("never entered", never, YES, "(InvitationPending)", 2);
}

#[test]
fn a_higher_role_opens_doors_too() {
    let manager = |w: &mut World| {
        w.record.holds.pop();
        let role = "group_manager".to_string();
        w.record.elevated.push(crate::ledger::Elevated { user: ANN, group: SPA, role, seen_at: NOW });
    };
    check("a manager", manager, YES, "", 2);
}

#[test]
fn a_door_opens_only_for_members_of_its_groups() {
    let refused = |what: &str, change: &dyn Fn(&mut World), door: DoorId| {
        let mut world = world();
        change(&mut world);
        let facts = world.facts();
        let refused = access(&facts).refuses(&facts, door).map(|alert| alert.cause);
        println!("{what}: {refused:?}");
        refused
    };
    assert_eq!(refused("as it is", &|_| {}, SAUNA), None);
    assert_eq!(refused("another door", &|_| {}, GATE), Some(Cause::OtherDoor));
    assert_eq!(
        refused("unpaid", &|w| w.ms().payment = Payment::Overdue(5), SAUNA),
        Some(Cause::PaymentMissed)
    );
    let restricted = |w: &mut World| w.groups.groups[1].restricted = true;
    assert_eq!(refused("restricted", &restricted, SAUNA), Some(Cause::Restricted));
    assert_eq!(refused("by another group not", &restricted, FRONT), None);
    let cards = |w: &mut World| w.groups.groups[1].app_access = false;
    assert_eq!(refused("no app", &cards, SAUNA), Some(Cause::OtherDoor));
}
