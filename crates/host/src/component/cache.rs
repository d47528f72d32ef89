//! Compiled components in a folder, so that a restart loads instead of compiling.
//!
//! **These files run as native code.** So before every use the folder is checked: it must be this user's and not
//! writable by others. File names hold the component's SHA-256 and a hash of the engine's version and configuration,
//! so that another engine never finds them. Files appear whole, by renaming.

use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher};
use std::io::Write;
use std::path::{Path, PathBuf};

use wasmtime::Engine;
use wasmtime::component::Component;

use super::{Hash, LoadError};
use crate::private::{self, mistrust};

/// A folder of compiled components.
pub(super) struct Cache {
    folder: PathBuf,
    engine_hash: u64,
}

impl Cache {
    pub(super) fn new(folder: &Path, engine: &Engine) -> Self {
        // Only tells engines apart. The hasher's keys are fixed, so the next process computes the same hash.
        let mut hasher = DefaultHasher::new();
        engine.precompile_compatibility_hash().hash(&mut hasher);
        Self { folder: folder.to_owned(), engine_hash: hasher.finish() }
    }

    /// Makes the folder if needed, for this user only, and refuses one that other users may change.
    pub(super) fn check(&self) -> Result<(), LoadError> {
        let made = mistrust(&self.folder).and_then(|mistrust| {
            mistrust.verifier().permit_readable().require_directory().make_directory(&self.folder)
        });
        made.map_err(|error| self.refused(advice(&error)))?;
        let metadata = fs::symlink_metadata(&self.folder).map_err(|error| self.refused(error.to_string()))?;
        if metadata.is_symlink() {
            return Err(self.refused("it is a link; give the path of the folder itself".to_owned()));
        }
        match private::others_may(&metadata, private::WRITE) {
            true => Err(self.refused(WRITABLE.to_owned())),
            false => Ok(()),
        }
    }

    /// The compiled component, if present. A file that cannot be loaded counts as absent and will be replaced.
    pub(super) fn find(&self, engine: &Engine, hash: &Hash) -> Option<Component> {
        let path = self.path(hash);
        if !path.is_file() {
            return None;
        }
        #[expect(unsafe_code, reason = "loading native code; see the safety comment")]
        // SAFETY: the file is what `keep` wrote for this component and engine: `check` has just found the folder to
        // be this user's and closed to others, and the name holds the component's hash and the engine's.
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
        let code = component.serialize().map_err(|error| self.refused(format!("{error:#}")))?;
        let write = || -> std::io::Result<()> {
            let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
            file.write_all(&code)?;
            file.persist(self.path(hash))?;
            Ok(())
        };
        write().map_err(|error| self.refused(format!("the compiled component cannot be written: {error}")))
    }

    fn path(&self, hash: &Hash) -> PathBuf {
        self.folder.join(format!("{}-{:016x}.cwasm", hex::encode(hash), self.engine_hash))
    }

    fn refused(&self, message: String) -> LoadError {
        LoadError::CacheFolder { path: self.folder.clone(), message }
    }
}

const WRITABLE: &str = "other users may write it and could put code there; run `chmod go-w` on it";

/// What is wrong with the folder, and what to do.
fn advice(error: &fs_mistrust::Error) -> String {
    use fs_mistrust::Error;
    match error {
        Error::BadPermission(path, ..) => {
            format!(
                "other users may write {0} and could put code there; run `chmod go-w {0}`",
                path.display()
            )
        }
        Error::BadOwner(path, _) => {
            format!(
                "{} belongs to another user, who could put code there; give a folder of your own",
                path.display()
            )
        }
        Error::BadType(_) => "it is not a folder; give the path of one".to_owned(),
        Error::CreatingDir(source) => format!("it cannot be created: {source}"),
        error => error.to_string(),
    }
}
