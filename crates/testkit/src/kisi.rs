//! The simulator's router as the host's transport.

use std::sync::Arc;

use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use door_access_host::{Clock, Outbound, Transport, TransportError};
use kisi_sim::{ConnectionDropped, Delay};
use tower::ServiceExt;

/// Hands requests to a simulator's router.
pub(crate) struct RouterTransport {
    router: Router,
    clock: Arc<dyn Clock>,
}

impl RouterTransport {
    pub(crate) fn new(router: Router, clock: Arc<dyn Clock>) -> RouterTransport {
        RouterTransport { router, clock }
    }
}

#[async_trait]
impl Transport for RouterTransport {
    async fn send(&self, outbound: Outbound) -> Result<http::Response<Bytes>, TransportError> {
        let Ok(response) = self.router.clone().oneshot(outbound.request.map(Body::from)).await;
        if response.extensions().get::<ConnectionDropped>().is_some() {
            return Err(TransportError::ConnectionTerminated);
        }
        if let Some(Delay(by)) = response.extensions().get().cloned() {
            self.clock.sleep(by.min(outbound.timeout)).await;
            if by > outbound.timeout {
                return Err(TransportError::ResponseTimedOut);
            }
        }
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, outbound.response_bytes_max).await;
        let too_large = TransportError::ResponseTooLarge(outbound.response_bytes_max as u64);
        Ok(http::Response::from_parts(parts, body.map_err(|_| too_large)?))
    }
}
