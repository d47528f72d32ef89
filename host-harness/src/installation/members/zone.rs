//! The gym's time zone.

use std::fmt;
use std::str::FromStr;

use jiff::tz::{self, TimeZone};
use serde::{Deserialize, Serialize};

/// The largest difference of any clock on earth from UTC, in minutes.
const OFFSET_MAX: i32 = 14 * 60;

/// A zone of the IANA database, such as `America/New_York`. Installations of earlier versions have a fixed difference from
/// UTC, such as `+01:00`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Zone(TimeZone);

impl Default for Zone {
    fn default() -> Zone {
        Zone(TimeZone::UTC)
    }
}

impl Zone {
    /// Whether it is a fixed difference from UTC, which knows no clock changes.
    pub(crate) fn is_fixed(&self) -> bool {
        self.0.iana_name().is_none()
    }

    /// The zone itself.
    pub(super) fn get(&self) -> &TimeZone {
        &self.0
    }
}

impl FromStr for Zone {
    type Err = String;

    fn from_str(text: &str) -> Result<Zone, String> {
        if text.eq_ignore_ascii_case("z") || text.eq_ignore_ascii_case("utc") || text == "+00:00" {
            return Ok(Zone::default());
        }
        match text.starts_with(['+', '-']) {
            true => offset(text).map(|offset| Zone(TimeZone::fixed(offset))),
            false => TimeZone::get(text).map(Zone).map_err(|_| {
                format!(
                    "`{text}` is not a time zone of the IANA database: write it like America/New_York or Europe/Berlin"
                )
            }),
        }
    }
}

/// `+01:00`.
fn offset(text: &str) -> Result<tz::Offset, String> {
    let number = |text: &str| {
        text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse::<i32>().ok()).flatten()
    };
    let minutes = match (text.get(1..3), text.get(3..4), text.get(4..)) {
        (Some(hours), Some(":"), Some(minutes)) if minutes.len() == 2 => {
            match (number(hours), number(minutes)) {
                (Some(hours), Some(minutes @ 0..=59)) => Some(hours * 60 + minutes),
                _ => None,
            }
        }
        _ => None,
    };
    let sign = if text.starts_with('-') { -1 } else { 1 };
    minutes
        .filter(|minutes| *minutes <= OFFSET_MAX)
        .and_then(|minutes| tz::Offset::from_seconds(sign * minutes * 60).ok())
        .ok_or_else(|| format!("`{text}` is not an offset from UTC: write it like +01:00 or -05:00"))
}

impl TryFrom<String> for Zone {
    type Error = String;

    fn try_from(text: String) -> Result<Zone, String> {
        text.parse()
    }
}

impl From<Zone> for String {
    fn from(zone: Zone) -> String {
        zone.to_string()
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0.iana_name(), self.0.to_fixed_offset()) {
            (Some(name), _) => f.write_str(name),
            (None, Ok(offset)) => {
                let minutes = offset.seconds() / 60;
                let sign = if minutes < 0 { '-' } else { '+' };
                write!(f, "{sign}{:02}:{:02}", minutes.abs() / 60, minutes.abs() % 60)
            }
            (None, Err(_)) => f.write_str("UTC"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_and_offsets_are_read_and_other_texts_are_refused() {
        for text in ["America/New_York", "Australia/Lord_Howe", "+05:30", "-11:00", "UTC"] {
            assert_eq!(text.parse::<Zone>().map(|zone| zone.to_string()), Ok(text.to_owned()));
        }
        for text in ["Z", "+00:00"] {
            assert_eq!(text.parse::<Zone>(), Ok(Zone::default()));
        }
        for text in ["", "1", "+1", "+1:00", "01:00", "+24:00", "+01:60", "+-1:00", "Berlin", "Mars/Base"] {
            assert!(text.parse::<Zone>().is_err(), "{text}");
        }
    }
}
