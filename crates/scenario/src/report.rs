//! What a run has to tell, as data. `text` prints it for people, `json` for machines; nothing here prints.

use std::io;

use serde::Serialize;

use door_access_host::contract::log::Field;

use crate::words;

/// How a run begins.
#[derive(Clone, Debug, Serialize)]
pub struct Opening {
    /// The scenario's title.
    pub title: String,
    /// What the scenario shows.
    pub story: String,
    /// What it is played against.
    pub kisi: String,
    /// When the story begins.
    #[serde(serialize_with = "words::time")]
    pub at: u64,
    /// The component that is played.
    pub component: ComponentFacts,
}

/// Which component plays.
#[derive(Clone, Debug, Serialize)]
pub struct ComponentFacts {
    /// Its name in the manifest.
    pub name: String,
    /// Its version in the manifest.
    pub version: String,
    /// Left out when the output should be the same for every build.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
}

/// One step and everything that came of it.
#[derive(Clone, Debug, Serialize)]
pub struct StepReport {
    /// Which kind of step: `event`, `connect`, `map`, `refresh`, `advance`, `fault`, `hand`, `explain`,
    /// `unlock`, `expect`.
    pub step: &'static str,
    /// Its line in the scenario; absent for what every run begins with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// When it began.
    #[serde(serialize_with = "words::time")]
    pub at: u64,
    /// What happened, in a few words.
    pub title: String,
    /// What the scenario says about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// What was decided, found out, or went wrong, in order.
    pub facts: Vec<Fact>,
    /// The plugin's requests, in order.
    pub calls: Vec<Call>,
    /// The plugin's log lines, when they were asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub log: Vec<LogEntry>,
    /// The groups of those concerned.
    pub groups: Vec<GroupsOf>,
    /// Expectations that failed.
    pub mismatches: Vec<Mismatch>,
}

/// One thing to tell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fact {
    /// What it is about.
    pub kind: FactKind,
    /// The closed word behind it: a reason, an action, a kind of warning.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub word: Option<String>,
    /// The member, when it is not the event's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub member: Option<String>,
    /// The group, when it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// A sentence.
    pub text: String,
}

/// What a fact is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FactKind {
    /// A grant was added.
    Granted,
    /// A grant that staff had given became the plugin's.
    Adopted,
    /// The dates of a grant were changed.
    Adjusted,
    /// A grant was removed.
    Revoked,
    /// A grant was gone at Kisi already.
    Dropped,
    /// Something gives no access, and why.
    Refused,
    /// The tie between a member and an account.
    Account,
    /// Something that staff should know.
    Warning,
    /// Kisi refused an edit for good.
    Failed,
    /// The call could not be finished.
    Error,
    /// What the runner did about it.
    Then,
    /// When the member must be looked at again.
    Due,
    /// Anything else worth knowing.
    Found,
    /// Whether a member may enter, and through what.
    Verdict,
    /// A door was opened.
    Opened,
    /// A door stays shut.
    Shut,
    /// Why not, for the front desk.
    Why,
    /// What the member is told.
    Say,
    /// Nothing was to be done.
    Nothing,
}

/// One request of the plugin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Call {
    /// The HTTP method.
    pub method: String,
    /// The path with its query.
    pub path: String,
    /// The status of the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Why there is no status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    /// The request's body, when it was asked for.
    pub body: Option<String>,
}

impl Call {
    /// Whether it is meant to change something.
    pub fn is_write(&self) -> bool {
        self.method != "GET"
    }

    /// Whether it changed something, as far as can be told: a lost answer counts, a refusal does not.
    pub fn is_edit(&self) -> bool {
        self.is_write() && self.status.is_none_or(|status| status < 400)
    }
}

/// One log line of the plugin.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LogEntry {
    /// When it was written, in milliseconds since the Unix epoch.
    #[serde(serialize_with = "words::time")]
    pub at: u64,
    /// How much it matters: `debug`, `info`, `warn`, `error`.
    pub level: String,
    /// The line.
    pub message: String,
    /// Its fields.
    pub fields: Vec<Field>,
}

/// What somebody was in before and after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GroupsOf {
    /// The member's name, or an address that the member had.
    pub who: String,
    /// The groups before the step.
    pub before: Vec<String>,
    /// The groups after it.
    pub after: Vec<String>,
}

/// An expectation that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Mismatch {
    /// What was looked at, in words.
    pub what: String,
    /// What the scenario expects.
    pub expected: Vec<String>,
    /// What was found.
    pub found: Vec<String>,
}

/// How a run ends.
#[derive(Clone, Debug, Serialize)]
pub struct Ending {
    /// Who is in which group.
    pub groups: Vec<GroupRoll>,
    /// Events that are still to be delivered.
    pub undelivered: usize,
    /// Whether the plugin is paused, so that they wait until the gym connects again.
    pub paused: bool,
    /// What else the plugin was called for.
    pub setup: Setup,
    /// The plugin's requests for that.
    pub setup_calls: usize,
    /// Events that were delivered.
    pub events: usize,
    /// The plugin's requests for events.
    pub calls: usize,
    /// Those of them that changed something.
    pub edits: usize,
    /// The fewest edits that bring Kisi from what it was before each event to what it was after.
    pub edits_needed: usize,
    /// Expectations that were compared.
    pub expectations: usize,
    /// Those of them that failed.
    pub failed: usize,
    /// Time taken; left out when the output should be the same for every run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub elapsed_ms: Option<u64>,
}

/// How often the gym did what is no event.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Setup {
    /// It connected, or tried to.
    pub connects: usize,
    /// It mapped plans to groups.
    pub maps: usize,
    /// It had the groups read again.
    pub refreshes: usize,
    /// It asked whether somebody may enter.
    pub explains: usize,
    /// It had a door opened.
    pub unlocks: usize,
    /// It had done what fell due.
    pub ticks: usize,
}

/// One group and who is in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GroupRoll {
    /// The group's name.
    pub group: String,
    /// Who is in it, with dates.
    pub people: Vec<String>,
}

/// Prints a run as it goes.
pub trait Report {
    /// The run begins.
    fn opening(&mut self, opening: &Opening) -> io::Result<()>;
    /// A step is done.
    fn step(&mut self, step: &StepReport) -> io::Result<()>;
    /// The run is over.
    fn ending(&mut self, ending: &Ending) -> io::Result<()>;
}
