//! The thread that advances the engine's epoch. A guest that runs notices at its next loop or function.

use std::io;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

/// Ticks until it is dropped.
pub(super) struct Ticker {
    // Never used: the thread ends when this end of the channel is gone.
    _alive: Sender<()>,
}

impl Ticker {
    /// Starts the thread. It holds the engine weakly, so that it cannot be what keeps the engine alive.
    pub(super) fn start(engine: &wasmtime::Engine, tick: Duration) -> io::Result<Self> {
        let (alive, ended) = channel::<()>();
        let engine = engine.weak();
        thread::Builder::new().name("wasm-epochs".to_owned()).spawn(move || {
            while ended.recv_timeout(tick) == Err(RecvTimeoutError::Timeout) {
                match engine.upgrade() {
                    Some(engine) => engine.increment_epoch(),
                    None => break,
                }
            }
        })?;
        Ok(Self { _alive: alive })
    }
}
