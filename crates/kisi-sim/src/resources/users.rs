//! `/users`: find, create, change and delete the users of the organization.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::{Filters, Search, sort_by_text};
use crate::clock::format_timestamp;
use crate::error::{ApiError, BLANK_OR_INVALID};
use crate::event::EventType;
use crate::knobs::{DuplicateUser, EmailFilterCase, EmailInPatch, MetadataPatch};
use crate::page::{PAGE_OF_USERS, paged};
use crate::pipeline::Call;
use crate::records::{AppliesTo, User};
use crate::reply::Reply;
use crate::route::{Access, Endpoint, Shape};
use crate::state::State;

pub(crate) const ENDPOINTS: &[Endpoint] = &[
    Endpoint {
        method: "GET",
        pattern: "/users",
        access: Access::Administrator,
        shape: Shape::List,
        parameters: &["ids", "email", "query", "place_id", "group_id", "user_id", "sort", "limit", "offset"],
        answer: list,
    },
    Endpoint {
        method: "POST",
        pattern: "/users",
        access: Access::Administrator,
        shape: Shape::One,
        parameters: &[],
        answer: create,
    },
    Endpoint {
        method: "GET",
        pattern: "/users/{id}",
        access: Access::Administrator,
        shape: Shape::One,
        parameters: &[],
        answer: show,
    },
    Endpoint {
        method: "PATCH",
        pattern: "/users/{id}",
        access: Access::Administrator,
        shape: Shape::One,
        parameters: &[],
        answer: update,
    },
    Endpoint {
        method: "DELETE",
        pattern: "/users/{id}",
        access: Access::Administrator,
        shape: Shape::One,
        parameters: &[],
        answer: delete,
    },
];

// The documented limits of metadata.
const METADATA_KEYS_MAX: usize = 50;
const METADATA_KEY_CHARS_MAX: usize = 50;
const METADATA_VALUE_CHARS_MAX: usize = 500;

fn list(call: &mut Call<'_>) -> Result<Reply, ApiError> {
    let (state, query) = (&*call.state, &call.query);
    let organization_id = call.caller.organization_id;
    let ids = query.ids()?;
    let user_id = query.user_id(call.caller.user_id)?;
    let group_id = query.number("group_id")?;
    let place = query.number("place_id")?.map(|place_id| users_of_place(state, organization_id, place_id));
    let sort =
        query.choice("sort", &["name", "-name", "unlock", "-unlock", "access_enabled", "-access_enabled"])?;

    let email = query.text("email");
    // The narrowest index first, because an organization may have a hundred thousand users; the filters are for what it
    // has not answered.
    let candidates: Vec<u64> = match (email, group_id) {
        (Some(email), _) => by_email(state, organization_id, email).into_iter().collect(),
        (None, Some(group_id)) if state.groups.in_organization(organization_id, group_id).is_none() => {
            Vec::new()
        }
        (None, Some(group_id)) => state.users_in(group_id).collect(),
        (None, None) => state.users.ids_in(organization_id).collect(),
    };
    let mut filters = Filters::<User>::none();
    filters.keep(ids, |ids, user| ids.contains(&user.id));
    filters.keep(user_id, |id, user| *id == user.id);
    filters.keep(group_id.filter(|_| email.is_some()), |group_id, user| state.holds_in(user.id, *group_id));
    filters.keep(place, |place, user| place.contains(&user.id));
    filters.keep(Search::of(call), |search, user| {
        let notes = user.notes.as_deref().unwrap_or_default();
        search.finds(user.created_at, &[&user.email, &user.name, notes])
    });
    let mut found = filters.of(&state.users, candidates);
    drop(filters);

    let name = |id: u64| state.users.get(id).map_or_else(String::new, |user| user.name.clone());
    let unlocked_at = |id: &u64| state.users.get(*id).and_then(|user| user.last_accessed_at);
    let enabled = |id: &u64| state.users.get(*id).is_some_and(|user| user.access_enabled);
    match sort {
        Some("name" | "-name") => sort_by_text(&mut found, name),
        Some("unlock" | "-unlock") => found.sort_by_key(unlocked_at),
        Some("access_enabled" | "-access_enabled") => found.sort_by_key(enabled),
        _ => {}
    }
    if sort.is_some_and(|sort| sort.starts_with('-')) {
        found.reverse();
    }
    paged(call, PAGE_OF_USERS, found, render)
}

/// The user with an e-mail address, once `email=` knows it.
fn by_email(state: &State, organization_id: u64, email: &str) -> Option<u64> {
    let id = state.user_by_email(organization_id, email)?;
    let user = state.users.get(id)?;
    let indexed = user.created_at.saturating_add(state.knobs.email_lag_ms) <= state.now_ms();
    let same = match state.knobs.email_filter_case {
        EmailFilterCase::Insensitive => true,
        EmailFilterCase::Sensitive => user.email == email.trim(),
    };
    (indexed && same).then_some(id)
}

/// Users with a role in a place, in a group of it, or in a group with a door of it. Owners and administrators of
/// the whole organization are not counted [inferred].
pub(super) fn users_of_place(state: &State, organization_id: u64, place_id: u64) -> BTreeSet<u64> {
    let mut users: BTreeSet<u64> = state.users_in(place_id).collect();
    for group_id in super::groups::of_place(state, organization_id, place_id) {
        users.extend(state.users_in(group_id));
    }
    users
}

fn show(call: &mut Call<'_>) -> Result<Reply, ApiError> {
    let id = existing(call)?;
    render(call.state, id).map(Reply::ok).ok_or(ApiError::RecordNotFound)
}

/// The id in the path, if it is a user of the organization.
fn existing(call: &Call<'_>) -> Result<u64, ApiError> {
    let id = call.id()?;
    call.state
        .users
        .in_organization(call.caller.organization_id, id)
        .map(|user| user.id)
        .ok_or(ApiError::RecordNotFound)
}

fn create(call: &mut Call<'_>) -> Result<Reply, ApiError> {
    let mut fields = call.fields("user")?;
    let email = fields.required_text("email", BLANK_OR_INVALID).trim().to_owned();
    if !email.is_empty() && !is_email(&email) {
        fields.wrong("email", BLANK_OR_INVALID);
    }
    let name = fields.text("name").flatten().unwrap_or_default();
    let image = fields.text("image").flatten();
    let notes = fields.text("notes").flatten();
    let send_emails = fields.flag("send_emails").unwrap_or(true);
    let confirmed = fields.flag("confirm").unwrap_or(false);
    let access_enabled = fields.flag("access_enabled").unwrap_or(true);
    let password_flow_enabled = fields.flag("password_flow_enabled").unwrap_or(true);
    let metadata = fields.object("metadata").unwrap_or_default();
    if let Some(problem) = problem_with_metadata(&metadata) {
        fields.wrong("metadata", &problem);
    }
    fields.finish(call)?;

    let organization_id = call.caller.organization_id;
    if call.state.user_by_email(organization_id, &email).is_some() {
        return Err(match call.state.knobs.duplicate_user {
            DuplicateUser::Conflict => ApiError::AlreadyExists,
            DuplicateUser::Unprocessable => ApiError::field("email", "has already been taken"),
        });
    }
    let id = call.state.add_user(organization_id, &name, &email);
    if let Some(user) = call.state.users.get_mut(id) {
        user.image = image;
        user.notes = notes;
        user.send_emails = send_emails;
        user.confirmed = confirmed;
        user.access_enabled = access_enabled;
        user.password_flow_enabled = password_flow_enabled;
        user.metadata = metadata;
    }
    render(call.state, id).map(Reply::ok).ok_or(ApiError::RecordNotFound)
}

fn update(call: &mut Call<'_>) -> Result<Reply, ApiError> {
    let id = existing(call)?;
    let mut fields = call.fields("user")?;
    let refused = call.state.knobs.email_in_patch == EmailInPatch::Unprocessable && fields.has("email");
    if refused && fields.take("email").is_some() {
        fields.wrong("email", "can't be changed");
    }
    let name = fields.text("name").flatten();
    let image = fields.text("image");
    let notes = fields.text("notes");
    let access_enabled = fields.flag("access_enabled");
    let password_flow_enabled = fields.flag("password_flow_enabled");
    let given = fields.object("metadata");
    let old = call.state.users.get(id).map(|user| user.metadata.clone()).unwrap_or_default();
    let metadata = match (given, call.state.knobs.metadata_patch) {
        (None, _) => old,
        (Some(given), MetadataPatch::Replace) => given,
        (Some(given), MetadataPatch::Merge) => old.into_iter().chain(given).collect(),
    };
    if let Some(problem) = problem_with_metadata(&metadata) {
        fields.wrong("metadata", &problem);
    }
    fields.finish(call)?;

    let now_ms = call.state.now_ms();
    let user = call.state.users.get_mut(id).ok_or(ApiError::RecordNotFound)?;
    user.metadata = metadata;
    user.name = name.unwrap_or_else(|| std::mem::take(&mut user.name));
    user.image = image.unwrap_or_else(|| user.image.take());
    user.notes = notes.unwrap_or_else(|| user.notes.take());
    user.access_enabled = access_enabled.unwrap_or(user.access_enabled);
    user.password_flow_enabled = password_flow_enabled.unwrap_or(user.password_flow_enabled);
    user.updated_at = now_ms;
    call.state.record(EventType::UserUpdate, id);
    Ok(Reply::no_content())
}

/// Deletes a user with its role assignments and logins. An owner can't be deleted: 422 is documented for this endpoint, and
/// that this is what it is for is inferred.
fn delete(call: &mut Call<'_>) -> Result<Reply, ApiError> {
    let id = existing(call)?;
    if call.state.owns(id) {
        return Err(ApiError::field("base", "the owner of the organization can't be deleted"));
    }
    call.state.remove_user(id);
    Ok(Reply::no_content())
}

fn render(state: &State, id: u64) -> Option<Value> {
    let user = state.users.get(id)?;
    let groups: BTreeSet<u64> = state
        .roles_of(id)
        .filter(|held| held.applies_to_type == AppliesTo::Group)
        .map(|held| held.applies_to_id)
        .collect();
    Some(json!({
        "id": user.id,
        "resource_type": "User",
        "name": user.name,
        "email": user.email,
        "created_at": format_timestamp(user.created_at),
        "updated_at": format_timestamp(user.updated_at),
        "metadata": user.metadata,
        "image": user.image,
        "otp_required_for_login": false,
        "password_flow_enabled": user.password_flow_enabled,
        "access_enabled": user.access_enabled,
        "last_accessed_at": user.last_accessed_at.map(format_timestamp),
        "scim_access_enabled": user.scim_access_enabled,
        "notes": user.notes,
        "organization_id": user.organization_id,
        "confirmed": user.confirmed,
        "groups_count": groups.len(),
    }))
}

/// Whether a text has the form of an e-mail address: something, one `@`, something, and no white space.
pub(crate) fn is_email(text: &str) -> bool {
    !text.contains(char::is_whitespace)
        && text
            .split_once('@')
            .is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty() && !domain.contains('@'))
}

/// What the documented limits have against this metadata.
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
