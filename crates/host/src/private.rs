//! Files and folders that no other user may change: sealing keys, and compiled components, which run as native code.
//!
//! `fs-mistrust` checks the owner and mode of the path and of every folder above it. A user's own private group is
//! trusted there, because many systems create folders with `umask 002`. The file or folder itself is held to the
//! stricter mode by its caller.

use std::fs::Metadata;

use fs_mistrust::{Error, Mistrust};

/// A checker that no environment variable switches off.
pub(crate) fn mistrust() -> Result<Mistrust, Error> {
    Mistrust::builder().ignore_environment().build()
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
