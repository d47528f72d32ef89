//! The path of a request: endpoint, key, rate limit, fault, rights, headers, parameters, then the resource; and its
//! entry in the journal.
//!
//! The order is inferred where no source gives it. A request refused for its rate reaches no fault, so that the fault
//! fires for the retry.

use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{HeaderMap, Method, Response, StatusCode, Uri};
use serde_json::Value;

use crate::body::Fields;
use crate::error::{ApiError, envelope};
use crate::event::Acting;
use crate::faults::{self, FaultEffect};
use crate::journal::{JournalEntry, redact_new_secrets};
use crate::knobs::{IntegrationHeaders, UnknownInput};
use crate::query::Query;
use crate::quota::Payer;
use crate::reply::{Reply, ReplyBody, dropped};
use crate::route::{self, Access, Endpoint, Rows};
use crate::state::State;

/// The longest request body that is read. The longest useful one, a user with full metadata, is far shorter.
pub(crate) const REQUEST_BYTES_MAX: usize = 1024 * 1024;

/// A request as it arrived; no body if it was too long.
pub(crate) struct ApiRequest {
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Option<Bytes>,
}

/// The body of a request.
enum RequestBody {
    TooLong,
    Empty,
    Json(Value),
    Text(String),
}

/// The user of the key, or other login, of a request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Caller {
    pub(crate) user_id: u64,
    pub(crate) login_id: u64,
    pub(crate) organization_id: u64,
    pub(crate) administers: bool,
}

/// A request as a resource receives it.
pub(crate) struct Call<'a> {
    pub(crate) state: &'a mut State,
    pub(crate) caller: Caller,
    pub(crate) query: Query,
    pub(crate) body: Option<&'a Value>,
    pub(crate) argument: Option<&'a str>,
    /// The fault that applies to this list.
    pub(crate) list_fault: Option<FaultEffect>,
    /// Body fields that the endpoint does not document.
    pub(crate) unknown_fields: Vec<String>,
}

impl Call<'_> {
    /// The id in the path. A text that is no number finds no record.
    pub(crate) fn id(&self) -> Result<u64, ApiError> {
        self.argument.and_then(|id| id.parse().ok()).ok_or(ApiError::RecordNotFound)
    }

    /// The fields of the body.
    pub(crate) fn fields(&self, wrapper: &'static str) -> Result<Fields, ApiError> {
        Fields::read(self.body, wrapper)
    }
}

/// Answers one request and records it.
pub(crate) fn answer(state: &mut State, request: &ApiRequest) -> Response<Body> {
    let secret = secret_of(&request.headers);
    let caller = secret.and_then(|secret| identify(state, secret));
    let (method, path) = (request.method.as_str(), request.uri.path());
    let found = route::find(method, path);
    let body = read_body(request);
    let mut entry = entry_of(state, request, caller, found.map(|(endpoint, _)| endpoint), &body);

    let payer = caller.map_or(Payer::Unknown, |caller| Payer::User(caller.user_id));
    let outcome = if is_admitted(state, payer) {
        if let Some(caller) = caller {
            state.use_login(caller.login_id);
        }
        let rows = found.map_or(Rows::None, |(endpoint, _)| endpoint.rows);
        let effect = faults::fire(&mut state.faults, method, path, rows);
        entry.fault = effect.as_ref().map(|effect| effect.name().to_owned());
        under_fault(effect, |list_fault| {
            let result = perform(state, request, caller, found, &body, list_fault, &mut entry);
            entry.committed = result.is_ok() && found.is_some_and(|(endpoint, _)| endpoint.is_write());
            result.unwrap_or_else(Reply::from)
        })
    } else {
        Some(Reply::from(ApiError::TooManyRequests { retry_after_s: state.knobs.retry_after_s }))
    };

    entry.status = outcome.as_ref().map(|reply| reply.status.as_u16());
    if state.knobs.journal_responses {
        entry.response = outcome.as_ref().and_then(|reply| match &reply.body {
            ReplyBody::Empty => None,
            ReplyBody::Json(value) => Some(value.clone()),
            ReplyBody::Html(text) => Some(Value::from(*text)),
        });
        entry.response.iter_mut().for_each(redact_new_secrets);
    }
    if let Some(secret) = secret {
        entry.redact(secret);
    }
    let committed = entry.committed;
    state.journal.record(entry);
    outcome.map_or_else(|| dropped(committed), Reply::into_response)
}

/// Performs the request if the fault allows it, and returns the answer as the fault changes it; none is a dropped
/// connection.
fn under_fault(
    effect: Option<FaultEffect>,
    perform: impl FnOnce(Option<FaultEffect>) -> Reply,
) -> Option<Reply> {
    match effect {
        None => Some(perform(None)),
        Some(FaultEffect::Status { status, retry_after_s }) => {
            Some(Reply { retry_after_s, ..injected(status) })
        }
        Some(FaultEffect::StatusAfterCommit { status }) => {
            perform(None);
            Some(injected(status))
        }
        Some(FaultEffect::Html {}) => Some(Reply::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            ReplyBody::Html("<html><head><title>500</title></head><body><h1>gateway</h1></body></html>"),
        )),
        Some(FaultEffect::Delay { ms }) => {
            Some(Reply { delay: Some(Duration::from_millis(ms)), ..perform(None) })
        }
        Some(FaultEffect::DropBeforeCommit {}) => None,
        Some(FaultEffect::DropAfterCommit {}) => {
            perform(None);
            None
        }
        list_fault => Some(perform(list_fault)),
    }
}

/// An injected error status, in Kisi's envelope for it.
fn injected(status: u16) -> Reply {
    const MESSAGE: &str = "injected by the simulator";
    match status {
        401 => ApiError::Unauthorized.into(),
        403 => ApiError::Forbidden.into(),
        404 => ApiError::RecordNotFound.into(),
        409 => ApiError::AlreadyExists.into(),
        422 => ApiError::field("base", MESSAGE).into(),
        429 => ApiError::TooManyRequests { retry_after_s: None }.into(),
        other => {
            let status = StatusCode::from_u16(other).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            envelope(status, MESSAGE, "mock99")
        }
    }
}

fn perform(
    state: &mut State,
    request: &ApiRequest,
    caller: Option<Caller>,
    found: Option<(&'static Endpoint, Option<&str>)>,
    body: &RequestBody,
    list_fault: Option<FaultEffect>,
    entry: &mut JournalEntry,
) -> Result<Reply, ApiError> {
    let (endpoint, argument) = found.ok_or(ApiError::EndpointNotFound)?;
    let query = Query::of(&request.uri);
    entry.unknown_parameters = query.unknown(endpoint.parameters);
    let caller = caller.ok_or(ApiError::Unauthorized)?;
    if endpoint.access == Access::Administrator && !caller.administers {
        return Err(ApiError::Forbidden);
    }
    check_integration_headers(state, entry)?;
    if state.knobs.unknown_parameters == UnknownInput::Unprocessable {
        let names = entry.unknown_parameters.iter();
        let errors = names.map(|name| (name.clone(), vec!["is not a documented parameter".to_owned()]));
        ApiError::unless_empty(errors.collect())?;
    }
    let body = match body {
        RequestBody::TooLong => return Err(ApiError::BodyTooLong),
        RequestBody::Text(_) if endpoint.is_write() => {
            return Err(ApiError::BadRequest("The request body is no JSON"));
        }
        RequestBody::Text(_) | RequestBody::Empty => None,
        RequestBody::Json(value) => Some(value),
    };
    state.as_done_by(acting(state, endpoint, caller), |state| {
        let mut call = Call { state, caller, query, body, argument, list_fault, unknown_fields: Vec::new() };
        let result = (endpoint.answer)(&mut call);
        entry.unknown_fields = call.unknown_fields;
        result
    })
}

/// The actor of a request's events. A read makes none.
fn acting(state: &State, endpoint: &Endpoint, caller: Caller) -> Option<Acting> {
    let user = state.users.get(caller.user_id).filter(|_| endpoint.is_write())?;
    Some(Acting::User { user: Box::new(user.clone()), login_id: caller.login_id })
}

/// The secret of `Authorization: KISI-LOGIN <secret>`.
fn secret_of(headers: &HeaderMap) -> Option<&str> {
    let (scheme, secret) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let secret = secret.trim();
    (scheme.eq_ignore_ascii_case("KISI-LOGIN") && !secret.is_empty()).then_some(secret)
}

fn identify(state: &State, secret: &str) -> Option<Caller> {
    let login = state.login(secret)?;
    let user = state.users.get(login.user_id)?;
    Some(Caller {
        user_id: user.id,
        login_id: login.id,
        organization_id: user.organization_id,
        administers: state.administers(user.id),
    })
}

fn is_admitted(state: &mut State, payer: Payer) -> bool {
    let now_ms = state.now_ms();
    !state.knobs.rate_limit || state.quotas.admit(payer, now_ms, state.knobs.requests_per_second.get())
}

fn check_integration_headers(state: &State, entry: &JournalEntry) -> Result<(), ApiError> {
    let both = entry.integration_identifier.is_some() && entry.integration_contact.is_some();
    match state.knobs.integration_headers {
        IntegrationHeaders::Unprocessable if !both => {
            Err(ApiError::field("integration", "the X-Kisi-Integration headers can't be blank"))
        }
        IntegrationHeaders::BadRequest if !both => {
            Err(ApiError::BadRequest("The X-Kisi-Integration headers are missing"))
        }
        _ => Ok(()),
    }
}

fn read_body(request: &ApiRequest) -> RequestBody {
    match &request.body {
        None => RequestBody::TooLong,
        Some(bytes) if bytes.is_empty() => RequestBody::Empty,
        Some(bytes) => serde_json::from_slice(bytes).map_or_else(
            |_| RequestBody::Text(String::from_utf8_lossy(bytes).into_owned()),
            RequestBody::Json,
        ),
    }
}

fn entry_of(
    state: &State,
    request: &ApiRequest,
    caller: Option<Caller>,
    endpoint: Option<&Endpoint>,
    body: &RequestBody,
) -> JournalEntry {
    let header = |name: &str| {
        let text = request.headers.get(name)?.to_str().ok()?.trim();
        (!text.is_empty()).then(|| text.to_owned())
    };
    JournalEntry {
        at: state.now_ms(),
        method: request.method.to_string(),
        path: request.uri.path().to_owned(),
        query: request.uri.query().unwrap_or_default().to_owned(),
        endpoint: endpoint.map(Endpoint::name),
        user_id: caller.map(|caller| caller.user_id),
        organization_id: caller.map(|caller| caller.organization_id),
        integration_identifier: header("x-kisi-integration-identifier"),
        integration_contact: header("x-kisi-integration-contact"),
        body: match body {
            RequestBody::TooLong | RequestBody::Empty => None,
            RequestBody::Json(value) => Some(value.clone()),
            RequestBody::Text(text) => Some(text.as_str().into()),
        },
        ..JournalEntry::default()
    }
}
