//! What a member is entitled to now. Pure functions of the member in the directory, the gym's mapping and grace, and the
//! time.

use crate::contract::types::{
    Member, MemberStatus, Membership, MembershipStatus, Payment, Reason, Timestamp,
};
use crate::id::GroupId;
use crate::kisi::time;
use crate::ledger::Hold;
use crate::mapping::Mappings;
use crate::window::{Window, merge};

/// What one membership gives at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Standing {
    /// Its plan's groups in this window, which has not ended.
    Gives(Window),
    /// Nothing.
    Withheld(Reason),
}

/// A group that a member is entitled to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Desired {
    /// The group.
    pub group: GroupId,
    /// The current window, or the next one when none is current.
    pub window: Window,
    /// The membership that ends last in this window.
    pub membership: String,
    /// That membership's plan.
    pub plan: String,
    /// `entitled`, or `not-started` when the window begins later, or `payment-overdue` when a grace ends it.
    pub reason: Reason,
    /// Milliseconds that the grant lasts in Kisi without confirmation; 0: as long as the window.
    pub lease_ms: u64,
}

impl Desired {
    /// The dates to write now: those of the window, or the lease's end when it is earlier. The lease of a later start
    /// counts from that start.
    pub fn dates(&self, now: Timestamp) -> Window {
        if self.lease_ms == 0 {
            return self.window;
        }
        let lease_ends_at = self.counts_from(now).saturating_add(self.lease_ms);
        Window { ends_at: earliest(self.window.ends_at, Some(lease_ends_at)), ..self.window }
    }

    /// Whether existing dates can stay: they equal those to write now, or more than half of their lease is left.
    pub fn is_met_by(&self, there: &Window, now: Timestamp) -> bool {
        let dates = self.dates(now);
        if there.same_from(&dates, now) {
            return true;
        }
        let (Some(end), Some(latest)) = (there.ends_at, dates.ends_at) else { return false };
        self.lease_ms > 0
            && there.same_from(&Window { ends_at: Some(end), ..dates }, now)
            && end <= latest
            && end > self.counts_from(now).saturating_add(self.lease_ms / 2)
    }

    /// When to extend existing dates: once half of the lease is over. Never, if they end with the window.
    fn renew_at(&self, there: &Window) -> Option<Timestamp> {
        let seconds = |end: Option<Timestamp>| end.map(|end| end / 1_000);
        if self.lease_ms == 0 || seconds(there.ends_at) == seconds(self.window.ends_at) {
            return None;
        }
        there.ends_at.map(|end| end.saturating_sub(self.lease_ms / 2))
    }

    fn counts_from(&self, now: Timestamp) -> Timestamp {
        self.window.starts_at.unwrap_or(now).max(now)
    }
}

/// Why a membership gives nothing, or not yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Withheld {
    /// Why.
    pub reason: Reason,
    /// The membership; absent when the reason is about the member.
    pub membership: Option<String>,
    /// Its plan.
    pub plan: Option<String>,
    /// The group, when the reason is about one.
    pub group: Option<GroupId>,
    /// The reason's moment: the start, the end, or when a payment was due.
    pub at: Option<Timestamp>,
}

/// What all memberships of a member give.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Entitlement {
    /// The groups that the member should have, each once, in the order of memberships and mapping.
    pub groups: Vec<Desired>,
    /// Why something is withheld.
    pub withheld: Vec<Withheld>,
    /// The reason for each mapped group that is not in `groups`.
    pub lost: Vec<(GroupId, Withheld)>,
    /// The next moment at which this changes by itself.
    pub due_at: Option<Timestamp>,
}

impl Withheld {
    /// A reason about the member as a whole.
    pub fn member(reason: Reason) -> Withheld {
        Withheld { reason, membership: None, plan: None, group: None, at: None }
    }

    fn membership(reason: Reason, membership: &Membership, at: Option<Timestamp>) -> Withheld {
        Withheld {
            reason,
            membership: Some(membership.id.clone()),
            plan: Some(membership.plan.clone()),
            group: None,
            at,
        }
    }
}

impl Entitlement {
    /// Withholds every group for a reason about the member. The reasons of memberships stay.
    pub fn withhold(&mut self, reason: Reason) {
        self.groups.clear();
        self.lost.clear();
        self.withheld.insert(0, Withheld::member(reason));
    }

    /// What the member should have of `group`.
    pub fn desired(&self, group: GroupId) -> Option<&Desired> {
        self.groups.iter().find(|desired| desired.group == group)
    }

    /// The next moment at which the plugin must act without an event, for a member with these grants.
    pub fn due(&self, holds: &[Hold], now: Timestamp) -> Option<Timestamp> {
        let mut due = self.due_at;
        for desired in &self.groups {
            let windows = holds.iter().filter(|hold| hold.group == desired.group).map(|hold| hold.window);
            for window in windows.filter(|window| desired.is_met_by(window, now)) {
                due = earliest(due, desired.renew_at(&window));
            }
        }
        due
    }

    /// Why the member should not have `group`.
    pub fn why_not(&self, group: GroupId) -> Withheld {
        match self.withheld.first() {
            Some(withheld) if withheld.membership.is_none() && withheld.reason != Reason::NoMembership => {
                withheld.clone()
            }
            _ => match self.lost.iter().find(|(lost, _)| *lost == group) {
                Some((_, withheld)) => withheld.clone(),
                None => Withheld::member(Reason::NoMembership),
            },
        }
    }

    /// Adds why a group is withheld. Of several reasons, the one that the member can act on stays.
    fn lose(&mut self, group: GroupId, withheld: &Withheld) {
        match self.lost.iter_mut().find(|(lost, _)| *lost == group) {
            Some((_, known)) if rank(withheld.reason) < rank(known.reason) => *known = withheld.clone(),
            Some(_) => {}
            None => self.lost.push((group, withheld.clone())),
        }
    }
}

/// What `member` is entitled to at `now`. Whether the member has an address and an account is decided elsewhere.
pub fn entitlement(member: &Member, mappings: &Mappings, grace_ms: u64, now: Timestamp) -> Entitlement {
    let mut entitlement = Entitlement::default();
    if member.status == MemberStatus::Blocked {
        entitlement.withhold(Reason::Blocked);
        return entitlement;
    }
    if member.memberships.is_empty() {
        entitlement.withheld.push(Withheld::member(Reason::NoMembership));
    }
    let mut given: Vec<(GroupId, Window, &Membership)> = Vec::new();
    for membership in &member.memberships {
        let groups = mappings.groups_of(membership);
        if groups.is_empty() {
            entitlement.withheld.push(Withheld::membership(Reason::PlanWithoutAccess, membership, None));
            continue;
        }
        entitlement.due_at = earliest(entitlement.due_at, due_at(membership, grace_ms, now));
        let standing = standing(membership, grace_ms, now);
        let withheld = match &standing {
            Standing::Gives(window) => window
                .starts_at
                .map(|start| Withheld::membership(Reason::NotStarted, membership, Some(start))),
            Standing::Withheld(reason) => {
                Some(Withheld::membership(*reason, membership, moment(*reason, membership, grace_ms)))
            }
        };
        for &group in &groups {
            if mappings.is_deleted(group) {
                let gone = Withheld {
                    group: Some(group),
                    ..Withheld::membership(Reason::GroupDeleted, membership, None)
                };
                entitlement.lose(group, &gone);
                entitlement.withheld.push(gone);
            } else if let Standing::Gives(window) = standing {
                given.push((group, window, membership));
            } else if let Some(withheld) = &withheld {
                entitlement.lose(group, withheld);
            }
        }
        entitlement.withheld.extend(withheld);
    }
    for &(group, ..) in &given {
        if entitlement.desired(group).is_some() {
            continue;
        }
        let of_group = given.iter().filter(|(other, ..)| *other == group);
        let merged = merge(of_group.map(|&(_, window, membership)| (window, membership)).collect());
        let current = merged.iter().find(|(window, _)| window.contains(now)).or(merged.first());
        if let Some((window, membership)) = current {
            entitlement.lost.retain(|(lost, _)| *lost != group);
            entitlement.groups.push(Desired {
                group,
                window: *window,
                membership: membership.id.clone(),
                plan: membership.plan.clone(),
                reason: if window.starts_at.is_some() {
                    Reason::NotStarted
                } else if window.ends_at.is_some() && window.ends_at == grace_ends_at(membership, grace_ms) {
                    Reason::PaymentOverdue
                } else {
                    Reason::Entitled
                },
                lease_ms: 0,
            });
        }
    }
    entitlement
}

/// Ranks reasons: the one that the member can act on comes first.
fn rank(reason: Reason) -> u8 {
    match reason {
        Reason::PaymentOverdue => 0,
        Reason::Frozen => 1,
        Reason::NotStarted => 2,
        Reason::Cancelled => 3,
        Reason::Expired => 4,
        _ => 5,
    }
}

fn standing(membership: &Membership, grace_ms: u64, now: Timestamp) -> Standing {
    let over = |end: Option<Timestamp>| end.is_some_and(|end| end <= now);
    let starts_at = membership.starts_at.filter(|&start| start > now);
    match membership.status {
        MembershipStatus::Cancelled => return Standing::Withheld(Reason::Cancelled),
        MembershipStatus::Expired => return Standing::Withheld(Reason::Expired),
        _ if over(membership.ends_at) => return Standing::Withheld(Reason::Expired),
        MembershipStatus::Frozen if !over(membership.frozen_until) => {
            return Standing::Withheld(Reason::Frozen);
        }
        MembershipStatus::Frozen | MembershipStatus::Active => {}
    }
    let grace_ends_at = grace_ends_at(membership, grace_ms);
    if over(grace_ends_at) {
        return Standing::Withheld(Reason::PaymentOverdue);
    }
    // Platforms write "never" as an end beyond the calendar.
    let ends_at = earliest(membership.ends_at, grace_ends_at).filter(|&end| time::format(end).is_some());
    match (starts_at, ends_at) {
        (Some(start), Some(end)) if end <= start => {
            if grace_ends_at == Some(end) {
                Standing::Withheld(Reason::PaymentOverdue)
            } else {
                Standing::Withheld(Reason::Expired)
            }
        }
        (Some(start), _) if time::format(start).is_none() => Standing::Withheld(Reason::NotStarted),
        _ => Standing::Gives(Window { starts_at, ends_at }),
    }
}

fn grace_ends_at(membership: &Membership, grace_ms: u64) -> Option<Timestamp> {
    match membership.payment {
        Payment::Paid => None,
        Payment::Overdue(since) => Some(since.saturating_add(grace_ms)),
    }
}

/// The reason's moment.
fn moment(reason: Reason, membership: &Membership, grace_ms: u64) -> Option<Timestamp> {
    match reason {
        Reason::Expired => membership.ends_at,
        Reason::Frozen => membership.frozen_until,
        Reason::NotStarted => membership.starts_at,
        Reason::PaymentOverdue => grace_ends_at(membership, grace_ms),
        _ => None,
    }
}

/// The next moment at which a membership's effect changes by itself.
fn due_at(membership: &Membership, grace_ms: u64, now: Timestamp) -> Option<Timestamp> {
    if matches!(membership.status, MembershipStatus::Cancelled | MembershipStatus::Expired) {
        return None;
    }
    [
        membership.starts_at,
        membership.ends_at,
        membership.frozen_until.filter(|_| membership.status == MembershipStatus::Frozen),
        grace_ends_at(membership, grace_ms),
    ]
    .into_iter()
    .flatten()
    .filter(|&at| at > now && time::format(at).is_some())
    .min()
}

/// The earlier of two moments; absent only when both are.
pub fn earliest(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    one.into_iter().chain(other).min()
}

#[cfg(test)]
pub(crate) mod tests;
