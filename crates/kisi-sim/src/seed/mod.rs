//! The seed: what a simulated Kisi holds when it starts, as a typed value, TOML or JSON.
//!
//! An empty seed is a complete one: one organization with one owner, one key and one place. The same is added to any
//! organization that says nothing about them. Objects refer to each other by name or e-mail address.

mod plant;

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub(crate) use plant::plant;

use crate::clock::optional_timestamp;
use crate::hands::OrganizationRole;
use crate::hours::{AccessHours, TimeOfDay};
use crate::knobs::Knobs;

/// What a simulated Kisi starts with.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Seed {
    /// Where a virtual clock starts; 2026-10-01T10:00:00.000Z when left out.
    #[serde(with = "optional_timestamp")]
    pub start_time: Option<u64>,
    /// The knobs.
    pub knobs: Knobs,
    /// The organizations; one when left out.
    pub organizations: Vec<SeedOrganization>,
}

/// An organization and everything in it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SeedOrganization {
    /// Its name; `Gym` with a number when left out.
    pub name: Option<String>,
    /// Its sign-in domain; made from the name when left out.
    pub domain: Option<String>,
    /// Its IANA time zone; `UTC` when left out.
    pub time_zone: Option<String>,
    /// Its places; one with the organization's name when left out.
    pub places: Vec<SeedPlace>,
    /// Its doors.
    pub locks: Vec<SeedLock>,
    /// Its access groups.
    pub groups: Vec<SeedGroup>,
    /// Its users; an owner is added when none of them is one.
    pub users: Vec<SeedUser>,
    /// The names of the doors that are locked down.
    pub locked_down: Vec<String>,
    /// Groups whose members may enter at certain hours only.
    pub access_hours: Vec<SeedAccessHours>,
    /// Its role assignments in groups and places.
    pub role_assignments: Vec<SeedRoleAssignment>,
    /// Its keys; one of the owner's when left out.
    pub keys: Vec<SeedKey>,
}

/// A place.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeedPlace {
    /// Its name.
    pub name: String,
    /// Its postal address.
    #[serde(default)]
    pub address: String,
    /// Its IANA time zone; the organization's when left out.
    #[serde(default)]
    pub time_zone: Option<String>,
    /// Where it is, in degrees.
    #[serde(default)]
    pub latitude: Option<f64>,
    /// Where it is, in degrees.
    #[serde(default)]
    pub longitude: Option<f64>,
    /// Whether all of it is locked down.
    #[serde(default)]
    pub locked_down: bool,
}

/// A door.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeedLock {
    /// Its name.
    pub name: String,
    /// The name of its place; the first place when left out.
    #[serde(default)]
    pub place: Option<String>,
    /// Its description.
    #[serde(default)]
    pub description: Option<String>,
    /// Whether it is connected; it is when left out.
    #[serde(default = "yes")]
    pub online: bool,
}

/// An access group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeedGroup {
    /// Its name.
    pub name: String,
    /// Its description.
    #[serde(default)]
    pub description: Option<String>,
    /// The name of the place it is limited to; a group of the whole organization when left out.
    #[serde(default)]
    pub place: Option<String>,
    /// The names of its doors.
    #[serde(default)]
    pub locks: Vec<String>,
    /// Whether its members may unlock with the app; they may when left out.
    #[serde(default = "yes")]
    pub login_enabled: bool,
}

/// The access hours of a group, every day, in UTC.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeedAccessHours {
    /// The group's name.
    pub group: String,
    /// The first minute, for example `06:00`.
    pub from: TimeOfDay,
    /// The first minute after them; `24:00` is the end of the day.
    pub until: TimeOfDay,
}

impl SeedAccessHours {
    fn hours(&self) -> AccessHours {
        AccessHours { from: self.from, until: self.until }
    }
}

/// A user.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeedUser {
    /// Its name.
    #[serde(default)]
    pub name: String,
    /// Its e-mail address.
    pub email: String,
    /// Its role in the organization; a plain member when left out.
    #[serde(default)]
    pub role: OrganizationRole,
    /// Whether its doors open at all; they do when left out.
    #[serde(default = "yes")]
    pub access_enabled: bool,
    /// Notes of the staff's.
    #[serde(default)]
    pub notes: Option<String>,
    /// Flat values of the integrators'.
    #[serde(default)]
    pub metadata: Map<String, Value>,
}

/// A role assignment in a group or a place.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeedRoleAssignment {
    /// The user's e-mail address.
    pub user: String,
    /// The group's name. Give either this or `place`.
    #[serde(default)]
    pub group: Option<String>,
    /// The place's name.
    #[serde(default)]
    pub place: Option<String>,
    /// The role; `group_basic` or `place_owner` when left out.
    #[serde(default)]
    pub role: Option<String>,
    /// When it begins to hold. Groups only.
    #[serde(default, with = "optional_timestamp")]
    pub valid_from: Option<u64>,
    /// When it ceases to hold. Groups only.
    #[serde(default, with = "optional_timestamp")]
    pub valid_until: Option<u64>,
}

/// A key of the API.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SeedKey {
    /// The e-mail address of the user it belongs to; the owner when left out.
    pub user: Option<String>,
    /// Its secret; made from the user's id when left out.
    pub secret: Option<String>,
}

impl fmt::Debug for SeedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SeedKey").field("user", &self.user).finish_non_exhaustive()
    }
}

fn yes() -> bool {
    true
}

/// A seed can't be used. The message names the place in the seed and what is wrong there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SeedError {
    /// The text is no TOML, no JSON, or not of the seed's form.
    #[error("{}{path}: {problem}", Line(*line))]
    Form {
        /// The line of the text, from 1, when it is known.
        line: Option<usize>,
        /// The place in the document, for example `organizations[0].users[2].role`.
        path: String,
        /// What is wrong there.
        problem: String,
    },
    /// The seed has the right form, but does not hold together.
    #[error("{path}: {problem}")]
    Content {
        /// The place in the document.
        path: String,
        /// What is wrong there.
        problem: String,
    },
}

/// A line number at the head of a message, if there is one.
struct Line(Option<usize>);

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |line| write!(f, "line {line}: "))
    }
}

impl Seed {
    /// Reads a seed from TOML.
    ///
    /// # Errors
    /// When the text is no TOML or has fields that a seed has not.
    pub fn from_toml(text: &str) -> Result<Seed, SeedError> {
        let form = |path: String, error: &toml::de::Error| SeedError::Form {
            line: error.span().map(|span| line_of(text, span.start)),
            path,
            problem: one_line(error.message()),
        };
        let document =
            toml::Deserializer::parse(text).map_err(|error| form("the seed".to_owned(), &error))?;
        serde_path_to_error::deserialize(document).map_err(|error| form(path_of(error.path()), error.inner()))
    }

    /// Reads a seed from JSON.
    ///
    /// # Errors
    /// When the text is no JSON or has fields that a seed has not.
    pub fn from_json(text: &str) -> Result<Seed, SeedError> {
        let mut document = serde_json::Deserializer::from_str(text);
        let form = |path: String, error: &serde_json::Error| SeedError::Form {
            line: (error.line() > 0).then(|| error.line()),
            path,
            problem: one_line(&error.to_string()),
        };
        let seed = serde_path_to_error::deserialize(&mut document)
            .map_err(|error| form(path_of(error.path()), error.inner()))?;
        document.end().map_err(|error| form("the seed".to_owned(), &error))?;
        Ok(seed)
    }
}

fn line_of(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
}

fn path_of(path: &serde_path_to_error::Path) -> String {
    let path = path.to_string();
    if path == "." { "the seed".to_owned() } else { path }
}

fn one_line(message: &str) -> String {
    message.split_whitespace().collect::<Vec<_>>().join(" ")
}
