//! The control surface, for tests in other languages.

use axum::body::Body;
use http::Request;
use http::header::CONTENT_TYPE;
use serde_json::{Value, json};

use crate::peer::{Answer, Peer, send};

/// A client without a key.
fn bare() -> Peer {
    Peer::of(kisi_sim::Simulator::new(kisi_sim::Seed::default()).unwrap()).with_key("")
}

fn put(peer: &Peer, path: &str, body: Value) -> Answer {
    peer.call("PUT", path, &body.to_string())
}

#[test]
fn it_describes_itself_and_every_endpoint_of_kisi() {
    let peer = bare();
    let about = peer.get("/_sim").expect(200).json();
    for route in about["control"].as_object().unwrap().keys() {
        let (method, path) = route.split_once(' ').unwrap();
        assert_ne!(peer.call(method, path, "").status, 404, "{route}");
    }
    assert!(about["kisi"].as_array().unwrap().iter().any(|row| row["endpoint"] == "PATCH /users/{id}"));
    peer.get("/_sim/nothing").expect(404);
    peer.delete("/_sim/state").expect(404);
}

#[test]
fn it_needs_no_key_and_is_not_in_the_journal() {
    let peer = bare();
    let key = peer.get("/_sim/keys").expect(200).json()[0]["secret"].as_str().unwrap().to_owned();
    peer.with_key(&key).get("/user").expect(200);
    let journal = peer.get("/_sim/journal").expect(200).json();
    assert_eq!(journal.as_array().unwrap().len(), 1);
    assert_eq!((&journal[0]["path"], &journal[0]["status"]), (&json!("/user"), &json!(200)));
    peer.delete("/_sim/journal").expect(204);
    assert_eq!(peer.get("/_sim/journal").json(), json!([]));
    let state = peer.get("/_sim/state").expect(200);
    assert_eq!(state.json()["now"], "2026-10-01T10:00:00.000Z");
    assert!(!state.text.contains(&key));
}

#[test]
fn the_clock_is_set_and_moved() {
    let peer = bare();
    let start = peer.get("/_sim/clock").json()["now_ms"].as_u64().unwrap();
    assert_eq!(
        put(&peer, "/_sim/clock", json!({ "advance_ms": 1_500 })).json()["now"],
        "2026-10-01T10:00:01.500Z"
    );
    assert_eq!(put(&peer, "/_sim/clock", json!({ "now_ms": start })).json()["now_ms"], start);
    for denied in [json!({}), json!({ "now_ms": 1, "advance_ms": 1 }), json!({ "advance": 1 })] {
        put(&peer, "/_sim/clock", denied).expect(400);
    }
}

#[test]
fn knobs_are_changed_one_by_one_and_errors_name_the_knob() {
    let peer = bare();
    let knobs =
        peer.patch("/_sim/knobs", json!({ "duplicate_user": "422", "retry_after_s": 3 })).expect(200).json();
    assert_eq!((&knobs["duplicate_user"], &knobs["retry_after_s"]), (&json!("422"), &json!(3)));
    let knobs = peer.patch("/_sim/knobs", json!({ "retry_after_s": null })).json();
    assert_eq!((&knobs["duplicate_user"], &knobs["retry_after_s"]), (&json!("422"), &Value::Null));
    assert_eq!(peer.get("/_sim/knobs").json(), knobs);
    for (denied, named) in [
        (json!({ "duplicate_user": "500" }), "`duplicate_user`"),
        (json!({ "speed": 1 }), "`speed`"),
        (json!({ "requests_per_second": 0 }), "`requests_per_second`"),
        (json!([]), "the body"),
    ] {
        let refused = peer.patch("/_sim/knobs", denied).expect(400).json();
        assert!(refused["error"].as_str().unwrap().contains(named), "{refused}");
    }
}

#[test]
fn faults_are_added_listed_and_removed() {
    let peer = bare();
    let fault = json!({
        "route": "GET /user", "skip": 1, "times": 2, "effect": { "kind": "status", "status": 503 },
    });
    peer.post("/_sim/faults", fault.clone()).expect(204);
    let user = peer.with_key(&peer.simulator.key());
    let statuses: Vec<u16> = (0..4).map(|_| user.get("/user").status).collect();
    assert_eq!(statuses, [200, 503, 503, 200]);
    let listed = peer.get("/_sim/faults").json();
    assert_eq!(listed, json!([{ "fault": fault, "seen": 3, "fired": 2 }]));
    peer.delete("/_sim/faults").expect(204);
    assert_eq!(peer.get("/_sim/faults").json(), json!([]));
    for (denied, named) in [
        (json!({ "route": "GET /nowhere", "effect": { "kind": "html" } }), "`route`"),
        (json!({ "route": "GET /user", "effect": { "kind": "boom" } }), "`effect"),
        (json!({ "route": "GET /user" }), "effect"),
    ] {
        let refused = peer.post("/_sim/faults", denied).expect(400).json();
        assert!(refused["error"].as_str().unwrap().contains(named), "{refused}");
    }
}

#[test]
fn a_seed_replaces_everything_and_answers_with_the_new_keys() {
    let peer = bare();
    peer.simulator.add_group("Old");
    let seed = json!({ "organizations": [{ "name": "New Gym", "keys": [{ "secret": "given" }] }] });
    let keys = peer.post("/_sim/seed", seed).expect(200).json();
    assert_eq!(keys["keys"][0]["secret"], "given");
    assert_eq!(peer.with_key("given").get("/organization").json()["name"], "New Gym");
    assert!(peer.simulator.state().groups.is_empty());

    let toml = Request::post("/_sim/seed").header(CONTENT_TYPE, "application/toml");
    let toml = toml.body(Body::from("[[organizations]]\nname = \"From TOML\"")).unwrap();
    assert_eq!(send(&peer.simulator, toml).status, 200);
    assert_eq!(peer.simulator.state().organizations[0].name, "From TOML");

    let refused = peer.post("/_sim/seed", json!({ "organizations": [{ "nmae": 1 }] })).expect(400).json();
    assert!(refused["error"].as_str().unwrap().contains("organizations[0].nmae"), "{refused}");
    for kind in ["application/toml", "application/json"] {
        let empty = Request::post("/_sim/seed").header(CONTENT_TYPE, kind).body(Body::from("\n")).unwrap();
        let refused = send(&peer.simulator, empty).expect(400).json();
        assert!(refused["error"].as_str().unwrap().contains("the body is empty"), "{kind}: {refused}");
    }
    assert_eq!(peer.simulator.state().organizations[0].name, "From TOML", "a wrong seed changes nothing");
}

#[test]
fn changes_by_staff_are_made_and_errors_name_the_field() {
    let peer = bare();
    let hand = |body: Value| peer.post("/_sim/hands", body);
    let group = hand(json!({ "hand": "add_group", "name": "24/7" })).expect(200).id();
    let user = hand(json!({ "hand": "add_user", "name": "Ann", "email": "ann@x.test" })).expect(200).id();
    let dated = json!({ "hand": "assign", "user_id": user, "group_id": group, "valid_until": "2027-01-01T00:00:00Z" });
    let held = hand(dated).expect(200).id();
    let key = hand(json!({ "hand": "add_key", "user_id": user })).expect(200).json()["secret"].clone();
    let key = key.as_str().unwrap();
    peer.with_key(key).get("/user").expect(200);
    hand(json!({ "hand": "set_organization_role", "user_id": user, "role": "administrator" })).expect(200);
    peer.with_key(key).get("/users").expect(200);
    hand(json!({ "hand": "revoke_key", "secret": key })).expect(200);
    let place = peer.simulator.state().places[0].id;
    for made in [
        json!({ "hand": "rename_group", "id": group, "name": "Day" }),
        json!({ "hand": "set_group_login_enabled", "id": group, "enabled": false }),
        json!({ "hand": "set_user_access_enabled", "id": user, "enabled": false }),
        json!({ "hand": "set_user_email", "id": user, "email": "bea@x.test" }),
        json!({ "hand": "set_user_scim_access_enabled", "id": user, "enabled": false }),
        json!({ "hand": "set_group_access_hours", "id": group, "hours": { "from": "06:00", "until": "22:00" } }),
        json!({ "hand": "set_group_access_hours", "id": group, "hours": null }),
        json!({ "hand": "set_place_locked_down", "id": place, "locked_down": true }),
    ] {
        hand(made).expect(200);
    }
    let events = peer.get("/_sim/events").expect(200).json();
    let last = events.as_array().unwrap().last().unwrap();
    assert_eq!((&last["type"], &last["object_id"]), (&json!("place.lock_down"), &json!(place)));
    let state = peer.simulator.state();
    assert_eq!(state.role_assignments_in(group).next().unwrap().id, held);
    assert!(!state.group_by_name("Day").unwrap().login_enabled);
    assert!(!state.user_by_email("bea@x.test").unwrap().access_enabled);
    hand(json!({ "hand": "unassign", "id": held })).expect(200);
    hand(json!({ "hand": "delete_user", "id": user })).expect(200);
    hand(json!({ "hand": "delete_group", "id": group })).expect(200);
    for (denied, named) in [
        (json!({ "hand": "delete_group", "id": group }), "id: there is no group"),
        (json!({ "hand": "wave" }), "wave"),
        (json!({ "hand": "set_lock_online", "id": 1, "online": true }), "id: there is no lock"),
        (json!({ "hand": "set_lock_locked_down", "id": 1, "locked_down": true }), "id: there is no lock"),
        (
            json!({ "hand": "set_group_access_hours", "id": group, "hours": { "from": "6", "until": "7" } }),
            "`6` is not a time of the day",
        ),
        (json!({ "hand": "delete_user", "user": 1 }), "user"),
        (json!({ "hand": "add_user", "name": "x", "email": "x" }), "email: `x` is not an e-mail address"),
        (json!({ "hand": "add_group", "name": "x", "lock_ids": [7] }), "lock_ids: there is no lock"),
    ] {
        let refused = hand(denied).expect(400).json();
        assert!(refused["error"].as_str().unwrap().contains(named), "{refused}");
    }
}
