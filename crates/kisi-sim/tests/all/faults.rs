//! Faults: the effect of each, and the requests that it fires on.

use std::time::Duration;

use kisi_sim::{Fault, FaultEffect};
use serde_json::json;

use crate::peer::Peer;

fn new_user() -> serde_json::Value {
    json!({ "user": { "email": "ann@x.test" } })
}

#[test]
fn an_injected_status_comes_in_kisis_envelope_and_changes_nothing() {
    for status in [400, 401, 403, 404, 409, 429, 500, 502, 503] {
        let peer = Peer::new();
        peer.fault("POST /users", FaultEffect::Status { status, retry_after_s: Some(3) });
        let answer = peer.post("/users", new_user()).expect(status);
        assert!(answer.json()["error"].is_string() && answer.json()["code"].is_string(), "{status}");
        assert_eq!(answer.headers["retry-after"], "3");
        assert_eq!(peer.simulator.state().users.len(), 1, "{status}");
        peer.post("/users", new_user()).expect(200);
    }
    let peer = Peer::new();
    peer.fault("POST /users", FaultEffect::Status { status: 422, retry_after_s: None });
    peer.post("/users", new_user()).expect_invalid(&["base"]);
}

#[test]
fn a_status_after_commit_hides_that_the_change_was_made() {
    let peer = Peer::new();
    peer.fault("POST /users", FaultEffect::StatusAfterCommit { status: 504 });
    peer.post("/users", new_user()).expect(504);
    assert_eq!(peer.simulator.state().users.len(), 2);
    peer.post("/users", new_user()).expect(409);
    assert!(peer.simulator.journal()[0].committed);
}

#[test]
fn an_html_fault_answers_with_a_page_of_html() {
    let peer = Peer::new();
    peer.fault("*", FaultEffect::Html {});
    let answer = peer.get("/users").expect(500);
    assert!(answer.text.starts_with("<html>"), "{}", answer.text);
    assert_eq!(answer.headers["content-type"], "text/html; charset=utf-8");
}

#[test]
fn a_delayed_answer_carries_its_delay_and_the_change_is_made_at_once() {
    let peer = Peer::new();
    peer.fault("POST /users", FaultEffect::Delay { ms: 40_000 });
    let answer = peer.post("/users", new_user()).expect(200);
    assert_eq!(answer.delay, Some(Duration::from_secs(40)));
    assert_eq!(answer.json()["created_at"], "2026-10-01T10:00:00.000Z", "the clock did not move");
}

#[test]
fn a_connection_dropped_before_commit_has_changed_nothing() {
    let peer = Peer::new();
    peer.fault("POST /users", FaultEffect::DropBeforeCommit {});
    let dropped = peer.post("/users", new_user()).dropped.unwrap();
    assert!(!dropped.committed);
    assert_eq!(peer.simulator.state().users.len(), 1);
    let entry = &peer.simulator.journal()[0];
    assert_eq!((entry.status, entry.committed), (None, false));
    assert_eq!(entry.fault.as_deref(), Some("drop_before_commit"));
}

#[test]
fn a_connection_dropped_after_commit_has_made_the_change() {
    let peer = Peer::new();
    let (user, group) = (peer.create_user("ann@x.test"), peer.create_group("Basic"));
    peer.fault("POST /role_assignments", FaultEffect::DropAfterCommit {});
    peer.fault("DELETE /role_assignments/{id}", FaultEffect::DropAfterCommit {});
    assert!(peer.assign(user, group).dropped.unwrap().committed);
    let id = peer.simulator.state().role_assignments_of(user).next().unwrap().id;
    assert!(peer.delete(&format!("/role_assignments/{id}")).dropped.unwrap().committed);
    assert!(peer.simulator.state().role_assignments_of(user).next().is_none());
    // A refused request commits nothing.
    peer.fault("POST /users", FaultEffect::DropAfterCommit {});
    assert!(!peer.post("/users", new_user()).dropped.unwrap().committed);
}

#[test]
fn a_truncated_list_has_fewer_rows_than_its_range_says() {
    let peer = Peer::new();
    for name in ["One", "Two", "Three", "Four"] {
        peer.create_group(name);
    }
    peer.fault("GET /groups", FaultEffect::Truncated { missing: 3 });
    let page = peer.get("/groups?limit=250");
    assert_eq!((page.range(), page.ids().len()), ("0-249/4", 1));
    assert_eq!(peer.get("/groups?limit=250").ids().len(), 4);
}

#[test]
fn a_list_can_answer_200_with_a_body_that_is_no_array() {
    let peer = Peer::new();
    peer.fault("GET /users", FaultEffect::NotAnArray {});
    assert!(peer.get("/users").expect(200).json().is_object());
    peer.fault("GET /roles", FaultEffect::NotAnArray {});
    assert!(peer.get("/roles").expect(200).json().is_object());
}

#[test]
fn a_reordered_page_shows_rows_of_the_next_page() {
    let peer = Peer::new();
    let ids: Vec<u64> = (0..4).map(|number| peer.create_group(&number.to_string())).collect();
    peer.fault("GET /groups", FaultEffect::Reordered {});
    assert_eq!(peer.get("/groups?limit=2").ids(), ids[1..3]);
    assert_eq!(peer.get("/groups?limit=2&offset=2").ids(), ids[2..]);
}

#[test]
fn a_repeated_page_shows_the_previous_rows_under_the_new_range() {
    let peer = Peer::new();
    let ids: Vec<u64> = (0..4).map(|number| peer.create_group(&number.to_string())).collect();
    peer.simulator.add_fault(Fault::new("GET /groups", FaultEffect::RepeatedPage {}).unwrap().skip(1));
    assert_eq!(peer.get("/groups?limit=2").ids(), ids[..2]);
    let second = peer.get("/groups?limit=2&offset=2");
    assert_eq!((second.range(), second.ids()), ("2-3/4", ids[..2].to_vec()));
}

#[test]
fn a_fault_about_pages_fires_only_on_a_list_that_has_pages() {
    for effect in [FaultEffect::Reordered {}, FaultEffect::RepeatedPage {}] {
        let peer = Peer::new();
        peer.fault("*", effect);
        peer.get("/roles").expect(200);
        peer.get("/organizations").expect(200);
        assert_eq!(peer.simulator.faults()[0].fired, 0);
        peer.get("/users").expect(200);
        assert_eq!(peer.simulator.faults()[0].fired, 1);
    }
}

#[test]
fn a_fault_fires_only_on_its_route_and_the_first_added_fires_first() {
    let peer = Peer::new();
    let user = peer.create_user("ann@x.test");
    peer.fault("PATCH /users/{id}", FaultEffect::Status { status: 503, retry_after_s: None });
    peer.fault("* /users/{id}", FaultEffect::Status { status: 502, retry_after_s: None });
    // A fault about lists does not fire on a single user.
    peer.fault("*", FaultEffect::Truncated { missing: 1 });
    let path = format!("/users/{user}");
    let change = json!({ "user": { "name": "Ann" } });
    peer.get("/user").expect(200);
    peer.patch(&path, change.clone()).expect(503);
    peer.patch(&path, change.clone()).expect(502);
    peer.patch(&path, change).expect(204);
    assert_eq!(peer.get("/users").ids().len(), 1);
    let fired: Vec<u32> = peer.simulator.faults().iter().map(|fault| fault.fired).collect();
    assert_eq!(fired, [1, 1, 1]);
    peer.simulator.clear_faults();
    assert!(peer.simulator.faults().is_empty());
}

#[test]
fn a_fault_can_be_for_one_record_and_fire_always() {
    let peer = Peer::new();
    let (one, other) = (peer.create_group("One"), peer.create_group("Other"));
    let fault = Fault::new(&format!("GET /groups/{one}"), FaultEffect::DropBeforeCommit {}).unwrap();
    peer.simulator.add_fault(fault.always());
    for _ in 0..10 {
        assert!(peer.get(&format!("/groups/{one}")).dropped.is_some());
        peer.get(&format!("/groups/{other}")).expect(200);
    }
}

#[test]
fn faults_fire_before_the_key_is_checked() {
    let peer = Peer::new().with_key("wrong");
    peer.fault("GET /user", FaultEffect::Status { status: 503, retry_after_s: None });
    peer.get("/user").expect(503);
    peer.get("/user").expect(401);
}
