//! The guarantees of every storage, as tests that each implementation runs.

use super::{ENTRY_BYTES, Storage};
use crate::contract::storage::{Entry, Precondition, Quota, StorageError, Write};
use crate::error::Fault;

/// Runs each promise as a test of its own, on an empty storage of at most so many bytes.
macro_rules! kept_by {
    ($empty:expr) => {
        $crate::storage::promises::kept_by!($empty;
            all_writes_of_a_commit_have_its_version_and_versions_count_up,
            a_precondition_that_does_not_hold_leaves_everything_as_it_was,
            removing_an_absent_key_succeeds,
            a_scan_returns_the_prefix_s_entries_after_after_in_byte_order,
            a_full_storage_refuses_more_but_can_shrink,
            many_empty_entries_fill_a_storage_too,
        );
    };
    ($empty:expr; $($promise:ident,)*) => {
        $(#[tokio::test]
        async fn $promise() {
            let make: &dyn Fn(usize) -> _ = &$empty;
            let storage = make($crate::storage::promises::bytes_max(stringify!($promise)));
            $crate::storage::promises::$promise(&storage).await;
        })*
    };
}
pub(super) use kept_by;

/// The quota of a promise's storage.
pub(super) fn bytes_max(promise: &str) -> usize {
    if promise.contains("_storage") { 10 + 3 * ENTRY_BYTES } else { 1 << 20 }
}

fn put(key: &str, value: &str, requires: Precondition) -> Write {
    Write { key: key.to_owned(), value: Some(value.as_bytes().to_vec()), requires }
}

fn remove(key: &str, requires: Precondition) -> Write {
    Write { key: key.to_owned(), value: None, requires }
}

fn keys(entries: &[Entry]) -> Vec<&str> {
    entries.iter().map(|entry| entry.key.as_str()).collect()
}

async fn all(storage: &dyn Storage) -> Vec<Entry> {
    storage.scan("", None, 1_000).await.unwrap()
}

pub(super) async fn all_writes_of_a_commit_have_its_version_and_versions_count_up(storage: &dyn Storage) {
    let first = vec![put("a", "1", Precondition::None), put("b", "1", Precondition::None)];
    assert_eq!(storage.commit(first).await, Ok(1));
    assert_eq!(storage.commit(vec![put("b", "2", Precondition::None)]).await, Ok(2));
    let versions: Vec<_> = all(storage).await.into_iter().map(|entry| (entry.key, entry.version)).collect();
    assert_eq!(versions, [("a".to_owned(), 1), ("b".to_owned(), 2)]);
    assert_eq!(storage.get("b").await.unwrap().unwrap().value, b"2");
    assert_eq!(storage.get("c").await, Ok(None));
}

pub(super) async fn a_precondition_that_does_not_hold_leaves_everything_as_it_was(storage: &dyn Storage) {
    storage.commit(vec![put("a", "1", Precondition::None)]).await.unwrap();
    storage.commit(vec![put("a", "2", Precondition::UnchangedSince(1))]).await.unwrap();
    let before = all(storage).await;
    let table = [
        put("a", "x", Precondition::Absent),
        put("a", "x", Precondition::UnchangedSince(1)),
        put("missing", "x", Precondition::UnchangedSince(1)),
        remove("a", Precondition::UnchangedSince(9)),
    ];
    for write in table {
        let key = write.key.clone();
        let commit = storage.commit(vec![put("other", "x", Precondition::None), write.clone()]).await;
        assert_eq!(commit, Err(Fault::Answer(StorageError::Conflict(key))), "{write:?}");
        assert_eq!(all(storage).await, before, "{write:?}");
    }
    assert_eq!(storage.commit(Vec::new()).await, Ok(3), "a refused commit does not count");
}

pub(super) async fn removing_an_absent_key_succeeds(storage: &dyn Storage) {
    assert_eq!(storage.commit(vec![remove("a", Precondition::Absent)]).await, Ok(1));
}

pub(super) async fn a_scan_returns_the_prefix_s_entries_after_after_in_byte_order(storage: &dyn Storage) {
    for key in ["m/b", "m/é", "n", "m/B", "m", "l", "m/", "m/\0"] {
        storage.commit(vec![put(key, "", Precondition::None)]).await.unwrap();
    }
    let table: [(&str, Option<&str>, u32, &[&str]); 7] = [
        ("m/", None, 10, &["m/", "m/\0", "m/B", "m/b", "m/é"]),
        ("m/", None, 2, &["m/", "m/\0"]),
        ("m/", Some("m/B"), 10, &["m/b", "m/é"]),
        ("m/", Some("a"), 1, &["m/"]),
        ("m/", Some("z"), 1, &[]),
        ("", Some("m/b"), 10, &["m/é", "n"]),
        ("é", None, 10, &[]),
    ];
    for (prefix, after, limit, expected) in table {
        let found = storage.scan(prefix, after, limit).await.unwrap();
        assert_eq!(keys(&found), expected, "{prefix} {after:?} {limit}");
    }
    assert_eq!(all(storage).await.len(), 8);
}

pub(super) async fn a_full_storage_refuses_more_but_can_shrink(storage: &dyn Storage) {
    let full = Err(Fault::Answer(StorageError::QuotaExceeded(Quota::TotalSize)));
    storage.commit(vec![put("a", "1234567", Precondition::None)]).await.unwrap();
    storage.commit(vec![put("b", "", Precondition::None)]).await.unwrap();
    assert_eq!(storage.commit(vec![put("c", "1", Precondition::None)]).await, full);
    assert_eq!(keys(&all(storage).await), ["a", "b"]);
    assert_eq!(storage.commit(vec![put("a", "12", Precondition::None)]).await, Ok(3));
    assert_eq!(storage.commit(vec![put("c", "", Precondition::None)]).await, Ok(4));
    assert_eq!(storage.commit(vec![put("c", "123456", Precondition::None)]).await, full);
    assert_eq!(storage.commit(vec![put("c", "12345", Precondition::None)]).await, Ok(5));
}

pub(super) async fn many_empty_entries_fill_a_storage_too(storage: &dyn Storage) {
    for key in ["a", "b", "c"] {
        storage.commit(vec![put(key, "", Precondition::None)]).await.unwrap();
    }
    let full = Err(Fault::Answer(StorageError::QuotaExceeded(Quota::TotalSize)));
    assert_eq!(storage.commit(vec![put("d", "", Precondition::None)]).await, full);
    assert_eq!(storage.commit(vec![remove("a", Precondition::None)]).await, Ok(4));
    assert_eq!(storage.commit(vec![put("d", "", Precondition::None)]).await, Ok(5));
}
