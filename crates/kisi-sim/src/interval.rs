//! ISO 8601 intervals, as event sets take them: start and end, or one of them and a duration.

use crate::clock::parse_timestamp;

const SECOND_MS: u64 = 1000;
const MINUTE_MS: u64 = 60 * SECOND_MS;
const HOUR_MS: u64 = 60 * MINUTE_MS;
/// One day.
pub(crate) const DAY_MS: u64 = 24 * HOUR_MS;

/// The first and the last moment of an interval, in milliseconds since the Unix epoch; none if the text is no
/// interval or ends before it begins.
pub(crate) fn parse_interval(text: &str) -> Option<(u64, u64)> {
    let (start, end) = text.trim().split_once('/')?;
    let (from_ms, until_ms) = match (parse_timestamp(start).ok(), parse_timestamp(end).ok()) {
        (Some(from_ms), Some(until_ms)) => (from_ms, until_ms),
        (Some(from_ms), None) => (from_ms, from_ms.checked_add(parse_duration(end)?)?),
        (None, Some(until_ms)) => (until_ms.checked_sub(parse_duration(start)?)?, until_ms),
        (None, None) => return None,
    };
    (from_ms <= until_ms).then_some((from_ms, until_ms))
}

/// A duration such as `P1Y2M10DT2H30M`. A year counts 365 days and a month 30; an exact interval is given by its
/// ends.
fn parse_duration(text: &str) -> Option<u64> {
    let rest = text.strip_prefix('P')?;
    let (date, time) = match rest.split_once('T') {
        Some((_, "")) => return None,
        Some((date, time)) => (date, time),
        None => (rest, ""),
    };
    if rest.is_empty() {
        return None;
    }
    let dates = [('Y', 365 * DAY_MS), ('M', 30 * DAY_MS), ('W', 7 * DAY_MS), ('D', DAY_MS)];
    let times = [('H', HOUR_MS), ('M', MINUTE_MS), ('S', SECOND_MS)];
    parts(date, &dates)?.checked_add(parts(time, &times)?)
}

/// The sum of numbers with units, each unit at most once and in this order.
fn parts(mut text: &str, units: &[(char, u64)]) -> Option<u64> {
    let mut units = units.iter();
    let mut sum_ms: u64 = 0;
    while !text.is_empty() {
        let (number, rest) = text.split_at(text.find(|char: char| !char.is_ascii_digit())?);
        let unit = rest.chars().next()?;
        let (_, unit_ms) = units.find(|(name, _)| *name == unit)?;
        sum_ms = sum_ms.checked_add(number.parse::<u64>().ok()?.checked_mul(*unit_ms)?)?;
        text = rest.get(unit.len_utf8()..)?;
    }
    Some(sum_ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_documented_forms_of_an_interval_are_read() {
        let at = |text: &str| parse_timestamp(text).unwrap();
        for (text, from, until) in [
            ("2026-10-01T00:00:00Z/2026-10-02T12:00:00Z", "2026-10-01T00:00:00Z", "2026-10-02T12:00:00Z"),
            ("2026-10-01T00:00:00Z/P1M2DT3H", "2026-10-01T00:00:00Z", "2026-11-02T03:00:00Z"),
            ("PT2H30M/2026-10-01T12:00:00+02:00", "2026-10-01T07:30:00Z", "2026-10-01T10:00:00Z"),
            ("P1W/2026-10-08T00:00:00Z", "2026-10-01T00:00:00Z", "2026-10-08T00:00:00Z"),
        ] {
            assert_eq!(parse_interval(text), Some((at(from), at(until))), "{text}");
        }
    }

    #[test]
    fn any_other_text_is_no_interval() {
        let start = "2026-10-01T00:00:00Z";
        for denied in ["", start, "P1D", "P1D/PT1H", "P99Y/2026-10-01T00:00:00Z", "yesterday/today"] {
            assert_eq!(parse_interval(denied), None, "{denied} should be refused");
        }
        for end in ["2026-09-30T00:00:00Z", "P", "PT", "P1H", "P1D2Y", "PD", "P99999999999999999999Y"] {
            assert_eq!(parse_interval(&format!("{start}/{end}")), None, "{end} should be refused");
        }
    }
}
