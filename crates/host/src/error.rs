//! What can go wrong, each in a type of its own: loading a component, setting up a tenant, a call, and a part
//! of the platform that does not answer during a call.
//!
//! None of these is the guest's own answer. That is the inner result of a call, in the contract's words
//! ([`contract::types::Error`](crate::contract::types::Error)), and it says itself what the host must do.

use std::path::PathBuf;

use thiserror::Error;

use crate::component::manifest::ManifestError;

/// Why an engine cannot be made.
#[derive(Debug, Error)]
#[error("the WebAssembly engine does not start: {message}")]
pub struct EngineError {
    /// What the engine said, for example that the machine refuses so much address space: then lower
    /// [`EngineConfig::calls_max`](crate::EngineConfig::calls_max).
    pub message: String,
}

/// Why a component is not accepted. Nothing of it has run, except for [`Describe`](LoadError::Describe) and
/// [`Manifest`](LoadError::Manifest).
#[derive(Debug, Error)]
pub enum LoadError {
    /// The file cannot be read.
    #[error("{}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The file is larger than the host accepts. Build it in release mode, or raise
    /// [`EngineConfig::component_bytes_max`](crate::EngineConfig::component_bytes_max).
    #[error("the component has {bytes} bytes and the host accepts {bytes_max}: build it in release mode")]
    TooLarge {
        /// Its size.
        bytes: u64,
        /// The limit.
        bytes_max: u64,
    },
    /// These bytes do not begin like WebAssembly at all: probably the wrong file.
    /// What it holds is not told: it may be a key.
    #[error(
        "this is not WebAssembly: its {bytes} bytes do not begin like it; a component in its binary form is needed"
    )]
    NotWebAssembly {
        /// How many bytes it has.
        bytes: usize,
    },
    /// A core module: the compiler's output before it was made a component.
    #[error("this is a core module; a component is needed: build with `cargo xtask build`")]
    CoreModule,
    /// It begins like a component and is none, or it uses a feature of WebAssembly that this host does not
    /// offer.
    #[error("the component is not valid: {message}")]
    Invalid {
        /// What the compiler said, with the place in the file.
        message: String,
    },
    /// It wants something that no plugin gets (files, sockets, environment, random numbers, other plugins).
    #[error("the component imports {}, which no plugin gets", imports.join(", "))]
    ImportsNotAllowed {
        /// The imports, as the component names them.
        imports: Vec<String>,
    },
    /// It is built for another world: something that a plugin must offer is absent.
    #[error("the component is no door-access plugin: it does not export {}", exports.join(", "))]
    ExportsMissing {
        /// What is absent.
        exports: Vec<String>,
    },
    /// Its names fit and its types do not: it was built for another version of the contract.
    #[error("the component does not fit the contract: {message}")]
    OtherContract {
        /// Which import or export differs, and how.
        message: String,
    },
    /// It is more work to compile than a plugin's code is, or it starts with more memories or tables than one call may
    /// have. The plugin's developer must make it smaller, or cut up the function in question.
    #[error("the component has {needs}, and a plugin may have {may_have}")]
    TooDemanding {
        /// What it needs.
        needs: String,
        /// What it may have.
        may_have: String,
    },
    /// Asked for its manifest, it failed. It would fail for every tenant.
    #[error("the component does not describe itself: {0}")]
    Describe(#[source] CallError),
    /// Its manifest says something that the host cannot keep.
    #[error("the component's manifest: {0}")]
    Manifest(#[source] ManifestError),
    /// The folder for compiled components cannot be used. What lies in it is run as native code, so a folder
    /// that anybody else can write is refused.
    #[error("the cache folder {}: {message}", path.display())]
    CacheFolder {
        /// The folder.
        path: PathBuf,
        /// Why, and what to do.
        message: String,
    },
}

/// Why a tenant cannot be set up. Nothing has run.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TenantError {
    /// Something that a tenant cannot be without was not given to the builder.
    #[error("a tenant needs {0}")]
    Missing(&'static str),
    /// A limit is above what the engine was set up for.
    #[error("{limit} is {wanted}, and the engine allows {allowed}")]
    LimitTooHigh {
        /// The limit's name.
        limit: &'static str,
        /// What was wanted.
        wanted: u64,
        /// What the engine was made for.
        allowed: u64,
    },
    /// The credential cannot stand in the header that the manifest names.
    #[error("the credential cannot be sent in a header: it has characters that no header may have")]
    Credential,
}

/// Which deadline passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Deadline {
    /// [`Limits::compute_max`](crate::Limits::compute_max): the guest itself worked for too long.
    #[error("computing")]
    Compute,
    /// [`Limits::duration_max`](crate::Limits::duration_max): the call as a whole took too long, waiting
    /// included.
    #[error("the whole call")]
    Duration,
}

/// What there was not enough of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Busy {
    /// Another call of the same tenant was still running.
    #[error("the tenant's earlier calls")]
    Tenant,
    /// All instances that one plugin may have of the engine's pool were in use, which is half of it.
    #[error("the plugin's share of the engine's instances")]
    Plugin,
    /// All instances of the engine's pool were in use.
    #[error("the engine's instances")]
    Engine,
}

/// Why a call ended without the guest's answer.
///
/// Whatever the call had committed to storage or sent before stays done. Every export is safe to call again,
/// so for most variants the advice is to try the same call once more, later, and to tell the plugin's
/// developer when it happens again.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CallError {
    /// The guest broke off: it panicked, or it broke the contract. Retry once; then keep the tenant's events
    /// and tell the plugin's developer, with the panic's text.
    #[error("the plugin broke off: {}", panic.as_deref().unwrap_or(message))]
    Trapped {
        /// What the engine said.
        message: String,
        /// The call's last log line of level `error`. A plugin's panic hook writes one, so this is the
        /// panic's text when the guest panicked.
        panic: Option<String>,
    },
    /// A deadline passed and the guest was stopped. Retry later: what it waited for may be slow now. When it
    /// is [`Deadline::Compute`] every time, tell the plugin's developer.
    #[error("the plugin was stopped: {0} took longer than {1} ms")]
    TimedOut(Deadline, u64),
    /// The guest wanted more memory than a call may have. Retrying helps only if the tenant has become
    /// smaller; otherwise raise [`Limits::memory_bytes_max`](crate::Limits::memory_bytes_max).
    #[error("the plugin was stopped: it wanted {wanted_bytes} bytes of memory and may have {limit_bytes}")]
    MemoryLimit {
        /// What it wanted.
        wanted_bytes: u64,
        /// What a call may have.
        limit_bytes: u64,
    },
    /// The guest wanted larger tables than a call may have. Tell the plugin's developer.
    #[error("the plugin was stopped: it wanted a table of {wanted} elements and may have {limit}")]
    TableLimit {
        /// What it wanted.
        wanted: u64,
        /// What a call may have.
        limit: u64,
    },
    /// The guest's functions called each other too deep. Tell the plugin's developer: what it does must have a bound.
    #[error(
        "the plugin was stopped: its functions called each other deeper than {limit_bytes} bytes of stack allow"
    )]
    StackLimit {
        /// What a call may have.
        limit_bytes: u64,
    },
    /// The guest handed over too much at once, in one call of an import or as its answer: [`Limits::hostcall_bytes_max`].
    /// Tell the plugin's developer.
    ///
    /// [`Limits::hostcall_bytes_max`]: crate::Limits::hostcall_bytes_max
    #[error("the plugin was stopped: it handed over more than {limit_bytes} bytes at once")]
    HostCallLimit {
        /// What it may hand over at once.
        limit_bytes: u64,
    },
    /// The guest asked for more of its storage in one scan than it may have at once:
    /// [`Limits::scan_bytes_max`](crate::Limits::scan_bytes_max). Tell the plugin's developer: it must ask for fewer entries.
    #[error("the plugin was stopped: it asked for more than {limit_bytes} bytes of its storage at once")]
    ScanLimit {
        /// What it may have at once.
        limit_bytes: u64,
    },
    /// The guest holds too many of the host's resources, requests, bodies and streams among them:
    /// [`Limits::resources_max`](crate::Limits::resources_max). Tell the plugin's developer.
    #[error("the plugin was stopped: it wanted to hold more than {limit} of the host's resources at once")]
    ResourceLimit {
        /// How many it may hold.
        limit: u64,
    },
    /// The guest put more into the headers of a request than they may have:
    /// [`Limits::header_bytes_max`](crate::Limits::header_bytes_max). Tell the plugin's developer.
    #[error("the plugin was stopped: it put more than {limit_bytes} bytes into a request's headers")]
    HeaderLimit {
        /// What they may have.
        limit_bytes: u64,
    },
    /// The call did not begin: there was no free place within [`Limits::wait_max`](crate::Limits::wait_max).
    /// Retry later, or raise [`EngineConfig::calls_max`](crate::EngineConfig::calls_max).
    #[error("no call could begin within {1} ms: waiting for {0}")]
    Saturated(Busy, u64),
    /// The tenant's key was about to go where it does not belong: into the settings, which the plugin would
    /// see, or from the plugin into storage, a question to the platform or its answer. The call was stopped
    /// before, an answer is not handed on. Do not retry: take the key out of the settings, or find out how
    /// the plugin came by it.
    #[error("the call was stopped: the tenant's key was found in {0}")]
    CredentialExposed(String),
    /// A part of the platform ended the call ([`Fault::Abort`]). That part knows what to do.
    #[error("the call was ended: {0}")]
    Aborted(String),
    /// The host could not make an instance, though there was room. Retry later, and tell whoever runs the
    /// host.
    #[error("no instance could be made: {0}")]
    Instance(String),
}

/// Why a part of the platform (directory, storage) did not answer a guest's question.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Fault<E> {
    /// What the guest is told; it decides what to do.
    #[error("{0:?}")]
    Answer(E),
    /// The call ends here and now with [`CallError::Aborted`], and the guest learns nothing. For a platform
    /// whose own state is lost, and for tests that cut a call off.
    #[error("{0}")]
    Abort(String),
}

impl<E> From<E> for Fault<E> {
    fn from(answer: E) -> Self {
        Self::Answer(answer)
    }
}

/// Ends the running call from inside one of its imports; travels through the engine as the cause of a trap.
#[derive(Debug, Error)]
#[error("{0}")]
pub(crate) struct EndCall(pub(crate) CallError);
