//! What staff does in Kisi's web page, with the names of a scenario turned into the simulator's ids.

use kisi_sim::{AccessHours, Hand, Snapshot};

use super::key::Key;
use crate::file;
use crate::unusable::{Unusable, unusable};

/// The role that a plain member of a group has.
const PLAIN_ROLE: &str = "group_basic";

/// The same hand as the simulator takes it.
pub(super) fn at(state: &Snapshot, hand: &file::Hand, key: &Key) -> Result<Hand, Unusable> {
    use file::Hand as Named;
    Ok(match hand {
        Named::AddGroup { name } => {
            Hand::AddGroup { name: name.clone(), organization_id: None, place_id: None, lock_ids: Vec::new() }
        }
        Named::RenameGroup { group: of, name } => {
            Hand::RenameGroup { id: group(state, of.get_ref())?, name: name.clone() }
        }
        Named::DeleteGroup { group: of } => Hand::DeleteGroup { id: group(state, of.get_ref())? },
        Named::AppAccess { group: of, on } => {
            Hand::SetGroupLoginEnabled { id: group(state, of.get_ref())?, enabled: *on }
        }
        Named::AddPerson { name, email } => {
            Hand::AddUser { name: name.clone(), email: email.clone(), organization_id: None }
        }
        Named::DeletePerson { email } => Hand::DeleteUser { id: user(state, Some(email.get_ref()))? },
        Named::Assign { email, group: to, role } => Hand::Assign {
            user_id: user(state, Some(email.get_ref()))?,
            group_id: group(state, to.get_ref())?,
            role: role.clone().unwrap_or_else(|| PLAIN_ROLE.to_owned()),
            valid_from: None,
            valid_until: None,
        },
        Named::Unassign { email, group: from } => {
            let (user, group) = (user(state, Some(email.get_ref()))?, group(state, from.get_ref())?);
            let held = state.role_assignments_in(group).find(|held| held.assignee_id == user);
            match held {
                Some(held) => Hand::Unassign { id: held.id },
                None => {
                    let (email, group) = (email.get_ref(), from.get_ref());
                    return unusable(format!("{email} is not in {group} in Kisi, so nobody can be removed"));
                }
            }
        }
        Named::Suspend { email, on } => {
            Hand::SetUserAccessEnabled { id: user(state, Some(email.get_ref()))?, enabled: !*on }
        }
        Named::AccessHours { group: of, from, until } => {
            let hours = AccessHours::new(from, until).map_err(|error| Unusable::new(error.to_string()))?;
            Hand::SetGroupAccessHours { id: group(state, of.get_ref())?, hours: Some(hours) }
        }
        Named::DoorOnline { door: of, on } => Hand::SetLockOnline { id: door(state, of)?, online: *on },
        Named::LockDown { door: of, on } => {
            Hand::SetLockLockedDown { id: door(state, of)?, locked_down: *on }
        }
        Named::OrganizationRole { email, role } => {
            Hand::SetOrganizationRole { user_id: user(state, Some(email.get_ref()))?, role: *role }
        }
        Named::RevokeKey => Hand::RevokeKey { secret: key.expose().to_owned() },
    })
}

/// The user with this address; the organization's owner when none is named.
pub(super) fn user(state: &Snapshot, email: Option<&str>) -> Result<u64, Unusable> {
    let owner = || {
        let role = kisi_sim::OrganizationRole::Owner.role_id();
        state
            .role_assignments
            .iter()
            .find(|held| Some(held.role_id.as_str()) == role)
            .map(|held| held.assignee_id)
    };
    let Some(email) = email else {
        return owner().ok_or_else(|| Unusable::new("Kisi has no owner, so nobody can make a key"));
    };
    match state.user_by_email(email) {
        Some(user) => Ok(user.id),
        None => {
            let meant = file::meant(email, state.users.iter().map(|user| user.email.as_str()));
            unusable(format!(
                "Kisi has nobody with the address {email} at this point of the scenario: {meant}"
            ))
        }
    }
}

/// The door of this name.
pub(super) fn door(state: &Snapshot, name: &str) -> Result<u64, Unusable> {
    match state.locks.iter().find(|lock| lock.name == name) {
        Some(lock) => Ok(lock.id),
        None => {
            let meant = file::meant(name, state.locks.iter().map(|lock| lock.name.as_str()));
            unusable(format!("Kisi has no door `{name}` at this point of the scenario: {meant}"))
        }
    }
}

fn group(state: &Snapshot, name: &str) -> Result<u64, Unusable> {
    match state.group_by_name(name) {
        Some(group) => Ok(group.id),
        None => {
            let meant = file::meant(name, state.groups.iter().map(|group| group.name.as_str()));
            unusable(format!("Kisi has no group `{name}` at this point of the scenario: {meant}"))
        }
    }
}
