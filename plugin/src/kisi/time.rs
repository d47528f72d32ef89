//! Points in time as Kisi writes them (RFC 3339) and as the contract does (milliseconds).

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::contract::types::Timestamp;

/// `2026-12-31T23:59:59.000Z`. A time that no calendar has (beyond the year 9999) gives `None`.
pub fn format(ms: Timestamp) -> Option<String> {
    let at = at(ms)?;
    let second = u64::from(at.second());
    let millisecond = ms % 1_000;
    Some(format!("{}T{}:{second:02}.{millisecond:03}Z", date(at), hour(at)))
}

/// Reads any RFC 3339 time; times before 1970 become 0.
pub fn parse(text: &str) -> Option<Timestamp> {
    let at = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    let seconds = u64::try_from(at.unix_timestamp()).unwrap_or(0);
    Some(seconds * 1_000 + u64::from(at.millisecond()))
}

/// `2026-12-31 23:59 UTC`, for people.
pub fn readable(ms: Timestamp) -> String {
    match at(ms) {
        Some(at) => format!("{} {} UTC", date(at), hour(at)),
        None => "a time beyond the year 9999".to_string(),
    }
}

fn date(at: OffsetDateTime) -> String {
    let (month, day) = (u64::from(u8::from(at.month())), u64::from(at.day()));
    format!("{:04}-{month:02}-{day:02}", u64::try_from(at.year()).unwrap_or_default())
}

fn hour(at: OffsetDateTime) -> String {
    format!("{:02}:{:02}", u64::from(at.hour()), u64::from(at.minute()))
}

fn at(ms: Timestamp) -> Option<OffsetDateTime> {
    OffsetDateTime::from_unix_timestamp(i64::try_from(ms / 1_000).ok()?).ok()
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
        assert_eq!(parse("2026-12-31T23:59:59Z"), Some(1_798_761_599_000));
        assert_eq!(parse("2027-01-01T01:59:59+02:00"), Some(1_798_761_599_000));
        assert_eq!(format(u64::MAX), None);
        assert_eq!(parse("tomorrow"), None);
    }
}
