//! `/group_locks` and `/locks`: which doors a group opens, and opening one.

use super::Kisi;
use super::endpoint::{Call, Method, NoContent};
use super::error::Error;
use super::page::List;
use crate::id::{DoorId, GroupId};
use crate::json::{Object, Unreadable, Value, field, number, text};
use crate::tenant::Door;

/// That a door is in a group.
const GROUP_LOCKS: List = List { path: "/group_locks", limit_max: 250 };

impl Kisi<'_> {
    /// The doors of one group: Kisi lists them for one group at a time (C).
    ///
    /// # Errors
    /// As [`Kisi::list`]; also when there is a row of another group, so that the filter was not applied.
    pub fn doors_of(&self, group: GroupId) -> Result<Vec<Door>, Error> {
        let mut doors = Vec::new();
        self.each(GROUP_LOCKS, &format!("group_id={group}"), &mut |row| {
            let id = field(row, "lock_id").and_then(number).map(DoorId);
            let (Some(id), true) = (id, field(row, "group_id").and_then(number) == Some(group.0)) else {
                return Err(Unreadable::new("", "is no door of the group"));
            };
            let name = |of: &str| {
                let name = field(row, of).and_then(|object: &Value| field(object, "name")).and_then(text);
                name.unwrap_or_default().to_string()
            };
            doors.push(Door { id, name: name("lock"), place: name("place") });
            Ok(())
        })?;
        Ok(doors)
    }
}

/// Opens a door, as the owner of the key. All of the documented body may be left out (C).
pub fn unlock(door: DoorId) -> Call<NoContent> {
    Call::with_body(Method::Post, format!("/locks/{door}/unlock"), Object::default())
}
