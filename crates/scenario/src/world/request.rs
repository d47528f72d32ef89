//! The crate's own requests, in JSON, over the same kind of transport as the plugin's.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, StatusCode, header};
use serde_json::Value;

use crate::unusable::Unusable;
use door_access_host::{Endpoint, Outbound, Transport};

/// Time for one request: a server that takes longer counts as unreachable.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Longest answer: the state of a large simulator.
const ANSWER_BYTES_MAX: usize = 64 << 20;

/// A server that answers requests at an address.
#[derive(Clone)]
pub(crate) struct Server {
    transport: Arc<dyn Transport>,
    endpoint: Endpoint,
}

impl Server {
    pub(super) fn new(transport: Arc<dyn Transport>, endpoint: Endpoint) -> Server {
        Server { transport, endpoint }
    }

    /// Sends one request. An answer that is not JSON is returned as `null`.
    pub(super) async fn send(
        &self,
        method: Method,
        path: &str,
        authorization: Option<&str>,
        body: Option<&Value>,
    ) -> Result<(StatusCode, Value), Unusable> {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.endpoint));
        request = request.header(header::ACCEPT, "application/json");
        if body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        if let Some(authorization) = authorization {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        let body = body.map(|body| Bytes::from(body.to_string())).unwrap_or_default();
        let request = request.body(body).map_err(|error| self.does_not_answer(&error.to_string()))?;
        let outbound = Outbound {
            request,
            reach: self.endpoint.reach(),
            timeout: TIMEOUT,
            response_bytes_max: ANSWER_BYTES_MAX,
        };
        let answer = self.transport.send(outbound).await;
        let answer = answer.map_err(|error| self.does_not_answer(&error.to_string()))?;
        Ok((answer.status(), serde_json::from_slice(answer.body()).unwrap_or(Value::Null)))
    }

    fn does_not_answer(&self, why: &str) -> Unusable {
        Unusable::new(format!(
            "{} does not answer ({why}): check the address and whether a server runs there",
            self.endpoint
        ))
    }
}
