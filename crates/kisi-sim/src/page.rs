//! Lists: limit and offset, the range header, drifting rows, and the faults about lists.

use http::StatusCode;
use serde_json::{Value, json};

use crate::error::ApiError;
use crate::faults::FaultEffect;
use crate::knobs::{LimitAboveMax, OffsetAboveMax, OffsetPastEnd, RowOrder};
use crate::pipeline::Call;
use crate::reply::Reply;
use crate::state::State;
use crate::table::Record;

/// How many rows a page has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PageSize {
    pub(crate) default: u64,
    pub(crate) max: u64,
}

/// For users.
pub(crate) const PAGE_OF_USERS: PageSize = PageSize { default: 50, max: 100 };
/// For places and locks.
pub(crate) const PAGE_OF_PLACES: PageSize = PageSize { default: 50, max: 250 };
/// For groups, group locks, role assignments and logins: the small default that truncates unpaged reads.
pub(crate) const PAGE_OF_GROUPS: PageSize = PageSize { default: 10, max: 250 };
/// For the events of an event set. Its maximum is not documented.
pub(crate) const PAGE_OF_EVENTS: PageSize = PageSize { default: 50, max: 250 };

/// One page of the records with these ids, in this order.
pub(crate) fn paged<T: Record>(
    call: &mut Call<'_>,
    size: PageSize,
    mut ids: Vec<u64>,
    render: impl Fn(&T, &State) -> Value,
) -> Result<Reply, ApiError> {
    let limit = limit(call, size)?;
    let offset = offset(call)?;
    drift(call, &mut ids);
    let first = match call.list_fault {
        Some(FaultEffect::RepeatedPage {}) => offset.saturating_sub(limit),
        _ => offset,
    };
    let table = T::table(call.state);
    let rows: Vec<Value> = ids
        .iter()
        .skip(usize::try_from(first).unwrap_or(usize::MAX))
        .take(usize::try_from(limit).unwrap_or(usize::MAX))
        .filter_map(|id| Some(render(table.get(*id)?, call.state)))
        .collect();
    let total = ids.len() as u64;
    let mut reply = unpaged(call, rows);
    // The header gives the range that was asked for, not the one that was found.
    reply.collection_range = Some(match call.state.knobs.offset_past_end {
        _ if total == 0 => "*/0".to_owned(),
        OffsetPastEnd::Star if offset >= total => format!("*/{total}"),
        _ => format!("{offset}-{}/{total}", offset + limit - 1),
    });
    Ok(reply)
}

/// All rows at once, for the resources that Kisi does not page, or what a fault makes of them.
pub(crate) fn unpaged(call: &Call<'_>, mut rows: Vec<Value>) -> Reply {
    match &call.list_fault {
        Some(FaultEffect::NotAnArray {}) => {
            return Reply::json(StatusCode::OK, json!({ "message": "OK" }));
        }
        Some(FaultEffect::Truncated { missing }) => rows.truncate(rows.len().saturating_sub(*missing)),
        _ => {}
    }
    Reply::ok(Value::Array(rows))
}

/// The number of rows asked for, within the resource's maximum.
pub(crate) fn limit(call: &Call<'_>, size: PageSize) -> Result<u64, ApiError> {
    let limit = call.query.number("limit")?.unwrap_or(size.default);
    if limit == 0 {
        return Err(ApiError::field("limit", "must be greater than or equal to 1"));
    }
    if limit > size.max && call.state.knobs.limit_above_max == LimitAboveMax::Unprocessable {
        return Err(ApiError::field("limit", &format!("must be less than or equal to {}", size.max)));
    }
    Ok(limit.min(size.max))
}

fn offset(call: &Call<'_>) -> Result<u64, ApiError> {
    let offset = call.query.number("offset")?.unwrap_or(0);
    let knobs = &call.state.knobs;
    if offset <= knobs.offset_max {
        return Ok(offset);
    }
    Err(match knobs.offset_above_max {
        OffsetAboveMax::Unprocessable => {
            ApiError::field("offset", &format!("must be less than or equal to {}", knobs.offset_max))
        }
        OffsetAboveMax::BadRequest => ApiError::BadRequest("offset is above its maximum"),
    })
}

/// Rotates the rows by the number of lists served so far, or by one for a fault.
fn drift(call: &mut Call<'_>, ids: &mut [u64]) {
    let served = call.state.lists_served;
    call.state.lists_served = served.wrapping_add(1);
    let by = match call.list_fault {
        Some(FaultEffect::Reordered {}) => 1,
        _ if call.state.knobs.row_order == RowOrder::Drifting => served,
        _ => 0,
    };
    if !ids.is_empty() {
        ids.rotate_left(by % ids.len());
    }
}
