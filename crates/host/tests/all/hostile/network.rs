//! Attacks on the real client, against servers on this machine: redirects, cookies, names of this machine, responses
//! without end, open connections.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use door_access_host::{
    ApprovedOrigin, CallError, Deadline, ExchangeEnd, HttpsClient, Limits, Pace, Secret, TransportError,
};
use http_body_util::Full;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::attack::{FURTHER, last_end, limits, plugin};
use crate::guest;
use crate::network::{Server, client};
use crate::stage::{ENGINE, ORIGIN, Stage, stage_of};

/// A tenant of the hostile plugin whose origin is routed to this server.
pub(crate) async fn routed(authority: &str, client: &Arc<HttpsClient>, key: &str, limits: Limits) -> Stage {
    let plugin = plugin().await;
    let endpoint = format!("http://{authority}").parse().unwrap();
    stage_of(plugin, |builder| {
        builder
            .transport(client.clone())
            .credential(Secret::new(key).unwrap())
            .pace(Arc::new(Pace::unlimited()))
            .limits(limits)
            .approve(ApprovedOrigin::routed(ORIGIN.parse().unwrap(), endpoint))
    })
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_a_cookie_is_not_kept() {
    let elsewhere = Server::new(|_| http::Response::default()).await;
    static ELSEWHERE: Mutex<String> = Mutex::new(String::new());
    *ELSEWHERE.lock().unwrap() = format!("http://{}/stolen", elsewhere.authority);
    let server = Server::new(|_| {
        let location = ELSEWHERE.lock().unwrap().clone();
        let answer = http::Response::builder().status(307).header("location", location);
        answer.header("set-cookie", "session=of-the-first; Path=/").body(Full::default()).unwrap()
    })
    .await;
    let client = client();
    let first = routed(&server.authority, &client, "key-of-the-first", limits()).await;
    let second = routed(&server.authority, &client, "key-of-the-second", limits()).await;
    for stage in [&first, &second, &first] {
        assert_eq!(stage.get("/").await.trim(), "307");
    }
    assert_eq!(elsewhere.accepted.load(Ordering::SeqCst), 0);
    let asked = server.asked();
    let keys: Vec<_> = asked.iter().map(|parts| parts.headers["authorization"].to_str().unwrap()).collect();
    assert_eq!(keys, ["LOGIN key-of-the-first", "LOGIN key-of-the-second", "LOGIN key-of-the-first"]);
    assert!(asked.iter().all(|parts| parts.headers.get("cookie").is_none()));
    // All over one connection, which has no key of its own.
    assert_eq!(server.accepted.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_smuggled_request_arrives_as_the_body_of_one_request() {
    let server = Server::new(|_| http::Response::default()).await;
    let stage = routed(&server.authority, &client(), "key-of-the-first", limits()).await;
    let smuggled = "GET /second HTTP/1.1\r\nhost: evil.example\r\n\r\n";
    stage.order(&format!("HP\nhttps\nAPI.example.com.\n/first\nx-note\nnothing\n{smuggled}")).await;
    let asked = server.asked();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].uri.path(), "/first");
    assert_eq!(asked[0].headers.get_all("host").iter().collect::<Vec<_>>(), [server.authority.as_str()]);
    assert_eq!(asked[0].headers["content-length"], smuggled.len().to_string());
    assert_eq!(asked[0].headers.get("transfer-encoding"), None);
}

#[tokio::test]
async fn an_approved_origin_that_resolves_to_this_machine_is_not_reached() {
    let server = Server::new(|_| http::Response::default()).await;
    let port = server.authority.rsplit(':').next().unwrap();
    // The manifest names it, and a careless installer approves it.
    let origin = format!("https://localhost:{port}");
    let length = format!("\\80\\10\\00\\00\\{:02x}\\00\\00\\00", origin.len());
    let manifest =
        format!("{FURTHER}\n(data (i32.const 0x1080) \"{origin}\") (data (i32.const 0x1300) \"{length}\")");
    let plugin = ENGINE.load(&guest::component_with_orders(&manifest)).await.unwrap();
    let approved = ApprovedOrigin::direct(origin.parse().unwrap());
    let stage = stage_of(plugin, |builder| builder.transport(client()).approve(approved).limits(limits()));
    // WASI's `destination-IP-prohibited`.
    assert_eq!(stage.order(&format!("HG\nhttps\nlocalhost:{port}\n/\n")).await, "error 4");
    let recording = stage.recorder.take();
    let end = last_end(&recording);
    assert!(matches!(end, Some(ExchangeEnd::Failed(TransportError::AddressProhibited(_)))), "{end:?}");
    assert_eq!(server.accepted.load(Ordering::SeqCst), 0);
}

/// A server that answers each connection with these bytes, repeated if `goes_on`.
pub(crate) async fn blunt(bytes: &'static [u8], goes_on: bool) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let authority = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(answer_bluntly(stream, bytes, goes_on));
        }
    });
    authority
}

async fn answer_bluntly(mut stream: TcpStream, bytes: &'static [u8], goes_on: bool) {
    let _ = stream.read(&mut [0; 4_000]).await;
    while stream.write_all(bytes).await.is_ok() && goes_on {
        tokio::task::yield_now().await;
    }
    // Keep the connection open.
    let _ = stream.read(&mut [0; 4_000]).await;
}

#[tokio::test]
async fn a_response_without_end_ends_at_a_limit() {
    const ENDLESS: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n";
    const CHUNKED: &[u8] = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    let short = || Limits { response_timeout: Duration::from_millis(100), ..limits() };
    let small = || Limits { response_body_bytes_max: 1_000, ..limits() };
    // WASI's codes for timeout (33), body size (28), protocol (35) and connection (7).
    type Case = (&'static str, &'static [u8], bool, Limits, &'static [&'static str]);
    let table: [Case; 6] = [
        ("nothing behind its headers", ENDLESS, false, short(), &["error 33"]),
        ("chunks that do not come", CHUNKED, false, short(), &["error 33"]),
        ("nothing at all", b"", false, short(), &["error 33"]),
        (
            "headers without end",
            b"HTTP/1.1 200 OK\r\nx-a: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n",
            true,
            limits(),
            &["error 35", "error 7"],
        ),
        (
            "a body without end",
            b"HTTP/1.1 200 OK\r\n\r\naaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            true,
            small(),
            &["error 28"],
        ),
        (
            "two lengths",
            b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\naa",
            false,
            limits(),
            &["error 35"],
        ),
    ];
    let client = client();
    for (what, bytes, goes_on, limits, expected) in table {
        let authority = blunt(bytes, goes_on).await;
        let stage = routed(&authority, &client, "key-of-the-first", limits).await;
        let said = stage.get("/").await;
        println!("{what}: {said}");
        assert!(expected.contains(&said.as_str()), "{what}: {said}");
        assert_eq!(stage.order("Estill here").await, "still here", "{what}");
    }
    let authority = blunt(CHUNKED, false).await;
    let impatient = Limits { duration_max: Duration::from_millis(100), ..limits() };
    let stage = routed(&authority, &client, "key-of-the-first", impatient).await;
    let ended = stage.try_order("HG\nhttps\napi.example.com\n/\n").await;
    assert_eq!(ended, Err(CallError::TimedOut(Deadline::Duration, 100)));
}

#[tokio::test]
async fn attacks_leave_no_connection_open_but_those_of_the_pool() {
    let server = Server::new(|_| http::Response::new(Full::new(Bytes::from_static(b"open")))).await;
    let client = client();
    let stage = routed(&server.authority, &client, "key-of-the-first", limits()).await;
    for round in 0..20 {
        for order in ["i100\n", "j100\n", "k100\n", "u", "v", "m8\n"] {
            let limited = tokio::time::timeout(Duration::from_millis(50), stage.try_order(order)).await;
            // Some wait for ever and are cut off by their caller.
            drop(limited);
        }
        assert!(
            server.open.load(Ordering::SeqCst) <= 32,
            "{} in round {round}",
            server.open.load(Ordering::SeqCst)
        );
    }
    assert_eq!(stage.get("/").await, "200 open");
    drop((stage, client));
    // The pool's connections end with the client, when their tasks next run.
    let closed = async {
        while server.open.load(Ordering::SeqCst) > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(limits().duration_max, closed).await.unwrap();
}
