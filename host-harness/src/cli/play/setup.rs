//! The gym's own doings: connecting, reading groups, mapping plans to groups.

use std::time::Duration;

use super::{Player, facts};
use crate::Called;
use crate::cli::exit::{Unusable, unusable};
use crate::cli::report::{Fact, FactKind, StepReport};
use crate::cli::scenario::{MappingEntry, meant};
use crate::contract::connection::Connected;
use crate::contract::groups::{Group, GroupWarning};
use crate::contract::mappings::{Mapping, MappingState};
use crate::contract::types::Error;

/// How often the gym tries again when the plugin says that it may work later.
const ATTEMPTS_MAX: u32 = 4;

impl Player<'_> {
    /// The first connection. Without it there is no story, so its failure is the end.
    pub(super) async fn first_connect(&mut self) -> Result<StepReport, Unusable> {
        let mut told = self.blank("connect", "connect".to_owned());
        match self.connect(&mut told).await {
            Some(_) => Ok(told),
            None => {
                let why: Vec<&str> = told.facts.iter().map(|fact| fact.text.as_str()).collect();
                let why = why.last().copied().unwrap_or_default();
                let about = match self.seen.error.as_deref() {
                    Some(word) if word.starts_with("settings") => "the scenario's settings are wrong: ",
                    _ => "the plugin cannot connect: ",
                };
                unusable(format!("{about}{why}"))
            }
        }
    }

    /// The first mapping. A wrong one is the scenario's fault.
    pub(super) async fn first_map(&mut self) -> Result<StepReport, Unusable> {
        let entries = self.scenario.mappings.clone();
        let told = self.map(&entries).await?;
        match told.facts.iter().find(|fact| fact.kind == FactKind::Error) {
            Some(error) => unusable(format!("the plugin does not take the mapping: {}", error.text)),
            None => Ok(told),
        }
    }

    /// Connects once more; what waited is delivered when that works.
    pub(super) async fn connect_again(&mut self) -> Result<Vec<StepReport>, Unusable> {
        let mut told = self.blank("connect", "connect again".to_owned());
        let connected = self.connect(&mut told).await;
        let mut reports = vec![told];
        if connected.is_some() {
            self.paused = false;
            reports.extend(self.deliver_waiting().await?);
        }
        Ok(reports)
    }

    async fn connect(&mut self, told: &mut StepReport) -> Option<Connected> {
        let settings = serde_json::Value::Object(self.settings.clone()).to_string();
        let tenant = self.tenant.clone();
        let connected = self.settled(told, async || tenant.connect(&settings).await).await?;
        let account = &connected.account;
        let who = if account.name.is_empty() {
            account.email.clone()
        } else {
            format!("{} ({})", account.name, account.email)
        };
        let found = format!("Connected to “{}” with the key of {who}.", connected.organization.name);
        told.facts.push(facts::plain(FactKind::Found, found));
        let places: Vec<&str> = connected.places.iter().map(|place| place.name.as_str()).collect();
        told.facts.push(counted(places.len(), "place", places.join(", ")));
        self.found_groups(&connected.groups, told);
        Some(connected)
    }

    /// Reads the groups again.
    pub(super) async fn refresh(&mut self) -> Result<StepReport, Unusable> {
        let mut told = self.blank("refresh", "read the groups again".to_owned());
        let tenant = self.tenant.clone();
        if let Some(list) = self.settled(&mut told, async || tenant.refresh_groups().await).await {
            self.found_groups(&list.groups, &mut told);
        }
        Ok(told)
    }

    /// Replaces the mapping.
    pub(super) async fn map(&mut self, entries: &[MappingEntry]) -> Result<StepReport, Unusable> {
        let mut told = self.blank("map", "map plans to groups".to_owned());
        let mut mappings = Vec::new();
        for entry in entries {
            let Some(group) = self.groups.get(&entry.group) else {
                let meant = meant(&entry.group, self.groups.keys().map(String::as_str));
                return unusable(format!("{}Kisi has no group `{}`: {meant}", entry.place, entry.group));
            };
            let (plan, location) = (entry.plan.clone(), entry.location.clone());
            mappings.push(Mapping { plan, group: group.clone(), location });
        }
        let tenant = self.tenant.clone();
        if let Some(states) = self.settled(&mut told, async || tenant.replace_mappings(&mappings).await).await
        {
            self.mapped.extend(entries.iter().map(|entry| entry.group.clone()));
            told.facts.extend(self.mapped_plans(&states));
        }
        Ok(told)
    }

    fn mapped_plans(&self, states: &[MappingState]) -> Vec<Fact> {
        let mut lines: Vec<(String, Vec<String>)> = Vec::new();
        for state in states {
            let plan = self.scenario.plans.iter().find(|plan| plan.id == state.mapping.plan);
            let plan = plan.map_or(&state.mapping.plan, |plan| &plan.name);
            let location = state.mapping.location.as_ref().map(|at| format!(" at {at}")).unwrap_or_default();
            let (plan, broken) =
                (format!("“{plan}”{location}"), if state.broken { " (deleted in Kisi)" } else { "" });
            let group = format!("{}{broken}", state.group_name);
            match lines.iter_mut().find(|(known, _)| *known == plan) {
                Some((_, groups)) => groups.push(group),
                None => lines.push((plan, vec![group])),
            }
        }
        lines
            .into_iter()
            .map(|(plan, groups)| {
                facts::plain(FactKind::Found, format!("{plan} opens {}.", groups.join(", ")))
            })
            .collect()
    }

    fn found_groups(&mut self, groups: &[Group], told: &mut StepReport) {
        self.groups = groups.iter().map(|group| (group.name.clone(), group.id.clone())).collect();
        let shown: Vec<String> = groups.iter().map(group).collect();
        told.facts.push(counted(shown.len(), "group", shown.join(", ")));
    }

    /// Makes a call until it works, cannot work, or was tried often enough.
    async fn settled<T>(&mut self, told: &mut StepReport, call: impl AsyncFn() -> Called<T>) -> Option<T> {
        for attempt in 1..=ATTEMPTS_MAX {
            let said = call().await;
            let calls = self.take_calls();
            self.totals.setup_calls += calls.len();
            self.seen.calls.extend(calls.iter().cloned());
            told.calls.extend(calls);
            match said {
                Ok(Ok(answer)) => {
                    self.seen.error = None;
                    return Some(answer);
                }
                Ok(Err(error)) => {
                    told.facts.push(facts::error(&error));
                    self.seen.error = Some(facts::error_word(&error));
                    let Error::Retry(retry) = error else { return None };
                    if attempt < ATTEMPTS_MAX {
                        told.facts.push(facts::then(&format!(
                            "Tried again after {}.",
                            facts::span(retry.after_ms)
                        )));
                        self.world.clock.sleep(Duration::from_millis(retry.after_ms)).await;
                    }
                }
                Err(error) => {
                    told.facts.push(facts::broken_off(&error));
                    self.seen.error = Some("call".to_owned());
                    return None;
                }
            }
        }
        None
    }
}

fn counted(count: usize, what: &str, names: String) -> Fact {
    let text = match count {
        0 => format!("No {what}s."),
        1 => format!("1 {what}: {names}."),
        _ => format!("{count} {what}s: {names}."),
    };
    facts::plain(FactKind::Found, text)
}

fn group(group: &Group) -> String {
    let mut notes = Vec::new();
    notes.extend(group.place.clone());
    if group.doors > 0 {
        notes.push(if group.doors == 1 { "1 door".to_owned() } else { format!("{} doors", group.doors) });
    }
    notes.extend(group.warnings.iter().map(|warning| match warning {
        GroupWarning::NoDoors => "no doors".to_owned(),
        GroupWarning::AppAccessOff => "app access is off".to_owned(),
        GroupWarning::Deleted => "deleted in Kisi".to_owned(),
    }));
    format!("{} ({})", group.name, notes.join(", "))
}
