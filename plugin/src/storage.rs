//! The host's storage, with what the host must do when it does not answer as it should.

use crate::contract::storage::{Entry, Quota, StorageError, Write};
use crate::contract::types::PauseCause;
use crate::host::Host;
use crate::stop::{Stop, pause, reject, retry};

/// How long to wait when storage does not answer.
const RETRY_STORAGE_MS: u64 = 1_000;

/// See `storage.get`.
///
/// # Errors
/// `retry` when storage does not answer.
pub fn get(host: &dyn Host, key: &str) -> Result<Option<Entry>, Stop> {
    host.get(key).map_err(stop)
}

/// See `storage.scan`.
///
/// # Errors
/// `retry` when storage does not answer.
pub fn scan(host: &dyn Host, prefix: &str, after: Option<&str>, limit: u32) -> Result<Vec<Entry>, Stop> {
    host.scan(prefix, after, limit).map_err(stop)
}

/// See `storage.commit`.
///
/// # Errors
/// `retry` when somebody else wrote meanwhile or storage does not answer, `pause` when it is full, `reject` when
/// something is too large for it.
pub fn commit(host: &dyn Host, writes: Vec<Write>) -> Result<u64, Stop> {
    host.commit(writes).map_err(stop)
}

/// What the host must do about it.
fn stop(error: StorageError) -> Stop {
    match error {
        StorageError::Conflict(_) => {
            retry(0, "The plugin's records changed during the call; it starts anew.", None)
        }
        StorageError::Unavailable(why) => {
            retry(RETRY_STORAGE_MS, &format!("The plugin's storage does not answer: {why}."), None)
        }
        StorageError::QuotaExceeded(Quota::TotalSize) => pause(
            PauseCause::StorageFull,
            "The plugin's storage is full: raise the limit for this installation.",
            None,
        ),
        // One member's, whose id or address is longer than any should be: no reason to stop for all others.
        StorageError::QuotaExceeded(Quota::KeySize | Quota::ValueSize | Quota::CommitSize) => reject(
            "What is to be kept is larger than storage allows: an id, an e-mail address or the list of groups is too \
             long.",
            None,
        ),
    }
}
