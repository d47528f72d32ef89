//! A client of a simulator in the same process: one key, plain calls, answers with assertions.

use std::time::Duration;

use axum::body::Body;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, Request};
use http_body_util::BodyExt;
use kisi_sim::{ConnectionDropped, Delay, Fault, FaultEffect, Knobs, Seed, Simulator};
use serde_json::{Value, json};
use tower::ServiceExt;

/// One client with one key.
#[derive(Clone)]
pub(crate) struct Peer {
    pub(crate) simulator: Simulator,
    pub(crate) key: String,
    pub(crate) headers: Vec<(&'static str, &'static str)>,
}

/// An answer, or a dropped connection.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
    pub(crate) dropped: Option<ConnectionDropped>,
    pub(crate) delay: Option<Duration>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    /// The ids of a list's rows.
    pub(crate) fn ids(&self) -> Vec<u64> {
        self.json().as_array().unwrap().iter().map(|row| row["id"].as_u64().unwrap()).collect()
    }

    pub(crate) fn id(&self) -> u64 {
        self.json()["id"].as_u64().unwrap_or_else(|| panic!("no id: {}", self.text))
    }

    pub(crate) fn range(&self) -> &str {
        self.headers["x-collection-range"].to_str().unwrap()
    }

    pub(crate) fn expect(self, status: u16) -> Answer {
        assert_eq!(self.status, status, "{}", self.text);
        self
    }

    /// Asserts a 422 about exactly these fields, in an envelope with nothing else.
    pub(crate) fn expect_invalid(self, fields: &[&str]) -> Answer {
        let answer = self.expect(422);
        let body = answer.json();
        let keys: Vec<&String> = body["errors"].as_object().unwrap().keys().collect();
        assert_eq!(keys, fields, "{body}");
        assert_eq!(body.as_object().unwrap().len(), 1, "only `errors`: {body}");
        answer
    }

    /// Asserts an answer in the envelope of `error` and `code`.
    pub(crate) fn expect_error(self, status: u16, message: &str) -> Answer {
        let answer = self.expect(status);
        let body = answer.json();
        assert_eq!(body, json!({ "error": message, "code": body["code"] }));
        assert!(body["code"].is_string(), "{body}");
        answer
    }
}

impl Peer {
    /// The owner's client of one simulated gym, without the rate limit.
    pub(crate) fn new() -> Peer {
        Peer::with(|_| {})
    }

    /// The same with other knobs.
    pub(crate) fn with(change: impl FnOnce(&mut Knobs)) -> Peer {
        let mut knobs = Knobs { rate_limit: false, ..Knobs::default() };
        change(&mut knobs);
        Peer::of(Simulator::new(Seed { knobs, ..Seed::default() }).unwrap())
    }

    pub(crate) fn of(simulator: Simulator) -> Peer {
        let key = simulator.key();
        Peer { simulator, key, headers: Vec::new() }
    }

    /// The client of `seeds/example.toml`, without the rate limit.
    pub(crate) fn of_example() -> Peer {
        let mut seed = Seed::from_toml(include_str!("../../seeds/example.toml")).unwrap();
        seed.knobs.rate_limit = false;
        Peer::of(Simulator::new(seed).unwrap())
    }

    pub(crate) fn with_key(&self, key: &str) -> Peer {
        Peer { key: key.to_owned(), ..self.clone() }
    }

    pub(crate) fn knobs(&self, change: impl FnOnce(&mut Knobs)) {
        let mut knobs = self.simulator.knobs();
        change(&mut knobs);
        self.simulator.set_knobs(knobs);
    }

    pub(crate) fn fault(&self, route: &str, effect: FaultEffect) {
        self.simulator.add_fault(Fault::new(route, effect).unwrap());
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.call("GET", path, "")
    }

    pub(crate) fn post(&self, path: &str, body: Value) -> Answer {
        self.call("POST", path, &body.to_string())
    }

    pub(crate) fn patch(&self, path: &str, body: Value) -> Answer {
        self.call("PATCH", path, &body.to_string())
    }

    pub(crate) fn delete(&self, path: &str) -> Answer {
        self.call("DELETE", path, "")
    }

    pub(crate) fn call(&self, method: &str, path: &str, body: &str) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        if !self.key.is_empty() {
            request = request.header(AUTHORIZATION, format!("KISI-LOGIN {}", self.key));
        }
        for (name, value) in &self.headers {
            request = request.header(*name, *value);
        }
        if !body.is_empty() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        send(&self.simulator, request.body(Body::from(body.to_owned())).unwrap())
    }

    pub(crate) fn create_user(&self, email: &str) -> u64 {
        self.post("/users", json!({ "user": { "email": email } })).expect(200).id()
    }

    pub(crate) fn create_group(&self, name: &str) -> u64 {
        self.post("/groups", json!({ "group": { "name": name } })).expect(200).id()
    }

    pub(crate) fn assign(&self, user: u64, group: u64) -> Answer {
        self.post("/role_assignments", assignment(user, group, "group_basic"))
    }
}

/// The current form of a body for `POST /role_assignments`.
pub(crate) fn assignment(user: u64, group: u64, role: &str) -> Value {
    json!({ "role_assignment": {
        "applies_to_type": "Group", "applies_to_id": group,
        "assignee_type": "User", "assignee_id": user,
        "role_id": role, "notify": false,
    } })
}

/// Sends a request to the simulator's router.
pub(crate) fn send(simulator: &Simulator, request: Request<Body>) -> Answer {
    let router = simulator.router();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async move {
        let response = router.oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        Answer {
            status: parts.status.as_u16(),
            headers: parts.headers,
            text: String::from_utf8(bytes.to_vec()).unwrap(),
            dropped: parts.extensions.get().copied(),
            delay: parts.extensions.get::<Delay>().map(|Delay(by)| *by),
        }
    })
}
