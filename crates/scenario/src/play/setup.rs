//! The gym's part: connecting, reading groups, mapping plans to groups, and ticks.

use std::time::Duration;

use super::{PlayError, Player, facts};
use crate::file::MappingEntry;
use crate::report::{Fact, FactKind, Report, StepReport};
use crate::unusable::{Place, Unusable, Wrong};
use crate::words::{self, meant, moment};
use door_access_host::Called;
use door_access_host::contract::groups::{Group, GroupWarning};
use door_access_host::contract::mappings::{Mapping, MappingState};
use door_access_host::contract::types::{Demand, Error, InputError, Problem};

/// Most attempts at a call that the plugin answers with `retry`.
const ATTEMPTS_MAX: u32 = 4;
/// Most requests of a tick.
const TICK_CALLS: u32 = 100;
/// Most ticks of a step, for a plugin that never comes to rest.
const TICKS_MAX: u32 = 1_000;

/// Why a call failed.
struct Refused {
    /// In words.
    text: String,
    /// The mistakes in the input, if that is why.
    problems: Vec<Problem>,
}

impl Refused {
    /// The mistakes in the input as mistakes in the scenario; `place` resolves their paths.
    fn wrong<'p>(&self, what: &str, place: impl Fn(&str) -> &'p Place) -> Option<Unusable> {
        let wrong = |Problem { path, message }: &Problem| {
            Wrong::at(place(path).clone(), format!("{what}: {path}: {message}"))
        };
        let wrong: Vec<Wrong> = self.problems.iter().map(wrong).collect();
        (!wrong.is_empty()).then(|| wrong.into())
    }

    /// The failure, when the input is not its cause.
    fn because(&self, what: &str) -> Unusable {
        Unusable::new(format!("{what}: {}", self.text))
    }
}

impl Player<'_> {
    /// The first connection. Its failure ends the run.
    pub(super) async fn first_connect(&mut self, report: &mut dyn Report) -> Result<(), PlayError> {
        let mut told = self.blank("connect", "connect".to_owned());
        let connected = self.connect(&mut told).await;
        report.step(&told)?;
        match connected {
            Ok(()) => Ok(()),
            Err(refused) => {
                let wrong = self.wrong_settings(&refused);
                Err(wrong.unwrap_or_else(|| refused.because("the plugin cannot connect")).into())
            }
        }
    }

    /// The first mapping. Its failure ends the run.
    pub(super) async fn first_map(&mut self, report: &mut dyn Report) -> Result<(), PlayError> {
        let entries = self.scenario.mappings.clone();
        let mut told = self.blank("map", "map plans to groups".to_owned());
        let mapped = self.map(&entries, &mut told).await?;
        report.step(&told)?;
        match mapped {
            Ok(()) => Ok(()),
            Err(refused) => {
                let wrong = self.wrong_mapping(&entries, &refused);
                Err(wrong.unwrap_or_else(|| refused.because("the plugin refuses the mapping")).into())
            }
        }
    }

    /// Connects again, and delivers the kept events when that works.
    pub(super) async fn connect_again(&mut self) -> Result<Vec<StepReport>, Unusable> {
        let mut told = self.blank("connect", "connect again".to_owned());
        let connected = self.connect(&mut told).await;
        let mut reports = vec![told];
        match connected {
            Ok(()) => {
                self.paused = false;
                reports.extend(self.deliver_waiting().await?);
            }
            Err(refused) => self.seen.wrong = self.wrong_settings(&refused),
        }
        Ok(reports)
    }

    /// Replaces the mapping.
    pub(super) async fn map_again(&mut self, entries: &[MappingEntry]) -> Result<StepReport, Unusable> {
        let mut told = self.blank("map", "map plans to groups".to_owned());
        if let Err(refused) = self.map(entries, &mut told).await? {
            self.seen.wrong = self.wrong_mapping(entries, &refused);
        }
        Ok(told)
    }

    /// Reads the groups again.
    pub(super) async fn refresh(&mut self) -> Result<StepReport, Unusable> {
        let mut told = self.blank("refresh", "read the groups again".to_owned());
        self.totals.setup.refreshes += 1;
        let tenant = self.tenant.clone();
        if let Ok(list) = self.settled(&mut told, async || tenant.refresh_groups().await).await {
            self.found_groups(&list.groups, &mut told);
        }
        Ok(told)
    }

    /// Ticks until nothing is due.
    pub(super) async fn tick(&mut self) -> Result<StepReport, Unusable> {
        let mut told = self.blank("tick", "no event: a tick does what is due".to_owned());
        let before = self.roster.clone();
        let mut concerned = Vec::new();
        for _ in 0..TICKS_MAX {
            self.totals.setup.ticks += 1;
            let tenant = self.tenant.clone();
            let Ok(ticked) = self.settled(&mut told, async || tenant.tick(TICK_CALLS).await).await else {
                self.paused |= self.seen.error.as_ref().is_some_and(|word| word.starts_with("pause"));
                break;
            };
            for finding in &ticked.findings {
                concerned.extend(finding.member.clone().filter(|member| !concerned.contains(member)));
                let name = finding.member.as_ref().map(|id| self.name(id).to_owned());
                told.facts.push(facts::of_finding(finding, name));
                self.seen.note_finding(finding);
            }
            if ticked.next > self.world.clock.now_ms() {
                let next = format!("Next tick on {}.", moment(ticked.next));
                told.facts.push(facts::plain(FactKind::Due, next));
                break;
            }
        }
        self.roster = self.world.roster().await?;
        told.groups = self.groups_of(&concerned, &before);
        Ok(told)
    }

    async fn connect(&mut self, told: &mut StepReport) -> Result<(), Refused> {
        self.totals.setup.connects += 1;
        let settings = serde_json::Value::Object(self.settings.values.clone()).to_string();
        let tenant = self.tenant.clone();
        let connected = self.settled(told, async || tenant.connect(&settings).await).await?;
        let account = &connected.account;
        let who = words::person(&account.name, &account.email);
        let found = format!("Connected to “{}” with the key of {who}.", connected.organization.name);
        told.facts.push(facts::plain(FactKind::Found, found));
        let places: Vec<&str> = connected.places.iter().map(|place| place.name.as_str()).collect();
        told.facts.push(counted(places.len(), "place", places.join(", ")));
        self.found_groups(&connected.groups, told);
        Ok(())
    }

    fn wrong_settings(&self, refused: &Refused) -> Option<Unusable> {
        let place = |path: &str| self.scenario.places.nearest(&format!("{}.{path}", self.settings.path));
        refused.wrong("the scenario's settings are wrong", place)
    }

    /// Replaces the mapping. A group that Kisi does not have is refused here, because the plugin gets only ids.
    async fn map(
        &mut self,
        entries: &[MappingEntry],
        told: &mut StepReport,
    ) -> Result<Result<(), Refused>, Unusable> {
        let mut mappings = Vec::new();
        for entry in entries {
            let Some(group) = self.groups.get(&entry.group) else {
                let meant = meant(&entry.group, self.groups.keys().map(String::as_str));
                let unknown = Unusable::new(format!("Kisi has no group `{}`: {meant}", entry.group));
                return Err(unknown.at(&entry.place));
            };
            let (plan, location) = (entry.plan.clone(), entry.location.clone());
            mappings.push(Mapping { plan, group: group.clone(), location });
        }
        self.totals.setup.maps += 1;
        let tenant = self.tenant.clone();
        let mapped = self.settled(told, async || tenant.replace_mappings(&mappings).await).await;
        Ok(mapped.map(|states| {
            self.mapped.extend(entries.iter().map(|entry| entry.group.clone()));
            told.facts.extend(self.mapped_plans(&states));
        }))
    }

    /// Resolves paths such as `mappings[2].group`, which count the entries that the plugin got.
    fn wrong_mapping(&self, entries: &[MappingEntry], refused: &Refused) -> Option<Unusable> {
        let entry = |path: &str| {
            let (index, _) = path.strip_prefix("mappings[")?.split_once(']')?;
            entries.get(index.parse::<usize>().ok()?)
        };
        let all = || entries.first().map_or(self.scenario.places.nearest("mappings"), |entry| &entry.place);
        let place = |path: &str| entry(path).map_or_else(all, |entry| &entry.place);
        refused.wrong("the plugin refuses the mapping", place)
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

    /// Makes a call, and repeats it as long as the plugin answers `retry`.
    async fn settled<T, E: Into<InputError>>(
        &mut self,
        told: &mut StepReport,
        call: impl AsyncFn() -> Called<T, E>,
    ) -> Result<T, Refused> {
        let mut attempt = 1;
        loop {
            let said = call().await.map(|answer| answer.map_err(Into::into));
            let calls = self.tell_calls(told);
            self.totals.setup_calls += calls.len();
            self.seen.calls.extend(calls);
            let fact = match &said {
                Ok(Ok(_)) => None,
                Ok(Err(error)) => Some(facts::input_error(error)),
                Err(error) => Some(facts::broken_off(error)),
            };
            self.seen.error = fact.as_ref().and_then(|fact| fact.word.clone());
            let text = fact.as_ref().map(|fact| fact.text.clone()).unwrap_or_default();
            told.facts.extend(fact);
            match said {
                Ok(Ok(answer)) => return Ok(answer),
                Ok(Err(InputError::Failed(Error { demand: Demand::Retry(after_ms), .. })))
                    if attempt < ATTEMPTS_MAX =>
                {
                    let again = format!("Tried again after {}.", facts::span(after_ms));
                    told.facts.push(facts::then(&again));
                    self.world.clock.sleep(Duration::from_millis(after_ms)).await;
                    attempt += 1;
                }
                Ok(Err(InputError::Wrong(problems))) => return Err(Refused { text, problems }),
                _ => return Err(Refused { text, problems: Vec::new() }),
            }
        }
    }
}

fn counted(count: usize, what: &str, names: String) -> Fact {
    let text = match count {
        0 => format!("No {what}s."),
        _ => format!("{}: {names}.", words::counted(count, what)),
    };
    facts::plain(FactKind::Found, text)
}

fn group(group: &Group) -> String {
    let mut notes = Vec::new();
    notes.extend(group.place.clone());
    if group.doors > 0 {
        notes.push(words::counted(group.doors, "door"));
    }
    notes.extend(group.warnings.iter().map(|warning| match warning {
        GroupWarning::NoDoors => "no doors".to_owned(),
        GroupWarning::AppAccessOff => "app access is off".to_owned(),
        GroupWarning::Deleted => "deleted in Kisi".to_owned(),
    }));
    format!("{} ({})", group.name, notes.join(", "))
}
