//! The directory as a scenario describes it: members, and how they change from event to event.

use super::DirectoryChange;
use super::document::{self, Change, Text};
use super::source::{Source, meant};
use super::time::{Bound, Moment};
use crate::unusable::Wrong;
use door_access_host::contract::types::{Member, MemberStatus, Membership, MembershipStatus, Payment, Plan};

/// What is needed to understand members: the plans, and the text for messages.
pub(super) struct Reader<'a> {
    pub(super) source: &'a Source<'a>,
    pub(super) plans: &'a [Plan],
    pub(super) wrong: Vec<Wrong>,
}

impl Reader<'_> {
    /// A member as the scenario begins.
    pub(super) fn member(&mut self, member: document::Member) -> Member {
        let mut read = Member {
            id: member.id.into_inner(),
            name: member.name,
            email: member.email.filter(|email| !email.is_empty()),
            status: status(member.status),
            memberships: Vec::new(),
        };
        for membership in member.memberships {
            self.membership(&mut read, membership);
        }
        read
    }

    /// What becomes of `member` by a change; the member as they are when they are new.
    pub(super) fn change(
        &mut self,
        id: &Text,
        member: Option<&Member>,
        change: Change,
    ) -> Option<DirectoryChange> {
        if change.delete {
            if member.is_none() {
                self.wrong(id, format!("`{}` is no member any more and cannot be deleted", id.get_ref()));
            }
            return Some(DirectoryChange::Delete);
        }
        let mut member = match (member, change.new, &change.name) {
            (Some(_), true, _) => {
                self.wrong(id, format!("`{}` is a member already: leave `new` out", id.get_ref()));
                return None;
            }
            (None, false, _) => {
                self.wrong(id, format!("`{}` is no member: say `new = true` if they join now", id.get_ref()));
                return None;
            }
            (None, true, None) => {
                self.wrong(id, "a new member needs a `name`".to_owned());
                return None;
            }
            (Some(member), false, _) => member.clone(),
            (None, true, Some(name)) => Member {
                id: id.get_ref().clone(),
                name: name.clone(),
                email: None,
                status: MemberStatus::Active,
                memberships: Vec::new(),
            },
        };
        if let Some(name) = change.name {
            member.name = name;
        }
        if let Some(email) = change.email {
            member.email = Some(email).filter(|email| !email.is_empty());
        }
        if let Some(new) = change.status {
            member.status = status(new);
        }
        for membership in change.memberships {
            self.membership(&mut member, membership);
        }
        for gone in change.remove {
            let known: Vec<String> =
                member.memberships.iter().map(|membership| membership.id.clone()).collect();
            member.memberships.retain(|membership| membership.id != *gone.get_ref());
            if member.memberships.len() == known.len() {
                let meant = meant(gone.get_ref(), known.iter().map(String::as_str));
                self.wrong(&gone, format!("{} has no membership `{}`: {meant}", member.name, gone.get_ref()));
            }
        }
        Some(DirectoryChange::Put(member))
    }

    /// Adds a membership, or changes the one of the same id.
    fn membership(&mut self, member: &mut Member, given: document::Membership) {
        if let Some(plan) = &given.plan {
            self.known_plan(plan);
        }
        let known = member.memberships.iter_mut().find(|membership| membership.id == *given.id.get_ref());
        let membership = match (known, &given.plan) {
            (Some(membership), _) => membership,
            (None, None) => {
                let message = format!(
                    "{} has no membership `{}` yet: a new one needs a `plan`",
                    member.name,
                    given.id.get_ref()
                );
                return self.wrong(&given.id, message);
            }
            (None, Some(plan)) => new_membership(
                member,
                Membership {
                    id: given.id.get_ref().clone(),
                    plan: plan.get_ref().clone(),
                    location: None,
                    status: MembershipStatus::Active,
                    starts_at: None,
                    ends_at: None,
                    payment: Payment::Paid,
                    frozen_until: None,
                },
            ),
        };
        if let (Some(_), Some(overdue)) = (&given.payment, &given.overdue_since) {
            let message = "a membership is either paid or overdue: leave `payment` or `overdue_since` out";
            return self.wrong.push(self.source.wrong(&overdue.span(), message));
        }
        let place = given.id.span();
        apply(membership, given);
        if let (Some(start), Some(end)) = (membership.starts_at, membership.ends_at)
            && end <= start
        {
            let message = format!("the membership `{}` ends before it starts", membership.id);
            self.wrong.push(self.source.wrong(&place, message));
        }
    }

    /// Complains about a plan that does not exist.
    pub(super) fn known_plan(&mut self, plan: &Text) {
        let known = || self.plans.iter().map(|plan| plan.id.as_str());
        if !known().any(|id| id == plan.get_ref()) {
            let message =
                format!("there is no plan `{}`: {}", plan.get_ref(), meant(plan.get_ref(), known()));
            self.wrong(plan, message);
        }
    }

    pub(super) fn wrong(&mut self, place: &Text, message: String) {
        self.wrong.push(self.source.wrong(&place.span(), message));
    }
}

fn status(status: document::MemberStatus) -> MemberStatus {
    match status {
        document::MemberStatus::Active => MemberStatus::Active,
        document::MemberStatus::Blocked => MemberStatus::Blocked,
    }
}

/// Takes over what is given, and leaves the rest.
fn apply(membership: &mut Membership, given: document::Membership) {
    if let Some(plan) = given.plan {
        membership.plan = plan.into_inner();
    }
    if let Some(location) = given.location {
        membership.location = Some(location).filter(|location| !location.is_empty());
    }
    if let Some(status) = given.status {
        membership.status = match status {
            document::MembershipStatus::Active => MembershipStatus::Active,
            document::MembershipStatus::Frozen => MembershipStatus::Frozen,
            document::MembershipStatus::Cancelled => MembershipStatus::Cancelled,
            document::MembershipStatus::Expired => MembershipStatus::Expired,
        };
    }
    let bounds = [
        (given.starts_at, &mut membership.starts_at),
        (given.ends_at, &mut membership.ends_at),
        (given.frozen_until, &mut membership.frozen_until),
    ];
    for (given, bound) in bounds {
        *bound = given.map_or(*bound, Bound::ms);
    }
    if let Some(document::Payment::Paid) = given.payment {
        membership.payment = Payment::Paid;
    }
    if let Some(Moment(since)) = given.overdue_since.map(toml::Spanned::into_inner) {
        membership.payment = Payment::Overdue(since);
    }
}

fn new_membership(member: &mut Member, membership: Membership) -> &mut Membership {
    member.memberships.push_mut(membership)
}
