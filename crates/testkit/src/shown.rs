//! The content of Kisi and of storage as tests compare it, and changes by staff.

use bytes::Bytes;
use door_access_host::contract::storage::{Precondition, Write};
use door_access_host::{Outbound, Reach, Storage, Transport};
use kisi_sim::{Fault, FaultEffect, Hand, JournalEntry};
use std::time::Duration;

use crate::world::World;

/// The role of a plain member of a group.
const PLAIN: &str = "group_basic";

/// A fault of Kisi: the next request of this route is answered with this status.
pub fn status(route: &str, status: u16) -> Fault {
    Fault::new(route, FaultEffect::Status { status, retry_after_s: None }).unwrap()
}

impl World {
    /// The requests since the last call of this function, as `METHOD path -> status`.
    pub fn calls(&self) -> Vec<String> {
        let calls = self.sim.journal().iter().map(call).collect();
        self.sim.clear_journal();
        calls
    }

    /// The writes among [`World::calls`], which this empties, too.
    pub fn edits(&self) -> Vec<String> {
        self.calls().into_iter().filter(|call| !call.starts_with("GET ")).collect()
    }

    /// The groups of which an address is a plain member, and their dates, ordered.
    pub fn groups_of(&self, email: &str) -> Vec<(String, Option<u64>, Option<u64>)> {
        let state = self.sim.state();
        let Some(user) = state.user_by_email(email) else { return Vec::new() };
        let rows = state.role_assignments_of(user.id).filter(|row| row.role_id == PLAIN);
        let mut groups: Vec<_> = rows
            .filter_map(|row| {
                let group = state.groups.iter().find(|group| group.id == row.applies_to_id)?;
                Some((group.name.clone(), row.valid_from, row.valid_until))
            })
            .collect();
        groups.sort();
        groups
    }

    /// The names of [`World::groups_of`].
    pub fn names_of(&self, email: &str) -> Vec<String> {
        self.groups_of(email).into_iter().map(|(name, ..)| name).collect()
    }

    /// The groups that open for a member now. The address is `MEMBER@gym.test`.
    pub fn open(&self, member: &str) -> Vec<String> {
        let now = self.now();
        let mut groups = self.groups_of(&format!("{member}@gym.test"));
        groups.retain(|(_, from, until)| {
            from.is_none_or(|from| from <= now) && until.is_none_or(|until| now < until)
        });
        groups.into_iter().map(|(name, ..)| name).collect()
    }

    /// Everything about people in Kisi: address, name, and groups with role and dates, ordered by address.
    pub fn people(&self) -> Vec<String> {
        let state = self.sim.state();
        let group =
            |id: u64| state.groups.iter().find(|group| group.id == id).map(|group| group.name.as_str());
        let person = |user: &kisi_sim::User| {
            let row = |row: &kisi_sim::RoleAssignment| {
                let group = group(row.applies_to_id).unwrap_or("(organization)");
                format!("{group} as {} from {:?} until {:?}", row.role_id, row.valid_from, row.valid_until)
            };
            let mut rows: Vec<String> = state.role_assignments_of(user.id).map(row).collect();
            rows.sort();
            format!("{} ({}): {}", user.email, user.name, rows.join("; "))
        };
        let mut people: Vec<String> = state.users.iter().map(person).collect();
        people.sort();
        people
    }

    /// The user with this address.
    pub fn user(&self, email: &str) -> u64 {
        self.sim.state().user_by_email(email).unwrap_or_else(|| panic!("Kisi has no {email}")).id
    }

    /// The group with this name.
    pub fn group(&self, name: &str) -> u64 {
        self.sim.state().group_by_name(name).unwrap_or_else(|| panic!("Kisi has no group {name}")).id
    }

    /// The door with this name.
    pub fn door(&self, name: &str) -> u64 {
        let state = self.sim.state();
        state
            .locks
            .iter()
            .find(|lock| lock.name == name)
            .unwrap_or_else(|| panic!("Kisi has no door {name}"))
            .id
    }

    /// The role assignments of an address, with any role.
    pub fn rows_of(&self, email: &str) -> Vec<kisi_sim::RoleAssignment> {
        let user = self.user(email);
        self.sim.state().role_assignments_of(user).cloned().collect()
    }

    /// The ids of the working logins of an address.
    pub fn logins_of(&self, email: &str) -> Vec<String> {
        let state = self.sim.state();
        let Some(user) = state.user_by_email(email) else { return Vec::new() };
        state.logins_of(user.id).map(|login| login.id.to_string()).collect()
    }

    /// Staff adds an account, unless there is one, and puts it into groups. Returns the user.
    pub fn by_hand(&self, email: &str, groups: &[&str]) -> u64 {
        let user = self.sim.state().user_by_email(email).map(|user| user.id);
        let user = user.unwrap_or_else(|| self.sim.add_user(email.split('@').next().unwrap_or(email), email));
        for name in groups {
            let group = self.sim.state().group_by_name(name).map(|group| group.id);
            let group = group.unwrap_or_else(|| self.sim.add_group(name));
            self.sim.assign(user, group, PLAIN);
        }
        user
    }

    /// Staff removes the first role assignment of an address.
    pub fn unassign_first(&self, email: &str) {
        let row = self.rows_of(email).first().expect("the user is in a group").id;
        assert!(self.sim.unassign(row));
    }

    /// Staff makes the first role assignment of an address a manager's, under the same id.
    pub fn promote(&self, email: &str) {
        let id = self.rows_of(email).first().expect("the user is in a group").id;
        self.sim.hand(Hand::SetRole { id, role: "group_manager".to_string() }).unwrap();
    }

    /// A request of another program that has the gym's key. It must succeed.
    pub fn request(&self, method: &str, path: &str, body: &serde_json::Value) {
        let request = http::Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", format!("KISI-LOGIN {}", self.key()))
            .header("content-type", "application/json")
            .body(Bytes::from(body.to_string()))
            .unwrap();
        let answered = self.run(self.boundary.send(outbound(request))).unwrap();
        assert!(answered.status().is_success(), "{method} {path}: {}", answered.status());
    }

    /// The keys in storage.
    pub fn keys(&self) -> Vec<String> {
        self.storage.entries().into_iter().map(|entry| entry.key).collect()
    }

    /// The entries of storage with this text in their key or value.
    pub fn stored(&self, text: &str) -> Vec<String> {
        let shown = self
            .storage
            .entries()
            .into_iter()
            .map(|entry| format!("{} {}", entry.key, String::from_utf8_lossy(&entry.value)));
        shown.filter(|entry| entry.contains(text)).collect()
    }

    /// Replaces an entry of storage.
    pub fn store(&self, key: &str, value: &[u8]) {
        let write = Write { key: key.to_string(), value: Some(value.to_vec()), requires: Precondition::None };
        self.run(self.storage.commit(vec![write])).unwrap();
    }
}

/// A request as the host hands it to a transport.
pub(crate) fn outbound(request: http::Request<Bytes>) -> Outbound {
    Outbound { request, reach: Reach::Public, timeout: Duration::from_secs(30), response_bytes_max: 8 << 20 }
}

fn call(entry: &JournalEntry) -> String {
    let status = entry.status.map_or_else(|| "dropped".to_string(), |status| status.to_string());
    format!("{} -> {status}", entry.call())
}
