//! Windows of access, and how the windows of several memberships merge.

use crate::contract::types::{self, Timestamp};

/// From `starts_at` (absent: always) until just before `ends_at` (absent: open-ended). Milliseconds, UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Window {
    /// First moment of access.
    pub starts_at: Option<Timestamp>,
    /// First moment without access.
    pub ends_at: Option<Timestamp>,
}

impl Window {
    /// Whether access holds at `now`.
    pub fn contains(&self, now: Timestamp) -> bool {
        self.starts_at.is_none_or(|start| start <= now) && self.ends_at.is_none_or(|end| now < end)
    }

    /// Whether both are the same from `now` on. All starts in the past are equal. Dates are compared in seconds, because
    /// it is unknown whether Kisi keeps milliseconds (?).
    pub fn same_from(&self, other: &Window, now: Timestamp) -> bool {
        let seconds = |window: &Window| {
            (
                window.starts_at.filter(|&start| start > now).map(|start| start / 1_000),
                window.ends_at.map(|end| end / 1_000),
            )
        };
        seconds(self) == seconds(other)
    }

    /// Whether the two overlap or touch.
    fn joins(&self, later: &Window) -> bool {
        match (self.ends_at, later.starts_at) {
            (Some(end), Some(start)) => start <= end,
            _ => true,
        }
    }
}

impl From<Window> for types::Window {
    fn from(window: Window) -> types::Window {
        types::Window { starts_at: window.starts_at, ends_at: window.ends_at }
    }
}

/// Merges windows that overlap or touch. The result is ordered by start; each window keeps the tag of the one that ends
/// last.
pub fn merge<T>(mut windows: Vec<(Window, T)>) -> Vec<(Window, T)> {
    windows.sort_by_key(|(window, _)| (window.starts_at, window.ends_at.is_none(), window.ends_at));
    let mut merged: Vec<(Window, T)> = Vec::new();
    for (window, tag) in windows {
        match merged.last_mut() {
            Some((last, last_tag)) if last.joins(&window) => {
                if last.ends_at.is_some_and(|last| window.ends_at.is_none_or(|end| end > last)) {
                    last.ends_at = window.ends_at;
                    *last_tag = tag;
                }
            }
            _ => merged.push((window, tag)),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(starts_at: impl Into<Option<u64>>, ends_at: impl Into<Option<u64>>) -> Window {
        Window { starts_at: starts_at.into(), ends_at: ends_at.into() }
    }

    fn check(windows: &[Window], expected: &[Window]) {
        let merged: Vec<Window> =
            merge(windows.iter().map(|w| (*w, ())).collect()).into_iter().map(|(w, ())| w).collect();
        assert_eq!(merged, expected, "{windows:?}");
    }

    #[test]
    fn overlapping_and_touching_windows_become_one() {
        check(&[], &[]);
        check(&[window(10, 20), window(15, 30)], &[window(10, 30)]);
        check(&[window(20, 30), window(10, 20)], &[window(10, 30)]);
        check(&[window(10, 20), window(21, 30)], &[window(10, 20), window(21, 30)]);
        check(&[window(10, None), window(15, 30)], &[window(10, None)]);
        check(&[window(None, 20), window(5, 9), window(19, None)], &[window(None, None)]);
        check(&[window(10, 50), window(20, 30), window(40, 60)], &[window(10, 60)]);
    }

    #[test]
    fn all_starts_in_the_past_are_equal() {
        assert!(window(10, 900).same_from(&window(None, 900), 10));
        assert!(!window(10_000, 90_000).same_from(&window(None, 90_000), 9_000));
        assert!(window(None, 90_001).same_from(&window(None, 90_999), 10));
        assert!(!window(None, 90_000).same_from(&window(None, None), 10));
    }

    #[test]
    fn a_window_ends_just_before_its_end() {
        assert!(window(10, 20).contains(10) && window(10, 20).contains(19));
        assert!(!window(10, 20).contains(20) && !window(10, 20).contains(9));
    }
}
