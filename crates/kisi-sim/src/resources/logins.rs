//! `/logins` and `/login`: the keys and signed-in devices of users. What is done with a login is done by its user, so that
//! a member who unlocks a door is the one whom the event names.
//!
//! Signing in with a password is documented for `POST /logins` too and not simulated: nobody here has a password.

use serde_json::{Value, json};

use super::user_reference;
use crate::clock::format_timestamp;
use crate::error::{ApiError, INVALID};
use crate::knobs::LoginById;
use crate::login::{API_LOGINS_MAX, Login, LoginType};
use crate::page::{PAGE_OF_GROUPS, paged};
use crate::pipeline::Call;
use crate::reply::Reply;
use crate::route::{Access, Endpoint, Shape};
use crate::state::State;

pub(crate) const ENDPOINTS: &[Endpoint] = &[
    Endpoint {
        method: "GET",
        pattern: "/logins",
        access: Access::AnyUser,
        shape: Shape::List,
        parameters: &["ids", "user_id", "scope", "limit", "offset"],
        answer: list,
    },
    Endpoint {
        method: "POST",
        pattern: "/logins",
        access: Access::AnyUser,
        shape: Shape::One,
        parameters: &[],
        answer: create,
    },
    Endpoint {
        method: "GET",
        pattern: "/logins/{id}",
        access: Access::AnyUser,
        shape: Shape::One,
        parameters: &[],
        answer: show,
    },
    Endpoint {
        method: "DELETE",
        pattern: "/logins/{id}",
        access: Access::AnyUser,
        shape: Shape::One,
        parameters: &[],
        answer: delete,
    },
    Endpoint {
        method: "GET",
        pattern: "/login",
        access: Access::AnyUser,
        shape: Shape::One,
        parameters: &["ids"],
        answer: show_current,
    },
    Endpoint {
        method: "DELETE",
        pattern: "/login",
        access: Access::AnyUser,
        shape: Shape::One,
        parameters: &[],
        answer: delete_current,
    },
];

/// One's own logins, unless told otherwise. Those of others are for administrators [inferred].
fn list(call: &mut Call<'_>) -> Result<Reply, ApiError> {
    let (state, query) = (&*call.state, &call.query);
    let caller = call.caller;
    let ids = query.ids()?;
    let user_id = query.user_id(caller.user_id)?;
    let scope = query.choice("scope", &["me", "all"])?;
    let everybody = user_id.is_none() && scope == Some("all");
    let user_id = user_id.unwrap_or(caller.user_id);
    if (everybody || user_id != caller.user_id) && !caller.administers {
        return Err(ApiError::Forbidden);
    }
    let candidates: Vec<u64> = if everybody {
        state.logins.ids_in(caller.organization_id).collect()
    } else {
        state.logins_of(user_id).map(|login| login.id).collect()
    };
    let found = candidates.into_iter().filter(|id| {
        ids.as_ref().is_none_or(|ids| ids.contains(id))
            && visible(state, caller.organization_id, *id).is_some()
    });
    let found = found.collect();
    paged(call, PAGE_OF_GROUPS, found, render)
}

/// A login that works, of the organization.
fn visible(state: &State, organization_id: u64, id: u64) -> Option<&Login> {
    state.working_login(id).filter(|login| login.organization_id == organization_id)
}

fn show(call: &mut Call<'_>) -> Result<Reply, ApiError> {
    if call.state.knobs.login_by_id == LoginById::NoSuchEndpoint {
        return Err(ApiError::EndpointNotFound);
    }
    let id = existing(call)?;
    render(call.state, id).map(Reply::ok).ok_or(ApiError::RecordNotFound)
}

/// The id in the path, if it is a login of the organization that the caller may touch: one's own, or any for an
/// administrator [inferred].
fn existing(call: &Call<'_>) -> Result<u64, ApiError> {
    let id = call.id()?;
    let login = visible(call.state, call.caller.organization_id, id).ok_or(ApiError::RecordNotFound)?;
    if login.user_id == call.caller.user_id || call.caller.administers {
        Ok(id)
    } else {
        Err(ApiError::Forbidden)
    }
}

fn show_current(call: &mut Call<'_>) -> Result<Reply, ApiError> {
    let id = call.caller.login_id;
    let mut row = render(call.state, id).ok_or(ApiError::RecordNotFound)?;
    add(&mut row, [("scram_credentials", scram_credentials(call.state, id))]);
    Ok(Reply::ok(row))
}

fn delete(call: &mut Call<'_>) -> Result<Reply, ApiError> {
    let id = existing(call)?;
    call.state.remove_login(id);
    Ok(Reply::no_content())
}

fn delete_current(call: &mut Call<'_>) -> Result<Reply, ApiError> {
    call.state.remove_login(call.caller.login_id);
    Ok(Reply::no_content())
}

/// Makes a login: one's own, or with `email` a device login of somebody else in the organization. The specification
/// knows no 422 here; it is what the simulator answers to wrong fields everywhere, and to an API login too many.
fn create(call: &mut Call<'_>) -> Result<Reply, ApiError> {
    let mut fields = call.fields("login")?;
    // Required by the specification, though production code of others does without it.
    fields.allow_beside("user");
    // Without a type it is a device [inferred].
    let login_type = match fields.text("type").flatten().as_deref() {
        None | Some("device") => LoginType::Device,
        Some("api") => LoginType::Api,
        Some(_) => {
            fields.wrong("type", INVALID);
            LoginType::Device
        }
    };
    let mut text = |name: &str| fields.text(name).flatten();
    let (name, device_brand) = (text("name"), text("device_brand"));
    let (device_model, os_name) = (text("device_model"), text("os_name"));
    // Documented, and without effect here.
    for unused in ["device_uid", "push_token", "ios_voip_push_token"] {
        text(unused);
    }
    let email = text("email");
    let expire = fields.flag("expire").unwrap_or(true);
    fields.finish(call)?;

    let user_id = user_for(call, email.as_deref(), login_type)?;
    let of_type = call.state.logins_of(user_id).filter(|login| login.login_type == login_type).count();
    if login_type == LoginType::Api && of_type >= API_LOGINS_MAX {
        let problem = format!("a user can't have more than {API_LOGINS_MAX} API logins");
        return Err(ApiError::field("base", &problem));
    }
    let primary = login_type == LoginType::Device && !call.state.has_primary_login(user_id);
    let now_ms = call.state.now_ms();
    let (id, secret) = call.state.add_login(Login {
        login_type,
        name,
        device_brand,
        device_model,
        os_name,
        primary,
        expire,
        ..Login::key(call.caller.organization_id, user_id, now_ms)
    });
    render_made(call.state, id, &secret).map(Reply::ok).ok_or(ApiError::RecordNotFound)
}

/// Whose login it will be.
fn user_for(call: &Call<'_>, email: Option<&str>, login_type: LoginType) -> Result<u64, ApiError> {
    let Some(email) = email.filter(|email| !email.trim().is_empty()) else { return Ok(call.caller.user_id) };
    let user_id = call.state.user_by_email(call.caller.organization_id, email);
    // A plain member learns nothing about who else is there.
    if user_id != Some(call.caller.user_id) && !call.caller.administers {
        return Err(ApiError::Forbidden);
    }
    let user_id = user_id.ok_or(ApiError::RecordNotFound)?;
    if user_id != call.caller.user_id && login_type == LoginType::Api {
        return Err(ApiError::Forbidden);
    }
    Ok(user_id)
}

fn render(state: &State, id: u64) -> Option<Value> {
    let login = state.logins.get(id)?;
    let unknown = json!({ "name": null, "version": null });
    Some(json!({
        "id": login.id,
        "created_at": format_timestamp(login.created_at),
        "updated_at": format_timestamp(login.created_at),
        "type": login.login_type,
        "name": login.name,
        "primary": login.primary,
        "expire": login.expire,
        "last_used_at": login.last_used_at.map(format_timestamp),
        "device_brand": login.device_brand,
        "device_model": login.device_model,
        "os_name": login.os_name,
        "user_id": login.user_id,
        "user": user_reference(state, login.user_id),
        // Deprecated, all four.
        "app": unknown,
        "user_agent": unknown,
        "device": { "brand": login.device_brand, "model": login.device_model },
        "os": { "name": login.os_name, "version": null },
    }))
}

/// A login that was just made: the one time that its secret is told.
fn render_made(state: &State, id: u64, secret: &str) -> Option<Value> {
    let mut row = render(state, id)?;
    let user = state.users.get(state.logins.get(id)?.user_id)?;
    let has_primary = Value::Bool(state.has_primary_login(user.id));
    add(
        &mut row,
        [
            ("scram_credentials", scram_credentials(state, id)),
            ("secret", secret.into()),
            ("authentication_token", secret.into()),
            ("has_primary_device", has_primary.clone()),
            ("email", user.email.as_str().into()),
            ("notifications_unread_count", 0.into()),
            ("otp_required_for_login", false.into()),
            ("otp_enabled_at", Value::Null),
            ("image", json!(user.image)),
            ("primary_login_exists", has_primary),
        ],
    );
    Some(row)
}

/// What a phone unlocks with at the reader. Made up: no reader is simulated.
fn scram_credentials(state: &State, id: u64) -> Value {
    match state.logins.get(id).map(|login| login.login_type) {
        Some(LoginType::Device) => {
            json!({ "phone_key": format!("{id:032x}"), "online_certificate": format!("{id:064x}") })
        }
        _ => Value::Null,
    }
}

fn add<const N: usize>(row: &mut Value, fields: [(&str, Value); N]) {
    if let Value::Object(row) = row {
        row.extend(fields.map(|(name, value)| (name.to_owned(), value)));
    }
}
