//! What happened during calls, for people: the transcript of requests, the log lines, and a report per call.
//!
//! An [`Observer`] is told as it happens. The [`Recorder`] keeps everything; tests assert on it and the
//! command line prints from it. Nothing here ever contains the tenant's key: requests are shown as the guest
//! made them, and what the key was found in is withheld.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;

use crate::egress::{Denial, TransportError};
use crate::error::CallError;
use crate::log::LogLine;

/// One request of a plugin and what became of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Exchange {
    /// Whose call it was.
    pub tenant: String,
    /// Which of the tenant's calls, counted from 1.
    pub call: u64,
    /// Which of the call's requests, counted from 1.
    pub request: u32,
    /// When the guest asked for it, in milliseconds since the Unix epoch on the tenant's clock.
    pub at_ms: u64,
    /// Method.
    pub method: String,
    /// Scheme and authority as the guest named them, whatever endpoint they are routed to.
    pub origin: String,
    /// Path and query. Method, origin and path are `[withheld]` when one of them contained the tenant's key, and when the
    /// request was refused before it was looked at: [`Denial::TooManyRequests`], [`Denial::TooManyOpen`].
    pub path: String,
    /// Bytes of the request's body.
    pub request_bytes: u64,
    /// The beginning of the request's body, as far as the observer asked for it.
    pub request_body: Bytes,
    /// How long the request waited for its turn in the pace, on the tenant's clock.
    pub paced: Duration,
    /// What became of it.
    pub end: ExchangeEnd,
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq)]
pub enum ExchangeEnd {
    /// It was answered, and the guest has the answer.
    Answered {
        /// HTTP status.
        status: u16,
        /// Bytes of the answer's body.
        response_bytes: u64,
        /// The beginning of the answer's body, as far as the observer asked for it.
        response_body: Bytes,
    },
    /// It was not sent: the host refuses it.
    Denied(Denial),
    /// It was answered, and the host kept the answer from the guest.
    Withheld(Denial),
    /// It was sent, or was about to be, and there is no answer.
    Failed(TransportError),
    /// The call ended first: it was cut off, or the guest did not wait for the answer.
    Abandoned,
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallEnd {
    /// The guest did what was asked.
    Done,
    /// The guest answered with an error of the contract.
    Refused,
    /// The call ended without an answer.
    Failed(CallError),
}

/// One call, from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallReport {
    /// Whose call it was.
    pub tenant: String,
    /// Which of the tenant's calls, counted from 1.
    pub call: u64,
    /// What was called, as the contract names it, for example `connection.status`.
    pub export: &'static str,
    /// How it ended.
    pub end: CallEnd,
    /// Requests that the guest made, refused ones included.
    pub requests: u32,
    /// Log lines that were passed on.
    pub log_lines: u32,
    /// Log lines that were over the call's limit.
    pub log_lines_dropped: u32,
    /// The most linear memory that the guest had, in bytes; 0 when there was no instance.
    pub memory_bytes_peak: u64,
    /// From the call's turn to its end, on the machine's clock.
    pub duration: Duration,
}

/// Is told what happens in a tenant's calls. Called while they run, so it should be quick and must not block.
pub trait Observer: Send + Sync {
    /// How much of each request's and response's body it wants to see, in bytes. None by default: bodies hold
    /// people's data.
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

/// Everything that was observed since the recorder was made or last emptied, each list in order of time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Recording {
    /// Requests.
    pub exchanges: Vec<Exchange>,
    /// Log lines.
    pub lines: Vec<LogLine>,
    /// Calls.
    pub calls: Vec<CallReport>,
}

/// Keeps everything it is told. It grows with every call: empty it with [`take`](Recorder::take).
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

    /// What was recorded; the recorder is empty afterwards.
    pub fn take(&self) -> Recording {
        std::mem::take(&mut *self.lock())
    }

    // Lists only grow, so they are good after a panic elsewhere.
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
