//! What the commands print has in common: groups, people, moments.

use serde::Serialize;

use crate::report::Tone;
use door_access_host::contract::events::Grant;
use door_access_host::contract::groups::Group;
use door_access_host::contract::types::Window;
use door_access_scenario::words::{held, moment, optional_time};

/// A group as machines read it.
#[derive(Debug, Serialize)]
pub(super) struct GroupFacts {
    pub(super) id: String,
    pub(super) name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) place: Option<String>,
    pub(super) doors: u32,
    /// Plans that open it, by name.
    pub(super) plans: Vec<String>,
    /// `no-doors`, `app-access-off`, `deleted`.
    pub(super) warnings: Vec<String>,
}

impl GroupFacts {
    pub(super) fn of(group: &Group, plans: Vec<String>) -> GroupFacts {
        GroupFacts {
            id: group.id.clone(),
            name: group.name.clone(),
            place: group.place.clone(),
            doors: group.doors,
            plans,
            warnings: group.warnings.iter().map(door_access_scenario::words::word).collect(),
        }
    }
}

/// A group that a member holds, with its dates.
#[derive(Serialize)]
pub(super) struct GrantFacts {
    group: String,
    group_name: String,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "optional_time")]
    from: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "optional_time")]
    until: Option<u64>,
}

impl GrantFacts {
    pub(super) fn of(grant: &Grant) -> GrantFacts {
        GrantFacts {
            group: grant.group.id.clone(),
            group_name: grant.group.name.clone(),
            from: grant.window.starts_at,
            until: grant.window.ends_at,
        }
    }

    /// `Spa`, `Spa (until 1 Jan 2027)`.
    pub(super) fn in_words(&self, now_ms: u64) -> String {
        held(&self.group_name, None, Window { starts_at: self.from, ends_at: self.until }, now_ms)
    }
}

/// What keeps a group's members from entering, in words.
pub(super) fn warning(word: &str) -> &str {
    match word {
        "no-doors" => "no doors: add doors to it in Kisi",
        "app-access-off" => "app access is off",
        "deleted" => "deleted in Kisi",
        other => other,
    }
}

/// A moment, or that there was none.
pub(super) fn when(ms: Option<u64>) -> (Tone, String) {
    match ms {
        Some(ms) => (Tone::Plain, format!("{} UTC", moment(ms))),
        None => (Tone::Faint, "never".to_owned()),
    }
}

/// `1 group`, `2 groups`.
pub(super) fn counted(count: usize, one: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {one}s") }
}
