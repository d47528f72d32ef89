//! Each row of the decision table, the merging of memberships, and what must not be given.

use super::*;
use crate::mapping::{Entry, MappedGroup};

const NOW: Timestamp = 1_000_000;
const DAY: u64 = 24 * 60 * 60 * 1_000;
const GYM: GroupId = GroupId(1);
const SPA: GroupId = GroupId(2);

fn mappings() -> Mappings {
    let entry = |plan: &str, group, location: Option<&str>| Entry {
        plan: plan.to_string(),
        group,
        location: location.map(str::to_string),
    };
    let mut mappings = Mappings {
        entries: vec![
            entry("basic", GYM, None),
            entry("gold", GYM, None),
            entry("gold", SPA, None),
            entry("city", SPA, Some("north")),
        ],
        ..Mappings::default()
    };
    mappings.groups.push(MappedGroup { id: GYM, name: "Gym".to_string(), deleted: false });
    mappings.groups.push(MappedGroup { id: SPA, name: "Spa".to_string(), deleted: false });
    mappings
}

/// An active membership, paid and without dates.
pub(crate) fn membership(id: &str, plan: &str) -> Membership {
    Membership {
        id: id.to_string(),
        plan: plan.to_string(),
        location: None,
        status: MembershipStatus::Active,
        starts_at: None,
        ends_at: None,
        payment: Payment::Paid,
        frozen_until: None,
    }
}

fn member(memberships: Vec<Membership>) -> Member {
    Member {
        id: "m-1".to_string(),
        name: "Ann".to_string(),
        email: Some("ann@x.test".to_string()),
        status: MemberStatus::Active,
        memberships,
    }
}

fn decide(memberships: Vec<Membership>, grace_ms: u64) -> Entitlement {
    entitlement(&member(memberships), &mappings(), grace_ms, NOW)
}

fn window(starts_at: Option<u64>, ends_at: Option<u64>) -> Window {
    Window { starts_at, ends_at }
}

/// One basic membership, modified by `change`: the window it gives, or why it gives none.
fn check(change: impl FnOnce(&mut Membership), grace_ms: u64, expected: Result<Window, Reason>) {
    let mut membership = membership("ms-1", "basic");
    change(&mut membership);
    let described = format!("{membership:?}");
    let decided = decide(vec![membership], grace_ms);
    let got = decided.desired(GYM).map(|desired| desired.window).ok_or_else(|| decided.why_not(GYM).reason);
    assert_eq!(got, expected, "{described}");
}

#[test]
fn every_row_of_the_decision_table_holds() {
    check(|_| {}, 0, Ok(window(None, None)));
    check(|m| m.starts_at = Some(NOW), 0, Ok(window(None, None)));
    check(|m| m.starts_at = Some(NOW + 1), 0, Ok(window(Some(NOW + 1), None)));
    check(|m| m.ends_at = Some(NOW + 1), 0, Ok(window(None, Some(NOW + 1))));
    check(|m| m.ends_at = Some(NOW), 0, Err(Reason::Expired));
    check(|m| m.status = MembershipStatus::Expired, 0, Err(Reason::Expired));
    check(|m| m.status = MembershipStatus::Cancelled, 0, Err(Reason::Cancelled));
    check(|m| m.status = MembershipStatus::Frozen, 0, Err(Reason::Frozen));
    check(|m| m.payment = Payment::Overdue(NOW), 0, Err(Reason::PaymentOverdue));
    check(|m| m.payment = Payment::Overdue(NOW), DAY, Ok(window(None, Some(NOW + DAY))));
    check(|m| m.payment = Payment::Overdue(NOW - 10), 10, Err(Reason::PaymentOverdue));
    check(|m| m.plan = "towel".to_string(), 0, Err(Reason::NoMembership));
}

#[test]
fn within_its_grace_an_overdue_payment_is_the_reason_of_the_access() {
    let mut owing = membership("ms-1", "basic");
    owing.payment = Payment::Overdue(NOW);
    assert_eq!(decide(vec![owing.clone()], DAY).desired(GYM).unwrap().reason, Reason::PaymentOverdue);
    owing.ends_at = Some(NOW + 5);
    assert_eq!(
        decide(vec![owing], DAY).desired(GYM).unwrap().reason,
        Reason::Entitled,
        "it ends before the grace"
    );
}

#[test]
fn a_dated_freeze_ends_by_itself() {
    let frozen = |until| {
        move |m: &mut Membership| {
            m.status = MembershipStatus::Frozen;
            m.frozen_until = Some(until);
        }
    };
    check(frozen(NOW + 1), 0, Err(Reason::Frozen));
    check(frozen(NOW), 0, Ok(window(None, None)));
}

#[test]
fn an_end_beyond_the_calendar_is_open_ended() {
    check(|m| m.ends_at = Some(u64::MAX), 0, Ok(window(None, None)));
    check(|m| m.starts_at = Some(u64::MAX), 0, Err(Reason::NotStarted));
    check(|m| m.payment = Payment::Overdue(u64::MAX), u64::MAX, Ok(window(None, None)));
}

#[test]
fn a_membership_that_ends_before_it_starts_gives_nothing() {
    check(
        |m| {
            m.starts_at = Some(NOW + 20);
            m.ends_at = Some(NOW + 10);
        },
        0,
        Err(Reason::Expired),
    );
}

#[test]
fn a_member_keeps_a_group_that_another_membership_gives() {
    let mut gold = membership("ms-2", "gold");
    gold.status = MembershipStatus::Frozen;
    let decided = decide(vec![membership("ms-1", "basic"), gold], 0);
    assert_eq!(decided.groups.iter().map(|desired| desired.group).collect::<Vec<_>>(), [GYM]);
    assert_eq!(decided.why_not(SPA).reason, Reason::Frozen);
    assert_eq!(decided.why_not(SPA).membership.as_deref(), Some("ms-2"));
}

#[test]
fn touching_windows_merge_and_separate_ones_follow_each_other() {
    let dated = |id: &str, from: u64, until: u64| {
        let mut membership = membership(id, "basic");
        membership.starts_at = Some(from);
        membership.ends_at = Some(until);
        membership
    };
    let overlapping = decide(vec![dated("a", NOW - 5, NOW + 10), dated("b", NOW + 10, NOW + 20)], 0);
    assert_eq!(overlapping.desired(GYM).unwrap().window, window(None, Some(NOW + 20)));
    assert_eq!(overlapping.desired(GYM).unwrap().membership, "b");

    let apart = decide(vec![dated("b", NOW + 15, NOW + 20), dated("a", NOW - 5, NOW + 10)], 0);
    assert_eq!(apart.desired(GYM).unwrap().window, window(None, Some(NOW + 10)));
    assert_eq!(apart.due_at, Some(NOW + 10), "the next window must be brought when this one ends");
}

#[test]
fn a_blocked_member_is_entitled_to_nothing_whatever_was_bought() {
    let mut blocked = member(vec![membership("ms-1", "gold")]);
    blocked.status = MemberStatus::Blocked;
    let decided = entitlement(&blocked, &mappings(), DAY, NOW);
    assert!(decided.groups.is_empty());
    assert_eq!(decided.why_not(GYM).reason, Reason::Blocked);
}

#[test]
fn an_entry_for_a_location_opens_only_for_memberships_of_that_location() {
    for (location, opens) in [(None, false), (Some("south"), false), (Some("north"), true)] {
        let mut city = membership("ms-1", "city");
        city.location = location.map(str::to_string);
        assert_eq!(decide(vec![city], 0).desired(SPA).is_some(), opens, "{location:?}");
    }
}

#[test]
fn a_deleted_group_is_reported_and_the_others_are_given() {
    let mut mappings = mappings();
    mappings.mark_deleted(SPA);
    let decided = entitlement(&member(vec![membership("ms-1", "gold")]), &mappings, 0, NOW);
    assert_eq!(decided.groups.iter().map(|desired| desired.group).collect::<Vec<_>>(), [GYM]);
    assert_eq!(decided.why_not(SPA).reason, Reason::GroupDeleted);
}
