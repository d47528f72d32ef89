//! The one client for the real network: pooled, shared by all tenants, and strict about addresses.
//!
//! Names are resolved here and each address is checked before it is connected to, so the address that was
//! checked is the address that is used, whatever the name resolves to a moment later. Connections carry no
//! credential of their own, so that tenants may share them: the key is in each request. Proxies from the
//! environment are not used.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http_body_util::Full;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::Name;
use hyper_util::client::legacy::{Client, Error as ClientError};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use thiserror::Error;
use tower_service::Service;

use super::address::{Special, special};
use super::body::{Unread, whole};
use super::endpoint::{Reach, host_address};
use super::transport::{Outbound, Transport, TransportError};

/// How connections are made and kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpsClientConfig {
    /// Time to resolve a name, and as much again to connect. Default 10 s.
    pub connect_timeout: Duration,
    /// How long an unused connection is kept. Default 30 s: less than the minute after which servers close
    /// theirs, so that a request seldom meets a connection that is being closed.
    pub idle_timeout: Duration,
    /// Unused connections kept for each host. Default 32.
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

/// The pooled client: HTTP/1.1 and HTTP/2 over TLS to public addresses with the roots of the web, plain or
/// secure to this machine when an endpoint says so. Make one for the process and give it to all tenants.
#[derive(Clone)]
pub struct HttpsClient {
    public: Pool,
    // Apart, so that no connection to this machine can ever be taken for one to the world.
    local: Pool,
}

impl HttpsClient {
    /// A client with no connections yet.
    ///
    /// # Errors
    /// [`TransportError::Tls`] when the cryptography that was built in does not support any version of TLS.
    pub fn new(config: &HttpsClientConfig) -> Result<Self, TransportError> {
        let connector = |reach| {
            let mut connector =
                HttpConnector::new_with_resolver(Resolver { reach, timeout: config.connect_timeout });
            connector.enforce_http(false);
            connector.set_nodelay(true);
            connector.set_connect_timeout(Some(config.connect_timeout));
            connector
        };
        // The provider of cryptography is named, because the process that embeds this library may have
        // others.
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
            // Safe for writes too: it repeats only what had not begun to be sent when the pooled connection
            // turned out to be closed. What may have been received is never sent again.
            .retry_canceled_requests(true);
        Ok(Self {
            public: pool.build(public.wrap_connector(connector(Reach::Public))),
            local: pool.build(local.wrap_connector(connector(Reach::Loopback))),
        })
    }

    async fn exchange(&self, outbound: Outbound) -> Result<http::Response<Bytes>, TransportError> {
        let Outbound { request, reach, response_bytes_max, .. } = outbound;
        let host = request.uri().host().unwrap_or_default();
        // An address in the place of a name is not resolved, so the resolver does not see it.
        if host_address(host).is_some_and(|address| !permits(reach, address)) {
            return Err(TransportError::AddressProhibited(host.to_owned()));
        }
        let pool = match reach {
            Reach::Public => &self.public,
            Reach::Loopback => &self.local,
        };
        let response = pool.request(request.map(Full::new)).await.map_err(|error| not_answered(&error))?;
        let (parts, body) = response.into_parts();
        let body = whole(body, response_bytes_max).await.map_err(|unread| match unread {
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

fn permits(reach: Reach, address: IpAddr) -> bool {
    match reach {
        Reach::Public => special(address).is_none(),
        Reach::Loopback => special(address) == Some(Special::Loopback),
    }
}

/// Resolves names and leaves only the addresses that may be reached.
#[derive(Clone, Debug)]
struct Resolver {
    reach: Reach,
    timeout: Duration,
}

#[derive(Debug, Error)]
enum ResolveError {
    #[error("no address for {0}")]
    NotFound(String),
    #[error("only prohibited addresses for {0}")]
    Prohibited(String),
}

impl Resolver {
    async fn resolve(self, name: Name) -> Result<std::vec::IntoIter<SocketAddr>, ResolveError> {
        let host = name.as_str();
        let found = tokio::time::timeout(self.timeout, tokio::net::lookup_host((host, 0))).await;
        let found: Vec<SocketAddr> = match found {
            Ok(Ok(addresses)) => addresses.collect(),
            Ok(Err(_)) | Err(_) => Vec::new(),
        };
        reachable(host, self.reach, found).map(Vec::into_iter)
    }
}

/// Those of a name's addresses that may be reached. One that may not does not spoil the others: only these are connected to.
fn reachable(host: &str, reach: Reach, mut found: Vec<SocketAddr>) -> Result<Vec<SocketAddr>, ResolveError> {
    if found.is_empty() {
        return Err(ResolveError::NotFound(host.to_owned()));
    }
    found.retain(|address| permits(reach, address.ip()));
    if found.is_empty() { Err(ResolveError::Prohibited(host.to_owned())) } else { Ok(found) }
}

impl Service<Name> for Resolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = ResolveError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, ResolveError>> + Send>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), ResolveError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        Box::pin(self.clone().resolve(name))
    }
}

/// What the client's error means. Its own type says only whether it was about connecting; the rest is in the
/// causes.
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

/// An error, then what caused it, and so on.
fn causes<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |error: &&'a (dyn StdError + 'static)| (*error).source())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reach_permits_its_own_addresses_only() {
        let table = [
            ("1.1.1.1", true, false),
            ("127.0.0.1", false, true),
            ("::1", false, true),
            ("::ffff:127.0.0.1", false, false),
            ("10.0.0.1", false, false),
            ("169.254.169.254", false, false),
        ];
        for (address, public, loopback) in table {
            let address = address.parse().unwrap();
            let permitted = (permits(Reach::Public, address), permits(Reach::Loopback, address));
            assert_eq!(permitted, (public, loopback), "{address}");
        }
    }

    #[test]
    fn a_name_is_reached_at_those_of_its_addresses_that_are_public_and_at_no_other() {
        let addresses = |list: &[&str]| -> Vec<SocketAddr> {
            list.iter().map(|address| SocketAddr::new(address.parse().unwrap(), 443)).collect()
        };
        let table: [(&[&str], &[&str]); 4] = [
            (&["1.1.1.1"], &["1.1.1.1"]),
            (&["10.0.0.1", "1.1.1.1", "::ffff:1.1.1.1", "169.254.169.254"], &["1.1.1.1"]),
            (&["fd00:ec2::254", "2606:4700::1111", "64:ff9b::a9fe:a9fe"], &["2606:4700::1111"]),
            (&["127.0.0.1", "2a00::1", "0.0.0.0"], &["2a00::1"]),
        ];
        for (found, expected) in table {
            let reached = reachable("api.example.com", Reach::Public, addresses(found));
            assert_eq!(reached.unwrap(), addresses(expected), "{found:?}");
        }
        for found in [
            "10.0.0.1",
            "127.0.0.1",
            "169.254.169.254",
            "168.63.129.16",
            "100.100.100.200",
            "::1",
            "fd00:ec2::254",
        ] {
            let refused = reachable("metadata.example.com", Reach::Public, addresses(&[found]));
            assert!(matches!(refused, Err(ResolveError::Prohibited(_))), "{found}: {refused:?}");
        }
        let nothing = reachable("gone.example.com", Reach::Public, Vec::new());
        assert!(matches!(nothing, Err(ResolveError::NotFound(_))), "{nothing:?}");
    }

    #[tokio::test]
    async fn an_address_in_the_place_of_a_name_is_checked_too() {
        let client = HttpsClient::new(&HttpsClientConfig::default()).unwrap();
        for host in ["127.0.0.1", "[::1]", "10.0.0.1", "169.254.169.254"] {
            let request = http::Request::get(format!("https://{host}:1/")).body(Bytes::new()).unwrap();
            let timeout = Duration::from_secs(5);
            let outbound = Outbound { request, reach: Reach::Public, timeout, response_bytes_max: 1 };
            let answer = client.send(outbound).await;
            assert!(matches!(answer, Err(TransportError::AddressProhibited(_))), "{host}: {answer:?}");
        }
    }

    #[tokio::test]
    async fn a_name_that_leads_to_this_machine_is_not_reached_as_a_public_one() {
        let resolver = |reach| Resolver { reach, timeout: Duration::from_secs(5) };
        let name = || "localhost".parse::<Name>().unwrap();
        let public = resolver(Reach::Public).resolve(name()).await;
        assert!(matches!(public, Err(ResolveError::Prohibited(_))), "{public:?}");
        assert!(resolver(Reach::Loopback).resolve(name()).await.is_ok());
    }
}
