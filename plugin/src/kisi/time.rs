//! Points in time as Kisi writes them (RFC 3339) and as the contract does (milliseconds).
//!
//! With `time` and not jiff: jiff's last moment is some hours before the end of the year 9999, and platforms write that
//! year for "never".

use time::OffsetDateTime;
use time::format_description::StaticFormatDescription;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;

use crate::contract::types::Timestamp;

/// An hour in milliseconds.
pub const HOUR_MS: u64 = 60 * 60 * 1_000;
/// A day in milliseconds.
pub const DAY_MS: u64 = 24 * HOUR_MS;

const KISI: StaticFormatDescription =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
const READABLE: StaticFormatDescription = format_description!("[year]-[month]-[day] [hour]:[minute] UTC");

/// `2026-12-31T23:59:59.000Z`. A time beyond the year 9999 gives `None`.
pub fn format(ms: Timestamp) -> Option<String> {
    at(ms)?.format(KISI).ok()
}

/// Reads any RFC 3339 time; times before 1970 become 0.
pub fn parse(text: &str) -> Option<Timestamp> {
    let at = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    Some(u64::try_from(at.unix_timestamp_nanos() / 1_000_000).unwrap_or(0))
}

/// `2026-12-31 23:59 UTC`, for people.
pub fn readable(ms: Timestamp) -> String {
    at(ms)
        .and_then(|at| at.format(READABLE).ok())
        .unwrap_or_else(|| "a time beyond the year 9999".to_string())
}

fn at(ms: Timestamp) -> Option<OffsetDateTime> {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(ms) * 1_000_000).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_survive_the_way_there_and_back() {
        for ms in [0, 1_782_864_000_123, 253_402_300_799_999] {
            assert_eq!(parse(&format(ms).unwrap()), Some(ms));
        }
        assert_eq!(format(1_798_761_599_000).unwrap(), "2026-12-31T23:59:59.000Z");
        assert_eq!(readable(1_798_761_599_000), "2026-12-31 23:59 UTC");
        assert_eq!(parse("2026-12-31T23:59:59Z"), Some(1_798_761_599_000));
        assert_eq!(parse("2027-01-01T01:59:59+02:00"), Some(1_798_761_599_000));
        assert_eq!(parse("2026-12-31T18:29:59.5-05:30"), Some(1_798_761_599_500));
        assert_eq!(parse("2026-12-31 23:59:59z"), Some(1_798_761_599_000));
        assert_eq!(parse("1969-12-31T23:59:59Z"), Some(0));
        assert_eq!(parse("2028-02-29T00:00:00.123456Z"), Some(1_835_395_200_123));
        assert_eq!(format(253_402_300_800_000), None);
        assert_eq!(format(u64::MAX), None);
    }

    #[test]
    fn a_text_that_is_not_a_time_is_refused() {
        for text in [
            "",
            "tomorrow",
            "2026-12-31",
            "2026-12-31T23:59:59",
            "2026-02-30T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-12-31T24:00:00Z",
            "2026-12-31T23:60:00Z",
            "2026-12-31T23:59Z",
            "2026-12-31T23:59:59.Z",
            "2026-12-31T23:59:59.xZ",
            "2026-12-31T23:59:59Zz",
            "2026-12-31T23:59:59+2",
            "+026-12-31T23:59:59Z",
            "2026-12-31T23:59:59\u{ff0b}02:00",
        ] {
            assert_eq!(parse(text), None, "{text:?} should not be a time");
        }
    }
}
