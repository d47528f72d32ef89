//! One request from the guest to the answer: asks the questions of the policy in their order, and keeps the
//! transcript.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Uri, header, uri};
use http_body_util::{BodyExt, Full};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use wasmtime_wasi_http::{
    DEFAULT_FORBIDDEN_HEADERS, Error as WasiError, ForbiddenHeaderFilter, RequestOptions, WasiBody,
    WasiHttpHooks,
};

use super::body::{Unread, whole};
use super::credential::Credential;
use super::endpoint::Endpoint;
use super::pace::Pace;
use super::policy::{self, Denial, Route};
use super::transport::{Outbound, Transport, TransportError};
use crate::call::CallRecord;
use crate::clock::Clock;
use crate::limits::Limits;
use crate::observe::{Exchange, ExchangeEnd};

/// What the guest writes of a body at once, and what waits for the host to take it. WASI's own size, 1 MiB, would let
/// the bodies of requests that are never sent fill the host's memory.
const BODY_CHUNK_BYTES: usize = 64 << 10;
/// What stands in the transcript for a part of a request with the key in it, and for what nobody looked at.
const WITHHELD: &str = "[withheld]";

/// One tenant's way out.
pub(crate) struct Gate {
    /// Origins that the manifest names and the installer approved.
    pub(crate) routes: Vec<Route>,
    /// The header that the manifest names for the key.
    pub(crate) key_header: HeaderName,
    /// The key; a gate without one lets nothing through.
    pub(crate) credential: Option<Credential>,
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) pace: Arc<Pace>,
    pub(crate) clock: Arc<dyn Clock>,
}

/// Why a request got no answer, before it is put in WASI's words.
enum Stop {
    Denied(Denial),
    Withheld(Denial),
    Failed(TransportError),
}

impl Gate {
    /// Whether these bytes, a few, contain the tenant's key.
    pub(crate) fn finds_key(&self, bytes: &[u8]) -> bool {
        self.credential.as_ref().is_some_and(|credential| credential.is_in(bytes))
    }

    /// Whether these bytes, however many, contain the tenant's key.
    pub(crate) async fn finds_key_giving_way(&self, bytes: &[u8]) -> bool {
        match &self.credential {
            Some(credential) => credential.is_in_giving_way(bytes).await,
            None => false,
        }
    }

    async fn pass(
        &self,
        request: http::Request<WasiBody>,
        guest_timeout: Option<Duration>,
        limits: &Limits,
        mut transcript: Transcript,
    ) -> Result<http::Response<Bytes>, WasiError> {
        transcript.addressed(&request);
        let call = Arc::clone(&transcript.call);
        let stop = match self.exchange(request, guest_timeout, limits, &mut transcript).await {
            Ok(response) => {
                let (status, body) = (response.status().as_u16(), response.body());
                let response_body = call.excerpt(body);
                let response_bytes = body.len() as u64;
                transcript.end(ExchangeEnd::Answered { status, response_bytes, response_body });
                return Ok(response);
            }
            Err(stop) => stop,
        };
        match stop {
            Stop::Denied(denial) => {
                let code = WasiError::from(&denial);
                transcript.end(ExchangeEnd::Denied(denial));
                Err(code)
            }
            Stop::Withheld(denial) => {
                let code = WasiError::from(&denial);
                transcript.end(ExchangeEnd::Withheld(denial));
                Err(code)
            }
            Stop::Failed(error) => {
                let code = WasiError::from(&error);
                if let TransportError::Abort(reason) = &error {
                    call.abort(reason.clone());
                }
                transcript.end(ExchangeEnd::Failed(error));
                Err(code)
            }
        }
    }

    async fn exchange(
        &self,
        request: http::Request<WasiBody>,
        guest_timeout: Option<Duration>,
        limits: &Limits,
        transcript: &mut Transcript,
    ) -> Result<http::Response<Bytes>, Stop> {
        let (mut parts, body) = request.into_parts();
        let closed = || Denial::Origin("no origin".to_owned());
        let credential = self.credential.as_ref().ok_or_else(closed).map_err(Stop::Denied)?;
        // Before the other refusals, which say what they refuse.
        policy::keyless_address(&parts.method, &parts.uri, credential).map_err(|denial| {
            transcript.withhold_address();
            Stop::Denied(denial)
        })?;
        let route = policy::route(&parts.uri, &self.routes).map_err(Stop::Denied)?;
        policy::ordinary(&parts.method).map_err(Stop::Denied)?;
        policy::clean_headers(&parts.headers, &self.key_header, limits.header_bytes_max)
            .map_err(Stop::Denied)?;
        let (bytes_max, too_long) = policy::body_room(&parts.method, limits.request_body_bytes_max);
        let body = whole(body, bytes_max).await.map_err(|unread| match unread {
            Unread::TooLong => Stop::Denied(too_long),
            Unread::BrokenOff => Stop::Denied(Denial::BodyUnfinished),
        })?;
        transcript.body_bytes(body.len());
        policy::keyless_content(&parts.headers, &body, credential).await.map_err(Stop::Denied)?;
        transcript.body_excerpt(&body);

        credential.add_to(&mut parts.headers);
        // Lengths are the client's to write; encodings would hide the key from the search of the answer.
        parts.headers.remove(header::CONTENT_LENGTH);
        parts.headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        parts.uri = addressed_to(&route.endpoint, &parts.uri).map_err(Stop::Denied)?;

        let paced = self.pace.turn(self.clock.as_ref()).await;
        transcript.paced(paced.map_err(|wait_ms| Stop::Denied(Denial::Paced(wait_ms)))?);
        let outbound = Outbound {
            request: http::Request::from_parts(parts, body),
            reach: route.endpoint.reach(),
            timeout: limits.response_timeout.min(guest_timeout.unwrap_or(Duration::MAX)),
            response_bytes_max: limits.response_body_bytes_max,
        };
        let response = self.transport.send(outbound).await.map_err(Stop::Failed)?;
        self.pace.note(self.clock.now_ms(), response.status(), response.headers());

        // Transports are told the limit; those that a platform brings may not keep to it.
        if response.body().len() > limits.response_body_bytes_max {
            let error = TransportError::ResponseTooLarge(limits.response_body_bytes_max as u64);
            return Err(Stop::Failed(error));
        }
        policy::answer_headers_fit(response.headers(), limits.header_bytes_max).map_err(Stop::Withheld)?;
        let keyless = policy::keyless_answer(response.headers(), response.body(), credential).await;
        keyless.map_err(Stop::Withheld)?;
        Ok(response)
    }
}

/// The request's path and query at the endpoint. Nothing else of the guest's address is taken over.
fn addressed_to(endpoint: &Endpoint, guest: &Uri) -> Result<Uri, Denial> {
    let path = guest.path_and_query().map_or("/", uri::PathAndQuery::as_str);
    let built =
        Uri::builder().scheme(endpoint.scheme()).authority(endpoint.authority()).path_and_query(path).build();
    built.map_err(|error| Denial::Address(error.to_string()))
}

/// The record of one request. When the call ends while the request is on its way, the record says so.
struct Transcript {
    call: Arc<CallRecord>,
    exchange: Option<Exchange>,
    requests_max: u32,
}

impl Transcript {
    /// Counts the request. What it is stays untold until somebody looks at it.
    fn begin(call: &Arc<CallRecord>, requests_max: u32, at_ms: u64) -> Self {
        let exchange = Exchange {
            tenant: call.tenant().to_owned(),
            call: call.number(),
            request: call.count_request(),
            at_ms,
            method: WITHHELD.to_owned(),
            origin: WITHHELD.to_owned(),
            path: WITHHELD.to_owned(),
            request_bytes: 0,
            request_body: Bytes::new(),
            paced: Duration::ZERO,
            end: ExchangeEnd::Abandoned,
        };
        Self { call: Arc::clone(call), exchange: Some(exchange), requests_max }
    }

    fn addressed(&mut self, request: &http::Request<WasiBody>) {
        let uri = request.uri();
        let authority = uri.authority().map_or("", uri::Authority::as_str);
        self.change(|exchange| {
            exchange.method = request.method().to_string();
            exchange.origin = format!("{}://{authority}", uri.scheme_str().unwrap_or_default());
            exchange.path = uri.path_and_query().map_or("/", uri::PathAndQuery::as_str).to_owned();
        });
    }

    fn change(&mut self, change: impl FnOnce(&mut Exchange)) {
        if let Some(exchange) = &mut self.exchange {
            change(exchange);
        }
    }

    fn request(&self) -> u32 {
        self.exchange.as_ref().map_or(u32::MAX, |exchange| exchange.request)
    }

    fn withhold_address(&mut self) {
        self.change(|exchange| {
            exchange.method = WITHHELD.to_owned();
            exchange.path = WITHHELD.to_owned();
            exchange.origin = WITHHELD.to_owned();
        });
    }

    fn body_bytes(&mut self, bytes: usize) {
        self.change(|exchange| exchange.request_bytes = bytes as u64);
    }

    fn body_excerpt(&mut self, body: &Bytes) {
        let excerpt = self.call.excerpt(body);
        self.change(|exchange| exchange.request_body = excerpt);
    }

    fn paced(&mut self, paced: Duration) {
        self.change(|exchange| exchange.paced = paced);
    }

    fn end(&mut self, end: ExchangeEnd) {
        let Some(exchange) = self.exchange.take() else { return };
        // Of all that are over the budget the first one is told: a guest must not flood whoever keeps transcripts.
        if exchange.request <= self.requests_max.saturating_add(1) {
            self.call.exchanged(&Exchange { end, ..exchange });
        }
    }
}

impl Drop for Transcript {
    fn drop(&mut self) {
        self.end(ExchangeEnd::Abandoned);
    }
}

/// What WASI's implementation asks during a call.
pub(crate) struct GateHooks {
    pub(crate) gate: Arc<Gate>,
    pub(crate) limits: Arc<Limits>,
    pub(crate) call: Arc<CallRecord>,
    /// A permit for each request that may be open at once.
    pub(crate) open: Arc<Semaphore>,
}

type Sending = Box<
    dyn Future<
            Output = Result<
                (http::Response<WasiBody>, Box<dyn Future<Output = Result<(), WasiError>> + Send>),
                WasiError,
            >,
        > + Send,
>;

impl WasiHttpHooks for GateHooks {
    fn forbidden_header_filter(&mut self) -> ForbiddenHeaderFilter {
        let gate = Arc::clone(&self.gate);
        Arc::new(move |name| {
            DEFAULT_FORBIDDEN_HEADERS.contains(name) || policy::reserved(name, &gate.key_header)
        })
    }

    fn p2_outgoing_body_chunk_size(&mut self) -> usize {
        BODY_CHUNK_BYTES
    }

    fn set_host_header(&mut self) -> bool {
        // The guest's spelling of the host must not reach a server; the client writes the endpoint's.
        false
    }

    fn send_request(
        &mut self,
        request: http::Request<WasiBody>,
        options: Option<RequestOptions>,
        _ended: Box<dyn Future<Output = Result<(), WasiError>> + Send>,
    ) -> Sending {
        let (gate, limits) = (Arc::clone(&self.gate), Arc::clone(&self.limits));
        let mut transcript = Transcript::begin(&self.call, limits.requests_max, gate.clock.now_ms());
        // Now, not when the request is looked at: so it counts from the moment it is sent, and what is refused costs the
        // host nothing. A guest may send hundreds, with an address of 64 KiB each, which nobody copies or searches.
        let admitted = policy::within_budget(transcript.request(), limits.requests_max).and_then(|()| {
            let place = Arc::clone(&self.open).try_acquire_owned();
            place.map_err(|_| Denial::TooManyOpen(limits.requests_open_max))
        });
        let place: OwnedSemaphorePermit = match admitted {
            Ok(place) => place,
            Err(denial) => {
                let code = WasiError::from(&denial);
                transcript.end(ExchangeEnd::Denied(denial));
                return Box::new(std::future::ready(Err(code)));
            }
        };
        Box::new(async move {
            let guest_timeout = options.and_then(|options| options.first_byte_timeout);
            let response = gate.pass(request, guest_timeout, &limits, transcript).await?;
            // The place is free again when the guest lets go of the body.
            let response = response.map(|body| {
                let body = Full::new(body).map_frame(move |frame| {
                    let _held = &place;
                    frame
                });
                body.map_err(|never| match never {}).boxed_unsync()
            });
            let nothing_left: Box<dyn Future<Output = Result<(), WasiError>> + Send> =
                Box::new(std::future::ready(Ok(())));
            Ok((response, nothing_left))
        })
    }
}
