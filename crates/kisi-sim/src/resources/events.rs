//! `/events/types`: the types of events that there are. Kisi's list is longer; here are those that the simulator makes.

use crate::error::ApiError;
use crate::event::EventType;
use crate::page::unpaged;
use crate::pipeline::Call;
use crate::reply::Reply;
use crate::route::{Access, Endpoint, Shape};

pub(crate) const ENDPOINTS: &[Endpoint] = &[Endpoint {
    method: "GET",
    pattern: "/events/types",
    access: Access::AnyUser,
    shape: Shape::List,
    parameters: &[],
    answer: list,
}];

fn list(call: &mut Call<'_>) -> Result<Reply, ApiError> {
    let rows = EventType::ALL.iter().map(|event_type| event_type.name().into()).collect();
    Ok(unpaged(call, rows))
}
