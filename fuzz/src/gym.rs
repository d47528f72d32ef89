//! A gym that is connected: four members in a simulated Kisi, the plugin's storage as it is then, and a script of what
//! is said in Kisi's place.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::sync::LazyLock;

use axum::Router;
use axum::body::Body;
use axum::http;
use http_body_util::BodyExt;
use kisi_plugin::contract::directory::{DirectoryError, MemberPage};
use kisi_plugin::contract::log::Level;
use kisi_plugin::contract::mappings::Mapping;
use kisi_plugin::contract::storage::{Entry, Precondition, StorageError, Write};
use kisi_plugin::contract::sync::Mode;
use kisi_plugin::contract::types::{
    Member, MemberStatus, Membership, MembershipStatus, Payment, Plan, Timestamp,
};
use kisi_plugin::exports;
use kisi_plugin::host::{Host, SendError};
use kisi_plugin::kisi::endpoint::{Method, Request, Response};
use kisi_sim::{ConnectionDropped, Knobs, Seed, Simulator};
use tower::ServiceExt;

use crate::script::{self, Answer};

/// 2026-12-01T08:00:00Z.
const START: u64 = 1_796_112_000_000;
const DAY_MS: u64 = 24 * 60 * 60 * 1_000;
/// What a gym decides, with every field that there is.
pub const SETTINGS: &str = r#"{"integration":{"identifier":"Gym","contact":"doors@gym.test"},"grace_days":3,
"lease_days":30,"on_block":"all","missing_user":"create","invitation":"managed","brake":{"grants":2,"percent":20},
"places":[]}"#;
/// Who goes to this gym.
pub const MEMBERS: [&str; 4] = ["ann", "ben", "cleo", "dan"];
/// Far more than four members are worth: a call that asks more often asks without end.
const REQUESTS_MAX: usize = 3_000;
/// The same for what is kept.
const STORED_BYTES_MAX: usize = 8 << 20;

/// The plugin's host.
pub struct Gym {
    sim: Simulator,
    router: Router,
    stored: RefCell<BTreeMap<String, (Vec<u8>, u64)>>,
    version: Cell<u64>,
    members: RefCell<BTreeMap<String, Member>>,
    now: Cell<u64>,
    answers: RefCell<VecDeque<Answer>>,
    requests: Cell<usize>,
    /// Every answer, as a script, when somebody wants to know.
    recorded: RefCell<Option<Vec<Vec<u8>>>>,
}

thread_local! {
    /// The simulator answers at once, but by a future.
    static RUNTIME: tokio::runtime::Runtime =
        tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
}

/// What storage holds once the gym is connected, three of its members are in, and everybody is being compared.
static STORED: LazyLock<BTreeMap<String, (Vec<u8>, u64)>> = LazyLock::new(|| {
    let gym = Gym::new(BTreeMap::new());
    exports::connection::connect(&gym, SETTINGS).expect("it connects");
    let state = gym.sim.state();
    let entry = |(plan, name): &(&str, &str)| {
        let group = state.group_by_name(name).expect("a group").id.to_string();
        Mapping { plan: (*plan).to_string(), group, location: None }
    };
    let entries: Vec<Mapping> =
        [("basic", "Gym"), ("gold", "Gym"), ("gold", "Spa")].iter().map(entry).collect();
    exports::mappings::replace(&gym, &entries).expect("it is mapped");
    for member in &MEMBERS[..3] {
        exports::events::handle(&gym, &crate::calls::event(member)).expect("they are let in");
    }
    let job = exports::sync::start(&gym, Mode::Apply).expect("a reconciliation begins");
    exports::sync::step(&gym, &job, 4).expect("it goes on");
    gym.stored.into_inner()
});

impl Gym {
    /// The gym, with what is said in Kisi's place.
    pub fn connected(answers: Vec<Answer>) -> Gym {
        let gym = Gym::new(STORED.clone());
        gym.answers.replace(answers.into());
        gym
    }

    fn new(stored: BTreeMap<String, (Vec<u8>, u64)>) -> Gym {
        let seed = Seed {
            start_time: Some(START),
            knobs: Knobs { rate_limit: false, ..Knobs::default() },
            ..Seed::default()
        };
        let sim = Simulator::new(seed).expect("a simulator");
        let (entrance, spa) = (sim.add_group("Gym"), sim.add_group("Spa"));
        for id in if stored.is_empty() { &[] } else { &MEMBERS[..3] } {
            let user = sim.add_user(id, &format!("{id}@gym.test"));
            for group in [entrance, spa] {
                sim.assign(user, group, "group_basic");
            }
        }
        let version = stored.values().map(|(_, version)| *version).max().unwrap_or_default();
        Gym {
            router: sim.router(),
            sim,
            stored: RefCell::new(stored),
            version: Cell::new(version),
            members: RefCell::new(MEMBERS.iter().enumerate().map(member).collect()),
            now: Cell::new(START),
            answers: RefCell::default(),
            requests: Cell::new(0),
            recorded: RefCell::default(),
        }
    }

    /// Keys and values in storage.
    pub fn stored(&self) -> Vec<(String, Vec<u8>)> {
        let stored = self.stored.borrow();
        stored.iter().map(|(key, (value, _))| (key.clone(), value.clone())).collect()
    }

    /// Puts something else into storage.
    pub fn store(&self, key: &str, value: &[u8]) {
        let version = self.next_version();
        self.stored.borrow_mut().insert(key.to_string(), (value.to_vec(), version));
    }

    /// The gym blocks somebody.
    pub fn block(&self, id: &str) {
        if let Some(member) = self.members.borrow_mut().get_mut(id) {
            member.status = MemberStatus::Blocked;
        }
    }

    /// A day passes.
    pub fn pass(&self) {
        self.now.set(self.now.get() + DAY_MS);
        self.sim.set_now_ms(self.now.get());
    }

    /// Begins to note what Kisi answers.
    pub fn record(&self) {
        self.recorded.replace(Some(Vec::new()));
    }

    /// What Kisi answered, as a script.
    pub fn recorded(&self) -> Vec<u8> {
        self.recorded.take().unwrap_or_default().join(script::SEPARATOR)
    }

    /// Between two calls: what the last one may have asked and kept.
    ///
    /// # Panics
    /// When that was without bounds.
    pub fn check(&self, call: &str) {
        let asked = self.requests.replace(0);
        assert!(asked < REQUESTS_MAX, "{call} asks {asked} times");
        let kept: usize = self.stored.borrow().values().map(|(value, _)| value.len()).sum();
        assert!(kept < STORED_BYTES_MAX, "{call} leaves {kept} bytes");
    }

    fn next_version(&self) -> u64 {
        self.version.set(self.version.get() + 1);
        self.version.get()
    }

    fn simulated(&self, request: &Request) -> Result<Response, SendError> {
        let method = match request.method {
            Method::Get => "GET",
            Method::Post => "POST",
            Method::Patch => "PATCH",
            Method::Delete => "DELETE",
        };
        let mut outgoing = http::Request::builder()
            .method(method)
            .uri(format!("{}{}", kisi_plugin::kisi::ORIGIN, request.path))
            .header("authorization", format!("KISI-LOGIN {}", self.sim.key()));
        for (name, value) in &request.headers {
            outgoing = outgoing.header(*name, value);
        }
        if request.body.is_some() {
            outgoing = outgoing.header("content-type", "application/json");
        }
        let body = Body::from(request.body.clone().unwrap_or_default());
        let outgoing = outgoing.body(body).expect("the plugin asks for what can be sent");
        RUNTIME.with(|runtime| {
            runtime.block_on(async {
                let response = self.router.clone().oneshot(outgoing).await.expect("a router always answers");
                if response.extensions().get::<ConnectionDropped>().is_some() {
                    return Err(SendError::Lost("dropped".to_string()));
                }
                let header = |name: &str| Some(response.headers().get(name)?.to_str().ok()?.to_string());
                let (status, collection_range) = (response.status().as_u16(), header("x-collection-range"));
                let body = response.into_body().collect().await.expect("the body is in memory").to_bytes();
                Ok(Response { status, collection_range, retry_after: None, body: body.to_vec() })
            })
        })
    }
}

fn member((number, id): (usize, &&str)) -> (String, Member) {
    let membership = Membership {
        id: "ms-1".to_string(),
        plan: if number % 2 == 0 { "gold" } else { "basic" }.to_string(),
        location: None,
        status: MembershipStatus::Active,
        starts_at: None,
        ends_at: (number == 1).then_some(START + 2 * DAY_MS),
        payment: if number == 2 { Payment::Overdue(START - DAY_MS) } else { Payment::Paid },
        frozen_until: None,
    };
    let member = Member {
        id: (*id).to_string(),
        name: (*id).to_string(),
        email: Some(format!("{id}@gym.test")),
        status: MemberStatus::Active,
        memberships: vec![membership],
    };
    ((*id).to_string(), member)
}

impl Host for Gym {
    fn get_member(&self, id: &str) -> Result<Option<Member>, DirectoryError> {
        Ok(self.members.borrow().get(id).cloned())
    }

    fn find_members(&self, email: &str) -> Result<Vec<Member>, DirectoryError> {
        let has = |member: &&Member| member.email.as_deref() == Some(email);
        Ok(self.members.borrow().values().filter(has).cloned().collect())
    }

    fn list_members(&self, after: Option<&str>, limit: u32) -> Result<MemberPage, DirectoryError> {
        let is_after = |id: &str| after.is_none_or(|after| id > after);
        let members = self.members.borrow();
        let mut members: Vec<Member> =
            members.values().filter(|member| is_after(&member.id)).cloned().collect();
        let limit = limit as usize;
        let has_more = members.len() > limit;
        members.truncate(limit);
        let next = members.last().filter(|_| has_more).map(|member| member.id.clone());
        Ok(MemberPage { members, next })
    }

    fn list_plans(&self) -> Result<Vec<Plan>, DirectoryError> {
        Ok(["basic", "gold"].map(|id| Plan { id: id.to_string(), name: id.to_string() }).into())
    }

    fn get(&self, key: &str) -> Result<Option<Entry>, StorageError> {
        Ok(self.scan(key, None, 1)?.into_iter().find(|entry| entry.key == key))
    }

    fn scan(&self, prefix: &str, after: Option<&str>, limit: u32) -> Result<Vec<Entry>, StorageError> {
        let stored = self.stored.borrow();
        let found = stored.range(prefix.to_string()..).take_while(|(key, _)| key.starts_with(prefix));
        let found = found.filter(|(key, _)| after.is_none_or(|after| key.as_str() > after));
        let entry = |(key, (value, version)): (&String, &(Vec<u8>, u64))| Entry {
            key: key.clone(),
            value: value.clone(),
            version: *version,
        };
        Ok(found.take(limit as usize).map(entry).collect())
    }

    fn commit(&self, writes: Vec<Write>) -> Result<u64, StorageError> {
        let version = self.next_version();
        let mut stored = self.stored.borrow_mut();
        for write in &writes {
            let there = stored.get(&write.key).map(|(_, version)| *version);
            let holds = match write.requires {
                Precondition::None => true,
                Precondition::Absent => there.is_none(),
                Precondition::UnchangedSince(version) => there == Some(version),
            };
            if !holds {
                return Err(StorageError::Conflict(write.key.clone()));
            }
        }
        for Write { key, value, .. } in writes {
            match value {
                Some(value) => stored.insert(key, (value, version)),
                None => stored.remove(&key),
            };
        }
        Ok(version)
    }

    fn log(&self, _level: Level, message: &str, _fields: &[(&str, &str)]) {
        assert!(!message.trim().is_empty(), "a line without words");
    }

    fn now(&self) -> Timestamp {
        self.now.get()
    }

    fn send(&self, request: &Request) -> Result<Response, SendError> {
        self.requests.set(self.requests.get() + 1);
        // Whoever asks without end is told so, and ends.
        assert!(self.requests.get() < REQUESTS_MAX, "asks without end: {request:?}");
        let said = self.answers.borrow_mut().pop_front();
        let answered = match said {
            Some(Answer::Said(answer)) => answer,
            Some(Answer::Simulated) | None => self.simulated(request),
        };
        if let (Some(recorded), Ok(response)) = (self.recorded.borrow_mut().as_mut(), &answered) {
            recorded.push(script::written(response));
        }
        answered
    }
}
