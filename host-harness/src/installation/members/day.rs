//! Days and moments as a gym's system exports them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

const DAY_MS: u64 = 86_400_000;
const MINUTE_MS: i64 = 60_000;
/// The furthest that any clock on earth is from UTC, in minutes.
const OFFSET_MAX: i16 = 14 * 60;

/// How far the gym's clock is ahead of UTC. Written as `+01:00`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Offset {
    minutes: i16,
}

impl FromStr for Offset {
    type Err = String;

    fn from_str(text: &str) -> Result<Offset, String> {
        let wrong = || format!("`{text}` is no distance from UTC: write it like +01:00 or -05:00");
        if text == "Z" || text == "z" {
            return Ok(Offset::default());
        }
        let (sign, rest) = match (text.strip_prefix('+'), text.strip_prefix('-')) {
            (Some(rest), _) => (1, rest),
            (_, Some(rest)) => (-1, rest),
            _ => return Err(wrong()),
        };
        let (hours, minutes) = rest.split_once(':').ok_or_else(wrong)?;
        let number = |digits: &str| -> Option<i16> {
            let is_number = digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
            is_number.then(|| digits.parse().ok()).flatten()
        };
        let (hours, minutes) = (number(hours).ok_or_else(wrong)?, number(minutes).ok_or_else(wrong)?);
        let all = hours.saturating_mul(60).saturating_add(minutes);
        if minutes > 59 || all > OFFSET_MAX { Err(wrong()) } else { Ok(Offset { minutes: sign * all }) }
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
        let sign = if self.minutes < 0 { '-' } else { '+' };
        let minutes = self.minutes.unsigned_abs();
        write!(f, "{sign}{:02}:{:02}", minutes / 60, minutes % 60)
    }
}

/// The moment at which a day begins, or the moment that is written.
pub(super) fn begins(text: &str, offset: Offset) -> Result<u64, String> {
    match door_access_scenario::words::parse_timestamp(text) {
        Ok(moment) => Ok(moment),
        Err(_) => midnight(text, offset),
    }
}

/// The moment at which a day is over, or the moment that is written.
pub(super) fn is_over(text: &str, offset: Offset) -> Result<u64, String> {
    match door_access_scenario::words::parse_timestamp(text) {
        Ok(moment) => Ok(moment),
        Err(_) => Ok(midnight(text, offset)?.saturating_add(DAY_MS)),
    }
}

fn midnight(text: &str, offset: Offset) -> Result<u64, String> {
    let wrong =
        || format!("`{text}` is no day: write it like 2026-12-31, or with a time like 2026-12-31T18:00:00Z");
    let is_day = text.len() == 10 && text.is_ascii();
    let utc = is_day
        .then(|| door_access_scenario::words::parse_timestamp(&format!("{text}T00:00:00Z")).ok())
        .flatten();
    let utc = utc.ok_or_else(wrong)?;
    utc.checked_add_signed(-i64::from(offset.minutes) * MINUTE_MS).ok_or_else(wrong)
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
    fn what_is_no_day_is_refused_with_an_example() {
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
    fn distances_from_utc_are_read_and_nonsense_is_refused() {
        for text in ["+00:00", "+05:30", "-11:00"] {
            assert_eq!(text.parse::<Offset>().map(|offset| offset.to_string()), Ok(text.to_owned()));
        }
        for text in ["", "1", "+1", "+1:00", "01:00", "+24:00", "+01:60", "+-1:00", "Europe/Berlin"] {
            assert!(text.parse::<Offset>().is_err(), "{text}");
        }
    }
}
