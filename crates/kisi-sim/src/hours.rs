//! Access hours of a group: one window a day, in UTC.
//!
//! Kisi's time restrictions are schedules by weekday and holiday in the time zone of a place. One daily window is
//! enough to test a client's reaction to the refusal, and UTC needs no tables of time zones.

use serde::{Deserialize, Serialize};

const MINUTE_MS: u64 = 60_000;
const MINUTES_OF_DAY: u64 = 24 * 60;

/// A minute of the day, written `06:30`; `24:00` is the end of the day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TimeOfDay(u16);

/// A text that is not a time of the day.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a time of the day such as 06:30")]
pub struct TimeOfDayError(String);

impl std::str::FromStr for TimeOfDay {
    type Err = TimeOfDayError;

    fn from_str(text: &str) -> Result<TimeOfDay, TimeOfDayError> {
        let part = |part: &str| {
            let digits = part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
            digits.then(|| part.parse::<u16>().ok()).flatten()
        };
        text.split_once(':')
            .and_then(|(hours, minutes)| Some((part(hours)?, part(minutes)?)))
            .filter(|(hours, minutes)| *minutes < 60 && (*hours < 24 || (*hours, *minutes) == (24, 0)))
            .map(|(hours, minutes)| TimeOfDay(hours * 60 + minutes))
            .ok_or_else(|| TimeOfDayError(text.to_owned()))
    }
}

impl TryFrom<String> for TimeOfDay {
    type Error = TimeOfDayError;

    fn try_from(text: String) -> Result<TimeOfDay, TimeOfDayError> {
        text.parse()
    }
}

impl From<TimeOfDay> for String {
    fn from(time: TimeOfDay) -> String {
        format!("{:02}:{:02}", time.0 / 60, time.0 % 60)
    }
}

/// The daily hours in which the members of a group may enter, in UTC. A window that ends before it begins goes over
/// midnight; one that ends when it begins is empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccessHours {
    /// The first minute.
    pub from: TimeOfDay,
    /// The first minute after it.
    pub until: TimeOfDay,
}

impl AccessHours {
    /// From two times of the day such as `06:00` and `22:30`.
    ///
    /// # Errors
    /// When one of them is not a time of the day.
    pub fn new(from: &str, until: &str) -> Result<AccessHours, TimeOfDayError> {
        Ok(AccessHours { from: from.parse()?, until: until.parse()? })
    }

    /// Whether this moment is within the hours.
    pub(crate) fn contain(self, now_ms: u64) -> bool {
        let minute = now_ms / MINUTE_MS % MINUTES_OF_DAY;
        let (from, until) = (u64::from(self.from.0), u64::from(self.until.0));
        if from <= until { (from..until).contains(&minute) } else { minute >= from || minute < until }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::parse_timestamp;

    #[test]
    fn access_hours_include_their_first_minute_exclude_their_last_and_may_go_over_midnight() {
        for (from, until, at, inside) in [
            ("06:00", "22:00", "05:59:59.999", false),
            ("06:00", "22:00", "06:00:00.000", true),
            ("06:00", "22:00", "21:59:59.999", true),
            ("06:00", "22:00", "22:00:00.000", false),
            ("22:00", "06:00", "23:30:00.000", true),
            ("22:00", "06:00", "05:59:00.000", true),
            ("22:00", "06:00", "12:00:00.000", false),
            ("00:00", "24:00", "23:59:59.999", true),
            ("09:00", "09:00", "09:00:00.000", false),
        ] {
            let now_ms = parse_timestamp(&format!("2026-10-01T{at}Z")).unwrap();
            let hours = AccessHours::new(from, until).unwrap();
            assert_eq!(hours.contain(now_ms), inside, "{from}-{until} at {at}");
        }
    }

    #[test]
    fn times_of_the_day_are_read_strictly_and_written_back() {
        for denied in ["", "6:00", "06:0", "24:01", "25:00", "06:60", "06:00:00", "+6:00", "six"] {
            assert!(denied.parse::<TimeOfDay>().is_err(), "{denied} should be refused");
        }
        let hours = AccessHours::new("06:05", "24:00").unwrap();
        let text = serde_json::to_string(&hours).unwrap();
        assert_eq!(text, r#"{"from":"06:05","until":"24:00"}"#);
        assert_eq!(serde_json::from_str::<AccessHours>(&text).unwrap(), hours);
        assert!(serde_json::from_str::<AccessHours>(r#"{"from":"06:05"}"#).is_err());
    }
}
