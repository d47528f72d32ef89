//! Creating, changing and deleting role assignments, with the rules about duplicates that the sources disagree on.

use serde_json::Value;

use crate::body::Fields;
use crate::error::{ApiError, BLANK, INVALID};
use crate::event::EventType;
use crate::knobs::{DuplicateRoleAssignment, SecondRole, ValidityInPatch};
use crate::pipeline::Call;
use crate::records::{AppliesTo, RoleAssignment};
use crate::reply::Reply;
use crate::resources::{named, reply_of, roles};
use crate::state::State;

/// The deprecated fields that name the object of a role assignment.
const LEGACY_TARGETS: [(&str, AppliesTo); 3] = [
    ("group_id", AppliesTo::Group),
    ("place_id", AppliesTo::Place),
    ("organization_id", AppliesTo::Organization),
];

pub(super) fn create(call: &mut Call<'_>) -> Result<Reply, ApiError> {
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
pub(super) fn update(call: &mut Call<'_>) -> Result<Reply, ApiError> {
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
pub(super) fn delete(call: &mut Call<'_>) -> Result<Reply, ApiError> {
    let held = named::<RoleAssignment>(call)?;
    if held.role_id == roles::ORGANIZATION_OWNER {
        return Err(ApiError::Forbidden);
    }
    let id = held.id;
    call.state.remove_role_assignment(id);
    Ok(Reply::no_content())
}
