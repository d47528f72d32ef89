//! Creating, changing and deleting role assignments, with the rules about duplicates that the sources disagree on.

use serde_json::Value;

use super::{existing, kind_named, render};
use crate::body::Fields;
use crate::error::{ApiError, BLANK, INVALID};
use crate::event::EventType;
use crate::knobs::{DuplicateRoleAssignment, SecondRole, ValidityInPatch};
use crate::pipeline::Call;
use crate::records::{AppliesTo, RoleAssignment};
use crate::reply::Reply;
use crate::resources::roles;
use crate::state::{NewRoleAssignment, State};

/// The deprecated fields that name the object of a role assignment.
const LEGACY_TARGETS: [(&str, AppliesTo); 3] = [
    ("group_id", AppliesTo::Group),
    ("place_id", AppliesTo::Place),
    ("organization_id", AppliesTo::Organization),
];

pub(super) fn create(call: &mut Call<'_>) -> Result<Reply, ApiError> {
    let organization_id = call.caller.organization_id;
    let mut fields = call.fields("role_assignment")?;
    let applies_to = read_target(&mut fields);
    let assignee = read_assignee(&mut fields);
    let role_id = fields.required_text("role_id", BLANK);
    if let Some((applies_to_type, _)) = applies_to
        && !role_id.is_empty()
        && !roles::fits(&role_id, applies_to_type)
    {
        fields.wrong("role_id", INVALID);
    }
    let notify = fields.flag("notify").unwrap_or(call.state.knobs.notify_default);
    let mut valid_from = None;
    let mut valid_until = None;
    // Only group roles have dates; elsewhere the fields are as unknown as any other.
    if applies_to.is_some_and(|(kind, _)| kind == AppliesTo::Group) {
        valid_from = fields.timestamp("valid_from").flatten();
        valid_until = fields.timestamp("valid_until").flatten();
    }
    check_window(&mut fields, valid_from, valid_until);
    fields.finish(call)?;

    let (Some(applies_to), Some(assignee)) = (applies_to, assignee) else {
        return Err(ApiError::field("base", BLANK));
    };
    let user_id = match assignee {
        Assignee::User(id) if call.state.users.in_organization(organization_id, id).is_some() => id,
        // Teams and guests are not simulated, so none of them exists.
        Assignee::User(_) | Assignee::Other => return Err(ApiError::RecordNotFound),
    };
    if !exists(call.state, organization_id, applies_to) {
        return Err(ApiError::RecordNotFound);
    }
    let new = NewRoleAssignment {
        organization_id,
        role_id,
        applies_to,
        user_id,
        notify,
        valid_from,
        valid_until,
        created_by_id: call.caller.user_id,
    };
    check_second_role(call.state, &new, None)?;
    check_duplicate(call.state, &new, None)?;
    let id = call.state.add_role_assignment(new);
    render(call.state, id).map(Reply::ok).ok_or(ApiError::RecordNotFound)
}

/// Who a new role assignment is for.
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
    let kind = kind_named(&text);
    if kind.is_none() && !text.is_empty() {
        fields.wrong("applies_to_type", INVALID);
    }
    Some((kind?, required_id(fields, "applies_to_id")?))
}

/// The holder: `assignee_type` and `assignee_id`, or the deprecated `user_id`.
fn read_assignee(fields: &mut Fields) -> Option<Assignee> {
    let legacy = fields.id("user_id").flatten();
    if let Some(user_id) = legacy
        && !fields.has("assignee_type")
        && !fields.has("assignee_id")
    {
        return Some(Assignee::User(user_id));
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

pub(super) fn exists(state: &State, organization_id: u64, (kind, id): (AppliesTo, u64)) -> bool {
    match kind {
        AppliesTo::Organization => id == organization_id,
        AppliesTo::Place => state.places.in_organization(organization_id, id).is_some(),
        AppliesTo::Group => state.groups.in_organization(organization_id, id).is_some(),
    }
}

/// The other role assignments of the same user in the same organization, place or group.
fn others<'s>(
    state: &'s State,
    new: &NewRoleAssignment,
    own_id: Option<u64>,
) -> impl Iterator<Item = &'s RoleAssignment> {
    let target = new.applies_to;
    state
        .roles_of(new.user_id)
        .filter(move |held| Some(held.id) != own_id && (held.applies_to_type, held.applies_to_id) == target)
}

fn check_second_role(state: &State, new: &NewRoleAssignment, own_id: Option<u64>) -> Result<(), ApiError> {
    let refused = state.knobs.second_role == SecondRole::Unprocessable
        && others(state, new, own_id).any(|held| held.role_id != new.role_id);
    if refused {
        return Err(ApiError::field("role_id", "there is another role of the assignee already"));
    }
    Ok(())
}

fn check_duplicate(state: &State, new: &NewRoleAssignment, own_id: Option<u64>) -> Result<(), ApiError> {
    let is_duplicate = |held: &RoleAssignment| {
        held.role_id == new.role_id
            && match state.knobs.duplicate_role_assignment {
                DuplicateRoleAssignment::Stack => false,
                DuplicateRoleAssignment::AlwaysConflict => true,
                DuplicateRoleAssignment::IdenticalDatesConflict => {
                    (held.valid_from, held.valid_until) == (new.valid_from, new.valid_until)
                }
            }
    };
    if others(state, new, own_id).any(is_duplicate) { Err(ApiError::AlreadyExists) } else { Ok(()) }
}

/// Changes role, notification and, if the knob says so, dates. The rules about second roles and duplicates hold here
/// too [inferred].
pub(super) fn update(call: &mut Call<'_>) -> Result<Reply, ApiError> {
    let mut held = existing(call)?;
    let old = held.clone();
    let mut fields = call.fields("role_assignment")?;
    if fields.has("role_id") {
        held.role_id = fields.required_text("role_id", BLANK);
        if !held.role_id.is_empty() && !roles::fits(&held.role_id, held.applies_to_type) {
            fields.wrong("role_id", INVALID);
        }
    }
    match fields.take("notify") {
        Some(Value::Bool(notify)) => held.notify = notify,
        // The specification calls this one a text. What such a text would mean is unknown, so it changes nothing.
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
    let as_new = NewRoleAssignment {
        organization_id: held.organization_id,
        role_id: held.role_id.clone(),
        applies_to: (held.applies_to_type, held.applies_to_id),
        user_id: held.assignee_id,
        notify: held.notify,
        valid_from: held.valid_from,
        valid_until: held.valid_until,
        created_by_id: held.created_by_id,
    };
    // Only what changes can break a rule: rows that were stacked by hand can still be edited.
    if held.role_id != old.role_id {
        check_second_role(call.state, &as_new, Some(held.id))?;
    }
    if (&held.role_id, held.valid_from, held.valid_until) != (&old.role_id, old.valid_from, old.valid_until) {
        check_duplicate(call.state, &as_new, Some(held.id))?;
    }
    held.updated_at = call.state.now_ms();
    let id = held.id;
    if let Some(stored) = call.state.role_assignments.get_mut(id) {
        *stored = held;
    }
    call.state.record(EventType::RoleAssignmentUpdate, id);
    Ok(Reply::no_content())
}

/// Deletes a role assignment. The owner's can't be deleted [inferred].
pub(super) fn delete(call: &mut Call<'_>) -> Result<Reply, ApiError> {
    let held = existing(call)?;
    if held.role_id == roles::ORGANIZATION_OWNER {
        return Err(ApiError::Forbidden);
    }
    call.state.remove_role_assignment(held.id);
    Ok(Reply::no_content())
}
