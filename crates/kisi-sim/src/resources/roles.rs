//! `/roles`: the roles there are. Kisi's list is longer and organizations can add their own; here are those that the
//! sources name, and the owner's, whose id is inferred.

use serde_json::{Value, json};

use crate::error::ApiError;
use crate::page::unpaged;
use crate::pipeline::Call;
use crate::records::AppliesTo;
use crate::reply::Reply;
use crate::route::{Access, Endpoint, Shape};

pub(crate) const ENDPOINTS: &[Endpoint] = &[
    Endpoint {
        method: "GET",
        pattern: "/roles",
        access: Access::AnyUser,
        shape: Shape::List,
        parameters: &[],
        answer: list,
    },
    Endpoint {
        method: "GET",
        pattern: "/roles/{id}",
        access: Access::AnyUser,
        shape: Shape::One,
        parameters: &[],
        answer: show,
    },
];

/// Owns the organization.
pub(crate) const ORGANIZATION_OWNER: &str = "organization_owner";
/// Administers the organization.
pub(crate) const ORGANIZATION_ADMINISTRATOR: &str = "organization_administrator";

/// One role.
pub(crate) struct Role {
    id: &'static str,
    applies_to: AppliesTo,
    name: &'static str,
    /// Whether its holder may change users and role assignments.
    writes: bool,
}

const ROLES: &[Role] = &[
    Role { id: ORGANIZATION_OWNER, applies_to: AppliesTo::Organization, name: "Owner", writes: true },
    Role {
        id: ORGANIZATION_ADMINISTRATOR,
        applies_to: AppliesTo::Organization,
        name: "Administrator",
        writes: true,
    },
    Role { id: "place_owner", applies_to: AppliesTo::Place, name: "Place owner", writes: true },
    Role { id: "group_manager", applies_to: AppliesTo::Group, name: "Group manager", writes: true },
    Role { id: "group_basic", applies_to: AppliesTo::Group, name: "Basic", writes: false },
];

/// Whether a role lets its holder administer the whole organization.
pub(crate) fn administers(role_id: &str) -> bool {
    role_id == ORGANIZATION_OWNER || role_id == ORGANIZATION_ADMINISTRATOR
}

/// Whether there is such a role for such an object.
pub(crate) fn fits(role_id: &str, applies_to: AppliesTo) -> bool {
    ROLES.iter().any(|role| role.id == role_id && role.applies_to == applies_to)
}

/// The ids of the roles for such an object.
pub(crate) fn ids_for(applies_to: AppliesTo) -> Vec<&'static str> {
    ROLES.iter().filter(|role| role.applies_to == applies_to).map(|role| role.id).collect()
}

fn list(call: &mut Call<'_>) -> Result<Reply, ApiError> {
    let rows = ROLES.iter().map(render).collect();
    Ok(unpaged(call, rows))
}

fn show(call: &mut Call<'_>) -> Result<Reply, ApiError> {
    ROLES
        .iter()
        .find(|role| call.argument == Some(role.id))
        .map(|role| Reply::ok(render(role)))
        .ok_or(ApiError::RecordNotFound)
}

/// Of the many permissions only those that matter to access are shown.
fn render(role: &Role) -> Value {
    json!({
        "id": role.id,
        "resource_type": "Role",
        "applies_to": role.applies_to,
        "name": role.name,
        "description": null,
        "custom": false,
        "permissions": {
            "groups_read": role.writes,
            "groups_write": role.writes && role.applies_to != AppliesTo::Group,
            "locks_read": true,
            "locks_unlock": true,
            "role_assignments_read": role.writes,
            "role_assignments_write": role.writes,
            "users_read": role.writes,
            "users_write": role.writes && role.applies_to == AppliesTo::Organization,
        },
        "custom_role_id": null,
    })
}
