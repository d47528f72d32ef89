//! Reads Kisi's groups and doors.

use super::maintenance::a_day_after;
use crate::contract::groups::{Group, GroupList, GroupWarning};
use crate::contract::types::Timestamp;
use crate::host::Host;
use crate::id::GroupId;
use crate::kisi::error::Error;
use crate::kisi::time::HOUR_MS;
use crate::kisi::{self, Budget, Kisi};
use crate::mapping::Mappings;
use crate::settings::Settings;
use crate::stop::Stop;
use crate::storage;
use crate::tenant::{self, Groups, Tenant, Versioned};

/// Groups whose doors are read, at most. At Kisi's five requests per second that takes 20 seconds; a gym has about ten
/// groups. Mapped groups come first.
const DOOR_LISTS_MAX: usize = 100;

/// How far a refresh came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refresh {
    /// All is read.
    Done,
    /// The next call must read more doors.
    Unfinished,
    /// The list is longer than the rest of the call's budget: nothing is read before an hour has passed.
    Postponed,
}

/// See `groups.refresh`.
pub fn refresh(host: &dyn Host) -> Result<GroupList, Stop> {
    let mut tenant = Tenant::load(host)?;
    let integration = tenant.config.value.settings.integration.clone();
    let budget = Budget::unlimited();
    let kisi = Kisi::new(host, &integration, &budget);
    let stored = import(host, &kisi, &tenant.config.value.settings);
    let stored = stored.inspect_err(|error| tenant.note_pause(host, error))?;
    update_mappings(&mut tenant.mappings.value, &stored.value);
    storage::commit(host, vec![stored.write(), tenant.mappings.write()])?;
    Ok(to_list(&stored.value, &tenant.mappings.value))
}

/// See `groups.list`.
pub fn list(host: &dyn Host) -> Result<GroupList, Stop> {
    tenant::config(host)?.ok_or_else(tenant::not_connected)?;
    Ok(to_list(&tenant::groups(host)?.value, &tenant::mappings(host)?.value))
}

/// When to read the groups again: once a day, because staff change them and an unused key expires; after a failure no
/// earlier than an hour.
pub(super) fn refresh_at(groups: &Groups, now: Timestamp) -> Timestamp {
    let again = groups.failed_at.map_or(0, |failed| failed.min(now).saturating_add(HOUR_MS));
    if groups.unread.is_empty() { a_day_after(groups.refreshed_at, now).max(again) } else { again }
}

/// Reads the groups again, and as many of their doors as `budget` allows. The time of a failure is stored.
pub(super) fn refresh_some(
    host: &dyn Host,
    tenant: &mut Tenant,
    kisi: &Kisi,
    budget: &Budget,
) -> Result<Refresh, Stop> {
    let mut stored = tenant::groups(host)?;
    let mappings = &mut tenant.mappings.value;
    stored.value.failed_at = None;
    let mut read = Ok(());
    if stored.value.unread.is_empty() {
        read = read_groups(host, kisi, &mut stored.value, mappings, &tenant.config.value.settings)
            .map_err(Error::into_contract);
        if read.is_ok() {
            update_mappings(mappings, &stored.value);
        }
    }
    let read = read.and_then(|()| read_doors(kisi, &mut stored.value, budget).map_err(Error::into_contract));
    if read.is_err() {
        stored.value.failed_at = Some(host.now());
    }
    // An earlier member of this call may have added the names of all plans.
    tenant.mappings.value.forget_unmapped_plans();
    let writes = vec![stored.write(), tenant.mappings.write()];
    storage::commit(host, writes)?;
    tenant.reload(host)?;
    match read {
        Ok(()) if stored.value.unread.is_empty() => Ok(Refresh::Done),
        Ok(()) => Ok(Refresh::Unfinished),
        Err(_) if budget.is_exhausted() => Ok(Refresh::Postponed),
        Err(error) => {
            tenant.note_pause(host, &error);
            Err(error)
        }
    }
}

/// Reads the groups of the chosen places from Kisi, with their doors, in place of those stored.
pub(super) fn import(host: &dyn Host, kisi: &Kisi, settings: &Settings) -> Result<Versioned<Groups>, Stop> {
    let mut groups = Groups::default();
    let mappings = tenant::mappings(host)?.value;
    read_groups(host, kisi, &mut groups, &mappings, settings)
        .and_then(|()| read_doors(kisi, &mut groups, &Budget::unlimited()))
        .map_err(Error::into_contract)?;
    let mut stored = tenant::groups(host)?;
    stored.value = groups;
    Ok(stored)
}

/// Reads the groups of the chosen places and all mapped ones, which would otherwise count as deleted. Doors stay as they
/// are until they are read again, those of mapped groups first.
fn read_groups(
    host: &dyn Host,
    kisi: &Kisi,
    groups: &mut Groups,
    mappings: &Mappings,
    settings: &Settings,
) -> Result<(), Error> {
    let mut rows: Vec<kisi::groups::Group> = kisi.list("")?;
    // A mapped group that the list lacks is deleted only if Kisi confirms it by a request for this group: all members
    // would lose their grants in it.
    let is_missing = |id: &GroupId| rows.iter().all(|row| row.id != *id);
    let mapped = mappings.groups.iter().filter(|mapped| !mapped.deleted).map(|mapped| mapped.id);
    for id in mapped.filter(is_missing).collect::<Vec<_>>() {
        match kisi.send(kisi::groups::get(id)) {
            Ok(row) => rows.push(row),
            Err(Error::Missing(_)) => {}
            Err(error) => return Err(error),
        }
    }
    let before = std::mem::take(&mut groups.groups);
    for row in rows.into_iter().filter(|row| settings.chooses(row.place_id) || mappings.knows(row.id)) {
        let known = before.iter().find(|group| group.id == row.id);
        groups.groups.push(tenant::Group {
            id: row.id,
            name: row.name,
            place: row.place,
            doors: row.locks_count,
            app_access: row.login_enabled,
            restricted: row.restricted,
            door_ids: known
                .filter(|_| row.locks_count > 0)
                .map_or(Vec::new(), |group| group.door_ids.clone()),
        });
    }
    groups.groups.sort_by(|one, other| (&one.name, one.id).cmp(&(&other.name, other.id)));
    groups.refreshed_at = host.now();
    let is_mapped = |id: &GroupId| mappings.groups.iter().any(|mapped| mapped.id == *id);
    let with_doors = groups.groups.iter().filter(|group| group.doors > 0).map(|group| group.id);
    let (mapped, others): (Vec<_>, Vec<_>) = with_doors.partition(is_mapped);
    groups.unread = mapped.into_iter().chain(others).take(DOOR_LISTS_MAX).collect();
    Ok(())
}

/// Reads the doors of each unread group, one list each, as far as `budget` allows.
fn read_doors(kisi: &Kisi, groups: &mut Groups, budget: &Budget) -> Result<(), Error> {
    let Groups { groups, doors, unread, .. } = groups;
    while let Some(&id) = unread.first().filter(|_| budget.left() > 0) {
        let of_group = match kisi.doors_of(id) {
            // The group was deleted after the groups were read.
            Err(Error::Missing(_)) => Vec::new(),
            of_group => of_group?,
        };
        unread.remove(0);
        if let Some(group) = groups.iter_mut().find(|group| group.id == id) {
            group.door_ids = of_group.iter().map(|door| door.id).collect();
        }
        for door in of_group {
            match doors.iter_mut().find(|known| known.id == door.id) {
                Some(known) => *known = door,
                None => doors.push(door),
            }
        }
    }
    doors.retain(|door| groups.iter().any(|group| group.door_ids.contains(&door.id)));
    Ok(())
}

/// Updates the names and deletions of mapped groups.
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
    list.sort_by(|one, other| (&one.name, &one.id).cmp(&(&other.name, &other.id)));
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
