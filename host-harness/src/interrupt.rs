//! Ctrl-C: a command that can end cleanly in the middle is asked to; any other ends as programs do.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What whoever pressed Ctrl-C is told when the wish is granted.
pub const STOPPING: &str =
    "Stops after the step under way. Press Ctrl-C again to stop at once; nothing is lost either way.";

/// A wish to end. Cloning it gives the same wish.
#[derive(Clone, Debug, Default)]
pub struct Interrupt {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    is_heeded: AtomicBool,
    is_wanted: AtomicBool,
}

impl Interrupt {
    /// Asks the command to end at its next good place. False when it will not: it heeds no such wish, or was asked
    /// before. Then end the process; what was done is recorded, and the next command goes on from there.
    pub fn request(&self) -> bool {
        let is_second = self.shared.is_wanted.swap(true, Ordering::SeqCst);
        self.shared.is_heeded.load(Ordering::SeqCst) && !is_second
    }

    /// From now on the wish is heeded.
    pub(crate) fn heed(&self) {
        self.shared.is_heeded.store(true, Ordering::SeqCst);
    }

    /// Whether it was asked to end.
    pub(crate) fn is_requested(&self) -> bool {
        self.shared.is_wanted.load(Ordering::SeqCst)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_first_wish_of_a_command_that_heeds_it_is_granted() {
        let interrupt = Interrupt::default();
        assert!(!interrupt.request(), "nobody heeds it");
        let interrupt = Interrupt::default();
        interrupt.heed();
        assert!(interrupt.clone().request());
        assert!(interrupt.is_requested());
        assert!(!interrupt.request(), "whoever asks twice is impatient");
    }
}
