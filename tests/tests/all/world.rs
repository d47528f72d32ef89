//! A gym, its platform and its Kisi in one process: the simulator answers the plugin's requests through the host's
//! transport seam, the clock is virtual, and a test may cut any request or commit off.
//!
//! The same world is driven in two ways: `Arm::Component` calls the real component in the real host, `Arm::Native` the
//! same code compiled for this machine, which is fast enough for thousands of histories.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use axum::body::Body;
use bytes::Bytes;
use door_access_host::contract::{events, mappings, types};
use door_access_host::{
    ApprovedOrigin, CallError, Clock, Directory, Engine, EngineConfig, MemoryDirectory, MemoryStorage,
    Outbound, Pace, Plugin, Recorder, Secret, Storage, Tenant, Transport, TransportError, VirtualClock,
};
use http_body_util::BodyExt;
use kisi_sim::{ConnectionDropped, JournalEntry, Knobs, Seed, Simulator};
use tokio::runtime::Runtime;
use tower::ServiceExt;

use crate::native::Native;

/// 2026-12-01T08:00:00Z.
pub(crate) const START: u64 = 1_796_112_000_000;
pub(crate) const DAY: u64 = 24 * 60 * 60 * 1_000;

pub(crate) const SETTINGS: &str = r#"{"integration":{"identifier":"Test Gym","contact":"doors@gym.test"}}"#;

/// Which build of the plugin is driven.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arm {
    Component,
    Native,
}

/// Where a request is cut off, as if the host had died.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cut {
    /// The request never left.
    BeforeSending(usize),
    /// Kisi did what was asked for, and nobody heard.
    AfterCommit(usize),
}

/// What came of a delivery.
pub(crate) type Delivered = Result<Vec<events::Outcome>, Failure>;

/// Why a delivery did not end well.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Failure {
    /// The plugin says what to do.
    Unfinished(types::Error),
    /// The call was cut off.
    Cut,
}

pub(crate) struct World {
    pub(crate) sim: Simulator,
    pub(crate) directory: Arc<MemoryDirectory>,
    pub(crate) storage: Arc<MemoryStorage>,
    pub(crate) clock: Arc<VirtualClock>,
    pub(crate) wire: Arc<Wire>,
    pub(crate) recorder: Arc<Recorder>,
    pub(crate) runtime: Runtime,
    arm: Arm,
    tenant: Option<Tenant>,
}

/// The transport: the simulator's router as a service.
pub(crate) struct Wire {
    sim: Simulator,
    key: Mutex<String>,
    cut: Mutex<Option<Cut>>,
    sent: Mutex<usize>,
    /// What becomes of Kisi's answers on their way.
    pub(crate) mangle: Mutex<Option<Mangle>>,
}

/// Changes an answer.
pub(crate) type Mangle = Box<dyn FnMut(http::Response<Bytes>) -> http::Response<Bytes> + Send>;

impl World {
    /// Groups `names` in Kisi and the plans `plans`; not connected yet.
    pub(crate) fn new(arm: Arm, knobs: Knobs, groups: &[&str], plans: &[&str]) -> World {
        let sim = Simulator::new(Seed { start_time: Some(START), ..Seed::default() }).unwrap();
        sim.set_knobs(Knobs { rate_limit: false, ..knobs });
        for group in groups {
            sim.add_group(group);
        }
        let directory = Arc::new(MemoryDirectory::new());
        let plan = |id: &&str| types::Plan { id: (*id).to_string(), name: (*id).to_string() };
        directory.set_plans(plans.iter().map(plan).collect());
        let wire = Arc::new(Wire {
            sim: sim.clone(),
            key: Mutex::new(sim.key()),
            cut: Mutex::new(None),
            sent: Mutex::new(0),
            mangle: Mutex::new(None),
        });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let mut world = World {
            sim,
            directory,
            storage: Arc::new(MemoryStorage::new()),
            clock: Arc::new(VirtualClock::new(START)),
            wire,
            recorder: Arc::new(Recorder::new()),
            runtime,
            arm,
            tenant: None,
        };
        if arm == Arm::Component {
            world.tenant = Some(world.tenant_with_key(&world.sim.key()));
        }
        world
    }

    /// Connected, with these settings and this mapping of plans to groups by name.
    pub(crate) fn connected(arm: Arm, knobs: Knobs, settings: &str, mapping: &[(&str, &[&str])]) -> World {
        let mut groups: Vec<&str> = mapping.iter().flat_map(|(_, groups)| groups.iter().copied()).collect();
        groups.sort_unstable();
        groups.dedup();
        let plans: Vec<&str> = mapping.iter().map(|(plan, _)| *plan).collect();
        let world = World::new(arm, knobs, &groups, &plans);
        world.connect(settings).unwrap();
        world.map(mapping).unwrap();
        world.sim.clear_journal();
        world
    }

    /// A tenant of the real component with this key, on this world's storage.
    pub(crate) fn tenant_with_key(&self, key: &str) -> Tenant {
        self.tenant_on(self.storage.clone(), key)
    }

    /// A tenant of the real component on another storage.
    pub(crate) fn tenant_on(&self, storage: Arc<impl Storage + 'static>, key: &str) -> Tenant {
        self.tenant_of(self.directory.clone(), storage, key)
    }

    /// The same with another directory.
    pub(crate) fn tenant_of(
        &self,
        directory: Arc<impl Directory + 'static>,
        storage: Arc<impl Storage + 'static>,
        key: &str,
    ) -> Tenant {
        let origin: door_access_host::Origin = "https://api.kisi.io".parse().unwrap();
        Tenant::builder(plugin(), "gym")
            .directory(directory)
            .storage(storage)
            .credential(Secret::new(key).unwrap())
            .transport(self.wire.clone())
            .approve(ApprovedOrigin::direct(origin))
            .pace(Arc::new(Pace::unlimited()))
            .clock(self.clock.clone())
            .observer(self.recorder.clone())
            .build()
            .unwrap()
    }

    /// From now on the host has this key.
    pub(crate) fn use_key(&mut self, key: &str) {
        *self.wire.key.lock().unwrap() = key.to_string();
        if self.arm == Arm::Component {
            self.tenant = Some(self.tenant_with_key(key));
        }
    }

    pub(crate) fn tenant(&self) -> &Tenant {
        self.tenant.as_ref().expect("the component's arm has a tenant")
    }

    pub(crate) fn connect(&self, settings: &str) -> Result<(), types::InputError> {
        match self.arm {
            Arm::Component => self.runtime.block_on(self.tenant().connect(settings)).unwrap().map(|_| ()),
            Arm::Native => Native::new(self).connect(settings),
        }
    }

    /// Maps plans to groups by their names in Kisi.
    pub(crate) fn map(&self, mapping: &[(&str, &[&str])]) -> Result<(), types::InputError> {
        let state = self.sim.state();
        let mut entries = Vec::new();
        for (plan, groups) in mapping {
            for group in *groups {
                let group = state.group_by_name(group).map(|group| group.id.to_string());
                let group = group.unwrap_or_default();
                entries.push(mappings::Mapping { plan: (*plan).to_string(), group, location: None });
            }
        }
        match self.arm {
            Arm::Component => {
                self.runtime.block_on(self.tenant().replace_mappings(&entries)).unwrap().map(|_| ())
            }
            Arm::Native => Native::new(self).replace_mappings(&entries),
        }
    }

    /// Delivers an event about `member` once.
    pub(crate) fn deliver(&self, member: &str) -> Delivered {
        match self.arm {
            Arm::Component => match self.runtime.block_on(self.tenant().handle(&self.event(member))) {
                Ok(answer) => answer.map_err(|unfinished| Failure::Unfinished(unfinished.error)),
                Err(CallError::Aborted(_)) => Err(Failure::Cut),
                Err(error) => panic!("the call failed: {error}"),
            },
            Arm::Native => Native::new(self).handle(member),
        }
    }

    /// An event about `member`, of no kind in particular.
    pub(crate) fn event(&self, member: &str) -> events::Event {
        events::Event {
            id: "e-1".to_string(),
            kind: events::EventKind::MemberChanged,
            member: member.to_string(),
            occurred_at: self.clock.now_ms(),
        }
    }

    /// Delivers until the plugin is done, as a host would; gives up on what only a person can settle.
    pub(crate) fn settle(&self, member: &str) -> Vec<events::Outcome> {
        for _ in 0..30 {
            match self.deliver(member) {
                Ok(outcomes) => return outcomes,
                Err(Failure::Unfinished(types::Error { demand: types::Demand::Retry(after_ms), .. })) => {
                    self.advance(Duration::from_millis(after_ms));
                }
                Err(Failure::Cut) => {}
                Err(failure) => panic!("{member}: {failure:?}"),
            }
        }
        panic!("{member} does not settle");
    }

    /// Cuts the next call off; counting starts anew.
    pub(crate) fn cut(&self, cut: Option<Cut>) {
        *self.wire.cut.lock().unwrap() = cut;
        *self.wire.sent.lock().unwrap() = 0;
    }

    pub(crate) fn advance(&self, by: Duration) {
        self.clock.advance(by);
        self.sim.advance(by);
    }

    /// What was asked of Kisi since the last call, as `METHOD path -> status`.
    pub(crate) fn calls(&self) -> Vec<String> {
        let calls = self.sim.journal().iter().map(call).collect();
        self.sim.clear_journal();
        calls
    }

    /// Group names that `email` is in, with the dates, ordered; through plain roles alone.
    pub(crate) fn groups_of(&self, email: &str) -> Vec<(String, Option<u64>, Option<u64>)> {
        let state = self.sim.state();
        let Some(user) = state.user_by_email(email) else { return Vec::new() };
        let mut groups: Vec<_> = state
            .role_assignments
            .iter()
            .filter(|row| row.assignee_id == user.id && row.role_id == "group_basic")
            .filter_map(|row| {
                let group = state.groups.iter().find(|group| group.id == row.applies_to_id)?;
                Some((group.name.clone(), row.valid_from, row.valid_until))
            })
            .collect();
        groups.sort();
        groups
    }

    /// Everything that Kisi holds of people: address, name, and groups with their dates, ordered by address.
    pub(crate) fn people(&self) -> Vec<String> {
        let state = self.sim.state();
        let mut people: Vec<String> = state
            .users
            .iter()
            .map(|user| {
                let mut rows: Vec<String> = state
                    .role_assignments_of(user.id)
                    .map(|row| {
                        let group = state.groups.iter().find(|group| group.id == row.applies_to_id);
                        let group = group.map_or("(organization)", |group| &group.name);
                        format!(
                            "{group} as {} from {:?} until {:?}",
                            row.role_id, row.valid_from, row.valid_until
                        )
                    })
                    .collect();
                rows.sort();
                format!("{} ({}): {}", user.email, user.name, rows.join("; "))
            })
            .collect();
        people.sort();
        people
    }

    /// Group names that `email` is in.
    pub(crate) fn names_of(&self, email: &str) -> Vec<String> {
        self.groups_of(email).into_iter().map(|(name, ..)| name).collect()
    }
}

impl Wire {
    /// Sends a request to the simulator, with the key, unless the test cuts it off.
    pub(crate) async fn exchange(
        &self,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<Bytes>, TransportError> {
        let number = {
            let mut sent = self.sent.lock().unwrap();
            *sent += 1;
            *sent - 1
        };
        let cut = *self.cut.lock().unwrap();
        let killed = || TransportError::Abort("the host was killed".to_string());
        if cut == Some(Cut::BeforeSending(number)) {
            return Err(killed());
        }
        let response =
            self.sim.router().oneshot(request.map(Body::from)).await.expect("a router always answers");
        if cut == Some(Cut::AfterCommit(number)) {
            return Err(killed());
        }
        if response.extensions().get::<ConnectionDropped>().is_some() {
            return Err(TransportError::ConnectionTerminated);
        }
        let (parts, body) = response.into_parts();
        let body = body.collect().await.expect("the body is in memory").to_bytes();
        let response = http::Response::from_parts(parts, body);
        Ok(match self.mangle.lock().unwrap().as_mut() {
            Some(mangle) => mangle(response),
            None => response,
        })
    }

    /// How many requests were sent since the last `cut`.
    pub(crate) fn sent(&self) -> usize {
        *self.sent.lock().unwrap()
    }

    /// The key that the host would add.
    pub(crate) fn key(&self) -> String {
        self.key.lock().unwrap().clone()
    }
}

#[async_trait]
impl Transport for Wire {
    async fn send(&self, outbound: Outbound) -> Result<http::Response<Bytes>, TransportError> {
        self.exchange(outbound.request).await
    }
}

/// The real component, compiled once for all tests.
pub(crate) fn plugin() -> Plugin {
    static PLUGIN: OnceLock<Plugin> = OnceLock::new();
    let load = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let engine = Engine::new(EngineConfig::default()).unwrap();
        let path = component_path();
        runtime.block_on(engine.load_file(&path)).unwrap_or_else(|error| {
            panic!("{error}; these tests need the component at {}: run `cargo xtask build`", path.display())
        })
    };
    PLUGIN.get_or_init(load).clone()
}

/// Where `cargo xtask build` put the component.
pub(crate) fn component_path() -> PathBuf {
    let built = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/component/kisi_plugin.wasm");
    std::env::var_os("KISI_PLUGIN_COMPONENT").map_or_else(|| built.into(), Into::into)
}

/// Where the tests keep what was compiled, under the target directory: compiling takes seconds in a test build.
pub(crate) fn compiled() -> &'static Path {
    static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled");
        DirBuilder::new().recursive(true).mode(0o700).create(&folder).unwrap();
        folder
    });
    &FOLDER
}

/// A membership that runs, paid and open-ended.
pub(crate) fn membership(id: &str, plan: &str) -> types::Membership {
    types::Membership {
        id: id.to_string(),
        plan: plan.to_string(),
        location: None,
        status: types::MembershipStatus::Active,
        starts_at: None,
        ends_at: None,
        payment: types::Payment::Paid,
        frozen_until: None,
    }
}

/// An active member called like the id, with the address `ID@gym.test`.
pub(crate) fn member(id: &str, memberships: Vec<types::Membership>) -> types::Member {
    types::Member {
        id: id.to_string(),
        name: id.to_string(),
        email: Some(format!("{id}@gym.test")),
        status: types::MemberStatus::Active,
        memberships,
    }
}

fn call(entry: &JournalEntry) -> String {
    let path =
        if entry.query.is_empty() { entry.path.clone() } else { format!("{}?{}", entry.path, entry.query) };
    let status = entry.status.map_or_else(|| "dropped".to_string(), |status| status.to_string());
    format!("{} {path} -> {status}", entry.method)
}
