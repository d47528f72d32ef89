//! Days and times as a gym's system exports them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use time::UtcOffset;

use door_access_scenario::words::parse_timestamp;

const DAY_MS: u64 = 86_400_000;
/// The largest difference of any clock on earth from UTC, in minutes.
const OFFSET_MAX: i16 = 14 * 60;

/// The difference of the gym's clock from UTC, written as `+01:00`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Offset(UtcOffset);

impl Default for Offset {
    fn default() -> Offset {
        Offset(UtcOffset::UTC)
    }
}

impl FromStr for Offset {
    type Err = String;

    fn from_str(text: &str) -> Result<Offset, String> {
        if text.eq_ignore_ascii_case("z") {
            return Ok(Offset::default());
        }
        let format =
            time::format_description::parse_borrowed::<2>("[offset_hour sign:mandatory]:[offset_minute]");
        let offset = format.ok().and_then(|format| UtcOffset::parse(text, &format).ok());
        offset
            .filter(|offset| offset.whole_minutes().abs() <= OFFSET_MAX)
            .map(Offset)
            .ok_or_else(|| format!("`{text}` is not an offset from UTC: write it like +01:00 or -05:00"))
    }
}

impl TryFrom<String> for Offset {
    type Error = String;

    fn try_from(text: String) -> Result<Offset, String> {
        text.parse()
    }
}

impl From<Offset> for String {
    fn from(offset: Offset) -> String {
        offset.to_string()
    }
}

impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0.is_negative() { '-' } else { '+' };
        let minutes = self.0.whole_minutes().unsigned_abs();
        write!(f, "{sign}{:02}:{:02}", minutes / 60, minutes % 60)
    }
}

/// The moment at which a day begins, or the moment that is written.
pub(super) fn begins(text: &str, offset: Offset) -> Result<u64, String> {
    parse_timestamp(text).or_else(|_| midnight(text, offset))
}

/// The moment at which a day ends, or the moment that is written.
pub(super) fn is_over(text: &str, offset: Offset) -> Result<u64, String> {
    parse_timestamp(text).or_else(|_| Ok(midnight(text, offset)?.saturating_add(DAY_MS)))
}

fn midnight(text: &str, offset: Offset) -> Result<u64, String> {
    let is_day = text.len() == 10 && text.is_ascii();
    let moment = is_day.then(|| parse_timestamp(&format!("{text}T00:00:00{offset}")).ok()).flatten();
    moment.ok_or_else(|| {
        format!("`{text}` is not a day: write it like 2026-12-31, or with a time like 2026-12-31T18:00:00Z")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_begins_and_ends_at_the_gym_s_midnight() {
        let midnight: i64 = 1_796_083_200_000;
        for (offset, minutes) in [("+00:00", 0), ("+01:00", 60), ("-08:30", -510)] {
            let offset: Offset = offset.parse().unwrap();
            let begins_at = midnight - minutes * 60_000;
            assert_eq!(begins("2026-12-01", offset), Ok(u64::try_from(begins_at).unwrap()), "{offset}");
            assert_eq!(is_over("2026-11-30", offset), begins("2026-12-01", offset), "{offset}");
        }
        let exact = "2026-12-01T09:00:00+01:00";
        assert_eq!(begins(exact, Offset::default()), Ok(1_796_112_000_000));
        assert_eq!(is_over(exact, Offset::default()), Ok(1_796_112_000_000));
    }

    #[test]
    fn a_text_that_is_no_day_is_refused_with_an_example() {
        for text in [
            "1.12.2026",
            "2026-13-01",
            "2026-02-30",
            "2026-1-1",
            "tomorrow",
            "2026-12-01T08:00",
            "２026-12-1",
        ] {
            let message = begins(text, Offset::default()).unwrap_err();
            assert!(message.contains("2026-12-31"), "{text}: {message}");
        }
    }

    #[test]
    fn offsets_from_utc_are_read_and_other_texts_are_refused() {
        for text in ["+00:00", "+05:30", "-11:00"] {
            assert_eq!(text.parse::<Offset>().map(|offset| offset.to_string()), Ok(text.to_owned()));
        }
        for text in ["", "1", "+1", "+1:00", "01:00", "+24:00", "+01:60", "+-1:00", "Europe/Berlin"] {
            assert!(text.parse::<Offset>().is_err(), "{text}");
        }
    }
}
