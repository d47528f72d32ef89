//! Times and spans of time as people write them in a scenario.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use toml::value::Datetime;

const SECOND_MS: u64 = 1_000;
const MINUTE_MS: u64 = 60 * SECOND_MS;
const HOUR_MS: u64 = 60 * MINUTE_MS;
const DAY_MS: u64 = 24 * HOUR_MS;

/// A point in time, in milliseconds since the Unix epoch; written as in RFC 3339: `2026-12-01T08:00:00Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moment(pub(crate) u64);

/// A point in time, or never. `never` takes back a date that was there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bound {
    /// At this moment.
    At(Moment),
    /// Not at all.
    Never,
}

impl Bound {
    /// As the contract has it.
    pub(crate) fn ms(self) -> Option<u64> {
        match self {
            Bound::At(Moment(ms)) => Some(ms),
            Bound::Never => None,
        }
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Bound::deserialize(deserializer)? {
            Bound::At(moment) => Ok(moment),
            Bound::Never => Err(de::Error::custom("`never` is not possible here: write a time")),
        }
    }
}

impl<'de> Deserialize<'de> for Bound {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(BoundVisitor)
    }
}

/// TOML's own dates arrive as a map; a text is taken too, since many people write times in quotes.
struct BoundVisitor;

impl<'de> Visitor<'de> for BoundVisitor {
    type Value = Bound;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a time such as 2026-12-01T08:00:00Z")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Bound, A::Error> {
        let datetime = Datetime::deserialize(de::value::MapAccessDeserializer::new(map))?;
        self.visit_str(&datetime.to_string())
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Bound, E> {
        if text == "never" {
            return Ok(Bound::Never);
        }
        let moment = kisi_sim::parse_timestamp(text).map(Moment).map(Bound::At);
        moment.map_err(|_| {
            E::custom(format!(
                "`{text}` is no point in time: write date, time and offset, such as 2026-12-01T08:00:00Z"
            ))
        })
    }
}

/// Reads a span of time such as `3d`, `12h` or `1d 12h`, in milliseconds.
///
/// # Errors
/// A sentence about what is wrong with it.
pub(crate) fn span(text: &str) -> Result<u64, String> {
    let wrong =
        || format!("`{text}` is no span of time: write a number and d, h, m or s, such as 3d or 1d 12h");
    let mut total_ms = 0_u64;
    for part in text.split_whitespace() {
        let unit = part.chars().next_back().ok_or_else(wrong)?;
        let count: u64 = part.strip_suffix(unit).and_then(|count| count.parse().ok()).ok_or_else(wrong)?;
        let unit_ms = match unit {
            'd' => DAY_MS,
            'h' => HOUR_MS,
            'm' => MINUTE_MS,
            's' => SECOND_MS,
            _ => return Err(wrong()),
        };
        total_ms = count.checked_mul(unit_ms).and_then(|ms| total_ms.checked_add(ms)).ok_or_else(wrong)?;
    }
    if total_ms == 0 { Err(wrong()) } else { Ok(total_ms) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(serde::Deserialize)]
    struct Document {
        at: Bound,
    }

    fn bound(text: &str) -> Result<Bound, String> {
        let document: Result<Document, _> = toml::from_str(&format!("at = {text}"));
        document.map(|document| document.at).map_err(|error| error.message().to_owned())
    }

    #[test]
    fn times_are_read_bare_or_in_quotes() {
        let expected = Ok(Bound::At(Moment(1_796_112_000_000)));
        assert_eq!(bound("2026-12-01T08:00:00Z"), expected);
        assert_eq!(bound("2026-12-01T09:00:00+01:00"), expected);
        assert_eq!(bound("\"2026-12-01T08:00:00Z\""), expected);
        assert_eq!(bound("\"never\""), Ok(Bound::Never));
    }

    #[test]
    fn what_is_no_point_in_time_is_refused_with_an_example() {
        for text in ["2026-12-01", "2026-12-01T08:00:00", "\"tomorrow\"", "3", "true"] {
            let message = bound(text).unwrap_err();
            assert!(message.contains("2026-12-01T08:00:00Z"), "{text}: {message}");
        }
    }

    #[test]
    fn spans_add_up_and_nonsense_is_refused() {
        assert_eq!(span("3d"), Ok(3 * DAY_MS));
        assert_eq!(span("1d 12h"), Ok(36 * HOUR_MS));
        assert_eq!(span("90s"), Ok(90 * SECOND_MS));
        for text in ["", "3", "d", "3w", "-1d", "0d", "3 d", "ä", "99999999999999999999d"] {
            assert!(span(text).is_err(), "{text} should be refused");
        }
    }
}
