//! Tables of records by id, and the indexes that keep look-ups fast in a large organization.

use std::collections::{BTreeMap, BTreeSet};

use crate::event_set::EventSet;
use crate::login::Login;
use crate::records::{Group, GroupLock, Lock, Organization, Place, RoleAssignment, User};
use crate::state::State;

/// A record of one organization, kept in a table of its own.
pub(crate) trait Record: Sized + 'static {
    fn table(state: &State) -> &Table<Self>;
    fn table_mut(state: &mut State) -> &mut Table<Self>;
    fn id(&self) -> u64;
    fn organization_id(&self) -> u64;
}

macro_rules! record {
    ($($kind:ty => $table:ident, $organization:ident;)+) => {
        $(impl Record for $kind {
            fn table(state: &State) -> &Table<Self> {
                &state.$table
            }

            fn table_mut(state: &mut State) -> &mut Table<Self> {
                &mut state.$table
            }

            fn id(&self) -> u64 {
                self.id
            }

            fn organization_id(&self) -> u64 {
                self.$organization
            }
        })+
    };
}

record!(
    Organization => organizations, id;
    Place => places, organization_id;
    Lock => locks, organization_id;
    Group => groups, organization_id;
    GroupLock => group_locks, organization_id;
    User => users, organization_id;
    RoleAssignment => role_assignments, organization_id;
    Login => logins, organization_id;
    EventSet => event_sets, organization_id;
);

/// Ids by another key, for example the role assignments of each user.
#[derive(Clone, Debug)]
pub(crate) struct Index<K = u64>(BTreeMap<K, BTreeSet<u64>>);

impl<K> Default for Index<K> {
    fn default() -> Index<K> {
        Index(BTreeMap::new())
    }
}

impl<K: Ord> Index<K> {
    pub(crate) fn insert(&mut self, key: K, id: u64) {
        self.0.entry(key).or_default().insert(id);
    }

    pub(crate) fn remove(&mut self, key: K, id: u64) {
        if let Some(ids) = self.0.get_mut(&key) {
            ids.remove(&id);
            if ids.is_empty() {
                self.0.remove(&key);
            }
        }
    }

    /// The ids under a key, in ascending order.
    pub(crate) fn ids(&self, key: K) -> impl Iterator<Item = u64> + '_ {
        self.0.get(&key).map(BTreeSet::iter).unwrap_or_default().copied()
    }

    pub(crate) fn count(&self, key: K) -> usize {
        self.0.get(&key).map_or(0, BTreeSet::len)
    }
}

/// All records of one kind. Ids ascend and are never reused, so an id gives the record's position without a search.
#[derive(Clone, Debug)]
pub(crate) struct Table<T> {
    first_id: u64,
    slots: Vec<Option<T>>,
    by_organization: Index,
}

impl<T: Record> Table<T> {
    pub(crate) fn starting_at(first_id: u64) -> Table<T> {
        Table { first_id, slots: Vec::new(), by_organization: Index::default() }
    }

    /// Adds the record that `make` returns for the next id.
    pub(crate) fn add(&mut self, make: impl FnOnce(u64) -> T) -> u64 {
        let id = self.first_id + self.slots.len() as u64;
        let row = make(id);
        self.by_organization.insert(row.organization_id(), id);
        self.slots.push(Some(row));
        id
    }

    pub(crate) fn remove(&mut self, id: u64) -> Option<T> {
        let slot = self.slot(id)?;
        let row = self.slots.get_mut(slot)?.take()?;
        self.by_organization.remove(row.organization_id(), id);
        Some(row)
    }

    pub(crate) fn get(&self, id: u64) -> Option<&T> {
        self.slots.get(self.slot(id)?)?.as_ref()
    }

    pub(crate) fn get_mut(&mut self, id: u64) -> Option<&mut T> {
        let slot = self.slot(id)?;
        self.slots.get_mut(slot)?.as_mut()
    }

    fn slot(&self, id: u64) -> Option<usize> {
        usize::try_from(id.checked_sub(self.first_id)?).ok()
    }

    /// The record, if it belongs to the organization.
    pub(crate) fn in_organization(&self, organization_id: u64, id: u64) -> Option<&T> {
        self.get(id).filter(|row| row.organization_id() == organization_id)
    }

    /// The ids of an organization's records, in ascending order.
    pub(crate) fn ids_in(&self, organization_id: u64) -> impl Iterator<Item = u64> + '_ {
        self.by_organization.ids(organization_id)
    }

    /// An organization's records, in the order of their ids.
    pub(crate) fn rows_in(&self, organization_id: u64) -> impl Iterator<Item = &T> {
        self.ids_in(organization_id).filter_map(|id| self.get(id))
    }

    pub(crate) fn count_in(&self, organization_id: u64) -> usize {
        self.by_organization.count(organization_id)
    }

    /// All records, in the order of their ids.
    pub(crate) fn rows(&self) -> impl Iterator<Item = &T> {
        self.slots.iter().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_never_used_twice() {
        let mut groups = Table::starting_at(10);
        let first = groups.add(|id| Group { id, ..Group::new(1, "Basic", 0) });
        assert!(groups.remove(first).is_some());
        let second = groups.add(|id| Group { id, ..Group::new(1, "Basic", 0) });
        assert_eq!((first, second), (10, 11));
        assert_eq!(groups.ids_in(1).collect::<Vec<_>>(), [11]);
        assert!(groups.in_organization(2, second).is_none());
        assert!(groups.get(9).is_none() && groups.get(12).is_none());
    }
}
