//! How a request that may go out is carried: the seam between policy and network.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use thiserror::Error;
use wasmtime_wasi_http::Error as WasiError;

use super::endpoint::Reach;

/// A request that passed every question, with the credential in it.
#[derive(Debug)]
pub struct Outbound {
    /// The request. Its URI is absolute and names the endpoint: the plugin's own origin, or where that is
    /// routed to. It has neither a `host` nor a `content-length` header; the client adds them.
    pub request: http::Request<Bytes>,
    /// Which addresses the endpoint's name may resolve to.
    pub reach: Reach,
    /// From now to the last byte of the answer.
    pub timeout: Duration,
    /// Longest body of an answer. Reading stops there.
    pub response_bytes_max: usize,
}

/// Carries requests. Implement it to answer them in the process itself (a simulator's router), or to send
/// them through a client of the platform's own; [`HttpsClient`](super::HttpsClient) is the one for the real
/// network.
///
/// A transport must not follow redirects and must not repeat a request that may have been received: the
/// plugin's decisions about writes whose answer was lost depend on it.
#[async_trait]
pub trait Transport: Send + Sync {
    /// Sends the request and reads the whole answer.
    async fn send(&self, outbound: Outbound) -> Result<http::Response<Bytes>, TransportError>;
}

/// Why there is no answer.
///
/// The first five mean that nothing was sent. After the others the request may have had its effect.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TransportError {
    /// The endpoint's name has no address.
    #[error("the name {0} cannot be resolved")]
    NameNotResolved(String),
    /// The endpoint's name leads only to addresses that may not be reached: private, local, reserved.
    #[error("the address of {0} may not be reached from here")]
    AddressProhibited(String),
    /// Nobody listens there.
    #[error("the connection was refused")]
    ConnectionRefused,
    /// No connection in time.
    #[error("no connection in time")]
    ConnectTimedOut,
    /// No secure connection, for example because the certificate is not trusted.
    #[error("no secure connection: {0}")]
    Tls(String),
    /// The connection ended before the answer did.
    #[error("the connection ended before the answer did")]
    ConnectionTerminated,
    /// No complete answer in time.
    #[error("no complete answer in time")]
    ResponseTimedOut,
    /// The answer is longer than it may be.
    #[error("the answer is longer than {0} bytes")]
    ResponseTooLarge(u64),
    /// What came back is no HTTP.
    #[error("the answer is not valid HTTP: {0}")]
    Protocol(String),
    /// The call ends here and now with [`CallError::Aborted`](crate::CallError::Aborted), and the guest
    /// learns nothing. For tests that cut a call off around a request.
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
            // The guest never gets this far; were it to, an error without a meaning is the right one.
            TransportError::Abort(_) => Self::InternalError(None),
        }
    }
}
