//! Who is in which group, as Kisi says.

use std::collections::{BTreeMap, BTreeSet};

use kisi_sim::{AppliesTo, Snapshot};

/// The role of a plain member.
const PLAIN_ROLE: &str = "group_basic";

/// Who is in which group at one moment.
#[derive(Clone, Debug, Default)]
pub struct Picture {
    /// The groups' names, by id.
    pub groups: BTreeMap<u64, String>,
    /// Everything that anybody holds in a group, in the order in which it was given.
    pub held: Vec<Held>,
    /// Everybody's name by address, where that is known: reading it from a live Kisi would take too many requests.
    pub accounts: Option<BTreeMap<String, String>>,
}

/// One person's hold on one group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// The person's name in Kisi.
    pub name: String,
    /// The person's address, in lower case.
    pub email: String,
    /// The group's name.
    pub group: String,
    /// The role, when it is above that of a plain member.
    pub role: Option<String>,
    /// From when it holds.
    pub from_ms: Option<u64>,
    /// Until when it holds.
    pub until_ms: Option<u64>,
}

impl Picture {
    /// What a simulator's first organization holds.
    pub(super) fn of(state: &Snapshot) -> Picture {
        let organization = state.organizations.first().map(|organization| organization.id);
        let ours = state.groups.iter().filter(|group| Some(group.organization_id) == organization);
        let groups: BTreeMap<u64, String> = ours.map(|group| (group.id, group.name.clone())).collect();
        let held = state
            .role_assignments
            .iter()
            .filter(|held| held.applies_to_type == AppliesTo::Group)
            .filter_map(|held| {
                let user = state.users.iter().find(|user| user.id == held.assignee_id)?;
                Some(Held {
                    name: user.name.clone(),
                    email: user.email.to_lowercase(),
                    group: groups.get(&held.applies_to_id)?.clone(),
                    role: elevated(&held.role_id),
                    from_ms: held.valid_from,
                    until_ms: held.valid_until,
                })
            })
            .collect();
        let people = state.users.iter().filter(|user| Some(user.organization_id) == organization);
        let accounts = people.map(|user| (user.email.to_lowercase(), user.name.clone())).collect();
        Picture { groups, held, accounts: Some(accounts) }
    }

    /// How many edits it takes at least to come from here to there; `accounts` of them are about accounts when the
    /// pictures do not know. Adding, removing or changing the dates of one hold is one edit, and so is making or
    /// changing one account. What went with a deleted group took none.
    pub fn edits_to(&self, there: &Picture, accounts: usize) -> usize {
        let names: BTreeSet<&String> = there.groups.values().collect();
        let mut changed = BTreeMap::new();
        for (held, sign) in
            self.held.iter().map(|held| (held, -1_i64)).chain(there.held.iter().map(|held| (held, 1)))
        {
            if names.contains(&held.group) {
                let what = (held.role.as_ref(), held.from_ms, held.until_ms);
                *changed
                    .entry((&held.email, &held.group))
                    .or_insert_with(BTreeMap::new)
                    .entry(what)
                    .or_insert(0) += sign;
            }
        }
        let holds: u64 = changed
            .values()
            .map(|dates| {
                let sum = |wanted: i64| {
                    dates
                        .values()
                        .filter(|count| count.signum() == wanted)
                        .map(|count| count.unsigned_abs())
                        .sum::<u64>()
                };
                sum(1).max(sum(-1))
            })
            .sum();
        let accounts = match (&self.accounts, &there.accounts) {
            (Some(before), Some(after)) => {
                after.iter().filter(|(email, name)| before.get(*email) != Some(name)).count()
            }
            _ => accounts,
        };
        usize::try_from(holds).unwrap_or(usize::MAX).saturating_add(accounts)
    }

    /// What the person with this address holds, ordered by group.
    pub fn of_address(&self, email: &str) -> Vec<&Held> {
        let email = email.trim().to_lowercase();
        let mut held: Vec<&Held> = self.held.iter().filter(|held| held.email == email).collect();
        held.sort_by(|one, other| one.group.cmp(&other.group));
        held
    }
}

/// A role worth naming.
pub(super) fn elevated(role: &str) -> Option<String> {
    (role != PLAIN_ROLE).then(|| role.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(held: &[(&str, &str, Option<u64>)], accounts: &[(&str, &str)]) -> Picture {
        let one = |(email, group, until_ms): &(&str, &str, Option<u64>)| Held {
            name: String::new(),
            email: (*email).to_owned(),
            group: (*group).to_owned(),
            role: None,
            from_ms: None,
            until_ms: *until_ms,
        };
        let accounts = accounts.iter().map(|(email, name)| ((*email).to_owned(), (*name).to_owned()));
        Picture {
            groups: BTreeMap::from([(1, "Spa".to_owned()), (2, "Pool".to_owned())]),
            held: held.iter().map(one).collect(),
            accounts: Some(accounts.collect()),
        }
    }

    #[test]
    fn the_least_number_of_edits_is_what_differs() {
        let empty = picture(&[], &[]);
        let joined = picture(&[("a@x", "Spa", None)], &[("a@x", "Ann")]);
        assert_eq!(empty.edits_to(&empty, 0), 0);
        assert_eq!(empty.edits_to(&joined, 0), 2);
        assert_eq!(joined.edits_to(&picture(&[("a@x", "Spa", Some(9))], &[("a@x", "Ann")]), 0), 1, "a date");
        assert_eq!(
            joined.edits_to(&picture(&[("a@x", "Pool", None)], &[("a@x", "Ann")]), 0),
            2,
            "one for another"
        );
        assert_eq!(joined.edits_to(&picture(&[("a@x", "Spa", None)], &[("a@x", "Anna")]), 0), 1, "a name");
        assert_eq!(joined.edits_to(&picture(&[], &[("a@x", "Ann")]), 0), 1, "a removal");
    }
}
