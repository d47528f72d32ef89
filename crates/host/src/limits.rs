//! What one call may use, and the meter inside the store that holds the guest's memory and tables to it.

use std::time::Duration;

use wasmtime::{ResourceLimiter, Result};

use crate::error::{CallError, EndCall};

/// What one call may use. Passing a limit ends the call with a typed error, or refuses the request in
/// question; no other call notices.
///
/// The defaults are for a plugin that answers one event, or reads all groups, of one gym.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Time the guest itself may compute, host calls aside. Counted in ticks of the engine, of which each
    /// return from a wait costs one. Default 10 s: a thousand times what an event needs, and still a bound
    /// for a guest that spins.
    pub compute_max: Duration,
    /// Time from the call's start to its end on the machine's clock, waits for answers included. Default 120
    /// s: some hundred paced requests.
    pub duration_max: Duration,
    /// Time a call may wait for the tenant's turn, and as much again for an instance of the plugin. Default 30 s, after
    /// which a caller's own queue is the better place to wait.
    pub wait_max: Duration,
    /// The guest's linear memory. Default 64 MiB. At most what the engine was made for.
    pub memory_bytes_max: usize,
    /// Elements of a table of the guest. Default 10,000, several times what a plugin has functions.
    pub table_elements_max: usize,
    /// What the guest may hand over in one call of an import. Default 4 MiB: the largest commit, with room.
    pub hostcall_bytes_max: usize,
    /// What one scan of storage may give the guest, 32 bytes for each entry included. Default 16 MiB: a scan of a thousand
    /// records has one or two.
    pub scan_bytes_max: usize,
    /// The host's resources (requests, bodies, streams) that the guest may hold at once. Default 500; one
    /// request takes about ten.
    pub resources_max: usize,
    /// Requests a call may send. Default 1,000: 200 seconds at five a second, more than `duration_max`.
    pub requests_max: u32,
    /// Requests that may be open at once: from the moment the guest sends one until it lets go of the answer. More
    /// are refused. Default 8: with the sizes below, what a call can make the host keep for it is some 72 MiB,
    /// about as much as its own memory.
    pub requests_open_max: usize,
    /// The body of one request. Default 1 MiB.
    pub request_body_bytes_max: usize,
    /// The body of one response. Default 8 MiB. A larger one is refused.
    pub response_body_bytes_max: usize,
    /// The headers of a request, or of a response, as they lie in memory. Default 32 KiB.
    pub header_bytes_max: usize,
    /// Time for one request from its start to the last byte of the answer, its turn in the pace not included.
    /// Default 30 s. The guest may ask for less.
    pub response_timeout: Duration,
    /// Log lines of a call. Default 100, as the contract says; what is over is dropped and counted.
    pub log_lines_max: u32,
    /// Text in the log lines of a call, a little for each field included. Default 64 KiB, as the contract says.
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

/// Stack that a guest may use, in bytes. The same for all calls, because the engine is made with it; functions that call
/// each other some thousand deep fit.
pub(crate) const STACK_BYTES_MAX: usize = 512 << 10;
/// Memories that one component may have. A plugin is one program and has one; a composition of several is
/// refused.
pub(crate) const MEMORIES_MAX: u32 = 1;
/// Tables that one component may have: the program's own and that of the generated glue, with room.
pub(crate) const TABLES_MAX: u32 = 4;
/// Core instances that one component may have: the program, the generated glue, and adapters.
pub(crate) const CORE_INSTANCES_MAX: u32 = 8;

/// Watches the guest's memory and tables grow, and ends the call where a limit is passed: refusing the growth
/// would only make the guest run on to a panic that hides the cause.
#[derive(Debug)]
pub(crate) struct Meter {
    memory_bytes_max: usize,
    table_elements_max: usize,
    memory_bytes_peak: usize,
}

impl Meter {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            memory_bytes_max: limits.memory_bytes_max,
            table_elements_max: limits.table_elements_max,
            memory_bytes_peak: 0,
        }
    }

    /// The most linear memory that the guest has had, in bytes.
    pub(crate) fn memory_bytes_peak(&self) -> u64 {
        self.memory_bytes_peak as u64
    }
}

impl ResourceLimiter for Meter {
    fn memory_growing(&mut self, _current: usize, desired: usize, _maximum: Option<usize>) -> Result<bool> {
        if desired > self.memory_bytes_max {
            let error = CallError::MemoryLimit {
                wanted_bytes: desired as u64,
                limit_bytes: self.memory_bytes_max as u64,
            };
            return Err(EndCall(error).into());
        }
        self.memory_bytes_peak = self.memory_bytes_peak.max(desired);
        Ok(true)
    }

    fn table_growing(&mut self, _current: usize, desired: usize, _maximum: Option<usize>) -> Result<bool> {
        if desired > self.table_elements_max {
            let error =
                CallError::TableLimit { wanted: desired as u64, limit: self.table_elements_max as u64 };
            return Err(EndCall(error).into());
        }
        Ok(true)
    }
}
