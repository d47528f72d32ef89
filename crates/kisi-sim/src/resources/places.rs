//! `/places`: the locations of the organization, read-only.

use serde_json::{Value, json};

use super::{Filters, Resource, Search, name_key, organization_reference, show, sort_by, users, with};
use crate::clock::format_timestamp;
use crate::error::ApiError;
use crate::page::{PAGE_OF_PLACES, paged};
use crate::pipeline::Call;
use crate::records::Place;
use crate::reply::Reply;
use crate::route::{Access::AnyUser, Endpoint};
use crate::state::State;

pub(crate) const ENDPOINTS: &[Endpoint] = &[
    Endpoint::list(AnyUser, "/places", list)
        .with_parameters(&["ids", "query", "favorite", "sort", "limit", "offset"]),
    Endpoint::one(AnyUser, "GET", "/places/{id}", show::<Place>),
];

fn list(call: &mut Call<'_>) -> Result<Reply, ApiError> {
    let (state, query) = (&*call.state, &call.query);
    let mut filters = Filters::<Place>::by_ids(query)?;
    // No user has favorites.
    let favorite = query.choice("favorite", &["true", "false", "*"])?;
    filters.keep(favorite, |favorite, _| *favorite != "true");
    let sort = query.choice("sort", &["favorite", "name", "-name"])?;
    filters.keep(Search::of(call), |search, place| search.finds(place.created_at, &[&place.name]));
    let mut found = filters.apply_to_all(state, call.caller.organization_id);
    sort_by(&mut found, sort, "name", |id| {
        name_key(state.places.get(id).map(|place| place.name.as_str()), id)
    });
    paged(call, PAGE_OF_PLACES, found, |place: &Place, state| with_favorite(place.render(state), favorite))
}

/// `favorite` is shown only when it was asked for.
pub(super) fn with_favorite(row: Value, asked: Option<&str>) -> Value {
    if asked.is_some() { with(row, json!({ "favorite": false })) } else { row }
}

impl Resource for Place {
    fn render(&self, state: &State) -> Value {
        let locks = state.locks.rows_in(self.organization_id).filter(|lock| lock.place_id == self.id);
        json!({
            "id": self.id,
            "resource_type": "Place",
            "name": self.name,
            "description": null,
            "created_at": format_timestamp(self.created_at),
            "updated_at": format_timestamp(self.created_at),
            "latitude": self.latitude,
            "longitude": self.longitude,
            "address": self.address,
            "image": null,
            "time_zone": self.time_zone,
            "tz_time_zone": self.time_zone,
            "locks_count": locks.count(),
            "integrations_count": 0,
            "locked_down": self.locked_down_since.is_some(),
            "locked_down_since": self.locked_down_since.map(format_timestamp),
            "occupancy_rate": null,
            "organization_id": self.organization_id,
            "organization": organization_reference(state, self.organization_id),
            "color": null,
            "logo": null,
            "user_id": null,
            "members_count": users::users_of_place(state, self.organization_id, self.id).len(),
        })
    }
}
