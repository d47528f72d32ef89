//! The server: the same answers over real connections, and connections that break.

use std::time::Duration;

use kisi_sim::{FaultEffect, Seed, Simulator, serve};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::peer::Peer;

/// Sends one request as text, and returns all bytes until the connection closes.
async fn exchange(address: std::net::SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    // A reset counts as closed.
    drop(stream.read_to_string(&mut answer).await);
    answer
}

fn request(method: &str, path: &str, key: &str, body: &str) -> String {
    format!(
        "{method} {path} HTTP/1.1\r\nhost: kisi\r\nconnection: close\r\nauthorization: KISI-LOGIN {key}\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    )
}

async fn listening() -> (TcpListener, std::net::SocketAddr, Peer) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address, Peer::of(Simulator::new(Seed::default()).unwrap()))
}

#[tokio::test]
async fn it_answers_over_tcp_until_it_is_dropped() {
    let (listener, address, peer) = listening().await;
    let server = tokio::spawn(serve(listener, peer.simulator.clone()));
    let answer = exchange(address, &request("GET", "/groups", &peer.key, "")).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.contains("x-collection-range: */0") && answer.ends_with("[]"), "{answer}");
    let answer = exchange(address, &request("GET", "/_sim/clock", "", "")).await;
    assert!(answer.contains("2026-10-01T10:00:00.000Z"), "{answer}");
    server.abort();
    assert!(server.await.unwrap_err().is_cancelled());
    assert!(TcpStream::connect(address).await.is_err(), "the port is closed");
}

#[tokio::test]
async fn a_dropped_connection_closes_without_a_byte_of_answer() {
    let (listener, address, peer) = listening().await;
    let server = tokio::spawn(serve(listener, peer.simulator.clone()));
    let create = request("POST", "/users", &peer.key, r#"{"user":{"email":"ann@x.test"}}"#);
    peer.fault("POST /users", FaultEffect::DropBeforeCommit {});
    peer.fault("POST /users", FaultEffect::DropAfterCommit {});
    for users in [1, 2] {
        assert_eq!(exchange(address, &create).await, "");
        assert_eq!(peer.simulator.state().users.len(), users);
    }
    let answer = exchange(address, &create).await;
    assert!(answer.starts_with("HTTP/1.1 409"), "{answer}");
    server.abort();
}

#[tokio::test]
async fn a_204_has_neither_body_nor_content_type() {
    let (listener, address, peer) = listening().await;
    let server = tokio::spawn(serve(listener, peer.simulator.clone()));
    let group = peer.simulator.add_group("Basic");
    let answer = exchange(address, &request("DELETE", &format!("/groups/{group}"), &peer.key, "")).await;
    assert!(answer.starts_with("HTTP/1.1 204") && answer.ends_with("\r\n\r\n"), "{answer}");
    assert!(!answer.to_lowercase().contains("content-type"), "{answer}");
    server.abort();
}

#[tokio::test]
async fn a_delayed_answer_arrives_late() {
    let (listener, address, peer) = listening().await;
    let server = tokio::spawn(serve(listener, peer.simulator.clone()));
    peer.fault("GET /user", FaultEffect::Delay { ms: 30 });
    let before = std::time::Instant::now();
    let answer = exchange(address, &request("GET", "/user", &peer.key, "")).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(before.elapsed() >= Duration::from_millis(30));
    server.abort();
}
