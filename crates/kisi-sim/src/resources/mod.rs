//! The resources of the API, a file each: its endpoints, its filters, what it shows and what it refuses.

pub(crate) mod current_user;
pub(crate) mod event_sets;
pub(crate) mod events;
pub(crate) mod group_locks;
pub(crate) mod groups;
pub(crate) mod locks;
pub(crate) mod logins;
pub(crate) mod organizations;
pub(crate) mod places;
pub(crate) mod role_assignments;
pub(crate) mod roles;
pub(crate) mod users;

use serde_json::{Value, json};

use crate::pipeline::Call;
use crate::query::found_in;
use crate::route::Endpoint;
use crate::state::State;
use crate::table::{Record, Table};

/// Every endpoint, by resource.
pub(crate) const ENDPOINTS: &[&[Endpoint]] = &[
    current_user::ENDPOINTS,
    users::ENDPOINTS,
    organizations::ENDPOINTS,
    places::ENDPOINTS,
    locks::ENDPOINTS,
    groups::ENDPOINTS,
    group_locks::ENDPOINTS,
    roles::ENDPOINTS,
    role_assignments::ENDPOINTS,
    logins::ENDPOINTS,
    event_sets::ENDPOINTS,
    events::ENDPOINTS,
];

/// The ids of an organization's records of one kind that a filter keeps, in ascending order.
fn ids_where<T: Record>(table: &Table<T>, organization_id: u64, keep: impl Fn(u64, &T) -> bool) -> Vec<u64> {
    table
        .ids_in(organization_id)
        .filter_map(|id| table.get(id).filter(|row| keep(id, row)).map(|_| id))
        .collect()
}

/// What a list was asked to leave out. What was not asked costs nothing: most lists of a large organization ask for
/// nothing beside what an index has answered already.
struct Filters<'a, T>(Vec<Filter<'a, T>>);

type Filter<'a, T> = Box<dyn Fn(&T) -> bool + 'a>;

impl<'a, T: Record> Filters<'a, T> {
    fn none() -> Filters<'a, T> {
        Filters(Vec::new())
    }

    /// Keeps only what fits the value, if there is one.
    fn keep<V: 'a>(&mut self, asked: Option<V>, fits: impl Fn(&V, &T) -> bool + 'a) {
        if let Some(value) = asked {
            self.0.push(Box::new(move |row| fits(&value, row)));
        }
    }

    /// The ids of the records that are kept, in the same order.
    fn of(&self, table: &Table<T>, ids: Vec<u64>) -> Vec<u64> {
        if self.0.is_empty() {
            return ids;
        }
        let keeps = |row: &T| self.0.iter().all(|fits| fits(row));
        ids.into_iter().filter(|id| table.get(*id).is_some_and(keeps)).collect()
    }
}

/// Sorts ids by a text of their records, in any case, and then by id.
fn sort_by_text(ids: &mut [u64], text: impl Fn(u64) -> String) {
    ids.sort_by_cached_key(|id| (text(*id).to_lowercase(), *id));
}

/// A free-text search: what it looks for, and the moment after which records are not in its index yet.
struct Search {
    text: String,
    indexed_until_ms: u64,
}

impl Search {
    fn of(call: &Call<'_>) -> Option<Search> {
        let lag_ms = call.state.knobs.query_lag_ms;
        call.query.text("query").map(|text| Search {
            text: text.trim().to_lowercase(),
            indexed_until_ms: call.state.now_ms().saturating_sub(lag_ms),
        })
    }

    fn finds(&self, created_at_ms: u64, texts: &[&str]) -> bool {
        created_at_ms <= self.indexed_until_ms && found_in(&self.text, texts)
    }
}

// The short forms in which one object shows another.

fn organization_reference(state: &State, id: u64) -> Value {
    state.organizations.get(id).map_or(Value::Null, |organization| {
        json!({
            "id": id, "resource_type": "Organization",
            "name": organization.name, "domain": organization.domain,
        })
    })
}

fn place_reference(state: &State, id: u64) -> Value {
    state
        .places
        .get(id)
        .map_or(Value::Null, |place| json!({ "id": id, "resource_type": "Place", "name": place.name }))
}

fn group_reference(state: &State, id: u64) -> Value {
    state
        .groups
        .get(id)
        .map_or(Value::Null, |group| json!({ "id": id, "resource_type": "Group", "name": group.name }))
}

fn user_reference(state: &State, id: u64) -> Value {
    state.users.get(id).map_or(
        Value::Null,
        |user| json!({ "id": id, "resource_type": "User", "email": user.email, "name": user.name }),
    )
}
