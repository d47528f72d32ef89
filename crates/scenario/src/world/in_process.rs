//! The simulator in this process, as a transport: its router is called as a service, no socket is opened.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use kisi_sim::{ConnectionDropped, Delay};
use tower::ServiceExt;

use door_access_host::{Clock, Outbound, Transport, TransportError};

/// Hands requests to a simulator's router.
pub(super) struct RouterTransport {
    pub(super) router: Router,
    pub(super) clock: Arc<dyn Clock>,
}

#[async_trait]
impl Transport for RouterTransport {
    async fn send(&self, outbound: Outbound) -> Result<http::Response<Bytes>, TransportError> {
        let answered = self.router.clone().oneshot(outbound.request.map(Body::from)).await;
        let response = match answered {
            Ok(response) => response,
            Err(never) => match never {},
        };
        if response.extensions().get::<ConnectionDropped>().is_some() {
            return Err(TransportError::ConnectionTerminated);
        }
        if let Some(Delay(by)) = response.extensions().get().cloned() {
            self.wait(by, outbound.timeout).await?;
        }
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, outbound.response_bytes_max).await;
        let too_large = TransportError::ResponseTooLarge(outbound.response_bytes_max as u64);
        Ok(http::Response::from_parts(parts, body.map_err(|_| too_large)?))
    }
}

impl RouterTransport {
    /// Waits for a late answer, on the clock that everything else runs on, and no longer than for the timeout.
    async fn wait(&self, by: Duration, timeout: Duration) -> Result<(), TransportError> {
        self.clock.sleep(by.min(timeout)).await;
        if by > timeout { Err(TransportError::ResponseTimedOut) } else { Ok(()) }
    }
}
