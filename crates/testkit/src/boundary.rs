//! Directory, storage and transport in one, between the plugin and the rest of the world. A test can plan faults here,
//! change answers, watch requests, and measure the time that this side takes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use door_access_host::contract::directory::{DirectoryError, MemberPage};
use door_access_host::contract::storage::{Entry, Quota, StorageError, Write};
use door_access_host::contract::types::{Member, Plan};
use door_access_host::{
    Clock, Directory, Fault as Stop, MemoryDirectory, MemoryStorage, Outbound, Storage, Transport,
    TransportError,
};
use door_access_scenario::world::RouterTransport;
use http::StatusCode;
use kisi_sim::{FaultEffect, Simulator, Snapshot};

/// One fault at one moment after [`Boundary::plan`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// When it happens.
    pub at: At,
    /// What happens.
    pub effect: Effect,
}

/// The call that a fault is for: its kind, and how many of that kind pass first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    /// A request to Kisi.
    Request(usize),
    /// A commit to storage.
    Commit(usize),
    /// A read of storage.
    Read(usize),
    /// A request to the directory.
    Directory(usize),
}

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// The host is killed before the call.
    KillBefore,
    /// The host is killed after the call.
    KillAfter,
    /// Kisi carries out the request, and the connection ends without an answer.
    LoseAnswer,
    /// The request is not sent.
    Refuse,
    /// Status 429.
    TooMany,
    /// Status 503; for storage and directory, an error.
    Unavailable,
    /// The change is made, and the call fails.
    UnavailableAfterCommit,
    /// The answer is HTML.
    Html,
    /// The answer comes too late.
    Late,
    /// The last row of the page is missing.
    Truncated,
    /// The answer is not a list.
    NotAnArray,
    /// The rows of the list have moved by one.
    Shifted,
    /// The previous page comes again.
    Repeated,
    /// Another writer was faster.
    Conflict,
    /// Storage is full.
    Full,
}

/// How many calls of each kind were made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Passed {
    /// Requests to Kisi.
    pub requests: usize,
    /// Commits to storage.
    pub commits: usize,
    reads: usize,
    looks: usize,
}

impl Passed {
    /// A kill before and after each of these requests and commits, for a repetition of the same calls.
    pub fn kills(self) -> Vec<Fault> {
        let moments = (0..self.requests).map(At::Request).chain((0..self.commits).map(At::Commit));
        let both = |at| [Effect::KillBefore, Effect::KillAfter].map(|effect| Fault { at, effect });
        moments.flat_map(both).collect()
    }
}

/// A request and its result.
#[derive(Debug)]
pub struct Exchange<'a> {
    /// Method and address.
    pub line: &'a str,
    /// What was sent.
    pub body: &'a Bytes,
    /// Kisi before the request, when it is an edit.
    pub before: Option<&'a Snapshot>,
    /// The answer; absent when the connection was dropped.
    pub status: Option<StatusCode>,
    /// The fault that was planned for it.
    pub effect: Option<Effect>,
    /// Whether a fault or a storm met it.
    pub is_disturbed: bool,
}

/// Observes the requests to Kisi.
pub trait Watch: Send + Sync {
    /// A request was sent.
    fn exchanged(&self, exchange: &Exchange<'_>);
}

/// Changes an answer of Kisi.
type Mangle = Box<dyn FnMut(http::Response<Bytes>) -> http::Response<Bytes> + Send>;

/// Directory, storage and transport of one gym.
pub struct Boundary {
    sim: Simulator,
    kisi: RouterTransport,
    directory: Arc<MemoryDirectory>,
    storage: Arc<MemoryStorage>,
    watch: OnceLock<Arc<dyn Watch>>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    planned: Vec<Fault>,
    passed: Passed,
    storm: (usize, u16),
    unreadable: Option<String>,
    mangle: Option<Mangle>,
    injected: BTreeMap<Effect, u64>,
    requests: u64,
    took: Duration,
}

impl Boundary {
    pub(crate) fn new(
        sim: &Simulator,
        clock: Arc<dyn Clock>,
        directory: Arc<MemoryDirectory>,
        storage: Arc<MemoryStorage>,
    ) -> Boundary {
        Boundary {
            sim: sim.clone(),
            kisi: RouterTransport::new(sim.router(), clock),
            directory,
            storage,
            watch: OnceLock::new(),
            state: Mutex::default(),
        }
    }

    /// Plans what goes wrong from now on, in place of an earlier plan. Counting begins again.
    pub fn plan(&self, faults: &[Fault]) {
        let mut state = self.state();
        state.planned = faults.to_vec();
        state.passed = Passed::default();
    }

    /// The calls since the last [`plan`](Boundary::plan).
    pub fn passed(&self) -> Passed {
        self.state().passed
    }

    /// Answers the next requests with this status.
    pub fn storm(&self, requests: usize, status: u16) {
        self.state().storm = (requests, status);
    }

    /// Whether nothing is planned and no storm is under way.
    pub fn is_undisturbed(&self) -> bool {
        let state = self.state();
        state.planned.is_empty() && state.storm.0 == 0
    }

    /// Makes the directory fail for one member.
    pub fn set_unreadable(&self, member: &str) {
        self.state().unreadable = Some(member.to_string());
    }

    /// Changes every answer of Kisi from now on.
    pub fn mangle(
        &self,
        mangle: impl FnMut(http::Response<Bytes>) -> http::Response<Bytes> + Send + 'static,
    ) {
        self.state().mangle = Some(Box::new(mangle));
    }

    /// Changes no answer from now on.
    pub fn end_mangling(&self) {
        self.state().mangle = None;
    }

    /// Shows every request to `watch`. A boundary has one.
    pub fn watch(&self, watch: Arc<dyn Watch>) {
        assert!(self.watch.set(watch).is_ok(), "a boundary is watched once");
    }

    /// How often each fault has happened.
    pub fn injected(&self) -> BTreeMap<Effect, u64> {
        self.state().injected.clone()
    }

    /// How many requests were sent in all.
    pub fn requests(&self) -> u64 {
        self.state().requests
    }

    /// The time spent on this side since the last call of this function.
    pub fn take_time(&self) -> Duration {
        std::mem::take(&mut self.state().took)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn timed<T>(&self, work: impl Future<Output = T>) -> T {
        let began = Instant::now();
        let result = work.await;
        self.state().took += began.elapsed();
        result
    }

    fn meets(&self, passage: impl FnOnce(&mut Passed) -> At) -> Option<Effect> {
        let mut state = self.state();
        let at = passage(&mut state.passed);
        let effect = state.planned.iter().find(|fault| fault.at == at)?.effect;
        *state.injected.entry(effect).or_default() += 1;
        Some(effect)
    }

    async fn exchange(&self, outbound: Outbound) -> Result<http::Response<Bytes>, TransportError> {
        let effect = self.meets(|passed| {
            passed.requests += 1;
            At::Request(passed.requests - 1)
        });
        let storm = {
            let mut state = self.state();
            state.requests += 1;
            let (left, status) = state.storm;
            state.storm.0 = left.saturating_sub(1);
            (left > 0).then_some(status)
        };
        match effect {
            Some(Effect::KillBefore) => return Err(killed()),
            Some(Effect::Refuse) => return Err(TransportError::ConnectionRefused),
            _ => {}
        }
        let in_kisi =
            in_kisi(effect).or(storm.map(|status| FaultEffect::Status { status, retry_after_s: None }));
        let (is_in_kisi, is_disturbed) = (in_kisi.is_some(), effect.is_some() || storm.is_some());
        if let Some(in_kisi) = in_kisi {
            self.sim.add_fault(kisi_sim::Fault::new("*", in_kisi).expect("every request matches"));
        }
        let answered = match self.watch.get() {
            None => self.kisi.send(outbound).await,
            Some(watch) => {
                let (line, body) = (
                    format!("{} {}", outbound.request.method(), outbound.request.uri()),
                    outbound.request.body().clone(),
                );
                let before = (outbound.request.method() != http::Method::GET).then(|| self.sim.state());
                let answered = self.kisi.send(outbound).await;
                watch.exchanged(&Exchange {
                    line: &line,
                    body: &body,
                    before: before.as_ref(),
                    status: answered.as_ref().ok().map(http::Response::status),
                    effect,
                    is_disturbed,
                });
                answered
            }
        };
        if is_in_kisi {
            self.sim.clear_faults();
        }
        match effect {
            _ if answered.is_err() => answered,
            Some(Effect::KillAfter) => Err(killed()),
            Some(Effect::Late) => Err(TransportError::ResponseTimedOut),
            _ => answered.map(|response| match &mut self.state().mangle {
                Some(mangle) => mangle(response),
                None => response,
            }),
        }
    }

    fn look(&self, member: Option<&str>) -> Result<(), Stop<DirectoryError>> {
        let met = self.meets(|passed| {
            passed.looks += 1;
            At::Directory(passed.looks - 1)
        });
        let is_unreadable = member.is_some() && self.state().unreadable.as_deref() == member;
        match met {
            None if !is_unreadable => Ok(()),
            Some(Effect::KillBefore) => Err(Stop::Abort("the host was killed".to_string())),
            _ => Err(DirectoryError::Unavailable("the platform is down".to_string()).into()),
        }
    }

    fn read(&self) -> Result<(), Stop<StorageError>> {
        let met = self.meets(|passed| {
            passed.reads += 1;
            At::Read(passed.reads - 1)
        });
        match met {
            None => Ok(()),
            Some(Effect::KillBefore) => Err(Stop::Abort("the host was killed".to_string())),
            Some(_) => Err(unavailable()),
        }
    }
}

fn killed() -> TransportError {
    TransportError::Abort("the host was killed".to_string())
}

fn unavailable() -> Stop<StorageError> {
    StorageError::Unavailable("storage is down".to_string()).into()
}

/// The simulator's part of a fault.
fn in_kisi(effect: Option<Effect>) -> Option<FaultEffect> {
    Some(match effect? {
        Effect::LoseAnswer => FaultEffect::DropAfterCommit {},
        Effect::TooMany => FaultEffect::Status { status: 429, retry_after_s: Some(2) },
        Effect::Unavailable => FaultEffect::Status { status: 503, retry_after_s: None },
        Effect::UnavailableAfterCommit => FaultEffect::StatusAfterCommit { status: 502 },
        Effect::Html => FaultEffect::Html {},
        Effect::Truncated => FaultEffect::Truncated { missing: 1 },
        Effect::NotAnArray => FaultEffect::NotAnArray {},
        Effect::Shifted => FaultEffect::Reordered {},
        Effect::Repeated => FaultEffect::RepeatedPage {},
        _ => return None,
    })
}

#[async_trait]
impl Transport for Boundary {
    async fn send(&self, outbound: Outbound) -> Result<http::Response<Bytes>, TransportError> {
        self.timed(self.exchange(outbound)).await
    }
}

#[async_trait]
impl Directory for Boundary {
    async fn get_member(&self, id: &str) -> Result<Option<Member>, Stop<DirectoryError>> {
        self.look(Some(id))?;
        self.timed(self.directory.get_member(id)).await
    }

    async fn find_members(&self, email: &str) -> Result<Vec<Member>, Stop<DirectoryError>> {
        self.look(None)?;
        self.timed(self.directory.find_members(email)).await
    }

    async fn list_members(
        &self,
        after: Option<&str>,
        limit: u32,
    ) -> Result<MemberPage, Stop<DirectoryError>> {
        self.look(None)?;
        self.timed(self.directory.list_members(after, limit)).await
    }

    async fn list_plans(&self) -> Result<Vec<Plan>, Stop<DirectoryError>> {
        self.look(None)?;
        self.timed(self.directory.list_plans()).await
    }
}

#[async_trait]
impl Storage for Boundary {
    async fn get(&self, key: &str) -> Result<Option<Entry>, Stop<StorageError>> {
        self.read()?;
        self.timed(self.storage.get(key)).await
    }

    async fn scan(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Entry>, Stop<StorageError>> {
        self.read()?;
        self.timed(self.storage.scan(prefix, after, limit)).await
    }

    async fn commit(&self, writes: Vec<Write>) -> Result<u64, Stop<StorageError>> {
        let met = self.meets(|passed| {
            passed.commits += 1;
            At::Commit(passed.commits - 1)
        });
        let key = writes.first().map(|write| write.key.clone()).unwrap_or_default();
        match met {
            Some(Effect::KillBefore) => return Err(Stop::Abort("the host was killed".to_string())),
            Some(Effect::Unavailable) => return Err(unavailable()),
            Some(Effect::Conflict) => return Err(StorageError::Conflict(key).into()),
            Some(Effect::Full) => return Err(StorageError::QuotaExceeded(Quota::TotalSize).into()),
            _ => {}
        }
        let committed = self.timed(self.storage.commit(writes)).await?;
        match met {
            Some(Effect::KillAfter) => Err(Stop::Abort("the host was killed".to_string())),
            Some(Effect::UnavailableAfterCommit) => Err(unavailable()),
            _ => Ok(committed),
        }
    }
}
