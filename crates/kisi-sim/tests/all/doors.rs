//! Places and locks, to read.

use serde_json::json;

use crate::peer::Peer;

#[test]
fn a_place_has_every_documented_field() {
    let peer = Peer::of_example();
    let rows = peer.get("/places").expect(200);
    assert_eq!(rows.range(), "0-49/1");
    let place = rows.json()[0].clone();
    let organization = peer.get("/organization").json();
    assert_eq!(
        place,
        json!({
            "id": place["id"], "resource_type": "Place", "name": "Main Street", "description": null,
            "created_at": "2026-10-01T10:00:00.000Z", "updated_at": "2026-10-01T10:00:00.000Z",
            "latitude": 52.52, "longitude": 13.405, "address": "1 Main Street, Berlin", "image": null,
            "time_zone": "Europe/Berlin", "tz_time_zone": "Europe/Berlin", "locks_count": 3,
            "integrations_count": 0, "locked_down": false, "locked_down_since": null,
            "occupancy_rate": null, "organization_id": organization["id"],
            "organization": {
                "id": organization["id"], "resource_type": "Organization",
                "name": "Iron Temple", "domain": "iron-temple",
            },
            "color": null, "logo": null, "user_id": null, "members_count": 3,
        })
    );
    assert_eq!(peer.get(&format!("/places/{}", place["id"])).json(), place);
    assert_eq!(peer.get("/places?favorite=*").json()[0]["favorite"], false);
    assert!(peer.get("/places?favorite=true").ids().is_empty());
    peer.post("/places", json!({})).expect(404);
}

#[test]
fn a_lock_has_every_documented_field() {
    let peer = Peer::of_example();
    let rows = peer.get("/locks").expect(200);
    assert_eq!(rows.range(), "0-49/3");
    let lock = rows.json()[0].clone();
    assert_eq!(
        lock,
        json!({
            "id": lock["id"], "resource_type": "Lock", "created_at": "2026-10-01T10:00:00.000Z",
            "updated_at": "2026-10-01T10:00:00.000Z", "configured": true, "description": "Street side",
            "first_to_arrive_required_until": null, "first_to_arrive_satisfied": true,
            "latitude": 52.52, "locked_down": false, "locked_down_since": null, "longitude": 13.405,
            "name": "Front door", "on_scheduled_unlock": false, "online": true, "open": false,
            "order_id": null, "unlocked": false, "geofence_restriction_enabled": false,
            "geofence_restriction_radius": 100.0, "reader_restriction_enabled": false,
            "time_restriction_enabled": false, "time_restriction_time_zone": null,
            "place_id": lock["place_id"],
            "place": {
                "id": lock["place_id"], "name": "Main Street", "latitude": 52.52, "longitude": 13.405,
            },
            "floor_id": null, "groups_count": 3, "unlocked_until": null,
        })
    );
}

#[test]
fn locks_are_filtered_by_their_state_and_place() {
    let peer = Peer::of_example();
    let ids = peer.get("/locks").ids();
    let place = peer.get("/places").ids()[0];
    assert_eq!(peer.get("/locks?online=false").ids(), ids[2..]);
    assert_eq!(peer.get("/locks?online=true&configured=true&unlocked=false").ids(), ids[..2]);
    assert_eq!(peer.get(&format!("/locks?place_id={place}")).ids(), ids);
    assert!(peer.get("/locks?place_id=1").ids().is_empty());
    assert!(peer.get("/locks?floor_id=1").ids().is_empty());
    assert_eq!(peer.get("/locks?sort=name").ids(), [ids[2], ids[0], ids[1]]);
    peer.get("/locks?online=maybe").expect_invalid(&["online"]);
}
