//! What a reconciliation costs, for gyms of several sizes: requests against the lower bound, processor time and memory of
//! the plugin, and time without pacing. The simulator answers in the same process and virtual time never passes, so what
//! is measured is work, not waiting. Run by `cargo xtask bench`; sizes are arguments.
//!
//! The time of a call less the time that the platform's side took (directory, storage, simulator) is what the plugin
//! and its boundary took. All of it runs on one thread, so that this is processor time, too.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a measurement that cannot go on says why"
)]

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use axum::body::Body;
use bytes::Bytes;
use door_access_host::contract::directory::{DirectoryError, MemberPage};
use door_access_host::contract::mappings::Mapping;
use door_access_host::contract::storage::{Entry, StorageError, Write};
use door_access_host::contract::sync::{Mode, Phase, Progress};
use door_access_host::contract::types::{
    Member, MemberStatus, Membership, MembershipStatus, Payment, Plan, Timestamp,
};
use door_access_host::{
    ApprovedOrigin, CallReport, Directory, Engine, EngineConfig, Fault, MemoryDirectory, MemoryStorage,
    Observer, Outbound, Pace, Plugin, Secret, Storage, Tenant, Transport, TransportError, VirtualClock,
};
use http_body_util::BodyExt;
use kisi_sim::{Knobs, Seed, Simulator};
use tower::ServiceExt;

/// 2026-12-01T08:00:00Z.
const START: Timestamp = 1_796_112_000_000;
const SETTINGS: &str = r#"{"integration":{"identifier":"Bench","contact":"doors@gym.test"}}"#;
/// Kisi reads no further than 20,000 rows into a list, so large gyms have more groups: one for so many members.
const MEMBERS_PER_GROUP: usize = 10_000;
/// Rows of a page of role assignments.
const ROWS_A_PAGE: usize = 250;

/// Time that went by on the platform's side of the boundary.
#[derive(Default)]
struct Outside(AtomicU64);

impl Outside {
    async fn timed<T>(&self, work: impl Future<Output = T>) -> T {
        let began = Instant::now();
        let result = work.await;
        let took = u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.0.fetch_add(took, Ordering::Relaxed);
        result
    }

    fn take(&self) -> Duration {
        Duration::from_nanos(self.0.swap(0, Ordering::Relaxed))
    }
}

struct Platform {
    directory: MemoryDirectory,
    storage: MemoryStorage,
    sim: Simulator,
    outside: Outside,
    calls: AtomicU64,
    memory: Mutex<u64>,
}

#[async_trait]
impl Directory for Platform {
    async fn get_member(&self, id: &str) -> Result<Option<Member>, Fault<DirectoryError>> {
        self.outside.timed(self.directory.get_member(id)).await
    }

    async fn find_members(&self, email: &str) -> Result<Vec<Member>, Fault<DirectoryError>> {
        self.outside.timed(self.directory.find_members(email)).await
    }

    async fn list_members(
        &self,
        after: Option<&str>,
        limit: u32,
    ) -> Result<MemberPage, Fault<DirectoryError>> {
        self.outside.timed(self.directory.list_members(after, limit)).await
    }

    async fn list_plans(&self) -> Result<Vec<Plan>, Fault<DirectoryError>> {
        self.outside.timed(self.directory.list_plans()).await
    }
}

#[async_trait]
impl Storage for Platform {
    async fn get(&self, key: &str) -> Result<Option<Entry>, Fault<StorageError>> {
        self.outside.timed(self.storage.get(key)).await
    }

    async fn scan(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Entry>, Fault<StorageError>> {
        self.outside.timed(self.storage.scan(prefix, after, limit)).await
    }

    async fn commit(&self, writes: Vec<Write>) -> Result<u64, Fault<StorageError>> {
        self.outside.timed(self.storage.commit(writes)).await
    }
}

#[async_trait]
impl Transport for Platform {
    async fn send(&self, outbound: Outbound) -> Result<http::Response<Bytes>, TransportError> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        let answer = async {
            let request = outbound.request.map(Body::from);
            let response = self.sim.router().oneshot(request).await.expect("a router always answers");
            let (parts, body) = response.into_parts();
            let body = body.collect().await.expect("the body is in memory").to_bytes();
            http::Response::from_parts(parts, body)
        };
        let answer = self.outside.timed(answer).await;
        // The simulator remembers each request for whoever asks; a long run would measure that.
        if self.calls.load(Ordering::Relaxed).is_multiple_of(1_000) {
            self.sim.clear_journal();
        }
        Ok(answer)
    }
}

impl Observer for Platform {
    fn on_call(&self, report: &CallReport) {
        let mut memory = self.memory.lock().expect("nobody panics with it");
        *memory = (*memory).max(report.memory_bytes_peak);
    }
}

/// What one reconciliation took.
struct Measured {
    progress: Progress,
    calls: u64,
    plugin: Duration,
    memory: u64,
    whole: Duration,
}

fn main() {
    // Cargo adds `--bench`.
    let sizes: Vec<usize> = std::env::args().skip(1).filter_map(|argument| argument.parse().ok()).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let component = std::env::var_os("KISI_PLUGIN_COMPONENT").expect("KISI_PLUGIN_COMPONENT names a file");
    let engine = Engine::new(EngineConfig::default()).expect("an engine");
    let plugin =
        runtime.block_on(engine.load_file(std::path::Path::new(&component))).expect("the component loads");
    println!("sync         members   calls   bound  ratio   plugin s  µs/member  memory MiB  whole s");
    for members in sizes {
        runtime.block_on(gym(&plugin, members));
    }
}

async fn gym(plugin: &Plugin, members: usize) {
    let (platform, mapping) = platform(members);
    let tenant = Tenant::builder(plugin.clone(), "gym")
        .directory(platform.clone())
        .storage(platform.clone())
        .credential(Secret::new(platform.sim.key()).expect("a key"))
        .transport(platform.clone())
        .approve(ApprovedOrigin::direct("https://api.kisi.io".parse().expect("an origin")))
        .pace(Arc::new(Pace::unlimited()))
        .clock(Arc::new(VirtualClock::new(START)))
        .observer(platform.clone())
        .build()
        .expect("a tenant");
    tenant.connect(SETTINGS).await.expect("a call").expect("a connection");
    tenant.replace_mappings(&mapping).await.expect("a call").expect("a mapping");

    let grants = members + members.div_ceil(3);
    let groups = members.div_ceil(MEMBERS_PER_GROUP) * 2;
    // An account and its grants each, one page of every empty group, and the users once: the owner of the key alone.
    let first = measured(&platform, &tenant).await;
    tell("first", members, members + grants + groups + 1, &first);
    assert_eq!(first.progress.counts.applied as usize, members, "{:?}", first.progress);

    let rows = group_sizes(members).iter().map(|rows| rows.div_ceil(ROWS_A_PAGE).max(1)).sum();
    let unchanged = measured(&platform, &tenant).await;
    tell("unchanged", members, rows, &unchanged);
    assert_eq!(unchanged.progress.counts.differing, 0, "{:?}", unchanged.progress);
}

async fn measured(platform: &Platform, tenant: &Tenant) -> Measured {
    platform.outside.take();
    platform.calls.store(0, Ordering::Relaxed);
    *platform.memory.lock().expect("nobody panics with it") = 0;
    let began = Instant::now();
    let job = tenant.start_sync(Mode::Apply).await.expect("a call").expect("a job");
    let progress = loop {
        let stepped = tenant.step_sync(&job, 1_000).await.expect("a call").expect("a step");
        match stepped.progress.phase {
            Phase::Done => break stepped.progress,
            Phase::Waiting | Phase::Cancelled => panic!("it does not go on: {:?}", stepped.progress),
            _ => {}
        }
    };
    let whole = began.elapsed();
    let memory = *platform.memory.lock().expect("nobody panics with it");
    let plugin = whole.saturating_sub(platform.outside.take());
    Measured { progress, calls: platform.calls.load(Ordering::Relaxed), plugin, memory, whole }
}

#[expect(clippy::cast_precision_loss, reason = "figures for people")]
fn tell(name: &str, members: usize, bound: usize, measured: &Measured) {
    let Measured { calls, plugin, memory, whole, .. } = measured;
    println!(
        "{name:10} {members:9} {calls:7} {bound:7} {:6.3} {:10.2} {:10.1} {:11.1} {:8.1}",
        *calls as f64 / bound as f64,
        plugin.as_secs_f64(),
        plugin.as_secs_f64() * 1e6 / members as f64,
        *memory as f64 / f64::from(1 << 20),
        whole.as_secs_f64()
    );
}

/// How many members each group has in the end.
fn group_sizes(members: usize) -> Vec<usize> {
    let mut sizes = vec![0; members.div_ceil(MEMBERS_PER_GROUP) * 2];
    for number in 0..members {
        let hall = number / MEMBERS_PER_GROUP * 2;
        sizes[hall] += 1;
        sizes[hall + 1] += usize::from(number % 3 == 0);
    }
    sizes
}

/// A gym of halls with a group for everybody and one for every third member.
fn platform(members: usize) -> (Arc<Platform>, Vec<Mapping>) {
    let sim = Simulator::new(Seed { start_time: Some(START), ..Seed::default() }).expect("a simulator");
    sim.set_knobs(Knobs { rate_limit: false, ..Knobs::default() });
    let directory = MemoryDirectory::new();
    let (mut plans, mut mapping) = (Vec::new(), Vec::new());
    for hall in 0..members.div_ceil(MEMBERS_PER_GROUP) {
        let gym = sim.add_group(&format!("Gym {hall}")).to_string();
        let spa = sim.add_group(&format!("Spa {hall}")).to_string();
        for (kind, groups) in [("basic", vec![gym.clone()]), ("gold", vec![gym, spa])] {
            let plan = format!("{kind}-{hall}");
            plans.push(Plan { id: plan.clone(), name: plan.clone() });
            let entry = |group| Mapping { plan: plan.clone(), group, location: None };
            mapping.extend(groups.into_iter().map(entry));
        }
    }
    directory.set_plans(plans);
    for number in 0..members {
        let kind = if number % 3 == 0 { "gold" } else { "basic" };
        let membership = Membership {
            id: format!("ms-{number}"),
            plan: format!("{kind}-{}", number / MEMBERS_PER_GROUP),
            location: None,
            status: MembershipStatus::Active,
            starts_at: None,
            ends_at: None,
            payment: Payment::Paid,
            frozen_until: None,
        };
        directory.insert(Member {
            id: format!("m-{number:06}"),
            name: format!("Member {number}"),
            email: Some(format!("m-{number:06}@gym.test")),
            status: MemberStatus::Active,
            memberships: vec![membership],
        });
    }
    let platform = Platform {
        directory,
        storage: MemoryStorage::with_total_bytes_max(1 << 30),
        sim,
        outside: Outside::default(),
        calls: AtomicU64::new(0),
        memory: Mutex::new(0),
    };
    (Arc::new(platform), mapping)
}
