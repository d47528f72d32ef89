//! The report of a run, as data. It serializes to the JSON that `harness run --json` prints.

use std::io;

use serde::Serialize;

use door_access_host::contract::log::Field;

use crate::words;

/// The beginning of a run.
#[derive(Clone, Debug, Serialize)]
pub struct Opening {
    /// The scenario's title.
    pub title: String,
    /// What the scenario shows.
    pub story: String,
    /// What it is played against.
    pub kisi: String,
    /// When the scenario begins.
    #[serde(serialize_with = "words::time")]
    pub at: u64,
    /// The component that is played.
    pub component: ComponentFacts,
}

/// The component that is played.
#[derive(Clone, Debug, Serialize)]
pub struct ComponentFacts {
    /// Its name in the manifest.
    pub name: String,
    /// Its version in the manifest.
    pub version: String,
    /// Its size; absent when the output must not depend on the build.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
}

/// One step and its effects.
#[derive(Clone, Debug, Default, Serialize)]
pub struct StepReport {
    /// The kind of step: `event`, `connect`, `map`, `refresh`, `advance`, `fault`, `hand`, `explain`,
    /// `unlock`, `tick`, `expect`.
    pub step: &'static str,
    /// Its line in the scenario; absent for the first connection and mapping.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// When it began.
    #[serde(serialize_with = "words::time")]
    pub at: u64,
    /// What happened, in a few words.
    pub title: String,
    /// The scenario's note about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Decisions, findings and errors, in order.
    pub facts: Vec<Fact>,
    /// The plugin's requests, in order.
    pub calls: Vec<Call>,
    /// The plugin's log lines, when they are shown.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub log: Vec<LogEntry>,
    /// The groups of the members concerned.
    pub groups: Vec<GroupsOf>,
    /// Expectations that failed.
    pub mismatches: Vec<Mismatch>,
}

/// One fact about a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fact {
    /// What it is about.
    pub kind: FactKind,
    /// The contract's closed word for it: a reason, an action, a kind of warning.
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
    /// A grant by staff became the plugin's.
    Adopted,
    /// The dates of a grant were changed.
    Adjusted,
    /// A grant was removed.
    Revoked,
    /// A grant no longer existed in Kisi.
    Dropped,
    /// A membership or plan gives no access.
    Refused,
    /// The link between a member and an account.
    Account,
    /// A warning for staff.
    Warning,
    /// Kisi refused an edit permanently.
    Failed,
    /// The call failed.
    Error,
    /// What the player did next.
    Then,
    /// When the member must be reconciled again.
    Due,
    /// Any other finding.
    Found,
    /// Whether a member may enter, and through what.
    Verdict,
    /// A door was opened.
    Opened,
    /// A door stays shut.
    Shut,
    /// The reason, for the front desk.
    Why,
    /// The reason, for the member.
    Say,
    /// Nothing had to be done.
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
    /// The request's body, when bodies are shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
}

impl Call {
    /// Whether it may change something.
    fn is_write(&self) -> bool {
        self.method != "GET"
    }

    /// Whether it changed something, as far as is known: a lost answer counts, a refusal does not.
    pub(crate) fn is_edit(&self) -> bool {
        self.is_write() && self.status.is_none_or(|status| status < 400)
    }
}

/// One log line of the plugin.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LogEntry {
    /// When it was written, in milliseconds since the Unix epoch.
    #[serde(serialize_with = "words::time")]
    pub at: u64,
    /// Its level: `debug`, `info`, `warn`, `error`.
    pub level: String,
    /// The line.
    pub message: String,
    /// Its fields.
    pub fields: Vec<Field>,
}

/// A member's groups before and after a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GroupsOf {
    /// The member's name, or an address of the member.
    pub who: String,
    /// The groups before the step.
    pub before: Vec<String>,
    /// The groups after it.
    pub after: Vec<String>,
}

/// An expectation that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Mismatch {
    /// What was compared, in words.
    pub what: String,
    /// What the scenario expects.
    pub expected: Vec<String>,
    /// What was found.
    pub found: Vec<String>,
}

/// The end of a run.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Ending {
    /// Who is in which group.
    pub groups: Vec<GroupRoll>,
    /// Undelivered events.
    pub undelivered: usize,
    /// Whether the plugin is paused until the gym connects again.
    pub paused: bool,
    /// Calls other than events.
    pub setup: Setup,
    /// The plugin's requests in those calls.
    pub setup_calls: usize,
    /// Events that happened.
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
    /// Time taken; absent when the output must not depend on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub elapsed_ms: Option<u64>,
}

/// Counts of the gym's calls other than events.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Setup {
    /// Connecting, failed attempts included.
    pub connects: usize,
    /// Mapping plans to groups.
    pub maps: usize,
    /// Reading the groups again.
    pub refreshes: usize,
    /// Asking whether a member may enter.
    pub explains: usize,
    /// Opening a door.
    pub unlocks: usize,
    /// Ticks.
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

/// Receives a run as it goes, to print it or to keep it.
pub trait Report {
    /// The run begins.
    fn opening(&mut self, opening: &Opening) -> io::Result<()>;
    /// A step is over.
    fn step(&mut self, step: &StepReport) -> io::Result<()>;
    /// The run is over.
    fn ending(&mut self, ending: &Ending) -> io::Result<()>;
}
