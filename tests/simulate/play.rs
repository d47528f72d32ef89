//! Plays a history: gyms on the real component in the real host, one simulated Kisi, virtual time. Then everything
//! settles, and the judge checks it.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use door_access_testkit::{DAY, Effect, HOUR, NO_DEVICE, phone};
use kisi_sim::{Simulator, format_timestamp};

use super::gym::{Ended, Gym};
use super::history::{History, Step, What, kisi};
use super::trace;

/// The origin of all requests, which a trace leaves out.
const KISI: &str = "https://api.kisi.io:443";

pub(crate) const AT_REST: &str = "at rest";

/// The result of a history.
#[derive(Debug, Clone, Default)]
pub(crate) struct Played {
    pub(crate) violations: Vec<String>,
    /// A hash of all requests, answers and stored entries.
    pub(crate) digest: u64,
    pub(crate) calls: u64,
    pub(crate) requests: u64,
    pub(crate) events: u64,
    pub(crate) injected: BTreeMap<Effect, u64>,
    /// What people, platforms and clocks did wrong.
    pub(crate) trouble: BTreeMap<&'static str, u64>,
    /// Everything that happened, if it was to be traced.
    pub(crate) trace: Vec<String>,
}

/// Plays a history to its end.
pub(crate) async fn play(history: &History, traced: bool) -> Played {
    let sim = Simulator::new(kisi(history.gyms.len())).expect("a simulator");
    sim.set_knobs(history.knobs.clone());
    let mut world =
        Simulation { sim: sim.clone(), gyms: Vec::new(), trace: Vec::new(), trouble: BTreeMap::new() };
    for (number, gym) in history.gyms.iter().enumerate() {
        world.gyms.push(Gym::open(&sim, number, gym));
    }
    for number in 0..world.gyms.len() {
        world.trace.push(trace::moment(&world.now(), number, "connects"));
        let gym = &mut world.gyms[number];
        gym.connect(&sim).await;
        gym.map(&sim, 0).await;
        world.note(number);
    }
    for (number, step) in history.steps.iter().enumerate() {
        world.trace.push(trace::step(number, &world.now(), step));
        if let Some(trouble) = step.what.trouble() {
            *world.trouble.entry(trouble).or_default() += 1;
        }
        world.step(step).await;
        world.note(step.gym);
        if world.is_wrong() {
            break;
        }
    }
    if !world.is_wrong() {
        for number in 0..world.gyms.len() {
            world.trace.push(trace::moment(&world.now(), number, "settles, and days pass"));
            world.settle(number, history.last_events, &history.order).await;
            world.note(number);
        }
    }
    world.end(traced)
}

struct Simulation {
    sim: Simulator,
    gyms: Vec<Gym>,
    trace: Vec<String>,
    trouble: BTreeMap<&'static str, u64>,
}

impl Simulation {
    fn is_wrong(&self) -> bool {
        self.gyms.iter().any(|gym| !gym.watch.state().violations.is_empty())
    }

    fn now(&self) -> String {
        format_timestamp(self.sim.now_ms())
    }

    /// Moves what a gym asked of Kisi into the trace.
    fn note(&mut self, gym: usize) {
        let calls = self.gyms[gym].watch.take_calls();
        self.trace.extend(calls.iter().map(|call| format!("       {}", call.replacen(KISI, "", 1))));
    }

    fn end(self, traced: bool) -> Played {
        let mut played = Played { trouble: self.trouble, ..Played::default() };
        let mut hasher = DefaultHasher::new();
        self.trace.hash(&mut hasher);
        for gym in &self.gyms {
            let mut state = gym.watch.state();
            for entry in gym.world.storage.entries() {
                (&entry.key, &entry.value, entry.version).hash(&mut hasher);
                let text = format!("{} {}", entry.key, String::from_utf8_lossy(&entry.value));
                if gym.secrets.iter().any(|secret| text.contains(secret.as_str())) {
                    state.violations.push("secret: a key is in storage".to_string());
                }
            }
            let name = |violation: &String| format!("gym {}: {violation}", gym.number);
            played.violations.extend(state.violations.iter().map(name));
            for (effect, count) in gym.world.boundary.injected() {
                *played.injected.entry(effect).or_default() += count;
            }
            played.calls += gym.calls;
            played.events += gym.events;
            played.requests += gym.world.boundary.requests();
        }
        played.violations.hash(&mut hasher);
        played.digest = hasher.finish();
        if traced {
            played.trace = self.trace;
        }
        played
    }

    fn pass(&self, ms: u64) {
        self.sim.advance(Duration::from_millis(ms));
        for gym in &self.gyms {
            gym.set_clock(&self.sim);
        }
    }

    async fn step(&mut self, step: &Step) {
        let sim = self.sim.clone();
        let number = step.gym.min(self.gyms.len() - 1);
        let gym = &mut self.gyms[number];
        gym.world.boundary.plan(&step.faults);
        match &step.what {
            What::Pass { minutes } => self.pass(minutes * 60_000),
            What::Skew { minutes } => {
                gym.skew_ms = minutes * 60_000;
                gym.set_clock(&sim);
            }
            What::Storm { requests, status } => gym.world.boundary.storm(*requests, *status),
            What::Staff(staff) => gym.staff(&sim, staff),
            What::Map { mapping } => gym.map(&sim, *mapping).await,
            What::Deliver { nth, again } => gym.deliver_next(*nth, *again).await,
            What::Replay { who } => {
                let member = gym.id(*who);
                gym.deliver(&member).await;
            }
            What::Lose { nth } => {
                if !gym.queue.is_empty() {
                    gym.queue.remove(nth % gym.queue.len());
                }
            }
            What::Tick { calls } => {
                gym.tick(*calls).await;
            }
            What::Sync { preview, calls, steps } => gym.sync(&sim, *preview, *calls, *steps).await,
            What::Confirm => gym.confirm().await,
            What::Cancel => {
                if let Some(job) = gym.job.take() {
                    let ended = gym.world.tenant().cancel_sync(&job).await;
                    gym.ended(ended);
                    gym.watch.state().taken = None;
                }
            }
            What::Connect => gym.connect_once(&sim).await,
            What::Alone { days } => {
                gym.alone(&sim, *days).await;
                self.pass(0);
            }
            What::Vanish { keep } => gym.vanish(*keep),
            What::Return => gym.come_back(),
            What::Readdress => gym.readdress(&sim),
            What::Damage { who } => gym.damage(&sim, *who).await,
            What::Explain { who, verify } => {
                let ended = gym.world.tenant().explain(&gym.id(*who), NO_DEVICE, *verify).await;
                gym.ended(ended);
            }
            What::Login { who } => {
                let ended = gym.world.tenant().issue_login(&gym.id(*who), &phone()).await;
                gym.ended(ended);
            }
            What::Unlock { who } => {
                let doors = gym.world.tenant().list_doors(&gym.id(*who)).await;
                if let Ended::Done(doors) = gym.ended(doors)
                    && let Some(door) = doors.first()
                {
                    let ended = gym.world.tenant().unlock(&gym.id(*who), &door.id).await;
                    gym.ended(ended);
                }
            }
            _ => gym.platform(&step.what, sim.now_ms()),
        }
        self.gyms[number].world.boundary.plan(&[]);
    }

    /// The faults end, and the world comes to rest. Then everything must be as the rules say, and no call may cost a
    /// request.
    async fn settle(&mut self, number: usize, last_events: bool, order: &[usize]) {
        let sim = self.sim.clone();
        {
            let gym = &mut self.gyms[number];
            gym.world.boundary.plan(&[]);
            gym.world.boundary.storm(0, 0);
            gym.watch.state().taken = None;
            gym.come_back();
            gym.skew_ms = 0;
            gym.set_clock(&sim);
        }
        self.pass(60_000);
        let gym = &mut self.gyms[number];
        gym.connect(&sim).await;
        if last_events {
            for who in order {
                let member = gym.id(*who);
                gym.until_done(&sim, &member).await;
            }
            // Only a sync finds what staff did.
            if !gym.staff_acted {
                gym.judge(&sim, "after the last events");
            }
        }
        // The first days may finish earlier work, or learn how Kisi behaves. The world is at rest after two days
        // without an edit that cost the same.
        let mut calm = None;
        for _ in 0..60 {
            self.pass(DAY + HOUR);
            self.note(number);
            let gym = &mut self.gyms[number];
            gym.day(&sim).await;
            let calls = gym.watch.state().calls.clone();
            if gym.violations() || calm.as_ref() == Some(&calls) {
                break;
            }
            if calls.iter().all(|call| call.starts_with("GET")) {
                calm = Some(calls);
            }
        }
        let gym = &mut self.gyms[number];
        if gym.violations() {
            return;
        }
        let calls = gym.watch.take_calls();
        let has_edits = calls.iter().any(|call| !call.starts_with("GET"));
        // Leases that began on different days are renewed on different days: there may be none without an edit.
        if has_edits && gym.watch.state().case.lease_ms == 0 {
            gym.wrong(format!("rest: edits day after day: {calls:?}"));
            return;
        }
        gym.judge(&sim, AT_REST);
        if !gym.violations() {
            gym.explains_truly(&sim).await;
        }
        if !gym.violations() && !has_edits {
            gym.costs_nothing(&sim, &calls).await;
        }
    }
}
