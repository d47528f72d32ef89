//! All state of a simulated Kisi, and the changes that touch more than one table.
//!
//! The rules of the API (rights, valid values) are in the resources; this file keeps tables and indexes consistent.

mod events;
mod logins;

use std::collections::{BTreeMap, BTreeSet};

use crate::clock::{Clock, ClockMode};
use crate::event::{Acting, EventType, Events};
use crate::event_set::EventSet;
use crate::faults::FaultStatus;
use crate::journal::Journal;
use crate::knobs::Knobs;
use crate::login::Login;
use crate::quota::Quotas;
use crate::records::{
    AppliesTo, Group, GroupLock, Lock, Organization, Place, RoleAssignment, Snapshot, User,
};
use crate::resources::roles;
use crate::table::{Index, Record, Table};

// The first id of each kind. The ranges lie far apart, so that an id used for the wrong kind finds nothing, and the
// kinds that grow have the most room.
const FIRST_ORGANIZATION_ID: u64 = 1_000_001;
const FIRST_PLACE_ID: u64 = 2_000_001;
const FIRST_LOCK_ID: u64 = 3_000_001;
const FIRST_GROUP_ID: u64 = 4_000_001;
const FIRST_GROUP_LOCK_ID: u64 = 5_000_001;
const FIRST_EVENT_SET_ID: u64 = 6_000_001;
const FIRST_USER_ID: u64 = 10_000_001;
const FIRST_ROLE_ASSIGNMENT_ID: u64 = 100_000_001;
const FIRST_LOGIN_ID: u64 = 200_000_001;

/// One simulated Kisi.
pub(crate) struct State {
    pub(crate) clock: Clock,
    pub(crate) knobs: Knobs,
    pub(crate) faults: Vec<FaultStatus>,
    pub(crate) journal: Journal,
    pub(crate) quotas: Quotas,
    /// The number of lists served, for the drifting order of rows.
    pub(crate) lists_served: usize,
    pub(crate) organizations: Table<Organization>,
    pub(crate) places: Table<Place>,
    pub(crate) locks: Table<Lock>,
    pub(crate) groups: Table<Group>,
    pub(crate) group_locks: Table<GroupLock>,
    pub(crate) users: Table<User>,
    pub(crate) role_assignments: Table<RoleAssignment>,
    pub(crate) logins: Table<Login>,
    pub(crate) events: Events,
    pub(crate) event_sets: Table<EventSet>,
    /// The login of each secret ever given out, whether the login still exists or not.
    secrets: BTreeMap<String, u64>,
    first_secret: String,
    keys_made: u64,
    logins_by_user: Index,
    users_by_email: BTreeMap<(u64, String), u64>,
    locks_by_group: Index,
    groups_by_lock: Index,
    held_by_user: Index,
    held_in_target: Index<(AppliesTo, u64)>,
    /// The number of role assignments of each user in each target. Counting them for each row of a list would make
    /// the lists of a large organization slow.
    users_by_target: BTreeMap<u64, BTreeMap<u64, u32>>,
}

impl State {
    pub(crate) fn new(mode: ClockMode, start_ms: u64, knobs: Knobs) -> State {
        State {
            clock: Clock::new(mode, start_ms),
            knobs,
            faults: Vec::new(),
            journal: Journal::default(),
            quotas: Quotas::default(),
            lists_served: 0,
            organizations: Table::starting_at(FIRST_ORGANIZATION_ID),
            places: Table::starting_at(FIRST_PLACE_ID),
            locks: Table::starting_at(FIRST_LOCK_ID),
            groups: Table::starting_at(FIRST_GROUP_ID),
            group_locks: Table::starting_at(FIRST_GROUP_LOCK_ID),
            users: Table::starting_at(FIRST_USER_ID),
            role_assignments: Table::starting_at(FIRST_ROLE_ASSIGNMENT_ID),
            logins: Table::starting_at(FIRST_LOGIN_ID),
            events: Events::default(),
            event_sets: Table::starting_at(FIRST_EVENT_SET_ID),
            secrets: BTreeMap::new(),
            first_secret: String::new(),
            keys_made: 0,
            logins_by_user: Index::default(),
            users_by_email: BTreeMap::new(),
            locks_by_group: Index::default(),
            groups_by_lock: Index::default(),
            held_by_user: Index::default(),
            held_in_target: Index::default(),
            users_by_target: BTreeMap::new(),
        }
    }

    pub(crate) fn now_ms(&self) -> u64 {
        self.clock.now_ms()
    }

    /// The organization that was seeded first, the default for staff's changes.
    pub(crate) fn first_organization_id(&self) -> u64 {
        self.organizations.rows().next().map_or(FIRST_ORGANIZATION_ID, |organization| organization.id)
    }

    /// Replaces a record by its changed copy. No index may depend on what changed.
    pub(crate) fn change<T: Record>(&mut self, event_type: EventType, row: T) {
        let id = row.id();
        if let Some(stored) = T::table_mut(self).get_mut(id) {
            *stored = row;
        }
        self.record(event_type, id);
    }

    // Users.

    pub(crate) fn user_by_email(&self, organization_id: u64, email: &str) -> Option<u64> {
        self.users_by_email.get(&(organization_id, email_key(email))).copied()
    }

    pub(crate) fn add_user(&mut self, user: User) -> u64 {
        let key = (user.organization_id, email_key(&user.email));
        let id = self.users.add(|id| User { id, ..user });
        self.users_by_email.insert(key, id);
        self.record(EventType::UserCreate, id);
        id
    }

    /// Changes a user's e-mail address, which only staff can do.
    pub(crate) fn set_user_email(&mut self, id: u64, email: &str) {
        let now_ms = self.now_ms();
        let Some(user) = self.users.get_mut(id) else { return };
        self.users_by_email.remove(&(user.organization_id, email_key(&user.email)));
        self.users_by_email.insert((user.organization_id, email_key(email)), id);
        email.clone_into(&mut user.email);
        user.updated_at = now_ms;
        self.record(EventType::UserUpdate, id);
    }

    /// Removes a user with its role assignments and logins.
    pub(crate) fn remove_user(&mut self, id: u64) -> bool {
        for held in self.held_by(id) {
            self.remove_role_assignment(held);
        }
        for login in self.logins_by_user.ids(id).collect::<Vec<_>>() {
            self.remove_login(login);
        }
        self.record(EventType::UserDestroy, id);
        let Some(user) = self.users.remove(id) else { return false };
        self.users_by_email.remove(&(user.organization_id, email_key(&user.email)));
        true
    }

    // Role assignments.

    pub(crate) fn add_role_assignment(&mut self, row: RoleAssignment) -> u64 {
        let (target, user_id) = (row.target(), row.assignee_id);
        let id = self.role_assignments.add(|id| RoleAssignment { id, ..row });
        self.held_by_user.insert(user_id, id);
        self.held_in_target.insert(target, id);
        *self.users_by_target.entry(target.1).or_default().entry(user_id).or_default() += 1;
        self.record(EventType::RoleAssignmentCreate, id);
        id
    }

    pub(crate) fn remove_role_assignment(&mut self, id: u64) -> bool {
        self.record(EventType::RoleAssignmentDestroy, id);
        let Some(held) = self.role_assignments.remove(id) else { return false };
        self.held_by_user.remove(held.assignee_id, id);
        self.held_in_target.remove(held.target(), id);
        if let Some(users) = self.users_by_target.get_mut(&held.applies_to_id)
            && let Some(count) = users.get_mut(&held.assignee_id)
        {
            *count -= 1;
            if *count == 0 {
                users.remove(&held.assignee_id);
            }
        }
        true
    }

    /// Whether the organization has this target of a role assignment.
    pub(crate) fn has(&self, organization_id: u64, (kind, id): (AppliesTo, u64)) -> bool {
        match kind {
            AppliesTo::Organization => id == organization_id,
            AppliesTo::Place => self.places.in_organization(organization_id, id).is_some(),
            AppliesTo::Group => self.groups.in_organization(organization_id, id).is_some(),
        }
    }

    /// The ids of a user's role assignments.
    pub(crate) fn held_by(&self, user_id: u64) -> Vec<u64> {
        self.held_by_user.ids(user_id).collect()
    }

    /// The ids of the role assignments in an organization, place or group.
    pub(crate) fn held_in(&self, target: (AppliesTo, u64)) -> Vec<u64> {
        self.held_in_target.ids(target).collect()
    }

    /// The role assignments of a user.
    pub(crate) fn roles_of(&self, user_id: u64) -> impl Iterator<Item = &RoleAssignment> {
        self.held_by_user.ids(user_id).filter_map(|id| self.role_assignments.get(id))
    }

    /// The users with a role assignment in an organization, place or group, whatever its dates. Each once.
    pub(crate) fn users_in(&self, target_id: u64) -> impl Iterator<Item = u64> + '_ {
        self.users_by_target.get(&target_id).map(BTreeMap::keys).unwrap_or_default().copied()
    }

    pub(crate) fn users_count(&self, target_id: u64) -> usize {
        self.users_by_target.get(&target_id).map_or(0, BTreeMap::len)
    }

    /// Whether the user has a role assignment there.
    pub(crate) fn holds_in(&self, user_id: u64, target_id: u64) -> bool {
        self.users_by_target.get(&target_id).is_some_and(|users| users.contains_key(&user_id))
    }

    /// Whether the user may administer its organization.
    pub(crate) fn administers(&self, user_id: u64) -> bool {
        self.roles_of(user_id).any(|held| roles::administers(&held.role_id))
    }

    /// Whether the user owns its organization.
    pub(crate) fn owns(&self, user_id: u64) -> bool {
        self.roles_of(user_id).any(|held| held.role_id == roles::ORGANIZATION_OWNER)
    }

    /// The first owner of an organization.
    pub(crate) fn owner_of(&self, organization_id: u64) -> Option<u64> {
        self.held_in_target
            .ids((AppliesTo::Organization, organization_id))
            .filter_map(|id| self.role_assignments.get(id))
            .find(|held| held.role_id == roles::ORGANIZATION_OWNER)
            .map(|held| held.assignee_id)
    }

    // Groups and their doors.

    pub(crate) fn add_group(&mut self, group: Group) -> u64 {
        let id = self.groups.add(|id| Group { id, ..group });
        self.record(EventType::GroupCreate, id);
        id
    }

    /// Removes a group with its role assignments and its doors.
    pub(crate) fn remove_group(&mut self, id: u64) -> bool {
        for held in self.held_in((AppliesTo::Group, id)) {
            self.remove_role_assignment(held);
        }
        for group_lock in self.doors_of_group(id) {
            self.remove_group_lock(group_lock);
        }
        self.record(EventType::GroupDestroy, id);
        self.groups.remove(id).is_some()
    }

    pub(crate) fn add_group_lock(&mut self, organization_id: u64, group_id: u64, lock_id: u64) -> u64 {
        let created_at = self.now_ms();
        let id = self.group_locks.add(|id| GroupLock { id, organization_id, group_id, lock_id, created_at });
        self.locks_by_group.insert(group_id, id);
        self.groups_by_lock.insert(lock_id, id);
        self.record(EventType::GroupLockCreate, id);
        id
    }

    pub(crate) fn remove_group_lock(&mut self, id: u64) -> bool {
        self.record(EventType::GroupLockDestroy, id);
        let Some(group_lock) = self.group_locks.remove(id) else { return false };
        self.locks_by_group.remove(group_lock.group_id, id);
        self.groups_by_lock.remove(group_lock.lock_id, id);
        true
    }

    /// The ids of a group's group locks.
    pub(crate) fn doors_of_group(&self, group_id: u64) -> Vec<u64> {
        self.locks_by_group.ids(group_id).collect()
    }

    pub(crate) fn doors_count(&self, group_id: u64) -> usize {
        self.locks_by_group.count(group_id)
    }

    pub(crate) fn groups_count(&self, lock_id: u64) -> usize {
        self.groups_by_lock.count(lock_id)
    }

    /// The group locks of a group.
    pub(crate) fn group_locks_in(&self, group_id: u64) -> impl Iterator<Item = &GroupLock> {
        self.locks_by_group.ids(group_id).filter_map(|id| self.group_locks.get(id))
    }

    /// The groups that hold a lock.
    pub(crate) fn groups_with(&self, lock_id: u64) -> BTreeSet<u64> {
        let group_locks = self.groups_by_lock.ids(lock_id).filter_map(|id| self.group_locks.get(id));
        group_locks.map(|group_lock| group_lock.group_id).collect()
    }

    /// Removes the event sets that can no longer be read, so that a polling client does not fill the memory.
    pub(crate) fn forget_event_sets(&mut self, organization_id: u64) {
        let now_ms = self.now_ms();
        // They are in the order of their age, unless the clock was set back.
        let sets = self.event_sets.rows_in(organization_id);
        let old: Vec<u64> = sets.take_while(|set| !set.is_kept_at(now_ms)).map(|set| set.id).collect();
        for id in old {
            self.event_sets.remove(id);
        }
    }

    /// Runs `act`, and records its events as done by this actor. Without an actor no events are recorded.
    pub(crate) fn as_done_by<T>(&mut self, acting: Option<Acting>, act: impl FnOnce(&mut State) -> T) -> T {
        self.events.begin(acting);
        let done = act(self);
        self.events.end();
        done
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        Snapshot {
            now: self.now_ms(),
            organizations: self.organizations.rows().cloned().collect(),
            places: self.places.rows().cloned().collect(),
            locks: self.locks.rows().cloned().collect(),
            groups: self.groups.rows().cloned().collect(),
            group_locks: self.group_locks.rows().cloned().collect(),
            users: self.users.rows().cloned().collect(),
            role_assignments: self.role_assignments.rows().cloned().collect(),
            logins: self.logins.rows().cloned().collect(),
        }
    }
}

/// The key under which two e-mail addresses are the same user's.
fn email_key(email: &str) -> String {
    email.trim().to_lowercase()
}
