//! Storage in memory, with a hook at every commit where a test can cut the call off.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::{Storage, TOTAL_BYTES_MAX, entry_bytes};
use crate::contract::storage::{Entry, Precondition, Quota, StorageError, Write};
use crate::error::Fault;

/// When a hook is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Before anything is checked or written.
    Before,
    /// After everything is written.
    After,
}

/// What a hook decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Continue.
    Proceed,
    /// Answer the guest that storage is unavailable, for this reason. After the commit, the writes remain.
    Unavailable(String),
    /// End the call here, as if the host had crashed. After the commit, the writes remain.
    Abort(String),
}

type Hook = Arc<dyn Fn(Moment, &[Write]) -> Verdict + Send + Sync>;

/// Storage in memory, exactly as the contract describes it, for tests, scenarios and demonstrations.
pub struct MemoryStorage {
    space: Mutex<Space>,
    hook: Mutex<Option<Hook>>,
    total_bytes_max: usize,
}

#[derive(Default)]
struct Space {
    entries: BTreeMap<String, (Vec<u8>, u64)>,
    commits: u64,
    total_bytes: usize,
}

impl MemoryStorage {
    /// An empty storage with the contract's total quota.
    pub fn new() -> Self {
        Self::with_total_bytes_max(TOTAL_BYTES_MAX)
    }

    /// An empty storage for at most this many bytes of entries: keys, values, and 32 per entry.
    pub fn with_total_bytes_max(total_bytes_max: usize) -> Self {
        Self { space: Mutex::default(), hook: Mutex::default(), total_bytes_max }
    }

    /// Calls `hook` before and after every commit from now on, instead of an earlier hook.
    pub fn on_commit(&self, hook: impl Fn(Moment, &[Write]) -> Verdict + Send + Sync + 'static) {
        *lock(&self.hook) = Some(Arc::new(hook));
    }

    /// Removes the hook.
    pub fn clear_hook(&self) {
        *lock(&self.hook) = None;
    }

    /// All entries, in ascending byte order of their keys.
    pub fn entries(&self) -> Vec<Entry> {
        lock(&self.space).entries.iter().map(|(key, stored)| entry(key, stored)).collect()
    }

    /// Number of commits so far: the version of the newest.
    pub fn commits(&self) -> u64 {
        lock(&self.space).commits
    }

    /// Bytes of all entries, as the quota counts them: keys, values, and 32 per entry.
    pub fn total_bytes(&self) -> usize {
        lock(&self.space).total_bytes
    }

    fn ask(&self, moment: Moment, writes: &[Write]) -> Result<(), Fault<StorageError>> {
        // The hook runs without the lock, so that it may read the storage.
        let hook = lock(&self.hook).clone();
        match hook.map_or(Verdict::Proceed, |hook| hook(moment, writes)) {
            Verdict::Proceed => Ok(()),
            Verdict::Unavailable(reason) => Err(StorageError::Unavailable(reason).into()),
            Verdict::Abort(reason) => Err(Fault::Abort(reason)),
        }
    }
}

impl Space {
    fn commit(&mut self, writes: &[Write], total_bytes_max: usize) -> Result<u64, StorageError> {
        let mut total_bytes = self.total_bytes;
        for write in writes {
            let held = self.entries.get(&write.key);
            let holds = match write.requires {
                Precondition::None => true,
                Precondition::Absent => held.is_none(),
                Precondition::UnchangedSince(version) => held.is_some_and(|(_, written)| *written == version),
            };
            if !holds {
                return Err(StorageError::Conflict(write.key.clone()));
            }
            let before = held.map_or(0, |(value, _)| entry_bytes(write.key.len(), value.len()));
            let after = write.value.as_ref().map_or(0, |value| entry_bytes(write.key.len(), value.len()));
            total_bytes = total_bytes.saturating_sub(before).saturating_add(after);
        }
        // A full storage must still be able to shrink.
        if total_bytes > total_bytes_max && total_bytes > self.total_bytes {
            return Err(StorageError::QuotaExceeded(Quota::TotalSize));
        }
        self.commits += 1;
        self.total_bytes = total_bytes;
        for write in writes {
            match &write.value {
                Some(value) => self.entries.insert(write.key.clone(), (value.clone(), self.commits)),
                None => self.entries.remove(&write.key),
            };
        }
        Ok(self.commits)
    }
}

#[async_trait]
impl Storage for MemoryStorage {
    async fn get(&self, key: &str) -> Result<Option<Entry>, Fault<StorageError>> {
        Ok(lock(&self.space).entries.get(key).map(|stored| entry(key, stored)))
    }

    async fn scan(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Entry>, Fault<StorageError>> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        // Strings compare by bytes, so the keys with a prefix are contiguous and start at the prefix.
        let start = match after {
            Some(after) if after >= prefix => Bound::Excluded(after),
            _ => Bound::Included(prefix),
        };
        let space = lock(&self.space);
        let found = space.entries.range::<str, _>((start, Bound::Unbounded));
        let found = found.take_while(|(key, _)| key.starts_with(prefix)).take(limit);
        Ok(found.map(|(key, stored)| entry(key, stored)).collect())
    }

    async fn commit(&self, writes: Vec<Write>) -> Result<u64, Fault<StorageError>> {
        self.ask(Moment::Before, &writes)?;
        let version = lock(&self.space).commit(&writes, self.total_bytes_max)?;
        self.ask(Moment::After, &writes)?;
        Ok(version)
    }
}

impl Default for MemoryStorage {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryStorage {
    // Only sizes: values may contain personal data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let space = lock(&self.space);
        f.debug_struct("MemoryStorage")
            .field("entries", &space.entries.len())
            .field("commits", &space.commits)
            .field("total_bytes", &space.total_bytes)
            .finish_non_exhaustive()
    }
}

fn entry(key: &str, (value, version): &(Vec<u8>, u64)) -> Entry {
    Entry { key: key.to_owned(), value: value.clone(), version: *version }
}

// A commit changes the data only after all its checks, in steps that do not panic, so it is valid after a panic elsewhere.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    crate::storage::promises::kept_by!(MemoryStorage::with_total_bytes_max);

    fn put(key: &str, value: &str, requires: Precondition) -> Write {
        Write { key: key.to_owned(), value: Some(value.as_bytes().to_vec()), requires }
    }

    #[tokio::test]
    async fn a_hook_can_end_a_commit_before_and_after_it_is_written() {
        let storage = MemoryStorage::new();
        storage.on_commit(|moment, _| match moment {
            Moment::Before => Verdict::Abort("killed before".to_owned()),
            Moment::After => Verdict::Proceed,
        });
        let commit = storage.commit(vec![put("a", "1", Precondition::None)]).await;
        assert_eq!((commit, storage.commits()), (Err(Fault::Abort("killed before".to_owned())), 0));
        storage.on_commit(|moment, _| match moment {
            Moment::Before => Verdict::Proceed,
            Moment::After => Verdict::Unavailable("answer lost".to_owned()),
        });
        assert!(storage.commit(vec![put("a", "1", Precondition::None)]).await.is_err());
        assert_eq!(storage.commits(), 1);
    }
}
