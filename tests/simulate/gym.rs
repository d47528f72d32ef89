//! One gym: its installation of the plugin, and its platform, which calls the plugin and does what the answers ask for.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use door_access_host::CallError;
use door_access_host::contract::events::{Event, EventKind};
use door_access_host::contract::mappings::Mapping;
use door_access_host::contract::sync::Phase;
use door_access_host::contract::types::{Demand, InputError, Member, MemberStatus};
use door_access_testkit::{DAY, HOUR, World, member, settings};
use kisi_sim::{Hand, Simulator, Snapshot};

use super::history::{GROUPS, MAPPINGS, PLANS};
use super::judge::Case;
use super::watch::Watched;

/// How often a host tries again: far more than any history needs.
const TRIES_MAX: usize = 60;
/// How many grants a sync may remove without a confirmation.
pub(crate) const GUARD_GRANTS: usize = 2;
pub(crate) const GUARD_PERCENT: usize = 20;

/// How a call ended, for a host.
pub(crate) enum Ended<T> {
    Done(T),
    Retry(u64),
    Paused,
    Refused(String),
    Killed,
}

pub(crate) struct Gym {
    pub(crate) number: usize,
    pub(crate) world: World,
    pub(crate) watch: Arc<Watched>,
    settings: String,
    pub(crate) skew_ms: i64,
    pub(crate) owner: u64,
    pub(crate) key: String,
    /// Groups by their place in `GROUPS`.
    pub(crate) groups: Vec<u64>,
    /// Members about whom an event waits.
    pub(crate) queue: Vec<String>,
    pub(crate) paused: bool,
    pub(crate) job: Option<String>,
    /// Members who changed since the job began: their removals do not count for the guard.
    pub(crate) changed: BTreeSet<String>,
    pub(crate) bound: usize,
    /// How many grants the job said would go when it waited.
    pub(crate) announced: usize,
    /// Whether the sync that waited was confirmed.
    pub(crate) is_confirmed: bool,
    /// How many grants ticks removed since the last sync, and how many a sync among them might remove.
    pub(crate) taken_by_ticks: usize,
    pub(crate) most_by_sync: usize,
    /// Who was blocked when the job began, as long as nothing went wrong in it.
    pub(crate) blocked_first: Option<BTreeSet<String>>,
    /// What Kisi had when the job began.
    pub(crate) at_start: Snapshot,
    /// Whether the directory was empty when the job began, so that it must remove nothing.
    pub(crate) is_doubtful: bool,
    pub(crate) memberships: usize,
    /// Members whom the platform does not show for now.
    pub(crate) vanished: Vec<Member>,
    /// Members whose address changed without an event since.
    pub(crate) readdressed: BTreeSet<String>,
    pub(crate) calls: u64,
    pub(crate) events: u64,
    pub(crate) staff_acted: bool,
    pub(crate) secrets: Vec<String>,
}

impl Gym {
    pub(crate) fn open(sim: &Simulator, number: usize, gym: &super::history::Gym) -> Gym {
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
        let world = World::builder().kisi(sim, organization).plans(&PLANS).build();
        let watch = Watched::new(sim, world.directory.clone(), case);
        world.boundary.watch(watch.clone());
        let settings = settings(&format!(
            r#""grace_days":{},"lease_days":{},"brake":{{"grants":{GUARD_GRANTS},"percent":{GUARD_PERCENT}}}"#,
            gym.grace_days, gym.lease_days
        ));
        let mut opened = Gym {
            number,
            world,
            watch,
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
            at_start: state,
            is_doubtful: false,
            memberships: 0,
            vanished: Vec::new(),
            readdressed: BTreeSet::new(),
            calls: 0,
            events: 0,
            staff_acted: false,
        };
        for who in 0..gym.members {
            let member = Member {
                name: format!("Person {who}"),
                email: Some(opened.email(who)),
                ..member(&opened.id(who), Vec::new())
            };
            opened.world.directory.insert(member);
            opened.changes(who);
        }
        opened.queue.clear();
        opened
    }

    pub(crate) fn id(&self, who: usize) -> String {
        format!("member-{}-{who}", self.number)
    }

    pub(crate) fn email(&self, number: usize) -> String {
        format!("person{number}@gym{}.test", self.number)
    }

    pub(crate) fn set_clock(&self, sim: &Simulator) {
        self.world.clock.set(sim.now_ms().saturating_add_signed(self.skew_ms));
        self.watch.state().clock_is_right = self.skew_ms == 0;
    }

    /// Whether the host works and its clock is right.
    pub(crate) fn is_left_in_order(&self) -> bool {
        !self.paused && self.skew_ms == 0
    }

    pub(crate) fn wrong(&self, violation: String) {
        self.watch.state().violations.push(violation);
    }

    pub(crate) fn violations(&self) -> bool {
        !self.watch.state().violations.is_empty()
    }

    /// Handles the end of a call as a platform does.
    pub(crate) fn ended<T>(
        &mut self,
        ended: Result<Result<T, impl Into<InputError>>, CallError>,
    ) -> Ended<T> {
        self.calls += 1;
        self.watch.state().missing.clear();
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
    pub(crate) fn changes(&mut self, who: usize) {
        let id = self.id(who);
        if let Some(member) = self.world.directory.members().into_iter().find(|member| member.id == id) {
            self.watch.state().case.note(&member);
        }
        self.changed.insert(id.clone());
        self.queue.push(id);
    }

    pub(crate) async fn connect_once(&mut self, sim: &Simulator) {
        // The host has been given the key that works now, and is a new process.
        self.world.use_key(&self.key);
        self.set_clock(sim);
        let ended = self.world.tenant().connect(&self.settings).await;
        if let Ended::Done(_) = self.ended(ended) {
            self.paused = false;
        }
    }

    pub(crate) async fn connect(&mut self, sim: &Simulator) {
        for _ in 0..TRIES_MAX {
            self.world.use_key(&self.key);
            let ended = self.world.tenant().connect(&self.settings).await;
            match self.ended(ended) {
                Ended::Done(_) => {
                    self.paused = false;
                    return;
                }
                Ended::Retry(after_ms) => self.wait(sim, after_ms),
                // Without any group there is nothing to connect to: staff makes one.
                Ended::Refused(why) if why.contains("no group") => {
                    let organization_id = Some(self.watch.state().case.organization);
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

    pub(crate) fn wait(&self, sim: &Simulator, ms: u64) {
        sim.advance(Duration::from_millis(ms.max(1)));
        self.set_clock(sim);
    }

    pub(crate) async fn map(&mut self, sim: &Simulator, mapping: usize) {
        let state = sim.state();
        let entries: Vec<Mapping> = MAPPINGS[mapping]
            .iter()
            .filter_map(|(plan, group)| {
                let place = GROUPS.iter().position(|name| name == group)?;
                let id = self.groups[place];
                // The gym's form offers only groups that exist.
                let is_there = state.groups.iter().any(|group| group.id == id);
                let entry = Mapping { plan: (*plan).to_string(), group: id.to_string(), location: None };
                is_there.then_some(entry)
            })
            .collect();
        for _ in 0..TRIES_MAX {
            let ended = self.world.tenant().replace_mappings(&entries).await;
            match self.ended(ended) {
                Ended::Done(_) => {
                    let group = |entry: &Mapping| entry.group.parse().unwrap_or_default();
                    let pairs = entries.iter().map(|entry| (entry.plan.clone(), group(entry)));
                    let mut state = self.watch.state();
                    state.case.mapping_ever.extend(pairs.clone());
                    state.case.mapping = pairs.collect();
                    drop(state);
                    let all = self.world.directory.members().into_iter().map(|member| member.id);
                    self.changed.extend(all);
                    return;
                }
                Ended::Retry(after_ms) => self.wait(sim, after_ms),
                Ended::Killed => self.world.boundary.plan(&[]),
                // The mapping may be stored already: the gym connects and saves it again.
                Ended::Paused => {
                    self.world.boundary.plan(&[]);
                    self.connect(sim).await;
                }
                // A group of the form was deleted, and the groups were not read since.
                Ended::Refused(_) => return,
            }
        }
        self.wrong("map: the mapping cannot be replaced".to_string());
    }

    pub(crate) async fn deliver_next(&mut self, nth: usize, again: bool) {
        if self.queue.is_empty() || self.paused {
            return;
        }
        let place = nth % self.queue.len();
        let member = self.queue[place].clone();
        let ended = self.deliver(&member).await;
        // The host keeps an event until it knows that it is done.
        if !again && matches!(ended, Ended::Done(_) | Ended::Refused(_)) {
            self.queue.retain(|waiting| *waiting != member);
        }
    }

    pub(crate) async fn deliver(&mut self, id: &str) -> Ended<()> {
        self.events += 1;
        self.readdressed.remove(id);
        let event = Event {
            id: format!("e-{}", self.events),
            kind: EventKind::Other("something".to_string()),
            member: id.to_string(),
            occurred_at: self.clock_ms(),
        };
        let before = self.world.boundary.requests();
        // Removals by an event do not count for a sync.
        let taken = self.watch.state().taken.take();
        let handled = self.world.tenant().handle(&event).await;
        self.watch.state().taken = taken;
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
            let requests = self.world.boundary.requests() - before;
            self.is_out(id, requests);
        }
        ended
    }

    /// A blocked member whose event was handled has no access left, and it took few requests.
    fn is_out(&self, id: &str, requests: u64) {
        let kisi = self.world.sim.state();
        let members = self.world.directory.members();
        let Some(member) = members.iter().find(|member| member.id == id) else { return };
        let mut state = self.watch.state();
        let still_open = state.case.still_open(member, &kisi);
        state.violations.extend(still_open.into_iter().map(|open| format!("block: {open}")));
        if member.status == MemberStatus::Blocked && requests > 60 {
            state.violations.push(format!("block: {requests} requests"));
        }
    }

    pub(crate) fn clock_ms(&self) -> u64 {
        self.world.now()
    }

    pub(crate) async fn until_done(&mut self, sim: &Simulator, member: &str) {
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

    pub(crate) async fn tick(&mut self, calls: u32) -> Option<(u64, Option<String>)> {
        if self.paused {
            return None;
        }
        let before = self.world.sim.state();
        let ended = self.world.tenant().tick(calls).await;
        self.takes_few(&before);
        match self.ended(ended) {
            Ended::Done(ticked) => {
                let phase = ticked.sync.as_ref().map(|sync| sync.phase);
                if matches!(phase, Some(Phase::Waiting | Phase::Done | Phase::Cancelled)) {
                    self.is_confirmed = false;
                }
                if let Some(done) = ticked.sync.as_ref().filter(|sync| sync.phase == Phase::Done) {
                    self.has_read_roles(done);
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

    /// All ticks of a day, with the confirmations that they need.
    pub(crate) async fn day(&mut self, sim: &Simulator) {
        for _ in 0..TRIES_MAX * 4 {
            let Some((next, waits)) = self.tick(1_000).await else {
                return self.wrong("tick: it fails though all is well".to_string());
            };
            if let Some(job) = waits {
                let ended = self.world.tenant().confirm_sync(&job).await;
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
