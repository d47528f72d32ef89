//! Whether a user may open a door now, and if not, why not: Kisi's reasons in one place, as a question about the state.
//!
//! The codes are Kisi's; their texts here are not. Which reason is told when several hold is inferred: the person's come
//! before the door's, and of several role assignments the one that comes nearest to opening the door gives its own.

use http::StatusCode;

use crate::knobs::{Knobs, LockdownStatus, OfflineStatus, UnlockDeniedCode};
use crate::records::{AppliesTo, Lock, RoleAssignment, User};
use crate::resources::roles;
use crate::state::State;

/// Why a door stays shut. The first five are in the order of how near a role assignment came to opening it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Refusal {
    /// Nothing that the user holds has to do with the door.
    NoAccess,
    NoLongerValid,
    NotYetValid,
    /// The group's members may not unlock with the app, which is what unlocking by a request is.
    NoAppAccess,
    /// Outside the group's access hours.
    NotAtThisMoment,
    /// The user is suspended in the whole organization.
    AccessDisabled,
    PlaceLockedDown,
    LockLockedDown,
    /// The door is not connected.
    Offline,
}

impl Refusal {
    /// Kisi's six characters.
    pub(crate) fn code(self, knobs: &Knobs) -> &'static str {
        match self {
            Refusal::NoAccess => match knobs.unlock_denied_code {
                UnlockDeniedCode::Fcd8ef => "fcd8ef",
                UnlockDeniedCode::Afc496 => "afc496",
            },
            Refusal::NoLongerValid => "f35ade",
            Refusal::NotYetValid => "f358de",
            Refusal::NoAppAccess => "f01337",
            Refusal::NotAtThisMoment => "34ffaa",
            Refusal::AccessDisabled => "fcd8ff",
            Refusal::PlaceLockedDown => "fad002",
            Refusal::LockLockedDown => "fad001",
            Refusal::Offline => "fac001",
        }
    }

    pub(crate) fn message(self) -> &'static str {
        match self {
            Refusal::NoAccess => "Access denied",
            Refusal::NoLongerValid => "Access is no longer valid",
            Refusal::NotYetValid => "Access is not yet valid",
            Refusal::NoAppAccess => "The group has no app access",
            Refusal::NotAtThisMoment => "Access is not allowed at this moment",
            Refusal::AccessDisabled => "Access is disabled",
            Refusal::PlaceLockedDown => "The place is locked down",
            Refusal::LockLockedDown => "The door is locked down",
            Refusal::Offline => "The controller is unavailable",
        }
    }

    /// The status of the answer. 403, 409 and 503 are documented for unlocking, but not which is for what.
    pub(crate) fn status(self, knobs: &Knobs) -> StatusCode {
        match (self, knobs.lockdown_status, knobs.offline_status) {
            (Refusal::PlaceLockedDown | Refusal::LockLockedDown, LockdownStatus::Conflict, _)
            | (Refusal::Offline, _, OfflineStatus::Conflict) => StatusCode::CONFLICT,
            (Refusal::Offline, _, OfflineStatus::Unavailable) => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::FORBIDDEN,
        }
    }
}

/// Whether the user may open the door now, and by which role assignment.
pub(crate) fn opened_by<'s>(
    state: &'s State,
    user: &User,
    lock: &Lock,
    now_ms: u64,
) -> Result<&'s RoleAssignment, Refusal> {
    let held = held_for(state, user, lock, now_ms)?;
    if state.places.get(lock.place_id).is_some_and(|place| place.locked_down_since.is_some()) {
        return Err(Refusal::PlaceLockedDown);
    }
    if lock.locked_down_since.is_some() {
        return Err(Refusal::LockLockedDown);
    }
    if !lock.online {
        return Err(Refusal::Offline);
    }
    Ok(held)
}

/// What the user holds that opens the door, whatever state the door is in. Who administers the organization is asked
/// nothing else [inferred].
fn held_for<'s>(
    state: &'s State,
    user: &User,
    lock: &Lock,
    now_ms: u64,
) -> Result<&'s RoleAssignment, Refusal> {
    if let Some(held) = state.roles_of(user.id).find(|held| roles::administers(&held.role_id)) {
        return Ok(held);
    }
    if !user.access_enabled || !user.scim_access_enabled {
        return Err(Refusal::AccessDisabled);
    }
    let mut nearest = Refusal::NoAccess;
    for held in state.roles_of(user.id) {
        match opens(state, held, lock, now_ms) {
            Ok(()) => return Ok(held),
            Err(refusal) => nearest = nearest.max(refusal),
        }
    }
    Err(nearest)
}

fn opens(state: &State, held: &RoleAssignment, lock: &Lock, now_ms: u64) -> Result<(), Refusal> {
    match held.applies_to_type {
        AppliesTo::Organization => return Err(Refusal::NoAccess),
        // Who owns a place opens its doors [inferred].
        AppliesTo::Place if held.applies_to_id == lock.place_id => return Ok(()),
        AppliesTo::Place => return Err(Refusal::NoAccess),
        AppliesTo::Group => {}
    }
    let group = state.groups.get(held.applies_to_id).ok_or(Refusal::NoAccess)?;
    if !state.group_locks_in(group.id).any(|group_lock| group_lock.lock_id == lock.id) {
        return Err(Refusal::NoAccess);
    }
    if held.valid_until.is_some_and(|until| until <= now_ms) {
        return Err(Refusal::NoLongerValid);
    }
    if held.valid_from.is_some_and(|from| now_ms < from) {
        return Err(Refusal::NotYetValid);
    }
    if !group.login_enabled {
        return Err(Refusal::NoAppAccess);
    }
    // A restriction without hours allows none [inferred].
    let inside = group.access_hours.is_some_and(|hours| hours.contain(now_ms));
    if group.time_restriction_enabled && !inside {
        return Err(Refusal::NotAtThisMoment);
    }
    Ok(())
}
