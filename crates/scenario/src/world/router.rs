//! A router as a transport: requests are answered in this process, and no socket is opened.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::body::{Body, to_bytes};
use bytes::Bytes;
use http::{Request, Response};
use kisi_sim::{ConnectionDropped, Delay};
use tower::ServiceExt;

use door_access_host::{Clock, Outbound, Transport, TransportError};

/// The result of a request to a router.
#[derive(Debug)]
pub struct Routed {
    /// The whole answer; `None` when the simulated connection broke before it. The request may have had its effect.
    pub response: Option<Response<Bytes>>,
    /// How much later the answer arrives.
    pub delay: Duration,
}

/// Sends a request to a router, such as [`kisi_sim::Simulator::router`], and reads the whole answer. It
/// does not wait: the caller decides what a delay means.
pub async fn call_router(router: &Router, request: Request<Bytes>) -> Routed {
    let Ok(response) = router.clone().oneshot(request.map(Body::from)).await;
    let delay = response.extensions().get().map_or(Duration::ZERO, |Delay(by)| *by);
    if response.extensions().get::<ConnectionDropped>().is_some() {
        return Routed { response: None, delay };
    }
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.ok();
    Routed { response: body.map(|body| Response::from_parts(parts, body)), delay }
}

/// A transport that hands requests to a router. Delays pass on the given clock.
///
/// To observe or to alter requests and answers, wrap it in a transport of your own.
#[derive(Clone)]
pub struct RouterTransport {
    router: Router,
    clock: Arc<dyn Clock>,
}

impl RouterTransport {
    /// A transport to `router`.
    pub fn new(router: Router, clock: Arc<dyn Clock>) -> RouterTransport {
        RouterTransport { router, clock }
    }
}

#[async_trait]
impl Transport for RouterTransport {
    async fn send(&self, outbound: Outbound) -> Result<Response<Bytes>, TransportError> {
        let Routed { response, delay } = call_router(&self.router, outbound.request).await;
        let response = response.ok_or(TransportError::ConnectionTerminated)?;
        if !delay.is_zero() {
            self.clock.sleep(delay.min(outbound.timeout)).await;
        }
        if delay > outbound.timeout {
            return Err(TransportError::ResponseTimedOut);
        }
        if response.body().len() > outbound.response_bytes_max {
            return Err(TransportError::ResponseTooLarge(outbound.response_bytes_max as u64));
        }
        Ok(response)
    }
}
