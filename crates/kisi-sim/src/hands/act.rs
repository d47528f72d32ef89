//! The effect of each change by staff, and the reasons why one can't be made.

use super::{Hand, HandOutcome, OrganizationRole};
use crate::error::HandError;
use crate::event::{Acting, EventType};
use crate::records::{AppliesTo, Group, RoleAssignment, User};
use crate::resources::{roles, users};
use crate::state::State;

type Done = Result<HandOutcome, HandError>;

/// Makes a change as staff.
pub(crate) fn act(state: &mut State, hand: Hand) -> Done {
    state.as_done_by(Some(Acting::Staff), |state| change(state, hand))
}

fn change(state: &mut State, hand: Hand) -> Done {
    let now_ms = state.now_ms();
    match hand {
        Hand::AddGroup { name, organization_id, place_id, lock_ids } => {
            add_group(state, &name, organization_id, place_id, &lock_ids)
        }
        Hand::RenameGroup { id, name } => change_group(state, id, |group| group.name = name),
        Hand::SetGroupLoginEnabled { id, enabled } => {
            change_group(state, id, |group| group.login_enabled = enabled)
        }
        Hand::SetGroupAccessHours { id, hours } => change_group(state, id, |group| group.restrict_to(hours)),
        Hand::SetLockOnline { id, online } => {
            found(state.locks.get_mut(id), "id", "lock", id)?.online = online;
            Ok(id.into())
        }
        Hand::SetLockLockedDown { id, locked_down } => {
            let lock = found(state.locks.get_mut(id), "id", "lock", id)?;
            lock.locked_down_since = since(lock.locked_down_since, locked_down, now_ms);
            let happened = if locked_down { EventType::LockLockDown } else { EventType::LockCancelLockdown };
            state.record(happened, id);
            Ok(id.into())
        }
        Hand::SetPlaceLockedDown { id, locked_down } => {
            let place = found(state.places.get_mut(id), "id", "place", id)?;
            place.locked_down_since = since(place.locked_down_since, locked_down, now_ms);
            let happened =
                if locked_down { EventType::PlaceLockDown } else { EventType::PlaceCancelLockdown };
            state.record(happened, id);
            Ok(id.into())
        }
        Hand::DeleteGroup { id } => found(state.remove_group(id).then(|| id.into()), "id", "group", id),
        Hand::AddUser { name, email, organization_id } => {
            let organization_id = organization(state, organization_id)?;
            check_email(state, organization_id, &email)?;
            Ok(state.add_user(User::new(organization_id, &name, &email, now_ms)).into())
        }
        Hand::SetUserEmail { id, email } => set_user_email(state, id, &email),
        Hand::SetUserAccessEnabled { id, enabled } => {
            change_user(state, id, |user| user.access_enabled = enabled)
        }
        Hand::SetUserScimAccessEnabled { id, enabled } => {
            change_user(state, id, |user| user.scim_access_enabled = enabled)
        }
        Hand::SetOrganizationRole { user_id, role } => set_organization_role(state, user_id, role),
        Hand::DeleteUser { id } => found(state.remove_user(id).then(|| id.into()), "id", "user", id),
        Hand::Assign { user_id, group_id, role, valid_from, valid_until } => {
            assign(state, user_id, group_id, role, (valid_from, valid_until))
        }
        Hand::SetRole { id, role } => {
            let mut held = found(state.role_assignments.get(id), "id", "role assignment", id)?.clone();
            check_role(&role, held.applies_to_type)?;
            (held.role_id, held.updated_at) = (role, now_ms);
            state.change(EventType::RoleAssignmentUpdate, held);
            Ok(id.into())
        }
        Hand::Unassign { id } => {
            found(state.remove_role_assignment(id).then(|| id.into()), "id", "role assignment", id)
        }
        Hand::AddKey { user_id } => {
            organization_of(state, user_id)?;
            Ok(HandOutcome { id: None, secret: Some(state.make_key(user_id)) })
        }
        Hand::RevokeKey { secret } if state.revoke_key(&secret) => Ok(HandOutcome::default()),
        Hand::RevokeKey { .. } => {
            Err(HandError::new("secret", "there is no such key, or it is revoked already"))
        }
    }
}

/// What a field's id names, or an error.
fn found<T>(row: Option<T>, field: &'static str, kind: &str, id: u64) -> Result<T, HandError> {
    row.ok_or_else(|| HandError::new(field, format!("there is no {kind} with the id {id}")))
}

fn organization(state: &State, id: Option<u64>) -> Result<u64, HandError> {
    let id = id.unwrap_or_else(|| state.first_organization_id());
    let organization = found(state.organizations.get(id), "organization_id", "organization", id)?;
    Ok(organization.id)
}

fn organization_of(state: &State, user_id: u64) -> Result<u64, HandError> {
    found(state.users.get(user_id), "user_id", "user", user_id).map(|user| user.organization_id)
}

fn add_group(
    state: &mut State,
    name: &str,
    organization_id: Option<u64>,
    place_id: Option<u64>,
    lock_ids: &[u64],
) -> Done {
    let organization_id = organization(state, organization_id)?;
    if let Some(id) = place_id {
        found(state.places.in_organization(organization_id, id), "place_id", "place", id)?;
    }
    for id in lock_ids {
        found(state.locks.in_organization(organization_id, *id), "lock_ids", "lock", *id)?;
    }
    let now_ms = state.now_ms();
    let id = state.add_group(Group { place_id, ..Group::new(organization_id, name, now_ms) });
    for lock_id in lock_ids {
        state.add_group_lock(organization_id, id, *lock_id);
    }
    Ok(id.into())
}

fn change_group(state: &mut State, id: u64, change: impl FnOnce(&mut Group)) -> Done {
    let mut group = found(state.groups.get(id), "id", "group", id)?.clone();
    change(&mut group);
    group.updated_at = state.now_ms();
    state.change(EventType::GroupUpdate, group);
    Ok(id.into())
}

fn change_user(state: &mut State, id: u64, change: impl FnOnce(&mut User)) -> Done {
    let mut user = found(state.users.get(id), "id", "user", id)?.clone();
    change(&mut user);
    user.updated_at = state.now_ms();
    state.change(EventType::UserUpdate, user);
    Ok(id.into())
}

/// The start of a lockdown: now, unless it began before.
fn since(before: Option<u64>, locked_down: bool, now_ms: u64) -> Option<u64> {
    locked_down.then(|| before.unwrap_or(now_ms))
}

fn check_email(state: &State, organization_id: u64, email: &str) -> Result<(), HandError> {
    if !users::is_email(email) {
        return Err(HandError::new("email", format!("`{email}` is not an e-mail address")));
    }
    if state.user_by_email(organization_id, email).is_some() {
        return Err(HandError::new("email", format!("the organization already has a user with `{email}`")));
    }
    Ok(())
}

fn set_user_email(state: &mut State, id: u64, email: &str) -> Done {
    let organization_id = found(state.users.get(id), "id", "user", id)?.organization_id;
    // A change of upper and lower case only does not conflict with the user itself.
    if state.user_by_email(organization_id, email) != Some(id) {
        check_email(state, organization_id, email)?;
    }
    state.set_user_email(id, email);
    Ok(id.into())
}

fn set_organization_role(state: &mut State, user_id: u64, role: OrganizationRole) -> Done {
    let organization_id = organization_of(state, user_id)?;
    let target = (AppliesTo::Organization, organization_id);
    let old: Vec<u64> =
        state.roles_of(user_id).filter(|held| held.target() == target).map(|held| held.id).collect();
    for id in old {
        state.remove_role_assignment(id);
    }
    if let Some(role_id) = role.role_id() {
        let role_id = role_id.to_owned();
        add(state, RoleAssignment::new(organization_id, user_id, role_id, target, state.now_ms()));
    }
    Ok(user_id.into())
}

/// Adds a role assignment, created by the owner if there is one.
fn add(state: &mut State, row: RoleAssignment) -> u64 {
    let created_by_id = state.owner_of(row.organization_id).unwrap_or(row.assignee_id);
    state.add_role_assignment(RoleAssignment { created_by_id, ..row })
}

fn check_role(role: &str, applies_to: AppliesTo) -> Result<(), HandError> {
    roles::problem_with(role, applies_to).map_or(Ok(()), |problem| Err(HandError::new("role", problem)))
}

fn assign(
    state: &mut State,
    user_id: u64,
    group_id: u64,
    role_id: String,
    (valid_from, valid_until): (Option<u64>, Option<u64>),
) -> Done {
    let organization_id = organization_of(state, user_id)?;
    let group = found(state.groups.get(group_id), "group_id", "group", group_id)?;
    if group.organization_id != organization_id {
        return Err(HandError::new("group_id", "belongs to another organization"));
    }
    check_role(&role_id, AppliesTo::Group)?;
    let target = (AppliesTo::Group, group_id);
    let row = RoleAssignment::new(organization_id, user_id, role_id, target, state.now_ms());
    Ok(add(state, RoleAssignment { valid_from, valid_until, ..row }).into())
}
