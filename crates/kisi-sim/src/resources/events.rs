//! `/events/types`: the types of events that the simulator records. Kisi's list is longer.

use crate::error::ApiError;
use crate::event::EventType;
use crate::page::unpaged;
use crate::pipeline::Call;
use crate::reply::Reply;
use crate::route::{Access::AnyUser, Endpoint};

pub(crate) const ENDPOINTS: &[Endpoint] = &[Endpoint::unpaged(AnyUser, "/events/types", list)];

fn list(call: &mut Call<'_>) -> Result<Reply, ApiError> {
    let rows = EventType::ALL.iter().map(|event_type| event_type.name().into()).collect();
    Ok(unpaged(call, rows))
}
