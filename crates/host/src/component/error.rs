//! Why a component is refused.

use std::path::PathBuf;

use thiserror::Error;

use super::manifest::ManifestError;
use crate::error::CallError;

/// Why a component is not accepted. None of it has run, except for [`Describe`](LoadError::Describe) and
/// [`Manifest`](LoadError::Manifest).
#[derive(Debug, Error)]
pub enum LoadError {
    /// The file cannot be read.
    #[error("{}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: std::io::Error,
    },
    /// The file is larger than the host accepts. Build it in release mode, or raise
    /// [`EngineConfig::component_bytes_max`](crate::EngineConfig::component_bytes_max).
    #[error(
        "the component has {bytes} bytes and the host accepts {bytes_max}: build it in release mode, or raise the host's limit"
    )]
    TooLarge {
        /// Its size.
        bytes: u64,
        /// The limit.
        bytes_max: u64,
    },
    /// The bytes do not start like WebAssembly: probably the wrong file. The error does not repeat them, because they
    /// may be a key.
    #[error(
        "this is not WebAssembly: its {bytes} bytes do not start like it; a component in its binary form is needed"
    )]
    NotWebAssembly {
        /// How many bytes it has.
        bytes: usize,
    },
    /// A core module: the compiler's output before it was made a component.
    #[error("this is a core module; a component is needed: build with `cargo xtask build`")]
    CoreModule,
    /// It starts like a component but is malformed, or it uses a feature of WebAssembly that this host does not offer.
    #[error("the component is not valid: {message}")]
    Invalid {
        /// The compiler's message, with the place in the file.
        message: String,
    },
    /// It imports something that no plugin gets (files, sockets, environment, random numbers, other plugins).
    #[error("the component imports {}, which no plugin gets", imports.join(", "))]
    ImportsNotAllowed {
        /// The imports, as the component names them.
        imports: Vec<String>,
    },
    /// It is built for another world: an export that a plugin must have is missing.
    #[error("the component is not a door-access plugin: it does not export {}", exports.join(", "))]
    ExportsMissing {
        /// The missing exports.
        exports: Vec<String>,
    },
    /// Its names fit but its types do not: it was built for another version of the contract.
    #[error("the component does not fit the contract: {message}")]
    OtherContract {
        /// Which import or export differs, and how.
        message: String,
    },
    /// It is more work to compile than a plugin's code, or it starts with more memories or tables than a call may
    /// have. The plugin's developer must make it smaller, or split the function in question.
    #[error("the component has {needs}, and a plugin may have {may_have}")]
    TooDemanding {
        /// What it needs.
        needs: String,
        /// What it may have.
        may_have: String,
    },
    /// It failed when asked for its manifest. It would fail for every tenant.
    #[error("the component does not describe itself: {0}")]
    Describe(#[source] CallError),
    /// Its manifest asks for something that the host cannot do.
    #[error("the component's manifest: {0}")]
    Manifest(#[source] ManifestError),
    /// The folder for compiled components cannot be used. Its files run as native code, so a folder that other users
    /// can write is refused.
    #[error("the cache folder {}: {message}", path.display())]
    CacheFolder {
        /// The folder.
        path: PathBuf,
        /// Why, and what to do.
        message: String,
    },
}
