//! `/groups`: sets of doors.

use serde::Deserialize;
use serde_json::Value;

use super::endpoint::Call;
use super::page::{List, Row};
use crate::id::GroupId;
use crate::json::text_in;

/// A group, as far as the plugin reads it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "Wire")]
pub struct Group {
    /// Its id.
    pub id: GroupId,
    /// Its name.
    pub name: String,
    /// Name of the place it is limited to; absent for a group of the organization.
    pub place: Option<String>,
    /// Kisi's id of that place.
    pub place_id: Option<u64>,
    /// Whether the app may open its doors ("app access").
    pub login_enabled: bool,
    /// How many doors it opens.
    pub locks_count: u32,
    /// Whether Kisi requires more than membership: certain hours, distance, a reader or a device.
    pub restricted: bool,
}

#[derive(Deserialize)]
struct Wire {
    id: GroupId,
    name: String,
    #[serde(default)]
    place: Value,
    place_id: Option<u64>,
    login_enabled: Option<bool>,
    locks_count: Option<u64>,
    // The fields that require more than membership (C).
    #[serde(default)]
    geofence_restriction_enabled: Value,
    #[serde(default)]
    primary_device_restriction_enabled: Value,
    #[serde(default)]
    managed_device_restriction_enabled: Value,
    #[serde(default)]
    reader_restriction_enabled: Value,
    #[serde(default)]
    time_restriction_enabled: Value,
    #[serde(default)]
    tap_to_access_restriction_enabled: Value,
}

impl From<Wire> for Group {
    fn from(wire: Wire) -> Group {
        Group {
            id: wire.id,
            name: wire.name,
            place: text_in(&wire.place, "name").map(str::to_string),
            place_id: wire.place_id,
            login_enabled: wire.login_enabled.unwrap_or(true),
            locks_count: u32::try_from(wire.locks_count.unwrap_or_default()).unwrap_or(u32::MAX),
            restricted: [
                wire.geofence_restriction_enabled,
                wire.primary_device_restriction_enabled,
                wire.managed_device_restriction_enabled,
                wire.reader_restriction_enabled,
                wire.time_restriction_enabled,
                wire.tap_to_access_restriction_enabled,
            ]
            .contains(&Value::Bool(true)),
        }
    }
}

impl Row for Group {
    const LIST: List = List { path: "/groups", limit_max: 250 };

    fn id(&self) -> u64 {
        self.id.0
    }
}

/// Reads a group.
pub fn get(group: GroupId) -> Call<Group> {
    Call::get(format!("/groups/{group}"))
}
