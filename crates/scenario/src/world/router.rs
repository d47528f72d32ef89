//! A router as a transport: requests are answered in this process, and no socket is opened.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::body::{Body, to_bytes};
use bytes::Bytes;
use http::Response;
use kisi_sim::{ConnectionDropped, Delay};
use tower::ServiceExt;

use door_access_host::{Clock, Outbound, Transport, TransportError};

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
        let Ok(response) = self.router.clone().oneshot(outbound.request.map(Body::from)).await;
        let delay = response.extensions().get().map_or(Duration::ZERO, |Delay(by)| *by);
        if response.extensions().get::<ConnectionDropped>().is_some() {
            return Err(TransportError::ConnectionTerminated);
        }
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, usize::MAX).await.map_err(|_| TransportError::ConnectionTerminated)?;
        if !delay.is_zero() {
            self.clock.sleep(delay.min(outbound.timeout)).await;
        }
        if delay > outbound.timeout {
            return Err(TransportError::ResponseTimedOut);
        }
        if body.len() > outbound.response_bytes_max {
            return Err(TransportError::ResponseTooLarge(outbound.response_bytes_max as u64));
        }
        Ok(Response::from_parts(parts, body))
    }
}
