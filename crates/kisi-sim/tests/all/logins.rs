//! Logins: rights to create them, their number, and their end.

use std::num::NonZeroU32;
use std::time::Duration;

use kisi_sim::{FaultEffect, LoginById, LoginType};
use serde_json::{Value, json};

use crate::peer::{Answer, Peer};

fn device(peer: &Peer, email: &str) -> Answer {
    peer.post("/logins", json!({ "login": { "type": "device", "email": email } }))
}

fn secret(answer: &Answer) -> String {
    answer.json()["secret"].as_str().unwrap().to_owned()
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

#[test]
fn a_new_login_has_every_documented_field_and_its_secret_is_shown_once() {
    let peer = Peer::new();
    let ann = peer.create_user("ann@x.test");
    let body = json!({ "login": {
        "type": "device", "name": "Ann's phone", "device_brand": "Fairphone", "device_model": "5",
        "os_name": "Android", "email": "ANN@x.test", "expire": false, "push_token": "p", "device_uid": "u",
    }, "user": {} });
    let made = peer.post("/logins", body).expect(200).json();
    let none = json!({ "name": null, "version": null });
    let user = json!({ "id": ann, "resource_type": "User", "email": "ann@x.test", "name": "" });
    let shown = json!({
        "id": made["id"], "created_at": "2026-10-01T10:00:00.000Z", "updated_at": "2026-10-01T10:00:00.000Z",
        "type": "device", "name": "Ann's phone", "primary": true, "expire": false, "last_used_at": null,
        "device_brand": "Fairphone", "device_model": "5", "os_name": "Android", "user_id": ann, "user": user,
        "app": none, "user_agent": none, "device": { "brand": "Fairphone", "model": "5" },
        "os": { "name": "Android", "version": null },
    });
    let mut whole = shown.clone();
    for (name, value) in [
        ("scram_credentials", made["scram_credentials"].clone()),
        ("secret", made["secret"].clone()),
        ("authentication_token", made["secret"].clone()),
        ("has_primary_device", json!(true)),
        ("email", json!("ann@x.test")),
        ("notifications_unread_count", json!(0)),
        ("otp_required_for_login", json!(false)),
        ("otp_enabled_at", Value::Null),
        ("image", Value::Null),
        ("primary_login_exists", json!(true)),
    ] {
        whole[name] = value;
    }
    assert_eq!(made, whole);
    assert!(made["scram_credentials"]["phone_key"].is_string());
    assert!(peer.simulator.journal().iter().all(|entry| entry.unknown_fields.is_empty()));

    assert_eq!(peer.get(&format!("/logins?user_id={ann}")).json(), json!([shown]), "without a secret");
    let ann = peer.with_key(made["secret"].as_str().unwrap());
    let own = ann.get("/login").expect(200).json();
    assert_eq!((&own["id"], &own["scram_credentials"]), (&made["id"], &made["scram_credentials"]));
    assert!(own.get("secret").is_none());
    assert_eq!(own["last_used_at"], "2026-10-01T10:00:00.000Z");
}

#[test]
fn a_login_works_as_its_user_and_shares_the_users_rate_limit() {
    let peer = Peer::new();
    let ann = peer.create_user("ann@x.test");
    let [phone, tablet] = [0, 1].map(|_| peer.with_key(&secret(&device(&peer, "ann@x.test").expect(200))));
    assert_eq!(phone.get("/user").expect(200).id(), ann);
    phone.get("/users").expect(403);
    peer.knobs(|knobs| {
        knobs.rate_limit = true;
        knobs.requests_per_second = NonZeroU32::new(2).unwrap();
    });
    phone.get("/user").expect(200);
    tablet.get("/user").expect(200);
    phone.get("/user").expect(429);
    peer.get("/user").expect(200);
    assert_eq!(peer.simulator.keys().len(), 3);
}

#[test]
fn only_administrators_create_logins_for_others_and_only_for_devices() {
    let peer = Peer::of_example();
    let mia = peer.with_key("a-plain-members-key");
    let login = |login: Value| json!({ "login": login });
    device(&peer, "nobody@x.test").expect_error(404, "The record could not be found");
    device(&mia, "sam@example.test").expect(403);
    device(&mia, "nobody@x.test").expect(403);
    device(&mia, "mia@example.test").expect(200);
    peer.post("/logins", login(json!({ "type": "api", "email": "mia@example.test" }))).expect(403);
    peer.post("/logins", login(json!({ "type": "api", "name": "own" }))).expect(200);
    let own = mia.post("/logins", login(json!({ "type": "api", "name": "own" }))).expect(200).json();
    assert_eq!((&own["type"], &own["primary"]), (&json!("api"), &json!(false)));
    assert_eq!(own["scram_credentials"], Value::Null);
    assert_eq!(mia.post("/logins", login(json!({}))).expect(200).json()["type"], "device");
    // The same address in another organization is another user.
    let other = peer.with_key(&peer.simulator.keys()[2].secret);
    assert_eq!(other.get("/organization").json()["name"], "Box 42");
    device(&other, "mia@example.test").expect(404);
}

#[test]
fn wrong_fields_of_a_login_are_named() {
    let peer = Peer::new();
    peer.post("/logins", json!({ "type": "device" })).expect_invalid(&["login"]);
    peer.call("POST", "/logins", "").expect_invalid(&["login"]);
    let wrong = json!({ "login": { "type": "phone", "name": 7, "expire": "no", "email": [] } });
    peer.post("/logins", wrong).expect_invalid(&["email", "expire", "name", "type"]);
    peer.post("/logins", json!({ "login": { "phone": "x" } })).expect(200);
    assert_eq!(peer.simulator.journal().pop().unwrap().unknown_fields, ["login.phone"]);
}

#[test]
fn the_eleventh_api_login_is_refused() {
    let peer = Peer::new();
    let make = || peer.post("/logins", json!({ "login": { "type": "api" } }));
    // The key of the request is the first.
    let made: Vec<u64> = (1..10).map(|_| make().expect(200).id()).collect();
    make().expect_invalid(&["base"]);
    peer.delete(&format!("/logins/{}", made[0])).expect(204);
    make().expect(200);
    make().expect_invalid(&["base"]);
}

#[test]
fn the_forty_first_device_signs_out_the_least_recently_used_one() {
    let peer = Peer::new();
    let ann = peer.create_user("ann@x.test");
    let made: Vec<Answer> = (0..40)
        .map(|_| {
            peer.simulator.advance(Duration::from_secs(1));
            device(&peer, "ann@x.test").expect(200)
        })
        .collect();
    // The first is used, so the second is the oldest.
    peer.simulator.advance(Duration::from_secs(1));
    peer.with_key(&secret(&made[0])).get("/user").expect(200);
    device(&peer, "ann@x.test").expect(200);
    let left = peer.get(&format!("/logins?user_id={ann}&limit=250")).ids();
    assert_eq!(left.len(), 40);
    assert!(left.contains(&made[0].id()) && !left.contains(&made[1].id()));
    peer.with_key(&secret(&made[1])).get("/user").expect(401);
    peer.with_key(&secret(&made[0])).get("/user").expect(200);
}

#[test]
fn logins_are_listed_for_the_caller_another_user_or_all() {
    let peer = Peer::of_example();
    let mia = peer.with_key("a-plain-members-key");
    let (owner_id, mia_id) = (peer.get("/user").id(), mia.get("/user").id());
    for _ in 0..11 {
        device(&peer, "mia@example.test").expect(200);
    }
    let own = mia.get("/logins").expect(200);
    assert_eq!((own.range(), own.ids().len()), ("0-9/12", 10));
    assert_eq!(mia.get("/logins?limit=300").range(), "0-249/12");
    assert_eq!(mia.get("/logins?user_id=me&limit=250").ids().len(), 12);
    assert_eq!(mia.get(&format!("/logins?user_id={mia_id}&offset=10")).ids().len(), 2);
    assert_eq!(peer.get("/logins").ids().len(), 1);
    assert_eq!(peer.get(&format!("/logins?user_id={mia_id}")).range(), "0-9/12");
    assert_eq!(peer.get("/logins?scope=all").range(), "0-9/13");
    let one = own.ids()[3];
    assert_eq!(mia.get(&format!("/logins?ids={one}")).ids(), [one]);
    assert!(peer.get(&format!("/logins?ids={one}")).ids().is_empty(), "the owner has none of these logins");
    mia.get(&format!("/logins?user_id={owner_id}")).expect(403);
    mia.get("/logins?scope=all").expect(403);
    mia.get("/logins?scope=some").expect_invalid(&["scope"]);
    mia.get("/logins?user_id=x").expect_invalid(&["user_id"]);
    assert_eq!(peer.get("/logins?user_id=1").range(), "*/0");
}

#[test]
fn a_login_is_deleted_by_its_user_or_an_administrator() {
    let peer = Peer::of_example();
    let mia = peer.with_key("a-plain-members-key");
    let (first, second) = (device(&peer, "mia@example.test"), device(&peer, "mia@example.test"));
    let sams = device(&peer, "sam@example.test").id();
    let other = peer.with_key(&peer.simulator.keys()[2].secret);
    mia.delete(&format!("/logins/{sams}")).expect(403);
    other.delete(&format!("/logins/{sams}")).expect_error(404, "The record could not be found");
    mia.delete(&format!("/logins/{}", first.id())).expect(204);
    mia.delete(&format!("/logins/{}", first.id())).expect(404);
    peer.with_key(&secret(&first)).get("/user").expect(401);
    peer.delete(&format!("/logins/{}", second.id())).expect(204);
    peer.with_key(&secret(&second)).get("/user").expect(401);
    peer.delete("/logins/1").expect(404);
    mia.get("/user").expect(200);
}

#[test]
fn signing_out_ends_only_the_login_in_use() {
    let peer = Peer::new();
    let first = device(&peer, "owner@gym-1.test").expect(200);
    let phone = peer.with_key(&secret(&first));
    phone.delete("/login").expect(204);
    phone.get("/user").expect(401);
    phone.delete("/login").expect(401);
    peer.get("/user").expect(200);
}

#[test]
fn a_login_is_read_by_its_id_only_with_the_knob() {
    let peer = Peer::new();
    let id = device(&peer, "owner@gym-1.test").id();
    let path = format!("/logins/{id}");
    assert_eq!(peer.get(&path).expect(404).json()["code"], "000404");
    peer.knobs(|knobs| knobs.login_by_id = LoginById::Shown);
    assert_eq!(peer.get(&path).expect(200).json(), peer.get(&format!("/logins?ids={id}")).json()[0]);
    peer.get("/logins/1").expect_error(404, "The record could not be found");
    let ann = peer.simulator.add_user("Ann", "ann@x.test");
    peer.with_key(&peer.simulator.add_key(ann)).get(&path).expect(403);
}

#[test]
fn a_login_that_may_expire_stops_working_after_long_disuse() {
    let peer = Peer::new();
    let make = |login_type: &str, expire: bool| {
        let body = json!({ "login": { "type": login_type, "expire": expire } });
        peer.with_key(&secret(&peer.post("/logins", body).expect(200)))
    };
    let (phone, kept, api) = (make("device", true), make("device", false), make("api", true));
    peer.simulator.advance(13 * DAY);
    phone.get("/user").expect(200);
    peer.simulator.advance(14 * DAY);
    phone.get("/user").expect(401);
    assert_eq!(peer.get("/logins").ids().len(), 3);
    kept.get("/user").expect(200);
    api.get("/user").expect(200);
    peer.simulator.advance(183 * DAY);
    api.get("/user").expect(401);
    kept.get("/user").expect(200);
    peer.get("/user").expect(200);
}

#[test]
fn deleting_a_user_ends_its_keys_and_logins() {
    let peer = Peer::new();
    let ann = peer.create_user("ann@x.test");
    let phone = peer.with_key(&secret(&device(&peer, "ann@x.test")));
    let key = peer.with_key(&peer.simulator.add_key(ann));
    phone.get("/user").expect(200);
    key.get("/user").expect(200);
    peer.delete(&format!("/users/{ann}")).expect(204);
    phone.get("/user").expect(401);
    key.get("/user").expect(401);
    assert!(peer.simulator.state().logins_of(ann).next().is_none());
    device(&peer, "ann@x.test").expect(404);
    peer.create_user("ann@x.test");
    phone.get("/user").expect(401);
}

#[test]
fn a_login_exists_even_if_its_answer_was_lost() {
    let peer = Peer::new();
    let ann = peer.create_user("ann@x.test");
    peer.fault("POST /logins", FaultEffect::DropAfterCommit {});
    assert!(device(&peer, "ann@x.test").dropped.unwrap().committed);
    let state = peer.simulator.state();
    let logins: Vec<_> = state.logins_of(ann).collect();
    assert_eq!((logins.len(), logins[0].login_type), (1, LoginType::Device));
}

#[test]
fn the_journal_shows_no_new_secret() {
    let peer = Peer::with(|knobs| knobs.journal_responses = true);
    let made = device(&peer, "owner@gym-1.test").expect(200);
    let journal = serde_json::to_string(&peer.simulator.journal()).unwrap();
    assert!(journal.contains("[secret]") && !journal.contains(&secret(&made)), "{journal}");
    assert!(!peer.get("/_sim/state").text.contains(&secret(&made)));
    assert!(peer.get("/_sim/keys").text.contains(&secret(&made)));
}
