//! The rate limit.

use std::num::NonZeroU32;
use std::time::Duration;

use kisi_sim::{Fault, FaultEffect};

use crate::peer::Peer;

fn paced() -> Peer {
    Peer::with(|knobs| knobs.rate_limit = true)
}

#[test]
fn the_sixth_request_within_a_second_is_refused_without_a_retry_after() {
    let peer = paced();
    for _ in 0..5 {
        peer.get("/user").expect(200);
    }
    let refused = peer.get("/user").expect_error(429, "Too many requests");
    assert!(refused.headers.get("retry-after").is_none());
    peer.simulator.advance(Duration::from_millis(999));
    peer.get("/user").expect(429);
    peer.simulator.advance(Duration::from_millis(1));
    peer.get("/user").expect(200);
}

#[test]
fn all_keys_of_a_user_share_one_limit_and_other_users_have_their_own() {
    let peer = paced();
    let second = peer.with_key(&peer.simulator.add_key(peer.get("/user").id()));
    let other = peer.with_key(&peer.simulator.add_key(peer.simulator.add_user("Bea", "bea@x.test")));
    for _ in 0..2 {
        peer.get("/user").expect(200);
        second.get("/user").expect(200);
    }
    second.get("/user").expect(429);
    peer.get("/user").expect(429);
    other.get("/user").expect(200);
}

#[test]
fn requests_without_a_working_key_have_a_limit_of_their_own() {
    let peer = paced();
    let unknown = peer.with_key("wrong");
    for _ in 0..5 {
        unknown.get("/user").expect(401);
    }
    unknown.get("/user").expect(429);
    peer.get("/user").expect(200);
}

#[test]
fn a_retry_after_is_sent_only_with_the_knob_and_the_limit_can_be_switched_off() {
    let peer = paced();
    peer.knobs(|knobs| {
        knobs.retry_after_s = Some(7);
        knobs.requests_per_second = NonZeroU32::MIN;
    });
    peer.get("/user").expect(200);
    assert_eq!(peer.get("/user").expect(429).headers["retry-after"], "7");
    peer.knobs(|knobs| knobs.rate_limit = false);
    for _ in 0..50 {
        peer.get("/user").expect(200);
    }
}

#[test]
fn a_refused_request_uses_up_no_fault() {
    let peer = paced();
    for _ in 0..5 {
        peer.get("/user");
    }
    peer.simulator.add_fault(Fault::new("GET /user", FaultEffect::Html {}).unwrap());
    peer.get("/user").expect(429);
    assert_eq!(peer.simulator.faults()[0].fired, 0);
    peer.simulator.advance(Duration::from_secs(1));
    peer.get("/user").expect(500);
}

#[test]
fn changes_by_staff_do_not_count_against_the_rate_limit() {
    let peer = paced();
    for number in 0..20 {
        peer.simulator.add_group(&format!("Group {number}"));
    }
    assert_eq!(peer.get("/groups?limit=250").expect(200).ids().len(), 20);
    assert_eq!(peer.simulator.journal().len(), 1);
}
