//! Loads a component for a command.

use std::path::{Path, PathBuf};

use door_access_host::{Engine, EngineConfig, LoadError, Plugin};
use door_access_scenario::unusable::{Unusable, unusable};

/// Concurrent calls. A command makes one at a time, and each reserves address space.
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
    engine.load_file(path).await.map_err(|error| {
        Unusable::new(match error {
            LoadError::Read { .. } => format!("the component cannot be read: {error}"),
            _ => format!("{file} cannot be used: {error}"),
        })
    })
}
