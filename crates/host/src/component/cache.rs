//! Compiled components in a folder, so that a restart loads in place of compiling.
//!
//! **What lies here is run as native code.** So the folder must belong to this process's user and be writable
//! by nobody else, which is checked before every use; names hold the component's SHA-256 and the engine's own
//! measure of what its code fits, so that another version or configuration never finds it; and files appear
//! whole, by renaming.

use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use wasmtime::Engine;
use wasmtime::component::Component;

use super::hex;
use crate::engine::Hash;
use crate::error::LoadError;

/// A folder of compiled components.
pub(crate) struct Cache {
    folder: PathBuf,
    fits: u64,
}

impl Cache {
    pub(crate) fn new(folder: &Path, engine: &Engine) -> Self {
        // Not for secrecy: it only tells engines apart, and has fixed keys so that the next process finds the
        // same.
        let mut hasher = DefaultHasher::new();
        engine.precompile_compatibility_hash().hash(&mut hasher);
        Self { folder: folder.to_owned(), fits: hasher.finish() }
    }

    /// Makes the folder if need be, for this user only, and refuses one that others may write.
    pub(super) fn check(&self) -> Result<(), LoadError> {
        create(&self.folder).map_err(|error| self.refused(format!("it cannot be created: {error}")))?;
        // Not followed when it is a link: whoever may change the link would choose the folder.
        let metadata = fs::symlink_metadata(&self.folder).map_err(|error| self.refused(error.to_string()))?;
        if !metadata.is_dir() {
            return Err(self.refused("it is not a folder; give the path of one".to_owned()));
        }
        check_owner(&metadata).map_err(|message| self.refused(message))
    }

    /// The compiled component, when it is here. One that cannot be loaded counts as absent: it will be
    /// written anew.
    pub(super) fn find(&self, engine: &Engine, hash: &Hash) -> Option<Component> {
        let path = self.path(hash);
        if !path.is_file() {
            return None;
        }
        #[expect(unsafe_code, reason = "loading native code; see the safety comment")]
        // SAFETY: the file is what `keep` wrote for this very component and engine: `check` has just found
        // the folder to be this user's and closed to others, and the name holds both the component's hash and
        // the engine's measure.
        let loaded = unsafe { Component::deserialize_file(engine, &path) };
        match loaded {
            Ok(component) => Some(component),
            Err(error) => {
                tracing::warn!("a compiled component is damaged and will be compiled again: {error:#}");
                None
            }
        }
    }

    /// Keeps a compiled component for the next process.
    pub(super) fn keep(&self, hash: &Hash, component: &Component) -> Result<(), LoadError> {
        // Distinct in this process and, by its number, among processes; left-overs of a crash are harmless.
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let partial = self.folder.join(format!("partial-{}-{count}", std::process::id()));
        let code = component.serialize().map_err(|error| self.refused(format!("{error:#}")))?;
        let written = fs::write(&partial, code).and_then(|()| fs::rename(&partial, self.path(hash)));
        written.map_err(|error| self.refused(format!("the compiled component cannot be written: {error}")))
    }

    fn path(&self, hash: &Hash) -> PathBuf {
        self.folder.join(format!("{}-{:016x}.cwasm", hex(hash), self.fits))
    }

    fn refused(&self, message: String) -> LoadError {
        LoadError::CacheFolder { path: self.folder.clone(), message }
    }
}

#[cfg(unix)]
fn create(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

#[cfg(unix)]
fn check_owner(metadata: &fs::Metadata) -> Result<(), String> {
    use std::os::unix::fs::MetadataExt;
    const WRITABLE_BY_OTHERS: u32 = 0o022;
    if metadata.uid() != rustix::process::geteuid().as_raw() {
        return Err(
            "it belongs to another user, who could put code there; give a folder of your own".to_owned()
        );
    }
    match metadata.mode() & WRITABLE_BY_OTHERS {
        0 => Ok(()),
        _ => Err("others may write it and could put code there; run `chmod go-w` on it".to_owned()),
    }
}

#[cfg(not(unix))]
fn create(_folder: &Path) -> io::Result<()> {
    Err(io::Error::other("who may write a folder can be checked on Unix only; leave the cache off"))
}

#[cfg(not(unix))]
fn check_owner(_metadata: &fs::Metadata) -> Result<(), String> {
    Ok(())
}
