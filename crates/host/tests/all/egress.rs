//! What a plugin can reach, and what it never sees.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use door_access_host::{
    ApprovedOrigin, CallError, Denial, ExchangeEnd, Limits, Pace, PaceConfig, TransportError,
};

use crate::stage::{KEY, KEY_IN_ORDERS, NOW_MS, ORIGIN, Stage, stage, stage_with};

const DENIED: &str = "error 15";
const TOO_MANY: &str = "error 11";

fn end(stage: &Stage) -> ExchangeEnd {
    let exchanges = stage.recorder.take().exchanges;
    exchanges.into_iter().next_back().unwrap().end
}

#[tokio::test]
async fn the_key_is_added_to_the_approved_origin_behind_the_manifest_s_prefix() {
    let stage = stage().await;
    stage.wire.answer_with(200, ("content-type", "application/json"), "[]");
    assert_eq!(stage.get("/groups?limit=1").await, "200 []");
    let sent = stage.wire.sent();
    assert_eq!(sent[0].uri(), "https://api.example.com:443/groups?limit=1");
    assert_eq!(sent[0].headers()["authorization"], format!("LOGIN {KEY}"));
    assert!(sent[0].headers()["authorization"].is_sensitive());
}

#[tokio::test]
async fn a_request_s_method_headers_and_body_arrive_unchanged() {
    let stage = stage().await;
    let body = r#"{"name":"Ada"}"#;
    stage
        .order(&format!("HP\nhttps\napi.example.com\n/members\ncontent-type\napplication/json\n{body}"))
        .await;
    let sent = stage.wire.sent();
    assert_eq!((sent[0].method().as_str(), sent[0].body()), ("POST", &Bytes::from(body)));
    assert_eq!(sent[0].headers()["content-type"], "application/json");
    let exchange = stage.recorder.take().exchanges.remove(0);
    assert_eq!((exchange.method.as_str(), exchange.path.as_str()), ("POST", "/members"));
    assert_eq!((exchange.request_bytes, exchange.request_body), (14, Bytes::from(body)));
}

#[tokio::test]
async fn the_key_appears_nowhere_in_the_transcript() {
    let stage = stage().await;
    stage.get("/groups").await;
    stage.get(&format!("/groups?key={KEY_IN_ORDERS}")).await;
    let recording = stage.recorder.take();
    assert_eq!(recording.exchanges.len(), 2);
    assert!(!format!("{recording:?}").contains(KEY), "{recording:?}");
}

#[tokio::test]
async fn every_other_origin_is_refused_and_never_reaches_the_network() {
    let stage = stage().await;
    let authorities = [
        "evil.example",
        "api.example.com.evil.example",
        "api.example.com:8443",
        "127.0.0.1",
        "2130706433",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "169.254.169.254",
        "user@api.example.com",
        "localhost",
    ];
    for authority in authorities {
        let answer = stage.order(&format!("HG\nhttps\n{authority}\n/\n")).await;
        // Some are refused when they are set.
        assert!([DENIED, "authority refused"].contains(&answer.as_str()), "{authority}: {answer}");
    }
    assert_eq!(stage.order("HG\nhttp\napi.example.com\n/\n").await, DENIED);
    assert_eq!(stage.wire.sent().len(), 0);
}

#[tokio::test]
async fn an_origin_that_the_installer_did_not_approve_is_refused() {
    let stage = stage_with(|builder| builder).await;
    assert_eq!(stage.get("/").await, DENIED);
    assert_eq!(end(&stage), ExchangeEnd::Denied(Denial::Origin(ORIGIN.to_owned())));
}

#[tokio::test]
async fn an_approved_origin_that_the_manifest_does_not_name_is_refused() {
    let approved = ApprovedOrigin::direct("https://other.example.com".parse().unwrap());
    let stage = stage_with(|builder| builder.approve(approved)).await;
    assert_eq!(stage.order("HG\nhttps\nother.example.com\n/\n").await, DENIED);
    assert_eq!(stage.tenant.origins().count(), 0);
}

#[tokio::test]
async fn a_response_with_the_key_never_reaches_the_guest() {
    let stage = stage().await;
    stage.wire.answer(|request| {
        let echo = request.headers()["authorization"].to_str().unwrap().to_owned();
        Ok(http::Response::new(Bytes::from(format!("{{\"echo\":\"{echo}\"}}"))))
    });
    let answer = stage.get("/").await;
    assert_eq!(answer, "error 38");
    assert_eq!(end(&stage), ExchangeEnd::Withheld(Denial::KeyInAnswer("body")));
}

#[tokio::test]
async fn a_compressed_response_is_refused_because_it_cannot_be_searched() {
    let stage = stage().await;
    stage.wire.answer_with(200, ("content-encoding", "gzip"), "...");
    assert_eq!(stage.get("/").await, "error 32");
    assert_eq!(stage.wire.sent()[0].headers()["accept-encoding"], "identity");
}

#[tokio::test]
async fn a_redirect_is_a_response_and_not_followed() {
    let stage = stage().await;
    stage.wire.answer_with(302, ("location", "https://evil.example/"), "moved");
    assert_eq!(stage.get("/").await, "302 moved");
    assert_eq!(stage.wire.sent().len(), 1);
}

#[tokio::test]
async fn a_request_goes_to_the_endpoint_of_its_origin() {
    let routed = ApprovedOrigin::routed(ORIGIN.parse().unwrap(), "http://127.0.0.1:9".parse().unwrap());
    let stage = stage_with(|builder| builder.approve(routed)).await;
    stage.get("/groups").await;
    assert_eq!(stage.wire.sent()[0].uri(), "http://127.0.0.1:9/groups");
    // The transcript names the plugin's origin.
    assert_eq!(stage.recorder.take().exchanges[0].origin, ORIGIN);
}

#[tokio::test]
async fn bodies_over_their_limit_are_refused_in_both_directions() {
    let limits = Limits { request_body_bytes_max: 10, response_body_bytes_max: 10, ..Limits::default() };
    let approved = ApprovedOrigin::direct(ORIGIN.parse().unwrap());
    let stage = stage_with(|builder| builder.approve(approved).limits(limits)).await;
    assert_eq!(stage.order("HP\nhttps\napi.example.com\n/\n\n\n12345678901").await, "error 17");
    assert_eq!(stage.wire.sent().len(), 0);
    stage.wire.answer_with(200, ("x", "y"), "12345678901");
    assert_eq!(stage.get("/").await, "error 28");
    stage.wire.answer_with(200, ("x", "y"), "1234567890");
    assert_eq!(stage.get("/").await, "200 1234567890");
}

#[tokio::test]
async fn each_call_has_its_own_budget_of_requests() {
    let limits = Limits { requests_max: 0, ..Limits::default() };
    let approved = ApprovedOrigin::direct(ORIGIN.parse().unwrap());
    let stage = stage_with(|builder| builder.approve(approved).limits(limits)).await;
    assert_eq!(stage.get("/").await, TOO_MANY);
    assert_eq!(end(&stage), ExchangeEnd::Denied(Denial::TooManyRequests(0)));
}

#[tokio::test]
async fn requests_keep_the_provider_s_pace_across_calls() {
    let stage = stage().await;
    for _ in 0..11 {
        stage.get("/").await;
    }
    let paced: Vec<_> =
        stage.recorder.take().exchanges.iter().map(|exchange| exchange.paced.as_millis()).collect();
    assert_eq!(paced, [0, 0, 0, 0, 0, 1_050, 0, 0, 0, 0, 1_050]);
}

#[tokio::test]
async fn a_refusal_reaches_the_guest_and_pauses_every_tenant_of_the_same_owner() {
    let pace = Arc::new(Pace::new(PaceConfig::default()));
    let approved = || ApprovedOrigin::direct(ORIGIN.parse().unwrap());
    let first = stage_with(|builder| builder.approve(approved()).pace(pace.clone())).await;
    let second = stage_with(|builder| builder.approve(approved()).pace(pace.clone())).await;
    first.wire.answer_with(429, ("retry-after", "7"), "slow down");
    assert_eq!(first.get("/").await, "429 slow down");
    assert_eq!(pace.blocked_until_ms(), NOW_MS + 7_000);
    second.get("/").await;
    assert_eq!(second.recorder.take().exchanges[0].paced, Duration::from_secs(7));
}

#[tokio::test]
async fn a_call_does_not_wait_for_a_long_pause_of_the_provider() {
    let stage = stage().await;
    stage.wire.answer_with(429, ("retry-after", "600"), "");
    stage.get("/").await;
    assert_eq!(stage.get("/").await, TOO_MANY);
    assert_eq!(end(&stage), ExchangeEnd::Denied(Denial::Paced(600_000)));
}

#[tokio::test]
async fn each_failure_of_the_network_has_its_own_code() {
    let stage = stage().await;
    let table = [
        (TransportError::NameNotResolved("x".to_owned()), "error 1"),
        (TransportError::AddressProhibited("x".to_owned()), "error 4"),
        (TransportError::ConnectionRefused, "error 6"),
        (TransportError::ConnectionTerminated, "error 7"),
        (TransportError::ConnectTimedOut, "error 8"),
        (TransportError::Tls("x".to_owned()), "error 12"),
        (TransportError::ResponseTooLarge(1), "error 28"),
        (TransportError::ResponseTimedOut, "error 33"),
        (TransportError::Protocol("x".to_owned()), "error 35"),
    ];
    for (error, expected) in table {
        let failure = error.clone();
        stage.wire.answer(move |_| Err(failure.clone()));
        assert_eq!(stage.get("/").await, expected, "{error:?}");
        assert_eq!(end(&stage), ExchangeEnd::Failed(error));
    }
}

#[tokio::test]
async fn a_call_can_be_cut_off_at_a_request() {
    let stage = stage().await;
    stage.wire.answer(|_| Err(TransportError::Abort("killed".to_owned())));
    let stopped = stage.try_order("HG\nhttps\napi.example.com\n/\n").await;
    assert_eq!(stopped, Err(CallError::Aborted("killed".to_owned())));
}
