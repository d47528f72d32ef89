//! The component under test. It is compiled once for each of its versions, not once for each test program.

use std::path::{Path, PathBuf};
use std::sync::{LazyLock, OnceLock};

use door_access_host::{Engine, EngineConfig, Plugin};

/// Names the component's file. By default it is where `cargo xtask build` puts it.
const VARIABLE: &str = "KISI_PLUGIN_COMPONENT";

/// The component in the real host, loaded once for the process.
pub fn plugin() -> Plugin {
    static PLUGIN: OnceLock<Plugin> = OnceLock::new();
    let load = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let config = EngineConfig { cache: Some(compiled().to_owned()), ..EngineConfig::default() };
        let path = component_path();
        let loaded = runtime.block_on(Engine::new(config).unwrap().load_file(&path));
        loaded.unwrap_or_else(|error| {
            panic!("{error}; the component is expected at {}: run `cargo xtask build`", path.display())
        })
    };
    // On a thread of its own, so that an asynchronous caller may be the first one.
    let load = || std::thread::spawn(load).join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    PLUGIN.get_or_init(load).clone()
}

/// The file of the component.
pub fn component_path() -> PathBuf {
    let built = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/component/kisi_plugin.wasm");
    std::env::var_os(VARIABLE).map_or_else(|| built.into(), Into::into)
}

/// The folder for compiled components, in the target directory beside the test program. The engine creates it, for this
/// user alone.
pub fn compiled() -> &'static Path {
    static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
        let program = std::env::current_exe().unwrap();
        // Test programs are in a folder of their own below that of the profile.
        program.parent().and_then(Path::parent).unwrap().join("compiled-components")
    });
    &FOLDER
}
