//! `/role_assignments`: who may open what. Kisi's web page calls them access rights.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Kisi;
use super::endpoint::{Call, Method, NoContent};
use super::error::Error;
use super::page::{List, Row};
use super::time;
use crate::contract::types::{GroupRef, Timestamp};
use crate::id::{AssignmentId, GroupId, UserId};
use crate::json::text_in;
use crate::window::Window;

/// The role that opens a group's doors and nothing more (C). The plugin grants and removes no other.
pub const PLAIN_ROLE: &str = "group_basic";

/// A role assignment, as far as the plugin reads it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "Wire")]
pub struct RoleAssignment {
    /// Its id.
    pub id: AssignmentId,
    /// The role, [`PLAIN_ROLE`] or one above it.
    pub role_id: String,
    /// `Group`, `Place` or `Organization`.
    pub applies_to_type: String,
    /// Id of the group, place or organization.
    pub applies_to_id: Option<u64>,
    /// Name of what it applies to; may be empty.
    pub name: String,
    /// `User`, `Team` or `Guest`.
    pub assignee_type: String,
    /// Id of the user, team or guest.
    pub assignee_id: Option<u64>,
    /// The user's address; may be empty.
    pub assignee_email: String,
    /// The user's name; may be empty.
    pub assignee_name: String,
    /// RFC 3339.
    pub valid_from: Option<String>,
    /// RFC 3339.
    pub valid_until: Option<String>,
    /// RFC 3339.
    pub created_at: Option<String>,
}

#[derive(Deserialize)]
struct Wire {
    id: AssignmentId,
    role_id: String,
    applies_to_type: String,
    applies_to_id: Option<u64>,
    #[serde(default)]
    applies_to: Value,
    assignee_type: String,
    assignee_id: Option<u64>,
    #[serde(default)]
    assignee: Value,
    valid_from: Option<String>,
    valid_until: Option<String>,
    created_at: Option<String>,
}

impl From<Wire> for RoleAssignment {
    fn from(wire: Wire) -> RoleAssignment {
        let text = |of: &Value, name| text_in(of, name).unwrap_or_default().to_string();
        RoleAssignment {
            id: wire.id,
            role_id: wire.role_id,
            applies_to_type: wire.applies_to_type,
            applies_to_id: wire.applies_to_id,
            name: text(&wire.applies_to, "name"),
            assignee_type: wire.assignee_type,
            assignee_id: wire.assignee_id,
            assignee_email: text(&wire.assignee, "email"),
            assignee_name: text(&wire.assignee, "name"),
            valid_from: wire.valid_from,
            valid_until: wire.valid_until,
            created_at: wire.created_at,
        }
    }
}

impl RoleAssignment {
    /// The group it is for, when it is for a group.
    pub fn group(&self) -> Option<GroupId> {
        if self.applies_to_type == "Group" { self.applies_to_id.map(GroupId) } else { None }
    }

    /// The user it is given to, when it is given to a user.
    pub fn user(&self) -> Option<UserId> {
        if self.assignee_type == "User" { self.assignee_id.map(UserId) } else { None }
    }

    /// Whether it is plain membership of a group, the only kind that the plugin may change.
    pub fn is_plain(&self) -> bool {
        self.role_id == PLAIN_ROLE && self.group().is_some()
    }

    /// The group as the contract names it.
    pub fn group_ref(&self) -> GroupRef {
        GroupRef { id: self.applies_to_id.unwrap_or_default().to_string(), name: self.name.clone() }
    }

    /// When it was created, by Kisi's clock.
    pub fn made_at(&self) -> Option<Timestamp> {
        self.created_at.as_deref().and_then(time::parse)
    }

    /// Its dates. An unreadable date counts as absent.
    pub fn window(&self) -> Window {
        let read = |text: &Option<String>| text.as_deref().and_then(time::parse);
        Window { starts_at: read(&self.valid_from), ends_at: read(&self.valid_until) }
    }
}

impl Row for RoleAssignment {
    const LIST: List = List { path: "/role_assignments", limit_max: 250 };

    fn id(&self) -> u64 {
        self.id.0
    }
}

/// The filter that selects the assignments of one group.
pub fn in_group(group: GroupId) -> String {
    format!("applies_to_type=Group&applies_to_id={group}")
}

#[derive(Serialize)]
struct Body<T> {
    role_assignment: T,
}

#[derive(Serialize)]
struct NewAssignment {
    applies_to_type: &'static str,
    applies_to_id: GroupId,
    assignee_type: &'static str,
    assignee_id: UserId,
    role_id: &'static str,
    notify: bool,
    valid_from: Option<String>,
    valid_until: Option<String>,
}

#[derive(Serialize)]
struct NewDates {
    notify: bool,
    valid_from: Option<String>,
    valid_until: Option<String>,
}

/// Adds a user to a group. The body has every field without a known default (?). `notify` is off, because members hear
/// from the gym.
pub fn create(user: UserId, group: GroupId, window: Window) -> Call<RoleAssignment> {
    let role_assignment = NewAssignment {
        applies_to_type: "Group",
        applies_to_id: group,
        assignee_type: "User",
        assignee_id: user,
        role_id: PLAIN_ROLE,
        notify: false,
        valid_from: window.starts_at.and_then(time::format),
        valid_until: window.ends_at.and_then(time::format),
    };
    Call::with_body(Method::Post, RoleAssignment::LIST.path.to_string(), &Body { role_assignment })
}

/// Changes the dates. That Kisi honours dates here is inferred (I), so the first change of an installation is read
/// back.
pub fn set_window(assignment: AssignmentId, window: Window) -> Call<NoContent> {
    let role_assignment = NewDates {
        notify: false,
        valid_from: window.starts_at.and_then(time::format),
        valid_until: window.ends_at.and_then(time::format),
    };
    Call::with_body(Method::Patch, path(assignment), &Body { role_assignment })
}

/// Removes an assignment.
pub fn delete(assignment: AssignmentId) -> Call<NoContent> {
    Call::delete(path(assignment))
}

/// Reads an assignment.
pub fn get(assignment: AssignmentId) -> Call<RoleAssignment> {
    Call::get(path(assignment))
}

fn path(assignment: AssignmentId) -> String {
    format!("{}/{assignment}", RoleAssignment::LIST.path)
}

impl Kisi<'_> {
    /// All assignments of one user, of every kind.
    ///
    /// # Errors
    /// Also [`Error::Unrecognized`] when a row belongs to another user, because then the filter was not applied.
    pub fn assignments_of(&self, user: UserId) -> Result<Vec<RoleAssignment>, Error> {
        let rows: Vec<RoleAssignment> = self.list(&format!("assignee_type=User&assignee_id={user}"))?;
        if rows.iter().any(|row| row.assignee_type != "User" || row.assignee_id != Some(user.0)) {
            return Err(Error::unrecognized(
                200,
                "the list of a user's role assignments holds those of another user",
            ));
        }
        Ok(rows)
    }

    /// Adds a user to a group and checks that the answer is about this user and group.
    ///
    /// # Errors
    /// Those of a call.
    pub fn assign(&self, user: UserId, group: GroupId, window: Window) -> Result<AssignmentId, Error> {
        let row = self.send(create(user, group, window))?;
        if row.group() == Some(group) && row.assignee_id == Some(user.0) {
            Ok(row.id)
        } else {
            Err(Error::unrecognized(200, "the new role assignment is not the one that was asked for"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_assignment_has_every_field_without_a_known_default() {
        let call =
            create(UserId(901), GroupId(77), Window { starts_at: None, ends_at: Some(1_798_761_599_000) });
        assert_eq!(
            String::from_utf8(call.body.unwrap()).unwrap(),
            r#"{"role_assignment":{"applies_to_type":"Group","applies_to_id":77,"assignee_type":"User","assignee_id":901,"role_id":"group_basic","notify":false,"valid_from":null,"valid_until":"2026-12-31T23:59:59.000Z"}}"#
        );
    }

    #[test]
    fn only_plain_membership_of_a_group_may_be_touched() {
        let row = |role: &str, kind: &str| RoleAssignment {
            id: AssignmentId(1),
            role_id: role.to_string(),
            applies_to_type: kind.to_string(),
            applies_to_id: Some(7),
            name: String::new(),
            assignee_type: "User".to_string(),
            assignee_id: Some(901),
            assignee_email: String::new(),
            assignee_name: String::new(),
            valid_from: None,
            valid_until: None,
            created_at: None,
        };
        assert!(row("group_basic", "Group").is_plain());
        for (role, kind) in [
            ("group_manager", "Group"),
            ("group_custom", "Group"),
            ("place_owner", "Place"),
            ("group_basic", "Place"),
        ] {
            assert!(!row(role, kind).is_plain(), "{role} on a {kind} should not be touched");
        }
    }
}
