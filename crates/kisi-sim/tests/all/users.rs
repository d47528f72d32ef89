//! Users: creating, finding, changing and deleting them.

use std::time::Duration;

use kisi_sim::{DuplicateUser, EmailFilterCase, EmailInPatch, MetadataPatch};
use serde_json::{Value, json};

use crate::peer::Peer;

#[test]
fn a_new_user_has_every_documented_field() {
    let peer = Peer::new();
    let body = json!({ "user": {
        "email": "Ann@x.test", "name": "Ann Lee", "send_emails": false, "confirm": true,
        "metadata": { "member": "m-1", "vip": true }, "notes": "hello",
    } });
    let user = peer.post("/users", body).expect(200).json();
    let organization_id = peer.get("/organization").id();
    assert_eq!(
        user,
        json!({
            "id": user["id"], "resource_type": "User", "name": "Ann Lee", "email": "Ann@x.test",
            "created_at": "2026-10-01T10:00:00.000Z", "updated_at": "2026-10-01T10:00:00.000Z",
            "metadata": { "member": "m-1", "vip": true }, "image": null, "otp_required_for_login": false,
            "password_flow_enabled": true, "access_enabled": true, "last_accessed_at": null,
            "scim_access_enabled": true, "notes": "hello", "organization_id": organization_id,
            "confirmed": true, "groups_count": 0,
        })
    );
    assert_eq!(peer.get(&format!("/users/{}", user["id"])).json(), user);
    assert!(!peer.simulator.state().user_by_email("ann@x.test").unwrap().send_emails);
}

#[test]
fn a_user_without_an_email_address_is_refused_field_by_field() {
    let peer = Peer::new();
    for email in ["", "  ", "ann", "@x.test", "ann@", "a b@x.test", "a@b@c"] {
        let answer = peer.post("/users", json!({ "user": { "email": email } })).expect_invalid(&["email"]);
        assert_eq!(answer.json()["errors"]["email"], json!(["can't be blank or invalid"]), "{email}");
    }
    peer.post("/users", json!({ "user": {} })).expect_invalid(&["email"]);
    peer.post("/users", json!({ "email": "a@x.test" })).expect_invalid(&["user"]);
    peer.call("POST", "/users", "").expect_invalid(&["user"]);
    peer.call("POST", "/users", "{").expect(400);
    let wrong = json!({ "user": { "email": 7, "name": [], "access_enabled": "yes" } });
    peer.post("/users", wrong).expect_invalid(&["access_enabled", "email", "name"]);
    assert_eq!(peer.simulator.state().users.len(), 1, "no user was created");
}

#[test]
fn metadata_has_its_documented_limits() {
    let peer = Peer::new();
    let create = |metadata: Value| {
        let email = format!("u{}@x.test", peer.simulator.state().users.len());
        peer.post("/users", json!({ "user": { "email": email, "metadata": metadata } }))
    };
    let keys = |count: usize| Value::Object((0..count).map(|key| (key.to_string(), json!(1))).collect());
    create(keys(50)).expect(200);
    create(keys(51)).expect_invalid(&["metadata"]);
    create(json!({ "k".repeat(50): "v".repeat(500) })).expect(200);
    create(json!({ "k".repeat(51): "v" })).expect_invalid(&["metadata"]);
    create(json!({ "k": "v".repeat(501) })).expect_invalid(&["metadata"]);
    create(json!({ "k": { "nested": 1 } })).expect_invalid(&["metadata"]);
    create(json!("text")).expect_invalid(&["metadata"]);
}

#[test]
fn a_second_user_with_the_address_in_any_case_is_a_conflict_or_a_field_error() {
    let peer = Peer::new();
    peer.create_user("ann@x.test");
    let again = json!({ "user": { "email": " ANN@X.test" } });
    peer.post("/users", again.clone()).expect_error(409, "The record already exists");
    peer.knobs(|knobs| knobs.duplicate_user = DuplicateUser::Unprocessable);
    peer.post("/users", again).expect_invalid(&["email"]);
}

#[test]
fn an_email_address_in_a_change_is_ignored_or_refused() {
    let peer = Peer::new();
    let id = peer.create_user("ann@x.test");
    let path = format!("/users/{id}");
    let change = json!({ "user": { "email": "bea@x.test", "name": "Bea" } });
    let answer = peer.patch(&path, change.clone()).expect(204);
    assert!(answer.text.is_empty() && answer.headers.get("content-type").is_none(), "204 is empty");
    assert_eq!(peer.get(&path).json()["email"], "ann@x.test");
    assert_eq!(peer.get(&path).json()["name"], "Bea");
    peer.knobs(|knobs| knobs.email_in_patch = EmailInPatch::Unprocessable);
    peer.patch(&path, change).expect_invalid(&["email"]);
    peer.patch(&path, json!({ "user": { "name": "Cleo" } })).expect(204);
}

#[test]
fn a_change_touches_only_what_it_names() {
    let peer = Peer::new();
    let id = peer.create_user("ann@x.test");
    let path = format!("/users/{id}");
    peer.patch(&path, json!({ "user": { "notes": "a", "image": "https://x.test/a.png" } })).expect(204);
    peer.simulator.advance(Duration::from_secs(60));
    peer.patch(&path, json!({ "user": { "access_enabled": false, "image": null } })).expect(204);
    let user = peer.get(&path).json();
    assert_eq!((&user["notes"], &user["image"]), (&json!("a"), &Value::Null));
    assert_eq!((&user["access_enabled"], &user["email"]), (&json!(false), &json!("ann@x.test")));
    assert_eq!(user["updated_at"], "2026-10-01T10:01:00.000Z");
    assert_eq!(user["created_at"], "2026-10-01T10:00:00.000Z");
}

#[test]
fn metadata_in_a_change_replaces_or_merges() {
    for (knob, expected) in
        [(MetadataPatch::Replace, json!({ "b": 2 })), (MetadataPatch::Merge, json!({ "a": 1, "b": 2 }))]
    {
        let peer = Peer::with(|knobs| knobs.metadata_patch = knob);
        let body = json!({ "user": { "email": "a@x.test", "metadata": { "a": 1 } } });
        let path = format!("/users/{}", peer.post("/users", body).id());
        peer.patch(&path, json!({ "user": { "metadata": { "b": 2 } } })).expect(204);
        assert_eq!(peer.get(&path).json()["metadata"], expected, "{knob:?}");
    }
}

#[test]
fn deleting_a_user_deletes_its_role_assignments_and_a_second_time_finds_nothing() {
    let peer = Peer::new();
    let (user, group) = (peer.create_user("ann@x.test"), peer.create_group("Basic"));
    peer.assign(user, group).expect(200);
    assert_eq!(peer.get(&format!("/groups/{group}")).json()["users_count"], 1);
    assert_eq!(peer.get(&format!("/users/{user}")).json()["groups_count"], 1);
    peer.delete(&format!("/users/{user}")).expect(204);
    peer.delete(&format!("/users/{user}")).expect_error(404, "The record could not be found");
    assert_eq!(peer.get(&format!("/groups/{group}")).json()["users_count"], 0);
    assert!(peer.simulator.state().role_assignments_in(group).next().is_none());
    let again = peer.create_user("ann@x.test");
    assert_ne!(again, user, "the address is free again, the id is not");
}

#[test]
fn the_owner_can_not_be_deleted() {
    let peer = Peer::new();
    let owner = peer.get("/user").id();
    peer.delete(&format!("/users/{owner}")).expect_invalid(&["base"]);
}

#[test]
fn query_finds_parts_of_address_name_and_notes_where_email_finds_one_exact_user() {
    let peer = Peer::new();
    let ann = peer.create_user("ann@x.test");
    let create = |body: Value| peer.post("/users", json!({ "user": body })).expect(200).id();
    let joann = create(json!({ "email": "joann@x.test" }));
    let bea = create(json!({ "email": "bea@x.test", "name": "Bea Hann" }));
    let cleo = create(json!({ "email": "cleo@x.test", "notes": "sister of ANN" }));
    assert_eq!(peer.get("/users?query=ann").ids(), [ann, joann, bea, cleo]);
    assert_eq!(peer.get("/users?query=ann@x.test").ids(), [ann, joann]);
    assert_eq!(peer.get("/users?email=ann@x.test").ids(), [ann]);
    assert_eq!(peer.get("/users?email=ann").ids(), [0; 0]);
    assert_eq!(peer.get("/users?email=").ids().len(), 5, "a blank filter filters nothing");
}

#[test]
fn a_plus_in_an_address_must_be_encoded() {
    let peer = Peer::new();
    let id = peer.create_user("ann+gym@x.test");
    assert_eq!(peer.get("/users?email=ann%2Bgym@x.test").ids(), [id]);
    assert!(peer.get("/users?email=ann+gym@x.test").ids().is_empty(), "a bare plus is a space");
}

#[test]
fn the_email_filter_is_case_sensitive_only_with_the_knob() {
    let peer = Peer::new();
    let id = peer.create_user("Ann@x.test");
    assert_eq!(peer.get("/users?email=ann@X.test").ids(), [id]);
    peer.knobs(|knobs| knobs.email_filter_case = EmailFilterCase::Sensitive);
    assert!(peer.get("/users?email=ann@X.test").ids().is_empty());
    assert_eq!(peer.get("/users?email=Ann@x.test").ids(), [id]);
}

#[test]
fn a_new_user_is_invisible_to_searches_for_as_long_as_the_knobs_say() {
    let peer = Peer::with(|knobs| {
        knobs.query_lag_ms = 1_000;
        knobs.email_lag_ms = 3_000;
    });
    peer.simulator.advance(Duration::from_secs(10));
    let id = peer.create_user("ann@x.test");
    let seen = || {
        let by = |query: &str| !peer.get(&format!("/users?{query}=ann@x.test")).ids().is_empty();
        (by("query"), by("email"))
    };
    assert_eq!(seen(), (false, false));
    peer.get(&format!("/users/{id}")).expect(200);
    assert_eq!(peer.get("/users").ids().len(), 2, "a plain list has no lag");
    peer.post("/users", json!({ "user": { "email": "ann@x.test" } })).expect(409);
    peer.simulator.advance(Duration::from_millis(1_000));
    assert_eq!(seen(), (true, false));
    peer.simulator.advance(Duration::from_millis(2_000));
    assert_eq!(seen(), (true, true));
}

#[test]
fn users_are_filtered_by_ids_group_place_and_self_and_sorted() {
    let peer = Peer::of_example();
    let state = peer.simulator.state();
    let id = |email: &str| state.user_by_email(email).unwrap().id;
    let (olga, adam) = (id("olga@iron-temple.test"), id("adam@iron-temple.test"));
    let (mia, sam) = (id("mia@example.test"), id("sam@example.test"));
    let (basic, place) = (state.group_by_name("Basic").unwrap().id, state.places[0].id);
    assert_eq!(peer.get(&format!("/users?ids={sam},{mia}")).ids(), [mia, sam]);
    assert_eq!(peer.get("/users?user_id=me").ids(), [olga]);
    assert_eq!(peer.get(&format!("/users?user_id={sam}")).ids(), [sam]);
    assert_eq!(peer.get(&format!("/users?group_id={basic}")).ids(), [mia]);
    assert_eq!(peer.get(&format!("/users?place_id={place}")).ids(), [adam, mia, sam]);
    assert_eq!(peer.get("/users?sort=name").ids(), [adam, mia, olga, sam]);
    assert_eq!(peer.get("/users?sort=-name").ids(), [sam, olga, mia, adam]);
    assert_eq!(peer.get("/users?sort=access_enabled").ids(), [sam, olga, adam, mia]);
    assert!(peer.get(&format!("/users?group_id={basic}&email=sam@example.test")).ids().is_empty());
    assert_eq!(peer.get(&format!("/users?group_id={basic}&email=mia@example.test")).ids(), [mia]);
    peer.get("/users?sort=email").expect_invalid(&["sort"]);
    peer.get("/users?ids=1,x").expect_invalid(&["ids"]);
    peer.get("/users?group_id=x").expect_invalid(&["group_id"]);
}
