//! A scenario as it is written: its TOML, field by field. Whether it holds together is `check`'s matter.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use super::access::{Explain, Unlock};
use super::time::{Bound, Moment};

/// A text with its place in the file.
pub(crate) type Text = Spanned<String>;
/// Something for each of some members, or other named things, with the places of the names.
pub(crate) type Each<T> = BTreeMap<Text, T>;

/// The whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Document {
    pub(crate) title: String,
    pub(crate) story: String,
    pub(crate) start: Option<Moment>,
    #[serde(default)]
    pub(crate) settings: toml::Table,
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

/// A group that is in Kisi beforehand.
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

/// A person who is in Kisi beforehand.
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
    #[serde(default)]
    pub(crate) status: MemberStatus,
    #[serde(default)]
    pub(crate) memberships: Vec<Membership>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum MemberStatus {
    #[default]
    Active,
    Blocked,
}

/// A membership; in a change, the fields of one that change.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Membership {
    pub(crate) id: Text,
    pub(crate) plan: Option<Text>,
    pub(crate) location: Option<String>,
    pub(crate) status: Option<MembershipStatus>,
    pub(crate) starts_at: Option<Bound>,
    pub(crate) ends_at: Option<Bound>,
    pub(crate) frozen_until: Option<Bound>,
    pub(crate) payment: Option<Payment>,
    pub(crate) overdue_since: Option<Spanned<Moment>>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum MembershipStatus {
    Active,
    Frozen,
    Cancelled,
    Expired,
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
    pub(crate) fault: Option<Spanned<Fault>>,
    pub(crate) hand: Option<Hand>,
    pub(crate) connect: Option<Connect>,
    pub(crate) refresh_groups: Option<Spanned<bool>>,
    pub(crate) tick: Option<Spanned<bool>>,
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
    pub(crate) status: Option<MemberStatus>,
    #[serde(default)]
    pub(crate) memberships: Vec<Membership>,
    #[serde(default)]
    pub(crate) remove: Vec<Text>,
    #[serde(default)]
    pub(crate) delete: bool,
    #[serde(default)]
    pub(crate) new: bool,
}

/// Something that goes wrong at Kisi; see `kisi_sim::Fault`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fault {
    pub(crate) on: Text,
    pub(crate) kind: Text,
    #[serde(default = "once")]
    pub(crate) times: u32,
    #[serde(default)]
    pub(crate) skip: u32,
    pub(crate) status: Option<u16>,
    pub(crate) retry_after_s: Option<u64>,
    pub(crate) ms: Option<u64>,
    pub(crate) missing: Option<u64>,
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
    DeletePerson { email: Text },
    Assign { email: Text, group: Text, role: Option<String> },
    Unassign { email: Text, group: Text },
    Suspend { email: Text, on: bool },
    AccessHours { group: Text, from: String, until: String },
    DoorOnline { door: String, on: bool },
    LockDown { door: String, on: bool },
    OrganizationRole { email: Text, role: kisi_sim::OrganizationRole },
    RevokeKey,
}

/// Connecting once more.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Connect {
    pub(crate) key: Key,
    pub(crate) key_of: Option<Text>,
    pub(crate) settings: Option<toml::Table>,
}

/// With which key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Key {
    /// The one that is there.
    #[default]
    Same,
    /// A new one of the same person.
    New,
    /// One that Kisi never gave out.
    Wrong,
}

/// What should be so after a step.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Expect {
    pub(crate) groups: Each<Vec<Text>>,
    pub(crate) windows: Each<Each<Dates>>,
    pub(crate) changes: Each<Vec<String>>,
    pub(crate) reasons: Each<Vec<String>>,
    pub(crate) accounts: Each<Vec<String>>,
    pub(crate) warnings: Each<Vec<String>>,
    pub(crate) due: Each<Bound>,
    pub(crate) calls: Option<Spanned<u32>>,
    pub(crate) edits: Option<Spanned<u32>>,
    pub(crate) deliveries: Option<Spanned<u32>>,
    pub(crate) error: Option<Text>,
    pub(crate) state: Option<Text>,
    pub(crate) broken: Option<Spanned<Vec<String>>>,
    pub(crate) verdict: Option<Text>,
    pub(crate) attempt: Option<Text>,
    pub(crate) causes: Option<Spanned<Vec<String>>>,
}

/// The dates of an assignment in Kisi.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Dates {
    pub(crate) from: Option<Moment>,
    pub(crate) until: Option<Moment>,
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
