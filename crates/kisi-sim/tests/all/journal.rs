//! The journal: complete, explicit about undocumented input, and without secrets.

use std::time::Duration;

use kisi_sim::UnknownInput;
use serde_json::json;

use crate::peer::Peer;

#[test]
fn every_request_is_recorded_with_its_caller_and_outcome() {
    let peer = Peer::new();
    let owner = peer.get("/user").json();
    peer.simulator.advance(Duration::from_millis(1_500));
    let body = json!({ "user": { "email": "ann@x.test" } });
    peer.post("/users", body.clone());
    peer.post("/users", body.clone());
    peer.get("/users?limit=5&offset=5");
    peer.with_key("wrong").get("/nowhere");
    let journal = peer.simulator.journal();
    let lines: Vec<String> = journal.iter().map(ToString::to_string).collect();
    assert_eq!(
        lines,
        [
            "1 GET /user -> 200",
            "2 POST /users -> 200",
            "3 POST /users -> 409",
            "4 GET /users?limit=5&offset=5 -> 200",
            "5 GET /nowhere -> 404",
        ]
    );
    assert_eq!(journal[1].at, journal[0].at + 1_500);
    assert_eq!(journal[1].endpoint.as_deref(), Some("POST /users"));
    assert_eq!(journal[1].body, Some(body));
    assert_eq!(journal[1].user_id, owner["id"].as_u64());
    assert_eq!(journal[1].organization_id, owner["organization_id"].as_u64());
    assert_eq!(
        journal.iter().map(|entry| entry.committed).collect::<Vec<_>>(),
        [false, true, false, false, false]
    );
    assert_eq!((journal[4].user_id, &journal[4].endpoint), (None, &None));
    peer.simulator.clear_journal();
    peer.get("/user");
    assert_eq!(peer.simulator.journal()[0].number, 6, "the numbers continue after clearing");
}

#[test]
fn unknown_parameters_are_recorded_or_refused() {
    let peer = Peer::new();
    peer.get("/users?emial=a@x.test&page=2&limit=5").expect(200);
    assert_eq!(peer.simulator.journal()[0].unknown_parameters, ["emial", "page"]);
    peer.knobs(|knobs| knobs.unknown_parameters = UnknownInput::Unprocessable);
    peer.get("/users?emial=a@x.test&page=2").expect_invalid(&["emial", "page"]);
    peer.get("/users?email=a@x.test").expect(200);
    peer.get("/users/1?expand=groups").expect_invalid(&["expand"]);
}

#[test]
fn unknown_fields_are_recorded_or_refused() {
    let peer = Peer::new();
    let body = json!({ "user": { "email": "a@x.test", "phone": "1" }, "invite": true });
    peer.post("/users", body).expect(200);
    assert_eq!(peer.simulator.journal()[0].unknown_fields, ["user.phone", "invite"]);
    let line = peer.simulator.journal()[0].to_string();
    assert_eq!(line, "1 POST /users -> 200 [unknown field user.phone] [unknown field invite]");
    peer.knobs(|knobs| knobs.unknown_fields = UnknownInput::Unprocessable);
    let body = json!({ "user": { "email": "b@x.test", "phone": "1" } });
    peer.post("/users", body).expect_invalid(&["user.phone"]);
    assert_eq!(peer.simulator.journal()[1].unknown_fields, ["user.phone"]);
}

#[test]
fn answers_are_recorded_only_with_the_knob() {
    let peer = Peer::new();
    peer.get("/user");
    peer.knobs(|knobs| knobs.journal_responses = true);
    let user = peer.get("/user").json();
    let journal = peer.simulator.journal();
    assert_eq!((&journal[0].response, &journal[1].response), (&None, &Some(user)));
}

#[test]
fn a_body_that_is_no_json_is_recorded_as_text() {
    let peer = Peer::new();
    peer.call("POST", "/users", "email=a@x.test").expect(400);
    assert_eq!(peer.simulator.journal()[0].body, Some(json!("email=a@x.test")));
}

#[test]
fn no_secret_is_in_the_journal_the_state_or_any_debug_output() {
    let mut peer = Peer::of_example();
    peer.knobs(|knobs| knobs.journal_responses = true);
    let secret = peer.key.clone();
    peer.get(&format!("/users?query={secret}&{secret}=1"));
    peer.get(&format!("/users/{secret}"));
    peer.post("/users", json!({ "user": { "email": format!("{secret}@x.test"), secret.clone(): [secret] } }));
    peer.call("POST", "/users", &secret);
    let leaked: &'static str = Box::leak(secret.clone().into_boxed_str());
    peer.headers = vec![("X-Kisi-Integration-Identifier", leaked)];
    peer.get("/user").expect(200);

    let simulator = &peer.simulator;
    let journal = serde_json::to_string(&simulator.journal()).unwrap();
    assert!(journal.contains("[secret]"));
    // The user above has the secret in its address, so it is deleted before the state is checked.
    let strange = simulator.state().users.last().unwrap().id;
    assert!(simulator.delete_user(strange));
    let state = serde_json::to_string(&simulator.state()).unwrap();
    for (what, text) in [
        ("the journal", journal),
        ("the state", state),
        ("the simulator", format!("{simulator:?}")),
        ("the keys", format!("{:?}", simulator.keys())),
    ] {
        for secret in [secret.as_str(), "a-plain-members-key"] {
            assert!(!text.contains(secret), "{what} shows a secret");
        }
    }
}
