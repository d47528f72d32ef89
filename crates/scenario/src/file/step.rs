//! Steps: what each does, worked out against what the scenario says up to there.

use serde_json::{Map, Value, json};

use super::check::Checker;
use super::document::{self, Each, Fault, Hand, Mapping, Text};
use super::source::{Source, meant};
use super::time::{Bound, Moment, span};
use super::{Action, DirectoryChange, Expect, Happening, MappingEntry, Settings, Step, Whom};
use crate::unusable::Wrong;
use door_access_host::contract::events::EventKind;

/// The events of the contract, by the words that scenarios use.
const EVENTS: [(&str, EventKind); 14] = [
    ("membership-purchased", EventKind::MembershipPurchased),
    ("membership-started", EventKind::MembershipStarted),
    ("membership-renewed", EventKind::MembershipRenewed),
    ("plan-changed", EventKind::PlanChanged),
    ("membership-cancelled", EventKind::MembershipCancelled),
    ("membership-frozen", EventKind::MembershipFrozen),
    ("membership-unfrozen", EventKind::MembershipUnfrozen),
    ("membership-expired", EventKind::MembershipExpired),
    ("payment-overdue", EventKind::PaymentOverdue),
    ("payment-recovered", EventKind::PaymentRecovered),
    ("member-blocked", EventKind::MemberBlocked),
    ("member-unblocked", EventKind::MemberUnblocked),
    ("member-changed", EventKind::MemberChanged),
    ("member-deleted", EventKind::MemberDeleted),
];
/// What stands before the platform's own word for any other event.
const OTHER: &str = "other:";
/// The same for messages.
const OTHER_EVENT: &str = "other:WORD";

const REASONS: [&str; 15] = [
    "entitled",
    "not-started",
    "payment-overdue",
    "frozen",
    "cancelled",
    "expired",
    "plan-without-access",
    "no-membership",
    "blocked",
    "deleted",
    "missing-email",
    "email-in-use",
    "email-changed",
    "no-account",
    "group-deleted",
];
const ACCOUNT_ACTIONS: [&str; 4] = ["created", "linked", "renamed", "unlinked"];
const WARNINGS: [&str; 4] = ["elevated-role", "broken-mapping", "unmanaged", "gap"];
const ACTIONS: [&str; 5] = ["granted", "adopted", "adjusted", "revoked", "dropped"];

impl Checker<'_> {
    /// One step, worked out; `index` counts them from 0.
    pub(super) fn step(&mut self, index: usize, step: toml::Spanned<document::Step>) -> Step {
        let span = step.span();
        let place = self.reader.source.place(span.start);
        let mut step = step.into_inner();
        let (note, expected) = (step.note.take(), step.expect.take());
        let named: Vec<&str> = [
            ("event", step.event.is_some()),
            ("advance", step.advance.is_some()),
            ("until", step.until.is_some()),
            ("fault", step.fault.is_some()),
            ("hand", step.hand.is_some()),
            ("connect", step.connect.is_some()),
            ("refresh_groups", step.refresh_groups.is_some()),
            ("tick", step.tick.is_some()),
            ("mappings", step.mappings.is_some()),
            ("explain", step.explain.is_some()),
            ("unlock", step.unlock.is_some()),
        ]
        .into_iter()
        .filter_map(|(name, given)| given.then_some(name))
        .collect();
        if named.len() > 1 {
            let message = format!(
                "a step does one thing, and this one has `{}`: make a step of each",
                named.join("` and `")
            );
            self.reader.wrong.push(self.reader.source.wrong(&span, message));
        } else if named.is_empty() && expected.is_none() {
            let message = "a step does something (`event`, `advance`, `until`, `fault`, `hand`, `connect`, \
                           `refresh_groups`, `tick`, `mappings`, `explain`, `unlock`) or expects something (`expect`), and this one does neither";
            self.reader.wrong.push(self.reader.source.wrong(&span, message));
        }
        for (field, given) in [
            ("member", step.member.as_ref().map(Text::span)),
            ("change", step.change.as_ref().map(toml::Spanned::span)),
        ] {
            if let (Some(span), None) = (given, &step.event) {
                let message = format!("`{field}` belongs to an `event`, and this step has none");
                self.reader.wrong.push(self.reader.source.wrong(&span, message));
            }
        }
        let action = self.action(index, step);
        let expect = expected.map(|expect| self.expect(expect));
        Step { place, note, action, expect }
    }

    fn action(&mut self, index: usize, step: document::Step) -> Option<Action> {
        if let Some(event) = step.event {
            return self.event(&event, step.member, step.change).map(Action::Event);
        }
        if let Some(by) = step.advance {
            let ms = span(by.get_ref()).map_err(|message| self.reader.wrong(&by, message)).ok()?;
            self.earliest_ms = self.earliest_ms.saturating_add(ms);
            return Some(Action::Advance(ms));
        }
        if let Some(until) = step.until {
            return self.until(&until);
        }
        if let Some(given) = step.fault {
            let made = fault(given.get_ref(), self.reader.source);
            return made.map_err(|wrong| self.reader.wrong.push(wrong)).ok().map(Action::Fault);
        }
        if let Some(hand) = step.hand {
            self.hand(&hand);
            return Some(Action::Hand(hand));
        }
        if let Some(connect) = step.connect {
            let path = format!("steps[{index}].connect.settings");
            let settings = connect.settings.map(|given| Settings { values: json_object(given), path });
            let key_of = connect.key_of.map(Text::into_inner);
            return Some(Action::Connect { key: connect.key, key_of, settings });
        }
        if step.refresh_groups.is_some() {
            return Some(Action::RefreshGroups);
        }
        if step.tick.is_some() {
            return Some(Action::Tick);
        }
        if let Some(explain) = step.explain {
            return Some(Action::Explain(self.explain(explain)));
        }
        if let Some(unlock) = step.unlock {
            return Some(Action::Unlock(self.unlock(unlock)));
        }
        step.mappings.map(|mappings| Action::Map(self.mappings(&mappings)))
    }

    fn until(&mut self, until: &toml::Spanned<Moment>) -> Option<Action> {
        let Moment(at) = *until.get_ref();
        if at < self.earliest_ms {
            let now = kisi_sim::format_timestamp(self.earliest_ms);
            let message =
                format!("the scenario goes back in time: it is {now} by then, so name a later moment");
            self.reader.wrong.push(self.reader.source.wrong(&until.span(), message));
            return None;
        }
        self.earliest_ms = at;
        Some(Action::Until(at))
    }

    fn event(
        &mut self,
        word: &Text,
        member: Option<Text>,
        change: Option<toml::Spanned<document::Change>>,
    ) -> Option<Happening> {
        let kind = match event_kind(word.get_ref()) {
            Ok(kind) => kind,
            Err(message) => {
                self.reader.wrong(word, message);
                return None;
            }
        };
        let Some(member) = member else {
            self.reader.wrong(word, "an event happens to somebody: add `member`".to_owned());
            return None;
        };
        let id = member.get_ref().clone();
        let is_new = change.as_ref().is_some_and(|change| change.get_ref().new);
        if !is_new {
            self.known_member(&member)?;
        }
        let present = self.members.get(&id);
        let change = match change {
            Some(change) => Some(self.reader.change(&member, present, change.into_inner())?),
            None => None,
        };
        match &change {
            Some(DirectoryChange::Put(changed)) => {
                self.names.insert(id.clone(), changed.name.clone());
                self.members.insert(id.clone(), changed.clone());
            }
            Some(DirectoryChange::Delete) => drop(self.members.remove(&id)),
            None => {}
        }
        let name = self.names.get(&id).cloned().unwrap_or_default();
        Some(Happening { word: word.get_ref().clone(), kind, member: id, name, change })
    }

    fn hand(&mut self, hand: &Hand) {
        match hand {
            Hand::AddGroup { name } => self.add_group(name),
            Hand::RenameGroup { group, name } => {
                self.known_group(group);
                self.add_group(name);
            }
            Hand::DeleteGroup { group }
            | Hand::AppAccess { group, .. }
            | Hand::AccessHours { group, .. }
            | Hand::Assign { group, .. }
            | Hand::Unassign { group, .. } => self.known_group(group),
            Hand::AddPerson { .. }
            | Hand::DeletePerson { .. }
            | Hand::Suspend { .. }
            | Hand::DoorOnline { .. }
            | Hand::LockDown { .. }
            | Hand::OrganizationRole { .. }
            | Hand::RevokeKey => {}
        }
    }

    /// Entries of the mapping, one for each group.
    pub(super) fn mappings(&mut self, mappings: &[Mapping]) -> Vec<MappingEntry> {
        let mut entries = Vec::new();
        for mapping in mappings {
            self.reader.known_plan(&mapping.plan);
            for group in &mapping.groups {
                self.known_group(group);
                entries.push(MappingEntry {
                    plan: mapping.plan.get_ref().clone(),
                    group: group.get_ref().clone(),
                    location: mapping.location.clone(),
                    place: self.reader.source.place(group.span().start),
                });
            }
        }
        entries
    }

    fn expect(&mut self, expect: document::Expect) -> Expect {
        let mut read = Expect {
            calls: expect.calls.map(toml::Spanned::into_inner),
            edits: expect.edits.map(toml::Spanned::into_inner),
            deliveries: expect.deliveries.map(toml::Spanned::into_inner),
            error: expect.error.map(Text::into_inner),
            state: expect.state.map(Text::into_inner),
            broken: expect.broken.map(toml::Spanned::into_inner),
            answer: self.answer(expect.verdict, expect.attempt, expect.causes),
            ..Expect::default()
        };
        for (whom, groups) in expect.groups {
            let whom = self.whom(&whom);
            groups.iter().for_each(|group| self.known_group(group));
            read.groups.push((whom, groups.into_iter().map(Text::into_inner).collect()));
        }
        for (whom, windows) in expect.windows {
            let whom = self.whom(&whom);
            windows.keys().for_each(|group| self.known_group(group));
            read.windows.push((
                whom,
                windows.into_iter().map(|(group, dates)| (group.into_inner(), dates)).collect(),
            ));
        }
        read.changes = self.words(expect.changes, "action", &ACTIONS);
        read.reasons = self.words(expect.reasons, "reason", &REASONS);
        read.accounts = self.words(expect.accounts, "account action", &ACCOUNT_ACTIONS);
        read.warnings = self.words(expect.warnings, "warning", &WARNINGS);
        for (member, at) in expect.due {
            self.known_member(&member);
            read.due.push((member.into_inner(), Bound::ms(at)));
        }
        read
    }

    /// Lists of words by member. Of a longer text, such as `granted Spa`, the first word counts.
    fn words(&mut self, given: Each<Vec<String>>, what: &str, known: &[&str]) -> Vec<(String, Vec<String>)> {
        let mut read = Vec::new();
        for (member, words) in given {
            self.known_member(&member);
            for word in &words {
                let first = word.split_whitespace().next().unwrap_or_default();
                if !known.contains(&first) {
                    let meant = meant(first, known.iter().copied());
                    self.reader.wrong(&member, format!("there is no {what} `{first}`: {meant}"));
                }
            }
            read.push((member.into_inner(), words));
        }
        read
    }

    fn whom(&mut self, whom: &Text) -> Whom {
        if whom.get_ref().contains('@') {
            return Whom::Address(whom.get_ref().clone());
        }
        self.known_member(whom);
        Whom::Member(whom.get_ref().clone())
    }
}

/// A fault as the simulator takes it.
fn fault(given: &Fault, source: &Source) -> Result<kisi_sim::Fault, Wrong> {
    let route = given.on.get_ref().parse();
    let route = route
        .map_err(|error: kisi_sim::FaultRouteError| source.wrong(&given.on.span(), error.to_string()))?;
    let mut effect = Map::from_iter([("kind".to_owned(), json!(given.kind.get_ref()))]);
    let details = [
        ("status", given.status.map(u64::from)),
        ("retry_after_s", given.retry_after_s),
        ("ms", given.ms),
        ("missing", given.missing),
    ];
    effect.extend(details.into_iter().filter_map(|(name, value)| Some((name.to_owned(), json!(value?)))));
    let effect = serde_json::from_value(Value::Object(effect));
    let effect = effect
        .map_err(|error| source.wrong(&given.kind.span(), super::source::in_words(&error.to_string())))?;
    Ok(kisi_sim::Fault { route, effect, skip: given.skip, times: given.times })
}

/// A TOML table as JSON; times become texts.
pub(super) fn json_object(table: toml::Table) -> Map<String, Value> {
    table.into_iter().map(|(name, value)| (name, json_value(value))).collect()
}

fn json_value(value: toml::Value) -> Value {
    match value {
        toml::Value::String(text) => json!(text),
        toml::Value::Integer(number) => json!(number),
        toml::Value::Float(number) => json!(number),
        toml::Value::Boolean(flag) => json!(flag),
        toml::Value::Datetime(at) => json!(at.to_string()),
        toml::Value::Array(values) => values.into_iter().map(json_value).collect(),
        toml::Value::Table(table) => Value::Object(json_object(table)),
    }
}

/// The kind of event that a word stands for. A sentence when it stands for none.
pub fn event_kind(word: &str) -> Result<EventKind, String> {
    let kind = EVENTS.iter().find(|(name, _)| *name == word).map(|(_, kind)| kind.clone());
    let other = word.strip_prefix(OTHER).filter(|other| !other.is_empty());
    kind.or(other.map(|other| EventKind::Other(other.to_owned()))).ok_or_else(|| {
        let known = EVENTS.iter().map(|(name, _)| *name).chain([OTHER_EVENT]);
        format!("there is no event `{word}`: {}", meant(word, known))
    })
}
