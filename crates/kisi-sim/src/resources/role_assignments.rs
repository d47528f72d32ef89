//! `/role_assignments`: the roles of users in organizations, places and groups. Access by membership is made of
//! these.
//!
//! Two generations of fields exist side by side: `applies_to_*` and `assignee_*`, and the deprecated `user_id`,
//! `group_id`, `place_id` and `organization_id`. Both are read, and both are shown. The sources disagree on the
//! rules about duplicates, so knobs decide.

use serde_json::{Value, json};

use super::{
    Filters, Resource, Search, group_reference, name_key, named, organization_reference, place_reference,
    reply_of, roles, show, sort_by, user_reference, with,
};
use crate::body::Fields;
use crate::clock::format_timestamp;
use crate::error::{ApiError, BLANK, INVALID};
use crate::event::EventType;
use crate::knobs::{DuplicateRoleAssignment, RoleAssignmentsOfDeletedUser, SecondRole, ValidityInPatch};
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
    Endpoint::one(Administrator, "POST", "/role_assignments", create),
    Endpoint::one(Administrator, "GET", "/role_assignments/{id}", show::<RoleAssignment>),
    Endpoint::one(Administrator, "PATCH", "/role_assignments/{id}", update),
    Endpoint::one(Administrator, "DELETE", "/role_assignments/{id}", delete),
];

/// The deprecated fields that name the object of a role assignment.
const LEGACY_TARGETS: [(&str, AppliesTo); 3] = [
    ("group_id", AppliesTo::Group),
    ("place_id", AppliesTo::Place),
    ("organization_id", AppliesTo::Organization),
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

fn create(call: &mut Call<'_>) -> Result<Reply, ApiError> {
    let organization_id = call.caller.organization_id;
    let mut fields = call.fields("role_assignment")?;
    let target = read_target(&mut fields);
    let assignee = read_assignee(&mut fields);
    let role_id = read_role(&mut fields, target.map(|(kind, _)| kind));
    let notify = fields.flag("notify").unwrap_or(call.state.knobs.notify_default);
    let (mut valid_from, mut valid_until) = (None, None);
    // Only group roles have dates; elsewhere these fields are as unknown as any other.
    if target.is_some_and(|(kind, _)| kind == AppliesTo::Group) {
        valid_from = fields.timestamp("valid_from").flatten();
        valid_until = fields.timestamp("valid_until").flatten();
    }
    check_window(&mut fields, valid_from, valid_until);
    fields.finish(call)?;

    let (Some(target), Some(assignee)) = (target, assignee) else {
        return Err(ApiError::field("base", BLANK));
    };
    let user_id = match assignee {
        Assignee::User(id) if call.state.users.in_organization(organization_id, id).is_some() => id,
        // Teams and guests are not simulated, so none of them exists.
        Assignee::User(_) | Assignee::Other => return Err(ApiError::RecordNotFound),
    };
    if !call.state.has(organization_id, target) {
        return Err(ApiError::RecordNotFound);
    }
    let new = RoleAssignment {
        notify,
        valid_from,
        valid_until,
        created_by_id: call.caller.user_id,
        ..RoleAssignment::new(organization_id, user_id, role_id, target, call.state.now_ms())
    };
    check_second_role(call.state, &new)?;
    check_duplicate(call.state, &new)?;
    let id = call.state.add_role_assignment(new);
    reply_of::<RoleAssignment>(call.state, id)
}

/// The holder of a new role assignment.
enum Assignee {
    User(u64),
    /// A team or a guest.
    Other,
}

/// The object: `applies_to_type` and `applies_to_id`, or one of the deprecated ids. Where both are given, the
/// current fields win [inferred].
fn read_target(fields: &mut Fields) -> Option<(AppliesTo, u64)> {
    let mut legacy = None;
    for (name, applies_to) in LEGACY_TARGETS {
        if let Some(id) = fields.id(name).flatten() {
            legacy = legacy.or(Some((applies_to, id)));
        }
    }
    if legacy.is_some() && !fields.has("applies_to_type") && !fields.has("applies_to_id") {
        return legacy;
    }
    let text = fields.required_text("applies_to_type", BLANK);
    let kind = AppliesTo::named(&text);
    if kind.is_none() && !text.is_empty() {
        fields.wrong("applies_to_type", INVALID);
    }
    Some((kind?, required_id(fields, "applies_to_id")?))
}

/// The holder: `assignee_type` and `assignee_id`, or the deprecated `user_id`.
fn read_assignee(fields: &mut Fields) -> Option<Assignee> {
    let legacy = fields.id("user_id").flatten();
    if legacy.is_some() && !fields.has("assignee_type") && !fields.has("assignee_id") {
        return legacy.map(Assignee::User);
    }
    let kind = fields.required_text("assignee_type", BLANK);
    let id = required_id(fields, "assignee_id");
    match kind.as_str() {
        "User" => id.map(Assignee::User),
        "Team" | "Guest" => Some(Assignee::Other),
        "" => None,
        _ => {
            fields.wrong("assignee_type", INVALID);
            None
        }
    }
}

/// The role, which must fit the kind of object, if that is known.
fn read_role(fields: &mut Fields, kind: Option<AppliesTo>) -> String {
    let role_id = fields.required_text("role_id", BLANK);
    if !role_id.is_empty() && kind.is_some_and(|kind| !roles::fits(&role_id, kind)) {
        fields.wrong("role_id", INVALID);
    }
    role_id
}

fn required_id(fields: &mut Fields, name: &str) -> Option<u64> {
    let id = fields.id(name).flatten();
    if id.is_none() && !fields.is_wrong(name) {
        fields.wrong(name, BLANK);
    }
    id
}

fn check_window(fields: &mut Fields, valid_from: Option<u64>, valid_until: Option<u64>) {
    if let (Some(from), Some(until)) = (valid_from, valid_until)
        && until <= from
    {
        fields.wrong("valid_until", "must be after valid_from");
    }
}

/// The other role assignments of the same user in the same organization, place or group.
fn others<'s>(state: &'s State, row: &RoleAssignment) -> impl Iterator<Item = &'s RoleAssignment> {
    let (id, target) = (row.id, row.target());
    state.roles_of(row.assignee_id).filter(move |held| held.id != id && held.target() == target)
}

fn check_second_role(state: &State, row: &RoleAssignment) -> Result<(), ApiError> {
    if state.knobs.second_role == SecondRole::Unprocessable
        && others(state, row).any(|held| held.role_id != row.role_id)
    {
        return Err(ApiError::field("role_id", "there is another role of the assignee already"));
    }
    Ok(())
}

fn check_duplicate(state: &State, row: &RoleAssignment) -> Result<(), ApiError> {
    let is_duplicate = |held: &RoleAssignment| {
        held.role_id == row.role_id
            && match state.knobs.duplicate_role_assignment {
                DuplicateRoleAssignment::Stack => false,
                DuplicateRoleAssignment::AlwaysConflict => true,
                DuplicateRoleAssignment::IdenticalDatesConflict => held.dates() == row.dates(),
            }
    };
    if others(state, row).any(is_duplicate) { Err(ApiError::AlreadyExists) } else { Ok(()) }
}

/// Changes role, notification and, if the knob allows it, dates. The rules about second roles and duplicates hold
/// here too [inferred].
fn update(call: &mut Call<'_>) -> Result<Reply, ApiError> {
    let old = named::<RoleAssignment>(call)?.clone();
    let mut held = old.clone();
    let mut fields = call.fields("role_assignment")?;
    if fields.has("role_id") {
        held.role_id = read_role(&mut fields, Some(held.applies_to_type));
    }
    match fields.take("notify") {
        Some(Value::Bool(notify)) => held.notify = notify,
        // The specification calls this field a text. The meaning of such a text is unknown, so it changes nothing.
        None | Some(Value::String(_) | Value::Null) => {}
        Some(_) => fields.wrong("notify", INVALID),
    }
    if held.applies_to_type == AppliesTo::Group {
        let (from, until) = (fields.timestamp("valid_from"), fields.timestamp("valid_until"));
        if call.state.knobs.validity_in_patch == ValidityInPatch::Honoured {
            held.valid_from = from.unwrap_or(held.valid_from);
            held.valid_until = until.unwrap_or(held.valid_until);
        }
    }
    check_window(&mut fields, held.valid_from, held.valid_until);
    fields.finish(call)?;
    // Only a change can break a rule: rows that staff stacked can still be edited.
    if held.role_id != old.role_id {
        check_second_role(call.state, &held)?;
    }
    if held.role_id != old.role_id || held.dates() != old.dates() {
        check_duplicate(call.state, &held)?;
    }
    held.updated_at = call.state.now_ms();
    call.state.change(EventType::RoleAssignmentUpdate, held);
    Ok(Reply::no_content())
}

/// Deletes a role assignment. The owner's can't be deleted [inferred].
fn delete(call: &mut Call<'_>) -> Result<Reply, ApiError> {
    let held = named::<RoleAssignment>(call)?;
    if held.role_id == roles::ORGANIZATION_OWNER {
        return Err(ApiError::Forbidden);
    }
    let id = held.id;
    call.state.remove_role_assignment(id);
    Ok(Reply::no_content())
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
