//! `/event_sets`: asks for events, and reads the answer page by page. The newest come first [inferred].

use serde_json::{Value, json};

use super::{named, with};
use crate::body::Fields;
use crate::clock::format_timestamp;
use crate::error::{ApiError, INVALID};
use crate::event::Event;
use crate::event_set::{EventFilter, EventSet};
use crate::interval::{DAY_MS, parse_interval};
use crate::knobs::EventSetOutcome;
use crate::page::{PAGE_OF_EVENTS, limit};
use crate::pipeline::Call;
use crate::quota::Payer;
use crate::reply::Reply;
use crate::route::{Access::Administrator, Endpoint};
use crate::state::State;

pub(crate) const ENDPOINTS: &[Endpoint] = &[
    Endpoint::one(Administrator, "POST", "/event_sets", create),
    Endpoint::one(Administrator, "GET", "/event_sets/{id}", show).with_parameters(&["limit", "cursor"]),
];

/// Event sets that a user may create within one second. Documented.
const EVENT_SETS_PER_SECOND: u32 = 1;
/// The widest interval, and the default one. Documented.
const INTERVAL_MS_MAX: u64 = 90 * DAY_MS;
/// The form of a cursor, before the number of the last event that was read. Clients must not depend on it.
const CURSOR: &str = "before-";

fn create(call: &mut Call<'_>) -> Result<Reply, ApiError> {
    let (organization_id, now_ms) = (call.caller.organization_id, call.state.now_ms());
    if call.state.knobs.rate_limit {
        let payer = Payer::EventSetsOf(call.caller.user_id);
        if !call.state.quotas.admit(payer, now_ms, EVENT_SETS_PER_SECOND) {
            return Err(ApiError::TooManyRequests { retry_after_s: call.state.knobs.retry_after_s });
        }
    }
    let mut fields = call.fields("event_set")?;
    let filter = read_filter(&mut fields, now_ms);
    fields.finish(call)?;
    call.state.forget_event_sets(organization_id);
    let up_to = call.state.events.last_number();
    let id =
        call.state.event_sets.add(|id| EventSet { id, organization_id, created_at: now_ms, up_to, filter });
    let set = call.state.event_sets.get(id).ok_or(ApiError::RecordNotFound)?;
    page(call, set)
}

fn show(call: &mut Call<'_>) -> Result<Reply, ApiError> {
    let set = named::<EventSet>(call)?;
    if !set.is_kept_at(call.state.now_ms()) {
        return Err(ApiError::RecordNotFound);
    }
    page(call, set)
}

fn read_filter(fields: &mut Fields, now_ms: u64) -> EventFilter {
    let (mut from_ms, mut until_ms) = (now_ms.saturating_sub(INTERVAL_MS_MAX), now_ms);
    let interval = fields.text("interval").flatten();
    match interval.as_deref().map(parse_interval) {
        None => {}
        Some(Some((from, until))) if until - from <= INTERVAL_MS_MAX => (from_ms, until_ms) = (from, until),
        Some(Some(_)) => fields.wrong("interval", "can't be wider than 90 days"),
        Some(None) => fields.wrong("interval", INVALID),
    }
    let filter = EventFilter {
        interval: interval
            .unwrap_or_else(|| format!("{}/{}", format_timestamp(from_ms), format_timestamp(until_ms))),
        from_ms,
        until_ms,
        event_actor_id: fields.id("event_actor_id").flatten(),
        event_actor_type: fields.text("event_actor_type").flatten(),
        event_authenticated_by_id: fields.id("event_authenticated_by_id").flatten(),
        event_authenticated_by_type: fields.text("event_authenticated_by_type").flatten(),
        event_object_id: fields.id("event_object_id").flatten(),
        event_object_type: fields.text("event_object_type").flatten(),
        event_place_id: fields.id("event_place_id").flatten(),
        place_id: fields.id("place_id").flatten(),
        event_success: fields.nullable_flag("event_success"),
        event_sequence: fields.text("event_sequence").flatten(),
        event_type: fields.text("event_type").flatten(),
        event_uuid: fields.text("event_uuid").flatten(),
    };
    if filter.event_place_id.is_some() && filter.place_id.is_some() {
        fields.wrong("place_id", "can't be set together with event_place_id");
    }
    filter
}

/// The set with one page of its events, from the cursor on.
fn page(call: &Call<'_>, set: &EventSet) -> Result<Reply, ApiError> {
    let state = &*call.state;
    let limit = limit(call, PAGE_OF_EVENTS)?;
    let up_to = match call.query.text("cursor") {
        None => set.up_to,
        Some(cursor) => read_cursor(cursor).ok_or(ApiError::BadRequest("The cursor is invalid"))?,
    };
    let row =
        with(json!(set.filter), json!({ "id": set.id, "created_at": format_timestamp(set.created_at) }));
    let result = if state.now_ms() < set.created_at.saturating_add(state.knobs.event_set_delay_ms) {
        json!({ "status": "in_progress", "cursor": null })
    } else if state.knobs.event_set_outcome == EventSetOutcome::Failed {
        json!({ "status": "failed", "cursor": null })
    } else {
        let (events, cursor) = read(state, set, up_to.min(set.up_to), limit);
        let events: Vec<Value> = events.into_iter().map(render_event).collect();
        json!({ "status": "finished", "events": events, "cursor": cursor })
    };
    Ok(Reply::ok(with(row, result)))
}

/// At most `limit` events up to a number, and the cursor of the next page, if there is one.
fn read<'s>(state: &'s State, set: &'s EventSet, up_to: u64, limit: u64) -> (Vec<&'s Event>, Option<String>) {
    let keeps = set.filter.keeps();
    let mut found = state
        .events
        .back_from(up_to)
        .filter(|event| event.organization_id == set.organization_id && keeps(event));
    let events: Vec<&Event> = found.by_ref().take(usize::try_from(limit).unwrap_or(usize::MAX)).collect();
    let next = found.next().map(|event| format!("{CURSOR}{}", event.number + 1));
    (events, next)
}

fn read_cursor(text: &str) -> Option<u64> {
    text.strip_prefix(CURSOR)?.parse::<u64>().ok()?.checked_sub(1)
}

/// `authorized_by_type`, and the values of an unlock's `code` and `message`, are inferred.
fn render_event(event: &Event) -> Value {
    json!({
        "uuid": event.uuid,
        "type": event.event_type.name(),
        "actor_type": event.actor_id.map(|_| "User"),
        "actor_id": event.actor_id,
        "actor_name": event.actor_name,
        "actor_email": event.actor_email,
        "authenticated_by_type": event.login_id.map(|_| "Login"),
        "authenticated_by_id": event.login_id,
        "authorized_by_type": event.role_assignment_id.map(|_| "RoleAssignment"),
        "authorized_by_id": event.role_assignment_id,
        "authorized_by_role_id": event.role_id,
        "object_type": event.object_type,
        "object_id": event.object_id,
        "object_name": event.object_name,
        "action": event.event_type.action(),
        "created_at": format_timestamp(event.created_at),
        "message": event.error_message,
        "success": event.success,
        "code": event.error_code,
        "sequence": event.sequence,
        "organization_id": event.organization_id,
        "place_id": event.place_id,
        "error_code": event.error_code,
        "error_message": event.error_message,
        // Deprecated, both.
        "details": {},
        "via": {},
    })
}
