//! Whether a scenario holds together: every name in it must be known where it is used.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::json;

use super::directory::Reader;
use super::document::{Document, Text};
use super::places::Places;
use super::seeding;
use super::source::{Source, meant};
use super::step::json_object;
use super::time::Moment;
use super::{MappingEntry, Scenario, Settings, Step};
use crate::unusable::Wrong;
use door_access_host::contract::types::{Member, Plan};

/// 2026-12-01T08:00:00Z, a Tuesday morning: when a scenario begins that does not say.
const START_MS: u64 = 1_796_112_000_000;

/// How the harness introduces itself to Kisi when a scenario does not say.
const IDENTIFIER: &str = "door-access harness";
const CONTACT: &str = "doors@platform.example";

/// Collects what is wrong while going through a scenario from top to bottom.
pub(super) struct Checker<'a> {
    pub(super) reader: Reader<'a>,
    /// The members as they are at this point of the story.
    pub(super) members: BTreeMap<String, Member>,
    /// The names of all members that there ever were.
    pub(super) names: BTreeMap<String, String>,
    /// The groups that there ever were; `None` when Kisi is taken as it is.
    groups: Option<BTreeSet<String>>,
    /// The earliest that it can be at this point of the story: waiting for a retry takes time, too.
    pub(super) earliest_ms: u64,
}

/// Works a document out.
///
/// # Errors
/// Everything that is wrong with it.
pub(super) fn check(mut document: Document, source: &Source, folder: &Path) -> Result<Scenario, Vec<Wrong>> {
    let mut wrong = Vec::new();
    let start_ms = document.start.map(|Moment(ms)| ms).or_else(|| seeding::start_of_file(&document, folder));
    let start_ms = start_ms.unwrap_or(START_MS);
    let seed = seeding::seed(&document, source, folder, start_ms, &mut wrong);
    let seeds_at = seed.as_ref().and_then(|_| seeding::span(&document)).map(|span| source.place(span.start));
    let plans: Vec<Plan> = document
        .plans
        .iter()
        .map(|plan| Plan { id: plan.id.get_ref().clone(), name: plan.name.clone() })
        .collect();
    twice(document.plans.iter().map(|plan| &plan.id), "plan", source, &mut wrong);
    twice(document.groups.iter().map(|group| &group.name), "group", source, &mut wrong);
    twice(document.members.iter().map(|member| &member.id), "member", source, &mut wrong);
    let groups = seed.as_ref().map(group_names);
    let reader = Reader { source, plans: &plans, wrong };
    let (members, names) = (BTreeMap::new(), BTreeMap::new());
    let mut checker = Checker { reader, members, names, groups, earliest_ms: start_ms };
    let mappings: Vec<MappingEntry> = checker.mappings(&document.mappings);
    let members: Vec<Member> = std::mem::take(&mut document.members)
        .into_iter()
        .map(|member| checker.reader.member(member))
        .collect();
    for member in &members {
        checker.names.insert(member.id.clone(), member.name.clone());
        checker.members.insert(member.id.clone(), member.clone());
    }
    let steps: Vec<Step> = std::mem::take(&mut document.steps)
        .into_iter()
        .enumerate()
        .map(|(index, step)| checker.step(index, step))
        .collect();
    let wrong = checker.reader.wrong;
    if !wrong.is_empty() {
        return Err(wrong);
    }
    let mut settings = Settings { values: json_object(document.settings), path: "settings".to_owned() };
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

impl Checker<'_> {
    /// Complains about a group that is not there. Groups that were deleted on the way still count: expecting that
    /// nobody is in one is fair.
    pub(super) fn known_group(&mut self, group: &Text) {
        let Some(groups) = &self.groups else { return };
        if !groups.contains(group.get_ref()) {
            let meant = meant(group.get_ref(), groups.iter().map(String::as_str));
            self.reader.wrong(group, format!("there is no group `{}`: {meant}", group.get_ref()));
        }
    }

    pub(super) fn add_group(&mut self, name: &str) {
        if let Some(groups) = &mut self.groups {
            groups.insert(name.to_owned());
        }
    }

    /// Complains about somebody who never was a member.
    pub(super) fn known_member(&mut self, member: &Text) -> Option<()> {
        if self.names.contains_key(member.get_ref()) {
            return Some(());
        }
        let meant = meant(member.get_ref(), self.names.keys().map(String::as_str));
        self.reader.wrong(member, format!("there is no member `{}`: {meant}", member.get_ref()));
        None
    }
}

fn group_names(seed: &kisi_sim::Seed) -> BTreeSet<String> {
    let groups = seed.organizations.iter().flat_map(|organization| &organization.groups);
    groups.map(|group| group.name.clone()).collect()
}

fn twice<'a>(names: impl Iterator<Item = &'a Text>, what: &str, source: &Source, wrong: &mut Vec<Wrong>) {
    let mut seen = BTreeSet::new();
    for name in names {
        if !seen.insert(name.get_ref()) {
            wrong.push(
                source.wrong(&name.span(), format!("the {what} `{}` is there already", name.get_ref())),
            );
        }
    }
}
