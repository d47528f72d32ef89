//! Files and folders that only their owner may use.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
#[cfg(unix)]
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

use fs_mistrust::{Error, Mistrust};
use same_file::Handle;

use super::state::cannot;
use door_access_scenario::unusable::{Unusable, unusable};

/// Makes a folder, and those above it.
pub(super) fn make_folder(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    builder.mode(0o700);
    builder.recursive(true).create(folder)
}

/// Opens a file to read and write; makes it when it does not exist.
pub(super) fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    options.mode(0o600);
    options.read(true).write(true).create(true).truncate(false).open(path)
}

/// Whether the path still leads to this file, and not to a later one.
pub(super) fn is_at(file: &File, path: &Path) -> bool {
    let opened = file.try_clone().and_then(Handle::from_file);
    matches!((opened, Handle::from_path(path)), (Ok(opened), Ok(named)) if opened == named)
}

/// Whether other users may read or change a file.
#[cfg(unix)]
pub(super) fn is_open_to_others(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|metadata| metadata.mode() & 0o077 != 0)
}

/// Rights of other users are unknown on this system.
#[cfg(not(unix))]
pub(super) fn is_open_to_others(_path: &Path) -> bool {
    true
}

/// Refuses a file or folder that another user owns, or may read or change. `mode` is the right one.
pub(super) fn check(path: &Path, mode: &str, why: &str) -> Result<(), Unusable> {
    if !cfg!(unix) {
        return unusable("the permissions of files can be checked on Unix only");
    }
    let shown = path.display();
    match verify(path) {
        Ok(()) => Ok(()),
        Err(Error::BadOwner(..)) => {
            unusable(format!("{shown} belongs to another user, and {why}: name one of your own with --state"))
        }
        Err(Error::BadPermission(..)) => {
            unusable(format!("others may use {shown}, and {why}: run `chmod {mode} {shown}`"))
        }
        Err(error) => Err(cannot(path, "cannot be checked", &error)),
    }
}

/// Checks the file or folder itself. The folders above it are the user's decision.
fn verify(path: &Path) -> Result<(), Error> {
    let inspect = |error: io::Error| Error::CouldNotInspect(path.to_owned(), error.into());
    let path = path.canonicalize().map_err(inspect)?;
    let above = path.parent().unwrap_or(&path);
    let mut mistrust = Mistrust::builder();
    mistrust.ignore_environment().ignore_prefix(above);
    #[cfg(unix)]
    mistrust.trust_no_group_id();
    mistrust.build().map_err(|_| Error::StepsExceeded)?.verifier().check(&path)
}
