//! The folder of an installation: its sealed key, its records, its configuration, and a lock, so that one process at a
//! time works on it.
//!
//! The records decide who may enter. Before anything in the folder is read, its permissions are checked.

use std::fs::{self, File};
use std::io::{self, Seek, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::config;
use super::console::Console;
use super::private;
use super::sealing;
use super::turn::{self, LOCK, PLACE, Place, QUEUE};
use crate::Surroundings;
use crate::args::Installation;
use crate::exit::Stop;
use door_access_host::SqliteStorage;
use door_access_scenario::unusable::{Unusable, unusable};

const RECORDS: &str = "records.db";
/// How to continue without the plugin's records.
const START_OVER: &str = "put back a copy of the folder, or start over: move the folder away and run `harness \
                          connect` with all of its options, then map the plans again; `harness sync` finds again \
                          what people have in Kisi";
const COMPILED: &str = "compiled";
/// Keeps the folder out of a repository around it.
const GITIGNORE: &str = ".gitignore";
/// What a process that was killed leaves of a file that it was writing.
const PARTIAL: &str = ".partial";

/// The folder, locked by this process.
pub(super) struct State {
    folder: PathBuf,
    // The lock is released when the process ends, in any way.
    _lock: File,
}

impl State {
    /// Opens the folder of a new or an existing installation. Makes it if needed.
    pub(super) async fn make(
        installation: &Installation,
        place: &mut Place,
        console: &mut Console<'_>,
    ) -> Result<State, Stop> {
        let folder = &installation.common.state;
        private::make_folder(folder).map_err(|error| match folder.is_file() {
            true => Unusable::new(format!(
                "`{}` is a file: move it, or name another folder with --state",
                folder.display()
            )),
            false => cannot(folder, "cannot be made", &error),
        })?;
        let state = State::hold(installation, place, console).await?;
        state.replace(GITIGNORE, b"*\n")?;
        Ok(state)
    }

    /// Opens the folder of an existing installation.
    pub(super) async fn open(
        installation: &Installation,
        place: &mut Place,
        console: &mut Console<'_>,
    ) -> Result<State, Stop> {
        is_installed(&installation.common.state)?;
        let state = State::hold(installation, place, console).await?;
        // The process that held the lock may have ended the installation.
        is_installed(state.folder())?;
        Ok(state)
    }

    async fn hold(
        installation: &Installation,
        place: &mut Place,
        console: &mut Console<'_>,
    ) -> Result<State, Stop> {
        let folder = installation.common.state.clone();
        let why = match sealing::is_kept(&folder) {
            true => "the gym's key is in it",
            false => "the gym's key would be kept there",
        };
        private::check(&folder, "700", why)?;
        let lock = turn::take(installation, place, console).await?;
        Ok(State { folder, _lock: lock })
    }

    /// Its path.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Whether it has a file of this name.
    pub(super) fn holds(&self, name: &str) -> bool {
        self.folder.join(name).exists()
    }

    /// Whether it has neither records nor a configuration.
    pub(super) fn is_new(&self) -> bool {
        ![RECORDS, config::FILE].iter().any(|name| self.holds(name))
    }

    /// The folder for compiled components.
    pub(super) fn compiled(&self, surroundings: &Surroundings) -> PathBuf {
        surroundings.compiled.clone().unwrap_or_else(|| self.folder.join(COMPILED))
    }

    /// The plugin's records.
    pub(super) fn records(&self) -> Result<SqliteStorage, Unusable> {
        let path = self.folder.join(RECORDS);
        // SQLite gives its companion files the permissions of this one.
        private::open(&path).map_err(|error| cannot(&path, "cannot be made", &error))?;
        SqliteStorage::open(&path)
            .map_err(|error| cannot(&path, "cannot be used", &format!("{error}: {START_OVER}")))
    }

    /// The path of a file that only its owner may use; `None` when it does not exist.
    pub(super) fn owned(&self, name: &str, why: &str) -> Result<Option<PathBuf>, Unusable> {
        let path = self.folder.join(name);
        if !path.exists() {
            return Ok(None);
        }
        private::check(&path, "600", why)?;
        Ok(Some(path))
    }

    /// Reads a JSON file; `None` when it does not exist.
    pub(super) fn read<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, Unusable> {
        let path = self.folder.join(name);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(cannot(&path, "cannot be read", &error)),
        };
        serde_json::from_str(&text).map(Some).map_err(|error| {
            let what = format!(
                "is not as it was written ({error}): run `harness connect` again with all of its options"
            );
            Unusable::new(format!("{} {what}", path.display()))
        })
    }

    /// Writes a JSON file.
    pub(super) fn write(&self, name: &str, value: &impl Serialize) -> Result<(), Unusable> {
        let mut text = serde_json::to_vec_pretty(value).map_err(|error| Unusable::new(error.to_string()))?;
        text.push(b'\n');
        self.replace(name, &text)
    }

    /// Replaces a file as a whole, and syncs it to the disk.
    pub(super) fn replace(&self, name: &str, content: &[u8]) -> Result<(), Unusable> {
        let path = self.folder.join(name);
        let write = || -> io::Result<()> {
            remove(&self.folder.join(format!("{name}{PARTIAL}")))?;
            let mut partial = tempfile::Builder::new()
                .prefix(name)
                .suffix(PARTIAL)
                .rand_bytes(0)
                .tempfile_in(&self.folder)?;
            partial.write_all(content)?;
            partial.as_file().sync_all()?;
            partial.persist(&path)?;
            File::open(&self.folder)?.sync_all()
        };
        write().map_err(|error| cannot(&path, "cannot be written", &error))
    }

    /// Adds JSON lines to a file.
    pub(super) fn append(&self, name: &str, lines: &[impl Serialize]) -> Result<(), Unusable> {
        let path = self.folder.join(name);
        let append = || -> io::Result<()> {
            let mut text = Vec::new();
            for line in lines {
                // Each line begins on its own: an earlier one may have been cut off.
                text.push(b'\n');
                serde_json::to_writer(&mut text, line)?;
                text.push(b'\n');
            }
            let mut file = private::open(&path)?;
            file.seek(io::SeekFrom::End(0))?;
            file.write_all(&text)?;
            file.sync_data()
        };
        append().map_err(|error| cannot(&path, "cannot be written", &error))
    }

    /// Reads the JSON lines of a file. A line that was cut off is left out.
    pub(super) fn lines<T: DeserializeOwned>(&self, name: &str) -> Vec<T> {
        // Bytes, not text: a cut may fall inside a character.
        let bytes = fs::read(self.folder.join(name)).unwrap_or_default();
        bytes.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect()
    }

    /// Removes a file, and what is left of an attempt to write it.
    pub(super) fn forget(&self, name: &str) -> Result<(), Unusable> {
        for path in [self.folder.join(name), self.folder.join(format!("{name}{PARTIAL}"))] {
            remove(&path).map_err(|error| cannot(&path, "cannot be removed", &error))?;
        }
        Ok(())
    }

    /// Removes the installation, except for its key, from the folder, and the folder when it is empty then.
    pub(super) fn remove(self, more: &[&str], last: &str) -> Result<(), Unusable> {
        let own = ["records.db-wal", "records.db-shm", RECORDS, GITIGNORE, QUEUE, PLACE];
        more.iter().chain(&own).try_for_each(|name| self.forget(name))?;
        let compiled = self.folder.join(COMPILED);
        match fs::remove_dir_all(&compiled) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(cannot(&compiled, "cannot be removed", &error));
            }
            _ => {}
        }
        self.forget(last)?;
        self.forget(LOCK)?;
        // Other files in it stay.
        let _ = fs::remove_dir(&self.folder);
        Ok(())
    }
}

/// Whether a folder holds an installation with its records.
pub(super) fn is_installed(folder: &Path) -> Result<(), Unusable> {
    let records = folder.join(RECORDS);
    // A full disk or a failed copy leaves an empty file. SQLite's files are never empty.
    if fs::metadata(&records).is_ok_and(|file| file.len() > 0) {
        return Ok(());
    }
    if folder.join(config::FILE).exists() {
        return unusable(format!(
            "the records of the installation are gone, {}: {START_OVER}",
            records.display()
        ));
    }
    unusable(format!(
        "there is no installation in {}: begin with `harness connect`, or name its folder with --state",
        folder.display()
    ))
}

/// Removes a file, if it exists.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

pub(super) fn cannot(path: &Path, what: &str, error: &dyn std::fmt::Display) -> Unusable {
    Unusable::new(format!("{} {what}: {error}", path.display()))
}
