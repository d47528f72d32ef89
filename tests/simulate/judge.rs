//! The judge: what must hold, written from the rules of the product and not from the plugin's code, which it never calls.

use std::collections::{BTreeMap, BTreeSet};

use door_access_host::contract::types::{Member, MemberStatus, Membership, MembershipStatus, Payment};
use door_access_testkit::HOUR;
use kisi_sim::{RoleAssignment, Snapshot};

pub(crate) const PLAIN: &str = "group_basic";

/// From and until, as Kisi has them; from is absent once it has passed.
type Window = (Option<u64>, Option<u64>);

/// What the judge knows of a gym: what was decided there, and what other people did.
#[derive(Debug, Clone, Default)]
pub(crate) struct Case {
    pub(crate) organization: u64,
    pub(crate) grace_ms: u64,
    pub(crate) lease_ms: u64,
    /// Plans and the groups that they give.
    pub(crate) mapping: Vec<(String, u64)>,
    /// Every address, as it is compared, that a member ever had.
    pub(crate) emails_ever: BTreeMap<String, BTreeSet<String>>,
    /// Members who were blocked at some time.
    pub(crate) blocked_ever: BTreeSet<String>,
    /// How many groups have a list of more than one page.
    pub(crate) crowds: usize,
    /// Role assignments that staff made.
    pub(crate) by_hand: BTreeSet<u64>,
    /// All plans that each member ever had.
    pub(crate) plans_ever: BTreeMap<String, BTreeSet<String>>,
    /// All groups that each plan ever gave.
    pub(crate) mapping_ever: BTreeSet<(String, u64)>,
    /// Members whom the platform did not show for a while, or whose record was lost.
    pub(crate) gone_ever: BTreeSet<String>,
    /// Users and groups: staff removed this user from this group.
    pub(crate) unassigned: BTreeSet<(u64, u64)>,
    /// Users whom staff deleted.
    pub(crate) users_deleted: BTreeSet<u64>,
    /// Users that were there at some time.
    pub(crate) users_ever: BTreeSet<u64>,
    /// Users whom staff added.
    pub(crate) users_by_hand: BTreeSet<u64>,
    /// Plain assignments that staff made, as they were at first.
    pub(crate) of_strangers: Vec<RoleAssignment>,
    /// Roles above a plain member's that staff gave.
    pub(crate) elevated: Vec<RoleAssignment>,
    /// Assignments of ours that staff made a higher role, each with what was stored of syncs then: the plugin knows them
    /// after a sync that began later.
    pub(crate) promoted: Vec<(u64, String)>,
    /// Administrators, who are no members.
    pub(crate) administrators: BTreeSet<u64>,
}

/// An address as it is compared.
pub(crate) fn normal(email: &str) -> String {
    email.trim().to_lowercase()
}

fn email_of(member: &Member) -> Option<String> {
    member.email.as_deref().map(normal).filter(|email| !email.is_empty())
}

/// The window that one membership gives from now on, if any.
fn gives(membership: &Membership, grace_ms: u64, now: u64) -> Option<(u64, u64)> {
    match membership.status {
        MembershipStatus::Cancelled | MembershipStatus::Expired => return None,
        MembershipStatus::Frozen if membership.frozen_until.is_none_or(|until| until > now) => return None,
        MembershipStatus::Frozen | MembershipStatus::Active => {}
    }
    let owed_from = match membership.payment {
        Payment::Paid => u64::MAX,
        Payment::Overdue(since) => since + grace_ms,
    };
    let from = membership.starts_at.unwrap_or(0).max(now);
    let until = membership.ends_at.unwrap_or(u64::MAX).min(owed_from);
    (from < until).then_some((from, until))
}

/// Where a member enters.
pub(crate) struct Enters {
    /// The groups that memberships give now and Kisi has the member in now.
    pub(crate) groups: BTreeSet<u64>,
    /// Whether Kisi has the member, and staff gave nothing.
    pub(crate) by_us_alone: bool,
}

impl Case {
    /// Remembers what a member is now.
    pub(crate) fn note(&mut self, member: &Member) {
        let plans = member.memberships.iter().map(|membership| membership.plan.clone());
        self.plans_ever.entry(member.id.clone()).or_default().extend(plans);
        if let Some(email) = &member.email {
            self.emails_ever.entry(member.id.clone()).or_default().insert(normal(email));
        }
        if member.status == MemberStatus::Blocked {
            self.blocked_ever.insert(member.id.clone());
        }
    }

    /// Whether manual access of the account with this address may be removed or changed: when a member who once had the
    /// address was blocked or gone, or ever had a plan that gave the same group.
    fn may_take(&self, members: &[Member], email: &str, row: &RoleAssignment) -> bool {
        let gives = |plan: &String| self.mapping_ever.contains(&(plan.clone(), row.applies_to_id));
        self.emails_ever.iter().filter(|(_, emails)| emails.contains(email)).any(|(owner, _)| {
            self.blocked_ever.contains(owner)
                || self.gone_ever.contains(owner)
                || members.iter().all(|member| member.id != *owner)
                || self.plans_ever.get(owner).is_some_and(|plans| plans.iter().any(gives))
        })
    }

    /// What a member should hold: the decision table.
    pub(crate) fn desired(&self, member: &Member, kisi: &Snapshot) -> BTreeMap<u64, Window> {
        let mut spans: BTreeMap<u64, Vec<(u64, u64)>> = BTreeMap::new();
        if member.status == MemberStatus::Blocked || email_of(member).is_none() {
            return BTreeMap::new();
        }
        for membership in &member.memberships {
            let Some(span) = gives(membership, self.grace_ms, kisi.now) else { continue };
            for (_, group) in self.mapping.iter().filter(|(plan, _)| *plan == membership.plan) {
                if kisi.groups.iter().any(|one| one.id == *group) {
                    spans.entry(*group).or_default().push(span);
                }
            }
        }
        let first = |mut spans: Vec<(u64, u64)>| {
            spans.sort_unstable();
            let mut joined: Option<(u64, u64)> = None;
            for (from, until) in spans {
                match &mut joined {
                    Some((_, end)) if from <= *end => *end = until.max(*end),
                    Some(_) => break,
                    None => joined = Some((from, until)),
                }
            }
            let (from, until) = joined.unwrap_or_default();
            (Some(from).filter(|from| *from > kisi.now), Some(until).filter(|until| *until != u64::MAX))
        };
        spans.into_iter().map(|(group, spans)| (group, first(spans))).collect()
    }

    /// People of the organization and the groups they can enter through now, by address.
    fn open(&self, kisi: &Snapshot) -> BTreeSet<(String, u64)> {
        let users: BTreeMap<u64, String> =
            kisi.users.iter().map(|user| (user.id, normal(&user.email))).collect();
        let holds = |row: &&RoleAssignment| {
            row.organization_id == self.organization
                && row.valid_from.is_none_or(|from| from <= kisi.now)
                && row.valid_until.is_none_or(|until| kisi.now < until)
        };
        kisi.role_assignments
            .iter()
            .filter(holds)
            .filter_map(|row| Some((users.get(&row.assignee_id)?.clone(), row.applies_to_id)))
            .collect()
    }

    /// Whether no other member ever had one of this member's addresses.
    fn is_unmistakable(&self, member: &str) -> bool {
        let Some(own) = self.emails_ever.get(member) else { return false };
        self.emails_ever.iter().all(|(other, emails)| other == member || emails.is_disjoint(own))
    }

    /// Whether another member ever had one of this member's addresses: only history then says whose an account is.
    pub(crate) fn is_shared(&self, person: &str) -> bool {
        self.emails_ever.contains_key(person) && !self.is_unmistakable(person)
    }

    /// Whether an assignment belongs to a member whose addresses no other member had.
    pub(crate) fn is_of(&self, row: &RoleAssignment, member: &str, kisi: &Snapshot) -> bool {
        let mut users = kisi.users.iter().filter(|user| user.id == row.assignee_id);
        self.is_unmistakable(member)
            && users.any(|user| self.emails_ever[member].contains(&normal(&user.email)))
    }

    /// Entitled members who could enter before a request and can't after it, though nothing else happened.
    pub(crate) fn gaps(&self, members: &[Member], before: &Snapshot, after: &Snapshot) -> Vec<String> {
        let (open_before, open_after) = (self.open(before), self.open(after));
        let mut gaps = Vec::new();
        for member in members.iter().filter(|member| self.is_unmistakable(&member.id)) {
            let emails = &self.emails_ever[&member.id];
            let enters = |open: &BTreeSet<(String, u64)>, group: u64| {
                emails.iter().any(|email| open.contains(&(email.clone(), group)))
            };
            for (group, (from, _)) in self.desired(member, before) {
                // Of two assignments staff may have removed the one that was to stay, which the plugin has not read yet.
                let is_staffs = self.unassigned.iter().any(|(user, of)| {
                    *of == group
                        && before
                            .users
                            .iter()
                            .any(|one| one.id == *user && emails.contains(&normal(&one.email)))
                });
                if from.is_none() && !is_staffs && enters(&open_before, group) && !enters(&open_after, group)
                {
                    gaps.push(format!("{} is entitled to group {group} and was shut out", member.id));
                }
            }
        }
        gaps
    }

    /// Where a member enters now by memberships; `None` when another member has or had the same address.
    pub(crate) fn enters(&self, members: &[Member], member: &Member, kisi: &Snapshot) -> Option<Enters> {
        let is_alone = members.iter().all(|one| one.id == member.id || email_of(one) != email_of(member));
        if !self.is_unmistakable(&member.id) || !is_alone {
            return None;
        }
        let email = email_of(member).unwrap_or_default();
        let user = kisi.users.iter().find(|user| normal(&user.email) == email).map(|user| user.id);
        let rows = || kisi.role_assignments.iter().filter(|row| Some(row.assignee_id) == user);
        let open = self.open(kisi);
        let desired = self.desired(member, kisi).into_iter().filter(|(_, (from, _))| from.is_none());
        Some(Enters {
            groups: desired
                .map(|(group, _)| group)
                .filter(|group| open.contains(&(email.clone(), *group)))
                .collect(),
            by_us_alone: user.is_some()
                && rows().all(|row| row.role_id == PLAIN && !self.by_hand.contains(&row.id)),
        })
    }

    /// Members who could enter by a grant of ours, are entitled before and after some time has passed, and cannot enter
    /// after it.
    pub(crate) fn shut_out(&self, members: &[Member], before: &Snapshot, after: &Snapshot) -> Vec<String> {
        let mut shut_out = Vec::new();
        let is_open = |row: &RoleAssignment, kisi: &Snapshot| {
            row.valid_from.is_none_or(|from| from <= kisi.now)
                && row.valid_until.is_none_or(|until| kisi.now < until)
        };
        for member in members {
            let (first, then) = (self.desired(member, before), self.desired(member, after));
            for (group, _) in first.iter().filter(|(_, (from, _))| from.is_none()) {
                let enters = |kisi: &Snapshot, is_counted: &dyn Fn(&RoleAssignment) -> bool| {
                    kisi.role_assignments.iter().any(|row| {
                        row.applies_to_id == *group
                            && is_open(row, kisi)
                            && is_counted(row)
                            && self.is_of(row, &member.id, kisi)
                    })
                };
                let is_still = then.get(group).is_some_and(|(from, _)| from.is_none());
                if is_still
                    && enters(before, &|row| !self.by_hand.contains(&row.id))
                    && !enters(after, &|_| true)
                {
                    shut_out.push(format!("{} is entitled to group {group} and stands outside", member.id));
                }
            }
        }
        shut_out
    }

    /// Who is in which group, without assignments that are over. People go by their member's id where it is known, and
    /// else by their address.
    pub(crate) fn held(&self, kisi: &Snapshot) -> BTreeSet<(String, u64)> {
        let person = |email: &str| {
            let owner = self.emails_ever.iter().find(|(_, emails)| emails.contains(email));
            owner.map_or_else(|| email.to_string(), |(member, _)| member.clone())
        };
        let user = |id: u64| kisi.users.iter().find(|user| user.id == id);
        kisi.role_assignments
            .iter()
            .filter(|row| row.organization_id == self.organization)
            .filter(|row| row.valid_until.is_none_or(|until| kisi.now < until))
            .filter_map(|row| Some((person(&normal(&user(row.assignee_id)?.email)), row.applies_to_id)))
            .collect()
    }

    /// Grants that a blocked member still has after the event was handled. What staff gives after a block is found by
    /// the next sync, not by an event.
    pub(crate) fn still_open(&self, member: &Member, kisi: &Snapshot) -> Vec<String> {
        if member.status != MemberStatus::Blocked || !self.is_unmistakable(&member.id) {
            return Vec::new();
        }
        let emails = &self.emails_ever[&member.id];
        let users = kisi.users.iter().filter(|user| emails.contains(&normal(&user.email)));
        users
            .filter(|user| !self.administrators.contains(&user.id))
            .flat_map(|user| kisi.role_assignments_of(user.id))
            .filter(|row| row.role_id == PLAIN && !self.by_hand.contains(&row.id))
            .map(|row| format!("{} is blocked and keeps group {}", member.id, row.applies_to_id))
            .collect()
    }

    /// Everything that must hold once all is at rest.
    pub(crate) fn at_rest(&self, members: &[Member], kisi: &Snapshot) -> Vec<String> {
        let mut wrong = Vec::new();
        for user in kisi.users.iter().filter(|user| !self.administrators.contains(&user.id)) {
            let rows: Vec<&RoleAssignment> = kisi
                .role_assignments_of(user.id)
                .filter(|row| row.organization_id == self.organization)
                .collect();
            self.judge_account(members, kisi, &normal(&user.email), &rows, &mut wrong);
        }
        for member in members {
            let Some(email) = email_of(member) else { continue };
            let has_account = kisi.users.iter().any(|user| normal(&user.email) == email);
            let shares = members.iter().filter(|other| email_of(other).as_ref() == Some(&email)).count() > 1;
            if !has_account && !shares && !self.desired(member, kisi).is_empty() {
                wrong.push(format!("{} is entitled and has no account", member.id));
            }
        }
        let of_organization = kisi.users.iter().filter(|user| user.organization_id == self.organization);
        for user in of_organization.filter(|user| !self.users_by_hand.contains(&user.id)) {
            let email = normal(&user.email);
            let is_known = self.emails_ever.values().any(|emails| emails.contains(&email));
            if !is_known && !self.administrators.contains(&user.id) {
                wrong.push(format!("user {} was made for {email}, which no member ever had", user.id));
            }
        }
        for user in self.users_ever.difference(&self.users_deleted) {
            if kisi.users.iter().all(|one| one.id != *user) {
                wrong.push(format!("user {user} was deleted, and not by staff"));
            }
        }
        for row in self.of_strangers.iter().chain(&self.elevated) {
            let is_there = |group: u64| kisi.groups.iter().any(|one| one.id == group);
            if !self.by_hand.contains(&row.id)
                || !is_there(row.applies_to_id)
                || self.users_deleted.contains(&row.assignee_id)
            {
                continue;
            }
            let now = kisi.role_assignments.iter().find(|one| one.id == row.id);
            let is_as_it_was = now.is_some_and(|now| {
                (now.role_id.as_str(), now.valid_from, now.valid_until)
                    == (row.role_id.as_str(), row.valid_from, row.valid_until)
            });
            let user = kisi.users.iter().find(|user| user.id == row.assignee_id);
            let may_go = user.is_some_and(|user| self.may_take(members, &normal(&user.email), row));
            if !is_as_it_was && (row.role_id != PLAIN || !may_go) {
                wrong.push(format!("assignment {} of staff ({}) was touched", row.id, row.role_id));
            }
        }
        wrong
    }

    fn judge_account(
        &self,
        members: &[Member],
        kisi: &Snapshot,
        email: &str,
        rows: &[&RoleAssignment],
        wrong: &mut Vec<String>,
    ) {
        let plain: Vec<&RoleAssignment> = rows.iter().copied().filter(|row| row.role_id == PLAIN).collect();
        let elevated_in =
            |group: u64| rows.iter().any(|row| row.role_id != PLAIN && row.applies_to_id == group);
        let mut ours: BTreeMap<u64, Vec<&RoleAssignment>> = BTreeMap::new();
        for row in plain.iter().filter(|row| !self.by_hand.contains(&row.id)) {
            ours.entry(row.applies_to_id).or_default().push(row);
        }
        for (group, rows) in &ours {
            if rows.len() > 1 {
                wrong.push(format!("{email} is in group {group} twice by us"));
            }
        }
        let owners: Vec<&Member> =
            members.iter().filter(|member| email_of(member).as_deref() == Some(email)).collect();
        let is_right = |member: &Member| {
            let desired = self.desired(member, kisi);
            let mut wrong = Vec::new();
            for (group, window) in &desired {
                let is_met = plain
                    .iter()
                    .any(|row| row.applies_to_id == *group && self.is_met(row, *window, kisi.now));
                if !is_met && !elevated_in(*group) {
                    let there: Vec<_> = plain
                        .iter()
                        .filter(|row| row.applies_to_id == *group)
                        .map(|row| (row.valid_from, row.valid_until))
                        .collect();
                    wrong.push(format!(
                        "{} should be in group {group} {window:?} at {} and has {there:?}",
                        member.id, kisi.now
                    ));
                }
            }
            for group in ours.keys().filter(|group| !desired.contains_key(group)) {
                wrong.push(format!("{} is not entitled to group {group} and holds it by us", member.id));
            }
            wrong
        };
        match owners.as_slice() {
            [] => {
                for group in ours.keys() {
                    wrong.push(format!("{email} belongs to no member and holds group {group} by us"));
                }
            }
            [only] if only.status == MemberStatus::Blocked => {
                // What staff gives after a block in a group that no plan is mapped to is not read.
                let is_read = |row: &&&RoleAssignment| {
                    let is_mapped = self.mapping.iter().any(|(_, group)| *group == row.applies_to_id);
                    is_mapped || !self.by_hand.contains(&row.id)
                };
                for row in plain.iter().filter(is_read) {
                    wrong.push(format!("{} is blocked and keeps group {}", only.id, row.applies_to_id));
                }
            }
            [only] => wrong.extend(is_right(only)),
            // Only history says which member was first. No other one gets access, and the account is never a mixture.
            several => {
                let mut entitled = several.iter().filter(|member| !self.desired(member, kisi).is_empty());
                if !ours.is_empty() && !entitled.any(|member| is_right(member).is_empty()) {
                    wrong.push(format!("{email} is shared and holds what none of them is entitled to"));
                }
            }
        }
    }

    /// Dates are compared by the second; a lease may end earlier than the window, but not before half of it is over.
    fn is_met(&self, row: &RoleAssignment, (from, until): Window, now: u64) -> bool {
        let second = |at: Option<u64>| at.map(|at| at / 1_000);
        if second(row.valid_from.filter(|from| *from > now)) != second(from) {
            return false;
        }
        let is_leased = || {
            let begins = from.unwrap_or(now);
            row.valid_until.is_some_and(|end| {
                end > begins + self.lease_ms / 2 - HOUR
                    && end <= begins + self.lease_ms + 1_000
                    && until.is_none_or(|until| end <= until)
            })
        };
        second(row.valid_until) == second(until) || (self.lease_ms > 0 && is_leased())
    }
}
