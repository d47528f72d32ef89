//! `/group_locks`: which doors are in which group. Listed for one group at a time; there is no PATCH.

use serde_json::{Value, json};

use super::{Filters, Resource, Search, group_reference, named, place_reference, reply_of, show};
use crate::clock::format_timestamp;
use crate::error::{ApiError, BLANK, MUST_EXIST};
use crate::page::{PAGE_OF_GROUPS, paged};
use crate::pipeline::Call;
use crate::records::GroupLock;
use crate::reply::Reply;
use crate::route::{Access::Administrator, Endpoint};
use crate::state::State;

pub(crate) const ENDPOINTS: &[Endpoint] = &[
    Endpoint::list(Administrator, "/group_locks", list)
        .with_parameters(&["group_id", "ids", "lock_id", "query", "limit", "offset"]),
    Endpoint::one(Administrator, "POST", "/group_locks", create),
    Endpoint::one(Administrator, "GET", "/group_locks/{id}", show::<GroupLock>),
    Endpoint::one(Administrator, "DELETE", "/group_locks/{id}", delete),
];

/// `group_id` is documented as required, with 400 and 404 among the answers. That they answer a missing and a
/// foreign group is inferred.
fn list(call: &mut Call<'_>) -> Result<Reply, ApiError> {
    let (state, query) = (&*call.state, &call.query);
    let group_id = query.number("group_id")?.ok_or(ApiError::BadRequest("group_id is missing"))?;
    let group = state.groups.in_organization(call.caller.organization_id, group_id);
    group.ok_or(ApiError::RecordNotFound)?;
    let mut filters = Filters::<GroupLock>::by_ids(query)?;
    filters.keep(query.number("lock_id")?, |id, group_lock| *id == group_lock.lock_id);
    filters.keep(Search::of(call), |search, group_lock| {
        let lock = state.locks.get(group_lock.lock_id);
        lock.is_some_and(|lock| search.finds(group_lock.created_at, &[&lock.name]))
    });
    let found = filters.apply(&state.group_locks, state.doors_of_group(group_id));
    paged(call, PAGE_OF_GROUPS, found, GroupLock::render)
}

/// Puts a door into a group. No 404 is documented, so a foreign group or door is a field error. The answers to a
/// door of another place than the group's, and to a duplicate, are inferred.
fn create(call: &mut Call<'_>) -> Result<Reply, ApiError> {
    let organization_id = call.caller.organization_id;
    let mut fields = call.fields("group_lock")?;
    let group_id = fields.id("group_id").flatten();
    let lock_id = fields.id("lock_id").flatten();
    let group = group_id.and_then(|id| call.state.groups.in_organization(organization_id, id));
    let lock = lock_id.and_then(|id| call.state.locks.in_organization(organization_id, id));
    match (group_id, group) {
        (None, _) => fields.wrong("group_id", BLANK),
        (Some(_), None) => fields.wrong("group", MUST_EXIST),
        _ => {}
    }
    match (lock_id, lock, group.and_then(|group| group.place_id)) {
        (None, _, _) => fields.wrong("lock_id", BLANK),
        (Some(_), None, _) => fields.wrong("lock", MUST_EXIST),
        (_, Some(lock), Some(place_id)) if lock.place_id != place_id => {
            fields.wrong("lock", "must be in the place of the group");
        }
        _ => {}
    }
    fields.finish(call)?;
    let (Some(group_id), Some(lock_id)) = (group_id, lock_id) else { return Err(ApiError::RecordNotFound) };
    if call.state.group_locks_in(group_id).any(|group_lock| group_lock.lock_id == lock_id) {
        return Err(ApiError::AlreadyExists);
    }
    let id = call.state.add_group_lock(organization_id, group_id, lock_id);
    reply_of::<GroupLock>(call.state, id)
}

fn delete(call: &mut Call<'_>) -> Result<Reply, ApiError> {
    let id = named::<GroupLock>(call)?.id;
    call.state.remove_group_lock(id);
    Ok(Reply::no_content())
}

impl Resource for GroupLock {
    fn render(&self, state: &State) -> Value {
        let lock = state.locks.get(self.lock_id);
        json!({
            "id": self.id,
            "resource_type": "GroupLock",
            "created_at": format_timestamp(self.created_at),
            "updated_at": format_timestamp(self.created_at),
            "group_id": self.group_id,
            "group": group_reference(state, self.group_id),
            "lock_id": self.lock_id,
            "lock": lock.map(|lock| json!({ "id": lock.id, "description": lock.description, "name": lock.name })),
            "place_id": lock.map(|lock| lock.place_id),
            "place": lock.map(|lock| place_reference(state, lock.place_id)),
        })
    }
}
