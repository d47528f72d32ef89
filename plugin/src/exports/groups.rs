//! Kisi's groups, as a gym maps plans to them.

use crate::contract::groups::{Group, GroupList, GroupWarning};
use crate::host::Host;
use crate::kisi::error::Error;
use crate::kisi::{self, Budget, Kisi};
use crate::ledger::store::storage_error;
use crate::mapping::Mappings;
use crate::stop::Stop;
use crate::tenant::{self, Groups, Tenant, Versioned};
use crate::window::order;

/// Of how many groups the doors are read: at Kisi's five requests a second that takes 20 seconds, and a gym has some
/// ten groups. Of the others the doors are not known until a plan is mapped to them and the groups are read again.
const DOOR_LISTS_MAX: usize = 100;

/// See `groups.refresh`.
///
/// # Errors
/// `retry` or `pause`; the groups are then as they were.
pub fn refresh(host: &dyn Host) -> Result<GroupList, Stop> {
    let mut tenant = Tenant::load(host)?;
    let integration = tenant.config.value.settings.integration.clone();
    let budget = Budget::unlimited();
    let kisi = Kisi::new(host, &integration, &budget);
    let groups = match import(host, &kisi) {
        Ok(groups) => groups,
        Err(error) => {
            tenant.note_pause(host, &error);
            return Err(error);
        }
    };
    let stored = imported(host, groups)?;
    update_mappings(&mut tenant.mappings.value, &stored.value);
    host.commit(vec![stored.write(), tenant.mappings.write()]).map_err(storage_error)?;
    Ok(to_list(&stored.value, &tenant.mappings.value))
}

/// See `groups.list`.
///
/// # Errors
/// `retry` or `pause`.
pub fn list(host: &dyn Host) -> Result<GroupList, Stop> {
    tenant::config(host)?.ok_or_else(tenant::not_connected)?;
    Ok(to_list(&tenant::groups(host)?.value, &tenant::mappings(host)?.value))
}

/// Reads all groups from Kisi, with their doors.
pub(super) fn import(host: &dyn Host, kisi: &Kisi) -> Result<Groups, Stop> {
    let rows: Vec<kisi::groups::Group> = kisi.list("").map_err(Error::into_contract)?;
    let mut groups: Vec<tenant::Group> = rows
        .into_iter()
        .map(|row| tenant::Group {
            id: row.id,
            name: row.name,
            place: row.place,
            doors: row.locks_count,
            app_access: row.login_enabled,
            restricted: row.restricted,
            door_ids: Vec::new(),
        })
        .collect();
    order(&mut groups, |one, other| (&one.name, one.id) <= (&other.name, other.id));
    let mut groups = Groups { refreshed_at: host.now(), groups, doors: Vec::new() };
    read_doors(kisi, &mut groups, &tenant::mappings(host)?.value).map_err(Error::into_contract)?;
    Ok(groups)
}

/// Reads which doors are in which group: a request a group that has any, those that plans are mapped to first.
fn read_doors(kisi: &Kisi, groups: &mut Groups, mappings: &Mappings) -> Result<(), Error> {
    let Groups { groups, doors, .. } = groups;
    let is_mapped = |group: &&mut tenant::Group| mappings.groups.iter().any(|mapped| mapped.id == group.id);
    let (mapped, others): (Vec<_>, Vec<_>) =
        groups.iter_mut().filter(|group| group.doors > 0).partition(is_mapped);
    for group in mapped.into_iter().chain(others).take(DOOR_LISTS_MAX) {
        let of_group = match kisi.doors_of(group.id) {
            // Deleted since the groups were read.
            Err(Error::Missing(_)) => continue,
            of_group => of_group?,
        };
        for door in of_group {
            group.door_ids.push(door.id);
            if !doors.contains(&door) {
                doors.push(door);
            }
        }
    }
    Ok(())
}

/// Takes over what the groups say now into what the mapping knows of them.
pub(super) fn update_mappings(mappings: &mut Mappings, groups: &Groups) {
    for mapped in &mut mappings.groups {
        match groups.groups.iter().find(|group| group.id == mapped.id) {
            Some(group) => {
                mapped.name.clone_from(&group.name);
                mapped.deleted = false;
            }
            None => mapped.deleted = true,
        }
    }
}

pub(super) fn to_list(groups: &Groups, mappings: &Mappings) -> GroupList {
    let mut list: Vec<Group> = groups.groups.iter().map(|group| to_contract(group, mappings)).collect();
    for mapped in &mappings.groups {
        if mapped.deleted && groups.groups.iter().all(|group| group.id != mapped.id) {
            list.push(Group {
                id: mapped.id.to_string(),
                name: mapped.name.clone(),
                place: None,
                doors: 0,
                warnings: vec![GroupWarning::Deleted],
            });
        }
    }
    order(&mut list, |one, other| (&one.name, &one.id) <= (&other.name, &other.id));
    GroupList { groups: list, refreshed_at: groups.refreshed_at }
}

fn to_contract(group: &tenant::Group, mappings: &Mappings) -> Group {
    let mut warnings = Vec::new();
    if mappings.is_deleted(group.id) {
        warnings.push(GroupWarning::Deleted);
    }
    if group.doors == 0 {
        warnings.push(GroupWarning::NoDoors);
    }
    if !group.app_access {
        warnings.push(GroupWarning::AppAccessOff);
    }
    Group {
        id: group.id.to_string(),
        name: group.name.clone(),
        place: group.place.clone(),
        doors: group.doors,
        warnings,
    }
}

/// What is stored, with what was just read in its place.
pub(super) fn imported(host: &dyn Host, groups: Groups) -> Result<Versioned<Groups>, Stop> {
    let mut stored = tenant::groups(host)?;
    stored.value = groups;
    Ok(stored)
}
