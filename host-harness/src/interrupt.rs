//! Ctrl-C: asks a command that can end cleanly in the middle to do so; any other command ends at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What the user reads after the first Ctrl-C of a command that can stop.
pub const STOPPING: &str =
    "Stops after the current step. Press Ctrl-C again to stop at once; nothing is lost either way.";

/// A request to stop. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Interrupt {
    can_stop: Arc<AtomicBool>,
    is_requested: Arc<AtomicBool>,
}

impl Interrupt {
    /// Asks the command to stop after its current step. Returns false when the process should end instead: the command
    /// cannot stop between steps, or this is the second request. What was done is recorded either way.
    pub fn request(&self) -> bool {
        let is_second = self.is_requested.swap(true, Ordering::SeqCst);
        self.can_stop.load(Ordering::SeqCst) && !is_second
    }

    /// From now on the command stops on request.
    pub(crate) fn heed(&self) {
        self.can_stop.store(true, Ordering::SeqCst);
    }

    /// Whether the user asked the command to stop.
    pub(crate) fn is_requested(&self) -> bool {
        self.is_requested.load(Ordering::SeqCst)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_first_request_to_a_command_that_can_stop_is_granted() {
        let interrupt = Interrupt::default();
        assert!(!interrupt.request(), "the command cannot stop between steps");
        let interrupt = Interrupt::default();
        interrupt.heed();
        assert!(interrupt.clone().request());
        assert!(interrupt.is_requested());
        assert!(!interrupt.request(), "the second request ends the process");
    }
}
