//! `/role_assignments`: the roles of users in organizations, places and groups. Access by membership is made of these.
//!
//! Two generations of fields exist side by side: `applies_to_*` and `assignee_*`, and the deprecated `user_id`,
//! `group_id`, `place_id` and `organization_id`. Both are read, and both are shown.

mod write;

use serde_json::{Value, json};

use super::{
    Filters, Resource, Search, group_reference, name_key, organization_reference, place_reference, show,
    sort_by, user_reference, with,
};
use crate::clock::format_timestamp;
use crate::error::ApiError;
use crate::knobs::RoleAssignmentsOfDeletedUser;
use crate::page::{PAGE_OF_GROUPS, paged};
use crate::pipeline::Call;
use crate::records::{AppliesTo, RoleAssignment};
use crate::reply::Reply;
use crate::route::{Access::Administrator, Endpoint};
use crate::state::State;

pub(crate) const ENDPOINTS: &[Endpoint] = &[
    Endpoint::list(Administrator, "/role_assignments", list).with_parameters(&[
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
    ]),
    Endpoint::one(Administrator, "POST", "/role_assignments", write::create),
    Endpoint::one(Administrator, "GET", "/role_assignments/{id}", show::<RoleAssignment>),
    Endpoint::one(Administrator, "PATCH", "/role_assignments/{id}", write::update),
    Endpoint::one(Administrator, "DELETE", "/role_assignments/{id}", write::delete),
];

fn list(call: &mut Call<'_>) -> Result<Reply, ApiError> {
    let (state, query) = (&*call.state, &call.query);
    let organization_id = call.caller.organization_id;
    let mut filters = Filters::<RoleAssignment>::by_ids(query)?;
    filters.keep(query.text("role_id"), |role_id, held| *role_id == held.role_id);
    let assignee_type = query.choice("assignee_type", &["User", "Team", "Guest"])?;
    // Teams and guests are not simulated.
    filters.keep(assignee_type.filter(|kind| *kind != "User"), |_, _| false);
    let assignee_id = query.id_with_type("assignee_id", "assignee_type")?;
    let kind =
        query.choice("applies_to_type", &AppliesTo::ALL.map(AppliesTo::name))?.and_then(AppliesTo::named);
    let applies_to_id = query.id_with_type("applies_to_id", "applies_to_type")?;
    filters.keep(kind.filter(|_| applies_to_id.is_none()), |kind, held| *kind == held.applies_to_type);
    let scope = query.choice("scope", &["organization", "place", "group", "team"])?;
    filters.keep(scope, |scope, held| *scope == held.applies_to_type.scope());
    let user_id = query.user_id(call.caller.user_id)?;
    let place_id = query.number("place_id")?;
    let group_id = query.number("group_id")?;
    let sort = query.choice("sort", &["user.name", "-user.name"])?;
    filters.keep(Search::of(call), |search, held| {
        let user = state.users.get(held.assignee_id);
        user.is_some_and(|user| search.finds(held.created_at, &[&user.email, &user.name]))
    });

    let holder = user_id.or(assignee_id);
    filters.keep(assignee_id.filter(|_| user_id.is_some()), |id, held| *id == held.assignee_id);
    let is_gone = |id: u64| state.users.in_organization(organization_id, id).is_none();
    if state.knobs.role_assignments_of_deleted_user == RoleAssignmentsOfDeletedUser::NotFound
        && holder.is_some_and(is_gone)
    {
        return Err(ApiError::RecordNotFound);
    }
    let mut targets = vec![kind.zip(applies_to_id)];
    targets.push(place_id.map(|id| (AppliesTo::Place, id)));
    targets.push(group_id.map(|id| (AppliesTo::Group, id)));
    targets.retain(Option::is_some);
    // The narrowest index first: an organization may have a hundred thousand role assignments. The filters are for
    // what the index has not answered.
    let candidates = match holder {
        Some(holder) if is_gone(holder) => Vec::new(),
        Some(holder) => state.held_by(holder),
        None => match targets.pop().flatten() {
            Some(target) if state.has(organization_id, target) => state.held_in(target),
            Some(_) => Vec::new(),
            None => state.role_assignments.ids_in(organization_id).collect(),
        },
    };
    for target in targets {
        filters.keep(target, |target, held| *target == held.target());
    }
    let mut found = filters.apply(&state.role_assignments, candidates);
    sort_by(&mut found, sort, "user.name", |id| {
        let held = state.role_assignments.get(id);
        let user = held.and_then(|held| state.users.get(held.assignee_id));
        name_key(user.map(|user| user.name.as_str()), id)
    });
    paged(call, PAGE_OF_GROUPS, found, RoleAssignment::render)
}

impl Resource for RoleAssignment {
    fn render(&self, state: &State) -> Value {
        let user = user_reference(state, self.assignee_id);
        let scope = self.applies_to_type.scope();
        let target = match self.applies_to_type {
            AppliesTo::Organization => organization_reference(state, self.applies_to_id),
            AppliesTo::Place => place_reference(state, self.applies_to_id),
            AppliesTo::Group => group_reference(state, self.applies_to_id),
        };
        let row = json!({
            "id": self.id,
            "resource_type": "RoleAssignment",
            "created_at": format_timestamp(self.created_at),
            "updated_at": format_timestamp(self.updated_at),
            "role_id": self.role_id,
            "notify": self.notify,
            "applies_to_type": self.applies_to_type,
            "applies_to_id": self.applies_to_id,
            "applies_to": target,
            "assignee_type": self.assignee_type,
            "assignee_id": self.assignee_id,
            "assignee": user,
            "created_by_type": "User",
            "created_by_id": self.created_by_id,
            "user_id": self.assignee_id,
            "user": user,
            "assignee_team_id": null,
            "guest_id": null,
            "issued_by_id": self.created_by_id,
            "type": scope,
            "scope": scope,
            // Named after the scope: `group_id` and `group`, and so on.
            format!("{scope}_id"): self.applies_to_id,
            scope: target,
        });
        if self.applies_to_type != AppliesTo::Group {
            return row;
        }
        let dates = json!({
            "valid_from": self.valid_from.map(format_timestamp),
            "valid_until": self.valid_until.map(format_timestamp),
        });
        with(row, dates)
    }
}
