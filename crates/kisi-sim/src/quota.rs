//! The rate limit: a number of requests within any one second, per user and not per key.
//!
//! Kisi documents the number, and that all logins of a user share it. A sliding window is the stricter reading of
//! "5 requests per second". A refused request does not count [inferred].

use std::collections::{BTreeMap, VecDeque};

/// The budget that a request counts against.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Payer {
    /// All requests without a working key. Kisi counts these per address; the simulator has one address.
    Unknown,
    /// A user, with all its logins.
    User(u64),
    /// A user's event sets, which have a limit of their own besides the general one.
    EventSetsOf(u64),
}

/// The window of Kisi's limit.
const WINDOW_MS: u64 = 1_000;

/// The times of each payer's requests within the last second.
#[derive(Clone, Debug, Default)]
pub(crate) struct Quotas(BTreeMap<Payer, VecDeque<u64>>);

impl Quotas {
    /// Counts a request, unless it is above the limit.
    pub(crate) fn admit(&mut self, payer: Payer, now_ms: u64, requests_max: u32) -> bool {
        let made = self.0.entry(payer).or_default();
        // A request after now was made before the clock was set back.
        made.retain(|at_ms| *at_ms <= now_ms && now_ms - at_ms < WINDOW_MS);
        let admitted = made.len() < usize::try_from(requests_max).unwrap_or(usize::MAX);
        if admitted {
            made.push_back(now_ms);
        }
        admitted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_of_the_rate_limit_slides() {
        let mut quotas = Quotas::default();
        for at_ms in [0, 900, 900, 900, 900] {
            assert!(quotas.admit(Payer::User(1), at_ms, 5));
        }
        assert!(!quotas.admit(Payer::User(1), 999, 5));
        assert!(quotas.admit(Payer::User(1), 1_000, 5), "the request of time 0 has left the window");
        assert!(!quotas.admit(Payer::User(1), 1_000, 5));
        assert!(quotas.admit(Payer::User(2), 1_000, 5), "another user has a budget of its own");
        assert!(quotas.admit(Payer::User(1), 500, 5), "a clock set back frees later requests");
    }
}
