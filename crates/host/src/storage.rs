//! A tenant's key-value space: the trait that a platform implements, the contract's limits, a storage in memory, and one in
//! a file.
//!
//! The host checks every request against the contract before storage gets it. So an implementation only has to guarantee:
//! one version per commit, all writes or none, durable on return, and a total quota.

mod memory;
#[cfg(test)]
mod promises;
#[cfg(feature = "sqlite")]
mod sqlite;

use std::collections::BTreeSet;

use async_trait::async_trait;

use crate::contract::storage::{Entry, Quota, StorageError, Write};
use crate::error::Fault;

pub use memory::{MemoryStorage, Moment, Verdict};
#[cfg(feature = "sqlite")]
pub use sqlite::{SqliteStorage, SqliteStorageError};

/// Longest key, in bytes.
pub(crate) const KEY_BYTES_MAX: usize = 512;
/// Largest value, in bytes.
pub(crate) const VALUE_BYTES_MAX: usize = 256 << 10;
/// Most writes of one commit.
pub(crate) const COMMIT_WRITES_MAX: usize = 100;
/// Most bytes of keys and values in one commit.
pub(crate) const COMMIT_BYTES_MAX: usize = 1 << 20;
/// Most bytes of entries that a tenant keeps; see [`entry_bytes`].
pub(crate) const TOTAL_BYTES_MAX: usize = 64 << 20;
/// Counted per entry besides key and value: its version, and the index. Otherwise an empty value under a short key would
/// be nearly free, and a tenant could have 13 million of them.
pub(crate) const ENTRY_BYTES: usize = 32;
/// Most entries of one scan.
pub(crate) const SCAN_ENTRIES_MAX: u32 = 1_000;

/// One tenant's key-value space; see the contract's `storage`.
///
/// # Errors
/// The plugin gets [`Fault::Answer`]. [`Fault::Abort`] ends the call at once.
#[async_trait]
pub trait Storage: Send + Sync {
    /// The entry under the key, if any.
    async fn get(&self, key: &str) -> Result<Option<Entry>, Fault<StorageError>>;

    /// Entries whose key starts with `prefix` and, if given, comes after `after`, in ascending byte order of their keys; at
    /// most `limit` (1 to 1,000). Fewer than `limit` means that there are no more.
    async fn scan(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Entry>, Fault<StorageError>>;

    /// All writes or none, durable on return. No key appears twice. Returns the version of these writes: the number of the
    /// tenant's commit.
    async fn commit(&self, writes: Vec<Write>) -> Result<u64, Fault<StorageError>>;
}

/// What an entry counts in the tenant's total quota.
pub(crate) fn entry_bytes(key_bytes: usize, value_bytes: usize) -> usize {
    ENTRY_BYTES.saturating_add(key_bytes).saturating_add(value_bytes)
}

/// How a commit breaks the contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Malformed {
    /// The guest gets this error.
    Quota(Quota),
    /// The contract has no error for it: the call ends.
    KeyTwice(String),
}

/// Checks a commit against the contract's sizes.
pub(crate) fn check_commit(writes: &[Write]) -> Result<(), Malformed> {
    let mut keys = BTreeSet::new();
    let mut bytes_total = 0_usize;
    for write in writes {
        if write.key.is_empty() || write.key.len() > KEY_BYTES_MAX {
            return Err(Malformed::Quota(Quota::KeySize));
        }
        let value_bytes = write.value.as_ref().map_or(0, Vec::len);
        if value_bytes > VALUE_BYTES_MAX {
            return Err(Malformed::Quota(Quota::ValueSize));
        }
        if !keys.insert(write.key.as_str()) {
            return Err(Malformed::KeyTwice(write.key.clone()));
        }
        bytes_total = bytes_total.saturating_add(write.key.len()).saturating_add(value_bytes);
    }
    if writes.len() > COMMIT_WRITES_MAX || bytes_total > COMMIT_BYTES_MAX {
        return Err(Malformed::Quota(Quota::CommitSize));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::storage::Precondition;

    fn put(key: impl Into<String>, value_bytes: usize) -> Write {
        Write { key: key.into(), value: Some(vec![7; value_bytes]), requires: Precondition::None }
    }

    #[test]
    fn a_commit_beyond_the_contract_s_sizes_is_refused() {
        let quota = |quota| Err(Malformed::Quota(quota));
        let table = [
            ("no writes", vec![], Ok(())),
            ("an empty key", vec![put("", 1)], quota(Quota::KeySize)),
            ("the longest key", vec![put("k".repeat(512), 1)], Ok(())),
            ("a key too long", vec![put("k".repeat(513), 1)], quota(Quota::KeySize)),
            ("the largest value", vec![put("k", 256 << 10)], Ok(())),
            ("a value too large", vec![put("k", (256 << 10) + 1)], quota(Quota::ValueSize)),
            ("a hundred writes", (0..100).map(|n| put(format!("k{n}"), 1)).collect(), Ok(())),
            (
                "a write too many",
                (0..101).map(|n| put(format!("k{n}"), 1)).collect(),
                quota(Quota::CommitSize),
            ),
            (
                "just over 1 MiB",
                (0..4).map(|n| put(format!("k{n}"), 256 << 10)).collect(),
                quota(Quota::CommitSize),
            ),
            ("a key twice", vec![put("k", 1), put("k", 1)], Err(Malformed::KeyTwice("k".to_owned()))),
        ];
        for (what, writes, expected) in table {
            assert_eq!(check_commit(&writes), expected, "{what}");
        }
    }
}
