//! The order of edits, what stays, and what is never removed.

use super::*;
use crate::contract::types::Reason;
use crate::mapping::MappedGroup;

const NOW: Timestamp = 1_000_000_000;
const ANN: UserId = UserId(901);
const OLD: UserId = UserId(900);
const GYM: GroupId = GroupId(1);
const SPA: GroupId = GroupId(2);
const OPEN: Window = Window { starts_at: None, ends_at: None };
const UNTIL: Window = Window { starts_at: None, ends_at: Some(NOW + 90_000) };

fn entitled(groups: &[(GroupId, Window)]) -> Entitlement {
    let desired = |&(group, window): &(GroupId, Window)| Desired {
        group,
        window,
        membership: "ms-1".to_string(),
        plan: "gold".to_string(),
        reason: Reason::Entitled,
        lease_ms: 0,
    };
    Entitlement { groups: groups.iter().map(desired).collect(), ..Entitlement::default() }
}

fn held(user: UserId, group: GroupId, window: Window, assignment: u64) -> Hold {
    Hold { user, group, window, state: State::Held { assignment: AssignmentId(assignment) } }
}

fn short(edit: &Edit) -> String {
    match edit {
        Edit::Grant { user, group, .. } => format!("grant {user} {group}"),
        Edit::Adjust { assignment, .. } => format!("adjust {assignment}"),
        Edit::Revoke { assignment, .. } => format!("revoke {assignment}"),
        Edit::Drop { hold, .. } => format!("drop {}", hold.group),
    }
}

/// Plans, and checks that no removal comes before the last addition, unless this Kisi allows no other order.
fn check(
    entitlement: &Entitlement,
    holds: &[Hold],
    date_change: DateChange,
    refused: &[Refused],
    expected: &[&str],
) {
    let record = Record { holds: holds.to_vec(), ..Record::default() };
    let edits = plan(entitlement, Some(ANN), &record, &Mappings::default(), date_change, refused, NOW);
    let shorts: Vec<String> = edits.iter().map(short).collect();
    assert_eq!(shorts, expected);
    let removal = edits.iter().position(|edit| matches!(edit, Edit::Revoke { .. }));
    let addition = edits.iter().rposition(|edit| matches!(edit, Edit::Grant { .. } | Edit::Adjust { .. }));
    if let (Some(removal), Some(addition)) = (removal, addition) {
        assert!(addition < removal || date_change == DateChange::RemoveThenAdd, "{shorts:?}");
    }
}

#[test]
fn a_member_in_step_needs_no_edit() {
    check(&entitled(&[(GYM, OPEN)]), &[held(ANN, GYM, OPEN, 7)], DateChange::Unknown, &[], &[]);
    let started = Window { starts_at: Some(NOW - 5_000), ..UNTIL };
    check(&entitled(&[(GYM, UNTIL)]), &[held(ANN, GYM, started, 7)], DateChange::Unknown, &[], &[]);
}

#[test]
fn additions_come_before_removals() {
    check(
        &entitled(&[(SPA, OPEN)]),
        &[held(ANN, GYM, OPEN, 7)],
        DateChange::Unknown,
        &[],
        &["grant 901 2", "revoke 7"],
    );
}

#[test]
fn dates_change_in_the_way_that_this_kisi_supports() {
    let (should, is) = (entitled(&[(GYM, UNTIL)]), [held(ANN, GYM, OPEN, 7)]);
    check(&should, &is, DateChange::Unknown, &[], &["adjust 7"]);
    check(&should, &is, DateChange::InPlace, &[], &["adjust 7"]);
    check(&should, &is, DateChange::AddThenRemove, &[], &["grant 901 1", "revoke 7"]);
    check(&should, &is, DateChange::RemoveThenAdd, &[], &["revoke 7", "grant 901 1"]);
}

#[test]
fn a_new_account_is_added_before_the_old_one_is_removed() {
    let is = [held(OLD, GYM, OPEN, 7), held(OLD, SPA, OPEN, 8)];
    let expected = ["grant 901 1", "revoke 7", "revoke 8"];
    check(&entitled(&[(GYM, OPEN)]), &is, DateChange::Unknown, &[], &expected);
    // The old account stays when Kisi refuses the new one.
    check(&entitled(&[(GYM, OPEN)]), &is, DateChange::Unknown, &[Refused::Grant(GYM)], &["revoke 8"]);
}

#[test]
fn of_two_assignments_the_one_with_the_right_dates_stays() {
    let is = [held(ANN, GYM, OPEN, 7), held(ANN, GYM, UNTIL, 8)];
    check(&entitled(&[(GYM, UNTIL)]), &is, DateChange::Unknown, &[], &["revoke 7"]);
}

#[test]
fn a_refused_edit_is_not_repeated_and_costs_no_access() {
    let (should, is) = (entitled(&[(GYM, UNTIL)]), [held(ANN, GYM, OPEN, 7)]);
    check(&should, &is, DateChange::InPlace, &[Refused::Adjust(AssignmentId(7))], &[]);
    check(&should, &is, DateChange::AddThenRemove, &[Refused::Grant(GYM)], &[]);
    check(&should, &is, DateChange::RemoveThenAdd, &[Refused::Grant(GYM)], &[]);
    check(&should, &is, DateChange::RemoveThenAdd, &[Refused::Revoke(AssignmentId(7))], &[]);
    check(&entitled(&[]), &is, DateChange::InPlace, &[Refused::Revoke(AssignmentId(7))], &[]);
}

#[test]
fn a_deleted_group_is_forgotten_without_a_request() {
    let mappings = Mappings {
        groups: vec![MappedGroup { id: GYM, name: "Gym".to_string(), deleted: true }],
        ..Mappings::default()
    };
    let record = Record { holds: vec![held(ANN, GYM, OPEN, 7)], ..Record::default() };
    let edits = plan(&entitled(&[]), Some(ANN), &record, &mappings, DateChange::Unknown, &[], NOW);
    assert_eq!(edits.iter().map(short).collect::<Vec<_>>(), ["drop 1"]);
}

#[test]
fn every_removal_has_its_reason() {
    let mut nothing = entitled(&[]);
    nothing.withhold(Reason::Blocked);
    let record = Record { holds: vec![held(ANN, GYM, OPEN, 7)], ..Record::default() };
    let edits = plan(&nothing, Some(ANN), &record, &Mappings::default(), DateChange::Unknown, &[], NOW);
    let [Edit::Revoke { why: Why::Lost(withheld), .. }] = edits.as_slice() else { panic!("{edits:?}") };
    assert_eq!(withheld.reason, Reason::Blocked);
}

#[test]
fn every_edit_with_a_request_is_marked_as_an_intent() {
    let mut record =
        Record { holds: vec![held(ANN, GYM, OPEN, 7), held(ANN, SPA, OPEN, 8)], ..Record::default() };
    let third = GroupId(3);
    let should = entitled(&[(GYM, UNTIL), (third, OPEN)]);
    let edits = plan(&should, Some(ANN), &record, &Mappings::default(), DateChange::Unknown, &[], NOW);
    intend(&mut record, &edits, NOW);
    let states: Vec<State> = record.holds.iter().map(|hold| hold.state).collect();
    assert_eq!(
        states,
        [
            State::Adjusting { assignment: AssignmentId(7) },
            State::Revoking { assignment: AssignmentId(8) },
            State::Granting { at: NOW }
        ]
    );
}

#[test]
fn a_lease_is_extended_at_half_its_time_and_never_beyond_the_membership() {
    const LEASE: u64 = 100_000;
    let plan_with = |ends_at: Option<u64>, lease_ms: u64, held_until: Option<u64>| {
        let mut entitled = entitled(&[(GYM, Window { starts_at: None, ends_at })]);
        entitled.groups[0].lease_ms = lease_ms;
        let window = Window { starts_at: None, ends_at: held_until };
        let record = Record { holds: vec![held(ANN, GYM, window, 7)], ..Record::default() };
        let edits = plan(&entitled, Some(ANN), &record, &Mappings::default(), DateChange::InPlace, &[], NOW);
        let due = entitled.due(&record.holds, NOW);
        match edits.first() {
            Some(Edit::Adjust { window, .. }) => Some(window.ends_at),
            Some(edit) => panic!("{edit:?}"),
            // A lease is due again when half of it is over, unless it ends with the membership.
            None => {
                let is_lease = lease_ms > 0 && held_until != ends_at;
                assert_eq!(due, held_until.filter(|_| is_lease).map(|end| end - LEASE / 2));
                None
            }
        }
    };
    let at = |ms: u64| Some(NOW + ms);
    for (membership, lease_ms, held, written) in [
        // Switched on, left alone, half over, nearly over, switched off.
        (None, LEASE, None, Some(at(LEASE))),
        (None, LEASE, at(LEASE), None),
        (None, LEASE, at(LEASE / 2 + 1), None),
        (None, LEASE, at(LEASE / 2), Some(at(LEASE))),
        (None, LEASE, at(1), Some(at(LEASE))),
        (None, 0, at(LEASE), Some(None)),
        // The membership ends within the lease, after it, and earlier than what is there.
        (at(40_000), LEASE, at(40_000), None),
        (at(40_000), LEASE, at(30_000), Some(at(40_000))),
        (at(150_000), LEASE, at(90_000), None),
        (at(150_000), LEASE, at(40_000), Some(at(LEASE))),
        (at(40_000), LEASE, at(90_000), Some(at(40_000))),
        // A shorter lease than before.
        (None, LEASE, at(LEASE + 5_000), Some(at(LEASE))),
    ] {
        let found = plan_with(membership, lease_ms, held);
        assert_eq!(found, written, "membership until {membership:?}, held until {held:?}");
    }
}

#[test]
fn the_lease_of_a_membership_that_starts_later_counts_from_its_start() {
    let start = NOW + 500_000;
    let mut entitled = entitled(&[(GYM, Window { starts_at: Some(start), ends_at: None })]);
    entitled.groups[0].lease_ms = 100_000;
    let dates = entitled.groups[0].dates(NOW);
    assert_eq!(dates, Window { starts_at: Some(start), ends_at: Some(start + 100_000) });
    assert!(entitled.groups[0].is_met_by(&dates, NOW + 1_000));
}
