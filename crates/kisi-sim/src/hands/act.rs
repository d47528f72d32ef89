//! What each of staff's hands does to the state, and what it can't do.

use super::{Hand, HandOutcome, OrganizationRole};
use crate::error::HandError;
use crate::event::{Acting, EventType};
use crate::records::{AppliesTo, Group, User};
use crate::resources::{roles, users};
use crate::state::{NewRoleAssignment, State};

/// Does what staff does.
pub(crate) fn act(state: &mut State, hand: Hand) -> Result<HandOutcome, HandError> {
    state.as_done_by(Some(Acting::Staff), |state| done(state, hand))
}

fn done(state: &mut State, hand: Hand) -> Result<HandOutcome, HandError> {
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
            let lock = state.locks.get_mut(id).ok_or(HandError::Unknown { field: "id", kind: "lock", id })?;
            lock.online = online;
            Ok(id.into())
        }
        Hand::SetLockLockedDown { id, locked_down } => lock_down(state, id, locked_down),
        Hand::SetPlaceLockedDown { id, locked_down } => lock_down_place(state, id, locked_down),
        Hand::DeleteGroup { id } => found(state.remove_group(id), "id", "group", id),
        Hand::AddUser { name, email, organization_id } => add_user(state, &name, &email, organization_id),
        Hand::SetUserEmail { id, email } => set_user_email(state, id, &email),
        Hand::SetUserAccessEnabled { id, enabled } => {
            change_user(state, id, |user| user.access_enabled = enabled)
        }
        Hand::SetUserScimAccessEnabled { id, enabled } => {
            change_user(state, id, |user| user.scim_access_enabled = enabled)
        }
        Hand::SetOrganizationRole { user_id, role } => set_organization_role(state, user_id, role),
        Hand::DeleteUser { id } => found(state.remove_user(id), "id", "user", id),
        Hand::Assign { user_id, group_id, role, valid_from, valid_until } => {
            assign(state, user_id, group_id, role, (valid_from, valid_until))
        }
        Hand::SetRole { id, role } => set_role(state, id, role),
        Hand::Unassign { id } => found(state.remove_role_assignment(id), "id", "role assignment", id),
        Hand::AddKey { user_id } => {
            organization_of_user(state, user_id)?;
            let secret = state.make_key(user_id);
            Ok(HandOutcome { id: None, secret: Some(secret) })
        }
        Hand::RevokeKey { secret } => {
            if state.revoke_key(&secret) {
                Ok(HandOutcome::default())
            } else {
                Err(HandError::UnknownKey)
            }
        }
    }
}

fn found(done: bool, field: &'static str, kind: &'static str, id: u64) -> Result<HandOutcome, HandError> {
    if done { Ok(id.into()) } else { Err(HandError::Unknown { field, kind, id }) }
}

fn organization(state: &State, id: Option<u64>) -> Result<u64, HandError> {
    let id = id.unwrap_or_else(|| state.first_organization_id());
    state.organizations.get(id).map(|organization| organization.id).ok_or(HandError::Unknown {
        field: "organization_id",
        kind: "organization",
        id,
    })
}

fn organization_of_user(state: &State, id: u64) -> Result<u64, HandError> {
    state.users.get(id).map(|user| user.organization_id).ok_or(HandError::Unknown {
        field: "user_id",
        kind: "user",
        id,
    })
}

fn add_group(
    state: &mut State,
    name: &str,
    organization_id: Option<u64>,
    place_id: Option<u64>,
    lock_ids: &[u64],
) -> Result<HandOutcome, HandError> {
    let organization_id = organization(state, organization_id)?;
    if let Some(id) = place_id.filter(|id| state.places.in_organization(organization_id, *id).is_none()) {
        return Err(HandError::Unknown { field: "place_id", kind: "place", id });
    }
    if let Some(id) = lock_ids.iter().find(|id| state.locks.in_organization(organization_id, **id).is_none())
    {
        return Err(HandError::Unknown { field: "lock_ids", kind: "lock", id: *id });
    }
    let now_ms = state.now_ms();
    let id = state.add_group(Group { place_id, ..Group::new(0, organization_id, name, now_ms) });
    for lock_id in lock_ids {
        state.add_group_lock(organization_id, id, *lock_id);
    }
    Ok(id.into())
}

fn change_group(
    state: &mut State,
    id: u64,
    change: impl FnOnce(&mut Group),
) -> Result<HandOutcome, HandError> {
    let now_ms = state.now_ms();
    let group = state.groups.get_mut(id).ok_or(HandError::Unknown { field: "id", kind: "group", id })?;
    change(group);
    group.updated_at = now_ms;
    state.record(EventType::GroupUpdate, id);
    Ok(id.into())
}

fn change_user(state: &mut State, id: u64, change: impl FnOnce(&mut User)) -> Result<HandOutcome, HandError> {
    let now_ms = state.now_ms();
    let user = state.users.get_mut(id).ok_or(HandError::Unknown { field: "id", kind: "user", id })?;
    change(user);
    user.updated_at = now_ms;
    state.record(EventType::UserUpdate, id);
    Ok(id.into())
}

fn lock_down(state: &mut State, id: u64, locked_down: bool) -> Result<HandOutcome, HandError> {
    let now_ms = state.now_ms();
    let lock = state.locks.get_mut(id).ok_or(HandError::Unknown { field: "id", kind: "lock", id })?;
    lock.locked_down_since = since(lock.locked_down_since, locked_down, now_ms);
    let happened = if locked_down { EventType::LockLockDown } else { EventType::LockCancelLockdown };
    state.record(happened, id);
    Ok(id.into())
}

fn lock_down_place(state: &mut State, id: u64, locked_down: bool) -> Result<HandOutcome, HandError> {
    let now_ms = state.now_ms();
    let place = state.places.get_mut(id).ok_or(HandError::Unknown { field: "id", kind: "place", id })?;
    place.locked_down_since = since(place.locked_down_since, locked_down, now_ms);
    let happened = if locked_down { EventType::PlaceLockDown } else { EventType::PlaceCancelLockdown };
    state.record(happened, id);
    Ok(id.into())
}

/// Since when something is locked down: from now on, unless it was before.
fn since(before: Option<u64>, locked_down: bool, now_ms: u64) -> Option<u64> {
    locked_down.then(|| before.unwrap_or(now_ms))
}

fn add_user(
    state: &mut State,
    name: &str,
    email: &str,
    organization_id: Option<u64>,
) -> Result<HandOutcome, HandError> {
    let organization_id = organization(state, organization_id)?;
    check_email(state, organization_id, email)?;
    Ok(state.add_user(organization_id, name, email).into())
}

fn check_email(state: &State, organization_id: u64, email: &str) -> Result<(), HandError> {
    if !users::is_email(email) {
        return Err(HandError::Invalid {
            field: "email",
            problem: format!("`{email}` is no e-mail address"),
        });
    }
    match state.user_by_email(organization_id, email) {
        Some(_) => Err(HandError::EmailTaken(email.to_owned())),
        None => Ok(()),
    }
}

fn set_user_email(state: &mut State, id: u64, email: &str) -> Result<HandOutcome, HandError> {
    let user = state.users.get(id).ok_or(HandError::Unknown { field: "id", kind: "user", id })?;
    let organization_id = user.organization_id;
    // A change of upper and lower case only is no clash with oneself.
    if state.user_by_email(organization_id, email) != Some(id) {
        check_email(state, organization_id, email)?;
    }
    state.set_user_email(id, email);
    Ok(id.into())
}

fn set_organization_role(
    state: &mut State,
    user_id: u64,
    role: OrganizationRole,
) -> Result<HandOutcome, HandError> {
    let organization_id = organization_of_user(state, user_id)?;
    let old: Vec<u64> = state
        .roles_of(user_id)
        .filter(|held| held.applies_to_type == AppliesTo::Organization)
        .map(|held| held.id)
        .collect();
    for id in old {
        state.remove_role_assignment(id);
    }
    let Some(role_id) = role.role_id() else { return Ok(user_id.into()) };
    let created_by_id = state.owner_of(organization_id).unwrap_or(user_id);
    state.add_role_assignment(NewRoleAssignment {
        organization_id,
        role_id: role_id.to_owned(),
        applies_to: (AppliesTo::Organization, organization_id),
        user_id,
        notify: false,
        valid_from: None,
        valid_until: None,
        created_by_id,
    });
    Ok(user_id.into())
}

fn role_fits(role: &str, applies_to: AppliesTo) -> Result<(), HandError> {
    if roles::fits(role, applies_to) {
        return Ok(());
    }
    let known = roles::ids_for(applies_to).join("`, `");
    Err(HandError::Invalid { field: "role", problem: format!("`{role}` is none of `{known}`") })
}

fn set_role(state: &mut State, id: u64, role: String) -> Result<HandOutcome, HandError> {
    let now = state.now_ms();
    let held = state.role_assignments.get_mut(id);
    let held = held.ok_or(HandError::Unknown { field: "id", kind: "role assignment", id })?;
    role_fits(&role, held.applies_to_type)?;
    (held.role_id, held.updated_at) = (role, now);
    state.record(EventType::RoleAssignmentUpdate, id);
    Ok(id.into())
}

fn assign(
    state: &mut State,
    user_id: u64,
    group_id: u64,
    role_id: String,
    (valid_from, valid_until): (Option<u64>, Option<u64>),
) -> Result<HandOutcome, HandError> {
    let organization_id = organization_of_user(state, user_id)?;
    let group = state.groups.get(group_id).ok_or(HandError::Unknown {
        field: "group_id",
        kind: "group",
        id: group_id,
    })?;
    if group.organization_id != organization_id {
        return Err(HandError::OtherOrganization { field: "group_id" });
    }
    role_fits(&role_id, AppliesTo::Group)?;
    let created_by_id = state.owner_of(organization_id).unwrap_or(user_id);
    let id = state.add_role_assignment(NewRoleAssignment {
        organization_id,
        role_id,
        applies_to: (AppliesTo::Group, group_id),
        user_id,
        notify: false,
        valid_from,
        valid_until,
        created_by_id,
    });
    Ok(id.into())
}
