//! `/locks`: the doors of the organization, to read and to unlock.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::groups::GEOFENCE_RADIUS_M;
use super::places::with_favorite;
use super::{Filters, Resource, Search, name_key, named, sort_by};
use crate::access;
use crate::body::Fields;
use crate::clock::format_timestamp;
use crate::error::{ApiError, INVALID};
use crate::page::{PAGE_OF_PLACES, paged};
use crate::pipeline::Call;
use crate::records::{AppliesTo, Lock};
use crate::reply::Reply;
use crate::route::{Access::AnyUser, Endpoint};
use crate::state::State;

pub(crate) const ENDPOINTS: &[Endpoint] = &[
    Endpoint::list(AnyUser, "/locks", list).with_parameters(&[
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
    ]),
    Endpoint::one(AnyUser, "GET", "/locks/{id}", show),
    Endpoint::one(AnyUser, "POST", "/locks/{id}/unlock", unlock),
];

fn list(call: &mut Call<'_>) -> Result<Reply, ApiError> {
    let (state, query) = (&*call.state, &call.query);
    let mut filters = Filters::<Lock>::by_ids(query)?;
    filters.keep(query.number("place_id")?, |id, lock| *id == lock.place_id);
    // All simulated locks are set up, on no floor, locked again at once, and no user's favorites.
    filters.keep(query.number("floor_id")?, |_, _| false);
    filters.keep(query.flag("configured")?, |configured, _| *configured);
    filters.keep(query.flag("online")?, |online, lock| *online == lock.online);
    filters.keep(query.flag("unlocked")?, |unlocked, _| !unlocked);
    filters.keep(query.flag("locked_down")?, |down, lock| *down == lock.locked_down_since.is_some());
    let favorite = query.choice("favorite", &["true", "false", "*"])?;
    filters.keep(favorite, |favorite, _| *favorite != "true");
    let sort = query.choice("sort", &["favorite", "name", "-name"])?;
    filters.keep(Search::of(call), |search, lock| search.finds(lock.created_at, &[&lock.name]));
    filters.keep(visible_to(call), |visible, lock| visible.contains(&lock.id));
    let mut found = filters.apply_to_all(state, call.caller.organization_id);
    sort_by(&mut found, sort, "name", |id| name_key(state.locks.get(id).map(|lock| lock.name.as_str()), id));
    paged(call, PAGE_OF_PLACES, found, |lock: &Lock, state| with_favorite(lock.render(state), favorite))
}

/// The doors that a plain member sees: those of the member's groups and places [inferred]. None means all.
fn visible_to(call: &Call<'_>) -> Option<BTreeSet<u64>> {
    if call.caller.administers {
        return None;
    }
    let state = &*call.state;
    let doors = state.roles_of(call.caller.user_id).flat_map(|held| -> Vec<u64> {
        match held.applies_to_type {
            AppliesTo::Group => {
                state.group_locks_in(held.applies_to_id).map(|group_lock| group_lock.lock_id).collect()
            }
            AppliesTo::Place => state
                .locks
                .rows_in(call.caller.organization_id)
                .filter(|lock| lock.place_id == held.applies_to_id)
                .map(|lock| lock.id)
                .collect(),
            AppliesTo::Organization => Vec::new(),
        }
    });
    Some(doors.collect())
}

fn show(call: &mut Call<'_>) -> Result<Reply, ApiError> {
    let lock = named::<Lock>(call)?;
    let visible = visible_to(call).is_none_or(|visible| visible.contains(&lock.id));
    if visible { Ok(Reply::ok(lock.render(call.state))) } else { Err(ApiError::RecordNotFound) }
}

impl Resource for Lock {
    fn render(&self, state: &State) -> Value {
        let place = state.places.get(self.place_id);
        let (latitude, longitude) =
            (place.and_then(|place| place.latitude), place.and_then(|place| place.longitude));
        json!({
            "id": self.id,
            "resource_type": "Lock",
            "created_at": format_timestamp(self.created_at),
            "updated_at": format_timestamp(self.created_at),
            "configured": true,
            "description": self.description,
            "first_to_arrive_required_until": null,
            "first_to_arrive_satisfied": true,
            "latitude": latitude,
            "locked_down": self.locked_down_since.is_some(),
            "locked_down_since": self.locked_down_since.map(format_timestamp),
            "longitude": longitude,
            "name": self.name,
            "on_scheduled_unlock": false,
            "online": self.online,
            "open": false,
            "order_id": null,
            "unlocked": false,
            "geofence_restriction_enabled": false,
            "geofence_restriction_radius": GEOFENCE_RADIUS_M,
            "reader_restriction_enabled": false,
            "time_restriction_enabled": false,
            "time_restriction_time_zone": null,
            "place_id": self.place_id,
            "place": {
                "id": self.place_id, "name": place.map(|place| &place.name),
                "latitude": latitude, "longitude": longitude,
            },
            "floor_id": null,
            "groups_count": state.groups_count(self.id),
            "unlocked_until": null,
        })
    }
}

/// Opens a door for the user whose login was sent, or gives the reason for the refusal. Every attempt at a door of
/// the organization is an event.
fn unlock(call: &mut Call<'_>) -> Result<Reply, ApiError> {
    let lock = named::<Lock>(call)?.clone();
    check_context(call)?;
    let now_ms = call.state.now_ms();
    let user = call.state.users.get(call.caller.user_id).ok_or(ApiError::RecordNotFound)?;
    let opened_by = access::opened_by(call.state, user, &lock, now_ms).map(|held| held.id);
    call.state.record_unlock(lock.id, opened_by);
    if let Err(refusal) = opened_by {
        let (status, code, message) = refusal.answer(&call.state.knobs);
        return Err(ApiError::Refused { status, message, code });
    }
    if let Some(user) = call.state.users.get_mut(call.caller.user_id) {
        user.last_accessed_at = Some(now_ms);
    }
    Ok(Reply::ok(json!({ "message": "Unlocked!" })))
}

/// The documented body: the user's location, and a proof of it. All of it may be left out. Its form is checked, but
/// it decides nothing, because no restriction to a location is simulated.
fn check_context(call: &mut Call<'_>) -> Result<(), ApiError> {
    let mut fields = Fields::unwrapped(call.body)?;
    let context = fields.object("context").unwrap_or_default();
    if context.get("location").is_some_and(|location| !is_location(location)) {
        fields.wrong("context.location", INVALID);
    }
    if context.get("services").is_some_and(|services| !services.is_array()) {
        fields.wrong("context.services", INVALID);
    }
    let lock = fields.object("lock").unwrap_or_default();
    if !matches!(lock.get("proximity_proof"), None | Some(Value::Null | Value::String(_))) {
        fields.wrong("lock.proximity_proof", INVALID);
    }
    let documented: [(&str, &Map<String, Value>, &[&str]); 2] =
        [("context", &context, &["location", "services"]), ("lock", &lock, &["proximity_proof"])];
    for (outer, object, names) in documented {
        for name in object.keys().filter(|name| !names.contains(&name.as_str())) {
            fields.unknown(format!("{outer}.{name}"));
        }
    }
    fields.finish(call)
}

fn is_location(value: &Value) -> bool {
    let within = |name: &str, most: f64| {
        value.get(name).and_then(Value::as_f64).is_some_and(|degrees| degrees.abs() <= most)
    };
    within("latitude", 90.0) && within("longitude", 180.0)
}
