//! The control surface under `/_sim`: the methods of [`Simulator`] as JSON, for tests in any language.
//!
//! It needs no key, because it is only reachable from the same machine, and the journal does not record it. It
//! answers a wrong body with 400 and a sentence that names the field.

use std::time::Duration;

use axum::Json;
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::clock::format_timestamp;
use crate::faults::Fault;
use crate::hands::{Hand, HandOutcome};
use crate::knobs::Knobs;
use crate::route;
use crate::seed::Seed;
use crate::simulator::Simulator;

type Sim = State<Simulator>;

/// The routes, below `/_sim`.
pub(crate) fn router() -> Router<Simulator> {
    Router::new()
        .route("/", get(describe))
        .route("/seed", post(put_seed))
        .route("/state", get(async |State(sim): Sim| Json(sim.state())))
        .route("/keys", get(async |State(sim): Sim| Json(sim.keys())))
        .route("/events", get(async |State(sim): Sim| Json(sim.events())))
        .route("/journal", get(async |State(sim): Sim| Json(sim.journal())).delete(clear_journal))
        .route(
            "/faults",
            get(async |State(sim): Sim| Json(sim.faults())).post(add_fault).delete(clear_faults),
        )
        .route("/knobs", get(async |State(sim): Sim| Json(sim.knobs())).patch(patch_knobs))
        .route("/clock", get(async |State(sim): Sim| time_of(&sim)).put(put_clock))
        .route("/hands", post(hand))
        .fallback(unknown)
        .method_not_allowed_fallback(unknown)
}

/// The error of a control request.
struct Refusal(String);

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (StatusCode::BAD_REQUEST, Json(json!({ "error": self.0 }))).into_response()
    }
}

/// Reads a body. The error names the field.
fn read<T: DeserializeOwned>(body: &Bytes) -> Result<T, Refusal> {
    let mut document = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut document).map_err(|error| {
        let path = error.path().to_string();
        let place = if path == "." { "the body".to_owned() } else { format!("`{path}`") };
        Refusal(format!("{place} can't be used: {}", error.inner()))
    })?;
    document.end().map_err(|error| Refusal(format!("the body can't be used: {error}")))?;
    Ok(value)
}

async fn describe() -> Json<Value> {
    let endpoints: Vec<Value> = route::endpoints()
        .map(|endpoint| json!({ "endpoint": endpoint.name(), "parameters": endpoint.parameters }))
        .collect();
    Json(json!({
        "what": "a simulator of the Kisi REST API; this is its control surface, not part of Kisi",
        "control": {
            "POST /_sim/seed": "replace everything by a seed: JSON, or TOML with content type application/toml",
            "GET /_sim/state": "all organizations, places, locks, groups, group locks, users, role assignments, logins",
            "GET /_sim/keys": "the keys and device logins that work, with their secrets",
            "GET /_sim/events": "the events, oldest first: actor, type, object and outcome",
            "GET /_sim/journal": "the API requests, oldest first",
            "DELETE /_sim/journal": "clear the journal",
            "GET /_sim/faults": "the faults, and how often each has fired",
            "POST /_sim/faults": "add a fault: {\"route\": \"POST /users\", \"times\": 2, \"effect\": {\"kind\": \"status\", \"status\": 503}}",
            "DELETE /_sim/faults": "remove all faults",
            "GET /_sim/knobs": "the knobs",
            "PATCH /_sim/knobs": "change some of the knobs: {\"duplicate_user\": \"422\"}",
            "GET /_sim/clock": "the simulator's time",
            "PUT /_sim/clock": "set it, {\"now_ms\": 1790848800000}, or move it, {\"advance_ms\": 1000}",
            "POST /_sim/hands": "make a change as staff does in Kisi's web page: {\"hand\": \"add_group\", \"name\": \"24/7\"}",
        },
        "kisi": endpoints,
    }))
}

async fn put_seed(State(simulator): Sim, headers: HeaderMap, body: Bytes) -> Result<Json<Value>, Refusal> {
    let text = std::str::from_utf8(&body).map_err(|_| Refusal("the body is no UTF-8 text".to_owned()))?;
    // An empty TOML document is a seed, but an empty body is more likely a file that curl did not find.
    if text.trim().is_empty() {
        let advice = "send a seed, or `{}` for one organization with an owner, a key and a place";
        return Err(Refusal(format!("the body is empty: {advice}")));
    }
    let is_toml = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.starts_with("application/toml"));
    let seed = if is_toml { Seed::from_toml(text) } else { Seed::from_json(text) };
    seed.and_then(|seed| simulator.reseed(&seed)).map_err(|error| Refusal(error.to_string()))?;
    Ok(Json(json!({ "keys": simulator.keys() })))
}

async fn clear_journal(State(simulator): Sim) -> StatusCode {
    simulator.clear_journal();
    StatusCode::NO_CONTENT
}

async fn clear_faults(State(simulator): Sim) -> StatusCode {
    simulator.clear_faults();
    StatusCode::NO_CONTENT
}

async fn add_fault(State(simulator): Sim, body: Bytes) -> Result<StatusCode, Refusal> {
    simulator.add_fault(read::<Fault>(&body)?);
    Ok(StatusCode::NO_CONTENT)
}

async fn patch_knobs(State(simulator): Sim, body: Bytes) -> Result<Json<Knobs>, Refusal> {
    let given: serde_json::Map<String, Value> = read(&body)?;
    let mut all = serde_json::to_value(simulator.knobs()).unwrap_or_default();
    if let Some(all) = all.as_object_mut() {
        all.extend(given);
    }
    let knobs: Knobs = serde_path_to_error::deserialize(all)
        .map_err(|error| Refusal(format!("`{}` can't be used: {}", error.path(), error.inner())))?;
    simulator.set_knobs(knobs.clone());
    Ok(Json(knobs))
}

/// The body of `PUT /_sim/clock`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClockChange {
    now_ms: Option<u64>,
    advance_ms: Option<u64>,
}

async fn put_clock(State(simulator): Sim, body: Bytes) -> Result<Json<Value>, Refusal> {
    match read::<ClockChange>(&body)? {
        ClockChange { now_ms: Some(now_ms), advance_ms: None } => simulator.set_now_ms(now_ms),
        ClockChange { now_ms: None, advance_ms: Some(ms) } => simulator.advance(Duration::from_millis(ms)),
        _ => return Err(Refusal("the body can't be used: give either `now_ms` or `advance_ms`".to_owned())),
    }
    Ok(time_of(&simulator))
}

fn time_of(simulator: &Simulator) -> Json<Value> {
    let now_ms = simulator.now_ms();
    Json(json!({ "now_ms": now_ms, "now": format_timestamp(now_ms) }))
}

async fn hand(State(simulator): Sim, body: Bytes) -> Result<Json<HandOutcome>, Refusal> {
    let outcome = simulator.hand(read::<Hand>(&body)?);
    outcome.map(Json).map_err(|error| Refusal(format!("the change can't be made: {error}")))
}

async fn unknown() -> (StatusCode, Json<Value>) {
    let error = "there is no such control route; GET /_sim lists them";
    (StatusCode::NOT_FOUND, Json(json!({ "error": error })))
}
