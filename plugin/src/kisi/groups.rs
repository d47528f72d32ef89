//! `/groups`: sets of doors.

use serde::Deserialize;

use super::endpoint::{Answer, Call, Response, read_json};
use super::error::Error;
use super::page::Row;
use super::role_assignments::Named;
use crate::id::GroupId;

/// A group, as far as the plugin reads it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Group {
    /// Its id.
    pub id: GroupId,
    /// Its name.
    pub name: String,
    /// The place it is limited to; absent for a group of the organization.
    pub place: Option<Named>,
    /// Whether it may be used from the app ("app access").
    #[serde(default = "yes")]
    pub login_enabled: bool,
    /// How many doors it opens.
    #[serde(default)]
    pub locks_count: u32,
}

fn yes() -> bool {
    true
}

impl Row for Group {
    const PATH: &'static str = "/groups";
    const LIMIT_MAX: u64 = 250;

    fn id(&self) -> u64 {
        self.id.0
    }
}

impl Answer for Group {
    fn read(response: Response) -> Result<Self, Error> {
        read_json(&response)
    }
}

/// Reads a group.
pub fn get(group: GroupId) -> Call<Group> {
    Call::get(format!("/groups/{group}"))
}
