//! The component's edge: the contract's exports call `exports`, and `Host` calls the contract's imports. No decisions.

mod http;

use crate::contract::access::{Device, Door, Explanation};
use crate::contract::connection::{Connected, Departed, Departure, Health};
use crate::contract::doors::{Attempt, Issued, Phone};
use crate::contract::events::{Event, Outcome, Unfinished};
use crate::contract::groups::GroupList;
use crate::contract::maintenance::Ticked;
use crate::contract::mappings::{Effects, Mapping, MappingState};
use crate::contract::provider::Manifest;
use crate::contract::sync::{Mode, Progress, Stepped};
use crate::contract::{directory, exports as interfaces, log, storage, types};
use crate::exports;
use crate::host::{Host, SendError};
use crate::kisi::endpoint::{Request, Response};

struct Plugin;

mod export {
    #![expect(unsafe_code, unreachable_pub, reason = "the canonical ABI's entry points are generated here")]
    crate::contract::export!(Plugin);
    use super::Plugin;
}

/// The host behind the contract's imports.
struct Imports;

impl Host for Imports {
    fn get_member(&self, id: &str) -> Result<Option<types::Member>, directory::DirectoryError> {
        directory::get_member(id)
    }

    fn find_members(&self, email: &str) -> Result<Vec<types::Member>, directory::DirectoryError> {
        directory::find_members(email)
    }

    fn list_members(
        &self,
        after: Option<&str>,
        limit: u32,
    ) -> Result<directory::MemberPage, directory::DirectoryError> {
        directory::list_members(after, limit)
    }

    fn list_plans(&self) -> Result<Vec<types::Plan>, directory::DirectoryError> {
        directory::list_plans()
    }

    fn get(&self, key: &str) -> Result<Option<storage::Entry>, storage::StorageError> {
        storage::get(key)
    }

    fn scan(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<storage::Entry>, storage::StorageError> {
        storage::scan(prefix, after, limit)
    }

    fn commit(&self, writes: Vec<storage::Write>) -> Result<u64, storage::StorageError> {
        storage::commit(&writes)
    }

    fn log(&self, level: log::Level, message: &str, fields: &[(&str, &str)]) {
        let fields: Vec<log::Field> = fields
            .iter()
            .map(|(name, value)| log::Field { name: (*name).to_string(), value: (*value).to_string() })
            .collect();
        log::write(level, message, &fields);
    }

    fn now(&self) -> types::Timestamp {
        let now = wasi::clocks::wall_clock::now();
        now.seconds.saturating_mul(1_000).saturating_add(u64::from(now.nanoseconds / 1_000_000))
    }

    fn send(&self, request: &Request) -> Result<Response, SendError> {
        http::send(request)
    }
}

/// Logs panics: the target has no standard error. Every call installs the hook, because each may be the instance's
/// first.
fn host() -> Imports {
    std::panic::set_hook(Box::new(|panic| Imports.log(log::Level::Error, &format!("panic: {panic}"), &[])));
    Imports
}

impl interfaces::provider::Guest for Plugin {
    fn describe() -> Manifest {
        exports::provider::describe()
    }
}

impl interfaces::connection::Guest for Plugin {
    fn connect(settings: String) -> Result<Connected, types::InputError> {
        exports::connection::connect(&host(), &settings)
    }

    fn status() -> Result<Health, types::Error> {
        exports::connection::status(&host()).map_err(|stop| *stop)
    }

    fn disconnect(what: Departure, after: Option<String>, calls: u32) -> Result<Departed, types::Error> {
        exports::disconnect::disconnect(&host(), what, after.as_deref(), calls).map_err(|stop| *stop)
    }
}

impl interfaces::groups::Guest for Plugin {
    fn refresh() -> Result<GroupList, types::Error> {
        exports::groups::refresh(&host()).map_err(|stop| *stop)
    }

    fn list() -> Result<GroupList, types::Error> {
        exports::groups::list(&host()).map_err(|stop| *stop)
    }
}

impl interfaces::mappings::Guest for Plugin {
    fn list() -> Result<Vec<MappingState>, types::Error> {
        exports::mappings::list(&host()).map_err(|stop| *stop)
    }

    fn replace(entries: Vec<Mapping>) -> Result<Vec<MappingState>, types::InputError> {
        exports::mappings::replace(&host(), &entries)
    }

    fn preview(entries: Vec<Mapping>, after: Option<String>) -> Result<Effects, types::InputError> {
        exports::mappings::preview(&host(), &entries, after.as_deref())
    }
}

impl interfaces::access::Guest for Plugin {
    fn explain(member: String, device: Device, verify: bool) -> Result<Explanation, types::Error> {
        exports::access::explain(&host(), &member, device, verify).map_err(|stop| *stop)
    }
}

impl interfaces::doors::Guest for Plugin {
    fn list(member: String) -> Result<Vec<Door>, types::Error> {
        exports::doors::list(&host(), &member).map_err(|stop| *stop)
    }

    fn unlock(member: String, door: String) -> Result<Attempt, types::Error> {
        exports::doors::unlock(&host(), &member, &door).map_err(|stop| *stop)
    }

    fn issue_login(member: String, phone: Phone) -> Result<Issued, types::Error> {
        exports::doors::issue_login(&host(), &member, &phone).map_err(|stop| *stop)
    }

    fn revoke_login(member: String, login: String) -> Result<(), types::Error> {
        exports::doors::revoke_login(&host(), &member, &login).map_err(|stop| *stop)
    }
}

impl interfaces::sync::Guest for Plugin {
    fn start(mode: Mode) -> Result<String, types::Error> {
        exports::sync::start(&host(), mode).map_err(|stop| *stop)
    }

    fn step(job: String, calls: u32) -> Result<Stepped, types::Error> {
        exports::sync::step(&host(), &job, calls).map_err(|stop| *stop)
    }

    fn status() -> Result<Option<Progress>, types::Error> {
        exports::sync::status(&host()).map_err(|stop| *stop)
    }

    fn confirm(job: String) -> Result<(), types::Error> {
        exports::sync::confirm(&host(), &job).map_err(|stop| *stop)
    }

    fn cancel(job: String) -> Result<(), types::Error> {
        exports::sync::cancel(&host(), &job).map_err(|stop| *stop)
    }
}

impl interfaces::maintenance::Guest for Plugin {
    fn tick(calls: u32) -> Result<Ticked, types::Error> {
        exports::maintenance::tick(&host(), calls).map_err(|stop| *stop)
    }
}

impl interfaces::events::Guest for Plugin {
    fn handle(event: Event) -> Result<Vec<Outcome>, Unfinished> {
        exports::events::handle(&host(), &event).map_err(|unfinished| *unfinished)
    }
}
