//! Plays a scenario. The player acts as the platform (it changes the directory and delivers events) and as the gym (it
//! connects and maps).

mod access;
mod deliver;
mod expect;
pub mod facts;
mod setup;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io;
use std::sync::Arc;

use crate::file::{Action, Scenario, Settings, Step};
use crate::report::{Ending, GroupRoll, GroupsOf, Report, StepReport};
use crate::unusable::{Unusable, unusable};
use crate::words::held;
use crate::world::{Assignment, Roster, World};
use door_access_host::contract::events::Event;
use door_access_host::{MemoryDirectory, MemoryStorage, Plugin, Recorder, Tenant};

use expect::Seen;

/// How much of each request's body is kept for the report, in bytes.
const BODY_BYTES_MAX: usize = 2_000;

/// Why a scenario could not be played to its end.
#[derive(Debug, thiserror::Error)]
pub enum PlayError {
    /// The scenario, the plugin or the Kisi that it is played against cannot be used.
    #[error(transparent)]
    Unusable(#[from] Unusable),
    /// The report could not be written.
    #[error("the report could not be written")]
    Report(#[from] io::Error),
}

/// Optional parts of the report.
#[derive(Clone, Copy, Debug)]
pub struct Shown {
    /// The requests' bodies.
    pub bodies: bool,
    /// The plugin's log lines.
    pub log: bool,
}

/// The gym and its platform while a scenario is played.
pub struct Player<'a> {
    scenario: &'a Scenario,
    world: World,
    plugin: Plugin,
    directory: Arc<MemoryDirectory>,
    storage: Arc<MemoryStorage>,
    recorder: Arc<Recorder>,
    tenant: Tenant,
    settings: Settings,
    shown: Shown,
    /// Every address that each member had, the present one last.
    addresses: BTreeMap<String, Vec<String>>,
    /// Every member's name.
    names: BTreeMap<String, String>,
    /// The groups' ids by name, as the plugin last listed them.
    groups: BTreeMap<String, String>,
    /// The names of the mapped groups.
    mapped: BTreeSet<String>,
    /// Who was in which group after the last step.
    roster: Roster,
    /// Undelivered events. They are delivered again when time passes. While the plugin is paused, they wait until the
    /// gym connects again.
    waiting: VecDeque<Waiting>,
    paused: bool,
    seen: Seen,
    /// The counts so far. `ending` fills in the other fields.
    totals: Ending,
}

/// An undelivered event.
struct Waiting {
    event: Event,
    title: String,
}

impl<'a> Player<'a> {
    /// Sets up the gym and its platform as the scenario starts. Nothing is sent yet.
    ///
    /// # Errors
    /// When the plugin's needs cannot be met, for example an origin that was not approved.
    pub fn new(scenario: &'a Scenario, world: World, plugin: Plugin, shown: Shown) -> Result<Self, Unusable> {
        let directory = Arc::new(MemoryDirectory::new());
        directory.set_plans(scenario.plans.clone());
        let (mut addresses, mut names) = (BTreeMap::new(), BTreeMap::new());
        for member in &scenario.members {
            addresses.insert(member.id.clone(), member.email.iter().map(|email| address(email)).collect());
            names.insert(member.id.clone(), member.name.clone());
            directory.insert(member.clone());
        }
        let storage = Arc::new(MemoryStorage::new());
        let recorder = Arc::new(Recorder::with_bodies(BODY_BYTES_MAX));
        let tenant = tenant(&plugin, &world, &directory, &storage, &recorder)?;
        Ok(Player {
            scenario,
            world,
            plugin,
            directory,
            storage,
            recorder,
            tenant,
            settings: scenario.settings.clone(),
            shown,
            addresses,
            names,
            groups: BTreeMap::new(),
            mapped: BTreeSet::new(),
            roster: Roster::default(),
            waiting: VecDeque::new(),
            paused: false,
            seen: Seen::default(),
            totals: Ending::default(),
        })
    }

    /// Plays the scenario from connecting to the last step, and returns the ending. The caller reports the opening
    /// and the ending. A failed expectation is not an error: [`Ending::failed`] counts it.
    ///
    /// # Errors
    /// When the scenario turns out to be wrong, when the first connection or mapping fails, or when the report cannot
    /// be written.
    pub async fn play(&mut self, report: &mut dyn Report) -> Result<Ending, PlayError> {
        self.first_connect(report).await?;
        if !self.scenario.mappings.is_empty() {
            self.first_map(report).await?;
        }
        self.roster = self.world.roster().await?;
        for step in &self.scenario.steps {
            if step.action.is_some() {
                std::mem::take(&mut self.seen).demand_nothing_wrong()?;
            }
            for told in self.step(step).await.map_err(|error| error.at(&step.place))? {
                report.step(&told)?;
            }
        }
        std::mem::take(&mut self.seen).demand_nothing_wrong()?;
        Ok(self.ending())
    }

    /// Plays a step, and returns what is to be reported about it.
    async fn step(&mut self, step: &Step) -> Result<Vec<StepReport>, Unusable> {
        let mut reports = match &step.action {
            None => vec![self.blank("expect", "what should be so now".to_owned())],
            Some(action) => self.act(action).await?,
        };
        for told in &mut reports {
            told.line = Some(step.place.line);
        }
        if let Some(first) = reports.first_mut() {
            first.note.clone_from(&step.note);
        }
        if let (Some(expect), Some(last)) = (&step.expect, reports.last_mut()) {
            let (checked, mismatches) = self.compare(expect).await?;
            self.totals.expectations += checked;
            self.totals.failed += mismatches.len();
            last.mismatches = mismatches;
        }
        // A step with expectations alone is reported only when one fails or the step has a note.
        reports.retain(|told| told.step != "expect" || !told.mismatches.is_empty() || told.note.is_some());
        Ok(reports)
    }

    async fn act(&mut self, action: &Action) -> Result<Vec<StepReport>, Unusable> {
        Ok(match action {
            Action::Event(happening) => vec![self.happen(happening).await?],
            Action::Advance(ms) => self.advance(*ms, format!("{} later", facts::span(*ms))).await?,
            Action::Until(at) => match at.checked_sub(self.world.clock.now_ms()) {
                Some(ms) => self.advance(ms, "time passes".to_owned()).await?,
                None => {
                    let now = kisi_sim::format_timestamp(self.world.clock.now_ms());
                    return unusable(format!(
                        "the scenario goes back in time: it is {now} by then, after waiting for the plugin, so name \
                         a later moment"
                    ));
                }
            },
            Action::Fault(fault) => {
                let told = self.blank("fault", facts::fault(fault));
                self.world.fault(fault).await?;
                vec![told]
            }
            Action::Hand(hand) => {
                let told = self.blank("hand", facts::hand(hand));
                self.world.hand(hand).await?;
                self.roster = self.world.roster().await?;
                vec![told]
            }
            Action::Connect { key, key_of, settings } => {
                self.world.change_key(*key, key_of.as_deref()).await?;
                if let Some(settings) = settings {
                    let integration = self.settings.values.remove("integration");
                    self.settings = settings.clone();
                    if let Some(integration) = integration {
                        self.settings.values.entry("integration").or_insert(integration);
                    }
                }
                self.tenant =
                    tenant(&self.plugin, &self.world, &self.directory, &self.storage, &self.recorder)?;
                self.connect_again().await?
            }
            Action::RefreshGroups => vec![self.refresh().await?],
            Action::Tick => vec![self.tick().await?],
            Action::Map(entries) => vec![self.map_again(entries).await?],
            Action::Explain(asked) => vec![self.explain(asked).await],
            Action::Unlock(asked) => vec![self.unlock(asked).await?],
        })
    }

    /// Time passes, and undelivered events are delivered again.
    async fn advance(&mut self, ms: u64, title: String) -> Result<Vec<StepReport>, Unusable> {
        self.world.advance(ms).await?;
        let mut reports = vec![self.blank("advance", title)];
        reports.extend(self.deliver_waiting().await?);
        Ok(reports)
    }

    /// A report without content.
    fn blank(&self, step: &'static str, title: String) -> StepReport {
        StepReport { step, title, at: self.world.clock.now_ms(), ..StepReport::default() }
    }

    /// The member's name, or the id when the scenario has no such member.
    fn name<'s>(&'s self, id: &'s str) -> &'s str {
        self.names.get(id).map_or(id, String::as_str)
    }

    /// The groups of some members before and after the step. Each member has a line for the present address, and one
    /// for each earlier address with groups. An address that several members have had has a single line, named by the
    /// address and not by a member: Kisi does not know which member's access it is.
    fn groups_of(&self, members: &[String], before: &Roster) -> Vec<GroupsOf> {
        let (now_ms, after) = (self.world.clock.now_ms(), &self.roster);
        let list = |roster: &Roster, email: &str| -> Vec<String> {
            roster.of_address(email).into_iter().map(|one| one.in_words(now_ms)).collect()
        };
        let mut groups: Vec<GroupsOf> = Vec::new();
        for member in members {
            let name = self.name(member);
            let addresses = self.addresses.get(member).map(Vec::as_slice).unwrap_or_default();
            let Some((present, earlier)) = addresses.split_last() else {
                groups.push(GroupsOf { who: name.to_owned(), before: Vec::new(), after: Vec::new() });
                continue;
            };
            for email in addresses {
                let (before, after) = (list(before, email), list(after, email));
                let is_shared = self.addresses.values().filter(|known| known.contains(email)).count() > 1;
                let by_name = email == present && earlier.is_empty() && !is_shared;
                let who = if by_name { name.to_owned() } else { email.clone() };
                let is_shown = email == present || !before.is_empty() || !after.is_empty();
                if is_shown && groups.iter().all(|known| known.who != who) {
                    groups.push(GroupsOf { who, before, after });
                }
            }
        }
        groups
    }

    fn ending(&self) -> Ending {
        let now_ms = self.world.clock.now_ms();
        // A live Kisi may have many groups that have nothing to do with the scenario.
        let is_shown = |name: &String| self.world.is_simulated() || self.mapped.contains(name);
        let mut names: Vec<&String> = self.roster.groups.values().filter(|name| is_shown(name)).collect();
        names.sort();
        let person = |one: &Assignment| {
            let name = if one.name.is_empty() { &one.email } else { &one.name };
            held(name, one.role.as_deref(), one.window, now_ms)
        };
        let groups = names
            .into_iter()
            .map(|name| {
                let people = self.roster.assignments.iter().filter(|one| one.group == *name);
                GroupRoll { group: name.clone(), people: people.map(person).collect() }
            })
            .collect();
        Ending { groups, undelivered: self.waiting.len(), paused: self.paused, ..self.totals.clone() }
    }
}

fn tenant(
    plugin: &Plugin,
    world: &World,
    directory: &Arc<MemoryDirectory>,
    storage: &Arc<MemoryStorage>,
    recorder: &Arc<Recorder>,
) -> Result<Tenant, Unusable> {
    let mut builder = Tenant::builder(plugin.clone(), "gym")
        .directory(Arc::clone(directory) as Arc<_>)
        .storage(Arc::clone(storage) as Arc<_>)
        .credential(world.key.secret())
        .transport(Arc::clone(&world.transport))
        .pace(Arc::clone(&world.pace))
        .clock(Arc::clone(&world.clock))
        .observer(Arc::clone(recorder) as Arc<_>);
    for origin in plugin.origins() {
        builder = builder.approve(world.approve(origin));
    }
    builder.build().map_err(|error| Unusable::new(error.to_string()))
}

/// An e-mail address in the form in which addresses are compared.
fn address(email: &str) -> String {
    email.trim().to_lowercase()
}
