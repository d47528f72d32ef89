//! `/organization` and `/organizations`: the organization of the key.

use serde_json::{Value, json};

use super::{Resource, reply_of, show};
use crate::clock::format_timestamp;
use crate::error::ApiError;
use crate::login::DEVICE_LOGINS_EXPIRE_AFTER_S;
use crate::page::unpaged;
use crate::pipeline::Call;
use crate::records::Organization;
use crate::reply::Reply;
use crate::route::{Access::AnyUser, Endpoint};
use crate::state::State;

pub(crate) const ENDPOINTS: &[Endpoint] = &[
    Endpoint::one(AnyUser, "GET", "/organization", show_current),
    Endpoint::unpaged(AnyUser, "/organizations", list),
    Endpoint::one(AnyUser, "GET", "/organizations/{id}", show::<Organization>),
];

fn show_current(call: &mut Call<'_>) -> Result<Reply, ApiError> {
    reply_of::<Organization>(call.state, call.caller.organization_id)
}

/// A key belongs to one organization, so the list has one row.
fn list(call: &mut Call<'_>) -> Result<Reply, ApiError> {
    let own = call.state.organizations.get(call.caller.organization_id);
    let rows = own.map(|organization| organization.render(call.state)).into_iter().collect();
    Ok(unpaged(call, rows))
}

impl Resource for Organization {
    fn render(&self, state: &State) -> Value {
        json!({
            "id": self.id,
            "resource_type": "Organization",
            "name": self.name,
            "domain": self.domain,
            "logo": null,
            "address": null,
            "description": null,
            "device_logins_expire_after": DEVICE_LOGINS_EXPIRE_AFTER_S,
            "places_count": state.places.count_in(self.id),
            "scim_enabled": false,
            "sso_flow_enabled": false,
            "sso_expiration_override_enabled": false,
            "sso_expiration_override": null,
            "metadata": null,
            "time_zone": self.time_zone,
            "web_authentication_api_enabled": false,
            "apple_pass_enabled": false,
            "created_at": format_timestamp(self.created_at),
            "updated_at": format_timestamp(self.created_at),
            "user_id": state.owner_of(self.id),
            "transfer_to_id": null,
            "image": null,
            "color": null,
        })
    }
}
