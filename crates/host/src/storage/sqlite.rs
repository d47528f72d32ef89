//! Storage in an SQLite file, with SQLite compiled in. For a platform without a database of its own, and for the command
//! line.
//!
//! A file holds one tenant. A commit is a transaction and on the disk when it returns, so a killed process leaves the state
//! of its last commit. Only one process may have the file open.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use rusqlite::{
    Connection, ErrorCode, OptionalExtension, Params, Row, Transaction, TransactionBehavior, params,
};
use thiserror::Error;
use tokio::sync::Mutex;

use super::{ENTRY_BYTES, Storage, TOTAL_BYTES_MAX};
use crate::contract::storage::{Entry, Precondition, Quota, StorageError, Write};
use crate::error::Fault;

/// Marks the file as ours in its header: "GYMD".
const APPLICATION_ID: i32 = 0x4759_4d44;
/// Version of the tables. A later one is refused, an earlier one is migrated.
const FORM: i32 = 2;
/// The version whose `total_bytes` counted only keys and values.
const FORM_OF_BARE_BYTES: i32 = 1;

/// Keys are stored as bytes, because they are compared as bytes.
const TABLES: &str = "
    CREATE TABLE entry (key BLOB NOT NULL PRIMARY KEY, value BLOB NOT NULL, version INTEGER NOT NULL) STRICT;
    CREATE TABLE tenant (commits INTEGER NOT NULL, total_bytes INTEGER NOT NULL) STRICT;
    INSERT INTO tenant VALUES (0, 0);
";

/// Why a file cannot be used as storage. It was not changed.
#[derive(Debug, Error)]
pub enum SqliteStorageError {
    /// The file cannot be opened, created or read. Check the path and its folder's permissions.
    #[error("{0}")]
    Open(#[source] rusqlite::Error),
    /// The file is damaged. Restore a backup.
    #[error("it is damaged: {0}")]
    Damaged(String),
    /// The file is another program's database.
    #[error("it is a database of another program")]
    Foreign,
    /// The file was written by a later version of this library. Update.
    #[error("it was written by a later version (form {found}, known is {FORM}): update this program")]
    Later {
        /// The version in the file.
        found: i32,
    },
}

/// A tenant's storage in an SQLite file.
///
/// # Guarantees
/// - A commit is on the disk when it returns. One whose future is dropped happens whole or not at all, and before any
///   later request.
/// - Requests run on tokio's blocking threads, one at a time.
pub struct SqliteStorage {
    connection: Arc<Mutex<Connection>>,
    total_bytes_max: usize,
}

impl SqliteStorage {
    /// Opens or creates the file. An existing file is read once to check its integrity.
    ///
    /// # Errors
    /// See [`SqliteStorageError`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self, SqliteStorageError> {
        Self::with_total_bytes_max(path, TOTAL_BYTES_MAX)
    }

    /// Opens or creates the file, for at most so many bytes of entries: keys, values, and 32 per entry.
    ///
    /// # Errors
    /// See [`SqliteStorageError`].
    pub fn with_total_bytes_max(
        path: impl AsRef<Path>,
        total_bytes_max: usize,
    ) -> Result<Self, SqliteStorageError> {
        let connection = Connection::open(path).map_err(SqliteStorageError::Open)?;
        prepare(&connection)?;
        Ok(Self { connection: Arc::new(Mutex::new(connection)), total_bytes_max })
    }

    /// Runs `work` on a blocking thread. The lock moves into the thread, so work whose future is dropped still ends before
    /// the next starts.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, Refused> + Send + 'static,
    ) -> Result<T, Fault<StorageError>> {
        let mut connection = Arc::clone(&self.connection).lock_owned().await;
        let done = tokio::task::spawn_blocking(move || work(&mut connection)).await;
        done.map_err(|error| Fault::Abort(format!("storage broke off: {error}")))?.map_err(Fault::from)
    }
}

#[async_trait]
impl Storage for SqliteStorage {
    async fn get(&self, key: &str) -> Result<Option<Entry>, Fault<StorageError>> {
        let key = key.to_owned();
        self.run(move |connection| {
            let mut found =
                connection.prepare_cached("SELECT key, value, version FROM entry WHERE key = ?1")?;
            Ok(found.query_row([key.as_bytes()], entry).optional()?)
        })
        .await
    }

    async fn scan(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Entry>, Fault<StorageError>> {
        let (prefix, after) = (prefix.to_owned(), after.map(str::to_owned));
        self.run(move |connection| {
            // Start at the prefix or after `after`, whichever comes later.
            let after = after.filter(|after| *after >= prefix);
            let behind = if after.is_some() { ">" } else { ">=" };
            let start = after.unwrap_or_else(|| prefix.clone());
            // End before the prefix with its last byte plus one. No byte of UTF-8 is 255, so that never overflows.
            let mut end = prefix.into_bytes();
            let below = if end.is_empty() { ">=" } else { "<" };
            if let Some(last) = end.last_mut() {
                *last += 1;
            }
            let query = format!(
                "SELECT key, value, version FROM entry WHERE key {behind} ?1 AND key {below} ?2 ORDER BY key LIMIT ?3"
            );
            rows(connection, &query, params![start.as_bytes(), end, limit])
        })
        .await
    }

    async fn commit(&self, writes: Vec<Write>) -> Result<u64, Fault<StorageError>> {
        let total_bytes_max = self.total_bytes_max;
        self.run(move |connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let version = apply(&transaction, &writes, total_bytes_max)?;
            transaction.commit()?;
            Ok(version)
        })
        .await
    }
}

impl fmt::Debug for SqliteStorage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStorage")
            .field("total_bytes_max", &self.total_bytes_max)
            .finish_non_exhaustive()
    }
}

/// Why a request failed.
enum Refused {
    /// The plugin gets this error.
    Answer(StorageError),
    /// SQLite failed.
    Failed(rusqlite::Error),
}

impl From<rusqlite::Error> for Refused {
    fn from(error: rusqlite::Error) -> Self {
        Refused::Failed(error)
    }
}

impl From<Refused> for Fault<StorageError> {
    fn from(refused: Refused) -> Self {
        let error = match refused {
            Refused::Answer(answer) => return Fault::Answer(answer),
            Refused::Failed(error) => error,
        };
        // A retry does not repair a damaged file.
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Fault::Abort(format!("the storage file is damaged: {error}"))
            }
            _ => Fault::Answer(StorageError::Unavailable(format!("the storage file: {error}"))),
        }
    }
}

/// Creates the tables of a new file; checks and migrates an old one.
fn prepare(connection: &Connection) -> Result<(), SqliteStorageError> {
    let head = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
    let open = SqliteStorageError::Open;
    let (application, form) = (head("application_id").map_err(open)?, head("user_version").map_err(open)?);
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(open)?;
    let is_new = application == 0 && form == 0 && tables == 0;
    if !is_new && application != APPLICATION_ID {
        return Err(SqliteStorageError::Foreign);
    }
    if form > FORM {
        return Err(SqliteStorageError::Later { found: form });
    }
    // Damage in one place could otherwise stay unnoticed for long.
    let found: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(open)?;
    if found != "ok" {
        return Err(SqliteStorageError::Damaged(found));
    }
    // One write to the disk per commit, which returns after it.
    let settings = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;";
    connection.execute_batch(settings).map_err(open)?;
    if is_new {
        let make = format!(
            "BEGIN IMMEDIATE; PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {FORM}; {TABLES} COMMIT;"
        );
        connection.execute_batch(&make).map_err(open)?;
    } else if form == FORM_OF_BARE_BYTES {
        let count = format!(
            "BEGIN IMMEDIATE; PRAGMA user_version = {FORM};
             UPDATE tenant SET total_bytes = total_bytes + {ENTRY_BYTES} * (SELECT count(*) FROM entry); COMMIT;"
        );
        connection.execute_batch(&count).map_err(open)?;
    }
    Ok(())
}

fn apply(transaction: &Transaction, writes: &[Write], total_bytes_max: usize) -> Result<u64, Refused> {
    let (commits, before): (i64, i64) =
        transaction
            .query_row("SELECT commits, total_bytes FROM tenant", [], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let version = commits.saturating_add(1);
    let mut total = before;
    for write in writes {
        let key = write.key.as_bytes();
        let held: Option<(i64, i64)> = transaction
            .prepare_cached("SELECT length(value), version FROM entry WHERE key = ?1")?
            .query_row([key], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let holds = match write.requires {
            Precondition::None => true,
            Precondition::Absent => held.is_none(),
            Precondition::UnchangedSince(version) => {
                held.is_some_and(|(_, written)| u64::try_from(written) == Ok(version))
            }
        };
        if !holds {
            return Err(Refused::Answer(StorageError::Conflict(write.key.clone())));
        }
        let around = length(key).saturating_add(ENTRY_BYTES as i64);
        let bytes = |value_bytes: i64| value_bytes.saturating_add(around);
        total = total.saturating_sub(held.map_or(0, |(value_bytes, _)| bytes(value_bytes)));
        total = total.saturating_add(write.value.as_ref().map_or(0, |value| bytes(length(value))));
        match &write.value {
            Some(value) => transaction
                .prepare_cached("INSERT OR REPLACE INTO entry (key, value, version) VALUES (?1, ?2, ?3)")?
                .execute(params![key, value, version])?,
            None => transaction.prepare_cached("DELETE FROM entry WHERE key = ?1")?.execute([key])?,
        };
    }
    // A full storage must still be able to shrink. The error rolls the transaction back.
    if total > before && usize::try_from(total).is_ok_and(|total| total > total_bytes_max) {
        return Err(Refused::Answer(StorageError::QuotaExceeded(Quota::TotalSize)));
    }
    transaction.execute("UPDATE tenant SET commits = ?1, total_bytes = ?2", [version, total])?;
    Ok(u64::try_from(version).unwrap_or(u64::MAX))
}

fn rows(connection: &Connection, query: &str, values: impl Params) -> Result<Vec<Entry>, Refused> {
    let mut found = connection.prepare_cached(query)?;
    let entries = found.query_map(values, entry)?;
    Ok(entries.collect::<Result<_, _>>()?)
}

fn entry(row: &Row) -> rusqlite::Result<Entry> {
    let (key, value, version): (Vec<u8>, Vec<u8>, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
    let key = String::from_utf8(key).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Blob, error.into())
    })?;
    Ok(Entry { key, value, version: u64::try_from(version).unwrap_or_default() })
}

fn length(bytes: &[u8]) -> i64 {
    i64::try_from(bytes.len()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    crate::storage::promises::kept_by!(|bytes_max| {
        let folder = tempfile::tempdir().unwrap();
        // The folder is deleted while its file is open, which works where the tests run.
        SqliteStorage::with_total_bytes_max(folder.path().join("gym.db"), bytes_max).unwrap()
    });

    fn put(key: &str, value: &str) -> Write {
        Write { key: key.to_owned(), value: Some(value.as_bytes().to_vec()), requires: Precondition::None }
    }

    #[tokio::test]
    async fn commits_survive_closing_the_file_and_versions_continue() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("gym.db");
        {
            let storage = SqliteStorage::open(&file).unwrap();
            assert_eq!(storage.commit(vec![put("a", "1"), put("b", "1")]).await, Ok(1));
            assert_eq!(storage.commit(Vec::new()).await, Ok(2));
        }
        let storage = SqliteStorage::open(&file).unwrap();
        let (key, value) = ("a".to_owned(), b"1".to_vec());
        assert_eq!(storage.get("a").await, Ok(Some(Entry { key, value, version: 1 })));
        assert_eq!(storage.commit(vec![put("a", "2")]).await, Ok(3));
    }

    #[tokio::test]
    async fn a_commit_whose_future_is_dropped_happens_before_later_requests() {
        let folder = tempfile::tempdir().unwrap();
        let storage = SqliteStorage::open(folder.path().join("gym.db")).unwrap();
        for number in 0..50_u8 {
            let commit = storage.commit(vec![put("a", &number.to_string())]);
            // Polled once, which passes it to its thread, and then dropped.
            let polled = tokio::time::timeout(std::time::Duration::ZERO, commit).await;
            drop(polled);
            let found = storage.get("a").await.unwrap().unwrap();
            assert_eq!(found.value, number.to_string().into_bytes());
        }
    }

    #[test]
    fn files_of_other_programs_and_later_versions_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| folder.path().join(name);
        std::fs::write(
            file("text"),
            "this is text, and long enough not to pass for an empty file".repeat(40),
        )
        .unwrap();
        Connection::open(file("other")).unwrap().execute_batch("CREATE TABLE t (x)").unwrap();
        drop(SqliteStorage::open(file("later")).unwrap());
        Connection::open(file("later")).unwrap().execute_batch("PRAGMA user_version = 3").unwrap();
        for (name, message) in [
            ("text", "file is not a database"),
            ("other", "it is a database of another program"),
            ("later", "it was written by a later version (form 3, known is 2): update this program"),
            ("absent/gym.db", "unable to open database file"),
        ] {
            let error = SqliteStorage::open(file(name)).unwrap_err().to_string();
            assert!(error.contains(message), "{name}: {error}");
        }
    }

    #[tokio::test]
    async fn a_file_of_an_earlier_version_is_migrated_once() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("gym.db");
        let total = || -> i64 {
            let connection = Connection::open(&file).unwrap();
            connection.query_row("SELECT total_bytes FROM tenant", [], |row| row.get(0)).unwrap()
        };
        let storage = SqliteStorage::open(&file).unwrap();
        storage.commit(vec![put("a", "1"), put("bb", "22")]).await.unwrap();
        drop(storage);
        assert_eq!(total(), 6 + 64);
        // As the earlier version left it.
        let earlier = "PRAGMA user_version = 1; UPDATE tenant SET total_bytes = 6;";
        Connection::open(&file).unwrap().execute_batch(earlier).unwrap();
        for _ in 0..2 {
            drop(SqliteStorage::open(&file).unwrap());
            assert_eq!(total(), 6 + 64);
        }
        let storage = SqliteStorage::open(&file).unwrap();
        let remove = |key: &str| Write { value: None, ..put(key, "") };
        storage.commit(vec![remove("a"), remove("bb")]).await.unwrap();
        drop(storage);
        assert_eq!(total(), 0);
    }
}
