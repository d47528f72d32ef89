//! A gym, its platform and its Kisi, and how a test sets them up.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use door_access_host::contract::mappings::Mapping;
use door_access_host::contract::types::{Member, Plan};
use door_access_host::{
    ApprovedOrigin, Clock, MemoryDirectory, MemoryStorage, Observer, Pace, Recorder, Secret, Tenant,
    TenantBuilder, VirtualClock,
};
use kisi_sim::{Knobs, Seed, Simulator};
use tokio::runtime::Runtime;

use crate::boundary::Boundary;
use crate::component::plugin;
use crate::members::{MAPPING, SETTINGS, START};

thread_local! {
    /// One runtime per thread is enough: everything is in memory, so a future needs no other thread.
    static RUNTIME: Runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
}

/// A gym, its platform and its Kisi.
pub struct World {
    /// Kisi.
    pub sim: Simulator,
    /// The platform's members and plans.
    pub directory: Arc<MemoryDirectory>,
    /// What the plugin stores.
    pub storage: Arc<MemoryStorage>,
    /// The platform's clock. Kisi has its own; [`World::advance`] moves both.
    pub clock: Arc<VirtualClock>,
    /// What crosses the plugin's border.
    pub boundary: Arc<Boundary>,
    key: String,
    observer: Option<Arc<dyn Observer>>,
    tenant: OnceLock<Tenant>,
}

/// Sets a world up. Everything has a default.
#[derive(Default)]
pub struct WorldBuilder<'a> {
    kisi: Option<(Simulator, u64)>,
    seed: Option<&'a str>,
    knobs: Knobs,
    groups: Vec<&'a str>,
    plans: Vec<&'a str>,
    settings: Option<&'a str>,
    mapping: &'a [(&'a str, &'a [&'a str])],
    members: Vec<Member>,
    storage_bytes_max: Option<usize>,
}

impl<'a> WorldBuilder<'a> {
    /// Uses one organization of this Kisi, which other worlds may share. `seed`, `knobs` and `groups` then have no
    /// effect.
    pub fn kisi(self, sim: &Simulator, organization: u64) -> Self {
        Self { kisi: Some((sim.clone(), organization)), ..self }
    }

    /// What Kisi holds, as TOML. The seed then has all groups: `groups` and the mapping add none.
    pub fn seed(self, seed: &'a str) -> Self {
        Self { seed: Some(seed), ..self }
    }

    /// How Kisi behaves. The rate limit is always off.
    pub fn knobs(self, knobs: Knobs) -> Self {
        Self { knobs, ..self }
    }

    /// Groups in Kisi beside those of the mapping.
    pub fn groups(self, groups: &[&'a str]) -> Self {
        Self { groups: groups.to_vec(), ..self }
    }

    /// Plans of the platform beside those of the mapping.
    pub fn plans(self, plans: &[&'a str]) -> Self {
        Self { plans: plans.to_vec(), ..self }
    }

    /// The plugin's settings.
    pub fn settings(self, settings: &'a str) -> Self {
        Self { settings: Some(settings), ..self }
    }

    /// Plans and the groups that they give, by name.
    pub fn mapping(self, mapping: &'a [(&'a str, &'a [&'a str])]) -> Self {
        Self { mapping, ..self }
    }

    /// Members of the gym.
    pub fn members(self, members: Vec<Member>) -> Self {
        Self { members, ..self }
    }

    /// The quota of storage, in bytes.
    pub fn storage_bytes_max(self, bytes: usize) -> Self {
        Self { storage_bytes_max: Some(bytes), ..self }
    }

    /// Builds a gym that was never connected.
    pub fn build(mut self) -> World {
        for (plan, groups) in self.mapping {
            self.plans.push(plan);
            self.groups.extend(*groups);
        }
        for names in [&mut self.plans, &mut self.groups] {
            names.sort_unstable();
            names.dedup();
        }
        let is_own = self.kisi.is_none();
        let (sim, key) = match self.kisi {
            Some((sim, organization)) => {
                let key = sim.keys().into_iter().find(|key| key.organization_id == organization);
                (sim, key.expect("the organization has a key").secret)
            }
            None => {
                let seed = self.seed.map_or_else(Seed::default, |seed| Seed::from_toml(seed).unwrap());
                let sim = Simulator::new(Seed { start_time: Some(START), ..seed }).unwrap();
                let key = sim.key();
                (sim, key)
            }
        };
        if is_own {
            sim.set_knobs(Knobs { rate_limit: false, ..self.knobs });
            if self.seed.is_none() {
                for group in &self.groups {
                    sim.add_group(group);
                }
            }
        }
        let directory = Arc::new(MemoryDirectory::new());
        let plan = |id: &&str| Plan { id: (*id).to_string(), name: (*id).to_string() };
        directory.set_plans(self.plans.iter().map(plan).collect());
        for member in self.members {
            directory.insert(member);
        }
        let storage =
            self.storage_bytes_max.map_or_else(MemoryStorage::new, MemoryStorage::with_total_bytes_max);
        let storage = Arc::new(storage);
        let clock = Arc::new(VirtualClock::new(START));
        let boundary = Boundary::new(&sim, clock.clone(), directory.clone(), storage.clone());
        World {
            sim,
            directory,
            storage,
            clock,
            boundary: Arc::new(boundary),
            key,
            observer: None,
            tenant: OnceLock::new(),
        }
    }

    /// Builds a gym that is connected and has its mapping. Kisi's journal is empty.
    pub fn connected(self) -> World {
        let (settings, mapping) = (self.settings.unwrap_or(SETTINGS), self.mapping);
        let world = self.build();
        world.connect(settings).unwrap();
        world.map(mapping).unwrap();
        world.sim.clear_journal();
        world
    }
}

impl World {
    /// Begins to set a world up.
    pub fn builder<'a>() -> WorldBuilder<'a> {
        WorldBuilder::default()
    }

    /// A connected gym without members.
    pub fn connected(knobs: Knobs, settings: &str, mapping: &[(&str, &[&str])]) -> World {
        World::builder().knobs(knobs).settings(settings).mapping(mapping).connected()
    }

    /// A connected gym with these members. Kisi has no account for them yet.
    pub fn gym(members: Vec<Member>) -> World {
        World::builder().mapping(MAPPING).members(members).connected()
    }

    /// A builder for a tenant of this world. A test may replace parts before it builds.
    pub fn tenant_builder(&self) -> TenantBuilder {
        let tenant = Tenant::builder(plugin(), "gym")
            .directory(self.boundary.clone())
            .storage(self.boundary.clone())
            .credential(Secret::new(self.key.clone()).unwrap())
            .transport(self.boundary.clone())
            .approve(ApprovedOrigin::direct("https://api.kisi.io".parse().unwrap()))
            .pace(Arc::new(Pace::unlimited()))
            .clock(self.clock.clone());
        match &self.observer {
            Some(observer) => tenant.observer(observer.clone()),
            None => tenant,
        }
    }

    /// The gym's installation of the component.
    pub fn tenant(&self) -> &Tenant {
        self.tenant.get_or_init(|| self.tenant_builder().build().unwrap())
    }

    /// The key that the host adds to requests.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Replaces the key. The next call makes a new tenant, as after a restart of the host.
    pub fn use_key(&mut self, key: &str) {
        self.key = key.to_string();
        self.tenant = OnceLock::new();
    }

    /// Records every call from now on, with a new tenant.
    pub fn record(&mut self) -> Arc<Recorder> {
        let recorder = Arc::new(Recorder::with_bodies(1 << 20));
        self.observer = Some(recorder.clone());
        self.tenant = OnceLock::new();
        recorder
    }

    /// Runs a future to its end on this thread.
    pub fn run<T>(&self, future: impl Future<Output = T>) -> T {
        RUNTIME.with(|runtime| runtime.block_on(future))
    }

    /// The platform's time.
    pub fn now(&self) -> u64 {
        self.clock.now_ms()
    }

    /// Advances the clocks of the platform and of Kisi.
    pub fn advance(&self, by: Duration) {
        self.clock.advance(by);
        self.sim.advance(by);
    }

    /// Advances both clocks until this moment. For an earlier moment it does nothing.
    pub fn go_to(&self, at: u64) {
        self.advance(Duration::from_millis(at.saturating_sub(self.now())));
    }

    /// Entries of a mapping, by the names of the groups in Kisi.
    pub fn entries(&self, mapping: &[(&str, &[&str])]) -> Vec<Mapping> {
        let state = self.sim.state();
        let entry = |plan: &str, group: &str| Mapping {
            plan: plan.to_string(),
            // A group that Kisi does not have gives an entry that the plugin refuses.
            group: state.group_by_name(group).map(|group| group.id.to_string()).unwrap_or_default(),
            location: None,
        };
        mapping.iter().flat_map(|(plan, groups)| groups.iter().map(|group| entry(plan, group))).collect()
    }
}
