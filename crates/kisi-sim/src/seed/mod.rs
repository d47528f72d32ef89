//! The seed: the content of a simulated Kisi at its start, as a typed value, TOML or JSON.
//!
//! An empty seed is complete: one organization with one owner, one key and one place. Any organization that leaves
//! these out gets them too. Objects refer to each other by name or e-mail address.

mod plant;

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub(crate) use plant::plant;

use crate::clock::optional_timestamp;
use crate::hands::OrganizationRole;
use crate::hours::TimeOfDay;
use crate::knobs::Knobs;

/// The content of a simulated Kisi at its start.
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
    /// Its users; an owner is added when none of them has that role.
    pub users: Vec<SeedUser>,
    /// The names of the doors that are locked down.
    pub locked_down: Vec<String>,
    /// Groups whose members may enter at certain hours only.
    pub access_hours: Vec<SeedAccessHours>,
    /// Its role assignments in groups and places.
    pub role_assignments: Vec<SeedRoleAssignment>,
    /// Its keys; one key of the owner when left out.
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
    pub time_zone: Option<String>,
    /// Where it is, in degrees.
    pub latitude: Option<f64>,
    /// Where it is, in degrees.
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
    pub place: Option<String>,
    /// Its description.
    pub description: Option<String>,
    /// Whether it is connected; true when left out.
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
    pub description: Option<String>,
    /// The name of the place it is limited to; a group of the whole organization when left out.
    pub place: Option<String>,
    /// The names of its doors.
    #[serde(default)]
    pub locks: Vec<String>,
    /// Whether its members may unlock with the app; true when left out.
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
    /// Whether it may open any door; true when left out.
    #[serde(default = "yes")]
    pub access_enabled: bool,
    /// Notes by staff.
    pub notes: Option<String>,
    /// Flat values, for integrations.
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
    pub group: Option<String>,
    /// The place's name.
    pub place: Option<String>,
    /// The role; `group_basic` or `place_owner` when left out.
    pub role: Option<String>,
    /// When it begins to be valid. Groups only.
    #[serde(default, with = "optional_timestamp")]
    pub valid_from: Option<u64>,
    /// When it ceases to be valid. Groups only.
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

/// A seed can't be used. The message names the place in the document and the problem.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{path}: {problem}", line.map(|line| format!("line {line}: ")).unwrap_or_default())]
pub struct SeedError {
    /// The line of the text, from 1; none if the text can be read but its content can't be used.
    pub line: Option<usize>,
    /// The place in the document, for example `organizations[0].users[2].role`.
    pub path: String,
    /// What is wrong there.
    pub problem: String,
}

impl Seed {
    /// Reads a seed from TOML.
    ///
    /// # Errors
    /// When the text is no TOML or has fields that a seed does not have.
    pub fn from_toml(text: &str) -> Result<Seed, SeedError> {
        let wrong = |path: &str, error: &toml::de::Error| {
            let before = error.span().and_then(|span| text.get(..span.start));
            SeedError::of_form(before.map(|before| before.matches('\n').count() + 1), path, error.message())
        };
        let document = toml::Deserializer::parse(text).map_err(|error| wrong(".", &error))?;
        serde_path_to_error::deserialize(document)
            .map_err(|error| wrong(&error.path().to_string(), error.inner()))
    }

    /// Reads a seed from JSON.
    ///
    /// # Errors
    /// When the text is no JSON or has fields that a seed does not have.
    pub fn from_json(text: &str) -> Result<Seed, SeedError> {
        let wrong = |path: &str, error: &serde_json::Error| {
            SeedError::of_form((error.line() > 0).then(|| error.line()), path, &error.to_string())
        };
        let mut document = serde_json::Deserializer::from_str(text);
        let seed = serde_path_to_error::deserialize(&mut document)
            .map_err(|error| wrong(&error.path().to_string(), error.inner()))?;
        document.end().map_err(|error| wrong(".", &error))?;
        Ok(seed)
    }
}

impl SeedError {
    /// An error of the text's form, its message on one line.
    fn of_form(line: Option<usize>, path: &str, message: &str) -> SeedError {
        let path = if path == "." { "the seed" } else { path }.to_owned();
        SeedError { line, path, problem: message.split_whitespace().collect::<Vec<_>>().join(" ") }
    }
}
