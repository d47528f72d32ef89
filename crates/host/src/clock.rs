//! Time as an argument: the machine's clock, and one for tests.
//!
//! All time that a tenant can observe comes from its [`Clock`]: the guest's wall clock, the waits of the pace, the times in
//! logs and transcripts. Safety deadlines (see [`Limits`](crate::Limits)) protect the machine and always use real time.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;

/// Where a tenant's time comes from.
#[async_trait]
pub trait Clock: Send + Sync {
    /// Now, in milliseconds since 1970-01-01T00:00:00Z.
    fn now_ms(&self) -> u64;

    /// Returns once this much of the clock's own time has passed.
    async fn sleep(&self, duration: Duration);
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

#[async_trait]
impl Clock for SystemClock {
    fn now_ms(&self) -> u64 {
        // A clock set before 1970 reads as 1970.
        SystemTime::now().duration_since(UNIX_EPOCH).map(whole_ms).unwrap_or(0)
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

/// A clock that moves only when set. Sleeping moves it forward at once, so tests do not wait, and can see how long the
/// code would have waited.
#[derive(Debug, Default)]
pub struct VirtualClock {
    now_ms: AtomicU64,
}

impl VirtualClock {
    /// A clock that shows `now_ms`, milliseconds since the Unix epoch.
    pub fn new(now_ms: u64) -> Self {
        Self { now_ms: AtomicU64::new(now_ms) }
    }

    /// Sets the clock, forwards or backwards.
    pub fn set(&self, now_ms: u64) {
        self.now_ms.store(now_ms, Ordering::SeqCst);
    }

    /// Moves the clock forward.
    pub fn advance(&self, duration: Duration) {
        self.now_ms.fetch_add(whole_ms(duration), Ordering::SeqCst);
    }
}

#[async_trait]
impl Clock for VirtualClock {
    fn now_ms(&self) -> u64 {
        self.now_ms.load(Ordering::SeqCst)
    }

    async fn sleep(&self, duration: Duration) {
        // Sleeps that overlap end at the latest of their times, not at the sum.
        let wakes_at = self.now_ms().saturating_add(whole_ms(duration));
        self.now_ms.fetch_max(wakes_at, Ordering::SeqCst);
        tokio::task::yield_now().await;
    }
}

/// Whole milliseconds, rounded up, so that a sleep is never too short.
pub(crate) fn whole_ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn sleeping_moves_a_virtual_clock_at_once() {
        let clock = VirtualClock::new(1_000);
        clock.sleep(Duration::from_secs(3_600)).await;
        assert_eq!(clock.now_ms(), 3_601_000);
    }

    #[tokio::test]
    async fn overlapping_sleeps_end_at_the_latest_time_not_at_the_sum() {
        let clock = VirtualClock::new(0);
        tokio::join!(clock.sleep(Duration::from_millis(200)), clock.sleep(Duration::from_millis(300)));
        assert!(clock.now_ms() < 600, "{}", clock.now_ms());
    }

    #[test]
    fn parts_of_a_millisecond_are_rounded_up() {
        assert_eq!(whole_ms(Duration::from_micros(1)), 1);
        assert_eq!(whole_ms(Duration::from_millis(7)), 7);
    }
}
