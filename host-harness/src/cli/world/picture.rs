//! Who is in which group, as Kisi says.

use std::collections::BTreeMap;

use kisi_sim::{AppliesTo, Snapshot};

/// The role of a plain member.
const PLAIN_ROLE: &str = "group_basic";

/// Who is in which group at one moment.
#[derive(Clone, Debug, Default)]
pub(crate) struct Picture {
    /// The groups' names, by id.
    pub(crate) groups: BTreeMap<u64, String>,
    /// Everything that anybody holds in a group, in the order in which it was given.
    pub(crate) held: Vec<Held>,
}

/// One person's hold on one group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Held {
    /// The person's name in Kisi.
    pub(crate) name: String,
    /// The person's address, in lower case.
    pub(crate) email: String,
    /// The group's name.
    pub(crate) group: String,
    /// The role, when it is above that of a plain member.
    pub(crate) role: Option<String>,
    /// From when it holds.
    pub(crate) from_ms: Option<u64>,
    /// Until when it holds.
    pub(crate) until_ms: Option<u64>,
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
        Picture { groups, held }
    }

    /// What the person with this address holds, ordered by group.
    pub(crate) fn of_address(&self, email: &str) -> Vec<&Held> {
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
