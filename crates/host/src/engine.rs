//! The process's part: accepts components, each once.
//!
//! Make one [`Engine`] for the process. Tenants share the compiled code, and calls share the pool of instances.

use std::collections::HashMap;
use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use sha2::{Digest, Sha256};

use crate::component::{Hash, LoadError, Loaded, Loader, Plugin};
use crate::limits::EngineConfig;
use crate::pool::{EngineError, Pool};

/// One WebAssembly engine for the process. Clones share the engine.
#[derive(Clone)]
pub struct Engine {
    shared: Arc<Shared>,
}

struct Shared {
    loader: Loader,
    loaded: Mutex<HashMap<Hash, Weak<Loaded>>>,
}

impl Engine {
    /// Makes the engine and starts its ticking thread.
    ///
    /// # Errors
    /// When the machine lacks what the configuration needs, above all address space.
    pub fn new(config: EngineConfig) -> Result<Self, EngineError> {
        let pool = Pool::new(&config)?;
        let loader =
            Loader::new(pool, config).map_err(|error| EngineError { message: format!("{error:#}") })?;
        Ok(Self { shared: Arc::new(Shared { loader, loaded: Mutex::default() }) })
    }

    /// Checks a component, compiles it, and asks it for its manifest. The same bytes a second time give the same
    /// plugin.
    ///
    /// Compiling takes tens to hundreds of milliseconds on a blocking thread; with a cache folder it happens once per
    /// machine.
    ///
    /// # Errors
    /// See [`LoadError`]: every variant says what is wrong with the component and what to do.
    pub async fn load(&self, bytes: &[u8]) -> Result<Plugin, LoadError> {
        self.check_size(bytes.len() as u64)?;
        let hash: Hash = Sha256::digest(bytes).into();
        if let Some(loaded) = self.loaded(&hash) {
            return Ok(Plugin::new(loaded));
        }
        let loaded = Arc::new(self.shared.loader.load(hash, bytes).await?);
        let mut table = self.shared.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        table.retain(|_, loaded| loaded.strong_count() > 0);
        // Two loads of the same bytes may have raced; the first one stays.
        if let Some(first) = table.get(&hash).and_then(Weak::upgrade) {
            return Ok(Plugin::new(first));
        }
        table.insert(hash, Arc::downgrade(&loaded));
        Ok(Plugin::new(loaded))
    }

    /// [`load`](Engine::load) from a file.
    ///
    /// # Errors
    /// [`LoadError::Read`], and those of `load`.
    pub async fn load_file(&self, path: impl AsRef<Path>) -> Result<Plugin, LoadError> {
        let path = path.as_ref();
        let read = |source| LoadError::Read { path: path.to_owned(), source };
        // The size first, so that the wrong file does not fill the memory.
        self.check_size(std::fs::metadata(path).map_err(read)?.len())?;
        let bytes = std::fs::read(path).map_err(read)?;
        self.load(&bytes).await
    }

    fn check_size(&self, bytes: u64) -> Result<(), LoadError> {
        let bytes_max = self.shared.loader.config.component_bytes_max;
        if bytes > bytes_max { Err(LoadError::TooLarge { bytes, bytes_max }) } else { Ok(()) }
    }

    fn loaded(&self, hash: &Hash) -> Option<Arc<Loaded>> {
        let table = self.shared.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        table.get(hash).and_then(Weak::upgrade)
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").field("config", &self.shared.loader.config).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn components_are_compiled_one_after_another() {
        let engine = Engine::new(EngineConfig { calls_max: 1, ..EngineConfig::default() }).unwrap();
        // The shortest file that starts like a component. It is no plugin, which shows once it is compiled.
        let component = b"\0asm\x0d\0\x01\0";
        let turn = Arc::clone(&engine.shared.loader.turn).acquire_owned().await;
        assert!(tokio::time::timeout(Duration::from_millis(100), engine.load(component)).await.is_err());
        drop(turn);
        let loaded = engine.load(component).await;
        assert!(matches!(loaded, Err(LoadError::ExportsMissing { .. })), "{loaded:?}");
    }
}
