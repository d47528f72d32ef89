//! The plugin's code compiled for this machine, in the same world: coverage-guided fuzzing sees its branches, and
//! arithmetic that overflows panics.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;

use bytes::Bytes;
use door_access_host::contract as host;
use door_access_host::{Directory, Fault, Storage, Transport, TransportError};
use kisi_plugin::contract::directory::{DirectoryError, MemberPage};
use kisi_plugin::contract::log::Level;
use kisi_plugin::contract::storage::{Entry, Precondition, Quota, StorageError, Write};
use kisi_plugin::contract::types;
use kisi_plugin::host::{Host, SendError};
use kisi_plugin::kisi::endpoint::{Method, Request, Response};

use crate::shown::outbound;
use crate::world::World;

/// The result of a request.
pub type Answered = Result<Response, SendError>;

/// The plugin's host.
pub struct Native {
    /// The world in which the plugin runs.
    pub world: World,
    /// Answers in place of Kisi's, in order. `None` lets the simulator answer, and so does the end of the script.
    pub script: RefCell<VecDeque<Option<Answered>>>,
    /// How many requests were sent.
    pub requests: Cell<usize>,
    /// This many requests fail the test: the call does not end.
    pub requests_max: Cell<usize>,
    /// The result of each request.
    pub answers: RefCell<Vec<Answered>>,
}

impl Native {
    /// The plugin in a world.
    pub fn new(world: World) -> Native {
        Native {
            world,
            script: RefCell::default(),
            requests: Cell::new(0),
            requests_max: Cell::new(usize::MAX),
            answers: RefCell::default(),
        }
    }

    fn simulated(&self, request: &Request) -> Answered {
        let method = match request.method {
            Method::Get => "GET",
            Method::Post => "POST",
            Method::Patch => "PATCH",
            Method::Delete => "DELETE",
        };
        let mut outgoing = http::Request::builder()
            .method(method)
            .uri(format!("{}{}", kisi_plugin::kisi::ORIGIN, request.path))
            .header("authorization", format!("KISI-LOGIN {}", self.world.key()));
        for (name, value) in &request.headers {
            outgoing = outgoing.header(*name, value);
        }
        if request.body.is_some() {
            outgoing = outgoing.header("content-type", "application/json");
        }
        let body = Bytes::from(request.body.clone().unwrap_or_default());
        let outgoing = outgoing.body(body).expect("the plugin makes requests that can be sent");
        match self.world.run(self.world.boundary.send(outbound(outgoing))) {
            Ok(response) => {
                let header = |name: &str| Some(response.headers().get(name)?.to_str().ok()?.to_string());
                Ok(Response {
                    status: response.status().as_u16(),
                    collection_range: header("x-collection-range"),
                    retry_after: header("retry-after").and_then(|after| after.parse().ok()),
                    body: response.body().to_vec(),
                })
            }
            Err(TransportError::Abort(why)) => panic!("{why}"),
            Err(error) => Err(SendError::Lost(error.to_string())),
        }
    }
}

impl Host for Native {
    fn get_member(&self, id: &str) -> Result<Option<types::Member>, DirectoryError> {
        let found = self.world.run(self.world.boundary.get_member(id));
        found.map(|found| found.map(member)).map_err(directory_error)
    }

    fn find_members(&self, email: &str) -> Result<Vec<types::Member>, DirectoryError> {
        let found = self.world.run(self.world.boundary.find_members(email));
        found.map(|found| found.into_iter().map(member).collect()).map_err(directory_error)
    }

    fn list_members(&self, after: Option<&str>, limit: u32) -> Result<MemberPage, DirectoryError> {
        let page = self.world.run(self.world.boundary.list_members(after, limit)).map_err(directory_error)?;
        Ok(MemberPage { members: page.members.into_iter().map(member).collect(), next: page.next })
    }

    fn list_plans(&self) -> Result<Vec<types::Plan>, DirectoryError> {
        let plans = self.world.run(self.world.boundary.list_plans()).map_err(directory_error)?;
        Ok(plans.into_iter().map(|plan| types::Plan { id: plan.id, name: plan.name }).collect())
    }

    fn get(&self, key: &str) -> Result<Option<Entry>, StorageError> {
        self.world.run(self.world.boundary.get(key)).map(|found| found.map(entry)).map_err(storage_error)
    }

    fn scan(&self, prefix: &str, after: Option<&str>, limit: u32) -> Result<Vec<Entry>, StorageError> {
        let found = self.world.run(self.world.boundary.scan(prefix, after, limit));
        found.map(|found| found.into_iter().map(entry).collect()).map_err(storage_error)
    }

    fn commit(&self, writes: Vec<Write>) -> Result<u64, StorageError> {
        let write = |write: Write| host::storage::Write {
            key: write.key,
            value: write.value,
            requires: match write.requires {
                Precondition::None => host::storage::Precondition::None,
                Precondition::Absent => host::storage::Precondition::Absent,
                Precondition::UnchangedSince(version) => host::storage::Precondition::UnchangedSince(version),
            },
        };
        let writes = writes.into_iter().map(write).collect();
        self.world.run(self.world.boundary.commit(writes)).map_err(storage_error)
    }

    fn log(&self, _level: Level, message: &str, _fields: &[(&str, &str)]) {
        assert!(!message.trim().is_empty(), "a log line without a message");
    }

    fn now(&self) -> types::Timestamp {
        self.world.now()
    }

    fn send(&self, request: &Request) -> Answered {
        self.requests.set(self.requests.get() + 1);
        assert!(self.requests.get() < self.requests_max.get(), "requests without end: {request:?}");
        let scripted = self.script.borrow_mut().pop_front().flatten();
        let answered = scripted.unwrap_or_else(|| self.simulated(request));
        self.answers.borrow_mut().push(answered.clone());
        answered
    }
}

// The contract's types exist twice, generated from the same WIT for the host and for the plugin. These are converted.

fn member(member: host::types::Member) -> types::Member {
    types::Member {
        id: member.id,
        name: member.name,
        email: member.email,
        status: match member.status {
            host::types::MemberStatus::Active => types::MemberStatus::Active,
            host::types::MemberStatus::Blocked => types::MemberStatus::Blocked,
        },
        memberships: member.memberships.into_iter().map(membership).collect(),
    }
}

fn membership(membership: host::types::Membership) -> types::Membership {
    types::Membership {
        id: membership.id,
        plan: membership.plan,
        location: membership.location,
        status: match membership.status {
            host::types::MembershipStatus::Active => types::MembershipStatus::Active,
            host::types::MembershipStatus::Frozen => types::MembershipStatus::Frozen,
            host::types::MembershipStatus::Cancelled => types::MembershipStatus::Cancelled,
            host::types::MembershipStatus::Expired => types::MembershipStatus::Expired,
        },
        starts_at: membership.starts_at,
        ends_at: membership.ends_at,
        payment: match membership.payment {
            host::types::Payment::Paid => types::Payment::Paid,
            host::types::Payment::Overdue(since) => types::Payment::Overdue(since),
        },
        frozen_until: membership.frozen_until,
    }
}

fn entry(entry: host::storage::Entry) -> Entry {
    Entry { key: entry.key, value: entry.value, version: entry.version }
}

fn directory_error(fault: Fault<host::directory::DirectoryError>) -> DirectoryError {
    match fault {
        Fault::Answer(host::directory::DirectoryError::Unavailable(why)) => DirectoryError::Unavailable(why),
        Fault::Abort(why) => panic!("{why}"),
    }
}

fn storage_error(fault: Fault<host::storage::StorageError>) -> StorageError {
    match fault {
        Fault::Answer(host::storage::StorageError::Conflict(key)) => StorageError::Conflict(key),
        Fault::Answer(host::storage::StorageError::Unavailable(why)) => StorageError::Unavailable(why),
        Fault::Answer(host::storage::StorageError::QuotaExceeded(_)) => {
            StorageError::QuotaExceeded(Quota::TotalSize)
        }
        Fault::Abort(why) => panic!("{why}"),
    }
}
