//! The resources of the API, one file each: endpoints, filters, the JSON of a row, and the rules for writes.

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

use crate::error::ApiError;
use crate::pipeline::Call;
use crate::query::Query;
use crate::records::{Group, Organization, Place, User};
use crate::reply::Reply;
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

/// A record that the API shows.
trait Resource: Record {
    /// The record as a row of a list, and as the answer to GET and POST.
    fn render(&self, state: &State) -> Value;
}

/// A row with more fields.
fn with(mut row: Value, more: Value) -> Value {
    if let (Value::Object(row), Value::Object(more)) = (&mut row, more) {
        row.extend(more);
    }
    row
}

/// The record that the path names, if the caller's organization has it.
fn named<'c, T: Record>(call: &'c Call<'_>) -> Result<&'c T, ApiError> {
    let id = call.id()?;
    T::table(call.state).in_organization(call.caller.organization_id, id).ok_or(ApiError::RecordNotFound)
}

/// Answers with the record that the path names.
fn show<T: Resource>(call: &mut Call<'_>) -> Result<Reply, ApiError> {
    Ok(Reply::ok(named::<T>(call)?.render(call.state)))
}

/// The answer that shows the record of this id.
fn reply_of<T: Resource>(state: &State, id: u64) -> Result<Reply, ApiError> {
    T::table(state).get(id).map(|row| Reply::ok(row.render(state))).ok_or(ApiError::RecordNotFound)
}

/// The filters of a list. A filter that was not asked for costs nothing, which keeps the lists of a large
/// organization fast.
struct Filters<'a, T>(Vec<Filter<'a, T>>);

type Filter<'a, T> = Box<dyn Fn(&T) -> bool + 'a>;

impl<'a, T: Record> Filters<'a, T> {
    /// The filter `ids`, which all lists of records have.
    fn by_ids(query: &Query) -> Result<Filters<'a, T>, ApiError> {
        let mut filters = Filters(Vec::new());
        filters.keep(query.ids()?, |ids, row: &T| ids.contains(&row.id()));
        Ok(filters)
    }

    /// Keeps only the rows that fit the value, if there is one.
    fn keep<V: 'a>(&mut self, asked: Option<V>, fits: impl Fn(&V, &T) -> bool + 'a) {
        if let Some(value) = asked {
            self.0.push(Box::new(move |row| fits(&value, row)));
        }
    }

    /// The ids whose records fit all filters, in the same order.
    fn apply(self, table: &Table<T>, mut ids: Vec<u64>) -> Vec<u64> {
        if !self.0.is_empty() {
            ids.retain(|id| table.get(*id).is_some_and(|row| self.0.iter().all(|fits| fits(row))));
        }
        ids
    }

    /// The ids of the organization's records that fit all filters, in ascending order.
    fn apply_to_all(self, state: &State, organization_id: u64) -> Vec<u64> {
        let table = T::table(state);
        self.apply(table, table.ids_in(organization_id).collect())
    }
}

/// Sorts by a key if `sort` names this field; a `-` before the name reverses the order.
fn sort_by<K: Ord>(ids: &mut [u64], sort: Option<&str>, field: &str, key: impl Fn(u64) -> K) {
    if sort.is_some_and(|sort| sort.trim_start_matches('-') == field) {
        ids.sort_by_cached_key(|id| key(*id));
        if sort.is_some_and(|sort| sort.starts_with('-')) {
            ids.reverse();
        }
    }
}

/// A key to sort by a name in any case, then by id.
fn name_key(name: Option<&str>, id: u64) -> (String, u64) {
    (name.unwrap_or_default().to_lowercase(), id)
}

/// A free-text search: the text, and the moment after which records are not in its index yet.
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
        created_at_ms <= self.indexed_until_ms
            && texts.iter().any(|text| text.to_lowercase().contains(&self.text))
    }
}

// The short forms in which one object shows another.

fn reference<T: Record>(state: &State, id: u64, show: impl FnOnce(&T) -> Value) -> Value {
    T::table(state).get(id).map_or(Value::Null, show)
}

fn organization_reference(state: &State, id: u64) -> Value {
    reference(state, id, |organization: &Organization| {
        json!({
            "id": id, "resource_type": "Organization",
            "name": organization.name, "domain": organization.domain,
        })
    })
}

fn place_reference(state: &State, id: u64) -> Value {
    reference(state, id, |place: &Place| json!({ "id": id, "resource_type": "Place", "name": place.name }))
}

fn group_reference(state: &State, id: u64) -> Value {
    reference(state, id, |group: &Group| json!({ "id": id, "resource_type": "Group", "name": group.name }))
}

fn user_reference(state: &State, id: u64) -> Value {
    reference(
        state,
        id,
        |user: &User| json!({ "id": id, "resource_type": "User", "email": user.email, "name": user.name }),
    )
}
