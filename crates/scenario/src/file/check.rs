//! Checks a scenario from top to bottom: every name must be known where it is used, and every step must be one that
//! can be played.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use door_access_host::contract::types::{Member, Plan};
use serde_json::json;
use toml::Spanned;

use super::directory::Reader;
use super::document::{self, Change, Document, Expect, Hand, Mapping, Text};
use super::names::Names;
use super::places::Places;
use super::scenario::{Action, DirectoryChange, Happening, MappingEntry, Scenario, Settings, Step};
use super::seeding;
use super::source::{Mistake, Source};
use super::time::{Moment, span};
use crate::words::event_kind;

/// 2026-12-01T08:00:00Z, a Tuesday morning: the start of a scenario that names none.
const START_MS: u64 = 1_796_112_000_000;

/// The integration's name and contact for Kisi when a scenario gives none.
const IDENTIFIER: &str = "door-access harness";
const CONTACT: &str = "doors@platform.example";

/// Checks a document.
///
/// # Errors
/// All mistakes, in the order of the file.
pub(super) fn check(
    mut document: Document,
    source: &Source,
    folder: &Path,
) -> Result<Scenario, Vec<Mistake>> {
    let mut mistakes = Vec::new();
    duplicates(document.plans.iter().map(|plan| &plan.id), "plan", &mut mistakes);
    duplicates(document.groups.iter().map(|group| &group.name), "group", &mut mistakes);
    duplicates(document.members.iter().map(|member| &member.id), "member", &mut mistakes);
    let mut seed = seeding::seed(&document, folder).unwrap_or_else(|wrong| {
        mistakes.extend(wrong);
        None
    });
    let start_ms = document.start.map(|Moment(ms)| ms);
    let start_ms = start_ms.or(seed.as_ref().and_then(|seed| seed.start_time)).unwrap_or(START_MS);
    if let Some(seed) = &mut seed {
        seed.start_time = Some(start_ms);
    }
    let seeds_at = seed.as_ref().and_then(|_| seeding::span(&document)).map(|span| source.place(span.start));
    let plans: Vec<Plan> = std::mem::take(&mut document.plans)
        .into_iter()
        .map(|plan| Plan { id: plan.id.into_inner(), name: plan.name })
        .collect();
    let names = Names {
        plans: plans.iter().map(|plan| plan.id.clone()).collect(),
        groups: seed.as_ref().map(group_names),
        members: document.members.iter().map(|member| member.id.get_ref().clone()).collect(),
    };
    let mut checker = Checker { source, names, members: BTreeMap::new(), earliest_ms: start_ms, mistakes };
    let mappings = checker.mappings(&document.mappings);
    let members: Vec<Member> =
        document.members.into_iter().map(|member| checker.reader().member(member)).collect();
    checker.members = members.iter().map(|member| (member.id.clone(), member.clone())).collect();
    let steps = document.steps.into_iter().enumerate().map(|(index, step)| checker.step(index, step));
    let steps: Vec<Step> = steps.collect();
    let mut mistakes = checker.mistakes;
    if !mistakes.is_empty() {
        mistakes.sort_by_key(Mistake::start);
        return Err(mistakes);
    }
    let mut settings = Settings { values: document.settings, path: "settings".to_owned() };
    let integration = settings.values.entry("integration");
    integration.or_insert_with(|| json!({ "identifier": IDENTIFIER, "contact": CONTACT }));
    Ok(Scenario {
        title: document.title,
        story: document.story.split_whitespace().collect::<Vec<_>>().join(" "),
        start_ms,
        settings,
        seed,
        seeds_at,
        plans,
        mappings,
        members,
        steps,
        places: Places::of(source),
    })
}

fn group_names(seed: &kisi_sim::Seed) -> BTreeSet<String> {
    let groups = seed.organizations.iter().flat_map(|organization| &organization.groups);
    groups.map(|group| group.name.clone()).collect()
}

fn duplicates<'a>(names: impl Iterator<Item = &'a Text>, what: &str, mistakes: &mut Vec<Mistake>) {
    let mut seen = BTreeSet::new();
    let again = names.filter(|name| !seen.insert(name.get_ref()));
    mistakes.extend(
        again.map(|name| Mistake::of(name, format!("the {what} `{}` is defined twice", name.get_ref()))),
    );
}

/// The state of the scenario at the step that is checked.
struct Checker<'a> {
    source: &'a Source<'a>,
    names: Names,
    /// The members at this point, by id.
    members: BTreeMap<String, Member>,
    /// The earliest time possible at this point: waiting for a retry may have taken longer.
    earliest_ms: u64,
    mistakes: Vec<Mistake>,
}

impl Checker<'_> {
    /// `index` counts the steps from 0.
    fn step(&mut self, index: usize, step: Spanned<document::Step>) -> Step {
        let span = step.span();
        let mut step = step.into_inner();
        let (note, expect) = (step.note.take(), step.expect.take());
        let actions = [
            ("event", step.event.is_some()),
            ("advance", step.advance.is_some()),
            ("until", step.until.is_some()),
            ("fault", step.fault.is_some()),
            ("hand", step.hand.is_some()),
            ("connect", step.connect.is_some()),
            ("refresh_groups", step.refresh_groups),
            ("tick", step.tick),
            ("mappings", step.mappings.is_some()),
            ("explain", step.explain.is_some()),
            ("unlock", step.unlock.is_some()),
        ];
        let named: Vec<&str> =
            actions.iter().filter_map(|(name, is_given)| is_given.then_some(*name)).collect();
        if named.len() > 1 {
            let named = named.join("` and `");
            let message = format!("a step does one thing, and this one has `{named}`: make a step of each");
            self.mistakes.push(Mistake::at(span.clone(), message));
        } else if named.is_empty() && expect.is_none() {
            let all = actions.map(|(name, _)| name).join("`, `");
            let message = format!(
                "a step does something (`{all}`) or expects something (`expect`), and this one does neither"
            );
            self.mistakes.push(Mistake::at(span.clone(), message));
        }
        let of_events = [
            ("member", step.member.as_ref().map(Spanned::span)),
            ("change", step.change.as_ref().map(Spanned::span)),
        ];
        for (field, given) in of_events {
            if let (Some(span), None) = (given, &step.event) {
                let message = format!("`{field}` belongs to an `event`, and this step has none");
                self.mistakes.push(Mistake::at(span, message));
            }
        }
        let action = self.action(index, step);
        if let Some(expect) = &expect {
            self.expect(expect);
        }
        Step { place: self.source.place(span.start), note, action, expect }
    }

    fn action(&mut self, index: usize, step: document::Step) -> Option<Action> {
        if let Some(kind) = step.event {
            return self.event(&kind, step.member, step.change).map(Action::Event);
        }
        if let Some(by) = step.advance {
            let ms = span(by.get_ref()).map_err(|message| Mistake::of(&by, message));
            let ms = self.noted(ms)?;
            self.earliest_ms = self.earliest_ms.saturating_add(ms);
            return Some(Action::Advance(ms));
        }
        if let Some(until) = step.until {
            return self.until(&until);
        }
        if let Some(document::Fault { on: route, times, skip, effect }) = step.fault {
            return Some(Action::Fault(kisi_sim::Fault { route, times, skip, effect }));
        }
        if let Some(hand) = step.hand {
            self.hand(&hand);
            return Some(Action::Hand(hand));
        }
        if let Some(document::Connect { key, key_of, settings }) = step.connect {
            let path = format!("steps[{index}].connect.settings");
            let settings = settings.map(|values| Settings { values, path });
            return Some(Action::Connect { key, key_of, settings });
        }
        if step.refresh_groups {
            return Some(Action::RefreshGroups);
        }
        if step.tick {
            return Some(Action::Tick);
        }
        if let Some(explain) = step.explain {
            self.noted(self.names.member(&explain.member));
            return Some(Action::Explain(explain));
        }
        if let Some(unlock) = step.unlock {
            self.noted(self.names.member(&unlock.member));
            return Some(Action::Unlock(unlock));
        }
        step.mappings.map(|mappings| Action::Map(self.mappings(&mappings)))
    }

    fn event(
        &mut self,
        word: &Text,
        member: Option<Text>,
        change: Option<Spanned<Change>>,
    ) -> Option<Happening> {
        let kind = event_kind(word.get_ref()).map_err(|message| Mistake::of(word, message));
        let kind = self.noted(kind)?;
        let member = member.ok_or_else(|| Mistake::of(word, "an event is about a member: add `member`"));
        let member = self.noted(member)?;
        let id = member.get_ref().clone();
        let change = change.map(Spanned::into_inner);
        if !change.as_ref().is_some_and(|change| change.new) {
            self.noted(self.names.member(&member))?;
        }
        let change = match change {
            Some(change) => {
                let present = self.members.get(&id).cloned();
                Some(self.reader().change(&member, present.as_ref(), change)?)
            }
            None => None,
        };
        match &change {
            Some(DirectoryChange::Put(changed)) => {
                self.names.members.insert(id.clone());
                self.members.insert(id.clone(), changed.clone());
            }
            Some(DirectoryChange::Delete) => drop(self.members.remove(&id)),
            None => {}
        }
        Some(Happening { word: word.get_ref().clone(), kind, member: id, change })
    }

    fn until(&mut self, until: &Spanned<Moment>) -> Option<Action> {
        let Moment(at) = *until.get_ref();
        if at < self.earliest_ms {
            let now = kisi_sim::format_timestamp(self.earliest_ms);
            let message =
                format!("the scenario goes back in time: it is {now} by then, so name a later moment");
            self.mistakes.push(Mistake::of(until, message));
            return None;
        }
        self.earliest_ms = at;
        Some(Action::Until(at))
    }

    fn hand(&mut self, hand: &Hand) {
        if let Some(group) = hand.group() {
            self.noted(self.names.group(group));
        }
        if let Hand::AddGroup { name } | Hand::RenameGroup { name, .. } = hand {
            self.names.add_group(name);
        }
    }

    /// Entries of the mapping, one for each group.
    fn mappings(&mut self, mappings: &[Mapping]) -> Vec<MappingEntry> {
        let mut entries = Vec::new();
        for mapping in mappings {
            self.noted(self.names.plan(&mapping.plan));
            for group in &mapping.groups {
                self.noted(self.names.group(group));
                entries.push(MappingEntry {
                    plan: mapping.plan.get_ref().clone(),
                    group: group.get_ref().clone(),
                    location: mapping.location.clone(),
                    place: self.source.place(group.span().start),
                });
            }
        }
        entries
    }

    fn expect(&mut self, expect: &Expect) {
        let people = expect.groups.keys().chain(expect.windows.keys());
        let groups = expect.groups.values().flatten();
        let groups = groups.chain(expect.windows.values().flat_map(|windows| windows.keys()));
        let members = expect.changes.keys().chain(expect.reasons.keys()).chain(expect.accounts.keys());
        let members = members.chain(expect.warnings.keys()).chain(expect.due.keys());
        let names = &self.names;
        let checked = people.map(|person| names.person(person));
        let checked = checked.chain(groups.map(|group| names.group(group)));
        let checked = checked.chain(members.map(|member| names.member(member)));
        self.mistakes.extend(checked.filter_map(Result::err));
    }

    fn reader(&mut self) -> Reader<'_> {
        Reader { names: &self.names, mistakes: &mut self.mistakes }
    }

    fn noted<T>(&mut self, result: Result<T, Mistake>) -> Option<T> {
        result.map_err(|mistake| self.mistakes.push(mistake)).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_action_that_is_false_is_no_action() {
        for (given, is_read) in [("tick", true), ("tick", false), ("refresh_groups", false)] {
            let text = format!("title = \"A gym\"\nstory = \"A day.\"\n[[steps]]\n{given} = {is_read}\n");
            let read = Scenario::parse("a.toml", &text, Path::new("."));
            assert_eq!(read.is_ok(), is_read, "{text}");
        }
    }
}
