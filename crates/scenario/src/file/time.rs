//! Times and spans of time as people write them in a scenario.

use serde::Deserialize;
use toml::value::Datetime;

/// A point in time, in milliseconds since the Unix epoch; written as in RFC 3339: `2026-12-01T08:00:00Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Written")]
pub(crate) struct Moment(pub(crate) u64);

/// A point in time, or never: `"never"` takes back a date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Written")]
pub(crate) struct Bound(pub(crate) Option<u64>);

/// A time as it is written: bare, or in quotes.
#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a time such as 2026-12-01T08:00:00Z")]
enum Written {
    Bare(Datetime),
    Quoted(String),
}

impl TryFrom<Written> for Bound {
    type Error = String;

    fn try_from(written: Written) -> Result<Bound, String> {
        let text = match written {
            Written::Bare(datetime) => datetime.to_string(),
            Written::Quoted(text) if text == "never" => return Ok(Bound(None)),
            Written::Quoted(text) => text,
        };
        let ms = kisi_sim::parse_timestamp(&text).map_err(|_| {
            format!(
                "`{text}` is not a point in time: write date, time and offset, such as 2026-12-01T08:00:00Z"
            )
        })?;
        Ok(Bound(Some(ms)))
    }
}

impl TryFrom<Written> for Moment {
    type Error = String;

    fn try_from(written: Written) -> Result<Moment, String> {
        let Bound(ms) = written.try_into()?;
        ms.map(Moment).ok_or_else(|| "`never` is not possible here: write a time".to_owned())
    }
}

/// Reads a span of time such as `3d`, `12h` or `1d 12h`, in milliseconds.
///
/// # Errors
/// A sentence about what is wrong with it.
pub(super) fn span(text: &str) -> Result<u64, String> {
    let parse = || {
        let mut total_ms = 0_u64;
        for part in text.split_whitespace() {
            let unit = part.chars().next_back()?;
            let count: u64 = part.strip_suffix(unit)?.parse().ok()?;
            let unit_ms = match unit {
                'd' => 86_400_000,
                'h' => 3_600_000,
                'm' => 60_000,
                's' => 1_000,
                _ => return None,
            };
            total_ms = total_ms.checked_add(count.checked_mul(unit_ms)?)?;
        }
        (total_ms > 0).then_some(total_ms)
    };
    parse().ok_or_else(|| {
        format!("`{text}` is not a span of time: write a number and d, h, m or s, such as 3d or 1d 12h")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Document {
        at: Bound,
    }

    fn bound(text: &str) -> Result<Bound, String> {
        let document: Result<Document, _> = toml::from_str(&format!("at = {text}"));
        document.map(|document| document.at).map_err(|error| error.message().to_owned())
    }

    #[test]
    fn times_are_read_bare_or_in_quotes() {
        let expected = Ok(Bound(Some(1_796_112_000_000)));
        assert_eq!(bound("2026-12-01T08:00:00Z"), expected);
        assert_eq!(bound("2026-12-01T09:00:00+01:00"), expected);
        assert_eq!(bound("\"2026-12-01T08:00:00Z\""), expected);
        assert_eq!(bound("\"never\""), Ok(Bound(None)));
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
        assert_eq!(span("3d"), Ok(259_200_000));
        assert_eq!(span("1d 12h"), Ok(129_600_000));
        assert_eq!(span("90s"), Ok(90_000));
        for text in ["", "3", "d", "3w", "-1d", "0d", "3 d", "ä", "99999999999999999999d"] {
            assert!(span(text).is_err(), "{text} should be refused");
        }
    }
}
