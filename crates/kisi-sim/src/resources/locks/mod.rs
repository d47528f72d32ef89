//! `/locks`: the doors of the organization, to read and to unlock.

mod unlock;

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::clock::format_timestamp;
use crate::error::ApiError;
use crate::page::{PAGE_OF_PLACES, paged};
use crate::pipeline::Call;
use crate::records::AppliesTo;
use crate::reply::Reply;
use crate::resources::places::with_favorite;
use crate::resources::{Search, ids_where, sort_by_text};
use crate::route::{Access, Endpoint, Shape};
use crate::state::State;

pub(crate) const ENDPOINTS: &[Endpoint] = &[
    Endpoint {
        method: "GET",
        pattern: "/locks",
        access: Access::AnyUser,
        shape: Shape::List,
        parameters: &[
            "ids",
            "query",
            "place_id",
            "floor_id",
            "configured",
            "online",
            "unlocked",
            "locked_down",
            "favorite",
            "sort",
            "limit",
            "offset",
        ],
        answer: list,
    },
    Endpoint {
        method: "GET",
        pattern: "/locks/{id}",
        access: Access::AnyUser,
        shape: Shape::One,
        parameters: &[],
        answer: show,
    },
    Endpoint {
        method: "POST",
        pattern: "/locks/{id}/unlock",
        access: Access::AnyUser,
        shape: Shape::One,
        parameters: &[],
        answer: unlock::unlock,
    },
];

/// How near a user must be where a geofence is on, in metres. No default is documented.
const GEOFENCE_RADIUS_M: f64 = 100.0;

fn list(call: &mut Call<'_>) -> Result<Reply, ApiError> {
    let (state, query) = (&*call.state, &call.query);
    let ids = query.ids()?;
    let place_id = query.number("place_id")?;
    let floor_id = query.number("floor_id")?;
    let configured = query.flag("configured")?;
    let online = query.flag("online")?;
    let unlocked = query.flag("unlocked")?;
    let locked_down = query.flag("locked_down")?;
    let favorite = query.choice("favorite", &["true", "false", "*"])?;
    let sort = query.choice("sort", &["favorite", "name", "-name"])?;
    let search = Search::of(call);
    let visible = visible_to(call);
    let mut found = ids_where(&state.locks, call.caller.organization_id, |id, lock| {
        ids.as_ref().is_none_or(|ids| ids.contains(&id))
            && visible.as_ref().is_none_or(|visible| visible.contains(&id))
            && place_id.is_none_or(|place_id| place_id == lock.place_id)
            && online.is_none_or(|online| online == lock.online)
            && locked_down.is_none_or(|locked_down| locked_down == lock.locked_down_since.is_some())
            // All locks here are set up, on no floor, nobody's favorites, and locked again at once.
            && floor_id.is_none()
            && configured != Some(false)
            && unlocked != Some(true)
            && favorite != Some("true")
            && search.as_ref().is_none_or(|search| search.finds(lock.created_at, &[&lock.name]))
    });
    if matches!(sort, Some("name" | "-name")) {
        sort_by_text(&mut found, |id| state.locks.get(id).map_or_else(String::new, |lock| lock.name.clone()));
    }
    if sort == Some("-name") {
        found.reverse();
    }
    paged(call, PAGE_OF_PLACES, found, |state, id| with_favorite(render(state, id), favorite))
}

/// The doors that a plain member sees: those of the member's groups and places [inferred]. None means all.
fn visible_to(call: &Call<'_>) -> Option<BTreeSet<u64>> {
    if call.caller.administers {
        return None;
    }
    let state = &*call.state;
    let doors = state.roles_of(call.caller.user_id).flat_map(|held| match held.applies_to_type {
        AppliesTo::Group => {
            state.group_locks_in(held.applies_to_id).map(|group_lock| group_lock.lock_id).collect()
        }
        AppliesTo::Place => ids_where(&state.locks, call.caller.organization_id, |_, lock| {
            lock.place_id == held.applies_to_id
        }),
        AppliesTo::Organization => Vec::new(),
    });
    Some(doors.collect())
}

fn show(call: &mut Call<'_>) -> Result<Reply, ApiError> {
    let id = call.id()?;
    let visible = visible_to(call);
    call.state
        .locks
        .in_organization(call.caller.organization_id, id)
        .filter(|_| visible.is_none_or(|visible| visible.contains(&id)))
        .and_then(|_| render(call.state, id))
        .map(Reply::ok)
        .ok_or(ApiError::RecordNotFound)
}

fn render(state: &State, id: u64) -> Option<Value> {
    let lock = state.locks.get(id)?;
    let place = state.places.get(lock.place_id)?;
    Some(json!({
        "id": lock.id,
        "resource_type": "Lock",
        "created_at": format_timestamp(lock.created_at),
        "updated_at": format_timestamp(lock.created_at),
        "configured": true,
        "description": lock.description,
        "first_to_arrive_required_until": null,
        "first_to_arrive_satisfied": true,
        "latitude": place.latitude,
        "locked_down": lock.locked_down_since.is_some(),
        "locked_down_since": lock.locked_down_since.map(format_timestamp),
        "longitude": place.longitude,
        "name": lock.name,
        "on_scheduled_unlock": false,
        "online": lock.online,
        "open": false,
        "order_id": null,
        "unlocked": false,
        "geofence_restriction_enabled": false,
        "geofence_restriction_radius": GEOFENCE_RADIUS_M,
        "reader_restriction_enabled": false,
        "time_restriction_enabled": false,
        "time_restriction_time_zone": null,
        "place_id": place.id,
        "place": {
            "id": place.id, "name": place.name,
            "latitude": place.latitude, "longitude": place.longitude,
        },
        "floor_id": null,
        "groups_count": state.groups_count(id),
        "unlocked_until": null,
    }))
}
