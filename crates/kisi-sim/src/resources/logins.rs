//! `/logins` and `/login`: the keys and signed-in devices of users. A request counts as its login's user, so an event
//! names the member who unlocked the door.
//!
//! Signing in with a password is documented for `POST /logins` too, and not simulated.

use serde_json::{Value, json};

use super::{Filters, Resource, named, reply_of, user_reference, with};
use crate::clock::format_timestamp;
use crate::error::{ApiError, INVALID};
use crate::knobs::LoginById;
use crate::login::{API_LOGINS_MAX, Login, LoginType};
use crate::page::{PAGE_OF_GROUPS, paged};
use crate::pipeline::Call;
use crate::reply::Reply;
use crate::route::{Access::AnyUser, Endpoint};
use crate::state::State;

pub(crate) const ENDPOINTS: &[Endpoint] = &[
    Endpoint::list(AnyUser, "/logins", list).with_parameters(&["ids", "user_id", "scope", "limit", "offset"]),
    Endpoint::one(AnyUser, "POST", "/logins", create),
    Endpoint::one(AnyUser, "GET", "/logins/{id}", show),
    Endpoint::one(AnyUser, "DELETE", "/logins/{id}", delete),
    Endpoint::one(AnyUser, "GET", "/login", show_current).with_parameters(&["ids"]),
    Endpoint::one(AnyUser, "DELETE", "/login", delete_current),
];

/// Lists the caller's own logins by default. Other users' logins are for administrators [inferred].
fn list(call: &mut Call<'_>) -> Result<Reply, ApiError> {
    let (state, query) = (&*call.state, &call.query);
    let caller = call.caller;
    let mut filters = Filters::<Login>::by_ids(query)?;
    let user_id = query.user_id(caller.user_id)?;
    let scope = query.choice("scope", &["me", "all"])?;
    let all = user_id.is_none() && scope == Some("all");
    let user_id = user_id.unwrap_or(caller.user_id);
    if (all || user_id != caller.user_id) && !caller.administers {
        return Err(ApiError::Forbidden);
    }
    filters.keep(Some(state.now_ms()), |now_ms, login| login.works_at(*now_ms));
    filters.keep(Some(caller.organization_id), |id, login| *id == login.organization_id);
    let found = if all {
        filters.apply_to_all(state, caller.organization_id)
    } else {
        filters.apply(&state.logins, state.logins_of(user_id).map(|login| login.id).collect())
    };
    paged(call, PAGE_OF_GROUPS, found, Login::render)
}

fn show(call: &mut Call<'_>) -> Result<Reply, ApiError> {
    if call.state.knobs.login_by_id == LoginById::NoSuchEndpoint {
        return Err(ApiError::EndpointNotFound);
    }
    let id = existing(call)?;
    reply_of::<Login>(call.state, id)
}

/// The id in the path, if it names a login that works and that the caller may use: their own, or any of the
/// organization for an administrator [inferred].
fn existing(call: &Call<'_>) -> Result<u64, ApiError> {
    let login = named::<Login>(call)?;
    if !login.works_at(call.state.now_ms()) {
        return Err(ApiError::RecordNotFound);
    }
    if login.user_id == call.caller.user_id || call.caller.administers {
        Ok(login.id)
    } else {
        Err(ApiError::Forbidden)
    }
}

fn show_current(call: &mut Call<'_>) -> Result<Reply, ApiError> {
    let login = call.state.logins.get(call.caller.login_id).ok_or(ApiError::RecordNotFound)?;
    let credentials = json!({ "scram_credentials": scram_credentials(login) });
    Ok(Reply::ok(with(login.render(call.state), credentials)))
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

/// Creates a login: the caller's own, or, with `email`, a device login of another user in the organization. The
/// specification has no 422 here. The simulator answers 422 to wrong fields everywhere, and to the 11th API login.
fn create(call: &mut Call<'_>) -> Result<Reply, ApiError> {
    let mut fields = call.fields("login")?;
    // Required by the specification, but production code of others leaves it out.
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
    let login = call.state.logins.get(id).ok_or(ApiError::RecordNotFound)?;
    Ok(Reply::ok(render_created(call.state, login, &secret)))
}

/// The user of a new login.
fn user_for(call: &Call<'_>, email: Option<&str>, login_type: LoginType) -> Result<u64, ApiError> {
    let Some(email) = email.filter(|email| !email.trim().is_empty()) else { return Ok(call.caller.user_id) };
    let user_id = call.state.user_by_email(call.caller.organization_id, email);
    // A plain member must not learn which other users exist.
    if user_id != Some(call.caller.user_id) && !call.caller.administers {
        return Err(ApiError::Forbidden);
    }
    let user_id = user_id.ok_or(ApiError::RecordNotFound)?;
    if user_id != call.caller.user_id && login_type == LoginType::Api {
        return Err(ApiError::Forbidden);
    }
    Ok(user_id)
}

impl Resource for Login {
    fn render(&self, state: &State) -> Value {
        let unknown = json!({ "name": null, "version": null });
        json!({
            "id": self.id,
            "created_at": format_timestamp(self.created_at),
            "updated_at": format_timestamp(self.created_at),
            "type": self.login_type,
            "name": self.name,
            "primary": self.primary,
            "expire": self.expire,
            "last_used_at": self.last_used_at.map(format_timestamp),
            "device_brand": self.device_brand,
            "device_model": self.device_model,
            "os_name": self.os_name,
            "user_id": self.user_id,
            "user": user_reference(state, self.user_id),
            // Deprecated, all four.
            "app": unknown,
            "user_agent": unknown,
            "device": { "brand": self.device_brand, "model": self.device_model },
            "os": { "name": self.os_name, "version": null },
        })
    }
}

/// A new login: the only answer that shows its secret.
fn render_created(state: &State, login: &Login, secret: &str) -> Value {
    let user = state.users.get(login.user_id);
    let has_primary = state.has_primary_login(login.user_id);
    let more = json!({
        "scram_credentials": scram_credentials(login),
        "secret": secret,
        "authentication_token": secret,
        "has_primary_device": has_primary,
        "email": user.map(|user| &user.email),
        "notifications_unread_count": 0,
        "otp_required_for_login": false,
        "otp_enabled_at": null,
        "image": user.and_then(|user| user.image.as_ref()),
        "primary_login_exists": has_primary,
    });
    with(login.render(state), more)
}

/// What a phone unlocks with at the reader. Made up: no reader is simulated.
fn scram_credentials(login: &Login) -> Value {
    let id = login.id;
    match login.login_type {
        LoginType::Api => Value::Null,
        LoginType::Device => {
            json!({ "phone_key": format!("{id:032x}"), "online_certificate": format!("{id:064x}") })
        }
    }
}
