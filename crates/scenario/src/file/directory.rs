//! The directory as a scenario describes it: members, and how they change from event to event.

use door_access_host::contract::types::{Member, MemberStatus, Membership, MembershipStatus, Payment};

use super::document::{self, Change, Text, Word};
use super::names::Names;
use super::scenario::DirectoryChange;
use super::source::Mistake;
use super::time::{Bound, Moment};
use crate::words::meant;

/// Turns members of the file into members of the directory. One with a mistake is completed as far as possible, so that
/// later steps have a member to change.
pub(super) struct Reader<'a> {
    pub(super) names: &'a Names,
    pub(super) mistakes: &'a mut Vec<Mistake>,
}

impl Reader<'_> {
    /// A member at the start.
    pub(super) fn member(&mut self, given: document::Member) -> Member {
        let mut member = new_member(given.id.into_inner(), given.name);
        self.update(&mut member, given.email, given.status, given.memberships);
        member
    }

    /// The effect of a change on `member`; `None` when there is no such member at this point.
    pub(super) fn change(
        &mut self,
        id: &Text,
        member: Option<&Member>,
        change: Change,
    ) -> Option<DirectoryChange> {
        let (name, is_new) = (id.get_ref(), change.new);
        let mut changed = match (member, change.name) {
            (Some(_), _) if change.delete => return Some(DirectoryChange::Delete),
            (None, _) if change.delete => {
                return self.wrong(id, format!("`{name}` is no longer a member and cannot be deleted"));
            }
            (Some(_), _) if is_new => {
                return self.wrong(id, format!("`{name}` is a member already: leave `new` out"));
            }
            (None, _) if !is_new => {
                return self
                    .wrong(id, format!("`{name}` is not a member: say `new = true` if they join now"));
            }
            (None, None) => return self.wrong(id, "a new member needs a `name`".to_owned()),
            (None, Some(name)) => new_member(id.get_ref().clone(), name),
            (Some(member), None) => member.clone(),
            (Some(member), Some(name)) => Member { name, ..member.clone() },
        };
        self.update(&mut changed, change.email, change.status, change.memberships);
        for gone in change.remove {
            let held = &mut changed.memberships;
            match held.iter().position(|membership| membership.id == *gone.get_ref()) {
                Some(index) => drop(held.remove(index)),
                None => {
                    let meant = meant(gone.get_ref(), held.iter().map(|membership| membership.id.as_str()));
                    let message = format!("{} has no membership `{}`: {meant}", changed.name, gone.get_ref());
                    self.mistakes.push(Mistake::of(&gone, message));
                }
            }
        }
        Some(DirectoryChange::Put(changed))
    }

    fn update(
        &mut self,
        member: &mut Member,
        email: Option<String>,
        status: Option<Word<MemberStatus>>,
        memberships: Vec<document::Membership>,
    ) {
        if let Some(email) = email {
            member.email = Some(email).filter(|email| !email.is_empty());
        }
        if let Some(Word(status)) = status {
            member.status = status;
        }
        for membership in memberships {
            let updated = self.membership(member, membership);
            self.mistakes.extend(updated.err());
        }
    }

    /// Adds a membership, or changes the one with the same id.
    fn membership(&mut self, member: &mut Member, given: document::Membership) -> Result<(), Mistake> {
        if let Some(plan) = &given.plan {
            self.mistakes.extend(self.names.plan(plan).err());
        }
        let id = given.id.get_ref();
        let known = member.memberships.iter().position(|membership| membership.id == *id);
        let membership = match (known.and_then(|index| member.memberships.get_mut(index)), &given.plan) {
            (Some(membership), _) => membership,
            (None, Some(plan)) => member.memberships.push_mut(Membership {
                id: id.clone(),
                plan: plan.get_ref().clone(),
                location: None,
                status: MembershipStatus::Active,
                starts_at: None,
                ends_at: None,
                payment: Payment::Paid,
                frozen_until: None,
            }),
            (None, None) => {
                let message =
                    format!("{} has no membership `{id}` yet: a new one needs a `plan`", member.name);
                return Err(Mistake::of(&given.id, message));
            }
        };
        if let (Some(_), Some(overdue)) = (&given.payment, &given.overdue_since) {
            let message = "a membership is either paid or overdue: leave `payment` or `overdue_since` out";
            return Err(Mistake::of(overdue, message));
        }
        let span = given.id.span();
        update_membership(membership, given);
        match (membership.starts_at, membership.ends_at) {
            (Some(start), Some(end)) if end <= start => {
                let message = format!("the membership `{}` ends before it starts", membership.id);
                Err(Mistake::at(span, message))
            }
            _ => Ok(()),
        }
    }

    fn wrong<T>(&mut self, place: &Text, message: String) -> Option<T> {
        self.mistakes.push(Mistake::of(place, message));
        None
    }
}

fn new_member(id: String, name: String) -> Member {
    Member { id, name, email: None, status: MemberStatus::Active, memberships: Vec::new() }
}

/// Replaces the fields that are given.
fn update_membership(membership: &mut Membership, given: document::Membership) {
    if let Some(plan) = given.plan {
        membership.plan = plan.into_inner();
    }
    if let Some(location) = given.location {
        membership.location = Some(location).filter(|location| !location.is_empty());
    }
    if let Some(Word(status)) = given.status {
        membership.status = status;
    }
    let bounds = [
        (given.starts_at, &mut membership.starts_at),
        (given.ends_at, &mut membership.ends_at),
        (given.frozen_until, &mut membership.frozen_until),
    ];
    for (given, bound) in bounds {
        *bound = given.map_or(*bound, |Bound(ms)| ms);
    }
    if let Some(document::Payment::Paid) = given.payment {
        membership.payment = Payment::Paid;
    }
    if let Some(Moment(since)) = given.overdue_since.map(toml::Spanned::into_inner) {
        membership.payment = Payment::Overdue(since);
    }
}
