//! `/roles`: the simulated roles. Kisi's list is longer, and organizations can add their own. These are the roles
//! that the sources name, and the owner's, whose id is inferred.

use serde_json::{Value, json};

use crate::error::ApiError;
use crate::page::unpaged;
use crate::pipeline::Call;
use crate::records::AppliesTo;
use crate::reply::Reply;
use crate::route::{Access::AnyUser, Endpoint};

pub(crate) const ENDPOINTS: &[Endpoint] =
    &[Endpoint::unpaged(AnyUser, "/roles", list), Endpoint::one(AnyUser, "GET", "/roles/{id}", show)];

/// The role of an organization's owner.
pub(crate) const ORGANIZATION_OWNER: &str = "organization_owner";
/// The role of an organization's administrator.
pub(crate) const ORGANIZATION_ADMINISTRATOR: &str = "organization_administrator";

/// One role.
pub(crate) struct Role {
    id: &'static str,
    applies_to: AppliesTo,
    name: &'static str,
    /// Whether the holder may change users and role assignments.
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

/// Whether the holder of a role administers the whole organization.
pub(crate) fn administers(role_id: &str) -> bool {
    role_id == ORGANIZATION_OWNER || role_id == ORGANIZATION_ADMINISTRATOR
}

/// Whether the role exists for this kind of object.
pub(crate) fn fits(role_id: &str, applies_to: AppliesTo) -> bool {
    ids_for(applies_to).any(|id| id == role_id)
}

/// What is wrong with a role for this kind of object, if it does not exist.
pub(crate) fn problem_with(role_id: &str, applies_to: AppliesTo) -> Option<String> {
    let known = ids_for(applies_to).collect::<Vec<_>>().join("`, `");
    (!fits(role_id, applies_to)).then(|| format!("`{role_id}` is none of `{known}`"))
}

fn ids_for(applies_to: AppliesTo) -> impl Iterator<Item = &'static str> {
    ROLES.iter().filter(move |role| role.applies_to == applies_to).map(|role| role.id)
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
