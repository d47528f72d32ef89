//! `/group_locks` and `/locks`: which doors a group opens, and opening one.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Kisi;
use super::endpoint::{Call, Method, NoContent};
use super::error::Error;
use super::page::{List, Row};
use crate::id::{DoorId, GroupId};
use crate::json::text_in;
use crate::tenant::Door;

/// A row that says that a door is in a group.
#[derive(Debug, Deserialize)]
struct GroupLock {
    id: u64,
    lock_id: DoorId,
    group_id: GroupId,
    #[serde(default)]
    lock: Value,
    #[serde(default)]
    place: Value,
}

impl Row for GroupLock {
    const LIST: List = List { path: "/group_locks", limit_max: 250 };

    fn id(&self) -> u64 {
        self.id
    }
}

impl Kisi<'_> {
    /// The doors of one group: Kisi lists them for one group at a time (C).
    ///
    /// # Errors
    /// As [`Kisi::list`]; also when a row belongs to another group, because then the filter was not applied.
    pub fn doors_of(&self, group: GroupId) -> Result<Vec<Door>, Error> {
        let rows: Vec<GroupLock> = self.list(&format!("group_id={group}"))?;
        if rows.iter().any(|row| row.group_id != group) {
            return Err(Error::unrecognized(200, "the list of a group's doors holds those of another one"));
        }
        let name = |of: &Value| text_in(of, "name").unwrap_or_default().to_string();
        let door = |row: &GroupLock| Door { id: row.lock_id, name: name(&row.lock), place: name(&row.place) };
        Ok(rows.iter().map(door).collect())
    }
}

/// Opens a door as the owner of the key. Every field of the documented body is optional (C).
pub fn unlock(door: DoorId) -> Call<NoContent> {
    Call::with_body(Method::Post, format!("/locks/{door}/unlock"), &Nothing {})
}

#[derive(Serialize)]
struct Nothing {}
