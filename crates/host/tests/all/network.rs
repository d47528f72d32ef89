//! The client for the real network, against a server on this machine.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use door_access_host::{
    ApprovedOrigin, HttpsClient, HttpsClientConfig, Outbound, Reach, Secret, Transport, TransportError,
};
use http_body_util::Full;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use crate::stage::{KEY, ORIGIN, stage_with};

/// A server that records what it was asked, and counts its connections.
pub(crate) struct Server {
    pub(crate) authority: String,
    asked: Arc<Mutex<Vec<http::request::Parts>>>,
    pub(crate) accepted: Arc<AtomicUsize>,
    pub(crate) open: Arc<AtomicUsize>,
}

impl Server {
    /// A server that answers like this; `None` never answers.
    async fn answering(
        answer: impl Fn(&http::request::Parts) -> Option<http::Response<Full<Bytes>>> + Clone + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let authority = listener.local_addr().unwrap().to_string();
        let (asked, accepted, open) = <(Arc<Mutex<Vec<_>>>, Arc<AtomicUsize>, Arc<AtomicUsize>)>::default();
        let server = Self { authority, asked: asked.clone(), accepted: accepted.clone(), open: open.clone() };
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                accepted.fetch_add(1, Ordering::SeqCst);
                open.fetch_add(1, Ordering::SeqCst);
                let (asked, open, answer) = (asked.clone(), open.clone(), answer.clone());
                let service = service_fn(move |request: http::Request<hyper::body::Incoming>| {
                    let (parts, _) = request.into_parts();
                    let response = answer(&parts);
                    asked.lock().unwrap().push(parts);
                    async {
                        match response {
                            Some(response) => Ok::<_, std::convert::Infallible>(response),
                            None => std::future::pending().await,
                        }
                    }
                });
                tokio::spawn(async move {
                    let connection = hyper::server::conn::http1::Builder::new();
                    let _ = connection.serve_connection(TokioIo::new(stream), service).await;
                    open.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        server
    }

    pub(crate) async fn new(answer: fn(&http::request::Parts) -> http::Response<Full<Bytes>>) -> Self {
        Self::answering(move |parts| Some(answer(parts))).await
    }

    pub(crate) fn asked(&self) -> Vec<http::request::Parts> {
        self.asked.lock().unwrap().clone()
    }
}

/// A server that answers with the request; with much at `/large`, and never at `/slow`.
async fn server() -> Server {
    Server::answering(|parts| {
        let host = parts.headers.get("host").and_then(|host| host.to_str().ok()).unwrap_or_default();
        let text = match parts.uri.path() {
            "/large" => "x".repeat(10_000),
            "/slow" => return None,
            path => format!("{} {path} at {host}", parts.method),
        };
        Some(http::Response::new(Full::new(Bytes::from(text))))
    })
    .await
}

pub(crate) fn client() -> Arc<HttpsClient> {
    Arc::new(HttpsClient::new(&HttpsClientConfig::default()).unwrap())
}

fn outbound(uri: String, reach: Reach) -> Outbound {
    let request = http::Request::get(uri).body(Bytes::new()).unwrap();
    Outbound { request, reach, timeout: Duration::from_secs(10), response_bytes_max: 1_000 }
}

#[tokio::test]
async fn a_plugin_reaches_a_simulator_on_this_machine_through_its_route() {
    let server = server().await;
    let endpoint = format!("http://{}", server.authority).parse().unwrap();
    let approved = ApprovedOrigin::routed(ORIGIN.parse().unwrap(), endpoint);
    let stage = stage_with(|builder| builder.transport(client()).approve(approved)).await;
    assert_eq!(stage.get("/groups").await, format!("200 GET /groups at {}", server.authority));
}

#[tokio::test]
async fn tenants_share_connections_and_each_request_has_its_own_key() {
    let server = server().await;
    let client = client();
    let tenant = async |key: &str| {
        let endpoint = format!("http://{}", server.authority).parse().unwrap();
        let approved = ApprovedOrigin::routed(ORIGIN.parse().unwrap(), endpoint);
        let key = Secret::new(key).unwrap();
        stage_with(|builder| builder.transport(client.clone()).credential(key).approve(approved)).await
    };
    let (north, south) = (tenant("key-of-the-north").await, tenant("key-of-the-south").await);
    for stage in [&north, &south, &south, &north] {
        assert_eq!(stage.get("/groups").await, format!("200 GET /groups at {}", server.authority));
    }
    let keys = ["north", "south", "south", "north"].map(|whose| format!("LOGIN key-of-the-{whose}"));
    let asked = server.asked();
    assert_eq!(
        asked.iter().map(|parts| parts.headers["authorization"].to_str().unwrap()).collect::<Vec<_>>(),
        keys
    );
    assert_eq!(server.accepted.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn this_machine_is_reached_only_through_a_route_to_it() {
    let server = server().await;
    let port = server.authority.rsplit(':').next().unwrap();
    for host in ["127.0.0.1", "localhost"] {
        let refused = client().send(outbound(format!("https://{host}:{port}/"), Reach::Public)).await;
        assert!(matches!(refused, Err(TransportError::AddressProhibited(_))), "{host}: {refused:?}");
    }
    assert_eq!(server.accepted.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_response_is_read_up_to_its_limit() {
    let server = server().await;
    let answer = client().send(outbound(format!("http://{}/large", server.authority), Reach::Loopback)).await;
    assert_eq!(answer.unwrap_err(), TransportError::ResponseTooLarge(1_000));
}

#[tokio::test]
async fn a_missing_response_ends_at_its_timeout() {
    let server = server().await;
    let slow = outbound(format!("http://{}/slow", server.authority), Reach::Loopback);
    let answer = client().send(Outbound { timeout: Duration::from_millis(100), ..slow }).await;
    assert_eq!(answer.unwrap_err(), TransportError::ResponseTimedOut);
}

#[tokio::test]
async fn a_refused_connection_and_an_invalid_response_are_told_apart() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let refused = client().send(outbound(format!("http://{free}/"), Reach::Loopback)).await;
    assert_eq!(refused.unwrap_err(), TransportError::ConnectionRefused);

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        for answer in ["this is not HTTP\r\n\r\n", ""] {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = stream.read(&mut [0; 1_000]).await;
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    let nonsense = client().send(outbound(format!("http://{address}/"), Reach::Loopback)).await;
    assert!(matches!(nonsense, Err(TransportError::Protocol(_))), "{nonsense:?}");
    let closed = client().send(outbound(format!("http://{address}/"), Reach::Loopback)).await;
    assert_eq!(closed.unwrap_err(), TransportError::ConnectionTerminated);
}

#[test]
fn a_client_s_debug_output_has_no_key() {
    assert!(!format!("{:?}", client()).contains(KEY));
}
