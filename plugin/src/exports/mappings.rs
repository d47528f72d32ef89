//! Which plan opens which groups.

use crate::contract::mappings::{Effect, Effects, Mapping, MappingState};
use crate::contract::types::{InputError, Problem};
use crate::host::Host;
use crate::identity::{address, is_others};
use crate::mapping::{Entry, MappedGroup, MappedPlan, Mappings};
use crate::reconcile::{directory_error, entitled};
use crate::stop::Stop;
use crate::storage;
use crate::tenant::{self, Config, Versioned};

/// Entries at most; a gym has some dozens.
const ENTRIES_MAX: usize = 1_000;
/// Members that a preview compares in a call; each may gain and lose hundreds of groups.
const MEMBERS_A_CALL: u32 = 100;

/// See `mappings.list`.
pub fn list(host: &dyn Host) -> Result<Vec<MappingState>, Stop> {
    tenant::config(host)?.ok_or_else(tenant::not_connected)?;
    Ok(to_contract(&tenant::mappings(host)?.value))
}

/// See `mappings.replace`.
pub fn replace(host: &dyn Host, entries: &[Mapping]) -> Result<Vec<MappingState>, InputError> {
    let Checked { mut config, mut stored, mappings } = check(host, entries)?;
    let mut writes = Vec::new();
    if stored.value.fingerprint() != mappings.fingerprint() {
        // The next tick applies it to all members.
        config.value.asked_at = Some(host.now());
        writes.push(config.write());
    }
    stored.value = mappings;
    writes.push(stored.write());
    storage::commit(host, writes)?;
    Ok(to_contract(&stored.value))
}

/// See `mappings.preview`.
pub fn preview(host: &dyn Host, entries: &[Mapping], after: Option<&str>) -> Result<Effects, InputError> {
    let Checked { config, stored, mappings } = check(host, entries)?;
    let settings = &config.value.settings;
    let now = host.now();
    let page = host.list_members(after, MEMBERS_A_CALL).map_err(directory_error)?;
    let mut effects = Vec::new();
    for member in &page.members {
        let held = entitled(Some(member), &stored.value, settings, now);
        let given = entitled(Some(member), &mappings, settings, now);
        let before = effects.len();
        for (gains, these, others, names) in
            [(true, &given, &held, &mappings), (false, &held, &given, &stored.value)]
        {
            let differ = these.groups.iter().filter(|desired| others.desired(desired.group).is_none());
            effects.extend(differ.map(|desired| Effect {
                member: member.id.clone(),
                group: names.group_ref(desired.group),
                gains,
            }));
        }
        // A member without an own address has no grants and would get none. Checked only for members with a
        // difference, because it may need a request to the directory.
        if effects.len() > before {
            let is_reachable = match address(member.email.as_deref()) {
                Some(email) => !is_others(host, &member.id, &email, &mappings, settings, now)?,
                None => false,
            };
            if !is_reachable {
                effects.truncate(before);
            }
        }
    }
    Ok(Effects { effects, next: page.next })
}

/// Valid entries.
struct Checked {
    config: Versioned<Config>,
    /// The current mapping.
    stored: Versioned<Mappings>,
    /// The new mapping.
    mappings: Mappings,
}

/// Checks the new entries against groups, plans and the current mapping.
fn check(host: &dyn Host, entries: &[Mapping]) -> Result<Checked, InputError> {
    let config = tenant::config(host)?.ok_or_else(tenant::not_connected)?;
    let groups = tenant::groups(host)?.value;
    let plans = host.list_plans().map_err(directory_error)?;
    let stored = tenant::mappings(host)?;
    let mut mappings = Mappings::default();
    let mut problems = Vec::new();
    if entries.len() > ENTRIES_MAX {
        problems.push(problem("mappings".to_string(), format!("has more than {ENTRIES_MAX} entries")));
    }
    for (index, entry) in entries.iter().enumerate().take(ENTRIES_MAX) {
        let place = |field: &str| format!("mappings[{index}].{field}");
        let plan = plans.iter().find(|plan| plan.id == entry.plan);
        let group = groups.groups.iter().find(|group| group.id.to_string() == entry.group);
        if plan.is_none() {
            problems.push(problem(
                place("plan"),
                format!("the platform has no plan \u{201c}{}\u{201d}", entry.plan),
            ));
        }
        if group.is_none() {
            let message = format!(
                "the places that the settings choose had no group \u{201c}{}\u{201d} at the last refresh; refresh the groups if it is new",
                entry.group
            );
            problems.push(problem(place("group"), message));
        }
        let (Some(plan), Some(group)) = (plan, group) else { continue };
        let entry = Entry { plan: plan.id.clone(), group: group.id, location: entry.location.clone() };
        if mappings.entries.contains(&entry) {
            let message = "is the same as an earlier entry".to_string();
            problems.push(problem(format!("mappings[{index}]"), message));
            continue;
        }
        // A group that an event found deleted stays deleted until a refresh finds it.
        let deleted = stored.value.is_deleted(group.id);
        let group = MappedGroup { id: group.id, name: group.name.clone(), deleted };
        if !mappings.groups.contains(&group) {
            mappings.groups.push(group);
        }
        let plan = MappedPlan { id: plan.id.clone(), name: plan.name.clone() };
        if !mappings.plans.contains(&plan) {
            mappings.plans.push(plan);
        }
        mappings.entries.push(entry);
    }
    if !problems.is_empty() {
        return Err(InputError::Wrong(problems));
    }
    Ok(Checked { config, stored, mappings })
}

fn to_contract(mappings: &Mappings) -> Vec<MappingState> {
    mappings
        .entries
        .iter()
        .map(|entry| MappingState {
            mapping: Mapping {
                plan: entry.plan.clone(),
                group: entry.group.to_string(),
                location: entry.location.clone(),
            },
            group_name: mappings.group_ref(entry.group).name,
            broken: mappings.is_deleted(entry.group),
        })
        .collect()
}

fn problem(path: String, message: String) -> Problem {
    Problem { path, message }
}
