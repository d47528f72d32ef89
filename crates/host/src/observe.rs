//! What happened during calls: the transcript of requests, the log lines, and a report per call.
//!
//! An [`Observer`] gets them as they happen. The [`Recorder`] keeps them all; tests assert on it and the command line
//! prints from it. None of them ever contains the tenant's key: requests are recorded as the guest made them, and text
//! that contains the key is withheld.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;

use crate::egress::{Denial, TransportError};
use crate::error::CallError;
use crate::log::LogLine;

/// One request of a plugin and its result.
#[derive(Clone, Debug, PartialEq)]
pub struct Exchange {
    /// The tenant of the call.
    pub tenant: String,
    /// Counts the tenant's calls from 1.
    pub call: u64,
    /// Counts the call's requests from 1.
    pub request: u32,
    /// When the guest sent it, in milliseconds since the Unix epoch on the tenant's clock.
    pub at_ms: u64,
    /// Method.
    pub method: String,
    /// Scheme and authority as the guest named them, not those of the endpoint.
    pub origin: String,
    /// Path and query. Method, origin and path are `[withheld]` when one of them contained the tenant's key, and when the
    /// request was refused before it was examined: [`Denial::TooManyRequests`], [`Denial::TooManyOpen`].
    pub path: String,
    /// Bytes of the request's body.
    pub request_bytes: u64,
    /// The start of the request's body, as much as the observer asked for.
    pub request_body: Bytes,
    /// How long the request waited for its turn in the pace, on the tenant's clock.
    pub paced: Duration,
    /// Its result.
    pub end: ExchangeEnd,
}

/// The result of a request.
#[derive(Clone, Debug, PartialEq)]
pub enum ExchangeEnd {
    /// It was answered, and the guest got the response.
    Answered {
        /// HTTP status.
        status: u16,
        /// Bytes of the response's body.
        response_bytes: u64,
        /// The start of the response's body, as much as the observer asked for.
        response_body: Bytes,
    },
    /// The host refused it, and it was not sent.
    Denied(Denial),
    /// It was answered, and the host withheld the response from the guest.
    Withheld(Denial),
    /// It was sent, or about to be, and there is no response.
    Failed(TransportError),
    /// The call ended first, or the guest dropped the request.
    Abandoned,
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallEnd {
    /// The guest answered `ok`.
    Done,
    /// The guest answered with one of the contract's errors.
    Refused,
    /// The call ended without an answer.
    Failed(CallError),
}

/// One call, seen from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallReport {
    /// The tenant of the call.
    pub tenant: String,
    /// Counts the tenant's calls from 1.
    pub call: u64,
    /// The called function, as the contract names it, for example `connection.status`.
    pub export: &'static str,
    /// How it ended.
    pub end: CallEnd,
    /// Requests that the guest made, refused ones included.
    pub requests: u32,
    /// Log lines within the call's limit.
    pub log_lines: u32,
    /// Log lines over the call's limit.
    pub log_lines_dropped: u32,
    /// The most linear memory that the guest had, in bytes; 0 without an instance.
    pub memory_bytes_peak: u64,
    /// From the call's turn to its end, on the machine's clock.
    pub duration: Duration,
}

/// Observes a tenant's calls. Its methods run during the calls, so they should be quick and must not block.
pub trait Observer: Send + Sync {
    /// How many bytes of each request's and response's body to pass to it. None by default: bodies contain personal data.
    fn body_bytes_max(&self) -> usize {
        0
    }

    /// A request was answered, refused or lost.
    fn on_exchange(&self, exchange: &Exchange) {
        let _ = exchange;
    }

    /// The guest wrote a log line (one within its quota).
    fn on_log(&self, line: &LogLine) {
        let _ = line;
    }

    /// A call ended.
    fn on_call(&self, report: &CallReport) {
        let _ = report;
    }
}

/// What was observed since the recorder was made or last emptied, each list in order of time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Recording {
    /// Requests.
    pub exchanges: Vec<Exchange>,
    /// Log lines.
    pub lines: Vec<LogLine>,
    /// Calls.
    pub calls: Vec<CallReport>,
}

/// Keeps everything it observes. It grows with every call: empty it with [`take`](Recorder::take).
#[derive(Debug, Default)]
pub struct Recorder {
    recording: Mutex<Recording>,
    body_bytes_max: usize,
}

impl Recorder {
    /// A recorder that keeps no bodies.
    pub fn new() -> Self {
        Self::default()
    }

    /// A recorder that keeps the first bytes of each body.
    pub fn with_bodies(body_bytes_max: usize) -> Self {
        Self { body_bytes_max, ..Self::default() }
    }

    /// A copy of what was recorded.
    pub fn recording(&self) -> Recording {
        self.lock().clone()
    }

    /// Returns what was recorded and empties the recorder.
    pub fn take(&self) -> Recording {
        std::mem::take(&mut *self.lock())
    }

    // Lists only grow, so they are valid after a panic elsewhere.
    fn lock(&self) -> MutexGuard<'_, Recording> {
        self.recording.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for Recorder {
    fn body_bytes_max(&self) -> usize {
        self.body_bytes_max
    }

    fn on_exchange(&self, exchange: &Exchange) {
        self.lock().exchanges.push(exchange.clone());
    }

    fn on_log(&self, line: &LogLine) {
        self.lock().lines.push(line.clone());
    }

    fn on_call(&self, report: &CallReport) {
        self.lock().calls.push(report.clone());
    }
}
