//! Compares what a scenario expects after a step with what happened.

use std::collections::BTreeMap;
use std::fmt::Display;

use serde::Serialize;

use super::access::SeenAnswer;
use super::{Player, facts};
use crate::file::{Each, Expect, Word};
use crate::report::{Call, Mismatch};
use crate::unusable::Unusable;
use crate::words::{held, moment, word};
use crate::world::Assignment;
use door_access_host::contract::connection::State;
use door_access_host::contract::groups::{Group, GroupWarning};

/// A moment before all others: as of then, an assignment is shown with all its dates.
const BEFORE_ALL: u64 = 0;
/// Stands for an absent answer.
const NONE: &str = "none";

/// The results of a step.
#[derive(Default)]
pub(super) struct Seen {
    pub(super) members: BTreeMap<String, SeenMember>,
    pub(super) calls: Vec<Call>,
    pub(super) deliveries: u32,
    pub(super) error: Option<String>,
    pub(super) answer: SeenAnswer,
    /// Mistakes in the scenario that the plugin found, unless the scenario expects the error.
    pub(super) wrong: Option<Unusable>,
}

impl Seen {
    /// Fails when the plugin found mistakes that the scenario does not expect.
    pub(super) fn demand_nothing_wrong(self) -> Result<(), Unusable> {
        self.wrong.map_or(Ok(()), Err)
    }
}

/// The results of a step for one member, in the contract's words.
#[derive(Default)]
pub(super) struct SeenMember {
    pub(super) changes: Vec<String>,
    pub(super) accounts: Vec<String>,
    pub(super) reasons: Vec<String>,
    pub(super) warnings: Vec<String>,
    pub(super) due: Option<u64>,
}

/// Counts comparisons, and collects the differences.
#[derive(Default)]
struct Comparison {
    checked: usize,
    mismatches: Vec<Mismatch>,
}

impl Comparison {
    fn lists(&mut self, what: impl Display, expected: Vec<String>, found: Vec<String>) {
        self.checked += 1;
        if expected != found {
            self.mismatches.push(Mismatch { what: what.to_string(), expected, found });
        }
    }

    fn values(&mut self, what: impl Display, expected: impl Display, found: impl Display) {
        self.lists(what, vec![expected.to_string()], vec![found.to_string()]);
    }

    /// The words expected of each member.
    fn words<T: Serialize>(
        &mut self,
        what: &str,
        expected: &Each<Vec<Word<T>>>,
        found: impl Fn(&str) -> Vec<String>,
    ) {
        for (member, expected) in expected {
            let member = member.get_ref();
            self.lists(format_args!("{what} {member}"), words(expected), found(member));
        }
    }
}

fn words<T: Serialize>(words: &[Word<T>]) -> Vec<String> {
    words.iter().map(|Word(value)| word(value)).collect()
}

impl Player<'_> {
    /// The number of expectations, and those that failed.
    pub(super) async fn compare(&mut self, expect: &Expect) -> Result<(usize, Vec<Mismatch>), Unusable> {
        let mut comparison = Comparison::default();
        for (person, expected) in &expect.groups {
            let mut expected: Vec<String> = expected.iter().map(|group| group.get_ref().clone()).collect();
            expected.sort();
            let found = self.held_by(person.get_ref()).iter().map(|held| held.group.clone()).collect();
            comparison.lists(format_args!("groups of {}", person.get_ref()), expected, found);
        }
        for (person, windows) in &expect.windows {
            let found = self.held_by(person.get_ref());
            for (group, dates) in windows {
                let group = group.get_ref();
                let found = found.iter().filter(|one| one.group == *group);
                let found = found.map(|one| one.in_words(BEFORE_ALL)).collect();
                let expected = vec![held(group, None, dates.window(), BEFORE_ALL)];
                comparison.lists(format_args!("dates of {}", person.get_ref()), expected, found);
            }
        }
        let none = SeenMember::default();
        let seen = |member: &str| self.seen.members.get(member).unwrap_or(&none);
        for (member, expected) in &expect.changes {
            let expected = expected.iter().map(|change| change.0.clone()).collect();
            let found = seen(member.get_ref()).changes.clone();
            comparison.lists(format_args!("changes of {}", member.get_ref()), expected, found);
        }
        comparison.words("reasons of", &expect.reasons, |member| seen(member).reasons.clone());
        comparison.words("account of", &expect.accounts, |member| seen(member).accounts.clone());
        comparison.words("warnings about", &expect.warnings, |member| seen(member).warnings.clone());
        for (member, expected) in &expect.due {
            let shown = |at: Option<u64>| at.map_or("never".to_owned(), moment);
            let (member, found) = (member.get_ref(), shown(seen(member.get_ref()).due));
            comparison.values(format_args!("when {member} is due"), shown(expected.0), found);
        }
        let edits = self.seen.calls.iter().filter(|call| call.is_edit()).count();
        if let Some(expected) = expect.calls {
            comparison.values("calls", expected, self.seen.calls.len());
        }
        if let Some(expected) = expect.edits {
            comparison.values("edits", expected, edits);
        }
        if let Some(expected) = expect.deliveries {
            comparison.values("deliveries", expected, self.seen.deliveries);
        }
        if let Some(expected) = &expect.error {
            comparison.values("the error", expected, self.seen.error.as_deref().unwrap_or(NONE));
            self.seen.wrong = None;
        }
        let answer = &self.seen.answer;
        let found = |seen: Option<String>| seen.unwrap_or_else(|| NONE.to_owned());
        if let Some(Word(expected)) = &expect.verdict {
            comparison.values("the verdict", word(expected), found(answer.verdict.as_ref().map(word)));
        }
        if let Some(Word(expected)) = &expect.attempt {
            comparison.values("what came of it", word(expected), found(answer.attempt.as_ref().map(word)));
        }
        if let Some(expected) = &expect.causes {
            comparison.lists("causes", words(expected), answer.causes.clone());
        }
        if expect.state.is_some() || expect.broken.is_some() {
            let (state, broken) = self.health().await;
            if let Some(expected) = &expect.state {
                comparison.values("the tenant's state", expected, state);
            }
            if let Some(expected) = &expect.broken {
                comparison.lists("broken mappings", expected.clone(), broken);
            }
        }
        Ok((comparison.checked, comparison.mismatches))
    }

    /// The assignments of a member, under the present or last address, or those of an address.
    fn held_by(&self, person: &str) -> Vec<&Assignment> {
        let email = match self.addresses.get(person) {
            _ if person.contains('@') => Some(person),
            addresses => addresses.and_then(|addresses| addresses.last()).map(String::as_str),
        };
        email.map(|email| self.roster.of_address(email)).unwrap_or_default()
    }

    /// The tenant's state and broken mappings, in words.
    async fn health(&self) -> (String, Vec<String>) {
        let health = self.tenant.status().await;
        // These requests belong to no step.
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
