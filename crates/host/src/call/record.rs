//! The part of a running call outside its store: its number, its observer, and whether it must end.
//!
//! Requests run in tasks of their own, which cannot reach the store. They share this with it.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::Notify;

use super::{ISSUE_LOGIN, Provisions, Which};
use crate::contract::log::{Field, Level};
use crate::log::LogLine;
use crate::observe::Exchange;

pub(super) struct CallRecord {
    pub(super) provisions: Arc<Provisions>,
    which: Which,
    requests: AtomicU32,
    last_error_line: Mutex<Option<String>>,
    abort: Mutex<Option<String>>,
    aborted: Notify,
}

impl CallRecord {
    pub(super) fn new(provisions: &Arc<Provisions>, which: Which) -> Self {
        Self {
            provisions: Arc::clone(provisions),
            which,
            requests: AtomicU32::new(0),
            last_error_line: Mutex::default(),
            abort: Mutex::default(),
            aborted: Notify::new(),
        }
    }

    pub(super) fn tenant(&self) -> String {
        self.provisions.tenant.to_string()
    }

    pub(super) fn number(&self) -> u64 {
        self.which.number
    }

    /// Counts a request; the first one is number 1.
    pub(super) fn count_request(&self) -> u32 {
        self.requests.fetch_add(1, Ordering::Relaxed).saturating_add(1)
    }

    pub(super) fn requests(&self) -> u32 {
        self.requests.load(Ordering::Relaxed)
    }

    /// As much of a body as the observer asks for and may see. A copy: a slice would keep the whole body alive as long as
    /// the transcript.
    pub(super) fn excerpt(&self, body: &[u8]) -> Bytes {
        let observer = self.provisions.observer.as_ref().filter(|_| self.which.export != ISSUE_LOGIN);
        let bytes_max = observer.map_or(0, |observer| observer.body_bytes_max());
        body.get(..bytes_max).unwrap_or(body).to_vec().into()
    }

    pub(super) fn exchanged(&self, exchange: &Exchange) {
        if let Some(observer) = &self.provisions.observer {
            observer.on_exchange(exchange);
        }
    }

    /// Passes a line on to the sink and the observer.
    pub(super) fn log(&self, level: Level, message: String, fields: Vec<Field>) {
        if level == Level::Error {
            *lock(&self.last_error_line) = Some(message.clone());
        }
        let (tenant, call, at_ms) = (self.tenant(), self.number(), self.provisions.clock.now_ms());
        let line = LogLine { tenant, call, at_ms, level, message, fields };
        self.provisions.log.write(&line);
        if let Some(observer) = &self.provisions.observer {
            observer.on_log(&line);
        }
    }

    /// The message of the call's last line of level `error`.
    pub(super) fn last_error_line(&self) -> Option<String> {
        lock(&self.last_error_line).clone()
    }

    /// Ends the call the next time it is polled.
    pub(super) fn abort(&self, reason: String) {
        lock(&self.abort).get_or_insert(reason);
        self.aborted.notify_one();
    }

    /// Waits until the call must end, and returns why.
    pub(super) async fn aborted(&self) -> String {
        loop {
            if let Some(reason) = lock(&self.abort).clone() {
                return reason;
            }
            self.aborted.notified().await;
        }
    }
}

// Locked values are replaced whole, so they are valid after a panic elsewhere.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
