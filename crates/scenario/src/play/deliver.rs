//! Delivers events as a platform must: again when the plugin says `retry`, not while it is paused, and never again
//! after `reject`. Undelivered events are kept.

use std::time::Duration;

use super::{Player, Waiting, facts};
use crate::file::{DirectoryChange, Happening};
use crate::report::{Call, Fact, FactKind, StepReport};
use crate::unusable::Unusable;
use crate::words::word;
use door_access_host::contract::events::{Action, Event, Outcome, Unfinished};
use door_access_host::contract::sync::{Finding, FindingKind};
use door_access_host::contract::types::Demand;

/// Most deliveries of an event in a row; then it is kept for later.
const DELIVERIES_MAX: u32 = 6;

/// What happens to an event after its deliveries.
enum Fate {
    /// It is done or dropped.
    Over,
    /// It is kept until time passes or the gym connects again.
    Later,
    /// It and all later events are kept until the gym connects again.
    Paused,
}

impl Player<'_> {
    /// An event on the platform: the directory changes, then the event is delivered.
    pub(super) async fn happen(&mut self, happening: &Happening) -> Result<StepReport, Unusable> {
        match &happening.change {
            Some(DirectoryChange::Put(member)) => {
                let addresses = self.addresses.entry(member.id.clone()).or_default();
                if let Some(email) = &member.email {
                    let email = super::address(email);
                    addresses.retain(|known| *known != email);
                    addresses.push(email);
                }
                self.names.insert(member.id.clone(), member.name.clone());
                self.directory.insert(member.clone());
            }
            Some(DirectoryChange::Delete) => drop(self.directory.remove(&happening.member)),
            None => {}
        }
        self.totals.events += 1;
        let event = Event {
            id: format!("event-{}", self.totals.events),
            kind: happening.kind.clone(),
            member: happening.member.clone(),
            occurred_at: self.world.clock.now_ms(),
        };
        let title = format!("{} · {}", happening.word, self.name(&happening.member));
        if self.paused {
            let mut told = self.blank("event", title.clone());
            told.facts
                .push(facts::then("Kept, not delivered: the plugin is paused until the gym connects again."));
            self.waiting.push_back(Waiting { event, title });
            return Ok(told);
        }
        self.deliver(Waiting { event, title }, "").await
    }

    /// Delivers the kept events, each once and in order, until the plugin pauses again.
    pub(super) async fn deliver_waiting(&mut self) -> Result<Vec<StepReport>, Unusable> {
        let mut reports = Vec::new();
        for _ in 0..self.waiting.len() {
            if self.paused {
                break;
            }
            if let Some(waiting) = self.waiting.pop_front() {
                reports.push(self.deliver(waiting, " (kept until now)").await?);
            }
        }
        Ok(reports)
    }

    async fn deliver(&mut self, waiting: Waiting, aside: &str) -> Result<StepReport, Unusable> {
        let mut told = self.blank("event", format!("{}{aside}", waiting.title));
        let mut concerned = vec![waiting.event.member.clone()];
        let before = self.roster.clone();
        let mut deliveries = 0;
        let fate = loop {
            deliveries += 1;
            let handled = self.tenant.handle(&waiting.event).await;
            let calls = self.tell_calls(&mut told);
            self.totals.calls += calls.len();
            self.totals.edits += calls.iter().filter(|call| call.is_edit()).count();
            let (outcomes, error) = match handled {
                Ok(Ok(outcomes)) => (outcomes, None),
                Ok(Err(Unfinished { error, done })) => (done, Some(error)),
                Err(error) => {
                    told.facts.push(facts::broken_off(&error));
                    told.facts.push(facts::then("Kept until time passes or the gym connects again."));
                    self.seen.error = Some("call".to_owned());
                    break Fate::Later;
                }
            };
            self.note(&outcomes, &waiting.event, &mut told.facts, &mut concerned);
            let Some(error) = error else { break Fate::Over };
            told.facts.push(facts::error(&error));
            self.seen.error = Some(facts::error_word(&error));
            match error.demand {
                Demand::Retry(after_ms) if deliveries < DELIVERIES_MAX => {
                    let again = format!("Delivered again after {}.", facts::span(after_ms));
                    told.facts.push(facts::then(&again));
                    self.world.clock.sleep(Duration::from_millis(after_ms)).await;
                }
                Demand::Retry(_) => {
                    told.facts.push(facts::then(&format!(
                        "Kept after {deliveries} deliveries, until time passes or the gym connects again."
                    )));
                    break Fate::Later;
                }
                Demand::Pause(_) => {
                    told.facts
                        .push(facts::then("Kept, with all later events, until the gym connects again."));
                    break Fate::Paused;
                }
                Demand::Reject => {
                    told.facts.push(facts::then("Dropped: delivering it again could not succeed."));
                    break Fate::Over;
                }
            }
        };
        let is_due = |fact: &Fact| fact.kind == FactKind::Due;
        if matches!(fate, Fate::Over) && told.facts.iter().all(is_due) && told.calls.is_empty() {
            told.facts.insert(0, facts::nothing());
        }
        self.seen.deliveries += deliveries;
        self.seen.calls.extend(told.calls.iter().cloned());
        self.roster = self.world.roster().await?;
        let is_edit = |fact: &&Fact| {
            fact.kind == FactKind::Account && matches!(fact.word.as_deref(), Some("created" | "renamed"))
        };
        let accounts = told.facts.iter().filter(is_edit).count();
        self.totals.edits_needed += before.edits_to(&self.roster, accounts);
        told.groups = self.groups_of(&concerned, &before);
        match fate {
            Fate::Over => {}
            Fate::Later => self.waiting.push_back(waiting),
            Fate::Paused => {
                self.paused = true;
                self.waiting.push_front(waiting);
            }
        }
        Ok(told)
    }

    /// Records what the plugin did.
    fn note(
        &mut self,
        outcomes: &[Outcome],
        event: &Event,
        told: &mut Vec<Fact>,
        concerned: &mut Vec<String>,
    ) {
        for outcome in outcomes {
            let other = (outcome.member != event.member).then(|| self.name(&outcome.member));
            if !concerned.contains(&outcome.member) {
                concerned.push(outcome.member.clone());
            }
            told.extend(facts::of_outcome(outcome, other));
            self.seen.note(outcome);
        }
        // Only the last delivery counts.
        self.seen.error = None;
    }

    /// Adds the plugin's requests since the last time to a report, and its log lines when they are shown. Returns the
    /// requests.
    pub(super) fn tell_calls(&self, told: &mut StepReport) -> Vec<Call> {
        let recorded = self.recorder.take();
        let calls: Vec<Call> =
            recorded.exchanges.iter().map(|exchange| facts::call(exchange, self.shown.bodies)).collect();
        told.calls.extend(calls.iter().cloned());
        if self.shown.log {
            told.log.extend(recorded.lines.iter().map(facts::log));
        }
        calls
    }
}

impl super::Seen {
    fn note(&mut self, outcome: &Outcome) {
        let seen = self.members.entry(outcome.member.clone()).or_default();
        let changed =
            outcome.changes.iter().map(|change| format!("{} {}", word(&change.action), change.group.name));
        seen.changes.extend(changed);
        seen.accounts.extend(outcome.account.iter().map(|change| word(&change.action)));
        // These describe the end: a later delivery replaces them.
        seen.reasons = outcome.refusals.iter().map(|refusal| word(&refusal.reason)).collect();
        seen.warnings = outcome.warnings.iter().map(|warning| word(&warning.kind)).collect();
        seen.due = outcome.due_at;
    }

    /// The same for a finding of a tick.
    pub(super) fn note_finding(&mut self, finding: &Finding) {
        let action = match finding.kind {
            FindingKind::Gains => Action::Granted,
            FindingKind::Loses => Action::Revoked,
            FindingKind::ChangesDates => Action::Adjusted,
            FindingKind::Adopted => Action::Adopted,
            FindingKind::Drifted => Action::Dropped,
            _ => return,
        };
        if let (Some(member), Some(group)) = (&finding.member, &finding.group) {
            let seen = self.members.entry(member.clone()).or_default();
            seen.changes.push(format!("{} {}", word(&action), group.name));
        }
    }
}
