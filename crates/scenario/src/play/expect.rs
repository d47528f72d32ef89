//! What a scenario expects after a step, against what is so.

use std::collections::BTreeMap;

use super::access::SeenAnswer;
use super::{Player, facts};
use crate::file::{Dates, Expect, Whom};
use crate::report::{Call, Mismatch};
use crate::unusable::Unusable;
use crate::words::{held, moment, word};
use crate::world::Held;
use door_access_host::contract::connection::State;
use door_access_host::contract::groups::{Group, GroupWarning};

/// A moment before all others: seen from there, a hold is shown with all its dates.
const WHOLE: u64 = 0;

/// What a step came to.
#[derive(Default)]
pub(super) struct Seen {
    pub(super) members: BTreeMap<String, SeenMember>,
    pub(super) calls: Vec<Call>,
    pub(super) deliveries: u32,
    pub(super) error: Option<String>,
    pub(super) answer: SeenAnswer,
    /// What the plugin found wrong in the scenario, unless something expects the error.
    pub(super) wrong: Option<Unusable>,
}

impl Seen {
    /// Nothing may be wrong that nothing expects.
    pub(super) fn demand_nothing_wrong(self) -> Result<(), Unusable> {
        self.wrong.map_or(Ok(()), Err)
    }
}

/// What a step came to for one member.
#[derive(Default)]
pub(super) struct SeenMember {
    pub(super) changes: Vec<String>,
    pub(super) accounts: Vec<String>,
    pub(super) reasons: Vec<String>,
    pub(super) warnings: Vec<String>,
    pub(super) due: Option<u64>,
}

/// Compares, and collects what differs.
#[derive(Default)]
struct Comparison {
    checked: usize,
    mismatches: Vec<Mismatch>,
}

impl Comparison {
    fn lists(&mut self, what: String, expected: &[String], found: &[String]) {
        self.checked += 1;
        if expected != found {
            self.mismatches.push(Mismatch { what, expected: expected.to_vec(), found: found.to_vec() });
        }
    }

    fn values(&mut self, what: &str, expected: Option<String>, found: impl FnOnce() -> String) {
        if let Some(expected) = expected {
            self.lists(what.to_owned(), &[expected], &[found()]);
        }
    }
}

impl Player<'_> {
    /// How many expectations there were, and which failed.
    pub(super) async fn compare(&mut self, expect: &Expect) -> Result<(usize, Vec<Mismatch>), Unusable> {
        let mut comparison = Comparison::default();
        for (whom, expected) in &expect.groups {
            let (who, held) = self.held_by(whom);
            let mut expected = expected.clone();
            expected.sort();
            let found: Vec<String> = held.iter().map(|held| held.group.clone()).collect();
            comparison.lists(format!("groups of {who}"), &expected, &found);
        }
        for (whom, expected) in &expect.windows {
            let (who, found) = self.held_by(whom);
            for (group, dates) in expected {
                let found: Vec<String> =
                    found.iter().filter(|one| one.group == *group).map(|one| held(one, WHOLE)).collect();
                comparison.lists(format!("dates of {who}"), &[held(&as_held(group, *dates), WHOLE)], &found);
            }
        }
        let none = SeenMember::default();
        let seen = |member: &String| self.seen.members.get(member).unwrap_or(&none);
        for (member, expected) in &expect.changes {
            comparison.lists(format!("changes of {member}"), expected, &seen(member).changes);
        }
        for (member, expected) in &expect.reasons {
            comparison.lists(format!("reasons of {member}"), expected, &seen(member).reasons);
        }
        for (member, expected) in &expect.accounts {
            comparison.lists(format!("account of {member}"), expected, &seen(member).accounts);
        }
        for (member, expected) in &expect.warnings {
            comparison.lists(format!("warnings about {member}"), expected, &seen(member).warnings);
        }
        for (member, expected) in &expect.due {
            let shown = |at: Option<u64>| at.map_or("never".to_owned(), moment);
            comparison
                .values(&format!("when {member} is due"), Some(shown(*expected)), || shown(seen(member).due));
        }
        let edits = self.seen.calls.iter().filter(|call| call.is_edit()).count();
        comparison.values("calls", expect.calls.map(|calls| calls.to_string()), || {
            self.seen.calls.len().to_string()
        });
        comparison.values("edits", expect.edits.map(|edits| edits.to_string()), || edits.to_string());
        comparison.values("deliveries", expect.deliveries.map(|count| count.to_string()), || {
            self.seen.deliveries.to_string()
        });
        comparison.values("the error", expect.error.clone(), || {
            self.seen.error.clone().unwrap_or_else(|| "none".to_owned())
        });
        let none = || "none".to_owned();
        let (expected, seen) = (&expect.answer, &self.seen.answer);
        comparison
            .values("the verdict", expected.verdict.clone(), || seen.verdict.clone().unwrap_or_else(none));
        comparison.values("what came of it", expected.attempt.clone(), || {
            seen.attempt.clone().unwrap_or_else(none)
        });
        if let Some(causes) = &expected.causes {
            comparison.lists("causes".to_owned(), causes, &seen.causes);
        }
        if expect.error.is_some() {
            self.seen.wrong = None;
        }
        if expect.state.is_some() || expect.broken.is_some() {
            let (state, broken) = self.health().await;
            comparison.values("the tenant's state", expect.state.clone(), || state);
            if let Some(expected) = &expect.broken {
                comparison.lists("broken mappings".to_owned(), expected, &broken);
            }
        }
        Ok((comparison.checked, comparison.mismatches))
    }

    fn held_by(&self, whom: &Whom) -> (String, Vec<&Held>) {
        match whom {
            Whom::Address(email) => (email.clone(), self.picture.of_address(email)),
            Whom::Member(member) => {
                let email = self.addresses.get(member).and_then(|addresses| addresses.last());
                let held = email.map(|email| self.picture.of_address(email)).unwrap_or_default();
                (member.clone(), held)
            }
        }
    }

    /// The tenant's state and broken mappings, in words.
    async fn health(&self) -> (String, Vec<String>) {
        let health = self.tenant.status().await;
        drop(self.recorder.take());
        match health {
            Ok(Ok(health)) => {
                let state = match health.state {
                    State::NotConnected => "not-connected".to_owned(),
                    State::Connected => "connected".to_owned(),
                    State::Paused(pause) => format!("paused:{}", word(&pause.cause)),
                };
                let is_gone = |group: &Group| group.warnings.contains(&GroupWarning::Deleted);
                let gone = health.flawed_groups.into_iter().filter(is_gone);
                (state, gone.map(|group| group.name).collect())
            }
            Ok(Err(error)) => (facts::error_word(&error), Vec::new()),
            Err(error) => (error.to_string(), Vec::new()),
        }
    }
}

fn as_held(group: &str, dates: Dates) -> Held {
    Held {
        name: String::new(),
        email: String::new(),
        group: group.to_owned(),
        role: None,
        from_ms: dates.from.map(|from| from.0),
        until_ms: dates.until.map(|until| until.0),
    }
}
