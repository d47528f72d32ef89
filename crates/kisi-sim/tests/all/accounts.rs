//! Keys, rights, organizations, and their isolation.

use axum::body::Body;
use http::Request;
use http::header::AUTHORIZATION;
use kisi_sim::{Hand, IntegrationHeaders, OrganizationRole};
use serde_json::{Value, json};

use crate::peer::{Peer, send};

#[test]
fn without_a_working_key_every_endpoint_answers_401() {
    let peer = Peer::new();
    for key in ["", "wrong"] {
        let unknown = peer.with_key(key);
        unknown.get("/users").expect_error(401, "Unauthorized");
        unknown.post("/users", json!({ "user": { "email": "a@x.test" } })).expect(401);
        unknown.delete("/groups/1").expect(401);
    }
    for scheme in ["Bearer KEY", "KEY", "KISI-LOGIN", "KISI-ACCESS-KEY KEY"] {
        let header = scheme.replace("KEY", &peer.key);
        let request = Request::get("/user").header(AUTHORIZATION, &header).body(Body::empty()).unwrap();
        assert_eq!(send(&peer.simulator, request).status, 401, "{scheme}");
    }
    assert_eq!(peer.simulator.state().users.len(), 1);
}

#[test]
fn a_revoked_key_stops_working_and_the_users_other_key_still_works() {
    let peer = Peer::new();
    let second = peer.with_key(&peer.simulator.add_key(peer.get("/user").id()));
    second.get("/user").expect(200);
    assert!(peer.simulator.revoke_key(&peer.key));
    assert!(!peer.simulator.revoke_key(&peer.key), "revoked before");
    peer.get("/user").expect(401);
    second.get("/user").expect(200);
    assert_eq!(peer.simulator.key(), peer.key, "still the first key of the seed");
    assert_eq!(peer.simulator.keys().len(), 1, "but it no longer works");
}

#[test]
fn a_plain_member_reads_little_and_writes_nothing() {
    let peer = Peer::of_example();
    let member = peer.with_key("a-plain-members-key");
    for open in ["/user", "/organization", "/organizations", "/places", "/locks", "/roles"] {
        member.get(open).expect(200);
    }
    for closed in ["/users", "/groups", "/role_assignments", "/group_locks?group_id=4000001"] {
        member.get(closed).expect(403);
    }
    member.post("/users", json!({ "user": { "email": "b@x.test" } })).expect(403);
    member.patch("/groups/4000001", json!({ "group": { "name": "Mine" } })).expect(403);
    member.delete("/role_assignments/100000003").expect(403);
    // Only the doors of its own groups.
    let doors = member.get("/locks").json();
    assert_eq!(doors.as_array().unwrap().len(), 1);
    assert_eq!(doors[0]["name"], "Front door");
}

#[test]
fn an_administrators_key_loses_its_rights_with_the_role() {
    let peer = Peer::new();
    let user_id = peer.simulator.add_user("Adam", "adam@x.test");
    let adam = peer.with_key(&peer.simulator.add_key(user_id));
    let role = |role| peer.simulator.hand(Hand::SetOrganizationRole { user_id, role }).unwrap();
    adam.get("/users").expect(403);
    role(OrganizationRole::Administrator);
    adam.get("/users").expect(200);
    role(OrganizationRole::Member);
    adam.get("/users").expect(403);
}

#[test]
fn an_unknown_endpoint_answers_with_kisis_text() {
    let peer = Peer::new();
    for (method, path) in
        [("GET", "/memberships"), ("PUT", "/users/1"), ("GET", "/"), ("PATCH", "/group_locks/1")]
    {
        let answer = peer.call(method, path, "");
        let answer = answer.expect_error(404, "The endpoint does not exist, please check your request.");
        assert_eq!(answer.json()["code"], "000404", "{method} {path}");
    }
}

#[test]
fn the_records_of_another_organization_are_not_found() {
    let peer = Peer::of_example();
    let other_key = peer.simulator.keys().last().unwrap().secret.clone();
    let other = peer.with_key(&other_key);
    assert_eq!(other.get("/organization").json()["name"], "Box 42");
    let state = peer.simulator.state();
    let mia = state.user_by_email("mia@example.test").unwrap().id;
    let basic = state.group_by_name("Basic").unwrap().id;
    let theirs = other.create_user("mia@example.test");
    assert_ne!(theirs, mia, "the same address in two organizations is two users");

    for path in [
        format!("/users/{mia}"),
        format!("/groups/{basic}"),
        format!("/role_assignments/{}", state.role_assignments[0].id),
        format!("/group_locks/{}", state.group_locks[0].id),
        format!("/places/{}", state.places[0].id),
        format!("/locks/{}", state.locks[0].id),
        format!("/organizations/{}", state.organizations[0].id),
    ] {
        peer.get(&path).expect(200);
        other.get(&path).expect_error(404, "The record could not be found");
    }
    other.patch(&format!("/users/{mia}"), json!({ "user": { "name": "x" } })).expect(404);
    other.delete(&format!("/groups/{basic}")).expect(404);
    other.assign(theirs, basic).expect_error(404, "The record could not be found");
    other.assign(mia, basic).expect(404);
    assert_eq!(other.get("/groups").range(), "*/0");
    assert!(other.get(&format!("/role_assignments?assignee_type=User&assignee_id={mia}")).ids().is_empty());
    assert_eq!(other.get("/users?email=mia@example.test").ids(), [theirs]);
    assert_eq!(peer.get("/users?email=mia@example.test").ids(), [mia]);
}

#[test]
fn an_id_of_another_kind_finds_nothing() {
    let peer = Peer::of_example();
    let state = peer.simulator.state();
    let (user, group) = (state.users[0].id, state.groups[0].id);
    peer.get(&format!("/users/{group}")).expect(404);
    peer.get(&format!("/groups/{user}")).expect(404);
    peer.get("/users/abc").expect_error(404, "The record could not be found");
}

#[test]
fn the_current_user_comes_with_its_organization() {
    let peer = Peer::of_example();
    let user = peer.get("/user").expect(200).json();
    assert_eq!(user["email"], "olga@iron-temple.test");
    let organization = peer.get("/organization").json();
    assert_eq!(
        user["organization"],
        json!({
            "id": organization["id"], "resource_type": "Organization",
            "name": "Iron Temple", "domain": "iron-temple",
        })
    );
    assert_eq!(organization["time_zone"], "Europe/Berlin");
    assert_eq!(organization["user_id"], user["id"]);
    assert_eq!(peer.get("/organizations").json(), json!([organization]));

    peer.patch("/user", json!({ "user": { "name": "Olga", "locale": "de" } })).expect(204);
    peer.patch("/user", json!({ "user": { "locale": "xx" } })).expect_invalid(&["locale"]);
    let user = peer.get("/user").json();
    assert_eq!((&user["name"], &user["locale"]), (&json!("Olga"), &json!("de")));
}

#[test]
fn integration_headers_are_recorded_and_required_only_with_the_knob() {
    let mut peer = Peer::new();
    peer.get("/user").expect(200);
    peer.knobs(|knobs| knobs.integration_headers = IntegrationHeaders::Unprocessable);
    peer.get("/user").expect_invalid(&["integration"]);
    peer.knobs(|knobs| knobs.integration_headers = IntegrationHeaders::BadRequest);
    peer.get("/user").expect(400);
    peer.headers = vec![("X-Kisi-Integration-Identifier", "gym")];
    peer.get("/user").expect(400);
    peer.headers.push(("X-Kisi-Integration-Contact", "dev@gym.test"));
    peer.get("/user").expect(200);
    let last = peer.simulator.journal().pop().unwrap();
    assert_eq!(last.integration_identifier.as_deref(), Some("gym"));
    assert_eq!(last.integration_contact.as_deref(), Some("dev@gym.test"));
}

#[test]
fn roles_can_be_listed_and_read() {
    let peer = Peer::new();
    let roles = peer.get("/roles").expect(200);
    assert!(roles.headers.get("x-collection-range").is_none(), "roles are not paged");
    let ids: Vec<Value> = roles.json().as_array().unwrap().iter().map(|role| role["id"].clone()).collect();
    assert!(ids.contains(&json!("group_basic")) && ids.contains(&json!("organization_administrator")));
    assert_eq!(peer.get("/roles/group_basic").json()["applies_to"], "Group");
    peer.get("/roles/sultan").expect(404);
}
