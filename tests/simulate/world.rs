//! Plays a history: gyms on the real component in the real host, one simulated Kisi, virtual time. Then everything
//! settles, and the judge looks.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use host_harness::contract::access::Device;
use host_harness::contract::doors::Phone;
use host_harness::contract::events::{Event, EventKind};
use host_harness::contract::mappings::Mapping;
use host_harness::contract::sync::Phase;
use host_harness::contract::types::{Demand, InputError, Member, MemberStatus, Plan};
use host_harness::{ApprovedOrigin, CallError, Pace, Plugin, Secret, Tenant, VirtualClock};
use kisi_sim::{Hand, RoleAssignment, Simulator};

use crate::history::{EMAILS, Effect, GROUPS, History, MAPPINGS, PLANS, Step, What, kisi};
use crate::judge::{Case, DAY, HOUR};
use crate::seams::Seams;

/// 2026-12-01T08:00:00Z.
const START: u64 = 1_796_112_000_000;
/// How often a host tries again before somebody has to look: far more than any history needs.
const TRIES_MAX: usize = 60;
/// How much of the grants a reconciliation may take without being confirmed.
pub(crate) const BRAKE_GRANTS: usize = 2;
pub(crate) const BRAKE_PERCENT: usize = 20;
pub(crate) const AT_REST: &str = "at rest";

/// What came of a history.
#[derive(Debug, Clone, Default)]
pub(crate) struct Played {
    pub(crate) violations: Vec<String>,
    /// A number that differs when anything that was asked, stored or answered does.
    pub(crate) digest: u64,
    pub(crate) calls: u64,
    pub(crate) requests: u64,
    pub(crate) events: u64,
    pub(crate) injected: BTreeMap<Effect, u64>,
    /// Everything that happened, when that was asked for.
    pub(crate) trace: Vec<String>,
}

/// How a call ended, for a host.
pub(crate) enum Ended<T> {
    Done(T),
    Retry(u64),
    Paused,
    Refused(String),
    Killed,
}

pub(crate) struct Gym {
    number: usize,
    pub(super) seams: Arc<Seams>,
    clock: Arc<VirtualClock>,
    pub(super) tenant: Tenant,
    plugin: Plugin,
    settings: String,
    skew_ms: i64,
    pub(super) owner: u64,
    pub(super) key: String,
    /// Groups by their place in `GROUPS`.
    pub(super) groups: Vec<u64>,
    /// Members about whom an event waits.
    queue: Vec<String>,
    pub(super) paused: bool,
    pub(super) job: Option<String>,
    /// Members who changed since the job began: what they lose is theirs to lose.
    pub(super) changed: BTreeSet<String>,
    pub(super) bound: usize,
    /// How many grants the job said would go when it waited.
    pub(super) announced: usize,
    /// Whether somebody has confirmed what waited.
    pub(super) is_confirmed: bool,
    /// How many grants ticks took since everybody was compared, and how many of them a reconciliation might.
    pub(super) taken_by_ticks: usize,
    pub(super) most_by_sync: usize,
    /// Who was blocked when the job began, as long as nothing went wrong in it.
    pub(super) blocked_first: Option<BTreeSet<String>>,
    /// Who was in which group when the job began.
    pub(super) at_start: Vec<RoleAssignment>,
    /// Who was in which group then.
    pub(super) held_at_start: BTreeSet<(String, u64)>,
    /// Whether the directory was empty when the job began: that is believed by nobody.
    pub(super) is_doubtful: bool,
    pub(super) memberships: usize,
    /// Members whom the platform does not show for now.
    pub(super) vanished: Vec<Member>,
    calls: u64,
    events: u64,
    pub(super) staff_acted: bool,
    pub(super) secrets: Vec<String>,
}

/// Plays a history to its end.
pub(crate) async fn play(plugin: &Plugin, history: &History, traced: bool) -> Played {
    let sim = Simulator::new(kisi(history.gyms.len())).expect("a simulator");
    sim.set_knobs(history.knobs.clone());
    let mut world = World { sim: sim.clone(), gyms: Vec::new(), trace: Vec::new() };
    for (number, gym) in history.gyms.iter().enumerate() {
        world.gyms.push(Gym::open(plugin, &sim, number, gym));
    }
    for number in 0..world.gyms.len() {
        let gym = &mut world.gyms[number];
        gym.connect(&sim).await;
        gym.map(&sim, 0).await;
    }
    for (number, step) in history.steps.iter().enumerate() {
        world.trace.push(format!("-- {number}: {step:?}"));
        world.step(step).await;
        world.note(step.gym);
        if world.is_wrong() {
            break;
        }
    }
    if !world.is_wrong() {
        for number in 0..world.gyms.len() {
            world.trace.push(format!("-- gym {number} settles"));
            world.settle(number, history.last_events).await;
            world.note(number);
        }
    }
    world.end(traced)
}

struct World {
    sim: Simulator,
    gyms: Vec<Gym>,
    trace: Vec<String>,
}

impl World {
    fn is_wrong(&self) -> bool {
        self.gyms.iter().any(|gym| !gym.seams.state().violations.is_empty())
    }

    /// Moves what a gym asked of Kisi into the trace.
    fn note(&mut self, gym: usize) {
        self.trace.extend(self.gyms[gym].seams.take_calls());
    }

    fn end(self, traced: bool) -> Played {
        let mut played = Played::default();
        let mut hasher = DefaultHasher::new();
        self.trace.hash(&mut hasher);
        for gym in &self.gyms {
            let mut state = gym.seams.state();
            for entry in gym.seams.storage.entries() {
                (&entry.key, &entry.value, entry.version).hash(&mut hasher);
                let text = format!("{} {}", entry.key, String::from_utf8_lossy(&entry.value));
                if gym.secrets.iter().any(|secret| text.contains(secret.as_str())) {
                    state.violations.push("secret: a key is in storage".to_string());
                }
            }
            let name = |violation: &String| format!("gym {}: {violation}", gym.number);
            played.violations.extend(state.violations.iter().map(name));
            for (effect, count) in &state.injected {
                *played.injected.entry(*effect).or_default() += count;
            }
            played.calls += gym.calls;
            played.events += gym.events;
            played.requests += state.requests_ever;
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
        gym.seams.plan(&step.faults);
        match &step.what {
            What::Pass { minutes } => self.pass(minutes * 60_000),
            What::Skew { minutes } => {
                gym.skew_ms = minutes * 60_000;
                gym.set_clock(&sim);
            }
            What::Storm { requests, status } => gym.seams.state().storm = (*requests, *status),
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
                    let ended = gym.tenant.cancel_sync(&job).await;
                    gym.ended(ended);
                    gym.seams.state().taken = None;
                }
            }
            What::Connect => gym.connect_once(&sim).await,
            What::Alone { days } => {
                gym.alone(&sim, *days).await;
                self.pass(0);
            }
            What::Vanish { keep } => gym.vanish(*keep),
            What::Return => gym.come_back(),
            What::Damage { who } => gym.damage(&sim, *who).await,
            What::Explain { who, verify } => {
                let device = Device { bluetooth: None, location: None, signed_in: None };
                let ended = gym.tenant.explain(&gym.id(*who), device, *verify).await;
                gym.ended(ended);
            }
            What::Login { who } => {
                let phone = Phone { brand: "A".to_string(), model: "B".to_string(), system: "C".to_string() };
                let ended = gym.tenant.issue_login(&gym.id(*who), &phone).await;
                gym.ended(ended);
            }
            What::Unlock { who } => {
                let doors = gym.tenant.list_doors(&gym.id(*who)).await;
                if let Ended::Done(doors) = gym.ended(doors)
                    && let Some(door) = doors.first()
                {
                    let ended = gym.tenant.unlock(&gym.id(*who), &door.id).await;
                    gym.ended(ended);
                }
            }
            _ => gym.platform(&step.what, sim.now_ms()),
        }
        self.gyms[number].seams.plan(&[]);
    }

    /// Faults end, and the world comes to rest; then everything must be as the rules say, and nothing may cost a call.
    async fn settle(&mut self, number: usize, last_events: bool) {
        let sim = self.sim.clone();
        {
            let gym = &mut self.gyms[number];
            gym.seams.plan(&[]);
            gym.seams.state().storm = (0, 0);
            gym.seams.state().taken = None;
            gym.come_back();
            gym.skew_ms = 0;
            gym.set_clock(&sim);
        }
        self.pass(60_000);
        let gym = &mut self.gyms[number];
        gym.connect(&sim).await;
        if last_events {
            for who in 0..EMAILS.max(crate::history::MEMBERS) {
                let member = gym.id(who);
                gym.until_done(&sim, &member).await;
            }
            // What staff did and nobody told is found by a reconciliation alone.
            if !gym.staff_acted {
                gym.judge(&sim, "after the last events");
            }
        }
        // The first days may finish what was begun before, or find out what later ones know: two days without an
        // edit that cost the same are the end.
        let mut calm = None;
        for _ in 0..60 {
            self.pass(DAY + HOUR);
            self.note(number);
            let gym = &mut self.gyms[number];
            gym.day(&sim).await;
            let calls = gym.seams.state().calls.clone();
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
        let calls = gym.seams.take_calls();
        let has_edits = calls.iter().any(|call| !call.starts_with("GET"));
        // Leases that began on different days are renewed on different days: there may be none without an edit.
        if has_edits && gym.seams.state().case.lease_ms == 0 {
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

impl Gym {
    fn open(plugin: &Plugin, sim: &Simulator, number: usize, gym: &crate::history::Gym) -> Gym {
        let state = sim.state();
        let organization = state.organizations[number].id;
        let key = sim.keys().into_iter().find(|key| key.organization_id == organization).expect("a key");
        let groups = GROUPS
            .iter()
            .filter_map(|name| {
                let of_gym =
                    |group: &&kisi_sim::Group| group.organization_id == organization && group.name == *name;
                state.groups.iter().find(of_gym).map(|group| group.id)
            })
            .collect();
        let case = Case {
            organization,
            grace_ms: gym.grace_days * DAY,
            lease_ms: gym.lease_days * DAY,
            administrators: BTreeSet::from([key.user_id]),
            ..Case::default()
        };
        let seams = Seams::new(sim.clone(), case);
        let plan = |id: &&str| Plan { id: (*id).to_string(), name: (*id).to_string() };
        seams.directory.set_plans(PLANS.iter().map(plan).collect());
        let clock = Arc::new(VirtualClock::new(START));
        let settings = format!(
            r#"{{"integration":{{"identifier":"Gym","contact":"doors@gym.test"}},"grace_days":{},"lease_days":{},
                "brake":{{"grants":{BRAKE_GRANTS},"percent":{BRAKE_PERCENT}}}}}"#,
            gym.grace_days, gym.lease_days
        );
        let tenant = tenant(plugin, number, &seams, &clock, &key.secret);
        let mut opened = Gym {
            number,
            seams,
            clock,
            tenant,
            plugin: plugin.clone(),
            settings,
            skew_ms: 0,
            owner: key.user_id,
            secrets: vec![key.secret.clone()],
            key: key.secret,
            groups,
            queue: Vec::new(),
            paused: false,
            job: None,
            changed: BTreeSet::new(),
            bound: 0,
            announced: 0,
            is_confirmed: false,
            taken_by_ticks: 0,
            most_by_sync: 0,
            blocked_first: None,
            at_start: Vec::new(),
            held_at_start: BTreeSet::new(),
            is_doubtful: false,
            memberships: 0,
            vanished: Vec::new(),
            calls: 0,
            events: 0,
            staff_acted: false,
        };
        for who in 0..gym.members {
            let member = Member {
                id: opened.id(who),
                name: format!("Person {who}"),
                email: Some(opened.email(who)),
                status: MemberStatus::Active,
                memberships: Vec::new(),
            };
            opened.seams.directory.insert(member);
            opened.changes(who);
        }
        opened.queue.clear();
        opened
    }

    pub(super) fn id(&self, who: usize) -> String {
        format!("member-{}-{who}", self.number)
    }

    pub(super) fn email(&self, number: usize) -> String {
        format!("person{number}@gym{}.test", self.number)
    }

    pub(super) fn set_clock(&self, sim: &Simulator) {
        self.clock.set(sim.now_ms().saturating_add_signed(self.skew_ms));
        self.seams.state().clock_is_right = self.skew_ms == 0;
    }

    /// Whether the host works and its clock is right.
    pub(super) fn is_left_in_order(&self) -> bool {
        !self.paused && self.skew_ms == 0
    }

    pub(super) fn wrong(&self, violation: String) {
        self.seams.state().violations.push(violation);
    }

    fn violations(&self) -> bool {
        !self.seams.state().violations.is_empty()
    }

    /// What a platform does about the end of a call.
    pub(super) fn ended<T>(
        &mut self,
        ended: Result<Result<T, impl Into<InputError>>, CallError>,
    ) -> Ended<T> {
        self.calls += 1;
        self.seams.state().missing.clear();
        let error = match ended {
            Ok(Ok(answer)) => return Ended::Done(answer),
            Ok(Err(error)) => error.into(),
            Err(CallError::Aborted(_)) => return Ended::Killed,
            Err(error) => {
                self.wrong(format!("call: {error}"));
                return Ended::Killed;
            }
        };
        match error {
            InputError::Wrong(problems) => {
                let told = problems.iter().map(|problem| format!("{}: {}", problem.path, problem.message));
                Ended::Refused(told.collect::<Vec<_>>().join("; "))
            }
            InputError::Failed(error) => {
                if error.message.trim().is_empty() {
                    self.wrong(format!("honest: an error without words: {error:?}"));
                }
                match error.demand {
                    Demand::Retry(after_ms) => Ended::Retry(after_ms),
                    Demand::Pause(_) => {
                        self.paused = true;
                        Ended::Paused
                    }
                    Demand::Reject => Ended::Refused(error.message),
                }
            }
        }
    }

    /// A change of a member on the platform: an event waits from now on.
    pub(super) fn changes(&mut self, who: usize) {
        let id = self.id(who);
        if let Some(member) = self.seams.directory.members().into_iter().find(|member| member.id == id) {
            self.seams.state().case.note(&member);
        }
        self.changed.insert(id.clone());
        self.queue.push(id);
    }

    async fn connect_once(&mut self, sim: &Simulator) {
        // The host has been given the key that works now, and is a new process.
        self.tenant = tenant(&self.plugin, self.number, &self.seams, &self.clock, &self.key);
        self.set_clock(sim);
        let ended = self.tenant.connect(&self.settings).await;
        if let Ended::Done(_) = self.ended(ended) {
            self.paused = false;
        }
    }

    async fn connect(&mut self, sim: &Simulator) {
        for _ in 0..TRIES_MAX {
            self.tenant = tenant(&self.plugin, self.number, &self.seams, &self.clock, &self.key);
            let ended = self.tenant.connect(&self.settings).await;
            match self.ended(ended) {
                Ended::Done(_) => {
                    self.paused = false;
                    return;
                }
                Ended::Retry(after_ms) => self.wait(sim, after_ms),
                // Without any group there is nothing to connect to: staff makes one.
                Ended::Refused(why) if why.contains("no group") => {
                    let organization_id = Some(self.seams.state().case.organization);
                    let lock_ids = Vec::new();
                    let hand =
                        Hand::AddGroup { name: "New".to_string(), organization_id, place_id: None, lock_ids };
                    sim.hand(hand).expect("a group");
                }
                Ended::Refused(why) => return self.wrong(format!("connect: refused: {why}")),
                Ended::Paused | Ended::Killed => {}
            }
        }
        self.wrong("connect: the installation cannot be connected".to_string());
    }

    pub(super) fn wait(&self, sim: &Simulator, ms: u64) {
        sim.advance(Duration::from_millis(ms.max(1)));
        self.set_clock(sim);
    }

    async fn map(&mut self, sim: &Simulator, mapping: usize) {
        let state = sim.state();
        let entries: Vec<Mapping> = MAPPINGS[mapping]
            .iter()
            .filter_map(|(plan, group)| {
                let place = GROUPS.iter().position(|name| name == group)?;
                let id = self.groups[place];
                // A form offers what is there.
                let is_there = state.groups.iter().any(|group| group.id == id);
                let entry = Mapping { plan: (*plan).to_string(), group: id.to_string(), location: None };
                is_there.then_some(entry)
            })
            .collect();
        for _ in 0..TRIES_MAX {
            let ended = self.tenant.replace_mappings(&entries).await;
            match self.ended(ended) {
                Ended::Done(_) => {
                    let group = |entry: &Mapping| entry.group.parse().unwrap_or_default();
                    let pairs = entries.iter().map(|entry| (entry.plan.clone(), group(entry)));
                    let mut state = self.seams.state();
                    state.case.mapping_ever.extend(pairs.clone());
                    state.case.mapping = pairs.collect();
                    drop(state);
                    let everybody = self.seams.directory.members().into_iter().map(|member| member.id);
                    self.changed.extend(everybody);
                    return;
                }
                Ended::Retry(after_ms) => self.wait(sim, after_ms),
                Ended::Killed => self.seams.plan(&[]),
                // It may hold already: whoever entered it connects and saves it again.
                Ended::Paused => {
                    self.seams.plan(&[]);
                    self.connect(sim).await;
                }
                // A group of the form was deleted, and the groups were not read since.
                Ended::Refused(_) => return,
            }
        }
        self.wrong("map: the mapping cannot be replaced".to_string());
    }

    async fn deliver_next(&mut self, nth: usize, again: bool) {
        if self.queue.is_empty() || self.paused {
            return;
        }
        let place = nth % self.queue.len();
        let member = self.queue[place].clone();
        let ended = self.deliver(&member).await;
        // The host keeps what is not done, and what it does not know to be.
        if !again && matches!(ended, Ended::Done(_) | Ended::Refused(_)) {
            self.queue.retain(|waiting| *waiting != member);
        }
    }

    async fn deliver(&mut self, id: &str) -> Ended<()> {
        self.events += 1;
        let event = Event {
            id: format!("e-{}", self.events),
            kind: EventKind::Other("something".to_string()),
            member: id.to_string(),
            occurred_at: self.clock_ms(),
        };
        let before = self.seams.state().requests_ever;
        // What an event takes is no reconciliation's doing.
        let taken = self.seams.state().taken.take();
        let handled = self.tenant.handle(&event).await;
        self.seams.state().taken = taken;
        let ended = match handled {
            Ok(Ok(outcomes)) => {
                for outcome in &outcomes {
                    let texts = outcome
                        .changes
                        .iter()
                        .map(|change| &change.explanation)
                        .chain(outcome.refusals.iter().map(|refusal| &refusal.explanation))
                        .chain(outcome.warnings.iter().map(|warning| &warning.explanation));
                    if texts.into_iter().any(|text| text.trim().is_empty()) {
                        self.wrong(format!("honest: no reason in {outcome:?}"));
                    }
                }
                Ok(Ok(()))
            }
            Ok(Err(unfinished)) => Ok(Err(unfinished.error)),
            Err(error) => Err(error),
        };
        let ended = self.ended(ended);
        if matches!(ended, Ended::Done(())) {
            let requests = self.seams.state().requests_ever - before;
            self.is_out(id, requests);
        }
        ended
    }

    /// A blocked member whose event was handled is out, and it took few requests.
    fn is_out(&self, id: &str, requests: u64) {
        let kisi = self.seams.sim.state();
        let members = self.seams.directory.members();
        let Some(member) = members.iter().find(|member| member.id == id) else { return };
        let mut state = self.seams.state();
        let still_open = state.case.still_open(member, &kisi);
        state.violations.extend(still_open.into_iter().map(|open| format!("block: {open}")));
        if member.status == MemberStatus::Blocked && requests > 60 {
            state.violations.push(format!("block: {requests} requests"));
        }
    }

    pub(super) fn clock_ms(&self) -> u64 {
        host_harness::Clock::now_ms(self.clock.as_ref())
    }

    pub(super) async fn until_done(&mut self, sim: &Simulator, member: &str) {
        for _ in 0..TRIES_MAX {
            match self.deliver(member).await {
                Ended::Done(()) => return,
                Ended::Retry(after_ms) => self.wait(sim, after_ms),
                Ended::Killed => {}
                Ended::Paused => {
                    return self.wrong(format!("event: {member} pauses the gym though all is well"));
                }
                Ended::Refused(why) => return self.wrong(format!("event: {member} is refused: {why}")),
            }
        }
        self.wrong(format!("event: {member} does not settle"));
    }

    pub(super) async fn tick(&mut self, calls: u32) -> Option<(u64, Option<String>)> {
        if self.paused {
            return None;
        }
        let before = self.seams.sim.state();
        let ended = self.tenant.tick(calls).await;
        self.takes_few(&before);
        match self.ended(ended) {
            Ended::Done(ticked) => {
                let phase = ticked.sync.as_ref().map(|sync| sync.phase);
                if matches!(phase, Some(Phase::Waiting | Phase::Done | Phase::Cancelled)) {
                    self.is_confirmed = false;
                }
                if matches!(phase, Some(Phase::Done | Phase::Cancelled)) {
                    (self.taken_by_ticks, self.most_by_sync) = (0, 0);
                }
                let waiting = ticked.sync.filter(|sync| sync.phase == Phase::Waiting);
                Some((ticked.next, waiting.map(|sync| sync.job)))
            }
            Ended::Retry(after_ms) => Some((self.clock_ms() + after_ms.max(1), None)),
            _ => None,
        }
    }

    /// All that a day asks for, confirmed where somebody must.
    async fn day(&mut self, sim: &Simulator) {
        for _ in 0..TRIES_MAX * 4 {
            let Some((next, waits)) = self.tick(1_000).await else {
                return self.wrong("tick: it fails though all is well".to_string());
            };
            if let Some(job) = waits {
                let ended = self.tenant.confirm_sync(&job).await;
                self.is_confirmed |= matches!(self.ended(ended), Ended::Done(()));
                continue;
            }
            if next > self.clock_ms() + HOUR {
                return;
            }
            if next > self.clock_ms() {
                self.wait(sim, next - self.clock_ms());
            }
        }
        self.wrong("tick: a day does not end".to_string());
    }
}

fn tenant(
    plugin: &Plugin,
    number: usize,
    seams: &Arc<Seams>,
    clock: &Arc<VirtualClock>,
    key: &str,
) -> Tenant {
    Tenant::builder(plugin.clone(), format!("gym-{number}"))
        .directory(seams.clone())
        .storage(seams.clone())
        .credential(Secret::new(key).expect("a key"))
        .transport(seams.clone())
        .approve(ApprovedOrigin::direct("https://api.kisi.io".parse().expect("an origin")))
        .pace(Arc::new(Pace::unlimited()))
        .clock(clock.clone())
        .build()
        .expect("a tenant")
}
