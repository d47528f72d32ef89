//! The simulator's own clock, and timestamps as Kisi writes them.
//!
//! Everything that depends on time (created_at, rate limit, search lag) reads this clock, so a test controls time.

use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::StaticFormatDescription;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;

const KISI: StaticFormatDescription =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");

/// Where the simulator's time comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClockMode {
    /// Starts at the seed's `start_time`, and moves only when it is set or advanced.
    Virtual,
    /// The machine's clock. Setting or advancing it shifts it by a lasting offset.
    System,
}

/// The clock: a base time of the mode, plus a shift.
#[derive(Clone, Debug)]
pub(crate) struct Clock {
    mode: ClockMode,
    start_ms: u64,
    shift_ms: i64,
}

impl Clock {
    pub(crate) fn new(mode: ClockMode, start_ms: u64) -> Clock {
        Clock { mode, start_ms, shift_ms: 0 }
    }

    pub(crate) fn mode(&self) -> ClockMode {
        self.mode
    }

    fn base_ms(&self) -> u64 {
        match self.mode {
            ClockMode::Virtual => self.start_ms,
            ClockMode::System => SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |elapsed| u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX)),
        }
    }

    pub(crate) fn now_ms(&self) -> u64 {
        self.base_ms().saturating_add_signed(self.shift_ms)
    }

    pub(crate) fn set_now_ms(&mut self, now_ms: u64) {
        let base_ms = self.base_ms();
        let shift_ms = i64::try_from(now_ms.abs_diff(base_ms)).unwrap_or(i64::MAX);
        self.shift_ms = if now_ms < base_ms { -shift_ms } else { shift_ms };
    }

    pub(crate) fn advance_ms(&mut self, by_ms: u64) {
        self.shift_ms = self.shift_ms.saturating_add(i64::try_from(by_ms).unwrap_or(i64::MAX));
    }
}

/// A text that is no RFC 3339 timestamp of 1970 or later.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a timestamp such as 2026-10-01T10:00:00Z")]
pub struct TimestampError(String);

/// Milliseconds since the Unix epoch as Kisi writes them: `2026-10-01T10:00:00.000Z`.
pub fn format_timestamp(ms: u64) -> String {
    let at = OffsetDateTime::from_unix_timestamp_nanos(i128::from(ms) * 1_000_000);
    // A time after the year 9999 can't be written. Only a misset clock gives one.
    at.unwrap_or(OffsetDateTime::UNIX_EPOCH).format(KISI).unwrap_or_default()
}

/// Reads an RFC 3339 timestamp, in any offset, as milliseconds since the Unix epoch.
///
/// # Errors
/// When the text is no such timestamp, or lies before 1970.
pub fn parse_timestamp(text: &str) -> Result<u64, TimestampError> {
    OffsetDateTime::parse(text, &Rfc3339)
        .ok()
        .and_then(|at| u64::try_from(at.unix_timestamp_nanos() / 1_000_000).ok())
        .ok_or_else(|| TimestampError(text.to_owned()))
}

/// Serde for a timestamp.
pub(crate) mod timestamp {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(crate) fn serialize<S: Serializer>(ms: &u64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&super::format_timestamp(*ms))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
        super::parse_timestamp(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

/// Serde for a timestamp that may be missing or null.
pub(crate) mod optional_timestamp {
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    pub(crate) fn serialize<S: Serializer>(ms: &Option<u64>, serializer: S) -> Result<S::Ok, S::Error> {
        ms.map(super::format_timestamp).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
        Option::<String>::deserialize(deserializer)?
            .map(|text| super::parse_timestamp(&text).map_err(D::Error::custom))
            .transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_are_written_as_kisi_writes_them_and_read_back() {
        let ms = parse_timestamp("2026-10-01T10:00:00.250Z").unwrap();
        assert_eq!(format_timestamp(ms), "2026-10-01T10:00:00.250Z");
        assert_eq!(parse_timestamp("2026-10-01T12:00:00.25+02:00").unwrap(), ms);
        for denied in ["", "2026-10-01", "tomorrow", "1969-12-31T23:59:59Z", "2026-13-01T00:00:00Z"] {
            assert!(parse_timestamp(denied).is_err(), "{denied} should be refused");
        }
    }

    #[test]
    fn a_virtual_clock_moves_only_when_it_is_set_or_advanced() {
        let mut clock = Clock::new(ClockMode::Virtual, 5_000);
        assert_eq!(clock.now_ms(), 5_000);
        clock.advance_ms(250);
        assert_eq!(clock.now_ms(), 5_250);
        clock.set_now_ms(1_000);
        assert_eq!(clock.now_ms(), 1_000);
    }
}
