//! Recording events: the actor, and the name of the object.

use super::State;
use crate::access::Refusal;
use crate::event::{Acting, Event, EventType};
use crate::records::AppliesTo;

impl State {
    /// Records a change of an object, which must still be there. Without an actor, as in a seed, nothing is recorded.
    pub(crate) fn record(&mut self, event_type: EventType, object_id: u64) {
        if let Some(event) = self.event(event_type, object_id) {
            self.events.record(event);
        }
    }

    /// Records that a door was unlocked by a role assignment, or that the unlock was refused.
    pub(crate) fn record_unlock(&mut self, lock_id: u64, opened_by: Result<u64, Refusal>) {
        let Some(mut event) = self.event(EventType::LockUnlock, lock_id) else { return };
        match opened_by {
            Ok(id) => {
                event.role_assignment_id = Some(id);
                event.role_id = self.role_assignments.get(id).map(|held| held.role_id.clone());
            }
            Err(refusal) => {
                let (_, code, message) = refusal.answer(&self.knobs);
                event.success = false;
                event.error_code = Some(code.to_owned());
                event.error_message = Some(message.to_owned());
            }
        }
        self.events.record(event);
    }

    fn event(&self, event_type: EventType, object_id: u64) -> Option<Event> {
        let acting = self.events.acting()?;
        let (organization_id, place_id, object_name) = self.object(event_type, object_id)?;
        let (actor, login_id) = match acting {
            Acting::User { user, login_id } => (Some(&**user), Some(*login_id)),
            Acting::Staff => (self.owner_of(organization_id).and_then(|id| self.users.get(id)), None),
        };
        Some(Event {
            number: 0,
            uuid: String::new(),
            event_type,
            organization_id,
            place_id,
            actor_id: actor.map(|actor| actor.id),
            actor_name: actor.map(|actor| actor.name.clone()),
            actor_email: actor.map(|actor| actor.email.clone()),
            login_id,
            role_assignment_id: None,
            role_id: None,
            object_type: event_type.object_type().to_owned(),
            object_id,
            object_name,
            success: true,
            error_code: None,
            error_message: None,
            sequence: String::new(),
            created_at: self.now_ms(),
        })
    }

    /// An object's organization, place and name. A role assignment has the name of its organization, place or group,
    /// and a login that of its user [inferred].
    fn object(&self, event_type: EventType, id: u64) -> Option<(u64, Option<u64>, String)> {
        match event_type {
            EventType::UserCreate | EventType::UserDestroy | EventType::UserUpdate => {
                let user = self.users.get(id)?;
                let name = if user.name.is_empty() { &user.email } else { &user.name };
                Some((user.organization_id, None, name.clone()))
            }
            EventType::LoginCreate | EventType::LoginDestroy => {
                let login = self.logins.get(id)?;
                let user = self.users.get(login.user_id)?;
                Some((user.organization_id, None, login.name.as_ref().unwrap_or(&user.name).clone()))
            }
            EventType::GroupCreate | EventType::GroupDestroy | EventType::GroupUpdate => {
                let group = self.groups.get(id)?;
                Some((group.organization_id, group.place_id, group.name.clone()))
            }
            EventType::GroupLockCreate | EventType::GroupLockDestroy => {
                let lock = self.locks.get(self.group_locks.get(id)?.lock_id)?;
                Some((lock.organization_id, Some(lock.place_id), lock.name.clone()))
            }
            EventType::LockCancelLockdown | EventType::LockLockDown | EventType::LockUnlock => {
                let lock = self.locks.get(id)?;
                Some((lock.organization_id, Some(lock.place_id), lock.name.clone()))
            }
            EventType::PlaceCancelLockdown | EventType::PlaceLockDown => {
                let place = self.places.get(id)?;
                Some((place.organization_id, Some(id), place.name.clone()))
            }
            EventType::RoleAssignmentCreate
            | EventType::RoleAssignmentDestroy
            | EventType::RoleAssignmentUpdate => {
                let held = self.role_assignments.get(id)?;
                let (place_id, name) = self.target(held.applies_to_type, held.applies_to_id)?;
                Some((held.organization_id, place_id, name))
            }
        }
    }

    /// The place and name of the target of a role assignment.
    fn target(&self, applies_to: AppliesTo, id: u64) -> Option<(Option<u64>, String)> {
        match applies_to {
            AppliesTo::Organization => Some((None, self.organizations.get(id)?.name.clone())),
            AppliesTo::Place => Some((Some(id), self.places.get(id)?.name.clone())),
            AppliesTo::Group => self.groups.get(id).map(|group| (group.place_id, group.name.clone())),
        }
    }
}
