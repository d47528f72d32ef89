//! Who is in which group at Kisi.

use std::collections::{BTreeMap, BTreeSet};

use door_access_host::contract::types::Window;
use kisi_sim::{AppliesTo, Snapshot};

use crate::words::held;

/// The role of a plain member of a group.
pub(super) const PLAIN_ROLE: &str = "group_basic";

/// Who is in which group at one moment.
#[derive(Clone, Debug, Default)]
pub(crate) struct Roster {
    /// The groups' names, by id.
    pub(crate) groups: BTreeMap<u64, String>,
    /// All assignments to groups, the oldest first.
    pub(crate) assignments: Vec<Assignment>,
    /// The accounts' names by address. `None` for a live Kisi, where reading them takes too many requests.
    pub(crate) accounts: Option<BTreeMap<String, String>>,
}

/// One person's assignment to one group.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Assignment {
    /// The person's name in Kisi.
    pub(crate) name: String,
    /// The person's address, in lower case.
    pub(crate) email: String,
    /// The group's name.
    pub(crate) group: String,
    /// The role, when it is above that of a plain member.
    pub(crate) role: Option<String>,
    /// Its dates.
    pub(crate) window: Window,
}

impl Assignment {
    /// The group with its role and dates as of `now_ms`: `Spa (until 1 Jan 2027)`.
    pub(crate) fn in_words(&self, now_ms: u64) -> String {
        held(&self.group, self.role.as_deref(), self.window, now_ms)
    }
}

impl Roster {
    /// The first organization of a simulator.
    pub(super) fn of(state: &Snapshot) -> Roster {
        let organization = state.organizations.first().map(|organization| organization.id);
        let ours = state.groups.iter().filter(|group| Some(group.organization_id) == organization);
        let groups: BTreeMap<u64, String> = ours.map(|group| (group.id, group.name.clone())).collect();
        let assignment = |held: &kisi_sim::RoleAssignment| {
            let user = state.users.iter().find(|user| user.id == held.assignee_id)?;
            Some(Assignment {
                name: user.name.clone(),
                email: user.email.to_lowercase(),
                group: groups.get(&held.applies_to_id)?.clone(),
                role: elevated(&held.role_id),
                window: Window { starts_at: held.valid_from, ends_at: held.valid_until },
            })
        };
        let of_groups = state.role_assignments.iter().filter(|held| held.applies_to_type == AppliesTo::Group);
        let assignments = of_groups.filter_map(assignment).collect();
        let people = state.users.iter().filter(|user| Some(user.organization_id) == organization);
        let accounts = people.map(|user| (user.email.to_lowercase(), user.name.clone())).collect();
        Roster { groups, assignments, accounts: Some(accounts) }
    }

    /// The fewest edits that lead from this roster to `later`: one for each assignment that is added, removed or
    /// changed, and one for each account that is created or renamed. Assignments to a group that was deleted went
    /// without an edit. `accounts` is the number of edits of accounts, for rosters that do not know the accounts.
    pub(crate) fn edits_to(&self, later: &Roster, accounts: usize) -> usize {
        let groups: BTreeSet<&String> = later.groups.values().collect();
        let mut changed: BTreeMap<_, (Vec<_>, Vec<_>)> = BTreeMap::new();
        for held in self.assignments.iter().filter(|held| groups.contains(&held.group)) {
            let (removed, _) = changed.entry((&held.email, &held.group)).or_default();
            removed.push((&held.role, held.window));
        }
        for held in later.assignments.iter().filter(|held| groups.contains(&held.group)) {
            let (removed, added) = changed.entry((&held.email, &held.group)).or_default();
            let held = (&held.role, held.window);
            match removed.iter().position(|known| *known == held) {
                Some(unchanged) => drop(removed.swap_remove(unchanged)),
                None => added.push(held),
            }
        }
        let assignments: usize =
            changed.values().map(|(removed, added)| removed.len().max(added.len())).sum();
        let accounts = match (&self.accounts, &later.accounts) {
            (Some(before), Some(after)) => {
                after.iter().filter(|(email, name)| before.get(*email) != Some(name)).count()
            }
            _ => accounts,
        };
        assignments + accounts
    }

    /// The assignments of the person with this address, by group.
    pub(crate) fn of_address(&self, email: &str) -> Vec<&Assignment> {
        let email = email.trim().to_lowercase();
        let mut held: Vec<&Assignment> = self.assignments.iter().filter(|held| held.email == email).collect();
        held.sort_by(|one, other| one.group.cmp(&other.group));
        held
    }
}

/// The role, when it is above that of a plain member.
pub(super) fn elevated(role: &str) -> Option<String> {
    (role != PLAIN_ROLE).then(|| role.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roster(held: &[(&str, &str, Option<u64>)], accounts: &[(&str, &str)]) -> Roster {
        let one = |(email, group, ends_at): &(&str, &str, Option<u64>)| Assignment {
            name: String::new(),
            email: (*email).to_owned(),
            group: (*group).to_owned(),
            role: None,
            window: Window { starts_at: None, ends_at: *ends_at },
        };
        let accounts = accounts.iter().map(|(email, name)| ((*email).to_owned(), (*name).to_owned()));
        Roster {
            groups: BTreeMap::from([(1, "Spa".to_owned()), (2, "Pool".to_owned())]),
            assignments: held.iter().map(one).collect(),
            accounts: Some(accounts.collect()),
        }
    }

    #[test]
    fn the_fewest_edits_are_the_differences() {
        let ann = &[("a@x", "Ann")];
        let empty = roster(&[], &[]);
        let joined = roster(&[("a@x", "Spa", None)], ann);
        assert_eq!(empty.edits_to(&empty, 0), 0);
        assert_eq!(empty.edits_to(&joined, 0), 2, "an account and an assignment");
        assert_eq!(joined.edits_to(&roster(&[("a@x", "Spa", Some(9))], ann), 0), 1, "a date");
        assert_eq!(joined.edits_to(&roster(&[("a@x", "Pool", None)], ann), 0), 2, "another group");
        assert_eq!(joined.edits_to(&roster(&[("a@x", "Spa", None)], &[("a@x", "Anna")]), 0), 1, "a name");
        assert_eq!(joined.edits_to(&roster(&[], ann), 0), 1, "a removal");
        let twice = roster(&[("a@x", "Spa", None), ("a@x", "Spa", None)], ann);
        assert_eq!(twice.edits_to(&joined, 0), 1, "one of two equal assignments");
    }
}
