//! `/groups`: the access groups of the organization.

use serde_json::{Value, json};

use super::{Filters, Resource, Search, name_key, named, place_reference, reply_of, show, sort_by, with};
use crate::body::Fields;
use crate::clock::format_timestamp;
use crate::error::{ApiError, BLANK, MUST_EXIST};
use crate::event::EventType;
use crate::page::{PAGE_OF_GROUPS, paged};
use crate::pipeline::Call;
use crate::records::Group;
use crate::reply::Reply;
use crate::route::{Access::Administrator, Endpoint};
use crate::state::State;

pub(crate) const ENDPOINTS: &[Endpoint] = &[
    Endpoint::list(Administrator, "/groups", list).with_parameters(&[
        "ids",
        "query",
        "scope",
        "place_id",
        "elevator_stop_id",
        "lock_id",
        "sort",
        "limit",
        "offset",
    ]),
    Endpoint::one(Administrator, "POST", "/groups", create),
    Endpoint::one(Administrator, "GET", "/groups/{id}", show::<Group>),
    Endpoint::one(Administrator, "PATCH", "/groups/{id}", update),
    Endpoint::one(Administrator, "DELETE", "/groups/{id}", delete),
];

/// The radius of a geofence, in metres. No default is documented.
pub(super) const GEOFENCE_RADIUS_M: f64 = 100.0;

fn list(call: &mut Call<'_>) -> Result<Reply, ApiError> {
    let (state, query) = (&*call.state, &call.query);
    let mut filters = Filters::<Group>::by_ids(query)?;
    let scope = query.choice("scope", &["organization", "place"])?;
    filters.keep(scope, |scope, group| (*scope == "place") == group.place_id.is_some());
    filters.keep(query.number("place_id")?, |id, group| group.place_id == Some(*id));
    // No elevators are simulated.
    filters.keep(query.number("elevator_stop_id")?, |_, _| false);
    let holding = query.number("lock_id")?.map(|lock_id| state.groups_with(lock_id));
    filters.keep(holding, |holding, group| holding.contains(&group.id));
    let sort = query.choice("sort", &["name", "-name"])?;
    filters.keep(Search::of(call), |search, group| search.finds(group.created_at, &[&group.name]));
    let mut found = filters.apply_to_all(state, call.caller.organization_id);
    sort_by(&mut found, sort, "name", |id| {
        name_key(state.groups.get(id).map(|group| group.name.as_str()), id)
    });
    paged(call, PAGE_OF_GROUPS, found, Group::render)
}

fn create(call: &mut Call<'_>) -> Result<Reply, ApiError> {
    let organization_id = call.caller.organization_id;
    let mut fields = call.fields("group")?;
    let name = fields.required_text("name", BLANK);
    let mut group = Group::new(organization_id, &name, call.state.now_ms());
    group.place_id = fields.id("place_id").flatten();
    if group.place_id.is_some_and(|id| call.state.places.in_organization(organization_id, id).is_none()) {
        fields.wrong("place", MUST_EXIST);
    }
    read_settings(&mut fields, &mut group);
    fields.finish(call)?;
    let id = call.state.add_group(group);
    reply_of::<Group>(call.state, id)
}

fn update(call: &mut Call<'_>) -> Result<Reply, ApiError> {
    let mut group = named::<Group>(call)?.clone();
    let mut fields = call.fields("group")?;
    if fields.has("name") {
        group.name = fields.required_text("name", BLANK);
    }
    read_settings(&mut fields, &mut group);
    fields.finish(call)?;
    group.updated_at = call.state.now_ms();
    call.state.change(EventType::GroupUpdate, group);
    Ok(Reply::no_content())
}

/// The fields that POST and PATCH have in common.
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
    let id = named::<Group>(call)?.id;
    call.state.remove_group(id);
    Ok(Reply::no_content())
}

impl Resource for Group {
    fn render(&self, state: &State) -> Value {
        let users_count = state.users_count(self.id);
        let row = json!({
            "id": self.id,
            "resource_type": "Group",
            "name": self.name,
            "description": self.description,
            "created_at": format_timestamp(self.created_at),
            "updated_at": format_timestamp(self.updated_at),
            "geofence_restriction_enabled": self.geofence_restriction_enabled,
            "geofence_restriction_radius": GEOFENCE_RADIUS_M,
            "primary_device_restriction_enabled": self.primary_device_restriction_enabled,
            "managed_device_restriction_enabled": self.managed_device_restriction_enabled,
            "reader_restriction_enabled": self.reader_restriction_enabled,
            "time_restriction_enabled": self.time_restriction_enabled,
            "tap_to_access_restriction_enabled": self.tap_to_access_restriction_enabled,
            "login_enabled": self.login_enabled,
            "users_count": users_count,
            "locks_count": state.doors_count(self.id),
            "elevator_stops_count": 0,
            "place_id": self.place_id,
            "time_restriction_time_zone": self.time_restriction_time_zone,
            "members_count": users_count,
        });
        // A group of the whole organization has no `place` at all.
        match self.place_id {
            None => row,
            Some(place_id) => with(row, json!({ "place": place_reference(state, place_id) })),
        }
    }
}
