//! The way of one request of the guest: the checks of `egress::policy` in their order, the sending, the checks of the
//! response, and the transcript of it all.

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

use super::Provisions;
use super::record::CallRecord;
use crate::clock::Clock;
use crate::egress::body::{Unread, read_whole};
use crate::egress::policy::{self, Route};
use crate::egress::{Credential, Denial, Endpoint, Outbound, Pace, Transport, TransportError};
use crate::limits::Limits;
use crate::observe::{Exchange, ExchangeEnd};

/// The most bytes of a body that a guest can write before the host reads them. With WASI's default, 1 MiB, the bodies
/// of requests that are never sent could fill the host's memory.
const BODY_CHUNK_BYTES: usize = 64 << 10;
/// Replaces, in the transcript, the parts of a request that contain the key or were never examined.
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

/// Why the guest gets no response.
enum Unanswered {
    /// The request was refused and not sent.
    Denied(Denial),
    /// The response was refused.
    Withheld(Denial),
    /// The transport got no response.
    Failed(TransportError),
}

impl From<Denial> for Unanswered {
    fn from(denial: Denial) -> Self {
        Self::Denied(denial)
    }
}

impl Gate {
    /// Whether these few bytes contain the tenant's key.
    pub(crate) fn finds_key(&self, bytes: &[u8]) -> bool {
        self.credential.as_ref().is_some_and(|credential| credential.is_in(bytes))
    }

    /// Whether these bytes, however many, contain the tenant's key. Yields to other tasks in between.
    pub(crate) async fn finds_key_yielding(&self, bytes: &[u8]) -> bool {
        match &self.credential {
            Some(credential) => credential.is_in_yielding(bytes).await,
            None => false,
        }
    }

    async fn pass(
        &self,
        request: http::Request<WasiBody>,
        guest_timeout: Option<Duration>,
        mut transcript: Transcript,
    ) -> Result<http::Response<Bytes>, WasiError> {
        transcript.address(&request);
        let limits = Arc::clone(&transcript.call.provisions.limits);
        match self.exchange(request, guest_timeout, &limits, &mut transcript).await {
            Ok(response) => {
                transcript.exchange.end = ExchangeEnd::Answered {
                    status: response.status().as_u16(),
                    response_bytes: response.body().len() as u64,
                    response_body: transcript.call.excerpt(response.body()),
                };
                Ok(response)
            }
            Err(unanswered) => Err(transcript.close(unanswered)),
        }
    }

    async fn exchange(
        &self,
        request: http::Request<WasiBody>,
        guest_timeout: Option<Duration>,
        limits: &Limits,
        transcript: &mut Transcript,
    ) -> Result<http::Response<Bytes>, Unanswered> {
        let (mut parts, body) = request.into_parts();
        let closed = || Denial::Origin("no origin".to_owned());
        let credential = self.credential.as_ref().ok_or_else(closed)?;
        // This check is the first, because later refusals show the method and the address in the transcript.
        policy::keyless_address(&parts.method, &parts.uri, credential)
            .inspect_err(|_| transcript.withhold_address())?;
        let route = policy::route(&parts.uri, &self.routes)?;
        policy::ordinary(&parts.method)?;
        policy::clean_headers(&parts.headers, &self.key_header, limits.header_bytes_max)?;
        let (bytes_max, too_long) = policy::body_room(&parts.method, limits.request_body_bytes_max);
        let body = read_whole(body, bytes_max).await.map_err(|unread| match unread {
            Unread::TooLong => too_long,
            Unread::BrokenOff => Denial::BodyUnfinished,
        })?;
        transcript.exchange.request_bytes = body.len() as u64;
        policy::keyless_content(&parts.headers, &body, credential).await?;
        transcript.exchange.request_body = transcript.call.excerpt(&body);

        credential.add_to(&mut parts.headers);
        // The client writes the length; an encoding would hide the key from the search of the response.
        parts.headers.remove(header::CONTENT_LENGTH);
        parts.headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        parts.uri = addressed_to(&route.endpoint, &parts.uri)?;

        transcript.exchange.paced = self.pace.turn(self.clock.as_ref()).await.map_err(Denial::Paced)?;
        let outbound = Outbound {
            request: http::Request::from_parts(parts, body),
            reach: route.endpoint.reach(),
            timeout: limits.response_timeout.min(guest_timeout.unwrap_or(Duration::MAX)),
            response_bytes_max: limits.response_body_bytes_max,
        };
        let response = self.transport.send(outbound).await.map_err(Unanswered::Failed)?;
        self.pace.note(self.clock.now_ms(), response.status(), response.headers());

        // Transports get the limit, but a platform's own transport may ignore it.
        if response.body().len() > limits.response_body_bytes_max {
            let error = TransportError::ResponseTooLarge(limits.response_body_bytes_max as u64);
            return Err(Unanswered::Failed(error));
        }
        let (headers, body) = (response.headers(), response.body());
        policy::response_headers_fit(headers, limits.header_bytes_max).map_err(Unanswered::Withheld)?;
        policy::keyless_response(headers, body, credential).await.map_err(Unanswered::Withheld)?;
        Ok(response)
    }
}

/// The endpoint's address with the path and query of the guest's. Nothing else of the guest's address is used.
fn addressed_to(endpoint: &Endpoint, guest: &Uri) -> Result<Uri, Denial> {
    let path = guest.path_and_query().map_or("/", uri::PathAndQuery::as_str);
    let built =
        Uri::builder().scheme(endpoint.scheme()).authority(endpoint.authority()).path_and_query(path).build();
    built.map_err(|error| Denial::Address(error.to_string()))
}

/// The record of one request. It reaches the observer when it is dropped, so a request that its call leaves behind is
/// reported as abandoned.
struct Transcript {
    call: Arc<CallRecord>,
    exchange: Exchange,
}

impl Transcript {
    /// Counts the request. Method and address are withheld until [`Transcript::address`] fills them in.
    fn new(call: &Arc<CallRecord>) -> Self {
        let exchange = Exchange {
            tenant: call.tenant(),
            call: call.number(),
            request: call.count_request(),
            at_ms: call.provisions.clock.now_ms(),
            method: WITHHELD.to_owned(),
            origin: WITHHELD.to_owned(),
            path: WITHHELD.to_owned(),
            request_bytes: 0,
            request_body: Bytes::new(),
            paced: Duration::ZERO,
            end: ExchangeEnd::Abandoned,
        };
        Self { call: Arc::clone(call), exchange }
    }

    fn address(&mut self, request: &http::Request<WasiBody>) {
        let uri = request.uri();
        let authority = uri.authority().map_or("", uri::Authority::as_str);
        self.exchange.method = request.method().to_string();
        self.exchange.origin = format!("{}://{authority}", uri.scheme_str().unwrap_or_default());
        self.exchange.path = uri.path_and_query().map_or("/", uri::PathAndQuery::as_str).to_owned();
    }

    fn withhold_address(&mut self) {
        let Exchange { method, origin, path, .. } = &mut self.exchange;
        for part in [method, origin, path] {
            WITHHELD.clone_into(part);
        }
    }

    /// Records why there is no response, and returns the code for the guest.
    fn close(mut self, unanswered: Unanswered) -> WasiError {
        let (code, end) = match unanswered {
            Unanswered::Denied(denial) => (WasiError::from(&denial), ExchangeEnd::Denied(denial)),
            Unanswered::Withheld(denial) => (WasiError::from(&denial), ExchangeEnd::Withheld(denial)),
            Unanswered::Failed(error) => (WasiError::from(&error), ExchangeEnd::Failed(error)),
        };
        if let ExchangeEnd::Failed(TransportError::Abort(reason)) = &end {
            self.call.abort(reason.clone());
        }
        self.exchange.end = end;
        code
    }
}

impl Drop for Transcript {
    fn drop(&mut self) {
        // Report only the first request over the budget: a guest must not flood observers.
        if self.exchange.request <= self.call.provisions.limits.requests_max.saturating_add(1) {
            self.call.exchanged(&self.exchange);
        }
    }
}

/// The hooks that the implementation of `wasi:http` calls, for one call of the guest.
pub(super) struct GateHooks {
    call: Arc<CallRecord>,
    /// A permit for each request that may be open at once.
    open: Arc<Semaphore>,
}

impl GateHooks {
    pub(super) fn new(call: &Arc<CallRecord>) -> Self {
        let open_max = call.provisions.limits.requests_open_max.min(Semaphore::MAX_PERMITS);
        Self { call: Arc::clone(call), open: Arc::new(Semaphore::new(open_max)) }
    }
}

type Ended = Box<dyn Future<Output = Result<(), WasiError>> + Send>;
type Sending = Box<dyn Future<Output = Result<(http::Response<WasiBody>, Ended), WasiError>> + Send>;

impl WasiHttpHooks for GateHooks {
    fn forbidden_header_filter(&mut self) -> ForbiddenHeaderFilter {
        let gate = Arc::clone(&self.call.provisions.gate);
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
        _ended: Ended,
    ) -> Sending {
        let Provisions { gate, limits, .. } = self.call.provisions.as_ref();
        let transcript = Transcript::new(&self.call);
        // These limits come before any check of the content, so a request over them costs the host almost nothing. A
        // guest may send hundreds with addresses of 64 KiB, which are then neither copied nor searched.
        let admitted =
            policy::within_budget(transcript.exchange.request, limits.requests_max).and_then(|()| {
                let place = Arc::clone(&self.open).try_acquire_owned();
                place.map_err(|_| Denial::TooManyOpen(limits.requests_open_max))
            });
        let place: OwnedSemaphorePermit = match admitted {
            Ok(place) => place,
            Err(denial) => return Box::new(std::future::ready(Err(transcript.close(denial.into())))),
        };
        let gate = Arc::clone(gate);
        Box::new(async move {
            let guest_timeout = options.and_then(|options| options.first_byte_timeout);
            let response = gate.pass(request, guest_timeout, transcript).await?;
            // The place is free again when the guest drops the body.
            let response = response.map(|body| {
                let body = Full::new(body).map_frame(move |frame| {
                    let _held = &place;
                    frame
                });
                body.map_err(|never| match never {}).boxed_unsync()
            });
            let ended: Ended = Box::new(std::future::ready(Ok(())));
            Ok((response, ended))
        })
    }
}
