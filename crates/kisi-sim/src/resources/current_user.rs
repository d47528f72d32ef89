//! `/user`: the user whose key it is. The one resource that every key may read.

use serde_json::json;

use super::organization_reference;
use crate::clock::format_timestamp;
use crate::error::{ApiError, INVALID};
use crate::event::EventType;
use crate::pipeline::Call;
use crate::reply::Reply;
use crate::route::{Access, Endpoint, Shape};

pub(crate) const ENDPOINTS: &[Endpoint] = &[
    Endpoint {
        method: "GET",
        pattern: "/user",
        access: Access::AnyUser,
        shape: Shape::One,
        parameters: &[],
        answer: show,
    },
    Endpoint {
        method: "PATCH",
        pattern: "/user",
        access: Access::AnyUser,
        shape: Shape::One,
        parameters: &[],
        answer: update,
    },
];

/// The languages that Kisi knows.
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

/// Name, picture and language. Password and reading marks are documented too, but mean nothing here: they stay
/// unread and the journal names them.
fn update(call: &mut Call<'_>) -> Result<Reply, ApiError> {
    let mut fields = call.fields("user")?;
    let name = fields.text("name").flatten();
    let image = fields.text("image");
    let locale = fields.text("locale");
    if let Some(Some(locale)) = &locale
        && !LOCALES.contains(&locale.as_str())
    {
        fields.wrong("locale", INVALID);
    }
    fields.finish(call)?;
    let now_ms = call.state.now_ms();
    let user = call.state.users.get_mut(call.caller.user_id).ok_or(ApiError::RecordNotFound)?;
    if let Some(name) = name {
        user.name = name;
    }
    if let Some(image) = image {
        user.image = image;
    }
    if let Some(locale) = locale {
        user.locale = locale;
    }
    user.updated_at = now_ms;
    call.state.record(EventType::UserUpdate, call.caller.user_id);
    Ok(Reply::no_content())
}
