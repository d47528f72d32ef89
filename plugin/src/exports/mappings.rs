//! Which plan opens which groups.

use crate::contract::mappings::{Mapping, MappingState};
use crate::contract::types::Problem;
use crate::host::Host;
use crate::mapping::{Entry, MappedGroup, MappedPlan, Mappings};
use crate::reconcile::directory_error;
use crate::stop::{Stop, wrong};
use crate::tenant;

/// The most entries; a gym has some dozens.
const ENTRIES_MAX: usize = 1_000;

/// See `mappings.list`.
///
/// # Errors
/// `retry` or `pause`.
pub fn list(host: &dyn Host) -> Result<Vec<MappingState>, Stop> {
    tenant::config(host)?.ok_or_else(tenant::not_connected)?;
    Ok(to_contract(&tenant::mappings(host)?.value))
}

/// See `mappings.replace`.
///
/// # Errors
/// `settings` naming each wrong entry, `retry` or `pause`; the mapping is then as it was.
pub fn replace(host: &dyn Host, entries: &[Mapping]) -> Result<Vec<MappingState>, Stop> {
    tenant::config(host)?.ok_or_else(tenant::not_connected)?;
    let groups = tenant::groups(host)?.value;
    let plans = host.list_plans().map_err(directory_error)?;
    let mut stored = tenant::mappings(host)?;
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
                "Kisi had no group \u{201c}{}\u{201d} at the last refresh; refresh the groups if it is new",
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
        // A group that an event found deleted stays so until a refresh sees it again.
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
        return Err(wrong(problems));
    }
    stored.value = mappings;
    stored.save(host)?;
    Ok(to_contract(&stored.value))
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
