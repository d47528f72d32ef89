//! Groups, grants and words as the commands print them.

use std::io;

use serde::{Serialize, Serializer};

use crate::report::{Page, Table, Tone};
use door_access_host::contract::events::Grant;
use door_access_host::contract::groups::Group;
use door_access_host::contract::types::Window;
use door_access_scenario::words::{held, moment, optional_time, word};

/// Serializes a closed word in the contract's spelling: `not-started`.
pub(super) fn as_word<S: Serializer>(value: &impl Serialize, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&word(value))
}

/// A group.
#[derive(Debug, Serialize)]
pub(super) struct GroupFacts {
    id: String,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<String>,
    doors: u32,
    /// The names of the plans that open it.
    plans: Vec<String>,
    /// `no-doors`, `app-access-off`, `deleted`.
    warnings: Vec<String>,
}

impl GroupFacts {
    pub(super) fn of(group: &Group, plans: Vec<String>) -> GroupFacts {
        GroupFacts {
            id: group.id.clone(),
            name: group.name.clone(),
            place: group.place.clone(),
            doors: group.doors,
            plans,
            warnings: group.warnings.iter().map(word).collect(),
        }
    }

    /// A table of groups.
    pub(super) fn print(groups: &[GroupFacts], page: &mut Page) -> io::Result<()> {
        if groups.is_empty() {
            let text = "Kisi has no groups yet: make them in Kisi, then `harness groups --refresh`.";
            return page.wide(Tone::Care, text);
        }
        let mut table = Table::new(["group", "id", "place", "doors", "opened by", "note"]);
        for group in groups {
            let warnings: Vec<&str> = group.warnings.iter().map(|word| warning(word)).collect();
            table.row([
                (Tone::Plain, group.name.clone()),
                (Tone::Faint, group.id.clone()),
                (Tone::Plain, group.place.clone().unwrap_or_else(|| "all".to_owned())),
                (Tone::Plain, group.doors.to_string()),
                (Tone::Plain, group.plans.join(", ")),
                (Tone::Care, warnings.join("; ")),
            ]);
        }
        page.table(table)
    }
}

/// Why a group opens nothing, in words.
fn warning(word: &str) -> &str {
    match word {
        "no-doors" => "no doors: add doors to it in Kisi",
        "app-access-off" => "app access is off",
        "deleted" => "deleted in Kisi",
        other => other,
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

/// The managed places, and the others.
pub(super) fn print_places(page: &mut Page, chosen: &[String], left_out: &[String]) -> io::Result<()> {
    let mut text = chosen.join(", ");
    if !left_out.is_empty() {
        text = format!("{text}; not managed: {}", left_out.join(", "));
    }
    page.labelled(Tone::Faint, "places", &text, "")
}

/// A moment, or `never`.
pub(super) fn when(ms: Option<u64>) -> String {
    ms.map_or_else(|| "never".to_owned(), |ms| format!("{} UTC", moment(ms)))
}
