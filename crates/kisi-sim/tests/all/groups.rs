//! Access groups and their doors.

use serde_json::{Value, json};

use crate::peer::Peer;

#[test]
fn a_new_group_has_every_documented_field() {
    let peer = Peer::new();
    let group = peer.post("/groups", json!({ "group": { "name": "24/7" } })).expect(200).json();
    assert_eq!(
        group,
        json!({
            "id": group["id"], "resource_type": "Group", "name": "24/7", "description": null,
            "created_at": "2026-10-01T10:00:00.000Z", "updated_at": "2026-10-01T10:00:00.000Z",
            "geofence_restriction_enabled": false, "geofence_restriction_radius": 100.0,
            "primary_device_restriction_enabled": false, "managed_device_restriction_enabled": false,
            "reader_restriction_enabled": false, "time_restriction_enabled": false,
            "tap_to_access_restriction_enabled": false, "login_enabled": true, "users_count": 0,
            "locks_count": 0, "elevator_stops_count": 0, "place_id": null,
            "time_restriction_time_zone": null, "members_count": 0,
        })
    );
    peer.post("/groups", json!({ "group": { "name": " " } })).expect_invalid(&["name"]);
    peer.post("/groups", json!({ "group": { "name": "x", "place_id": 1 } })).expect_invalid(&["place"]);
}

#[test]
fn a_group_of_a_place_shows_the_place() {
    let peer = Peer::new();
    let place = peer.get("/places").json()[0].clone();
    let body = json!({ "group": { "name": "Here", "place_id": place["id"], "login_enabled": false } });
    let group = peer.post("/groups", body).expect(200).json();
    assert_eq!(group["place"], json!({ "id": place["id"], "resource_type": "Place", "name": place["name"] }));
    assert_eq!(group["login_enabled"], false);
}

#[test]
fn a_group_is_changed_and_deleted_with_its_role_assignments_and_doors() {
    let peer = Peer::of_example();
    let basic = peer.simulator.state().group_by_name("Basic").unwrap().id;
    let path = format!("/groups/{basic}");
    peer.patch(&path, json!({ "group": { "name": "Day", "login_enabled": false } })).expect(204);
    peer.patch(&path, json!({ "group": { "name": "" } })).expect_invalid(&["name"]);
    let group = peer.get(&path).json();
    assert_eq!((&group["name"], &group["login_enabled"]), (&json!("Day"), &json!(false)));
    assert_eq!((&group["users_count"], &group["locks_count"]), (&json!(1), &json!(1)));
    peer.delete(&path).expect(204);
    peer.delete(&path).expect(404);
    let state = peer.simulator.state();
    assert!(state.role_assignments_in(basic).next().is_none());
    assert!(state.group_locks.iter().all(|group_lock| group_lock.group_id != basic));
}

#[test]
fn groups_are_filtered_by_name_scope_place_and_door() {
    let peer = Peer::of_example();
    let state = peer.simulator.state();
    let id = |name: &str| state.group_by_name(name).unwrap().id;
    let (basic, premium, staff) = (id("Basic"), id("Premium"), id("Staff"));
    let (place, sauna) = (state.places[0].id, state.locks[1].id);
    // The example lets searches lag behind.
    peer.simulator.advance(std::time::Duration::from_secs(2));
    assert_eq!(peer.get("/groups?query=as").ids(), [basic]);
    assert_eq!(peer.get("/groups?scope=place").ids(), [premium]);
    assert_eq!(peer.get("/groups?scope=organization").ids(), [basic, staff]);
    assert_eq!(peer.get(&format!("/groups?place_id={place}")).ids(), [premium]);
    assert_eq!(peer.get(&format!("/groups?lock_id={sauna}")).ids(), [premium, staff]);
    assert_eq!(peer.get("/groups?sort=-name").ids(), [staff, premium, basic]);
    assert!(peer.get("/groups?elevator_stop_id=1").ids().is_empty());
    peer.get("/groups?scope=team").expect_invalid(&["scope"]);
}

#[test]
fn the_doors_of_a_group_are_listed_for_one_group_at_a_time() {
    let peer = Peer::of_example();
    let state = peer.simulator.state();
    let premium = state.group_by_name("Premium").unwrap().id;
    peer.get("/group_locks").expect(400);
    peer.get("/group_locks?group_id=1").expect(404);
    let rows = peer.get(&format!("/group_locks?group_id={premium}")).expect(200);
    assert_eq!(rows.range(), "0-9/2");
    let first = rows.json()[0].clone();
    assert_eq!(first["resource_type"], "GroupLock");
    assert_eq!(first["group"], json!({ "id": premium, "resource_type": "Group", "name": "Premium" }));
    let lock = json!({ "id": first["lock_id"], "name": "Front door", "description": "Street side" });
    assert_eq!(first["lock"], lock);
    assert_eq!(first["place"]["name"], "Main Street");
    let by_lock = format!("/group_locks?group_id={premium}&lock_id={}", state.locks[1].id);
    assert_eq!(peer.get(&by_lock).ids().len(), 1);
}

#[test]
fn a_door_is_put_into_a_group_once_and_taken_out_again() {
    let peer = Peer::of_example();
    let state = peer.simulator.state();
    let (basic, sauna) = (state.group_by_name("Basic").unwrap().id, state.locks[1].id);
    let body = json!({ "group_lock": { "group_id": basic, "lock_id": sauna } });
    let id = peer.post("/group_locks", body.clone()).expect(200).id();
    peer.post("/group_locks", body).expect(409);
    let locks_count = || peer.get(&format!("/groups/{basic}")).json()["locks_count"].clone();
    assert_eq!(locks_count(), 2);
    peer.get(&format!("/group_locks/{id}")).expect(200);
    peer.delete(&format!("/group_locks/{id}")).expect(204);
    peer.delete(&format!("/group_locks/{id}")).expect(404);
    assert_eq!(locks_count(), 1);
    let wrong = |body: Value, field: &str| {
        peer.post("/group_locks", json!({ "group_lock": body })).expect_invalid(&[field]);
    };
    wrong(json!({ "group_id": basic }), "lock_id");
    wrong(json!({ "group_id": 1, "lock_id": sauna }), "group");
    wrong(json!({ "group_id": basic, "lock_id": 1 }), "lock");
}
