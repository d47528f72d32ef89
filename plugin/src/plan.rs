//! The edits that turn what a member's record has into what the member should have. Pure; `apply` carries them out and
//! decides nothing.

use serde::{Deserialize, Serialize};

use crate::contract::types::Timestamp;
use crate::entitlement::{Desired, Entitlement, Withheld};
use crate::id::{AssignmentId, GroupId, UserId};
use crate::ledger::{Elevated, Hold, Record, State};
use crate::mapping::Mappings;
use crate::window::Window;

/// How this Kisi changes an assignment's dates. Sources disagree, so the first change finds it out and the tenant
/// stores it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DateChange {
    /// Unknown: change the dates in place and read them back.
    #[default]
    Unknown,
    /// In place.
    InPlace,
    /// Kisi ignores changed dates: add a new assignment, then remove the old one.
    AddThenRemove,
    /// Kisi ignores changed dates and refuses a second assignment: remove the old one first, which leaves a short gap.
    RemoveThenAdd,
}

/// Why an edit is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// A membership gives the group.
    Entitled(Desired),
    /// No membership gives it any more.
    Lost(Withheld),
    /// The member has another Kisi user now.
    Moved,
    /// A new assignment with other dates replaces this one.
    Replaced,
}

/// One change in Kisi, or of the record alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edit {
    /// Add the user to the group.
    Grant {
        /// The user.
        user: UserId,
        /// The group.
        group: GroupId,
        /// The dates.
        window: Window,
        /// Why.
        why: Why,
    },
    /// Change the dates.
    Adjust {
        /// The grant with its dates before.
        hold: Hold,
        /// Kisi's id of it.
        assignment: AssignmentId,
        /// The dates after.
        window: Window,
        /// Why.
        why: Why,
    },
    /// Remove the user from the group.
    Revoke {
        /// The grant.
        hold: Hold,
        /// Kisi's id of it.
        assignment: AssignmentId,
        /// Why.
        why: Why,
    },
    /// Forget a grant whose group was deleted.
    Drop {
        /// The recorded grant.
        hold: Hold,
        /// Why.
        why: Why,
    },
}

/// An edit that Kisi refused for good in this call. It is not tried again.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Refused {
    /// Adding to this group.
    Grant(GroupId),
    /// Changing the dates of this assignment.
    Adjust(AssignmentId),
    /// Removing this assignment.
    Revoke(AssignmentId),
}

/// The edits that turn `record` into `entitlement`, in their order. Additions and changes come before removals, so the
/// member never loses a group that they stay entitled to.
///
/// `user` is the member's user in Kisi; without one nothing can be granted. The record must have no open intent.
pub fn plan(
    entitlement: &Entitlement,
    user: Option<UserId>,
    record: &Record,
    mappings: &Mappings,
    date_change: DateChange,
    refused: &[Refused],
    now: Timestamp,
) -> Vec<Edit> {
    let mut edits = Vec::new();
    let mut kept = Vec::new();
    if let Some(user) = user {
        for desired in &entitlement.groups {
            let group = desired.group;
            let here: Vec<(&Hold, AssignmentId)> = record
                .holds
                .iter()
                .filter(|hold| hold.user == user && hold.group == group)
                .filter_map(|hold| hold.assignment().map(|assignment| (hold, assignment)))
                .collect();
            let why = Why::Entitled(desired.clone());
            let window = desired.dates(now);
            let fitting = here.iter().find(|(hold, _)| desired.is_met_by(&hold.window, now));
            match fitting.or(here.first()) {
                None => edits.push(Edit::Grant { user, group, window, why }),
                Some((_, assignment))
                    if fitting.is_some()
                        || refused.contains(&Refused::Adjust(*assignment))
                        || refused.contains(&Refused::Grant(group))
                        || date_change == DateChange::RemoveThenAdd
                            && refused.contains(&Refused::Revoke(*assignment)) =>
                {
                    kept.push(*assignment);
                }
                Some((hold, assignment)) => {
                    let hold = Hold::clone(hold);
                    let assignment = *assignment;
                    kept.push(assignment);
                    let grant = Edit::Grant { user, group, window, why: why.clone() };
                    match date_change {
                        DateChange::Unknown | DateChange::InPlace => {
                            edits.push(Edit::Adjust { hold, assignment, window, why });
                        }
                        // The old assignment is removed with the others, after all additions.
                        DateChange::AddThenRemove => {
                            kept.retain(|kept| *kept != assignment);
                            edits.push(grant);
                        }
                        DateChange::RemoveThenAdd => {
                            edits.push(Edit::Revoke { hold, assignment, why: Why::Replaced });
                            edits.push(grant);
                        }
                    }
                }
            }
        }
    }
    edits.retain(
        |edit| !matches!(edit, Edit::Grant { group, .. } if refused.contains(&Refused::Grant(*group))),
    );
    for hold in &record.holds {
        let Some(assignment) = hold.assignment().filter(|assignment| !kept.contains(assignment)) else {
            continue;
        };
        let why = match user {
            Some(user) if entitlement.desired(hold.group).is_some() => {
                if hold.user == user {
                    Why::Replaced
                } else {
                    Why::Moved
                }
            }
            _ => Why::Lost(entitlement.why_not(hold.group)),
        };
        // The old user keeps the group when Kisi refused to add the new one, unless the new one has a higher role there.
        let is_in = |role: &Elevated| Some(role.user) == user && role.group == hold.group;
        let stays = refused.contains(&Refused::Revoke(assignment))
            || (why == Why::Moved
                && refused.contains(&Refused::Grant(hold.group))
                && !record.elevated.iter().any(is_in));
        // Deleting a group deletes its assignments (I), so no request is needed.
        if mappings.is_deleted(hold.group) {
            edits.push(Edit::Drop { hold: hold.clone(), why });
        } else if !stays {
            edits.push(Edit::Revoke { hold: hold.clone(), assignment, why });
        }
    }
    edits
}

/// Marks in the record what the edits are about to do, so that a crash between a request and its result is noticed.
pub fn intend(record: &mut Record, edits: &[Edit], now: Timestamp) {
    for edit in edits {
        match edit {
            Edit::Grant { user, group, window, .. } => record.holds.push(Hold {
                user: *user,
                group: *group,
                window: *window,
                state: State::Granting { at: now },
            }),
            Edit::Adjust { assignment, .. } => {
                if let Some(hold) = record.hold_mut(*assignment) {
                    hold.state = State::Adjusting { assignment: *assignment };
                }
            }
            Edit::Revoke { assignment, .. } => {
                if let Some(hold) = record.hold_mut(*assignment) {
                    hold.state = State::Revoking { assignment: *assignment };
                }
            }
            Edit::Drop { .. } => {}
        }
    }
}

#[cfg(test)]
mod tests;
