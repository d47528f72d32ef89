//! A checked scenario: every name in it is known, and the effect of each step on the directory is worked out.

use door_access_host::contract::events::EventKind;
use door_access_host::contract::types::{Member, Plan};
use serde_json::{Map, Value};

use super::document::{Expect, Explain, Hand, KeyChoice, Unlock};
use super::places::Places;
use crate::unusable::Place;

/// A scenario without mistakes in the file. Mistakes that only the plugin or Kisi can find (settings, doors) show when
/// it is played.
pub struct Scenario {
    /// Its name for people.
    pub title: String,
    /// What it shows.
    pub story: String,
    /// When it begins, in milliseconds since the Unix epoch.
    pub(crate) start_ms: u64,
    /// The plugin's settings.
    pub(crate) settings: Settings,
    /// What is in Kisi before the first step; `None` when the scenario takes Kisi as it is.
    pub(crate) seed: Option<kisi_sim::Seed>,
    /// The place of what is seeded.
    pub(crate) seeds_at: Option<Place>,
    /// All plans.
    pub(crate) plans: Vec<Plan>,
    /// Which plan opens which groups, by the groups' names.
    pub(crate) mappings: Vec<MappingEntry>,
    /// The members at the start.
    pub(crate) members: Vec<Member>,
    pub(crate) steps: Vec<Step>,
    /// The place of every field.
    pub(crate) places: Places,
}

/// Settings for the plugin. Only the plugin can validate them.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// The values by name.
    pub(crate) values: Map<String, Value>,
    /// The path of these settings in the scenario.
    pub(crate) path: String,
}

/// One entry of the mapping.
#[derive(Clone, Debug)]
pub(crate) struct MappingEntry {
    /// The plan's id.
    pub(crate) plan: String,
    /// The group's name.
    pub(crate) group: String,
    /// The location that it is limited to.
    pub(crate) location: Option<String>,
    /// The place of the group's name.
    pub(crate) place: Place,
}

/// One step.
pub(crate) struct Step {
    /// Where it begins.
    pub(crate) place: Place,
    /// A note to be printed.
    pub(crate) note: Option<String>,
    /// `None` when the step only expects something.
    pub(crate) action: Option<Action>,
    pub(crate) expect: Option<Expect>,
}

/// What happens in a step.
pub(crate) enum Action {
    /// An event on the platform.
    Event(Happening),
    /// Time passes, in milliseconds.
    Advance(u64),
    /// Time passes until this moment.
    Until(u64),
    /// Requests will fail at Kisi.
    Fault(kisi_sim::Fault),
    /// Staff does something in Kisi's web page.
    Hand(Hand),
    /// The gym connects again.
    Connect {
        /// With which key.
        key: KeyChoice,
        /// With a new key of the person with this address.
        key_of: Option<String>,
        /// With these settings; `None` for the present ones.
        settings: Option<Settings>,
    },
    /// The groups are read again.
    RefreshGroups,
    /// The plugin does what is due.
    Tick,
    /// The mapping is replaced.
    Map(Vec<MappingEntry>),
    /// Whether a member may enter.
    Explain(Explain),
    /// A member opens a door.
    Unlock(Unlock),
}

/// An event on the platform.
pub(crate) struct Happening {
    /// Its kind as the scenario spells it.
    pub(crate) word: String,
    /// Its kind.
    pub(crate) kind: EventKind,
    /// The member's id.
    pub(crate) member: String,
    /// How the directory changes right before the event; `None` when it does not.
    pub(crate) change: Option<DirectoryChange>,
}

/// A change of the directory.
pub(crate) enum DirectoryChange {
    /// The member is added or replaced.
    Put(Member),
    /// The member is deleted.
    Delete,
}

impl Scenario {
    /// The first step that only a simulator can play, in words, with its place.
    pub(crate) fn needs_simulator(&self) -> Option<(&'static str, &Place)> {
        self.steps.iter().find_map(|step| {
            let what = match step.action.as_ref()? {
                Action::Advance(_) | Action::Until(_) => "lets time pass",
                Action::Fault(_) => "injects a fault",
                Action::Unlock(_) => "opens a door",
                Action::Hand(_) => "does by hand what staff does in Kisi",
                Action::Connect { key: KeyChoice::New, .. } | Action::Connect { key_of: Some(_), .. } => {
                    "makes a new key"
                }
                _ => return None,
            };
            Some((what, &step.place))
        })
    }
}
