//! Files and folders that no other user may change: sealing keys, and compiled components, which run as native code.
//!
//! `fs-mistrust` checks the owner and mode of the file or folder itself, and its caller holds it to a stricter mode. The
//! folders above it are the user's decision: a home folder that a group may write must not keep a block from Kisi.

use std::fs::Metadata;
use std::path::Path;

use fs_mistrust::{Error, Mistrust};

/// A checker of what is in a folder, or will be. No environment variable switches it off.
pub(crate) fn mistrust(path: &Path) -> Result<Mistrust, Error> {
    let above = path.ancestors().skip(1).map(|folder| match folder == Path::new("") {
        true => Path::new("."),
        false => folder,
    });
    let mut mistrust = Mistrust::builder();
    if let Some(above) = above.into_iter().find_map(|folder| folder.canonicalize().ok()) {
        mistrust.ignore_prefix(above);
    }
    mistrust.ignore_environment().build()
}

/// Whether it is a pipe, such as a shell's `<(…)`: it has no path that another user could change.
#[cfg(unix)]
pub(crate) fn is_pipe(metadata: &Metadata) -> bool {
    std::os::unix::fs::FileTypeExt::is_fifo(&metadata.file_type())
}

/// Pipes have no paths on this system.
#[cfg(not(unix))]
pub(crate) fn is_pipe(_metadata: &Metadata) -> bool {
    false
}

/// Whether other users have one of these rights (Unix mode bits).
#[cfg(unix)]
pub(crate) fn others_may(metadata: &Metadata, rights: u32) -> bool {
    std::os::unix::fs::MetadataExt::mode(metadata) & rights != 0
}

/// Rights of other users are unknown on this system, so nothing is private.
#[cfg(not(unix))]
pub(crate) fn others_may(_metadata: &Metadata, _rights: u32) -> bool {
    true
}

/// The right to write, of the group and of others.
pub(crate) const WRITE: u32 = 0o022;
/// All rights of the group and of others.
pub(crate) const ANYTHING: u32 = 0o077;
