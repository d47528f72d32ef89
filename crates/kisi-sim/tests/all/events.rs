//! Events: which are recorded, and how clients read them.

use std::time::Duration;

use kisi_sim::{EventSetOutcome, EventType};
use serde_json::{Value, json};

use crate::peer::{Answer, Peer};

fn ask(peer: &Peer, event_set: Value) -> Answer {
    peer.post("/event_sets", json!({ "event_set": event_set }))
}

fn types(answer: &Answer) -> Vec<String> {
    let rows = answer.json()["events"].as_array().unwrap().clone();
    rows.iter().map(|event| event["type"].as_str().unwrap().to_owned()).collect()
}

/// The events after the first ones, as type, object and sequence.
fn recorded(peer: &Peer, first: usize) -> Vec<(EventType, u64, String)> {
    let events = peer.simulator.events().into_iter().skip(first);
    events.map(|event| (event.event_type, event.object_id, event.sequence)).collect()
}

#[test]
fn a_seed_makes_no_events_and_reading_makes_none() {
    let peer = Peer::of_example();
    peer.get("/users").expect(200);
    assert!(peer.simulator.events().is_empty());
}

#[test]
fn every_change_by_request_is_an_event_of_its_caller() {
    let peer = Peer::new();
    let owner = peer.get("/user").json();
    let (user, group) = (peer.create_user("ann@x.test"), peer.create_group("Basic"));
    let held = peer.assign(user, group).expect(200).id();
    peer.patch(&format!("/users/{user}"), json!({ "user": { "name": "Ann" } })).expect(204);
    peer.patch(&format!("/groups/{group}"), json!({ "group": { "name": "Day" } })).expect(204);
    let dates = json!({ "role_assignment": { "valid_until": "2027-01-01T00:00:00Z" } });
    peer.patch(&format!("/role_assignments/{held}"), dates).expect(204);
    let login = peer.post("/logins", json!({ "login": { "email": "ann@x.test" } })).id();
    peer.delete(&format!("/logins/{login}")).expect(204);
    peer.delete(&format!("/role_assignments/{held}")).expect(204);
    peer.delete(&format!("/groups/{group}")).expect(204);
    peer.delete(&format!("/users/{user}")).expect(204);
    let events = peer.simulator.events();
    let lines: Vec<String> = events.iter().map(ToString::to_string).collect();
    assert_eq!(
        lines,
        [
            "1 owner@gym-1.test user.create ann@x.test",
            "2 owner@gym-1.test group.create Basic",
            "3 owner@gym-1.test role_assignment.create Basic",
            "4 owner@gym-1.test user.update Ann",
            "5 owner@gym-1.test group.update Day",
            "6 owner@gym-1.test role_assignment.update Day",
            "7 owner@gym-1.test login.create Ann",
            "8 owner@gym-1.test login.destroy Ann",
            "9 owner@gym-1.test role_assignment.destroy Day",
            "10 owner@gym-1.test group.destroy Day",
            "11 owner@gym-1.test user.destroy Ann",
        ]
    );
    assert!(events.iter().all(|event| event.success && event.actor_id == owner["id"].as_u64()));
    let login_in_use = peer.get("/login").id();
    assert!(events.iter().all(|event| event.login_id == Some(login_in_use)));
    assert_eq!(events[2].object_id, held);
    // A refused request makes no event.
    peer.post("/users", json!({ "user": { "email": "x" } })).expect(422);
    peer.delete("/users/1").expect(404);
    assert_eq!(peer.simulator.events().len(), 11);
}

#[test]
fn changes_by_staff_are_events_of_the_owner_without_a_login() {
    let peer = Peer::new();
    let owner = peer.get("/user").id();
    let user = peer.simulator.add_user("Ann", "ann@x.test");
    peer.simulator.add_key(user);
    peer.simulator.set_user_access_enabled(user, false);
    peer.simulator.delete_user(user);
    let events = peer.simulator.events();
    let types: Vec<&str> = events.iter().map(|event| event.event_type.name()).collect();
    assert_eq!(types, ["user.create", "login.create", "user.update", "login.destroy", "user.destroy"]);
    assert!(events.iter().all(|event| event.actor_id == Some(owner) && event.login_id.is_none()));
}

#[test]
fn deleting_a_user_or_group_first_records_its_parts_in_the_same_sequence() {
    let peer = Peer::of_example();
    let state = peer.simulator.state();
    let mia = state.user_by_email("mia@example.test").unwrap().id;
    let held = state.role_assignments_of(mia).next().unwrap().id;
    let login = state.logins_of(mia).next().unwrap().id;
    peer.delete(&format!("/users/{mia}")).expect(204);
    let events = recorded(&peer, 0);
    let sequence = events[0].2.clone();
    assert_eq!(
        events,
        [
            (EventType::RoleAssignmentDestroy, held, sequence.clone()),
            (EventType::LoginDestroy, login, sequence.clone()),
            (EventType::UserDestroy, mia, sequence.clone()),
        ]
    );

    let premium = state.group_by_name("Premium").unwrap().id;
    let held = state.role_assignments_in(premium).next().unwrap().id;
    assert!(peer.simulator.delete_group(premium));
    let events = recorded(&peer, 3);
    assert_ne!(events[0].2, sequence, "another sequence");
    let kinds: Vec<(EventType, u64)> = events.iter().map(|(kind, id, _)| (*kind, *id)).collect();
    assert_eq!(kinds[0], (EventType::RoleAssignmentDestroy, held));
    assert_eq!(kinds[1].0, EventType::GroupLockDestroy);
    assert_eq!(kinds[2].0, EventType::GroupLockDestroy);
    assert_eq!(kinds[3], (EventType::GroupDestroy, premium));
}

#[test]
fn an_event_set_and_its_events_have_every_documented_field() {
    let peer = Peer::new();
    let (owner, login) = (peer.get("/user").json(), peer.get("/login").id());
    let organization = peer.get("/organization").id();
    let user = peer.create_user("ann@x.test");
    let set = ask(&peer, json!({ "event_type": "user.create" })).expect(200).json();
    let event = set["events"][0].clone();
    assert_eq!(
        event,
        json!({
            "uuid": "00000000-0000-4000-8000-000000000001", "type": "user.create",
            "actor_type": "User", "actor_id": owner["id"], "actor_name": owner["name"],
            "actor_email": owner["email"], "authenticated_by_type": "Login", "authenticated_by_id": login,
            "authorized_by_type": null, "authorized_by_id": null, "authorized_by_role_id": null,
            "object_type": "User", "object_id": user, "object_name": "ann@x.test", "action": "create",
            "created_at": "2026-10-01T10:00:00.000Z", "message": null, "success": true, "code": null,
            "sequence": event["uuid"], "organization_id": organization, "place_id": null,
            "error_code": null, "error_message": null, "details": {}, "via": {},
        })
    );
    assert_eq!(
        set,
        json!({
            "id": set["id"], "created_at": "2026-10-01T10:00:00.000Z", "status": "finished",
            "interval": "2026-07-03T10:00:00.000Z/2026-10-01T10:00:00.000Z",
            "event_actor_id": null, "event_actor_type": null, "event_authenticated_by_id": null,
            "event_authenticated_by_type": null, "event_object_id": null, "event_object_type": null,
            "event_place_id": null, "event_success": null, "event_sequence": null,
            "event_type": "user.create", "event_uuid": null, "events": [event], "cursor": null,
            "place_id": null,
        })
    );
    assert_eq!(peer.get(&format!("/event_sets/{}", set["id"])).expect(200).json(), set);
}

#[test]
fn an_event_set_is_read_page_by_page_newest_first_and_does_not_grow() {
    let peer = Peer::new();
    for number in 1..=120 {
        peer.create_group(&format!("{number}"));
    }
    let set = ask(&peer, json!({})).expect(200);
    assert_eq!(types(&set).len(), 50, "the default");
    let path = format!("/event_sets/{}", set.id());
    peer.create_group("121");
    let mut names = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let query = cursor.map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
        let page = peer.get(&format!("{path}?limit=50{query}")).expect(200).json();
        names.extend(page["events"].as_array().unwrap().iter().map(|event| event["object_name"].clone()));
        match page["cursor"].as_str() {
            Some(next) => cursor = Some(next.to_owned()),
            None => break,
        }
    }
    let expected: Vec<Value> = (1..=120).rev().map(|number| json!(format!("{number}"))).collect();
    assert_eq!(names, expected);
    assert_eq!(types(&peer.get(&format!("{path}?limit=200"))).len(), 120);
    peer.get(&format!("{path}?cursor=x")).expect(400);
    peer.get(&format!("{path}?limit=0")).expect_invalid(&["limit"]);
}

#[test]
fn events_are_filtered_by_everything_that_is_documented() {
    let peer = Peer::of_example();
    let mia = peer.with_key("a-plain-members-key");
    let state = peer.simulator.state();
    let (front, sauna) = (state.locks[0].id, state.locks[1].id);
    let (place, mia_id) = (state.places[0].id, state.user_by_email("mia@example.test").unwrap().id);
    let login = mia.get("/login").id();
    mia.call("POST", &format!("/locks/{front}/unlock"), "").expect(200);
    peer.simulator.advance(Duration::from_secs(60));
    mia.call("POST", &format!("/locks/{sauna}/unlock"), "").expect(403);
    peer.create_user("ann@x.test");
    peer.simulator.add_group("By hand");
    let all = ["group.create", "user.create", "lock.unlock", "lock.unlock"];
    assert_eq!(types(&ask(&peer, json!({}))), all);
    let first = peer.simulator.events()[0].clone();
    for (filter, expected) in [
        (json!({ "event_type": "lock.unlock, group.create" }), vec![all[0], all[2], all[3]]),
        (json!({ "event_type": "lock.open" }), vec![]),
        (json!({ "event_success": false }), vec!["lock.unlock"]),
        (json!({ "event_success": null }), all.to_vec()),
        (json!({ "event_actor_id": mia_id }), vec!["lock.unlock", "lock.unlock"]),
        (json!({ "event_actor_type": "User" }), all.to_vec()),
        (json!({ "event_actor_type": "Guest" }), vec![]),
        (json!({ "event_authenticated_by_id": login }), vec!["lock.unlock", "lock.unlock"]),
        (json!({ "event_authenticated_by_type": "Login" }), all[1..].to_vec()),
        (json!({ "event_object_id": front }), vec!["lock.unlock"]),
        (json!({ "event_object_type": "Lock" }), vec!["lock.unlock", "lock.unlock"]),
        (json!({ "event_place_id": place }), vec!["lock.unlock", "lock.unlock"]),
        (json!({ "place_id": place, "event_success": true }), vec!["lock.unlock"]),
        (json!({ "event_uuid": first.uuid }), vec!["lock.unlock"]),
        (json!({ "event_sequence": first.sequence }), vec!["lock.unlock"]),
        (json!({ "interval": "2026-10-01T10:00:00Z/PT59S" }), vec!["lock.unlock"]),
        (json!({ "interval": "2026-10-01T10:00:01Z/2026-10-01T10:01:00Z" }), all[..3].to_vec()),
    ] {
        assert_eq!(types(&ask(&peer, filter.clone()).expect(200)), expected, "{filter}");
    }
    let refused = ask(&peer, json!({ "event_success": false })).json()["events"][0].clone();
    assert_eq!((&refused["error_code"], &refused["success"]), (&json!("fcd8ef"), &json!(false)));
    assert_eq!(refused["actor_email"], "Mia@example.test");
}

#[test]
fn a_wrong_event_set_is_refused_field_by_field() {
    let peer = Peer::new();
    peer.post("/event_sets", json!({})).expect_invalid(&["event_set"]);
    for interval in
        ["today", "P90D", "2026-10-01T00:00:00Z/2026-09-01T00:00:00Z", "P91D/2026-10-01T00:00:00Z"]
    {
        ask(&peer, json!({ "interval": interval })).expect_invalid(&["interval"]);
    }
    ask(&peer, json!({ "interval": "P90D/2026-10-01T00:00:00Z" })).expect(200);
    ask(&peer, json!({ "place_id": 1, "event_place_id": 1 })).expect_invalid(&["place_id"]);
    ask(&peer, json!({ "event_success": "yes", "event_actor_id": "x", "event_type": 1 })).expect_invalid(&[
        "event_actor_id",
        "event_success",
        "event_type",
    ]);
    peer.get("/event_sets/1").expect(404);
    peer.get("/event_sets").expect(404);
}

#[test]
fn event_sets_are_for_administrators_of_the_same_organization() {
    let peer = Peer::of_example();
    peer.create_user("ann@x.test");
    let id = ask(&peer, json!({})).expect(200).id();
    ask(&peer.with_key("a-plain-members-key"), json!({})).expect(403);
    let other = peer.with_key(&peer.simulator.keys()[2].secret);
    other.get(&format!("/event_sets/{id}")).expect_error(404, "The record could not be found");
    assert!(types(&ask(&other, json!({}))).is_empty());
}

#[test]
fn an_event_set_is_in_progress_for_as_long_as_the_knob_says_and_may_fail() {
    let peer = Peer::with(|knobs| knobs.event_set_delay_ms = 2_000);
    peer.create_user("ann@x.test");
    let set = ask(&peer, json!({})).expect(200);
    let path = format!("/event_sets/{}", set.id());
    for answer in [set, peer.get(&path).expect(200)] {
        let body = answer.json();
        assert_eq!((&body["status"], &body["cursor"]), (&json!("in_progress"), &Value::Null));
        assert!(body.get("events").is_none());
    }
    peer.simulator.advance(Duration::from_secs(2));
    assert_eq!(types(&peer.get(&path)), ["user.create"]);
    peer.knobs(|knobs| knobs.event_set_outcome = EventSetOutcome::Failed);
    let failed = peer.get(&path).expect(200).json();
    assert_eq!((&failed["status"], failed.get("events")), (&json!("failed"), None));
}

#[test]
fn an_event_set_is_kept_for_a_day() {
    let peer = Peer::new();
    let path = format!("/event_sets/{}", ask(&peer, json!({})).id());
    peer.simulator.advance(Duration::from_secs(24 * 60 * 60 - 1));
    peer.get(&path).expect(200);
    peer.simulator.advance(Duration::from_secs(1));
    peer.get(&path).expect(404);
    assert_ne!(format!("/event_sets/{}", ask(&peer, json!({})).id()), path);
}

#[test]
fn a_user_may_create_one_event_set_per_second() {
    let peer = Peer::with(|knobs| knobs.rate_limit = true);
    let id = ask(&peer, json!({})).expect(200).id();
    ask(&peer, json!({})).expect_error(429, "Too many requests");
    peer.get(&format!("/event_sets/{id}")).expect(200);
    peer.simulator.advance(Duration::from_secs(1));
    ask(&peer, json!({})).expect(200);
}

#[test]
fn the_types_of_events_can_be_listed() {
    let types = Peer::new().get("/events/types").expect(200).json();
    for name in ["lock.unlock", "role_assignment.destroy", "login.create"] {
        assert!(types.as_array().unwrap().contains(&json!(name)), "{name}");
    }
}
