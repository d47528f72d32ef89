//! `/role_assignments`: who has which role where. The resource that access by membership is made of.
//!
//! Two generations of fields exist side by side: `applies_to_*` and `assignee_*`, and the deprecated `user_id`,
//! `group_id`, `place_id` and `organization_id`. Both are read, and both are shown.

mod write;

use serde_json::{Value, json};

use self::write::exists;
use super::{
    Filters, Search, group_reference, organization_reference, place_reference, sort_by_text, user_reference,
};
use crate::clock::format_timestamp;
use crate::error::ApiError;
use crate::knobs::RoleAssignmentsOfDeletedUser;
use crate::page::{PAGE_OF_GROUPS, paged};
use crate::pipeline::Call;
use crate::records::{AppliesTo, RoleAssignment};
use crate::reply::Reply;
use crate::route::{Access, Endpoint, Shape};
use crate::state::State;

pub(crate) const ENDPOINTS: &[Endpoint] = &[
    Endpoint {
        method: "GET",
        pattern: "/role_assignments",
        access: Access::Administrator,
        shape: Shape::List,
        parameters: &[
            "ids",
            "query",
            "role_id",
            "assignee_type",
            "assignee_id",
            "applies_to_type",
            "applies_to_id",
            "scope",
            "user_id",
            "place_id",
            "group_id",
            "sort",
            "limit",
            "offset",
        ],
        answer: list,
    },
    Endpoint {
        method: "POST",
        pattern: "/role_assignments",
        access: Access::Administrator,
        shape: Shape::One,
        parameters: &[],
        answer: write::create,
    },
    Endpoint {
        method: "GET",
        pattern: "/role_assignments/{id}",
        access: Access::Administrator,
        shape: Shape::One,
        parameters: &[],
        answer: show,
    },
    Endpoint {
        method: "PATCH",
        pattern: "/role_assignments/{id}",
        access: Access::Administrator,
        shape: Shape::One,
        parameters: &[],
        answer: write::update,
    },
    Endpoint {
        method: "DELETE",
        pattern: "/role_assignments/{id}",
        access: Access::Administrator,
        shape: Shape::One,
        parameters: &[],
        answer: write::delete,
    },
];

fn list(call: &mut Call<'_>) -> Result<Reply, ApiError> {
    let (state, query) = (&*call.state, &call.query);
    let organization_id = call.caller.organization_id;
    let ids = query.ids()?;
    let role_id = query.text("role_id");
    let assignee_type = query.choice("assignee_type", &["User", "Team", "Guest"])?;
    let assignee_id = query.id_with_type("assignee_id", "assignee_type")?;
    let applies_to_type = query.choice("applies_to_type", &["Organization", "Place", "Group"])?;
    let applies_to_id = query.id_with_type("applies_to_id", "applies_to_type")?;
    let scope = query.choice("scope", &["organization", "place", "group", "team"])?;
    let user_id = query.user_id(call.caller.user_id)?;
    let place_id = query.number("place_id")?;
    let group_id = query.number("group_id")?;
    let sort = query.choice("sort", &["user.name", "-user.name"])?;

    let holder = user_id.or(assignee_id);
    let is_gone = |id: u64| state.users.in_organization(organization_id, id).is_none();
    if state.knobs.role_assignments_of_deleted_user == RoleAssignmentsOfDeletedUser::NotFound
        && holder.is_some_and(is_gone)
    {
        return Err(ApiError::RecordNotFound);
    }
    let mut targets: Vec<(AppliesTo, u64)> = [
        group_id.map(|id| (AppliesTo::Group, id)),
        place_id.map(|id| (AppliesTo::Place, id)),
        applies_to_type.and_then(kind_named).zip(applies_to_id),
    ]
    .into_iter()
    .flatten()
    .collect();
    // The narrowest index first, because an organization may hold a hundred thousand of these; the filters are for what
    // it has not answered.
    let candidates = match (holder, targets.pop()) {
        (Some(holder), target) => {
            targets.extend(target);
            if is_gone(holder) { Vec::new() } else { state.held_by(holder) }
        }
        (None, Some(target)) if exists(state, organization_id, target) => state.held_in(target),
        (None, Some(_)) => Vec::new(),
        (None, None) => state.role_assignments.ids_in(organization_id).collect(),
    };
    let mut filters = Filters::<RoleAssignment>::none();
    filters.keep(ids, |ids, held| ids.contains(&held.id));
    filters.keep(role_id, |role_id, held| *role_id == held.role_id);
    filters.keep(assignee_type.filter(|kind| *kind != "User"), |_, _| false);
    filters.keep(assignee_id.filter(|_| user_id.is_some()), |id, held| *id == held.assignee_id);
    let kind = applies_to_type.and_then(kind_named).filter(|_| applies_to_id.is_none());
    filters.keep(kind, |kind, held| *kind == held.applies_to_type);
    filters.keep(scope, |scope, held| *scope == scope_name(held.applies_to_type));
    for target in targets {
        filters.keep(Some(target), |target, held| *target == (held.applies_to_type, held.applies_to_id));
    }
    filters.keep(Search::of(call), |search, held| {
        let user = state.users.get(held.assignee_id);
        user.is_some_and(|user| search.finds(held.created_at, &[&user.email, &user.name]))
    });
    let mut found = filters.of(&state.role_assignments, candidates);
    drop(filters);
    if sort.is_some() {
        sort_by_text(&mut found, |id| {
            state
                .role_assignments
                .get(id)
                .and_then(|held| state.users.get(held.assignee_id))
                .map_or_else(String::new, |user| user.name.clone())
        });
    }
    if sort == Some("-user.name") {
        found.reverse();
    }
    paged(call, PAGE_OF_GROUPS, found, render)
}

fn show(call: &mut Call<'_>) -> Result<Reply, ApiError> {
    let held = existing(call)?;
    render(call.state, held.id).map(Reply::ok).ok_or(ApiError::RecordNotFound)
}

/// The role assignment in the path, if it belongs to the organization.
fn existing(call: &Call<'_>) -> Result<RoleAssignment, ApiError> {
    let id = call.id()?;
    call.state
        .role_assignments
        .in_organization(call.caller.organization_id, id)
        .cloned()
        .ok_or(ApiError::RecordNotFound)
}

fn kind_named(name: &str) -> Option<AppliesTo> {
    [AppliesTo::Organization, AppliesTo::Place, AppliesTo::Group]
        .into_iter()
        .find(|kind| type_name(*kind) == name)
}

fn type_name(applies_to: AppliesTo) -> &'static str {
    match applies_to {
        AppliesTo::Organization => "Organization",
        AppliesTo::Place => "Place",
        AppliesTo::Group => "Group",
    }
}

fn scope_name(applies_to: AppliesTo) -> &'static str {
    match applies_to {
        AppliesTo::Organization => "organization",
        AppliesTo::Place => "place",
        AppliesTo::Group => "group",
    }
}

fn render(state: &State, id: u64) -> Option<Value> {
    let held = state.role_assignments.get(id)?;
    let user = user_reference(state, held.assignee_id);
    let scope = scope_name(held.applies_to_type);
    let target = match held.applies_to_type {
        AppliesTo::Organization => organization_reference(state, held.applies_to_id),
        AppliesTo::Place => place_reference(state, held.applies_to_id),
        AppliesTo::Group => group_reference(state, held.applies_to_id),
    };
    let mut row = json!({
        "id": held.id,
        "resource_type": "RoleAssignment",
        "created_at": format_timestamp(held.created_at),
        "updated_at": format_timestamp(held.updated_at),
        "role_id": held.role_id,
        "notify": held.notify,
        "applies_to_type": type_name(held.applies_to_type),
        "applies_to_id": held.applies_to_id,
        "applies_to": target,
        "assignee_type": held.assignee_type,
        "assignee_id": held.assignee_id,
        "assignee": user,
        "created_by_type": "User",
        "created_by_id": held.created_by_id,
        "user_id": held.assignee_id,
        "user": user,
        "assignee_team_id": null,
        "guest_id": null,
        "issued_by_id": held.created_by_id,
        "type": scope,
        "scope": scope,
    });
    if let Value::Object(fields) = &mut row {
        // Named after the scope: `group_id` and `group`, and so on.
        fields.insert(format!("{scope}_id"), held.applies_to_id.into());
        fields.insert(scope.to_owned(), target);
        if held.applies_to_type == AppliesTo::Group {
            fields.insert("valid_from".to_owned(), held.valid_from.map(format_timestamp).into());
            fields.insert("valid_until".to_owned(), held.valid_until.map(format_timestamp).into());
        }
    }
    Some(row)
}
