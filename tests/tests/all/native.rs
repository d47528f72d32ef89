//! The plugin's code compiled for this machine, on the same directory, storage, clock and simulator as the component:
//! the `Host` trait answered without a component in between.

use bytes::Bytes;
use door_access_host::contract as host;
use door_access_host::{Clock, Directory, Fault, Storage, TransportError};
use kisi_plugin::contract::{directory, events, log, mappings, storage, types};
use kisi_plugin::exports;
use kisi_plugin::host::{Host, SendError};
use kisi_plugin::kisi::endpoint::{Method, Request, Response};

use crate::world::{Delivered, Failure, World};

/// What a killed native call unwinds with.
struct Killed;

pub(crate) struct Native<'w> {
    world: &'w World,
}

impl<'w> Native<'w> {
    pub(crate) fn new(world: &'w World) -> Native<'w> {
        Native { world }
    }

    pub(crate) fn connect(&self, settings: &str) -> Result<(), host::types::InputError> {
        exports::connection::connect(self, settings).map(|_| ()).map_err(input_error_to_host)
    }

    pub(crate) fn replace_mappings(
        &self,
        entries: &[host::mappings::Mapping],
    ) -> Result<(), host::types::InputError> {
        let entries: Vec<mappings::Mapping> = entries
            .iter()
            .map(|entry| mappings::Mapping {
                plan: entry.plan.clone(),
                group: entry.group.clone(),
                location: entry.location.clone(),
            })
            .collect();
        exports::mappings::replace(self, &entries).map(|_| ()).map_err(input_error_to_host)
    }

    /// Delivers an event. A cut unwinds out of the call, as a kill would end it: nothing after it runs.
    pub(crate) fn handle(&self, member: &str) -> Delivered {
        let event = events::Event {
            id: "e-1".to_string(),
            kind: events::EventKind::MemberChanged,
            member: member.to_string(),
            occurred_at: self.world.clock.now_ms(),
        };
        let call = std::panic::AssertUnwindSafe(|| exports::events::handle(self, &event));
        match std::panic::catch_unwind(call) {
            // What it did is read from the simulator; the outcomes are compared through the component alone.
            Ok(Ok(_)) => Ok(Vec::new()),
            Ok(Err(unfinished)) => Err(Failure::Unfinished(error_to_host(unfinished.error))),
            Err(panic) if panic.is::<Killed>() => Err(Failure::Cut),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }

    fn wait<T>(&self, future: impl Future<Output = T>) -> T {
        self.world.runtime.block_on(future)
    }
}

impl Host for Native<'_> {
    fn get_member(&self, id: &str) -> Result<Option<types::Member>, directory::DirectoryError> {
        let member = self.wait(self.world.directory.get_member(id)).map_err(directory_error)?;
        Ok(member.map(member_from_host))
    }

    fn find_members(&self, email: &str) -> Result<Vec<types::Member>, directory::DirectoryError> {
        let members = self.wait(self.world.directory.find_members(email)).map_err(directory_error)?;
        Ok(members.into_iter().map(member_from_host).collect())
    }

    fn list_members(
        &self,
        after: Option<&str>,
        limit: u32,
    ) -> Result<directory::MemberPage, directory::DirectoryError> {
        let page = self.wait(self.world.directory.list_members(after, limit)).map_err(directory_error)?;
        let members = page.members.into_iter().map(member_from_host).collect();
        Ok(directory::MemberPage { members, next: page.next })
    }

    fn list_plans(&self) -> Result<Vec<types::Plan>, directory::DirectoryError> {
        let plans = self.wait(self.world.directory.list_plans()).map_err(directory_error)?;
        Ok(plans.into_iter().map(|plan| types::Plan { id: plan.id, name: plan.name }).collect())
    }

    fn get(&self, key: &str) -> Result<Option<storage::Entry>, storage::StorageError> {
        let entry = self.wait(self.world.storage.get(key)).map_err(storage_error)?;
        Ok(entry.map(entry_from_host))
    }

    fn scan(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<storage::Entry>, storage::StorageError> {
        let entries = self.wait(self.world.storage.scan(prefix, after, limit)).map_err(storage_error)?;
        Ok(entries.into_iter().map(entry_from_host).collect())
    }

    fn commit(&self, writes: Vec<storage::Write>) -> Result<u64, storage::StorageError> {
        let to_host = |write: storage::Write| host::storage::Write {
            key: write.key,
            value: write.value,
            requires: match write.requires {
                storage::Precondition::None => host::storage::Precondition::None,
                storage::Precondition::Absent => host::storage::Precondition::Absent,
                storage::Precondition::UnchangedSince(version) => {
                    host::storage::Precondition::UnchangedSince(version)
                }
            },
        };
        let writes = writes.into_iter().map(to_host).collect();
        self.wait(self.world.storage.commit(writes)).map_err(storage_error)
    }

    fn log(&self, _level: log::Level, _message: &str, _fields: &[(&str, &str)]) {}

    fn now(&self) -> types::Timestamp {
        self.world.clock.now_ms()
    }

    fn send(&self, request: &Request) -> Result<Response, SendError> {
        let method = match request.method {
            Method::Get => "GET",
            Method::Post => "POST",
            Method::Patch => "PATCH",
            Method::Delete => "DELETE",
        };
        let mut outgoing = http::Request::builder()
            .method(method)
            .uri(format!("{}{}", kisi_plugin::kisi::ORIGIN, request.path))
            .header("authorization", format!("KISI-LOGIN {}", self.world.wire.key()));
        for (name, value) in &request.headers {
            outgoing = outgoing.header(*name, value);
        }
        if request.body.is_some() {
            outgoing = outgoing.header("content-type", "application/json");
        }
        let body = Bytes::from(request.body.clone().unwrap_or_default());
        match self.wait(self.world.wire.exchange(outgoing.body(body).unwrap())) {
            Ok(response) => {
                let header = |name: &str| Some(response.headers().get(name)?.to_str().ok()?.to_string());
                Ok(Response {
                    status: response.status().as_u16(),
                    collection_range: header("x-collection-range"),
                    retry_after: header("retry-after").and_then(|after| after.parse().ok()),
                    body: response.body().to_vec(),
                })
            }
            Err(TransportError::Abort(_)) => std::panic::resume_unwind(Box::new(Killed)),
            Err(error) => Err(SendError::Lost(error.to_string())),
        }
    }
}

fn directory_error(fault: Fault<host::directory::DirectoryError>) -> directory::DirectoryError {
    match fault {
        Fault::Answer(host::directory::DirectoryError::Unavailable(why)) => {
            directory::DirectoryError::Unavailable(why)
        }
        Fault::Abort(_) => std::panic::resume_unwind(Box::new(Killed)),
    }
}

fn storage_error(fault: Fault<host::storage::StorageError>) -> storage::StorageError {
    match fault {
        Fault::Answer(host::storage::StorageError::Conflict(key)) => storage::StorageError::Conflict(key),
        Fault::Answer(host::storage::StorageError::Unavailable(why)) => {
            storage::StorageError::Unavailable(why)
        }
        Fault::Answer(host::storage::StorageError::QuotaExceeded(_)) => {
            storage::StorageError::QuotaExceeded(storage::Quota::TotalSize)
        }
        Fault::Abort(_) => std::panic::resume_unwind(Box::new(Killed)),
    }
}

fn entry_from_host(entry: host::storage::Entry) -> storage::Entry {
    storage::Entry { key: entry.key, value: entry.value, version: entry.version }
}

fn member_from_host(member: host::types::Member) -> types::Member {
    types::Member {
        id: member.id,
        name: member.name,
        email: member.email,
        status: match member.status {
            host::types::MemberStatus::Active => types::MemberStatus::Active,
            host::types::MemberStatus::Blocked => types::MemberStatus::Blocked,
        },
        memberships: member.memberships.into_iter().map(membership_from_host).collect(),
    }
}

fn membership_from_host(membership: host::types::Membership) -> types::Membership {
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

fn input_error_to_host(error: types::InputError) -> host::types::InputError {
    match error {
        types::InputError::Failed(error) => host::types::InputError::Failed(error_to_host(error)),
        types::InputError::Wrong(problems) => host::types::InputError::Wrong(
            problems
                .into_iter()
                .map(|problem| host::types::Problem { path: problem.path, message: problem.message })
                .collect(),
        ),
    }
}

/// The plugin's error in the host's types.
fn error_to_host(error: types::Error) -> host::types::Error {
    use host::types::PauseCause;
    let demand = match error.demand {
        types::Demand::Retry(after_ms) => host::types::Demand::Retry(after_ms),
        types::Demand::Pause(cause) => host::types::Demand::Pause(match cause {
            types::PauseCause::NotConnected => PauseCause::NotConnected,
            types::PauseCause::KeyRejected => PauseCause::KeyRejected,
            types::PauseCause::KeyWithoutRights => PauseCause::KeyWithoutRights,
            types::PauseCause::OtherOrganization => PauseCause::OtherOrganization,
            types::PauseCause::RequestsDenied => PauseCause::RequestsDenied,
            types::PauseCause::StorageFull => PauseCause::StorageFull,
            types::PauseCause::StorageDamaged => PauseCause::StorageDamaged,
        }),
        types::Demand::Reject => host::types::Demand::Reject,
    };
    host::types::Error { demand, message: error.message, provider: None }
}
