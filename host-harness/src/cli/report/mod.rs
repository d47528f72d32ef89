//! What a run has to tell, as data. `text` prints it for people, `json` for machines; nothing here prints.

mod json;
mod layout;
mod table;
mod text;
mod words;

use std::io::{self, Write};

use serde::Serialize;

use crate::contract::log::Field;

use json::Json;
pub(crate) use json::unusable;
pub(crate) use layout::{Page, Paint, Tone};
pub(crate) use table::Table;
use text::Text;
pub(crate) use words::{held, list, moment, optional_time, time, word};

/// How a run begins.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Opening {
    pub(crate) title: String,
    pub(crate) story: String,
    /// What it is played against.
    pub(crate) kisi: String,
    /// When the story begins.
    #[serde(serialize_with = "words::time")]
    pub(crate) at: u64,
    pub(crate) component: ComponentFacts,
}

/// Which component plays.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct ComponentFacts {
    pub(crate) name: String,
    pub(crate) version: String,
    /// Left out when the output should be the same for every build.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) bytes: Option<u64>,
}

/// One step and everything that came of it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct StepReport {
    /// Which kind of step: `event`, `connect`, `map`, `refresh`, `advance`, `fault`, `hand`, `explain`,
    /// `unlock`, `expect`.
    pub(crate) step: &'static str,
    /// Its line in the scenario; absent for what every run begins with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) line: Option<usize>,
    /// When it began.
    #[serde(serialize_with = "words::time")]
    pub(crate) at: u64,
    /// What happened, in a few words.
    pub(crate) title: String,
    /// What the scenario says about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) note: Option<String>,
    /// What was decided, found out, or went wrong, in order.
    pub(crate) facts: Vec<Fact>,
    /// The plugin's requests, in order.
    pub(crate) calls: Vec<Call>,
    /// The plugin's log lines, when they were asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) log: Vec<LogEntry>,
    /// The groups of those concerned.
    pub(crate) groups: Vec<GroupsOf>,
    /// Expectations that failed.
    pub(crate) mismatches: Vec<Mismatch>,
}

/// One thing to tell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Fact {
    /// What it is about.
    pub(crate) kind: FactKind,
    /// The closed word behind it: a reason, an action, a kind of warning.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) word: Option<String>,
    /// The member, when it is not the event's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) member: Option<String>,
    /// The group, when it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) group: Option<String>,
    /// A sentence.
    pub(crate) text: String,
}

/// What a fact is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum FactKind {
    Granted,
    Adopted,
    Adjusted,
    Revoked,
    Dropped,
    /// Something gives no access, and why.
    Refused,
    /// The tie between a member and an account.
    Account,
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
pub(crate) struct Call {
    pub(crate) method: String,
    pub(crate) path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<u16>,
    /// Why there is no status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) failure: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) body: Option<String>,
}

impl Call {
    /// Whether it is meant to change something.
    pub(crate) fn is_write(&self) -> bool {
        self.method != "GET"
    }

    /// Whether it changed something, as far as can be told: a lost answer counts, a refusal does not.
    pub(crate) fn is_edit(&self) -> bool {
        self.is_write() && self.status.is_none_or(|status| status < 400)
    }
}

/// One log line of the plugin.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct LogEntry {
    #[serde(serialize_with = "words::time")]
    pub(crate) at: u64,
    /// How much it matters: `debug`, `info`, `warn`, `error`.
    pub(crate) level: String,
    pub(crate) message: String,
    pub(crate) fields: Vec<Field>,
}

/// What somebody was in before and after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct GroupsOf {
    /// The member's name, or an address that the member had.
    pub(crate) who: String,
    pub(crate) before: Vec<String>,
    pub(crate) after: Vec<String>,
}

/// An expectation that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Mismatch {
    /// What was looked at, in words.
    pub(crate) what: String,
    pub(crate) expected: Vec<String>,
    pub(crate) found: Vec<String>,
}

/// How a run ends.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Ending {
    /// Who is in which group.
    pub(crate) groups: Vec<GroupRoll>,
    /// Events that are still to be delivered.
    pub(crate) undelivered: usize,
    /// Whether the plugin is paused, so that they wait until the gym connects again.
    pub(crate) paused: bool,
    /// What else the plugin was called for.
    pub(crate) setup: Setup,
    /// The plugin's requests for that.
    pub(crate) setup_calls: usize,
    pub(crate) events: usize,
    /// The plugin's requests for events.
    pub(crate) calls: usize,
    /// Those of them that changed something.
    pub(crate) edits: usize,
    /// The fewest edits that bring Kisi from what it was before each event to what it was after.
    pub(crate) edits_needed: usize,
    pub(crate) expectations: usize,
    pub(crate) failed: usize,
    /// Time taken; left out when the output should be the same for every run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) elapsed_ms: Option<u64>,
}

/// How often the gym did what is no event.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(crate) struct Setup {
    /// It connected, or tried to.
    pub(crate) connects: usize,
    /// It mapped plans to groups.
    pub(crate) maps: usize,
    /// It had the groups read again.
    pub(crate) refreshes: usize,
    /// It asked whether somebody may enter.
    pub(crate) explains: usize,
    /// It had a door opened.
    pub(crate) unlocks: usize,
    /// It had done what fell due.
    pub(crate) ticks: usize,
}

/// One group and who is in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct GroupRoll {
    pub(crate) group: String,
    pub(crate) people: Vec<String>,
}

/// Prints a run as it goes.
pub(crate) trait Report {
    /// The run begins.
    fn opening(&mut self, opening: &Opening) -> io::Result<()>;
    /// A step is done.
    fn step(&mut self, step: &StepReport) -> io::Result<()>;
    /// The run is over.
    fn ending(&mut self, ending: &Ending) -> io::Result<()>;
}

/// The report that was asked for.
pub(crate) fn to<'a>(out: &'a mut dyn Write, json: bool, colour: bool) -> Box<dyn Report + 'a> {
    if json { Box::new(Json::new(out)) } else { Box::new(Text::new(out, Paint { colour })) }
}
