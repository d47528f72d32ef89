//! `/users`: find, create, change and delete the users of the organization.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::{Filters, Resource, Search, name_key, named, reply_of, show, sort_by};
use crate::clock::format_timestamp;
use crate::error::{ApiError, BLANK_OR_INVALID};
use crate::event::EventType;
use crate::knobs::{DuplicateUser, EmailFilterCase, EmailInPatch, MetadataPatch};
use crate::page::{PAGE_OF_USERS, paged};
use crate::pipeline::Call;
use crate::records::{AppliesTo, User};
use crate::reply::Reply;
use crate::route::{Access::Administrator, Endpoint};
use crate::state::State;

pub(crate) const ENDPOINTS: &[Endpoint] = &[
    Endpoint::list(Administrator, "/users", list).with_parameters(&[
        "ids", "email", "query", "place_id", "group_id", "user_id", "sort", "limit", "offset",
    ]),
    Endpoint::one(Administrator, "POST", "/users", create),
    Endpoint::one(Administrator, "GET", "/users/{id}", show::<User>),
    Endpoint::one(Administrator, "PATCH", "/users/{id}", update),
    Endpoint::one(Administrator, "DELETE", "/users/{id}", delete),
];

// The documented limits of metadata.
const METADATA_KEYS_MAX: usize = 50;
const METADATA_KEY_CHARS_MAX: usize = 50;
const METADATA_VALUE_CHARS_MAX: usize = 500;

fn list(call: &mut Call<'_>) -> Result<Reply, ApiError> {
    let (state, query) = (&*call.state, &call.query);
    let organization_id = call.caller.organization_id;
    let mut filters = Filters::<User>::by_ids(query)?;
    filters.keep(query.user_id(call.caller.user_id)?, |id, user| *id == user.id);
    let email = query.text("email");
    let group_id = query.number("group_id")?;
    filters.keep(group_id.filter(|_| email.is_some()), |group_id, user| state.holds_in(user.id, *group_id));
    let place = query.number("place_id")?.map(|id| users_of_place(state, organization_id, id));
    filters.keep(place, |place, user| place.contains(&user.id));
    filters.keep(Search::of(call), |search, user| {
        let notes = user.notes.as_deref().unwrap_or_default();
        search.finds(user.created_at, &[&user.email, &user.name, notes])
    });
    let sort =
        query.choice("sort", &["name", "-name", "unlock", "-unlock", "access_enabled", "-access_enabled"])?;

    // The narrowest index first: an organization may have a hundred thousand users.
    let candidates: Vec<u64> = match (email, group_id) {
        (Some(email), _) => by_email(state, organization_id, email).into_iter().collect(),
        (None, Some(id)) if state.groups.in_organization(organization_id, id).is_none() => Vec::new(),
        (None, Some(id)) => state.users_in(id).collect(),
        (None, None) => state.users.ids_in(organization_id).collect(),
    };
    let mut found = filters.apply(&state.users, candidates);
    let user = |id| state.users.get(id);
    sort_by(&mut found, sort, "name", |id| name_key(user(id).map(|user| user.name.as_str()), id));
    sort_by(&mut found, sort, "unlock", |id| user(id).and_then(|user| user.last_accessed_at));
    sort_by(&mut found, sort, "access_enabled", |id| user(id).is_some_and(|user| user.access_enabled));
    paged(call, PAGE_OF_USERS, found, User::render)
}

/// The user with an e-mail address, once `email=` finds it.
fn by_email(state: &State, organization_id: u64, email: &str) -> Option<u64> {
    let user = state.users.get(state.user_by_email(organization_id, email)?)?;
    let indexed = user.created_at.saturating_add(state.knobs.email_lag_ms) <= state.now_ms();
    let same = match state.knobs.email_filter_case {
        EmailFilterCase::Insensitive => true,
        EmailFilterCase::Sensitive => user.email == email.trim(),
    };
    (indexed && same).then_some(user.id)
}

/// Users with a role in a place, in a group of it, or in a group with a door of it. Owners and administrators of
/// the whole organization are not counted [inferred].
pub(super) fn users_of_place(state: &State, organization_id: u64, place_id: u64) -> BTreeSet<u64> {
    let groups = state.groups.rows_in(organization_id).filter(|group| {
        let mut locks =
            state.group_locks_in(group.id).filter_map(|group_lock| state.locks.get(group_lock.lock_id));
        group.place_id == Some(place_id) || locks.any(|lock| lock.place_id == place_id)
    });
    state.users_in(place_id).chain(groups.flat_map(|group| state.users_in(group.id))).collect()
}

fn create(call: &mut Call<'_>) -> Result<Reply, ApiError> {
    let mut fields = call.fields("user")?;
    let email = fields.required_text("email", BLANK_OR_INVALID).trim().to_owned();
    if !email.is_empty() && !is_email(&email) {
        fields.wrong("email", BLANK_OR_INVALID);
    }
    let name = fields.text("name").flatten().unwrap_or_default();
    let new = User {
        image: fields.text("image").flatten(),
        notes: fields.text("notes").flatten(),
        send_emails: fields.flag("send_emails").unwrap_or(true),
        confirmed: fields.flag("confirm").unwrap_or(false),
        access_enabled: fields.flag("access_enabled").unwrap_or(true),
        password_flow_enabled: fields.flag("password_flow_enabled").unwrap_or(true),
        metadata: fields.object("metadata").unwrap_or_default(),
        ..User::new(call.caller.organization_id, &name, &email, call.state.now_ms())
    };
    if let Some(problem) = problem_with_metadata(&new.metadata) {
        fields.wrong("metadata", &problem);
    }
    fields.finish(call)?;
    if call.state.user_by_email(new.organization_id, &email).is_some() {
        return Err(match call.state.knobs.duplicate_user {
            DuplicateUser::Conflict => ApiError::AlreadyExists,
            DuplicateUser::Unprocessable => ApiError::field("email", "has already been taken"),
        });
    }
    let id = call.state.add_user(new);
    reply_of::<User>(call.state, id)
}

fn update(call: &mut Call<'_>) -> Result<Reply, ApiError> {
    let mut user = named::<User>(call)?.clone();
    let mut fields = call.fields("user")?;
    if call.state.knobs.email_in_patch == EmailInPatch::Unprocessable && fields.take("email").is_some() {
        fields.wrong("email", "can't be changed");
    }
    user.name = fields.text("name").flatten().unwrap_or(user.name);
    user.image = fields.text("image").unwrap_or(user.image);
    user.notes = fields.text("notes").unwrap_or(user.notes);
    user.access_enabled = fields.flag("access_enabled").unwrap_or(user.access_enabled);
    user.password_flow_enabled = fields.flag("password_flow_enabled").unwrap_or(user.password_flow_enabled);
    if let Some(given) = fields.object("metadata") {
        if call.state.knobs.metadata_patch == MetadataPatch::Replace {
            user.metadata.clear();
        }
        user.metadata.extend(given);
    }
    if let Some(problem) = problem_with_metadata(&user.metadata) {
        fields.wrong("metadata", &problem);
    }
    fields.finish(call)?;
    user.updated_at = call.state.now_ms();
    call.state.change(EventType::UserUpdate, user);
    Ok(Reply::no_content())
}

/// Deletes a user with its role assignments and logins. 422 is documented for this endpoint; that it protects the
/// owner is inferred.
fn delete(call: &mut Call<'_>) -> Result<Reply, ApiError> {
    let id = named::<User>(call)?.id;
    if call.state.owns(id) {
        return Err(ApiError::field("base", "the owner of the organization can't be deleted"));
    }
    call.state.remove_user(id);
    Ok(Reply::no_content())
}

impl Resource for User {
    fn render(&self, state: &State) -> Value {
        let groups: BTreeSet<u64> = state
            .roles_of(self.id)
            .filter(|held| held.applies_to_type == AppliesTo::Group)
            .map(|held| held.applies_to_id)
            .collect();
        json!({
            "id": self.id,
            "resource_type": "User",
            "name": self.name,
            "email": self.email,
            "created_at": format_timestamp(self.created_at),
            "updated_at": format_timestamp(self.updated_at),
            "metadata": self.metadata,
            "image": self.image,
            "otp_required_for_login": false,
            "password_flow_enabled": self.password_flow_enabled,
            "access_enabled": self.access_enabled,
            "last_accessed_at": self.last_accessed_at.map(format_timestamp),
            "scim_access_enabled": self.scim_access_enabled,
            "notes": self.notes,
            "organization_id": self.organization_id,
            "confirmed": self.confirmed,
            "groups_count": groups.len(),
        })
    }
}

/// Whether a text has the form of an e-mail address: one `@` between two parts, and no white space.
pub(crate) fn is_email(text: &str) -> bool {
    !text.contains(char::is_whitespace)
        && text
            .split_once('@')
            .is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty() && !domain.contains('@'))
}

/// How this metadata breaks the documented limits, if it does.
pub(crate) fn problem_with_metadata(metadata: &Map<String, Value>) -> Option<String> {
    if metadata.len() > METADATA_KEYS_MAX {
        return Some(format!("can't have more than {METADATA_KEYS_MAX} keys"));
    }
    metadata.iter().find_map(|(key, value)| match value {
        _ if key.chars().count() > METADATA_KEY_CHARS_MAX => {
            Some(format!("keys can't be longer than {METADATA_KEY_CHARS_MAX} characters"))
        }
        Value::Array(_) | Value::Object(_) => Some("values must be of basic types".to_owned()),
        Value::String(text) if text.chars().count() > METADATA_VALUE_CHARS_MAX => {
            Some(format!("values can't be longer than {METADATA_VALUE_CHARS_MAX} characters"))
        }
        _ => None,
    })
}
