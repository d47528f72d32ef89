//! The client for the real network, against a server on this machine.

use std::sync::atomic::{AtomicU32, Ordering};
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

/// A server that answers with what it was asked, keeps the keys that it was shown, and counts its connections.
struct Server {
    authority: String,
    connections: Arc<AtomicU32>,
    keys: Arc<Mutex<Vec<String>>>,
}

async fn server() -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let authority = listener.local_addr().unwrap().to_string();
    let (connections, keys) = <(Arc<AtomicU32>, Arc<Mutex<Vec<String>>>)>::default();
    let (count, shown) = (connections.clone(), keys.clone());
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            count.fetch_add(1, Ordering::SeqCst);
            let shown = shown.clone();
            let service = service_fn(move |request: http::Request<hyper::body::Incoming>| {
                let header = |name: &str| {
                    let value = request.headers().get(name).and_then(|value| value.to_str().ok());
                    value.unwrap_or_default().to_owned()
                };
                shown.lock().unwrap().push(header("authorization"));
                let host = header("host");
                async move {
                    let text = match request.uri().path() {
                        "/large" => "x".repeat(10_000),
                        "/slow" => std::future::pending().await,
                        path => format!("{} {path} at {host}", request.method()),
                    };
                    Ok::<_, std::convert::Infallible>(http::Response::new(Full::new(Bytes::from(text))))
                }
            });
            let connection =
                hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            tokio::spawn(connection);
        }
    });
    Server { authority, connections, keys }
}

fn client() -> HttpsClient {
    HttpsClient::new(&HttpsClientConfig::default()).unwrap()
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
    let stage = stage_with(|builder| builder.transport(Arc::new(client())).approve(approved)).await;
    assert_eq!(stage.get("/groups").await, format!("200 GET /groups at {}", server.authority));
}

#[tokio::test]
async fn tenants_share_connections_and_each_request_has_its_own_key() {
    let server = server().await;
    let client = Arc::new(client());
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
    assert_eq!(*server.keys.lock().unwrap(), keys);
    assert_eq!(server.connections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn this_machine_is_out_of_reach_unless_the_route_says_so() {
    let server = server().await;
    let port = server.authority.rsplit(':').next().unwrap();
    for host in ["127.0.0.1", "localhost"] {
        let refused = client().send(outbound(format!("https://{host}:{port}/"), Reach::Public)).await;
        assert!(matches!(refused, Err(TransportError::AddressProhibited(_))), "{host}: {refused:?}");
    }
    assert_eq!(server.connections.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn an_answer_is_read_up_to_its_limit() {
    let server = server().await;
    let answer = client().send(outbound(format!("http://{}/large", server.authority), Reach::Loopback)).await;
    assert_eq!(answer.unwrap_err(), TransportError::ResponseTooLarge(1_000));
}

#[tokio::test]
async fn an_answer_that_does_not_come_ends_at_its_timeout() {
    let server = server().await;
    let slow = outbound(format!("http://{}/slow", server.authority), Reach::Loopback);
    let answer = client().send(Outbound { timeout: Duration::from_millis(100), ..slow }).await;
    assert_eq!(answer.unwrap_err(), TransportError::ResponseTimedOut);
}

#[tokio::test]
async fn nobody_at_home_and_nonsense_are_told_apart() {
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
fn a_client_shows_nothing_of_its_tenants() {
    assert!(!format!("{:?}", client()).contains(KEY));
}
