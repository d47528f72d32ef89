//! `/groups`: sets of doors.

use super::endpoint::Call;
use super::page::{List, Row};
use crate::id::GroupId;
use crate::json::{Fields, Json, Value, Wrong};

/// The fields that say that more than membership is asked for (C).
const RESTRICTIONS: [&str; 6] = [
    "geofence_restriction_enabled",
    "primary_device_restriction_enabled",
    "managed_device_restriction_enabled",
    "reader_restriction_enabled",
    "time_restriction_enabled",
    "tap_to_access_restriction_enabled",
];

/// A group, as far as the plugin reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Its id.
    pub id: GroupId,
    /// Its name.
    pub name: String,
    /// Name of the place it is limited to; absent for a group of the organization.
    pub place: Option<String>,
    /// Kisi's id of that place.
    pub place_id: Option<u64>,
    /// Whether it may be used from the app ("app access").
    pub login_enabled: bool,
    /// How many doors it opens.
    pub locks_count: u32,
    /// Whether something beside membership decides, which Kisi asks of the phone: hours, distance, reader, device.
    pub restricted: bool,
}

impl Json for Group {
    fn read(value: &Value, wrong: &Wrong) -> Self {
        let fields = Fields::of(value, wrong);
        let place = fields.inner_text("place", "name");
        Group {
            id: fields.of_type("id"),
            name: fields.text("name"),
            place: place.map(str::to_string),
            place_id: fields.optional_number("place_id"),
            login_enabled: fields.get("login_enabled").is_none() || fields.flag("login_enabled"),
            locks_count: fields
                .optional_number("locks_count")
                .map_or(0, |count| u32::try_from(count).unwrap_or(u32::MAX)),
            restricted: RESTRICTIONS.iter().any(|name| matches!(fields.get(name), Some(Value::Bool(true)))),
        }
    }
}

impl Row for Group {
    const LIST: List = List { path: "/groups", limit_max: 250 };
}

/// Reads a group.
pub fn get(group: GroupId) -> Call<Group> {
    Call::get(format!("/groups/{group}"))
}
