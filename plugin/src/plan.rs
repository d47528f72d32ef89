//! From what a member should hold and what the ledger says they hold to the edits that make the two equal. Pure; the
//! plan leaves executing (`apply`) nothing to decide.

use serde::{Deserialize, Serialize};

use crate::contract::types::Timestamp;
use crate::entitlement::{Desired, Entitlement, Withheld};
use crate::id::{AssignmentId, GroupId, UserId};
use crate::ledger::{Elevated, Hold, Record, State};
use crate::mapping::Mappings;
use crate::window::Window;

/// How this installation's Kisi lets an assignment's dates be changed. Sources disagree, so it is found out at the
/// first change and remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DateChange {
    /// Not known yet: change the dates in place and read them back.
    #[default]
    Unknown,
    /// In place.
    InPlace,
    /// Kisi ignores dates in a change: add a new assignment, then remove the old one.
    AddThenRemove,
    /// Kisi ignores dates in a change and refuses a second assignment: the only way leaves a moment between.
    RemoveThenAdd,
}

/// Why an edit is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// A membership gives the group.
    Entitled(Desired),
    /// Nothing gives it.
    Lost(Withheld),
    /// The member is now another Kisi user.
    Moved,
    /// Other dates need a new assignment in this one's place.
    Replaced,
}

/// One change at Kisi, or in the ledger alone.
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
        /// What is there, with the dates before.
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
        /// What is there.
        hold: Hold,
        /// Kisi's id of it.
        assignment: AssignmentId,
        /// Why.
        why: Why,
    },
    /// Forget what went with a deleted group.
    Drop {
        /// What the ledger says.
        hold: Hold,
        /// Why.
        why: Why,
    },
}

/// What was tried and refused for good in this call: not tried again.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Refused {
    /// Adding to this group.
    Grant(GroupId),
    /// Changing the dates of this assignment.
    Adjust(AssignmentId),
    /// Removing this assignment.
    Revoke(AssignmentId),
}

/// The edits that turn what `record` says into what `entitlement` says, in the order in which they must be made: the
/// member never loses a group that they stay entitled to, so additions and changes come before removals.
///
/// `user` is who the member is at Kisi; without one nothing can be given. The record must be settled.
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
                        // The old one goes with the other removals, after all additions.
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
        // The old user stays in when the new one could not be added, and does not get in by a higher role either.
        let is_in = |role: &Elevated| Some(role.user) == user && role.group == hold.group;
        let stays = refused.contains(&Refused::Revoke(assignment))
            || (why == Why::Moved
                && refused.contains(&Refused::Grant(hold.group))
                && !record.elevated.iter().any(is_in));
        // Deleting a group deletes what was given in it (I): no request is needed, no door can open.
        if mappings.is_deleted(hold.group) {
            edits.push(Edit::Drop { hold: hold.clone(), why });
        } else if !stays {
            edits.push(Edit::Revoke { hold: hold.clone(), assignment, why });
        }
    }
    edits
}

/// Marks in the record what the edits are about to do, so that a crash between a request and its record is noticed.
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
