//! What is known of a running call outside its store: its number, its observer, and whether it is to end.
//!
//! Requests travel in tasks of their own, which cannot reach the store; this is what they share with it.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::Notify;

use super::{ISSUE_LOGIN, Provisions, Which};
use crate::clock::Clock;
use crate::contract::log::{Field, Level};
use crate::log::{LogLine, LogSink};
use crate::observe::{Exchange, Observer};

pub(crate) struct CallRecord {
    tenant: Arc<str>,
    which: Which,
    clock: Arc<dyn Clock>,
    log: Arc<dyn LogSink>,
    observer: Option<Arc<dyn Observer>>,
    requests: AtomicU32,
    last_error_line: Mutex<Option<String>>,
    abort: Mutex<Option<String>>,
    aborted: Notify,
}

impl CallRecord {
    pub(super) fn new(provisions: &Provisions, which: Which) -> Self {
        Self {
            tenant: Arc::clone(&provisions.tenant),
            which,
            clock: Arc::clone(&provisions.clock),
            log: Arc::clone(&provisions.log),
            observer: provisions.observer.clone(),
            requests: AtomicU32::new(0),
            last_error_line: Mutex::default(),
            abort: Mutex::default(),
            aborted: Notify::new(),
        }
    }

    pub(crate) fn tenant(&self) -> &str {
        &self.tenant
    }

    pub(crate) fn number(&self) -> u64 {
        self.which.number
    }

    /// Counts a request; the first one is number 1.
    pub(crate) fn count_request(&self) -> u32 {
        self.requests.fetch_add(1, Ordering::Relaxed).saturating_add(1)
    }

    pub(super) fn requests(&self) -> u32 {
        self.requests.load(Ordering::Relaxed)
    }

    /// As much of a body as the observer wants to see, and may. A copy: a slice would keep the whole body alive for as long
    /// as the observer keeps its transcript.
    pub(crate) fn excerpt(&self, body: &[u8]) -> Bytes {
        let observer = self.observer.as_ref().filter(|_| self.which.export != ISSUE_LOGIN);
        let bytes_max = observer.map_or(0, |observer| observer.body_bytes_max());
        body.get(..bytes_max).unwrap_or(body).to_vec().into()
    }

    pub(crate) fn exchanged(&self, exchange: &Exchange) {
        if let Some(observer) = &self.observer {
            observer.on_exchange(exchange);
        }
    }

    /// Passes a line on to the sink and the observer.
    pub(super) fn log(&self, level: Level, message: String, fields: Vec<Field>) {
        if level == Level::Error {
            *lock(&self.last_error_line) = Some(message.clone());
        }
        let (tenant, at_ms) = (self.tenant.to_string(), self.clock.now_ms());
        let line = LogLine { tenant, call: self.which.number, at_ms, level, message, fields };
        self.log.write(&line);
        if let Some(observer) = &self.observer {
            observer.on_log(&line);
        }
    }

    /// The message of the call's last line of level `error`.
    pub(super) fn last_error_line(&self) -> Option<String> {
        lock(&self.last_error_line).clone()
    }

    /// Ends the call as soon as it is looked at again.
    pub(crate) fn abort(&self, reason: String) {
        lock(&self.abort).get_or_insert(reason);
        self.aborted.notify_one();
    }

    /// Waits until the call is to end, and says why.
    pub(super) async fn aborted(&self) -> String {
        loop {
            if let Some(reason) = lock(&self.abort).clone() {
                return reason;
            }
            self.aborted.notified().await;
        }
    }
}

// All that is locked is replaced as a whole, so it is good after a panic elsewhere.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
