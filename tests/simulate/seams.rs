//! The boundaries of a gym's plugin: directory, storage and network, where things go wrong as planned, and where what
//! the plugin does is watched request by request.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use door_access_host::contract::directory::{DirectoryError, MemberPage};
use door_access_host::contract::storage::{Entry, Quota, StorageError, Write};
use door_access_host::contract::types::{Member, Plan};
use door_access_host::{
    Directory, Fault as Stop, MemoryDirectory, MemoryStorage, Outbound, Storage, Transport, TransportError,
};
use http_body_util::BodyExt;
use kisi_sim::{
    ConnectionDropped, DuplicateRoleAssignment, FaultEffect, RoleAssignment, Simulator, Snapshot,
    ValidityInPatch,
};
use tower::ServiceExt;

use crate::history::{At, Effect, Fault};
use crate::judge::Case;

pub(crate) struct Seams {
    pub(crate) sim: Simulator,
    /// The simulator's, put together once.
    router: Router,
    pub(crate) directory: MemoryDirectory,
    pub(crate) storage: MemoryStorage,
    pub(crate) state: Mutex<State>,
}

#[derive(Default)]
pub(crate) struct State {
    /// What goes wrong in the call under way.
    planned: Vec<Fault>,
    /// How often each boundary was passed in it.
    requests: usize,
    commits: usize,
    reads: usize,
    looks: usize,
    /// So many requests more are answered with this status.
    pub(crate) storm: (usize, u16),
    /// How often what went wrong.
    pub(crate) injected: BTreeMap<Effect, u64>,
    pub(crate) case: Case,
    /// Whether the host's clock is right: what the plugin decides by a wrong one is not held against it.
    pub(crate) clock_is_right: bool,
    /// Whether Kisi allows to change dates without taking a grant: by a change, or by a second one.
    pub(crate) can_avoid_gaps: bool,
    /// What the reconciliation under way has taken.
    pub(crate) taken: Option<BTreeSet<(String, u64)>>,
    /// Whether what staff gave counts among that.
    pub(crate) counts_by_hand: bool,
    /// Who was blocked when the reconciliation began of which a step is under way, until something goes wrong in it.
    pub(crate) first: Option<BTreeSet<String>>,
    /// Edits of the call under way that Kisi answered with 404, with their bodies.
    pub(crate) missing: BTreeSet<String>,
    /// Requests and what became of them, since the last look.
    pub(crate) calls: Vec<String>,
    pub(crate) violations: Vec<String>,
    pub(crate) requests_ever: u64,
}

impl State {
    /// Whether nothing goes wrong in the call under way.
    pub(crate) fn is_undisturbed(&self) -> bool {
        self.planned.is_empty() && self.storm.0 == 0
    }

    /// Whether somebody is only out of a group between two requests that change their dates, where Kisi wants it so.
    pub(crate) fn is_between(&self, members: &[Member], pair: &(String, u64), kisi: &Snapshot) -> bool {
        let member = members.iter().find(|member| member.id == pair.0);
        !self.can_avoid_gaps
            && member.is_some_and(|member| self.case.desired(member, kisi).contains_key(&pair.1))
    }
}

impl Seams {
    pub(crate) fn new(sim: Simulator, case: Case) -> Arc<Seams> {
        let knobs = sim.knobs();
        let can_avoid_gaps = knobs.validity_in_patch == ValidityInPatch::Honoured
            || knobs.duplicate_role_assignment != DuplicateRoleAssignment::AlwaysConflict;
        let state = State { case, clock_is_right: true, can_avoid_gaps, ..State::default() };
        Arc::new(Seams {
            router: sim.router(),
            sim,
            directory: MemoryDirectory::new(),
            storage: MemoryStorage::new(),
            state: Mutex::new(state),
        })
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Plans what goes wrong in the next call.
    pub(crate) fn plan(&self, faults: &[Fault]) {
        let mut state = self.state();
        state.planned = faults.to_vec();
        (state.requests, state.commits, state.reads, state.looks) = (0, 0, 0, 0);
    }

    /// What was asked of Kisi since the last look.
    pub(crate) fn take_calls(&self) -> Vec<String> {
        std::mem::take(&mut self.state().calls)
    }

    fn meets(&self, passage: impl FnOnce(&mut State) -> At) -> Option<Effect> {
        let mut state = self.state();
        let at = passage(&mut state);
        let effect = state.planned.iter().find(|fault| fault.at == at)?.effect;
        *state.injected.entry(effect).or_default() += 1;
        Some(effect)
    }

    async fn exchange(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, TransportError> {
        let met = self.meets(|state| {
            state.requests += 1;
            state.requests_ever += 1;
            At::Request(state.requests - 1)
        });
        let storm = {
            let mut state = self.state();
            let (left, status) = state.storm;
            state.storm.0 = left.saturating_sub(1);
            (left > 0).then_some(status)
        };
        let status = |status: u16| FaultEffect::Status { status, retry_after_s: None };
        let effect = match met {
            Some(Effect::KillBefore) => return Err(killed()),
            Some(Effect::Refuse) => return Err(TransportError::ConnectionRefused),
            Some(Effect::LoseAnswer) => Some(FaultEffect::DropAfterCommit),
            Some(Effect::TooMany) => Some(FaultEffect::Status { status: 429, retry_after_s: Some(2) }),
            Some(Effect::Unavailable) => Some(status(503)),
            Some(Effect::UnavailableAfterCommit) => Some(FaultEffect::StatusAfterCommit { status: 502 }),
            Some(Effect::Html) => Some(FaultEffect::Html),
            Some(Effect::Truncated) => Some(FaultEffect::Truncated { missing: 1 }),
            Some(Effect::NotAnArray) => Some(FaultEffect::NotAnArray),
            Some(Effect::Shifted) => Some(FaultEffect::Reordered),
            Some(Effect::Repeated) => Some(FaultEffect::RepeatedPage),
            _ => storm.map(status),
        };
        if let Some(effect) = effect {
            self.sim.add_fault(kisi_sim::Fault::new("*", effect).expect("every request matches"));
        }
        let line = format!("{} {}", request.method(), request.uri());
        let is_edit = request.method() != http::Method::GET;
        let edit = format!("{line} {}", String::from_utf8_lossy(request.body()));
        let before = is_edit.then(|| self.sim.state());
        let router = self.router.clone();
        let response = router.oneshot(request.map(Body::from)).await.expect("a router always answers");
        self.sim.clear_faults();
        if met.is_some() || storm.is_some() {
            self.state().first = None;
        }
        if let Some(before) = before {
            self.watch(&before);
        }
        let dropped = response.extensions().get::<ConnectionDropped>().is_some();
        let answer = if dropped { "dropped".to_string() } else { response.status().as_u16().to_string() };
        if is_edit && response.status() == http::StatusCode::NOT_FOUND && met.is_none() {
            let mut state = self.state();
            if !state.missing.insert(edit) {
                state
                    .violations
                    .push(format!("calls: {line} again in one call, and it was not there before"));
            }
        }
        let how = met.map(|effect| format!(" ({effect:?})")).unwrap_or_default();
        self.state().calls.push(format!("{line} -> {answer}{how}"));
        match met {
            _ if dropped => return Err(TransportError::ConnectionTerminated),
            Some(Effect::KillAfter) => return Err(killed()),
            Some(Effect::Late) => return Err(TransportError::ResponseTimedOut),
            _ => {}
        }
        let (parts, body) = response.into_parts();
        let body = body.collect().await.expect("the body is in memory").to_bytes();
        Ok(http::Response::from_parts(parts, body))
    }

    /// Looks at what an edit has done.
    fn watch(&self, before: &Snapshot) {
        let after = self.sim.state();
        let members = self.directory.members();
        let mut state = self.state();
        let organization = state.case.organization;
        let users = after.users.iter().filter(|user| user.organization_id == organization);
        state.case.users_ever.extend(users.map(|user| user.id));
        if state.clock_is_right && state.can_avoid_gaps {
            let gaps = state.case.gaps(&members, before, &after);
            state.violations.extend(gaps.into_iter().map(|gap| format!("gap: {gap}")));
        }
        let held_in = |kisi: &Snapshot| {
            let mut kisi = kisi.clone();
            let counts = |row: &RoleAssignment| state.counts_by_hand || !state.case.by_hand.contains(&row.id);
            kisi.role_assignments.retain(counts);
            state.case.held(&kisi)
        };
        let (held, holds) = (held_in(before), held_in(&after));
        if let Some(taken) = &mut state.taken {
            taken.extend(held.difference(&holds).cloned());
            // What was taken and given again, where Kisi wants it so, was not lost.
            taken.retain(|pair| !holds.contains(pair));
        }
        let is_new = |row: &RoleAssignment| before.role_assignments.iter().all(|known| known.id != row.id);
        if let Some(first) = &state.first
            && let Some(row) = after.role_assignments.iter().find(|row| is_new(row))
        {
            let barred = members.iter().filter(|member| first.contains(&member.id));
            let open: Vec<String> = barred.flat_map(|member| state.case.still_open(member, &after)).collect();
            if !open.is_empty() {
                let wrong =
                    format!("order: a reconciliation gives group {}, and {open:?}", row.applies_to_id);
                state.violations.push(wrong);
            }
        }
        let foreign = |kisi: &Snapshot| {
            let rows = kisi.role_assignments.iter().filter(|row| row.organization_id != organization);
            rows.cloned().collect::<Vec<_>>()
        };
        if foreign(before) != foreign(&after) {
            state.violations.push("neighbour: another gym's assignments were changed".to_string());
        }
    }
}

fn killed() -> TransportError {
    TransportError::Abort("the host was killed".to_string())
}

#[async_trait]
impl Transport for Seams {
    async fn send(&self, outbound: Outbound) -> Result<http::Response<Bytes>, TransportError> {
        self.exchange(outbound.request).await
    }
}

impl Seams {
    fn look(&self) -> Result<(), Stop<DirectoryError>> {
        let met = self.meets(|state| {
            state.looks += 1;
            At::Directory(state.looks - 1)
        });
        match met {
            None => Ok(()),
            Some(Effect::KillBefore) => Err(Stop::Abort("the host was killed".to_string())),
            Some(_) => Err(DirectoryError::Unavailable("the platform is down".to_string()).into()),
        }
    }

    fn read(&self) -> Result<(), Stop<StorageError>> {
        let met = self.meets(|state| {
            state.reads += 1;
            At::Read(state.reads - 1)
        });
        match met {
            None => Ok(()),
            Some(Effect::KillBefore) => Err(Stop::Abort("the host was killed".to_string())),
            Some(_) => Err(StorageError::Unavailable("storage is down".to_string()).into()),
        }
    }
}

#[async_trait]
impl Directory for Seams {
    async fn get_member(&self, id: &str) -> Result<Option<Member>, Stop<DirectoryError>> {
        self.look()?;
        self.directory.get_member(id).await
    }

    async fn find_members(&self, email: &str) -> Result<Vec<Member>, Stop<DirectoryError>> {
        self.look()?;
        self.directory.find_members(email).await
    }

    async fn list_members(
        &self,
        after: Option<&str>,
        limit: u32,
    ) -> Result<MemberPage, Stop<DirectoryError>> {
        self.look()?;
        self.directory.list_members(after, limit).await
    }

    async fn list_plans(&self) -> Result<Vec<Plan>, Stop<DirectoryError>> {
        self.look()?;
        self.directory.list_plans().await
    }
}

#[async_trait]
impl Storage for Seams {
    async fn get(&self, key: &str) -> Result<Option<Entry>, Stop<StorageError>> {
        self.read()?;
        self.storage.get(key).await
    }

    async fn scan(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Entry>, Stop<StorageError>> {
        self.read()?;
        self.storage.scan(prefix, after, limit).await
    }

    async fn commit(&self, writes: Vec<Write>) -> Result<u64, Stop<StorageError>> {
        let met = self.meets(|state| {
            state.commits += 1;
            At::Commit(state.commits - 1)
        });
        let key = writes.first().map(|write| write.key.clone()).unwrap_or_default();
        let abort = || Stop::Abort("the host was killed".to_string());
        let unavailable = || StorageError::Unavailable("storage is down".to_string()).into();
        match met {
            Some(Effect::KillBefore) => Err(abort()),
            Some(Effect::Unavailable) => Err(unavailable()),
            Some(Effect::Conflict) => Err(StorageError::Conflict(key).into()),
            Some(Effect::Full) => Err(StorageError::QuotaExceeded(Quota::TotalSize).into()),
            Some(Effect::KillAfter) => {
                self.storage.commit(writes).await?;
                Err(abort())
            }
            Some(Effect::UnavailableAfterCommit) => {
                self.storage.commit(writes).await?;
                Err(unavailable())
            }
            _ => self.storage.commit(writes).await,
        }
    }
}
