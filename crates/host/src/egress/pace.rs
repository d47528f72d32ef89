//! The rate of requests: a provider allows so many in a window, and refuses more.
//!
//! Providers count per key owner, so tenants whose keys have the same owner share one pace, by sharing the `Arc`. Requests
//! wait for their turn in the order in which they asked, on the tenant's clock.

use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, UNIX_EPOCH};

use http::{HeaderMap, StatusCode, header};

use crate::clock::{Clock, whole_ms};

/// First pause after a refusal that names no time; each further refusal doubles it.
const BACKOFF_FIRST_MS: u64 = 1_000;
/// Doublings of the first pause: 64 seconds at most. A longer pause would keep members waiting at doors for nothing.
const BACKOFF_DOUBLINGS_MAX: u32 = 6;
/// Up to a quarter of the pause is added at random, so that tenants which were refused together do not return together.
const BACKOFF_JITTER_DIVISOR: u64 = 4;
/// Longest pause that a provider's `Retry-After` may impose.
const RETRY_AFTER_MS_MAX: u64 = 3_600_000;

/// How fast requests may go out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaceConfig {
    /// Requests in any window. Default 5.
    pub requests: NonZeroU32,
    /// The window. Default 1 s.
    pub window: Duration,
    /// Added to the window, because travel times differ: five requests sent over a second may arrive in less.
    /// Default 50 ms.
    pub margin: Duration,
    /// Longest wait for a turn. A request that would wait longer fails at once, so that the guest can answer `retry`
    /// instead of holding its instance. Default 20 s.
    pub wait_max: Duration,
    /// Seed of the random part of pauses. Default: random. Set it for repeatable runs.
    pub jitter_seed: u64,
}

impl Default for PaceConfig {
    fn default() -> Self {
        Self {
            requests: NonZeroU32::MIN.saturating_add(4),
            window: Duration::from_secs(1),
            margin: Duration::from_millis(50),
            wait_max: Duration::from_secs(20),
            jitter_seed: fastrand::u64(..),
        }
    }
}

/// The budget of one key owner at the provider.
#[derive(Debug)]
pub struct Pace {
    config: Option<PaceConfig>,
    state: Mutex<State>,
}

/// A reserved turn. It is released when dropped unused, because the call ended first or would wait too long. Otherwise a
/// guest could reserve all turns of the next seconds, use none, and block every tenant of the same owner.
struct Turn<'a> {
    pace: &'a Pace,
    turn_ms: u64,
}

impl Turn<'_> {
    /// Uses the turn: it stays in the window.
    fn take(self) {
        std::mem::forget(self);
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.pace.lock().release(self.turn_ms);
    }
}

#[derive(Debug)]
struct State {
    /// Reserved and used turns, in ascending order.
    turns_ms: VecDeque<u64>,
    blocked_until_ms: u64,
    refusals: u32,
    jitter: fastrand::Rng,
}

impl Pace {
    /// A new pace.
    pub fn new(config: PaceConfig) -> Self {
        let state = State::new(config.jitter_seed);
        Self { config: Some(config), state: Mutex::new(state) }
    }

    /// No pace, for simulators that do not count. It does not pause after refusals either.
    pub fn unlimited() -> Self {
        Self { config: None, state: Mutex::new(State::new(0)) }
    }

    /// The end of the pause after a refusal, in milliseconds since the Unix epoch on the tenants' clock; possibly in the
    /// past.
    pub fn blocked_until_ms(&self) -> u64 {
        self.lock().blocked_until_ms
    }

    /// Waits for a turn and returns how long that took. When the wait would be too long, returns its milliseconds at once
    /// as the error.
    pub async fn turn(&self, clock: &dyn Clock) -> Result<Duration, u64> {
        let Some(config) = &self.config else { return Ok(Duration::ZERO) };
        let asked_ms = clock.now_ms();
        loop {
            let now_ms = clock.now_ms();
            let turn = Turn { pace: self, turn_ms: self.lock().reserve(now_ms, config) };
            let wait_ms = turn.turn_ms.saturating_sub(now_ms);
            if turn.turn_ms.saturating_sub(asked_ms) > whole_ms(config.wait_max) {
                return Err(wait_ms);
            }
            if wait_ms > 0 {
                clock.sleep(Duration::from_millis(wait_ms)).await;
            }
            let now_ms = clock.now_ms();
            if self.blocked_until_ms() <= now_ms {
                turn.take();
                return Ok(Duration::from_millis(now_ms.saturating_sub(asked_ms)));
            }
            // Another request was refused while this one waited: reserve a new turn.
        }
    }

    /// Records a response: a refusal pauses all requests, any other response ends the doubling of pauses.
    pub fn note(&self, now_ms: u64, status: StatusCode, headers: &HeaderMap) {
        if self.config.is_none() {
            return;
        }
        let asked_pause_ms = retry_after_ms(headers, now_ms);
        let mut state = self.lock();
        let refused = status == StatusCode::TOO_MANY_REQUESTS
            || (status == StatusCode::SERVICE_UNAVAILABLE && asked_pause_ms.is_some());
        if !refused {
            state.refusals = 0;
            return;
        }
        // Requests that were in flight together and are refused together count as one refusal.
        if state.blocked_until_ms <= now_ms {
            state.refusals = state.refusals.saturating_add(1);
        }
        let pause_ms = asked_pause_ms.unwrap_or_else(|| state.backoff_ms());
        state.blocked_until_ms = state.blocked_until_ms.max(now_ms.saturating_add(pause_ms));
    }

    // Every change of the state is complete in itself, so it is valid after a panic elsewhere.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn new(jitter_seed: u64) -> Self {
        let jitter = fastrand::Rng::with_seed(jitter_seed);
        Self { turns_ms: VecDeque::new(), blocked_until_ms: 0, refusals: 0, jitter }
    }

    /// Reserves the next free turn.
    fn reserve(&mut self, now_ms: u64, config: &PaceConfig) -> u64 {
        let span_ms = whole_ms(config.window.saturating_add(config.margin));
        // Turns further ahead than any request waits are from before the clock was set back.
        let horizon_ms = now_ms.saturating_add(span_ms).saturating_add(whole_ms(config.wait_max));
        if self.turns_ms.back().is_some_and(|turn_ms| *turn_ms > horizon_ms) {
            self.turns_ms.clear();
        }
        if self.blocked_until_ms > now_ms.saturating_add(RETRY_AFTER_MS_MAX) {
            self.blocked_until_ms = now_ms;
        }
        while self.turns_ms.front().is_some_and(|turn_ms| turn_ms.saturating_add(span_ms) <= now_ms) {
            self.turns_ms.pop_front();
        }
        let requests = usize::try_from(config.requests.get()).unwrap_or(usize::MAX);
        let window_free_ms = self
            .turns_ms
            .len()
            .checked_sub(requests)
            .and_then(|index| self.turns_ms.get(index))
            .map_or(0, |turn_ms| turn_ms.saturating_add(span_ms));
        let last_ms = self.turns_ms.back().copied().unwrap_or(0);
        let turn_ms = now_ms.max(self.blocked_until_ms).max(window_free_ms).max(last_ms);
        self.turns_ms.push_back(turn_ms);
        turn_ms
    }

    /// Gives up a turn.
    fn release(&mut self, turn_ms: u64) {
        if let Some(index) = self.turns_ms.iter().rposition(|turn| *turn == turn_ms) {
            self.turns_ms.remove(index);
        }
    }

    fn backoff_ms(&mut self) -> u64 {
        let doublings = self.refusals.saturating_sub(1).min(BACKOFF_DOUBLINGS_MAX);
        let pause_ms = BACKOFF_FIRST_MS << doublings;
        pause_ms + self.jitter.u64(0..=pause_ms / BACKOFF_JITTER_DIVISOR)
    }
}

/// How long the provider asks to wait: seconds, or a date.
fn retry_after_ms(headers: &HeaderMap, now_ms: u64) -> Option<u64> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    let pause_ms = match text.parse::<u64>() {
        Ok(seconds) => seconds.saturating_mul(1_000),
        Err(_) => {
            let date = httpdate::parse_http_date(text).ok()?.duration_since(UNIX_EPOCH).ok()?;
            whole_ms(date).saturating_sub(now_ms)
        }
    };
    Some(pause_ms.min(RETRY_AFTER_MS_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::VirtualClock;

    fn pace() -> Pace {
        Pace::new(PaceConfig { jitter_seed: 7, ..PaceConfig::default() })
    }

    fn refuse(pace: &Pace, clock: &VirtualClock, retry_after: Option<&str>) -> u64 {
        let headers = retry_after.map(|value| (header::RETRY_AFTER, value.parse().unwrap()));
        pace.note(clock.now_ms(), StatusCode::TOO_MANY_REQUESTS, &HeaderMap::from_iter(headers));
        pace.blocked_until_ms().saturating_sub(clock.now_ms())
    }

    #[tokio::test]
    async fn no_window_ever_holds_more_requests_than_the_provider_allows() {
        let (pace, clock) = (pace(), VirtualClock::new(1_000_000));
        let mut sent = Vec::new();
        for round in 0..40_u64 {
            pace.turn(&clock).await.unwrap();
            sent.push(clock.now_ms());
            // Answers take a while, some longer than others.
            clock.advance(Duration::from_millis(round % 7 * 30));
        }
        for six in sent.windows(6) {
            assert!(six[5] - six[0] > 1_000, "{six:?}");
        }
    }

    #[tokio::test]
    async fn five_requests_go_at_once_and_the_sixth_waits_for_the_window() {
        let (pace, clock) = (pace(), VirtualClock::new(5_000));
        for _ in 0..5 {
            assert_eq!(pace.turn(&clock).await, Ok(Duration::ZERO));
        }
        assert_eq!(pace.turn(&clock).await, Ok(Duration::from_millis(1_050)));
    }

    #[tokio::test]
    async fn tenants_that_share_a_pace_share_its_budget() {
        let (pace, clock) = (pace(), VirtualClock::new(5_000));
        let turns = (0..12).map(|_| pace.turn(&clock));
        let mut waits = Vec::new();
        for turn in turns {
            turn.await.unwrap();
            waits.push(clock.now_ms() - 5_000);
        }
        assert_eq!(waits, [0, 0, 0, 0, 0, 1_050, 1_050, 1_050, 1_050, 1_050, 2_100, 2_100]);
    }

    #[tokio::test]
    async fn a_refusal_pauses_all_requests_for_as_long_as_the_provider_asks() {
        let (pace, clock) = (pace(), VirtualClock::new(784_111_777_000));
        assert_eq!(refuse(&pace, &clock, Some("3")), 3_000);
        assert_eq!(pace.turn(&clock).await, Ok(Duration::from_secs(3)));
        assert_eq!(refuse(&pace, &clock, Some("Sun, 06 Nov 1994 08:49:50 GMT")), 10_000);
        clock.advance(Duration::from_secs(10));
        assert_eq!(refuse(&pace, &clock, Some("999999")), RETRY_AFTER_MS_MAX);
    }

    #[test]
    fn refusals_without_a_time_double_the_pause_until_a_request_succeeds() {
        let (pace, clock) = (pace(), VirtualClock::new(1_000));
        for expected_ms in [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 64_000, 64_000] {
            let pause_ms = refuse(&pace, &clock, None);
            assert!((expected_ms..=expected_ms * 5 / 4).contains(&pause_ms), "{pause_ms} for {expected_ms}");
            clock.advance(Duration::from_millis(pause_ms));
        }
        pace.note(clock.now_ms(), StatusCode::OK, &HeaderMap::new());
        assert!(refuse(&pace, &clock, None) <= 1_250);
    }

    #[test]
    fn requests_that_are_refused_together_count_as_one_refusal() {
        let (pace, clock) = (pace(), VirtualClock::new(1_000));
        for _ in 0..5 {
            assert!(refuse(&pace, &clock, None) <= 1_250);
        }
    }

    #[test]
    fn pauses_repeat_with_the_same_seed() {
        let pauses = || (0..3).map(|_| refuse(&pace(), &VirtualClock::new(0), None)).collect::<Vec<_>>();
        assert_eq!(pauses(), pauses());
    }

    #[tokio::test]
    async fn a_request_that_would_wait_too_long_fails_at_once_and_uses_no_turn() {
        let (pace, clock) = (pace(), VirtualClock::new(1_000));
        refuse(&pace, &clock, Some("60"));
        assert_eq!(pace.turn(&clock).await, Err(60_000));
        assert_eq!(clock.now_ms(), 1_000);
        clock.advance(Duration::from_secs(60));
        for _ in 0..5 {
            assert_eq!(pace.turn(&clock).await, Ok(Duration::ZERO));
        }
    }

    #[tokio::test]
    async fn a_clock_that_is_set_back_does_not_stop_the_pace() {
        let (pace, clock) = (pace(), VirtualClock::new(1_000_000_000));
        for _ in 0..7 {
            pace.turn(&clock).await.unwrap();
        }
        clock.set(1_000);
        assert!(pace.turn(&clock).await.is_ok());
    }

    #[test]
    fn a_server_error_without_a_time_is_no_refusal() {
        let pace = pace();
        pace.note(1_000, StatusCode::SERVICE_UNAVAILABLE, &HeaderMap::new());
        assert_eq!(pace.blocked_until_ms(), 0);
    }
}
