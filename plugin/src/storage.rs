//! The host's storage, with its failures as errors of the contract: `retry` when storage does not answer or another call
//! wrote meanwhile, `pause` when it is full, `reject` when a value is too large.

use crate::contract::storage::{Entry, Quota, StorageError, Write};
use crate::contract::types::PauseCause;
use crate::host::Host;
use crate::stop::{Stop, pause, reject, retry};

/// Wait when storage does not answer.
const RETRY_STORAGE_MS: u64 = 1_000;

/// See `storage.get`.
pub fn get(host: &dyn Host, key: &str) -> Result<Option<Entry>, Stop> {
    host.get(key).map_err(stop)
}

/// See `storage.scan`.
pub fn scan(host: &dyn Host, prefix: &str, after: Option<&str>, limit: u32) -> Result<Vec<Entry>, Stop> {
    host.scan(prefix, after, limit).map_err(stop)
}

/// See `storage.commit`.
pub fn commit(host: &dyn Host, writes: Vec<Write>) -> Result<u64, Stop> {
    host.commit(writes).map_err(stop)
}

fn stop(error: StorageError) -> Stop {
    match error {
        StorageError::Conflict(_) => {
            retry(0, "The plugin's records changed during the call; it starts again.", None)
        }
        StorageError::Unavailable(why) => {
            retry(RETRY_STORAGE_MS, &format!("The plugin's storage does not answer: {why}."), None)
        }
        StorageError::QuotaExceeded(Quota::TotalSize) => pause(
            PauseCause::StorageFull,
            "The plugin's storage is full: raise the limit for this installation.",
            None,
        ),
        // It concerns one member with an extremely long id or address, so it must not pause the tenant.
        StorageError::QuotaExceeded(Quota::KeySize | Quota::ValueSize | Quota::CommitSize) => reject(
            "What is to be kept is larger than storage allows: an id, an e-mail address or the list of groups is too \
             long.",
            None,
        ),
    }
}
