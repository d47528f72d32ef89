//! Loading a component for a command, with what to do when that fails.

use std::path::{Path, PathBuf};

use door_access_host::{Engine, EngineConfig, Plugin};
use door_access_scenario::unusable::{Unusable, unusable};

/// Calls that run at once: a command makes one after the other, and each reserves address space.
const CALLS_MAX: u32 = 4;

/// Loads the component in this file.
pub(crate) async fn component(path: &Path, cache: Option<PathBuf>) -> Result<Plugin, Unusable> {
    let file = path.display();
    if !path.exists() {
        return unusable(format!(
            "there is no component at {file}: build it with `cargo xtask build`, or name another file"
        ));
    }
    let config = EngineConfig { calls_max: CALLS_MAX, cache, ..EngineConfig::default() };
    let engine = Engine::new(config).map_err(|error| Unusable::new(error.to_string()))?;
    match engine.load_file(path).await {
        Ok(plugin) => Ok(plugin),
        Err(error @ door_access_host::LoadError::Read { .. }) => {
            unusable(format!("the component cannot be read: {error}"))
        }
        Err(error) => unusable(format!("{file} cannot be used: {error}")),
    }
}
