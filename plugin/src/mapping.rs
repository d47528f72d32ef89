//! Which plan opens which groups, as the gym set it. Pure; `tenant` stores it.

use serde::{Deserialize, Serialize};

use crate::contract::types::{GroupRef, Membership};
use crate::id::GroupId;
use crate::json::{is_default, to_vec};
use crate::ledger::fingerprint;

/// Memberships of this plan open this group.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Entry {
    /// The platform's plan.
    pub plan: String,
    /// Kisi's group.
    pub group: GroupId,
    /// When present, only for memberships of this location.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
}

/// A mapped group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MappedGroup {
    /// Kisi's id.
    pub id: GroupId,
    /// The name at the last refresh.
    pub name: String,
    /// The group no longer exists in Kisi.
    #[serde(default, skip_serializing_if = "is_default")]
    pub deleted: bool,
}

/// A mapped plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MappedPlan {
    /// The platform's id.
    pub id: String,
    /// The name when it was mapped.
    pub name: String,
}

/// All entries, with the names of their groups and plans.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Mappings {
    /// In the order of the gym. A record without them is damaged: without entries all members would lose access.
    pub entries: Vec<Entry>,
    /// Each mapped group once.
    #[serde(default)]
    pub groups: Vec<MappedGroup>,
    /// Each mapped plan once.
    #[serde(default)]
    pub plans: Vec<MappedPlan>,
}

impl Mappings {
    /// The groups that a membership opens while it gives access, each once, including deleted ones.
    pub fn groups_of(&self, membership: &Membership) -> Vec<GroupId> {
        let mut groups = Vec::new();
        for entry in &self.entries {
            let here =
                entry.location.as_ref().is_none_or(|location| membership.location.as_ref() == Some(location));
            if entry.plan == membership.plan && here && !groups.contains(&entry.group) {
                groups.push(entry.group);
            }
        }
        groups
    }

    /// A number that changes whenever the entries do.
    pub fn fingerprint(&self) -> u64 {
        fingerprint(to_vec(&self.entries))
    }

    /// Whether a group is mapped.
    pub fn knows(&self, group: GroupId) -> bool {
        self.group(group).is_some()
    }

    /// Whether a group no longer exists in Kisi.
    pub fn is_deleted(&self, group: GroupId) -> bool {
        self.group(group).is_some_and(|group| group.deleted)
    }

    /// Marks a group as deleted in Kisi.
    pub fn mark_deleted(&mut self, group: GroupId) {
        for mapped in self.groups.iter_mut().filter(|mapped| mapped.id == group) {
            mapped.deleted = true;
        }
    }

    /// Removes the names of plans that are not mapped.
    pub fn forget_unmapped_plans(&mut self) {
        let entries = &self.entries;
        self.plans.retain(|plan| entries.iter().any(|entry| entry.plan == plan.id));
    }

    /// The group with its name.
    pub fn group_ref(&self, group: GroupId) -> GroupRef {
        let name = self.group(group).map(|group| group.name.clone()).unwrap_or_default();
        GroupRef { id: group.to_string(), name }
    }

    /// The plan's name, or its id when the mapping does not know it.
    pub fn plan_name<'a>(&'a self, plan: &'a str) -> &'a str {
        self.plans.iter().find(|mapped| mapped.id == plan).map_or(plan, |mapped| &mapped.name)
    }

    fn group(&self, group: GroupId) -> Option<&MappedGroup> {
        self.groups.iter().find(|mapped| mapped.id == group)
    }
}
