//! What staff does in Kisi's web page: the names in a scenario, resolved to the simulator's ids.

use kisi_sim::{AccessHours, Hand, OrganizationRole, Snapshot};

use super::key::Key;
use super::roster::PLAIN_ROLE;
use crate::file;
use crate::unusable::{Unusable, unusable};
use crate::words::meant;

/// A change by staff in the simulator's form, with ids for names.
pub(super) fn resolve(state: &Snapshot, hand: &file::Hand, key: &Key) -> Result<Hand, Unusable> {
    use file::Hand as Named;
    let user = |email: &str| user(state, email);
    let group = |name: &file::Text| group(state, name.get_ref());
    let door = |name: &str| door(state, name);
    Ok(match hand {
        Named::AddGroup { name } => {
            Hand::AddGroup { name: name.clone(), organization_id: None, place_id: None, lock_ids: Vec::new() }
        }
        Named::RenameGroup { group: of, name } => Hand::RenameGroup { id: group(of)?, name: name.clone() },
        Named::DeleteGroup { group: of } => Hand::DeleteGroup { id: group(of)? },
        Named::AppAccess { group: of, on } => Hand::SetGroupLoginEnabled { id: group(of)?, enabled: *on },
        Named::AddPerson { name, email } => {
            Hand::AddUser { name: name.clone(), email: email.clone(), organization_id: None }
        }
        Named::DeletePerson { email } => Hand::DeleteUser { id: user(email)? },
        Named::Assign { email, group: to, role } => Hand::Assign {
            user_id: user(email)?,
            group_id: group(to)?,
            role: role.clone().unwrap_or_else(|| PLAIN_ROLE.to_owned()),
            valid_from: None,
            valid_until: None,
        },
        Named::Unassign { email, group: from } => {
            let (user, id) = (user(email)?, group(from)?);
            match state.role_assignments_in(id).find(|held| held.assignee_id == user) {
                Some(held) => Hand::Unassign { id: held.id },
                None => {
                    let group = from.get_ref();
                    return unusable(format!("{email} is not in {group} in Kisi and cannot be removed"));
                }
            }
        }
        Named::Suspend { email, on } => Hand::SetUserAccessEnabled { id: user(email)?, enabled: !*on },
        Named::AccessHours { group: of, from, until } => {
            let hours = AccessHours::new(from, until).map_err(|error| Unusable::new(error.to_string()))?;
            Hand::SetGroupAccessHours { id: group(of)?, hours: Some(hours) }
        }
        Named::DoorOnline { door: of, on } => Hand::SetLockOnline { id: door(of)?, online: *on },
        Named::LockDown { door: of, on } => Hand::SetLockLockedDown { id: door(of)?, locked_down: *on },
        Named::OrganizationRole { email, role } => {
            Hand::SetOrganizationRole { user_id: user(email)?, role: *role }
        }
        Named::RevokeKey => Hand::RevokeKey { secret: key.expose().to_owned() },
    })
}

/// The organization's owner.
pub(super) fn owner(state: &Snapshot) -> Result<u64, Unusable> {
    let role = OrganizationRole::Owner.role_id();
    let held = state.role_assignments.iter().find(|held| Some(held.role_id.as_str()) == role);
    held.map(|held| held.assignee_id).ok_or_else(|| Unusable::new("Kisi has no owner who could make a key"))
}

/// The user with this address.
pub(super) fn user(state: &Snapshot, email: &str) -> Result<u64, Unusable> {
    let emails = state.users.iter().map(|user| user.email.as_str());
    found(state.user_by_email(email).map(|user| user.id), "no user with the address", email, email, emails)
}

/// The door with this name.
pub(super) fn door(state: &Snapshot, name: &str) -> Result<u64, Unusable> {
    let id = state.locks.iter().find(|lock| lock.name == name).map(|lock| lock.id);
    let names = state.locks.iter().map(|lock| lock.name.as_str());
    found(id, "no door", &format!("`{name}`"), name, names)
}

fn group(state: &Snapshot, name: &str) -> Result<u64, Unusable> {
    let id = state.group_by_name(name).map(|group| group.id);
    let names = state.groups.iter().map(|group| group.name.as_str());
    found(id, "no group", &format!("`{name}`"), name, names)
}

fn found<'a>(
    id: Option<u64>,
    none: &str,
    quoted: &str,
    name: &str,
    known: impl Iterator<Item = &'a str>,
) -> Result<u64, Unusable> {
    id.ok_or_else(|| {
        let meant = meant(name, known);
        Unusable::new(format!("Kisi has {none} {quoted} at this point of the scenario: {meant}"))
    })
}
