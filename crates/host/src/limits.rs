//! What one call may use, and what an engine is set up for.

use std::path::PathBuf;
use std::time::Duration;

/// What one call may use. Exceeding a limit ends the call with a typed error, or refuses the request in question.
/// Other calls are not affected.
///
/// The defaults are for a plugin that handles one event, or reads all groups, of one gym.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Time the guest itself may compute, host calls excluded. Counted in ticks of the engine, of which each return
    /// from a wait costs one. Default 10 s: a thousand times what an event needs.
    pub compute_max: Duration,
    /// Time from the call's start to its end on the machine's clock, waits for responses included. Default 120 s:
    /// several hundred paced requests.
    pub duration_max: Duration,
    /// Time a call may wait for the tenant's turn, and as much again for an instance of the plugin. Default 30 s;
    /// a longer wait belongs in the caller's own queue.
    pub wait_max: Duration,
    /// The guest's linear memory. Default 64 MiB. At most [`EngineConfig::memory_bytes_max`].
    pub memory_bytes_max: usize,
    /// Elements of a table of the guest. Default 10,000, several times a plugin's functions. At most
    /// [`EngineConfig::table_elements_max`].
    pub table_elements_max: usize,
    /// What the guest may pass in one call of an import. Default 4 MiB: the largest commit, with room.
    pub hostcall_bytes_max: usize,
    /// What one scan of storage may return, 32 bytes per entry included. Default 16 MiB: a scan of a thousand
    /// records has one or two.
    pub scan_bytes_max: usize,
    /// The host's resources (requests, bodies, streams) that the guest may hold at once. Default 500; one request
    /// takes about ten.
    pub resources_max: usize,
    /// Requests a call may send. Default 1,000: 200 seconds at five a second, more than `duration_max`.
    pub requests_max: u32,
    /// Requests that may be open at once, from sending until the guest drops the response. More are refused.
    /// Default 8: with the sizes below, a call can make the host keep some 72 MiB, about as much as the guest's
    /// own memory.
    pub requests_open_max: usize,
    /// The body of one request. Default 1 MiB.
    pub request_body_bytes_max: usize,
    /// The body of one response. Default 8 MiB. A larger one is refused.
    pub response_body_bytes_max: usize,
    /// The headers of a request, or of a response, as stored in memory. Default 32 KiB.
    pub header_bytes_max: usize,
    /// Time for one request from its start to the last byte of the response, without its wait in the pace.
    /// Default 30 s. The guest may ask for less.
    pub response_timeout: Duration,
    /// Log lines of a call. Default 100, as in the contract; further lines are dropped and counted.
    pub log_lines_max: u32,
    /// Text in the log lines of a call, with a little added per field. Default 64 KiB, as in the contract.
    pub log_bytes_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            compute_max: Duration::from_secs(10),
            duration_max: Duration::from_secs(120),
            wait_max: Duration::from_secs(30),
            memory_bytes_max: 64 << 20,
            table_elements_max: 10_000,
            hostcall_bytes_max: 4 << 20,
            scan_bytes_max: 16 << 20,
            resources_max: 500,
            requests_max: 1_000,
            requests_open_max: 8,
            request_body_bytes_max: 1 << 20,
            response_body_bytes_max: 8 << 20,
            header_bytes_max: 32 << 10,
            response_timeout: Duration::from_secs(30),
            log_lines_max: 100,
            log_bytes_max: 64 << 10,
        }
    }
}

/// What an engine is set up for. Its instances reserve address space, not memory; memory is used as guests touch it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineConfig {
    /// Calls that run at once; further calls wait. Calls of one plugin get at most half of the places (at least one),
    /// so the other half is left for other plugins. Default 256. Each reserves 4 GiB of address space.
    pub calls_max: u32,
    /// Largest component, in bytes. Default 1 MiB, some times a release build.
    pub component_bytes_max: u64,
    /// The most memory that any tenant's [`Limits`] may allow a call. Default 256 MiB.
    pub memory_bytes_max: usize,
    /// The largest table that any tenant's [`Limits`] may allow a call. Default 20,000 elements.
    pub table_elements_max: usize,
    /// How often running guests are interrupted, to yield to other tasks and to count their computing time.
    /// Default 10 ms.
    pub tick: Duration,
    /// A folder for compiled components, so that the next start loads instead of compiling. No other user may be
    /// able to write it. Default none.
    pub cache: Option<PathBuf>,
    /// What a component may use to describe itself when it is loaded. Default: [`Limits::default`].
    pub describe_limits: Limits,
}

impl Default for EngineConfig {
    fn default() -> Self {
        Self {
            calls_max: 256,
            component_bytes_max: 1 << 20,
            memory_bytes_max: 256 << 20,
            table_elements_max: 20_000,
            tick: Duration::from_millis(10),
            cache: None,
            describe_limits: Limits::default(),
        }
    }
}

/// Stack that a guest may use, in bytes. The engine is built with it, so it is the same for all calls. Some thousand
/// nested calls fit.
pub(crate) const STACK_BYTES_MAX: usize = 512 << 10;
/// Memories of one component. A plugin is one program and has one; a composition of several is refused.
pub(crate) const MEMORIES_MAX: u32 = 1;
/// Tables of one component: the program's own and that of the generated glue, with room.
pub(crate) const TABLES_MAX: u32 = 4;
/// Core instances of one component: the program, the generated glue, and adapters.
pub(crate) const CORE_INSTANCES_MAX: u32 = 8;
