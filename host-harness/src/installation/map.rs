//! `harness map`: which plan opens which groups.

mod preview;

use std::collections::BTreeSet;
use std::io;
use std::path::Path;

use serde::Serialize;

use super::console::{Answer, Console};
use super::members::{Table as Rows, columns, one_of};
use super::session::Session;
use crate::args::MapArgs;
use crate::exit::{Exit, Stop};
use crate::report::{Page, Table, Tone};
use door_access_host::contract::groups::{Group, GroupWarning};
use door_access_host::contract::mappings::{Mapping, MappingState};
use door_access_scenario::unusable::{Unusable, Wrong, told_once, unusable};

/// Required columns of a mapping's file.
const NEEDED: [&str; 2] = ["plan", "group"];
/// Its optional column: an entry without a location counts for memberships of all locations.
const LOCATION: &str = "location";

/// The mapping.
#[derive(Serialize)]
#[serde(tag = "type", rename = "mapping")]
struct Shown {
    /// Whether this command changed it.
    changed: bool,
    entries: Vec<Entry>,
    /// Plans without an entry.
    without_access: Vec<String>,
}

#[derive(Serialize)]
struct Entry {
    plan: String,
    plan_name: String,
    group: String,
    group_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    location: Option<String>,
    /// The group was deleted in Kisi.
    broken: bool,
}

/// Shows or changes the mapping.
pub(super) async fn run(session: &Session, args: &MapArgs, console: &mut Console<'_>) -> Result<Exit, Stop> {
    let states = session.ask(console, async |tenant| tenant.list_mappings().await).await?;
    let before: Vec<Mapping> = states.iter().map(|state| state.mapping.clone()).collect();
    let wanted = match (&args.file, &args.plan) {
        (Some(file), _) => from_file(session, file, &known(session, console).await?)?,
        (None, None) => before.clone(),
        (None, Some(plan)) if args.remove => without(session, args, plan, &states)?,
        (None, Some(plan)) => with(session, args, plan, &before, &known(session, console).await?)?,
    };
    if args.file.is_some() && wanted.is_empty() && !args.empty && !args.preview {
        return Ok(unusable(
            "the file has no entries, so that no plan would open a door, and the next sync would take from all members \
             what the plugin gave them: give --empty if that is what you want, and --preview to see it",
        )?);
    }
    if args.preview {
        if args.file.is_none() && args.plan.is_none() {
            return Ok(unusable(
                "name the change that --preview is to look at: `harness map PLAN GROUP --preview`, with --remove, or \
                 with --file",
            )?);
        }
        return preview::run(session, &wanted, console).await;
    }
    for place in unknown_locations(session, &wanted) {
        console.note(&format!(
            "No membership has the location `{place}` now: entries with it open nothing until one has."
        ));
    }
    let changed = wanted != before;
    let states = match changed {
        true => session.ask(console, async |tenant| tenant.replace_mappings(&wanted).await).await?,
        false => states,
    };
    console.tell(&shown(session, &states, changed))?;
    Ok(Exit::AsExpected)
}

/// The locations that entries name and no membership has.
fn unknown_locations<'a>(session: &Session, wanted: &'a [Mapping]) -> BTreeSet<&'a str> {
    let memberships = session.roll.members.iter().flat_map(|member| &member.memberships);
    let known: BTreeSet<&str> = memberships.filter_map(|membership| membership.location.as_deref()).collect();
    wanted.iter().filter_map(|entry| entry.location.as_deref()).filter(|at| !known.contains(at)).collect()
}

/// The groups that an entry can name.
async fn known(session: &Session, console: &mut Console<'_>) -> Result<Vec<Group>, Stop> {
    let mut groups = session.ask(console, async |tenant| tenant.list_groups().await).await?.groups;
    groups.retain(|group| !group.warnings.contains(&GroupWarning::Deleted));
    Ok(groups)
}

fn group<'a>(given: &str, groups: &'a [Group]) -> Result<&'a Group, String> {
    let known = groups.iter().map(|group| (group, group.id.as_str(), group.name.as_str()));
    let advice = |text| format!("{text} (a new group is known after `harness groups --refresh`)");
    one_of("group", given, known.collect()).map_err(advice)
}

/// The mapping with another entry.
fn with(
    session: &Session,
    args: &MapArgs,
    plan: &str,
    before: &[Mapping],
    groups: &[Group],
) -> Result<Vec<Mapping>, Unusable> {
    let Some(given) = &args.group else {
        let names: Vec<&str> = groups.iter().map(|group| group.name.as_str()).collect();
        return unusable(format!("name the group that {plan} opens: one of `{}`", names.join("`, `")));
    };
    let mut wrong = Vec::new();
    let mut note = |error: String| wrong.push(Wrong::plain(error));
    if args.at.as_ref().is_some_and(|at| at.trim().is_empty()) {
        note("--at names no location: leave it out for memberships of all locations".to_owned());
    }
    let plan = session.roll.plan(plan).map_err(&mut note).ok();
    let group = group(given, groups).map_err(&mut note).ok();
    let (Some(plan), Some(group), true) = (plan, group, wrong.is_empty()) else { return Err(wrong.into()) };
    let entry = Mapping { plan: plan.id.clone(), group: group.id.clone(), location: args.at.clone() };
    let mut wanted = before.to_vec();
    if !wanted.contains(&entry) {
        wanted.push(entry);
    }
    Ok(wanted)
}

/// The mapping without an entry, or without all entries of a plan. Plans and groups that no longer exist can be removed,
/// too.
fn without(
    session: &Session,
    args: &MapArgs,
    plan: &str,
    before: &[MappingState],
) -> Result<Vec<Mapping>, Unusable> {
    let roll = &session.roll;
    let is_plan = |state: &&MappingState| {
        let id = &state.mapping.plan;
        plan == id || plan == roll.plan_name(id)
    };
    let is_group = |state: &&MappingState| {
        args.group.as_ref().is_none_or(|group| *group == state.mapping.group || *group == state.group_name)
    };
    let is_at = |state: &&MappingState| args.at.is_none() || args.at == state.mapping.location;
    let gone: Vec<&MappingState> = before.iter().filter(is_plan).filter(is_group).filter(is_at).collect();
    if gone.is_empty() {
        if let Err(error) = roll.plan(plan) {
            return unusable(error);
        }
        return unusable(format!(
            "there is no such entry for {plan}: `harness map` shows those that there are"
        ));
    }
    let stays = |state: &&MappingState| !gone.contains(state);
    Ok(before.iter().filter(stays).map(|state| state.mapping.clone()).collect())
}

/// The mapping of a file.
fn from_file(session: &Session, file: &Path, groups: &[Group]) -> Result<Vec<Mapping>, Unusable> {
    let rows = Rows::read(file)?;
    let mut wrong: Vec<Wrong> = rows.wrong().cloned().collect();
    if !columns(&rows, "a mapping", &NEEDED, &[LOCATION], &mut wrong) {
        return Err(told_once(wrong).into());
    }
    // A misspelt location column must not be ignored: its entries would open the doors of all locations.
    let is_read = |column: &&str| column.is_empty() || NEEDED.contains(column) || *column == LOCATION;
    for other in rows.columns().filter(|column| !is_read(column)) {
        let message = format!("a mapping has no column `{other}`: known are `plan`, `group`, `{LOCATION}`");
        wrong.push(Wrong::at(rows.head_of(other), message));
    }
    let mut wanted: Vec<Mapping> = Vec::new();
    for row in rows.rows() {
        let mut note = |error: Wrong| wrong.push(error);
        if let Some(text) = row.unnamed() {
            note(row.wrong(format!("`{text}` stands in a column without a name: name it, or remove it")));
        }
        let plan = session.roll.plan(row.get("plan").unwrap_or_default());
        let plan = plan.map_err(|error| note(row.wrong_in("plan", error))).ok();
        let group = group(row.get("group").unwrap_or_default(), groups);
        let group = group.map_err(|error| note(row.wrong_in("group", error))).ok();
        let (Some(plan), Some(group)) = (plan, group) else { continue };
        let location = row.get(LOCATION).map(str::to_owned);
        let entry = Mapping { plan: plan.id.clone(), group: group.id.clone(), location };
        if wanted.contains(&entry) {
            note(row.wrong("is the same as an earlier entry"));
        }
        wanted.push(entry);
    }
    if wrong.is_empty() { Ok(wanted) } else { Err(told_once(wrong).into()) }
}

fn shown(session: &Session, states: &[MappingState], changed: bool) -> Shown {
    let plans = &session.roll.plans;
    let mut entries: Vec<Entry> = states
        .iter()
        .map(|state| Entry {
            plan: state.mapping.plan.clone(),
            plan_name: session.roll.plan_name(&state.mapping.plan).to_owned(),
            group: state.mapping.group.clone(),
            group_name: state.group_name.clone(),
            location: state.mapping.location.clone(),
            broken: state.broken,
        })
        .collect();
    // In the order of the gym's plans; plans that no longer exist come last.
    entries.sort_by_key(|entry| plans.iter().position(|plan| plan.id == entry.plan).unwrap_or(usize::MAX));
    let is_mapped = |id: &str| states.iter().any(|state| state.mapping.plan == id);
    let without = plans.iter().filter(|plan| !is_mapped(&plan.id)).map(|plan| plan.name.clone());
    Shown { changed, without_access: without.collect(), entries }
}

impl Answer for Shown {
    fn print(&self, page: &mut Page) -> io::Result<()> {
        let mut table = Table::new(["plan", "location", "opens"]);
        let (mut before, any) = ("", (Tone::Faint, "any"));
        for entry in &self.entries {
            let name = if entry.plan == before { "" } else { &entry.plan_name };
            let location = entry.location.as_deref().map_or(any, |location| (Tone::Plain, location));
            let deleted = format!("{} (deleted in Kisi: opens nothing)", entry.group_name);
            let group = match entry.broken {
                true => (Tone::Bad, deleted.as_str()),
                false => (Tone::Good, entry.group_name.as_str()),
            };
            table.row([(Tone::Plain, name), location, group]);
            before = &entry.plan;
        }
        for plan in &self.without_access {
            table.row([(Tone::Plain, plan.as_str()), any, (Tone::Care, "nothing: no door")]);
        }
        page.table(table)?;
        if self.changed {
            page.gap()?;
            let next = "Saved. It applies to each member with the next event, and to all members with `harness \
                        sync` or the next `harness tick`; `harness preview` shows what that would change.";
            page.wide(Tone::Plain, next)?;
        }
        Ok(())
    }
}
