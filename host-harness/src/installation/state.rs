//! The folder that an installation lives in: its sealed key, its records, what was agreed on, and a lock, so that one
//! program at a time works on it.
//!
//! The records tell who may enter. So the folder must be its owner's alone, which is checked before anything in it is read.

use std::fs::{self, File};
use std::io::{self, Seek, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::config;
use super::turn::{LOCK, QUEUE, Turn};
use crate::exit::Stop;
use door_access_host::SqliteStorage;
use door_access_scenario::unusable::{Unusable, unusable};

const RECORDS: &str = "records.db";
/// What is left to do without the plugin's records.
const BEGIN_ANEW: &str = "put back a copy of the folder, or begin anew: move the folder away and run `harness connect` with all \
                          of its options, then map the plans again; what people have in Kisi is found again by `harness sync`";
const COMPILED: &str = "compiled";
/// The folder may lie in somebody's repository, where a key has no business.
const GITIGNORE: &str = ".gitignore";

/// The folder, held by this process.
pub(super) struct State {
    folder: PathBuf,
    // Given back when the process ends, however it does.
    _lock: File,
}

impl State {
    /// The folder of an installation that may be there or not; it is made if need be.
    pub(super) async fn make(folder: &Path, turn: &mut Turn<'_, '_>) -> Result<State, Stop> {
        private::make_folder(folder).map_err(|error| cannot(folder, "cannot be made", &error))?;
        let state = State::hold(folder, turn).await?;
        state.replace(GITIGNORE, b"*\n")?;
        Ok(state)
    }

    /// The folder of an installation that is there.
    pub(super) async fn open(folder: &Path, turn: &mut Turn<'_, '_>) -> Result<State, Stop> {
        there(folder)?;
        let state = State::hold(folder, turn).await?;
        // Whoever was waited for may have ended it.
        there(folder)?;
        Ok(state)
    }

    async fn hold(folder: &Path, turn: &mut Turn<'_, '_>) -> Result<State, Stop> {
        private::check(folder, "700", "the gym's key is in it")?;
        let lock = turn.take(folder).await?;
        Ok(State { folder: folder.to_owned(), _lock: lock })
    }

    /// Where it is.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Whether there is a file of this name.
    pub(super) fn holds(&self, name: &str) -> bool {
        self.folder.join(name).exists()
    }

    /// Whether nothing is in it yet that an installation would miss.
    pub(super) fn is_new(&self, config: &str) -> bool {
        [RECORDS, config].iter().all(|name| !self.holds(name))
    }

    /// A folder for compiled components.
    pub(super) fn compiled(&self) -> PathBuf {
        self.folder.join(COMPILED)
    }

    /// The plugin's records.
    pub(super) fn records(&self) -> Result<SqliteStorage, Unusable> {
        let path = self.folder.join(RECORDS);
        // SQLite would make it for others to read, and its companions as it is itself.
        private::open(&path).map_err(|error| cannot(&path, "cannot be made", &error))?;
        SqliteStorage::open(&path)
            .map_err(|error| cannot(&path, "cannot be used", &format!("{error}: {BEGIN_ANEW}")))
    }

    /// The path of a file, which must be its owner's alone; `None` when it is not there.
    pub(super) fn owned(&self, name: &str, why: &str) -> Result<Option<PathBuf>, Unusable> {
        let path = self.folder.join(name);
        if !path.exists() {
            return Ok(None);
        }
        private::check(&path, "600", why)?;
        Ok(Some(path))
    }

    /// Something that the command line itself remembers; `None` when it never did.
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

    /// Remembers something.
    pub(super) fn write(&self, name: &str, value: &impl Serialize) -> Result<(), Unusable> {
        let mut text = serde_json::to_vec_pretty(value).map_err(|error| Unusable::new(error.to_string()))?;
        text.push(b'\n');
        self.replace(name, &text)
    }

    /// Adds lines to a file of them.
    pub(super) fn append(&self, name: &str, lines: &[u8]) -> Result<(), Unusable> {
        let path = self.folder.join(name);
        let added = private::open(&path).and_then(|mut file| {
            file.seek(io::SeekFrom::End(0))?;
            file.write_all(lines)?;
            file.sync_data()
        });
        added.map_err(|error| cannot(&path, "cannot be written", &error))
    }

    /// The lines of a file. One that was cut off in the middle counts as none.
    pub(super) fn lines<T: DeserializeOwned>(&self, name: &str) -> Vec<T> {
        let text = fs::read_to_string(self.folder.join(name)).unwrap_or_default();
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// Forgets something.
    pub(super) fn forget(&self, name: &str) -> Result<(), Unusable> {
        let path = self.folder.join(name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(cannot(&path, "cannot be removed", &error))
            }
            _ => Ok(()),
        }
    }

    /// Removes the installation from the folder, and the folder when nothing else is in it. The key was forgotten
    /// before.
    pub(super) fn remove(self, more: &[&str]) -> Result<(), Unusable> {
        for name in more.iter().chain(&["records.db-wal", "records.db-shm", RECORDS, GITIGNORE, QUEUE, LOCK])
        {
            self.forget(name)?;
        }
        let compiled = self.compiled();
        match fs::remove_dir_all(&compiled) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(cannot(&compiled, "cannot be removed", &error));
            }
            _ => {}
        }
        // Whatever else is in it is not ours.
        let _ = fs::remove_dir(&self.folder);
        Ok(())
    }

    /// A file appears whole or not at all, and is on the disk then.
    pub(super) fn replace(&self, name: &str, content: &[u8]) -> Result<(), Unusable> {
        let (path, partial) = (self.folder.join(name), self.folder.join(format!("{name}.partial")));
        let write = || -> io::Result<()> {
            let mut file = private::open(&partial)?;
            file.set_len(0)?;
            file.write_all(content)?;
            file.sync_all()?;
            fs::rename(&partial, &path)?;
            File::open(&self.folder)?.sync_all()
        };
        write().map_err(|error| cannot(&path, "cannot be written", &error))
    }
}

/// That an installation is in a folder, with its records.
pub(super) fn there(folder: &Path) -> Result<(), Unusable> {
    let records = folder.join(RECORDS);
    // An empty file is what a full disk or a copy that failed leaves. One that `harness connect` has left has tables.
    if fs::metadata(&records).is_ok_and(|file| file.len() > 0) {
        return Ok(());
    }
    if folder.join(config::FILE).exists() {
        return unusable(format!(
            "the records of the installation are gone, {}: {BEGIN_ANEW}",
            records.display()
        ));
    }
    unusable(format!(
        "there is no installation in {}: begin with `harness connect`, or name its folder with --state",
        folder.display()
    ))
}

pub(super) fn cannot(path: &Path, what: &str, error: &dyn std::fmt::Display) -> Unusable {
    Unusable::new(format!("{} {what}: {error}", path.display()))
}

/// Files and folders that are their owner's alone.
#[cfg(unix)]
pub(super) mod private {
    use std::fs::{self, DirBuilder, File, OpenOptions};
    use std::io;
    use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
    use std::path::Path;

    use super::{Unusable, cannot, unusable};

    const OTHERS: u32 = 0o077;

    pub(super) fn make_folder(folder: &Path) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)
    }

    pub(in super::super) fn open(path: &Path) -> io::Result<File> {
        OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)
    }

    /// Whether this is the file of that name still, and not one that was removed meanwhile.
    pub(in super::super) fn is_at(file: &File, path: &Path) -> bool {
        let (Ok(file), Ok(named)) = (file.metadata(), fs::metadata(path)) else { return false };
        (file.dev(), file.ino()) == (named.dev(), named.ino())
    }

    /// Whether this file can be read by others than its owner.
    pub(in super::super) fn may_be_read_by_others(path: &Path) -> bool {
        const READ: u32 = 0o044;
        fs::metadata(path).is_ok_and(|metadata| metadata.mode() & READ != 0)
    }

    /// Refuses what is somebody else's, or not for its owner alone. `mode` is what would be right.
    pub(super) fn check(path: &Path, mode: &str, why: &str) -> Result<(), Unusable> {
        let metadata = fs::metadata(path).map_err(|error| cannot(path, "cannot be read", &error))?;
        let shown = path.display();
        if metadata.uid() != rustix::process::geteuid().as_raw() {
            return unusable(format!(
                "{shown} belongs to another user, and {why}: name one of your own with --state"
            ));
        }
        match metadata.mode() & OTHERS {
            0 => Ok(()),
            _ => unusable(format!("others may use {shown}, and {why}: run `chmod {mode} {shown}`")),
        }
    }
}

#[cfg(not(unix))]
pub(super) mod private {
    use std::fs::File;
    use std::io;
    use std::path::Path;

    use super::{Unusable, unusable};

    fn unknown() -> io::Error {
        io::Error::other("who may read a file can be checked on Unix only")
    }

    pub(super) fn make_folder(_: &Path) -> io::Result<()> {
        Err(unknown())
    }

    pub(in super::super) fn open(_: &Path) -> io::Result<File> {
        Err(unknown())
    }

    pub(in super::super) fn is_at(_: &File, _: &Path) -> bool {
        false
    }

    pub(in super::super) fn may_be_read_by_others(_: &Path) -> bool {
        false
    }

    pub(super) fn check(_: &Path, _: &str, _: &str) -> Result<(), Unusable> {
        unusable(unknown().to_string())
    }
}
