//! Tables of records by id, and the indexes that keep look-ups fast when an organization has many users.

use std::collections::{BTreeMap, BTreeSet};

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
);

/// Ids by another id, for example the role assignments of each user.
#[derive(Clone, Debug, Default)]
pub(crate) struct Index(BTreeMap<u64, BTreeSet<u64>>);

impl Index {
    pub(crate) fn insert(&mut self, key: u64, id: u64) {
        self.0.entry(key).or_default().insert(id);
    }

    pub(crate) fn remove(&mut self, key: u64, id: u64) {
        if let Some(ids) = self.0.get_mut(&key) {
            ids.remove(&id);
            if ids.is_empty() {
                self.0.remove(&key);
            }
        }
    }

    /// The ids under a key, in ascending order.
    pub(crate) fn ids(&self, key: u64) -> impl Iterator<Item = u64> + '_ {
        self.0.get(&key).into_iter().flatten().copied()
    }

    pub(crate) fn count(&self, key: u64) -> usize {
        self.0.get(&key).map_or(0, BTreeSet::len)
    }
}

/// All records of one kind. Ids are given in ascending order and never again.
#[derive(Clone, Debug)]
pub(crate) struct Table<T> {
    next_id: u64,
    rows: BTreeMap<u64, T>,
    by_organization: Index,
}

impl<T: Record> Table<T> {
    pub(crate) fn starting_at(first_id: u64) -> Table<T> {
        Table { next_id: first_id, rows: BTreeMap::new(), by_organization: Index::default() }
    }

    /// Adds the record that `make` makes for the next id.
    pub(crate) fn add(&mut self, make: impl FnOnce(u64) -> T) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        let row = make(id);
        self.by_organization.insert(row.organization_id(), id);
        self.rows.insert(id, row);
        id
    }

    pub(crate) fn remove(&mut self, id: u64) -> Option<T> {
        let row = self.rows.remove(&id)?;
        self.by_organization.remove(row.organization_id(), id);
        Some(row)
    }

    pub(crate) fn get(&self, id: u64) -> Option<&T> {
        self.rows.get(&id)
    }

    pub(crate) fn get_mut(&mut self, id: u64) -> Option<&mut T> {
        self.rows.get_mut(&id)
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
        self.rows.values()
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
    }
}
