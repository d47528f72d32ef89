//! `/places`: the locations of the organization, to read.

use serde_json::{Value, json};

use super::{Search, ids_where, organization_reference, sort_by_text};
use crate::clock::format_timestamp;
use crate::error::ApiError;
use crate::page::{PAGE_OF_PLACES, paged};
use crate::pipeline::Call;
use crate::reply::Reply;
use crate::route::{Access, Endpoint, Shape};
use crate::state::State;

pub(crate) const ENDPOINTS: &[Endpoint] = &[
    Endpoint {
        method: "GET",
        pattern: "/places",
        access: Access::AnyUser,
        shape: Shape::List,
        parameters: &["ids", "query", "favorite", "sort", "limit", "offset"],
        answer: list,
    },
    Endpoint {
        method: "GET",
        pattern: "/places/{id}",
        access: Access::AnyUser,
        shape: Shape::One,
        parameters: &[],
        answer: show,
    },
];

fn list(call: &mut Call<'_>) -> Result<Reply, ApiError> {
    let (state, query) = (&*call.state, &call.query);
    let ids = query.ids()?;
    let favorite = query.choice("favorite", &["true", "false", "*"])?;
    let sort = query.choice("sort", &["favorite", "name", "-name"])?;
    let search = Search::of(call);
    let mut found = ids_where(&state.places, call.caller.organization_id, |id, place| {
        ids.as_ref().is_none_or(|ids| ids.contains(&id))
            // Nobody has favorites here.
            && favorite != Some("true")
            && search.as_ref().is_none_or(|search| search.finds(place.created_at, &[&place.name]))
    });
    if matches!(sort, Some("name" | "-name")) {
        sort_by_text(&mut found, |id| {
            state.places.get(id).map_or_else(String::new, |place| place.name.clone())
        });
    }
    if sort == Some("-name") {
        found.reverse();
    }
    paged(call, PAGE_OF_PLACES, found, |state, id| with_favorite(render(state, id), favorite))
}

/// `favorite` is shown only when it was asked for.
pub(super) fn with_favorite(row: Option<Value>, asked: Option<&str>) -> Option<Value> {
    let mut row = row?;
    if let (Some(_), Value::Object(fields)) = (asked, &mut row) {
        fields.insert("favorite".to_owned(), Value::Bool(false));
    }
    Some(row)
}

fn show(call: &mut Call<'_>) -> Result<Reply, ApiError> {
    let id = call.id()?;
    call.state
        .places
        .in_organization(call.caller.organization_id, id)
        .and_then(|_| render(call.state, id))
        .map(Reply::ok)
        .ok_or(ApiError::RecordNotFound)
}

fn render(state: &State, id: u64) -> Option<Value> {
    let place = state.places.get(id)?;
    let locks_count = state
        .locks
        .ids_in(place.organization_id)
        .filter_map(|id| state.locks.get(id))
        .filter(|lock| lock.place_id == id)
        .count();
    Some(json!({
        "id": place.id,
        "resource_type": "Place",
        "name": place.name,
        "description": null,
        "created_at": format_timestamp(place.created_at),
        "updated_at": format_timestamp(place.created_at),
        "latitude": place.latitude,
        "longitude": place.longitude,
        "address": place.address,
        "image": null,
        "time_zone": place.time_zone,
        "tz_time_zone": place.time_zone,
        "locks_count": locks_count,
        "integrations_count": 0,
        "locked_down": place.locked_down_since.is_some(),
        "locked_down_since": place.locked_down_since.map(format_timestamp),
        "occupancy_rate": null,
        "organization_id": place.organization_id,
        "organization": organization_reference(state, place.organization_id),
        "color": null,
        "logo": null,
        "user_id": null,
        "members_count": super::users::users_of_place(state, place.organization_id, id).len(),
    }))
}
