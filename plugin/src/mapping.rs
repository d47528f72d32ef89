//! Which plan opens which groups, as the tenant has set it. Pure; `tenant` keeps it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::contract::types::{GroupRef, Membership};
use crate::id::GroupId;

/// One entry: memberships of this plan open this group.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Entry {
    /// The platform's plan.
    pub plan: String,
    /// Kisi's group.
    pub group: GroupId,
    /// Limits the entry to memberships of this location.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
}

/// What is known of a group that entries name.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct MappedGroup {
    /// The name at the last refresh.
    pub name: String,
    /// Kisi says that it no longer exists.
    #[serde(default)]
    pub deleted: bool,
}

/// All entries, with the names that sentences need.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Mappings {
    /// In the order in which they were given.
    pub entries: Vec<Entry>,
    /// The groups that entries name.
    pub groups: BTreeMap<GroupId, MappedGroup>,
    /// Names of the plans that entries name.
    pub plans: BTreeMap<String, String>,
}

impl Mappings {
    /// The groups that a membership opens while it gives access, deleted ones included.
    pub fn groups_of(&self, membership: &Membership) -> BTreeSet<GroupId> {
        self.entries
            .iter()
            .filter(|entry| {
                entry.plan == membership.plan
                    && entry.location.as_ref().is_none_or(|location| membership.location.as_ref() == Some(location))
            })
            .map(|entry| entry.group)
            .collect()
    }

    /// Whether Kisi no longer has a group.
    pub fn is_deleted(&self, group: GroupId) -> bool {
        self.groups.get(&group).is_some_and(|group| group.deleted)
    }

    /// The group, named so that people can read it.
    pub fn group_ref(&self, group: GroupId) -> GroupRef {
        let name = self.groups.get(&group).map(|group| group.name.clone()).unwrap_or_default();
        GroupRef { id: group.to_string(), name }
    }

    /// The plan's name, or its id when the mapping does not know it.
    pub fn plan_name<'a>(&'a self, plan: &'a str) -> &'a str {
        self.plans.get(plan).map_or(plan, String::as_str)
    }
}
