//! Changes by staff in Kisi's web page, past the API: no rate limit, no journal, no rules about duplicates.

mod act;

use std::fmt;

use serde::{Deserialize, Serialize};

pub(crate) use act::act;

use crate::clock::optional_timestamp;
use crate::hours::AccessHours;
use crate::resources::roles;

/// A user's role in the whole organization.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrganizationRole {
    /// Owns it. Its keys may do everything, and it can't be deleted.
    Owner,
    /// Administers it. Its keys may do everything.
    Administrator,
    /// None. Its keys read little and write nothing.
    #[default]
    Member,
}

impl OrganizationRole {
    /// The role id of its role assignment; none for a plain member.
    pub fn role_id(self) -> Option<&'static str> {
        match self {
            OrganizationRole::Owner => Some(roles::ORGANIZATION_OWNER),
            OrganizationRole::Administrator => Some(roles::ORGANIZATION_ADMINISTRATOR),
            OrganizationRole::Member => None,
        }
    }
}

/// One change by staff. In JSON: `{"hand": "add_group", "name": "24/7"}`.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "hand", rename_all = "snake_case", deny_unknown_fields)]
pub enum Hand {
    /// Creates a group.
    AddGroup {
        /// Its name.
        name: String,
        /// Its organization; the first one when left out.
        organization_id: Option<u64>,
        /// The place it is limited to.
        place_id: Option<u64>,
        /// Its doors.
        #[serde(default)]
        lock_ids: Vec<u64>,
    },
    /// Renames a group.
    RenameGroup {
        /// The group.
        id: u64,
        /// The new name.
        name: String,
    },
    /// Turns app access of a group on or off.
    SetGroupLoginEnabled {
        /// The group.
        id: u64,
        /// On or off.
        enabled: bool,
    },
    /// Restricts a group to access hours, or ends the restriction.
    SetGroupAccessHours {
        /// The group.
        id: u64,
        /// The hours, in UTC; none ends the restriction.
        hours: Option<AccessHours>,
    },
    /// Connects a door, or takes it offline.
    SetLockOnline {
        /// The door.
        id: u64,
        /// Connected or not.
        online: bool,
    },
    /// Locks a door down for all users, or ends the lockdown.
    SetLockLockedDown {
        /// The door.
        id: u64,
        /// Locked down or not.
        locked_down: bool,
    },
    /// Locks all doors of a place down for all users, or ends the lockdown.
    SetPlaceLockedDown {
        /// The place.
        id: u64,
        /// Locked down or not.
        locked_down: bool,
    },
    /// Deletes a group with its role assignments.
    DeleteGroup {
        /// The group.
        id: u64,
    },
    /// Creates a user.
    AddUser {
        /// Its name.
        name: String,
        /// Its e-mail address.
        email: String,
        /// Its organization; the first one when left out.
        organization_id: Option<u64>,
    },
    /// Changes a user's e-mail address, which the API can't.
    SetUserEmail {
        /// The user.
        id: u64,
        /// The new address.
        email: String,
    },
    /// Suspends a user in the whole organization, or ends the suspension.
    SetUserAccessEnabled {
        /// The user.
        id: u64,
        /// On or off.
        enabled: bool,
    },
    /// Suspends a user as the organization's directory (SCIM) does, or ends that.
    SetUserScimAccessEnabled {
        /// The user.
        id: u64,
        /// On or off.
        enabled: bool,
    },
    /// Changes a user's role in the organization.
    SetOrganizationRole {
        /// The user.
        user_id: u64,
        /// The role.
        role: OrganizationRole,
    },
    /// Deletes a user with its role assignments, keys and other logins.
    DeleteUser {
        /// The user.
        id: u64,
    },
    /// Gives a user a role in a group.
    Assign {
        /// The user.
        user_id: u64,
        /// The group.
        group_id: u64,
        /// The role; `group_basic` when left out.
        #[serde(default = "basic")]
        role: String,
        /// When it begins to be valid.
        #[serde(default, with = "optional_timestamp")]
        valid_from: Option<u64>,
        /// When it ceases to be valid.
        #[serde(default, with = "optional_timestamp")]
        valid_until: Option<u64>,
    },
    /// Changes the role of a role assignment.
    SetRole {
        /// The role assignment.
        id: u64,
        /// The new role.
        role: String,
    },
    /// Deletes a role assignment.
    Unassign {
        /// The role assignment.
        id: u64,
    },
    /// Creates a key for a user.
    AddKey {
        /// The user.
        user_id: u64,
    },
    /// Revokes a key, or signs out a device.
    RevokeKey {
        /// Its secret.
        secret: String,
    },
}

impl fmt::Debug for Hand {
    /// As in JSON, but without a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut value = serde_json::to_value(self).unwrap_or_default();
        if let Some(fields) = value.as_object_mut() {
            fields.remove("secret");
        }
        write!(f, "Hand{value}")
    }
}

fn basic() -> String {
    "group_basic".to_owned()
}

/// The result of a change.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandOutcome {
    /// The id of the record that was created or changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<u64>,
    /// The secret of the new key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
}

impl fmt::Debug for HandOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HandOutcome").field("id", &self.id).finish_non_exhaustive()
    }
}

impl From<u64> for HandOutcome {
    fn from(id: u64) -> HandOutcome {
        HandOutcome { id: Some(id), secret: None }
    }
}
