//! The client for the real network: pooled, shared by all tenants, and strict about addresses.
//!
//! The key is in each request and not in the connection, so tenants share connections. Proxies from the environment are
//! not used.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http_body_util::Full;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{Client, Error as ClientError};
use hyper_util::rt::{TokioExecutor, TokioTimer};

use super::body::{Unread, read_whole};
use super::endpoint::{Reach, host_address};
use super::resolve::{Lookup, Lookups, ResolveError, Resolver, permits, system_lookup};
use super::transport::{Outbound, Transport, TransportError};

/// How connections are made and kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpsClientConfig {
    /// Time to resolve a name, including the wait for one of the name's two lookup threads; and as much again to connect.
    /// Default 10 s.
    pub connect_timeout: Duration,
    /// How long an unused connection is kept. Default 30 s: less than the minute after which servers close theirs, so
    /// that a request seldom meets a closing connection.
    pub idle_timeout: Duration,
    /// Unused connections kept per host. Default 32.
    pub idle_per_host_max: usize,
}

impl Default for HttpsClientConfig {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(30),
            idle_per_host_max: 32,
        }
    }
}

type Pool = Client<HttpsConnector<HttpConnector<Resolver>>, Full<Bytes>>;

/// The pooled client: HTTP/1.1 and HTTP/2, to public addresses over TLS with the web's root certificates, and to this
/// machine with or without TLS when an endpoint says so. Make one for the process and share it among all tenants.
#[derive(Clone)]
pub struct HttpsClient {
    public: Pool,
    // Separate, so that a connection to this machine is never reused for a public endpoint.
    local: Pool,
}

impl HttpsClient {
    /// A client with no connections yet.
    ///
    /// # Errors
    /// [`TransportError::Tls`] when the built-in cryptography supports no version of TLS.
    pub fn new(config: &HttpsClientConfig) -> Result<Self, TransportError> {
        Self::with_lookup(config, system_lookup())
    }

    fn with_lookup(config: &HttpsClientConfig, lookup: Lookup) -> Result<Self, TransportError> {
        let lookups = Lookups::new(lookup);
        let connector = |reach| {
            let resolver = Resolver { reach, timeout: config.connect_timeout, lookups: lookups.clone() };
            let mut connector = HttpConnector::new_with_resolver(resolver);
            connector.enforce_http(false);
            connector.set_nodelay(true);
            connector.set_connect_timeout(Some(config.connect_timeout));
            connector
        };
        // Name the cryptography provider: the embedding process may have others.
        let tls = || {
            let builder = HttpsConnectorBuilder::new();
            let builder = builder.with_provider_and_webpki_roots(rustls::crypto::ring::default_provider());
            builder.map_err(|error| TransportError::Tls(error.to_string()))
        };
        let public = tls()?.https_only().enable_all_versions();
        let local = tls()?.https_or_http().enable_all_versions();
        let mut pool = Client::builder(TokioExecutor::new());
        pool.pool_timer(TokioTimer::new())
            .pool_idle_timeout(config.idle_timeout)
            .pool_max_idle_per_host(config.idle_per_host_max)
            // Safe for writes too: repeats only requests that had not started to be sent when a pooled connection turned
            // out to be closed.
            .retry_canceled_requests(true);
        Ok(Self {
            public: pool.build(public.wrap_connector(connector(Reach::Public))),
            local: pool.build(local.wrap_connector(connector(Reach::Loopback))),
        })
    }

    async fn exchange(&self, outbound: Outbound) -> Result<http::Response<Bytes>, TransportError> {
        let Outbound { request, reach, response_bytes_max, .. } = outbound;
        let host = request.uri().host().unwrap_or_default();
        // An IP address in place of a name does not pass the resolver, so check it here.
        if host_address(host).is_some_and(|address| !permits(reach, address)) {
            return Err(TransportError::AddressProhibited(host.to_owned()));
        }
        let pool = match reach {
            Reach::Public => &self.public,
            Reach::Loopback => &self.local,
        };
        let response = pool.request(request.map(Full::new)).await.map_err(|error| not_answered(&error))?;
        let (parts, body) = response.into_parts();
        let body = read_whole(body, response_bytes_max).await.map_err(|unread| match unread {
            Unread::TooLong => TransportError::ResponseTooLarge(response_bytes_max as u64),
            Unread::BrokenOff => TransportError::ConnectionTerminated,
        })?;
        Ok(http::Response::from_parts(parts, body))
    }
}

impl fmt::Debug for HttpsClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpsClient").finish_non_exhaustive()
    }
}

#[async_trait]
impl Transport for HttpsClient {
    async fn send(&self, outbound: Outbound) -> Result<http::Response<Bytes>, TransportError> {
        let timeout = outbound.timeout;
        match tokio::time::timeout(timeout, self.exchange(outbound)).await {
            Ok(answer) => answer,
            Err(_) => Err(TransportError::ResponseTimedOut),
        }
    }
}

/// Converts the client's error. Its type says only whether connecting failed; the rest is in its causes.
fn not_answered(error: &ClientError) -> TransportError {
    let causes = || causes(error);
    if let Some(error) = causes().find_map(|cause| cause.downcast_ref::<ResolveError>()) {
        return match error {
            ResolveError::NotFound(name) => TransportError::NameNotResolved(name.clone()),
            ResolveError::Prohibited(name) => TransportError::AddressProhibited(name.clone()),
        };
    }
    let kind = causes().find_map(|cause| cause.downcast_ref::<io::Error>()).map(io::Error::kind);
    if error.is_connect() {
        return match kind {
            Some(io::ErrorKind::TimedOut) => TransportError::ConnectTimedOut,
            Some(
                io::ErrorKind::ConnectionRefused
                | io::ErrorKind::HostUnreachable
                | io::ErrorKind::NetworkUnreachable,
            ) => TransportError::ConnectionRefused,
            _ => TransportError::Tls(causes().last().map(ToString::to_string).unwrap_or_default()),
        };
    }
    match causes().find_map(|cause| cause.downcast_ref::<hyper::Error>()) {
        Some(error) if error.is_parse() => TransportError::Protocol(error.to_string()),
        Some(_) | None => TransportError::ConnectionTerminated,
    }
}

/// An error and its chain of causes.
fn causes<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |error: &&'a (dyn StdError + 'static)| (*error).source())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test]
    async fn an_ip_address_in_place_of_a_name_is_checked_too() {
        let client = HttpsClient::new(&HttpsClientConfig::default()).unwrap();
        for host in ["127.0.0.1", "[::1]", "10.0.0.1", "169.254.169.254"] {
            let request = http::Request::get(format!("https://{host}:1/")).body(Bytes::new()).unwrap();
            let timeout = Duration::from_secs(5);
            let outbound = Outbound { request, reach: Reach::Public, timeout, response_bytes_max: 1 };
            let answer = client.send(outbound).await;
            assert!(matches!(answer, Err(TransportError::AddressProhibited(_))), "{host}: {answer:?}");
        }
    }

    /// A server that counts its connections and answers one request on each.
    async fn server() -> (u16, Arc<AtomicUsize>) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let accepted = Arc::new(AtomicUsize::new(0));
        let count = accepted.clone();
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                count.fetch_add(1, Ordering::SeqCst);
                let _ = stream.read(&mut [0; 4_000]).await;
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nhere").await;
            }
        });
        (port, accepted)
    }

    fn to(uri: String, reach: Reach) -> Outbound {
        let request = http::Request::get(uri).body(Bytes::new()).unwrap();
        Outbound { request, reach, timeout: Duration::from_secs(5), response_bytes_max: 100 }
    }

    #[tokio::test]
    async fn a_connection_goes_to_the_checked_address_even_when_the_name_changes() {
        let (port, accepted) = server().await;
        let asked = Arc::new(AtomicUsize::new(0));
        let count = asked.clone();
        let lookup: Lookup = Arc::new(move |_| match count.fetch_add(1, Ordering::SeqCst) {
            0 => Ok(vec!["127.0.0.1".parse().unwrap()]),
            _ => Ok(vec!["10.0.0.1".parse().unwrap()]),
        });
        let client = HttpsClient::with_lookup(&HttpsClientConfig::default(), lookup).unwrap();
        let answer = client.send(to(format!("http://rebind.example:{port}/"), Reach::Loopback)).await;
        assert_eq!(answer.unwrap().body(), "here");
        assert_eq!((asked.load(Ordering::SeqCst), accepted.load(Ordering::SeqCst)), (1, 1));
    }

    #[tokio::test]
    async fn a_name_with_a_local_or_private_address_is_never_connected_to() {
        let (port, accepted) = server().await;
        for address in ["127.0.0.1", "::1", "10.0.0.1", "192.168.1.1", "169.254.169.254", "::ffff:127.0.0.1"]
        {
            let lookup: Lookup = Arc::new(move |_| Ok(vec![address.parse().unwrap()]));
            let client = HttpsClient::with_lookup(&HttpsClientConfig::default(), lookup).unwrap();
            let answer = client.send(to(format!("https://inside.example:{port}/"), Reach::Public)).await;
            assert!(matches!(answer, Err(TransportError::AddressProhibited(_))), "{address}: {answer:?}");
        }
        assert_eq!(accepted.load(Ordering::SeqCst), 0);
    }
}
