//! `POST /locks/{id}/unlock`: opens a door for the user whose login was sent, or says why not. Every attempt at a door that
//! is there is an event.

use serde_json::{Map, Value};

use crate::access;
use crate::body::Fields;
use crate::error::{ApiError, INVALID};
use crate::pipeline::Call;
use crate::reply::Reply;

pub(super) fn unlock(call: &mut Call<'_>) -> Result<Reply, ApiError> {
    let id = call.id()?;
    let organization_id = call.caller.organization_id;
    let lock =
        call.state.locks.in_organization(organization_id, id).cloned().ok_or(ApiError::RecordNotFound)?;
    read_context(call)?;
    let now_ms = call.state.now_ms();
    let user = call.state.users.get(call.caller.user_id).ok_or(ApiError::RecordNotFound)?;
    let opened_by = access::opened_by(call.state, user, &lock, now_ms).map(|held| held.id);
    call.state.record_unlock(id, opened_by);
    if let Err(refusal) = opened_by {
        let knobs = &call.state.knobs;
        let (status, code) = (refusal.status(knobs), refusal.code(knobs));
        return Err(ApiError::Refused { status, message: refusal.message(), code });
    }
    if let Some(user) = call.state.users.get_mut(call.caller.user_id) {
        user.last_accessed_at = Some(now_ms);
    }
    Ok(Reply::ok(serde_json::json!({ "message": "Unlocked!" })))
}

/// The documented body: where the user stands, and a proof of it. All of it may be left out. It is checked for its form
/// and decides nothing, because no restriction to a location is simulated.
fn read_context(call: &mut Call<'_>) -> Result<(), ApiError> {
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
