//! `/groups`: the access groups of the organization.

use serde_json::{Value, json};

use super::{Search, ids_where, place_reference, sort_by_text};
use crate::body::Fields;
use crate::clock::format_timestamp;
use crate::error::{ApiError, BLANK, MUST_EXIST};
use crate::event::EventType;
use crate::page::{PAGE_OF_GROUPS, paged};
use crate::pipeline::Call;
use crate::records::Group;
use crate::reply::Reply;
use crate::route::{Access, Endpoint, Shape};
use crate::state::State;

pub(crate) const ENDPOINTS: &[Endpoint] = &[
    Endpoint {
        method: "GET",
        pattern: "/groups",
        access: Access::Administrator,
        shape: Shape::List,
        parameters: &[
            "ids",
            "query",
            "scope",
            "place_id",
            "elevator_stop_id",
            "lock_id",
            "sort",
            "limit",
            "offset",
        ],
        answer: list,
    },
    Endpoint {
        method: "POST",
        pattern: "/groups",
        access: Access::Administrator,
        shape: Shape::One,
        parameters: &[],
        answer: create,
    },
    Endpoint {
        method: "GET",
        pattern: "/groups/{id}",
        access: Access::Administrator,
        shape: Shape::One,
        parameters: &[],
        answer: show,
    },
    Endpoint {
        method: "PATCH",
        pattern: "/groups/{id}",
        access: Access::Administrator,
        shape: Shape::One,
        parameters: &[],
        answer: update,
    },
    Endpoint {
        method: "DELETE",
        pattern: "/groups/{id}",
        access: Access::Administrator,
        shape: Shape::One,
        parameters: &[],
        answer: delete,
    },
];

/// How near a user must be where a geofence is on, in metres. No default is documented.
const GEOFENCE_RADIUS_M: f64 = 100.0;

fn list(call: &mut Call<'_>) -> Result<Reply, ApiError> {
    let (state, query) = (&*call.state, &call.query);
    let ids = query.ids()?;
    let scope = query.choice("scope", &["organization", "place"])?;
    let place_id = query.number("place_id")?;
    let elevator_stop_id = query.number("elevator_stop_id")?;
    let holding = query.number("lock_id")?.map(|lock_id| state.groups_with(lock_id));
    let sort = query.choice("sort", &["name", "-name"])?;
    let search = Search::of(call);
    let mut found = ids_where(&state.groups, call.caller.organization_id, |id, group| {
        ids.as_ref().is_none_or(|ids| ids.contains(&id))
            && scope.is_none_or(|scope| (scope == "place") == group.place_id.is_some())
            && place_id.is_none_or(|place_id| group.place_id == Some(place_id))
            // There are no elevators here.
            && elevator_stop_id.is_none()
            && holding.as_ref().is_none_or(|holding| holding.contains(&id))
            && search.as_ref().is_none_or(|search| search.finds(group.created_at, &[&group.name]))
    });
    if sort.is_some() {
        sort_by_text(&mut found, |id| {
            state.groups.get(id).map_or_else(String::new, |group| group.name.clone())
        });
    }
    if sort == Some("-name") {
        found.reverse();
    }
    paged(call, PAGE_OF_GROUPS, found, render)
}

/// The groups that belong to a place or hold a door of it.
pub(super) fn of_place(state: &State, organization_id: u64, place_id: u64) -> Vec<u64> {
    ids_where(&state.groups, organization_id, |id, group| {
        group.place_id == Some(place_id)
            || state.group_locks_in(id).any(|group_lock| {
                state.locks.get(group_lock.lock_id).is_some_and(|lock| lock.place_id == place_id)
            })
    })
}

fn show(call: &mut Call<'_>) -> Result<Reply, ApiError> {
    let id = existing(call)?;
    render(call.state, id).map(Reply::ok).ok_or(ApiError::RecordNotFound)
}

/// The id in the path, if it is a group of the organization.
fn existing(call: &Call<'_>) -> Result<u64, ApiError> {
    let id = call.id()?;
    call.state
        .groups
        .in_organization(call.caller.organization_id, id)
        .map(|group| group.id)
        .ok_or(ApiError::RecordNotFound)
}

fn create(call: &mut Call<'_>) -> Result<Reply, ApiError> {
    let organization_id = call.caller.organization_id;
    let now_ms = call.state.now_ms();
    let mut fields = call.fields("group")?;
    let name = fields.required_text("name", BLANK);
    let mut group = Group::new(0, organization_id, &name, now_ms);
    group.place_id = fields.id("place_id").flatten();
    if group.place_id.is_some_and(|id| call.state.places.in_organization(organization_id, id).is_none()) {
        fields.wrong("place", MUST_EXIST);
    }
    read_settings(&mut fields, &mut group);
    fields.finish(call)?;
    let id = call.state.add_group(group);
    render(call.state, id).map(Reply::ok).ok_or(ApiError::RecordNotFound)
}

fn update(call: &mut Call<'_>) -> Result<Reply, ApiError> {
    let id = existing(call)?;
    let mut group = call.state.groups.get(id).cloned().ok_or(ApiError::RecordNotFound)?;
    let mut fields = call.fields("group")?;
    if fields.has("name") {
        group.name = fields.required_text("name", BLANK);
    }
    read_settings(&mut fields, &mut group);
    fields.finish(call)?;
    group.updated_at = call.state.now_ms();
    if let Some(stored) = call.state.groups.get_mut(id) {
        *stored = group;
    }
    call.state.record(EventType::GroupUpdate, id);
    Ok(Reply::no_content())
}

/// The fields that creating and changing a group have in common.
fn read_settings(fields: &mut Fields, group: &mut Group) {
    if let Some(description) = fields.text("description") {
        group.description = description;
    }
    if let Some(time_zone) = fields.text("time_restriction_time_zone") {
        group.time_restriction_time_zone = time_zone;
    }
    for (name, setting) in [
        ("login_enabled", &mut group.login_enabled),
        ("geofence_restriction_enabled", &mut group.geofence_restriction_enabled),
        ("primary_device_restriction_enabled", &mut group.primary_device_restriction_enabled),
        ("managed_device_restriction_enabled", &mut group.managed_device_restriction_enabled),
        ("reader_restriction_enabled", &mut group.reader_restriction_enabled),
        ("time_restriction_enabled", &mut group.time_restriction_enabled),
        ("tap_to_access_restriction_enabled", &mut group.tap_to_access_restriction_enabled),
    ] {
        *setting = fields.flag(name).unwrap_or(*setting);
    }
}

/// Deletes a group with its role assignments and its doors [inferred].
fn delete(call: &mut Call<'_>) -> Result<Reply, ApiError> {
    let id = existing(call)?;
    call.state.remove_group(id);
    Ok(Reply::no_content())
}

fn render(state: &State, id: u64) -> Option<Value> {
    let group = state.groups.get(id)?;
    let users_count = state.users_count(id);
    let mut row = json!({
        "id": group.id,
        "resource_type": "Group",
        "name": group.name,
        "description": group.description,
        "created_at": format_timestamp(group.created_at),
        "updated_at": format_timestamp(group.updated_at),
        "geofence_restriction_enabled": group.geofence_restriction_enabled,
        "geofence_restriction_radius": GEOFENCE_RADIUS_M,
        "primary_device_restriction_enabled": group.primary_device_restriction_enabled,
        "managed_device_restriction_enabled": group.managed_device_restriction_enabled,
        "reader_restriction_enabled": group.reader_restriction_enabled,
        "time_restriction_enabled": group.time_restriction_enabled,
        "tap_to_access_restriction_enabled": group.tap_to_access_restriction_enabled,
        "login_enabled": group.login_enabled,
        "users_count": users_count,
        "locks_count": state.doors_count(id),
        "elevator_stops_count": 0,
        "place_id": group.place_id,
        "time_restriction_time_zone": group.time_restriction_time_zone,
        "members_count": users_count,
    });
    // A group of the whole organization has no `place` at all.
    if let (Some(place_id), Value::Object(fields)) = (group.place_id, &mut row) {
        fields.insert("place".to_owned(), place_reference(state, place_id));
    }
    Some(row)
}
