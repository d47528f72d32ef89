//! `/user`: the user of the key.

use serde_json::json;

use super::organization_reference;
use crate::clock::format_timestamp;
use crate::error::{ApiError, INVALID};
use crate::event::EventType;
use crate::pipeline::Call;
use crate::reply::Reply;
use crate::route::{Access::AnyUser, Endpoint};

pub(crate) const ENDPOINTS: &[Endpoint] =
    &[Endpoint::one(AnyUser, "GET", "/user", show), Endpoint::one(AnyUser, "PATCH", "/user", update)];

/// The languages that Kisi supports.
const LOCALES: &[&str] = &["en", "fr", "es", "de"];

fn show(call: &mut Call<'_>) -> Result<Reply, ApiError> {
    let user = call.state.users.get(call.caller.user_id).ok_or(ApiError::RecordNotFound)?;
    Ok(Reply::ok(json!({
        "id": user.id,
        "resource_type": "User",
        "name": user.name,
        "email": user.email,
        "image": user.image,
        "locale": user.locale,
        "notifications_unread_count": 0,
        "otp_required_for_login": false,
        "otp_enabled_at": null,
        "primary_login_exists": call.state.has_primary_login(user.id),
        "created_at": format_timestamp(user.created_at),
        "updated_at": format_timestamp(user.updated_at),
        "announcements_last_seen_at": null,
        "last_read_at": null,
        "notes": user.notes,
        "organization_id": user.organization_id,
        "organization": organization_reference(call.state, user.organization_id),
    })))
}

/// Changes name, picture and language. Password and reading marks are documented too, but mean nothing here: they
/// stay unread, and the journal lists them as unknown fields.
fn update(call: &mut Call<'_>) -> Result<Reply, ApiError> {
    let mut user = call.state.users.get(call.caller.user_id).cloned().ok_or(ApiError::RecordNotFound)?;
    let mut fields = call.fields("user")?;
    user.name = fields.text("name").flatten().unwrap_or(user.name);
    user.image = fields.text("image").unwrap_or(user.image);
    if let Some(locale) = fields.text("locale") {
        if locale.as_deref().is_some_and(|locale| !LOCALES.contains(&locale)) {
            fields.wrong("locale", INVALID);
        }
        user.locale = locale;
    }
    fields.finish(call)?;
    user.updated_at = call.state.now_ms();
    call.state.change(EventType::UserUpdate, user);
    Ok(Reply::no_content())
}
