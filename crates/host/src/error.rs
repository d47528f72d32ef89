//! How a call can fail, and what a part of the platform may answer during one.
//!
//! None of these is the guest's own error. That is the inner result of a call, in the contract's types
//! ([`contract::types::Error`](crate::contract::types::Error)), and it says itself what the host must do.

use thiserror::Error;

/// Which deadline passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Deadline {
    /// [`Limits::compute_max`](crate::Limits::compute_max): the guest itself computed for too long.
    #[error("computing")]
    Compute,
    /// [`Limits::duration_max`](crate::Limits::duration_max): the whole call took too long, waits included.
    #[error("the whole call")]
    Duration,
}

/// What was in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Busy {
    /// Another call of the same tenant was still running.
    #[error("the tenant's earlier calls")]
    Tenant,
    /// All instances that one plugin may have, half of the engine's pool.
    #[error("the plugin's share of the engine's instances")]
    Plugin,
    /// All instances of the engine's pool.
    #[error("the engine's instances")]
    Engine,
}

/// Why a call ended without the guest's answer.
///
/// What the call had committed to storage or sent before remains. Every export is safe to call again, so for most
/// variants: retry the same call once, later, and tell the plugin's developer if it fails again.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CallError {
    /// The guest trapped: it panicked or broke the contract. Retry once; then keep the tenant's events and send the
    /// panic's text to the plugin's developer.
    #[error("the plugin crashed: {}", panic.as_deref().unwrap_or(message))]
    Trapped {
        /// The engine's message.
        message: String,
        /// The call's last log line of level `error`. A plugin's panic hook writes one, so after a panic this is
        /// its text.
        panic: Option<String>,
    },
    /// A deadline passed and the guest was stopped. Retry later: what it waited for may be slow now. If it is
    /// [`Deadline::Compute`] every time, tell the plugin's developer.
    #[error("the plugin was stopped: {0} took longer than {1} ms")]
    TimedOut(Deadline, u64),
    /// The guest needed more memory than a call may have. Retrying helps only if the tenant has become smaller;
    /// otherwise raise [`Limits::memory_bytes_max`](crate::Limits::memory_bytes_max).
    #[error("the plugin was stopped: it asked for {wanted_bytes} bytes of memory and may have {limit_bytes}")]
    MemoryLimit {
        /// What it asked for.
        wanted_bytes: u64,
        /// What a call may have.
        limit_bytes: u64,
    },
    /// The guest needed larger tables than a call may have. Tell the plugin's developer.
    #[error("the plugin was stopped: it asked for a table of {wanted} elements and may have {limit}")]
    TableLimit {
        /// What it asked for.
        wanted: u64,
        /// What a call may have.
        limit: u64,
    },
    /// The guest's calls nested too deep. Tell the plugin's developer: its recursion needs a bound.
    #[error("the plugin was stopped: its calls nested deeper than {limit_bytes} bytes of stack allow")]
    StackLimit {
        /// What a call may have.
        limit_bytes: u64,
    },
    /// The guest passed too much data in one call of an import, or as its answer:
    /// [`Limits::hostcall_bytes_max`](crate::Limits::hostcall_bytes_max). Tell the plugin's developer.
    #[error("the plugin was stopped: it passed more than {limit_bytes} bytes at once")]
    HostCallLimit {
        /// What it may pass at once.
        limit_bytes: u64,
    },
    /// The guest read more of its storage in one scan than it may:
    /// [`Limits::scan_bytes_max`](crate::Limits::scan_bytes_max). Tell the plugin's developer to scan fewer entries.
    #[error("the plugin was stopped: it read more than {limit_bytes} bytes of its storage in one scan")]
    ScanLimit {
        /// What a scan may return.
        limit_bytes: u64,
    },
    /// The guest holds too many of the host's resources (requests, bodies, streams):
    /// [`Limits::resources_max`](crate::Limits::resources_max). Tell the plugin's developer.
    #[error("the plugin was stopped: it held more than {limit} of the host's resources at once")]
    ResourceLimit {
        /// How many it may hold.
        limit: u64,
    },
    /// The guest set larger request headers than allowed:
    /// [`Limits::header_bytes_max`](crate::Limits::header_bytes_max). Tell the plugin's developer.
    #[error("the plugin was stopped: it put more than {limit_bytes} bytes into a request's headers")]
    HeaderLimit {
        /// What they may have.
        limit_bytes: u64,
    },
    /// The call did not start: no place became free within [`Limits::wait_max`](crate::Limits::wait_max).
    /// Retry later, or raise [`EngineConfig::calls_max`](crate::EngineConfig::calls_max).
    #[error("the call could not start within {1} ms: waiting for {0}")]
    Saturated(Busy, u64),
    /// The tenant's key was found where it must not go: in the settings, which the plugin would see, or in what the
    /// plugin wrote to storage, asked the platform or answered. The call was stopped before that. Do not retry:
    /// remove the key from the settings, or find out how the plugin got it.
    #[error("the call was stopped: the tenant's key was found in {0}")]
    CredentialExposed(String),
    /// A part of the platform ended the call ([`Fault::Abort`]) and knows what to do.
    #[error("the call was aborted: {0}")]
    Aborted(String),
    /// The host could not make an instance, though there was room. Retry later, and tell the host's operator.
    #[error("no instance could be made: {0}")]
    Instance(String),
}

/// Why a part of the platform (directory, storage) did not answer a guest's request.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Fault<E> {
    /// The guest gets this error and decides what to do.
    #[error("{0:?}")]
    Answer(E),
    /// The call ends at once with [`CallError::Aborted`], without an answer to the guest. For a platform whose own
    /// state is lost, and for tests that cut a call off.
    #[error("{0}")]
    Abort(String),
}

impl<E> From<E> for Fault<E> {
    fn from(answer: E) -> Self {
        Self::Answer(answer)
    }
}

/// Ends the running call from inside one of its imports. The engine passes it on as the cause of a trap.
#[derive(Debug, Error)]
#[error("{0}")]
pub(crate) struct EndCall(pub(crate) CallError);
