//! A scenario as it is written: its TOML, field by field. `check` finds out whether the fields fit together.

use std::collections::BTreeMap;

use door_access_host::contract::access::{Cause, Verdict};
use door_access_host::contract::events::{AccountAction, Action, WarningKind};
use door_access_host::contract::types::{MemberStatus, MembershipStatus, Reason, Window};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use toml::Spanned;

use super::time::{Bound, Moment};
use crate::words::{meant, parse};

/// A text with its place in the file.
pub(crate) type Text = Spanned<String>;
/// A value for each member, or for each other name, with the places of the names.
pub(crate) type Each<T> = BTreeMap<Text, T>;

/// The whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Document {
    pub(crate) title: String,
    pub(crate) story: String,
    pub(crate) start: Option<Moment>,
    #[serde(default)]
    pub(crate) settings: Map<String, Value>,
    pub(crate) knobs: Option<Spanned<kisi_sim::Knobs>>,
    pub(crate) seed: Option<Text>,
    #[serde(default)]
    pub(crate) plans: Vec<Plan>,
    #[serde(default)]
    pub(crate) groups: Vec<Group>,
    #[serde(default)]
    pub(crate) people: Vec<Person>,
    #[serde(default)]
    pub(crate) mappings: Vec<Mapping>,
    #[serde(default)]
    pub(crate) members: Vec<Member>,
    #[serde(default)]
    pub(crate) steps: Vec<Spanned<Step>>,
}

/// A product that members buy.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Plan {
    pub(crate) id: Text,
    pub(crate) name: String,
}

/// A group in Kisi before the first step.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Group {
    pub(crate) name: Text,
    #[serde(default = "one_door")]
    pub(crate) doors: u8,
    pub(crate) place: Option<String>,
    #[serde(default = "yes")]
    pub(crate) app_access: bool,
}

/// A person in Kisi before the first step.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Person {
    pub(crate) email: Text,
    #[serde(default)]
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) groups: Vec<Text>,
    pub(crate) role: Option<String>,
    #[serde(default)]
    pub(crate) organization_role: kisi_sim::OrganizationRole,
}

/// Which groups a plan opens.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Mapping {
    pub(crate) plan: Text,
    pub(crate) groups: Vec<Text>,
    pub(crate) location: Option<String>,
}

/// A member in the platform's directory.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Member {
    pub(crate) id: Text,
    pub(crate) name: String,
    pub(crate) email: Option<String>,
    pub(crate) status: Option<Word<MemberStatus>>,
    #[serde(default)]
    pub(crate) memberships: Vec<Membership>,
}

/// A membership; in a change, the fields of one that change.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Membership {
    pub(crate) id: Text,
    pub(crate) plan: Option<Text>,
    pub(crate) location: Option<String>,
    pub(crate) status: Option<Word<MembershipStatus>>,
    pub(crate) starts_at: Option<Bound>,
    pub(crate) ends_at: Option<Bound>,
    pub(crate) frozen_until: Option<Bound>,
    pub(crate) payment: Option<Payment>,
    pub(crate) overdue_since: Option<Spanned<Moment>>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Payment {
    Paid,
}

/// One step: at most one action, and what is expected after it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Step {
    pub(crate) note: Option<String>,
    pub(crate) event: Option<Text>,
    pub(crate) member: Option<Text>,
    pub(crate) change: Option<Spanned<Change>>,
    pub(crate) advance: Option<Text>,
    pub(crate) until: Option<Spanned<Moment>>,
    pub(crate) fault: Option<Fault>,
    pub(crate) hand: Option<Hand>,
    pub(crate) connect: Option<Connect>,
    #[serde(default)]
    pub(crate) refresh_groups: bool,
    #[serde(default)]
    pub(crate) tick: bool,
    pub(crate) mappings: Option<Vec<Mapping>>,
    pub(crate) explain: Option<Explain>,
    pub(crate) unlock: Option<Unlock>,
    pub(crate) expect: Option<Expect>,
}

/// How the member changes in the directory right before the event.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Change {
    pub(crate) name: Option<String>,
    pub(crate) email: Option<String>,
    pub(crate) status: Option<Word<MemberStatus>>,
    #[serde(default)]
    pub(crate) memberships: Vec<Membership>,
    #[serde(default)]
    pub(crate) remove: Vec<Text>,
    #[serde(default)]
    pub(crate) delete: bool,
    #[serde(default)]
    pub(crate) new: bool,
}

/// Requests that will fail at Kisi; see `kisi_sim::Fault`.
#[derive(Debug, Deserialize)]
pub(crate) struct Fault {
    pub(crate) on: kisi_sim::FaultRoute,
    #[serde(default = "once")]
    pub(crate) times: u32,
    #[serde(default)]
    pub(crate) skip: u32,
    /// Refuses unknown fields. `deny_unknown_fields` cannot be used with `flatten`.
    #[serde(flatten)]
    pub(crate) effect: kisi_sim::FaultEffect,
}

/// What staff does in Kisi's web page.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Hand {
    AddGroup { name: String },
    RenameGroup { group: Text, name: String },
    DeleteGroup { group: Text },
    AppAccess { group: Text, on: bool },
    AddPerson { name: String, email: String },
    DeletePerson { email: String },
    Assign { email: String, group: Text, role: Option<String> },
    Unassign { email: String, group: Text },
    Suspend { email: String, on: bool },
    AccessHours { group: Text, from: String, until: String },
    DoorOnline { door: String, on: bool },
    LockDown { door: String, on: bool },
    OrganizationRole { email: String, role: kisi_sim::OrganizationRole },
    RevokeKey,
}

impl Hand {
    /// The group that has to be there.
    pub(super) fn group(&self) -> Option<&Text> {
        match self {
            Hand::RenameGroup { group, .. }
            | Hand::DeleteGroup { group }
            | Hand::AppAccess { group, .. }
            | Hand::AccessHours { group, .. }
            | Hand::Assign { group, .. }
            | Hand::Unassign { group, .. } => Some(group),
            _ => None,
        }
    }
}

/// Connecting again.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Connect {
    pub(crate) key: KeyChoice,
    pub(crate) key_of: Option<String>,
    pub(crate) settings: Option<Map<String, Value>>,
}

/// The key to connect with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum KeyChoice {
    /// The present one.
    #[default]
    Same,
    /// Another one of the same person.
    New,
    /// One that Kisi does not know.
    Wrong,
}

/// Whether a member may enter.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Explain {
    pub(crate) member: Text,
    pub(crate) bluetooth: Option<bool>,
    pub(crate) location: Option<bool>,
    pub(crate) signed_in: Option<bool>,
    #[serde(default)]
    pub(crate) verify: bool,
}

/// Opening a door for a member.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Unlock {
    pub(crate) member: Text,
    pub(crate) door: String,
}

/// What is expected after a step. What is left out is not compared.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Expect {
    /// By member or e-mail address: the groups in Kisi.
    pub(crate) groups: Each<Vec<Text>>,
    /// By member or e-mail address and group: the dates in Kisi.
    pub(crate) windows: Each<Each<Dates>>,
    pub(crate) changes: Each<Vec<Changed>>,
    pub(crate) reasons: Each<Vec<Word<Reason>>>,
    pub(crate) accounts: Each<Vec<Word<AccountAction>>>,
    pub(crate) warnings: Each<Vec<Word<WarningKind>>>,
    pub(crate) due: Each<Bound>,
    pub(crate) calls: Option<u32>,
    pub(crate) edits: Option<u32>,
    pub(crate) deliveries: Option<u32>,
    /// `retry`, `pause:key-rejected`, `reject`, `settings:grace_days`, `none`.
    pub(crate) error: Option<String>,
    /// `connected`, `paused:key-rejected`.
    pub(crate) state: Option<String>,
    /// Names of the groups whose mappings are broken.
    pub(crate) broken: Option<Vec<String>>,
    pub(crate) verdict: Option<Word<Verdict>>,
    pub(crate) attempt: Option<Word<Attempted>>,
    pub(crate) causes: Option<Vec<Word<Cause>>>,
}

/// The result of an `unlock`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Attempted {
    Opened,
    Refused,
    /// It failed with an error.
    None,
}

/// A closed word of the contract.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "String", bound = "T: Closed")]
pub(crate) struct Word<T>(pub(crate) T);

/// What was done in a group: `granted Spa`.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Changed(pub(crate) String);

/// Words that a scenario uses as the contract spells them.
pub(crate) trait Closed: Serialize + DeserializeOwned {
    /// What they stand for, for messages.
    const NOUN: &'static str;
}

macro_rules! closed {
    ($($words:ty: $noun:literal,)*) => { $(impl Closed for $words { const NOUN: &'static str = $noun; })* };
}

closed! {
    AccountAction: "account action",
    Action: "action",
    Attempted: "outcome of an `unlock`",
    Cause: "cause",
    MemberStatus: "status",
    MembershipStatus: "status",
    Reason: "reason",
    Verdict: "verdict",
    WarningKind: "warning",
}

impl<T: Closed> TryFrom<String> for Word<T> {
    type Error = String;

    fn try_from(text: String) -> Result<Word<T>, String> {
        parse(&text).map(Word).map_err(|known: Vec<String>| {
            format!("there is no {} `{text}`: {}", T::NOUN, meant(&text, known.iter().map(String::as_str)))
        })
    }
}

impl TryFrom<String> for Changed {
    type Error = String;

    fn try_from(text: String) -> Result<Changed, String> {
        let action = text.split_whitespace().next().unwrap_or_default();
        Word::<Action>::try_from(action.to_owned()).map(|_| Changed(text))
    }
}

/// The dates of an assignment in Kisi.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Dates {
    pub(crate) from: Option<Moment>,
    pub(crate) until: Option<Moment>,
}

impl Dates {
    pub(crate) fn window(self) -> Window {
        let ms = |moment: Option<Moment>| moment.map(|Moment(ms)| ms);
        Window { starts_at: ms(self.from), ends_at: ms(self.until) }
    }
}

fn one_door() -> u8 {
    1
}

fn once() -> u32 {
    1
}

fn yes() -> bool {
    true
}
