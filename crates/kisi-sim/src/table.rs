//! Tables of records by id, and the indexes that keep look-ups fast when an organization has many users.

use std::collections::{BTreeMap, BTreeSet};

use crate::event_set::EventSet;
use crate::login::Login;
use crate::records::{Group, GroupLock, Lock, Organization, Place, RoleAssignment, User};

/// What a table must know of its records.
pub(crate) trait Record {
    fn organization_id(&self) -> u64;
}

macro_rules! record {
    ($($kind:ty => $organization:ident),+ $(,)?) => {
        $(impl Record for $kind {
            fn organization_id(&self) -> u64 {
                self.$organization
            }
        })+
    };
}

record!(
    Organization => id,
    Place => organization_id,
    Lock => organization_id,
    Group => organization_id,
    GroupLock => organization_id,
    User => organization_id,
    RoleAssignment => organization_id,
    Login => organization_id,
    EventSet => organization_id,
);

/// Ids by something else, for example the role assignments of each user.
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

/// Who holds something where, and how often: the same user may hold several role assignments in one group. Kept
/// beside the assignments because counting the members of a large group anew for each row of a list would take
/// longer than everything else.
#[derive(Clone, Debug, Default)]
pub(crate) struct Holders(BTreeMap<u64, BTreeMap<u64, u32>>);

impl Holders {
    pub(crate) fn insert(&mut self, target: u64, holder: u64) {
        *self.0.entry(target).or_default().entry(holder).or_default() += 1;
    }

    pub(crate) fn remove(&mut self, target: u64, holder: u64) {
        let Some(holders) = self.0.get_mut(&target) else { return };
        if let Some(times) = holders.get_mut(&holder) {
            *times -= 1;
            if *times == 0 {
                holders.remove(&holder);
            }
        }
        if holders.is_empty() {
            self.0.remove(&target);
        }
    }

    pub(crate) fn has(&self, target: u64, holder: u64) -> bool {
        self.0.get(&target).is_some_and(|holders| holders.contains_key(&holder))
    }

    /// Everybody who holds something there, each once, in ascending order.
    pub(crate) fn of(&self, target: u64) -> impl Iterator<Item = u64> + '_ {
        self.0.get(&target).map(BTreeMap::keys).unwrap_or_default().copied()
    }

    pub(crate) fn count(&self, target: u64) -> usize {
        self.0.get(&target).map_or(0, BTreeMap::len)
    }
}

/// All records of one kind. Ids are given in ascending order and never again, so that a record's place follows from
/// its id: lists that look at every record of a large organization stay fast.
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

    /// Adds the record that `make` makes for the next id.
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

    /// The record, if it belongs to the organization: another organization's is as good as none.
    pub(crate) fn in_organization(&self, organization_id: u64, id: u64) -> Option<&T> {
        self.get(id).filter(|row| row.organization_id() == organization_id)
    }

    /// The ids of an organization's records, in ascending order.
    pub(crate) fn ids_in(&self, organization_id: u64) -> impl Iterator<Item = u64> + '_ {
        self.by_organization.ids(organization_id)
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
    fn an_id_is_never_given_twice() {
        let mut groups = Table::starting_at(10);
        let first = groups.add(|id| Group::new(id, 1, "Basic", 0));
        assert!(groups.remove(first).is_some());
        let second = groups.add(|id| Group::new(id, 1, "Basic", 0));
        assert_eq!((first, second), (10, 11));
        assert_eq!(groups.ids_in(1).collect::<Vec<_>>(), [11]);
        assert!(groups.in_organization(2, second).is_none());
        assert!(groups.get(9).is_none() && groups.get(12).is_none());
    }

    #[test]
    fn a_holder_counts_once_until_the_last_hold_is_gone() {
        let mut holders = Holders::default();
        for holder in [7, 5, 7] {
            holders.insert(1, holder);
        }
        assert_eq!((holders.of(1).collect::<Vec<_>>(), holders.count(1)), (vec![5, 7], 2));
        holders.remove(1, 7);
        assert_eq!(holders.count(1), 2);
        holders.remove(1, 7);
        holders.remove(1, 9);
        assert_eq!(holders.of(1).collect::<Vec<_>>(), [5]);
        assert_eq!(holders.count(2), 0);
    }
}
