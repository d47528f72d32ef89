//! How a permitted request is sent: the seam between policy and network.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use thiserror::Error;
use wasmtime_wasi_http::Error as WasiError;

use super::endpoint::Reach;

/// A request that passed every check, with the credential in it.
#[derive(Debug)]
pub struct Outbound {
    /// The request. Its URI is absolute and names the endpoint. It has neither a `host` nor a `content-length` header;
    /// the client adds them.
    pub request: http::Request<Bytes>,
    /// Which addresses the endpoint's name may resolve to.
    pub reach: Reach,
    /// From now to the last byte of the response.
    pub timeout: Duration,
    /// Longest body of a response. Reading stops there.
    pub response_bytes_max: usize,
}

/// Sends requests. [`HttpsClient`](super::HttpsClient) is the one for the real network. Implement this trait to answer
/// requests in the process itself (a simulator's router), or to send them through the platform's own client.
///
/// A transport must not follow redirects and must not repeat a request that may have been received: the plugin's handling
/// of writes whose response was lost depends on it.
#[async_trait]
pub trait Transport: Send + Sync {
    /// Sends the request and reads the whole response.
    async fn send(&self, outbound: Outbound) -> Result<http::Response<Bytes>, TransportError>;
}

/// Why there is no response.
///
/// With the first five nothing was sent. With the others the request may have had its effect.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TransportError {
    /// The endpoint's host name has no address.
    #[error("the name {0} cannot be resolved")]
    NameNotResolved(String),
    /// The endpoint's host name has only addresses that may not be reached: private, local, reserved.
    #[error("the address of {0} may not be reached from here")]
    AddressProhibited(String),
    /// Nothing listens there.
    #[error("the connection was refused")]
    ConnectionRefused,
    /// No connection in time.
    #[error("no connection in time")]
    ConnectTimedOut,
    /// No secure connection, for example because the certificate is not trusted.
    #[error("no secure connection: {0}")]
    Tls(String),
    /// The connection ended before the response did.
    #[error("the connection ended before the answer did")]
    ConnectionTerminated,
    /// No complete response in time.
    #[error("no complete answer in time")]
    ResponseTimedOut,
    /// The response is over its limit.
    #[error("the answer is longer than {0} bytes")]
    ResponseTooLarge(u64),
    /// The response is not HTTP.
    #[error("the answer is not valid HTTP: {0}")]
    Protocol(String),
    /// The call ends at once with [`CallError::Aborted`](crate::CallError::Aborted), without an answer to the guest. For
    /// tests that cut a call off around a request.
    #[error("{0}")]
    Abort(String),
}

impl From<&TransportError> for WasiError {
    fn from(error: &TransportError) -> Self {
        match error {
            TransportError::NameNotResolved(_) => {
                Self::DnsError { rcode: Some("address not available".to_owned()), info_code: None }
            }
            TransportError::AddressProhibited(_) => Self::DestinationIpProhibited,
            TransportError::ConnectionRefused => Self::ConnectionRefused,
            TransportError::ConnectTimedOut => Self::ConnectionTimeout,
            TransportError::Tls(_) => Self::TlsProtocolError,
            TransportError::ConnectionTerminated => Self::ConnectionTerminated,
            TransportError::ResponseTimedOut => Self::HttpResponseTimeout,
            TransportError::ResponseTooLarge(bytes_max) => Self::HttpResponseBodySize(Some(*bytes_max)),
            TransportError::Protocol(_) => Self::HttpProtocolError,
            // The call is over, so the guest never gets this code.
            TransportError::Abort(_) => Self::InternalError(None),
        }
    }
}
