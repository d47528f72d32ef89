//! `/organization` and `/organizations`: the organization of the key.

use serde_json::{Value, json};

use crate::clock::format_timestamp;
use crate::error::ApiError;
use crate::login::DEVICE_LOGINS_EXPIRE_AFTER_S;
use crate::page::unpaged;
use crate::pipeline::Call;
use crate::reply::Reply;
use crate::route::{Access, Endpoint, Shape};
use crate::state::State;

pub(crate) const ENDPOINTS: &[Endpoint] = &[
    Endpoint {
        method: "GET",
        pattern: "/organization",
        access: Access::AnyUser,
        shape: Shape::One,
        parameters: &[],
        answer: show_current,
    },
    Endpoint {
        method: "GET",
        pattern: "/organizations",
        access: Access::AnyUser,
        shape: Shape::List,
        parameters: &[],
        answer: list,
    },
    Endpoint {
        method: "GET",
        pattern: "/organizations/{id}",
        access: Access::AnyUser,
        shape: Shape::One,
        parameters: &[],
        answer: show,
    },
];

fn show_current(call: &mut Call<'_>) -> Result<Reply, ApiError> {
    render(call.state, call.caller.organization_id).map(Reply::ok).ok_or(ApiError::RecordNotFound)
}

/// A key belongs to one organization, so the list has one row.
fn list(call: &mut Call<'_>) -> Result<Reply, ApiError> {
    let rows = render(call.state, call.caller.organization_id).into_iter().collect();
    Ok(unpaged(call, rows))
}

fn show(call: &mut Call<'_>) -> Result<Reply, ApiError> {
    if call.id()? == call.caller.organization_id { show_current(call) } else { Err(ApiError::RecordNotFound) }
}

fn render(state: &State, id: u64) -> Option<Value> {
    let organization = state.organizations.get(id)?;
    Some(json!({
        "id": organization.id,
        "resource_type": "Organization",
        "name": organization.name,
        "domain": organization.domain,
        "logo": null,
        "address": null,
        "description": null,
        "device_logins_expire_after": DEVICE_LOGINS_EXPIRE_AFTER_S,
        "places_count": state.places.count_in(id),
        "scim_enabled": false,
        "sso_flow_enabled": false,
        "sso_expiration_override_enabled": false,
        "sso_expiration_override": null,
        "metadata": null,
        "time_zone": organization.time_zone,
        "web_authentication_api_enabled": false,
        "apple_pass_enabled": false,
        "created_at": format_timestamp(organization.created_at),
        "updated_at": format_timestamp(organization.created_at),
        "user_id": state.owner_of(id),
        "transfer_to_id": null,
        "image": null,
        "color": null,
    }))
}
