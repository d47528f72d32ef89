//! The contract's calls as one method each. A call that the host ends without a planned fault fails the test.

use std::time::Duration;

use door_access_host::CallError;
use door_access_host::contract::access::{Door, Explanation};
use door_access_host::contract::connection::{Connected, Departed, Departure, Health, Person};
use door_access_host::contract::doors::{Attempt, Issued};
use door_access_host::contract::events::{Event, EventKind, Outcome};
use door_access_host::contract::groups::GroupList;
use door_access_host::contract::maintenance::Ticked;
use door_access_host::contract::mappings::MappingState;
use door_access_host::contract::sync::{Finding, FindingKind, Mode, Phase, Progress, Stepped};
use door_access_host::contract::types::{Demand, Error, InputError, Member};

use crate::members::{HOUR, MAPPING, NO_DEVICE, phone};
use crate::world::World;

/// Why a delivery failed.
#[derive(Debug, Clone, PartialEq)]
pub enum Failure {
    /// The plugin answered with an error.
    Unfinished(Error),
    /// The host was killed.
    Cut,
}

/// The progress and all findings of a sync.
#[derive(Debug)]
pub struct Report {
    /// Its progress.
    pub progress: Progress,
    /// Its findings, in order.
    pub findings: Vec<Finding>,
}

impl Report {
    /// How many findings there are of a kind.
    pub fn found(&self, kind: FindingKind) -> usize {
        self.findings.iter().filter(|finding| finding.kind == kind).count()
    }
}

impl std::ops::Deref for Report {
    type Target = Progress;

    fn deref(&self) -> &Progress {
        &self.progress
    }
}

impl World {
    /// A connected gym whose members have the groups that their memberships give.
    pub fn in_step(settings: &str, members: Vec<Member>) -> World {
        let world = World::builder().settings(settings).mapping(MAPPING).members(members).connected();
        let ticked = world.tick(1_000).unwrap();
        assert_eq!(ticked.sync.unwrap().phase, Phase::Done, "a new mapping applies to every member at once");
        world.calls();
        world
    }

    /// The answer of a call that the host does not end.
    pub fn answer<T>(&self, call: impl Future<Output = Result<T, CallError>>) -> T {
        self.run(call).unwrap_or_else(|error| panic!("the call failed: {error}"))
    }

    /// Connects the gym.
    pub fn connect(&self, settings: &str) -> Result<Connected, InputError> {
        self.answer(self.tenant().connect(settings))
    }

    /// Maps plans to groups by their names in Kisi.
    pub fn map(&self, mapping: &[(&str, &[&str])]) -> Result<Vec<MappingState>, InputError> {
        self.answer(self.tenant().replace_mappings(&self.entries(mapping)))
    }

    /// The state of the installation.
    pub fn status(&self) -> Health {
        self.answer(self.tenant().status()).unwrap()
    }

    /// Reads the groups.
    pub fn refresh_groups(&self) -> GroupList {
        self.answer(self.tenant().refresh_groups()).unwrap()
    }

    /// An event about a member.
    pub fn event(&self, member: &str) -> Event {
        Event {
            id: "e-1".to_string(),
            kind: EventKind::MemberChanged,
            member: member.to_string(),
            occurred_at: self.now(),
        }
    }

    /// Delivers an event about a member once.
    pub fn deliver(&self, member: &str) -> Result<Vec<Outcome>, Failure> {
        match self.run(self.tenant().handle(&self.event(member))) {
            Ok(answer) => answer.map_err(|unfinished| Failure::Unfinished(unfinished.error)),
            Err(CallError::Aborted(_)) => Err(Failure::Cut),
            Err(error) => panic!("the call failed: {error}"),
        }
    }

    /// Delivers an event until the plugin is done, as a host does.
    ///
    /// # Panics
    /// When the plugin asks for something other than a retry, or for too many.
    pub fn settle(&self, member: &str) -> Vec<Outcome> {
        for _ in 0..30 {
            match self.deliver(member) {
                Ok(outcomes) => return outcomes,
                Err(Failure::Unfinished(Error { demand: Demand::Retry(after_ms), .. })) => {
                    self.advance(Duration::from_millis(after_ms));
                }
                Err(Failure::Cut) => {}
                Err(failure) => panic!("{member}: {failure:?}"),
            }
        }
        panic!("{member} does not settle");
    }

    /// A tick of at most `calls` requests.
    pub fn tick(&self, calls: u32) -> Result<Ticked, Error> {
        self.answer(self.tenant().tick(calls))
    }

    /// Ticks of at most `calls` requests each, until nothing is due.
    pub fn tick_until_calm(&self, calls: u32) -> Vec<Ticked> {
        let mut all = Vec::new();
        for _ in 0..500 {
            let ticked = self.tick(calls).unwrap();
            let is_calm = ticked.next > self.now();
            all.push(ticked);
            if is_calm {
                return all;
            }
        }
        panic!("ticks do not come to rest");
    }

    /// Ticks whenever a tick is due, up to this time. No tick may fail.
    pub fn tick_when_due(&self, until: u64) -> Vec<Ticked> {
        let mut all = Vec::new();
        for _ in 0..10_000 {
            let ticked = self.tick(1_000).unwrap();
            let next = ticked.next;
            all.push(ticked);
            self.go_to(next.min(until));
            if next >= until {
                return all;
            }
        }
        panic!("ticks do not come to rest");
    }

    /// Ticks as a host does, up to this time: at once while work is left, otherwise when due but at most once an hour.
    pub fn live(&self, until: u64) {
        let mut at_once = 0;
        while self.now() < until {
            let now = self.now();
            let next = match self.tick(1_000) {
                Ok(ticked) => ticked.next,
                Err(Error { demand: Demand::Retry(after), .. }) => now + after,
                Err(error) => panic!("{error:?}"),
            };
            at_once = if next <= now { at_once + 1 } else { 0 };
            assert!(at_once < 1_000, "ticks do not come to rest");
            if next > now {
                self.go_to(next.max(now + HOUR).min(until));
            }
        }
    }

    /// Starts a sync and returns its job.
    pub fn start_sync(&self, mode: Mode) -> String {
        self.answer(self.tenant().start_sync(mode)).unwrap()
    }

    /// One step of a sync.
    pub fn step_sync(&self, job: &str, calls: u32) -> Result<Stepped, Error> {
        self.answer(self.tenant().step_sync(job, calls))
    }

    /// Steps of at most `calls` requests each, until the sync ends or waits.
    pub fn steps(&self, job: &str, calls: u32) -> Result<Report, Error> {
        let mut findings = Vec::new();
        for _ in 0..100_000 {
            let mut stepped = self.step_sync(job, calls)?;
            findings.append(&mut stepped.findings);
            if matches!(stepped.progress.phase, Phase::Waiting | Phase::Done | Phase::Cancelled) {
                return Ok(Report { progress: stepped.progress, findings });
            }
        }
        panic!("the sync does not end");
    }

    /// A sync from its start until it ends or waits.
    pub fn sync(&self, mode: Mode) -> Report {
        self.steps(&self.start_sync(mode), 1_000).unwrap()
    }

    /// Confirms a sync that waits.
    pub fn confirm_sync(&self, job: &str) {
        self.answer(self.tenant().confirm_sync(job)).unwrap();
    }

    /// Cancels a sync.
    pub fn cancel_sync(&self, job: &str) {
        self.answer(self.tenant().cancel_sync(job)).unwrap();
    }

    /// The progress of the last sync.
    pub fn sync_status(&self) -> Progress {
        self.answer(self.tenant().sync_status()).unwrap().expect("there was a sync")
    }

    /// Why a member may enter or not, from what the plugin knows.
    pub fn explain(&self, member: &str) -> Explanation {
        self.answer(self.tenant().explain(member, NO_DEVICE, false)).unwrap()
    }

    /// The doors of a member.
    pub fn list_doors(&self, member: &str) -> Vec<Door> {
        self.answer(self.tenant().list_doors(member)).unwrap()
    }

    /// Opens a door, by its name in Kisi.
    pub fn unlock(&self, member: &str, door: &str) -> Result<Attempt, Error> {
        self.answer(self.tenant().unlock(member, &self.door(door).to_string()))
    }

    /// Issues a login.
    pub fn issue_login(&self, member: &str) -> Result<Issued, Error> {
        self.answer(self.tenant().issue_login(member, &phone()))
    }

    /// One step of ending the installation; `None` when the host was killed.
    fn step_disconnect(
        &self,
        what: Departure,
        after: Option<&str>,
        calls: u32,
    ) -> Option<Result<Departed, Error>> {
        match self.run(self.tenant().disconnect(what, after, calls)) {
            Ok(answer) => Some(answer),
            Err(CallError::Aborted(_)) => None,
            Err(error) => panic!("the call failed: {error}"),
        }
    }

    /// Ends the installation as a host does that may be killed: it keeps the answers so far and repeats the last step.
    pub fn disconnect(&self, what: Departure, calls: u32) -> Vec<Person> {
        let mut people: Vec<Person> = Vec::new();
        for _ in 0..1_000 {
            let after = people.last().map(|person| person.member.clone());
            match self.step_disconnect(what, after.as_deref(), calls) {
                None => self.boundary.plan(&[]),
                Some(Err(Error { demand: Demand::Retry(_), .. })) => {}
                Some(answer) => {
                    let departed = answer.unwrap();
                    people.extend(departed.people);
                    if departed.finished {
                        return people;
                    }
                }
            }
        }
        panic!("the installation does not end");
    }
}
