//! Whether a user may open a door now, and the reason if not.
//!
//! The codes are Kisi's; their texts here are not. If several reasons hold, the choice is inferred: the user's
//! reasons come before the door's, and of several role assignments the one closest to opening the door gives its
//! reason.

use http::StatusCode;

use crate::knobs::{Knobs, LockdownStatus, OfflineStatus, UnlockDeniedCode};
use crate::records::{AppliesTo, Lock, RoleAssignment, User};
use crate::resources::roles;
use crate::state::State;

/// The reason why a door stays shut. The first five are ordered: a later one is closer to opening the door.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Refusal {
    /// No role assignment of the user is about the door.
    NoAccess,
    NoLongerValid,
    NotYetValid,
    /// The group's members may not unlock with the app. A request counts as the app.
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
    /// Status, code and message of the answer. 403, 409 and 503 are documented for unlocking, but not their cases.
    pub(crate) fn answer(self, knobs: &Knobs) -> (StatusCode, &'static str, &'static str) {
        let denied = match knobs.unlock_denied_code {
            UnlockDeniedCode::Fcd8ef => "fcd8ef",
            UnlockDeniedCode::Afc496 => "afc496",
        };
        let locked_down = match knobs.lockdown_status {
            LockdownStatus::Forbidden => StatusCode::FORBIDDEN,
            LockdownStatus::Conflict => StatusCode::CONFLICT,
        };
        let offline = match knobs.offline_status {
            OfflineStatus::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            OfflineStatus::Conflict => StatusCode::CONFLICT,
        };
        match self {
            Refusal::NoAccess => (StatusCode::FORBIDDEN, denied, "Access denied"),
            Refusal::NoLongerValid => (StatusCode::FORBIDDEN, "f35ade", "Access is no longer valid"),
            Refusal::NotYetValid => (StatusCode::FORBIDDEN, "f358de", "Access is not yet valid"),
            Refusal::NoAppAccess => (StatusCode::FORBIDDEN, "f01337", "The group has no app access"),
            Refusal::NotAtThisMoment => {
                (StatusCode::FORBIDDEN, "34ffaa", "Access is not allowed at this moment")
            }
            Refusal::AccessDisabled => (StatusCode::FORBIDDEN, "fcd8ff", "Access is disabled"),
            Refusal::PlaceLockedDown => (locked_down, "fad002", "The place is locked down"),
            Refusal::LockLockedDown => (locked_down, "fad001", "The door is locked down"),
            Refusal::Offline => (offline, "fac001", "The controller is unavailable"),
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

/// The role assignment that opens the door, whatever the state of the door. For owners and administrators nothing
/// else is checked [inferred].
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
        // A place's owner opens its doors [inferred].
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
