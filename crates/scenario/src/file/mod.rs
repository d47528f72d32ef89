//! A scenario: who is a member of what, which plan opens which groups, what happens, and what should come of it.
//!
//! `document` is the file as it is written, `check` finds what does not hold together and works out what each step
//! does to the directory, and what is here is the result: playing it leaves nothing to look up or to complain about
//! but what only Kisi knows.

mod access;
mod check;
mod directory;
mod document;
mod places;
mod seeding;
mod source;
mod step;
mod time;

use std::path::Path;

use crate::unusable::{Place, Unusable};
use door_access_host::contract::access::Device;
use door_access_host::contract::events::EventKind;
use door_access_host::contract::types::{Member, Plan};

pub(crate) use access::Answer;
pub(crate) use document::{Dates, Hand, Key};
pub(crate) use places::Places;
pub use source::{alike, meant};
pub use step::event_kind;

/// A scenario that holds together.
pub struct Scenario {
    /// Its name for people.
    pub title: String,
    /// What it shows.
    pub story: String,
    /// When it begins, in milliseconds since the Unix epoch.
    pub(crate) start_ms: u64,
    /// The plugin's settings.
    pub(crate) settings: Settings,
    /// What is in Kisi beforehand; `None` when the scenario takes Kisi as it is.
    pub(crate) seed: Option<kisi_sim::Seed>,
    /// Where it says so.
    pub(crate) seeds_at: Option<Place>,
    /// All plans.
    pub(crate) plans: Vec<Plan>,
    /// Which plan opens which groups, by the groups' names.
    pub(crate) mappings: Vec<MappingEntry>,
    /// The members at the start.
    pub(crate) members: Vec<Member>,
    /// What happens.
    pub(crate) steps: Vec<Step>,
    /// Where everything stands.
    pub(crate) places: Places,
}

/// Settings as the plugin takes them. Which are right, only the plugin knows.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// By name, as JSON.
    pub(crate) values: serde_json::Map<String, serde_json::Value>,
    /// The path in the scenario of what gives them.
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
    /// Where it stands, for a message when Kisi has no such group.
    pub(crate) place: Place,
}

/// One step.
pub(crate) struct Step {
    /// Where it begins in the file.
    pub(crate) place: Place,
    /// What people should read about it.
    pub(crate) note: Option<String>,
    /// What happens; nothing when the step only expects.
    pub(crate) action: Option<Action>,
    /// What should be so afterwards.
    pub(crate) expect: Option<Expect>,
}

/// What happens in a step.
pub(crate) enum Action {
    /// Something on the platform.
    Event(Happening),
    /// Time passes, in milliseconds.
    Advance(u64),
    /// Time passes until this moment.
    Until(u64),
    /// Something will go wrong at Kisi.
    Fault(kisi_sim::Fault),
    /// Staff does something in Kisi's web page.
    Hand(Hand),
    /// The gym connects once more.
    Connect {
        /// With which key.
        key: Key,
        /// With a key of this person.
        key_of: Option<String>,
        /// With these settings; the old ones when `None`.
        settings: Option<Settings>,
    },
    /// The groups are read again.
    RefreshGroups,
    /// The plugin does what has fallen due.
    Tick,
    /// The mapping is replaced.
    Map(Vec<MappingEntry>),
    /// Somebody asks whether a member may enter.
    Explain(Asked),
    /// A member wants a door opened.
    Unlock(Opening),
}

/// Whom an explanation is about.
pub(crate) struct Asked {
    /// The member.
    pub(crate) member: String,
    /// Their name, for people.
    pub(crate) name: String,
    /// What is known of their phone.
    pub(crate) device: Device,
    /// Whether Kisi is asked, too.
    pub(crate) verify: bool,
}

/// Who wants which door opened.
pub(crate) struct Opening {
    /// The member.
    pub(crate) member: String,
    /// Their name, for people.
    pub(crate) name: String,
    /// The door's name in Kisi.
    pub(crate) door: String,
}

/// Something that happens to a member.
pub(crate) struct Happening {
    /// What, in the scenario's word.
    pub(crate) word: String,
    /// What, in the contract's.
    pub(crate) kind: EventKind,
    /// To whom.
    pub(crate) member: String,
    /// Their name, for people.
    pub(crate) name: String,
    /// What the directory says from now on; `None` when it says the same as before.
    pub(crate) change: Option<DirectoryChange>,
}

/// A change of the directory.
pub(crate) enum DirectoryChange {
    /// The member is so from now on.
    Put(Member),
    /// The member is no more.
    Delete,
}

/// What should be so after a step. Empty maps and `None` say nothing.
#[derive(Default)]
pub(crate) struct Expect {
    /// By member or e-mail address: the groups that Kisi holds them in.
    pub(crate) groups: Vec<(Whom, Vec<String>)>,
    /// By member or e-mail address and group: the dates in Kisi.
    pub(crate) windows: Vec<(Whom, Vec<(String, Dates)>)>,
    /// By member: what was done, as `granted Spa`.
    pub(crate) changes: Vec<(String, Vec<String>)>,
    /// By member: why something gives no access.
    pub(crate) reasons: Vec<(String, Vec<String>)>,
    /// By member: what was done with the account.
    pub(crate) accounts: Vec<(String, Vec<String>)>,
    /// By member: warnings.
    pub(crate) warnings: Vec<(String, Vec<String>)>,
    /// By member: when they must be looked at again.
    pub(crate) due: Vec<(String, Option<u64>)>,
    /// Requests.
    pub(crate) calls: Option<u32>,
    /// Requests that change something.
    pub(crate) edits: Option<u32>,
    /// How often the event was delivered.
    pub(crate) deliveries: Option<u32>,
    /// The error, as `retry`, `pause:key-rejected`, `none`.
    pub(crate) error: Option<String>,
    /// The tenant's state, as `connected`, `paused:key-rejected`.
    pub(crate) state: Option<String>,
    /// Names of the groups whose mappings are broken.
    pub(crate) broken: Option<Vec<String>>,
    /// What comes of an `explain` or `unlock`.
    pub(crate) answer: Answer,
}

/// Whose groups are meant.
#[derive(Clone, Debug)]
pub(crate) enum Whom {
    /// A member: whoever has the member's present (or last) e-mail address in Kisi.
    Member(String),
    /// Whoever has this address in Kisi.
    Address(String),
}

impl Scenario {
    /// Reads and checks a scenario file.
    ///
    /// # Errors
    /// One line a problem, each with file, line and column.
    pub fn read(path: &Path) -> Result<Scenario, Unusable> {
        let file = path.display().to_string();
        let text = std::fs::read_to_string(path)
            .map_err(|error| Unusable::new(format!("{file} cannot be read: {error}")))?;
        Scenario::parse(&file, &text, path.parent().unwrap_or(Path::new("")))
    }

    /// Reads a text. What it names by a path is looked for from `folder`.
    pub fn parse(file: &str, text: &str, folder: &Path) -> Result<Scenario, Unusable> {
        let source = source::Source { file, text };
        let document =
            toml::from_str(text).map_err(|error| Unusable::from(vec![source.unreadable(&error)]))?;
        Ok(check::check(document, &source, folder)?)
    }

    /// The first step that only a simulator can play, in words, with its place.
    pub(crate) fn needs_simulator(&self) -> Option<(&'static str, &Place)> {
        self.steps.iter().find_map(|step| {
            let what = match step.action.as_ref()? {
                Action::Advance(_) | Action::Until(_) => "lets time pass",
                Action::Fault(_) => "injects a fault",
                Action::Unlock(_) => "opens a door",
                Action::Hand(_) => "does by hand what staff does in Kisi",
                Action::Connect { key: Key::New, .. } | Action::Connect { key_of: Some(_), .. } => {
                    "makes a new key"
                }
                _ => return None,
            };
            Some((what, &step.place))
        })
    }
}
