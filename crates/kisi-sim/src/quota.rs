//! The rate limit: so many requests within any one second, per user and not per key.
//!
//! Kisi documents the number and that all logins of a user share it. A sliding window is the stricter reading of
//! "5 requests per second". A refused request does not count [inferred].

use std::collections::{BTreeMap, VecDeque};

/// Who a request counts for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Payer {
    /// Everybody without a working key. Kisi counts these per address; the simulator has one address.
    Nobody,
    /// A user, with all its logins.
    User(u64),
    /// A user who makes event sets, which have a limit of their own beside the general one.
    EventSetsOf(u64),
}

/// The window that Kisi's limit is stated for.
const WINDOW_MS: u64 = 1_000;

/// When each payer made its requests of the last second.
#[derive(Clone, Debug, Default)]
pub(crate) struct Quotas(BTreeMap<Payer, VecDeque<u64>>);

impl Quotas {
    /// Counts a request, unless it is one too many.
    pub(crate) fn admit(&mut self, payer: Payer, now_ms: u64, requests_max: u32) -> bool {
        let made = self.0.entry(payer).or_default();
        // Requests "after now" are from before the clock was set back.
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
    fn the_window_slides_instead_of_starting_anew_each_second() {
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
