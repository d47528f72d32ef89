//! `/event_sets`: asks for events, and reads the answer page by page. The newest come first [inferred].

use serde_json::{Value, json};

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
use crate::route::{Access, Endpoint, Shape};
use crate::state::State;

pub(crate) const ENDPOINTS: &[Endpoint] = &[
    Endpoint {
        method: "POST",
        pattern: "/event_sets",
        access: Access::Administrator,
        shape: Shape::One,
        parameters: &[],
        answer: create,
    },
    Endpoint {
        method: "GET",
        pattern: "/event_sets/{id}",
        access: Access::Administrator,
        shape: Shape::One,
        parameters: &["limit", "cursor"],
        answer: show,
    },
];

/// How many event sets a user may make within one second. Documented.
const EVENT_SETS_PER_SECOND: u32 = 1;
/// The widest interval, and the default one. Documented.
const INTERVAL_MS_MAX: u64 = 90 * DAY_MS;
/// What a cursor looks like, before the number of the last event that was read. Clients must not care.
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
    page(call, id)
}

fn show(call: &mut Call<'_>) -> Result<Reply, ApiError> {
    let id = call.id()?;
    page(call, id)
}

fn read_filter(fields: &mut Fields, now_ms: u64) -> EventFilter {
    let mut filter = EventFilter::default();
    match fields.text("interval").flatten() {
        None => {
            (filter.from_ms, filter.until_ms) = (now_ms.saturating_sub(INTERVAL_MS_MAX), now_ms);
            filter.interval =
                format!("{}/{}", format_timestamp(filter.from_ms), format_timestamp(filter.until_ms));
        }
        Some(text) => match parse_interval(&text) {
            Some((from_ms, until_ms)) if until_ms - from_ms <= INTERVAL_MS_MAX => {
                (filter.from_ms, filter.until_ms) = (from_ms, until_ms);
                filter.interval = text;
            }
            Some(_) => fields.wrong("interval", "can't be wider than 90 days"),
            None => fields.wrong("interval", INVALID),
        },
    }
    filter.actor_id = fields.id("event_actor_id").flatten();
    filter.actor_type = fields.text("event_actor_type").flatten();
    filter.authenticated_by_id = fields.id("event_authenticated_by_id").flatten();
    filter.authenticated_by_type = fields.text("event_authenticated_by_type").flatten();
    filter.object_id = fields.id("event_object_id").flatten();
    filter.object_type = fields.text("event_object_type").flatten();
    filter.event_place_id = fields.id("event_place_id").flatten();
    filter.place_id = fields.id("place_id").flatten();
    if filter.event_place_id.is_some() && filter.place_id.is_some() {
        fields.wrong("place_id", "can't be set together with event_place_id");
    }
    filter.success = match fields.take("event_success") {
        None | Some(Value::Null) => None,
        Some(Value::Bool(success)) => Some(success),
        Some(_) => {
            fields.wrong("event_success", INVALID);
            None
        }
    };
    filter.sequence = fields.text("event_sequence").flatten();
    filter.event_type = fields.text("event_type").flatten();
    filter.uuid = fields.text("event_uuid").flatten();
    filter
}

/// The set with one page of its events, from the cursor on.
fn page(call: &Call<'_>, id: u64) -> Result<Reply, ApiError> {
    let state = &*call.state;
    let now_ms = state.now_ms();
    let set = state
        .event_sets
        .in_organization(call.caller.organization_id, id)
        .filter(|set| set.is_kept_at(now_ms))
        .ok_or(ApiError::RecordNotFound)?;
    let limit = limit(call, PAGE_OF_EVENTS)?;
    let up_to = match call.query.text("cursor") {
        None => set.up_to,
        Some(cursor) => read_cursor(cursor).ok_or(ApiError::BadRequest("The cursor is invalid"))?,
    };
    let mut row = render(set);
    let Value::Object(fields) = &mut row else { return Ok(Reply::ok(row)) };
    if now_ms < set.created_at.saturating_add(state.knobs.event_set_delay_ms) {
        fields.insert("status".to_owned(), "in_progress".into());
    } else if state.knobs.event_set_outcome == EventSetOutcome::Failed {
        fields.insert("status".to_owned(), "failed".into());
    } else {
        let (events, cursor) = read(state, set, up_to.min(set.up_to), limit);
        fields.insert("events".to_owned(), events.into_iter().map(render_event).collect());
        fields.insert("cursor".to_owned(), cursor.into());
    }
    Ok(Reply::ok(row))
}

/// So many events up to a number, and the cursor to go on with, if there are more.
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

fn render(set: &EventSet) -> Value {
    let filter = &set.filter;
    json!({
        "id": set.id,
        "created_at": format_timestamp(set.created_at),
        "status": "finished",
        "interval": filter.interval,
        "event_actor_id": filter.actor_id,
        "event_actor_type": filter.actor_type,
        "event_authenticated_by_id": filter.authenticated_by_id,
        "event_authenticated_by_type": filter.authenticated_by_type,
        "event_object_id": filter.object_id,
        "event_object_type": filter.object_type,
        "event_place_id": filter.event_place_id,
        "event_success": filter.success,
        "event_sequence": filter.sequence,
        "event_type": filter.event_type,
        "event_uuid": filter.uuid,
        "cursor": null,
        "place_id": filter.place_id,
    })
}

/// `authorized_by_type` and what an unlock's `code` and `message` say are inferred.
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
