//! `/group_locks`: which doors are in which group. Listed for one group at a time; there is no PATCH.

use serde_json::{Value, json};

use super::{Search, group_reference, ids_where, place_reference};
use crate::clock::format_timestamp;
use crate::error::{ApiError, BLANK, MUST_EXIST};
use crate::page::{PAGE_OF_GROUPS, paged};
use crate::pipeline::Call;
use crate::reply::Reply;
use crate::route::{Access, Endpoint, Shape};
use crate::state::State;

pub(crate) const ENDPOINTS: &[Endpoint] = &[
    Endpoint {
        method: "GET",
        pattern: "/group_locks",
        access: Access::Administrator,
        shape: Shape::List,
        parameters: &["group_id", "ids", "lock_id", "query", "limit", "offset"],
        answer: list,
    },
    Endpoint {
        method: "POST",
        pattern: "/group_locks",
        access: Access::Administrator,
        shape: Shape::One,
        parameters: &[],
        answer: create,
    },
    Endpoint {
        method: "GET",
        pattern: "/group_locks/{id}",
        access: Access::Administrator,
        shape: Shape::One,
        parameters: &[],
        answer: show,
    },
    Endpoint {
        method: "DELETE",
        pattern: "/group_locks/{id}",
        access: Access::Administrator,
        shape: Shape::One,
        parameters: &[],
        answer: delete,
    },
];

/// `group_id` is documented as required, with 400 and 404 among the answers: that they are the answers to a missing
/// and to a foreign group is inferred.
fn list(call: &mut Call<'_>) -> Result<Reply, ApiError> {
    let (state, query) = (&*call.state, &call.query);
    let organization_id = call.caller.organization_id;
    let group_id = query.number("group_id")?.ok_or(ApiError::BadRequest("group_id is missing"))?;
    state.groups.in_organization(organization_id, group_id).ok_or(ApiError::RecordNotFound)?;
    let ids = query.ids()?;
    let lock_id = query.number("lock_id")?;
    let search = Search::of(call);
    let found = ids_where(&state.group_locks, organization_id, |id, group_lock| {
        group_lock.group_id == group_id
            && ids.as_ref().is_none_or(|ids| ids.contains(&id))
            && lock_id.is_none_or(|lock_id| lock_id == group_lock.lock_id)
            && search.as_ref().is_none_or(|search| {
                state
                    .locks
                    .get(group_lock.lock_id)
                    .is_some_and(|lock| search.finds(group_lock.created_at, &[&lock.name]))
            })
    });
    paged(call, PAGE_OF_GROUPS, found, render)
}

fn show(call: &mut Call<'_>) -> Result<Reply, ApiError> {
    let id = existing(call)?;
    render(call.state, id).map(Reply::ok).ok_or(ApiError::RecordNotFound)
}

/// The id in the path, if it is a group lock of the organization.
fn existing(call: &Call<'_>) -> Result<u64, ApiError> {
    let id = call.id()?;
    call.state
        .group_locks
        .in_organization(call.caller.organization_id, id)
        .map(|group_lock| group_lock.id)
        .ok_or(ApiError::RecordNotFound)
}

/// Puts a door into a group. No 404 is documented, so a foreign group or door is a field error; a door of another
/// place than the group's, and the answer to a duplicate, are inferred.
fn create(call: &mut Call<'_>) -> Result<Reply, ApiError> {
    let organization_id = call.caller.organization_id;
    let mut fields = call.fields("group_lock")?;
    let group_id = fields.id("group_id").flatten();
    let lock_id = fields.id("lock_id").flatten();
    let group = group_id.and_then(|id| call.state.groups.in_organization(organization_id, id)).cloned();
    let lock = lock_id.and_then(|id| call.state.locks.in_organization(organization_id, id)).cloned();
    match (group_id, &group) {
        (None, _) => fields.wrong("group_id", BLANK),
        (Some(_), None) => fields.wrong("group", MUST_EXIST),
        _ => {}
    }
    match (lock_id, &lock, group.as_ref().and_then(|group| group.place_id)) {
        (None, _, _) => fields.wrong("lock_id", BLANK),
        (Some(_), None, _) => fields.wrong("lock", MUST_EXIST),
        (_, Some(lock), Some(place_id)) if lock.place_id != place_id => {
            fields.wrong("lock", "must be in the place of the group");
        }
        _ => {}
    }
    fields.finish(call)?;
    let (Some(group), Some(lock)) = (group, lock) else { return Err(ApiError::RecordNotFound) };
    if call.state.group_locks_in(group.id).any(|group_lock| group_lock.lock_id == lock.id) {
        return Err(ApiError::AlreadyExists);
    }
    let id = call.state.add_group_lock(organization_id, group.id, lock.id);
    render(call.state, id).map(Reply::ok).ok_or(ApiError::RecordNotFound)
}

fn delete(call: &mut Call<'_>) -> Result<Reply, ApiError> {
    let id = existing(call)?;
    call.state.remove_group_lock(id);
    Ok(Reply::no_content())
}

fn render(state: &State, id: u64) -> Option<Value> {
    let group_lock = state.group_locks.get(id)?;
    let lock = state.locks.get(group_lock.lock_id)?;
    Some(json!({
        "id": group_lock.id,
        "resource_type": "GroupLock",
        "created_at": format_timestamp(group_lock.created_at),
        "updated_at": format_timestamp(group_lock.created_at),
        "group_id": group_lock.group_id,
        "group": group_reference(state, group_lock.group_id),
        "lock_id": lock.id,
        "lock": { "id": lock.id, "description": lock.description, "name": lock.name },
        "place_id": lock.place_id,
        "place": place_reference(state, lock.place_id),
    }))
}
