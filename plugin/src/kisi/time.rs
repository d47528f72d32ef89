//! Points in time as Kisi writes them (RFC 3339) and as the contract does (milliseconds).

use time::{Date, Month, OffsetDateTime};

use crate::contract::types::Timestamp;

/// `2026-12-31T23:59:59.000Z`. A time that no calendar has (beyond the year 9999) gives `None`.
pub fn format(ms: Timestamp) -> Option<String> {
    let at = at(ms)?;
    let second = u64::from(at.second());
    let millisecond = ms % 1_000;
    Some(format!("{}T{}:{second:02}.{millisecond:03}Z", date(at), hour(at)))
}

/// Reads any RFC 3339 time; times before 1970 become 0. By hand: the calendar is the library's, but its parser for
/// every possible format would be a fiftieth of the component.
pub fn parse(text: &str) -> Option<Timestamp> {
    let (date, time) = text.split_once(['T', 't', ' '])?;
    let zone_at = time.find(['Z', 'z', '+', '-'])?;
    let (clock, zone) = time.split_at_checked(zone_at)?;
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let [year, month, day] = numbers(date, '-')?;
    let [hour, minute, second] = numbers(clock, ':')?;
    let month = Month::try_from(u8::try_from(month).ok()?).ok()?;
    let day = Date::from_calendar_date(i32::try_from(year).ok()?, month, u8::try_from(day).ok()?).ok()?;
    let days = day.to_julian_day() - Date::from_ordinal_date(1970, 1).ok()?.to_julian_day();
    let offset_minutes = match zone.split_at_checked(1)? {
        ("Z" | "z", "") => 0,
        (sign, offset) => {
            let [hours, minutes] = numbers(offset, ':')?;
            let minutes = i64::from(hours * 60 + minutes);
            if sign == "-" { -minutes } else { minutes }
        }
    };
    if hour > 23 || minute > 59 || second > 60 || fraction.is_empty() {
        return None;
    }
    let milliseconds: u64 = fraction
        .bytes()
        .chain(*b"00")
        .take(3)
        .try_fold(0, |ms, byte| byte.is_ascii_digit().then(|| ms * 10 + u64::from(byte - b'0')))?;
    let minutes = i64::from(days) * 24 * 60 + i64::from(hour * 60 + minute) - offset_minutes;
    let seconds = u64::try_from(minutes * 60 + i64::from(second)).unwrap_or(0);
    Some(seconds * 1_000 + milliseconds)
}

/// Exactly `N` numbers of at most four digits.
fn numbers<const N: usize>(text: &str, separator: char) -> Option<[u32; N]> {
    let mut numbers = [0; N];
    let mut parts = text.split(separator);
    for number in &mut numbers {
        let part =
            parts.next().filter(|part| part.len() <= 4 && part.bytes().all(|byte| byte.is_ascii_digit()))?;
        *number = part.parse().ok()?;
    }
    parts.next().is_none().then_some(numbers)
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
        assert_eq!(parse("2026-12-31T18:29:59.5-05:30"), Some(1_798_761_599_500));
        assert_eq!(parse("1969-12-31T23:59:59Z"), Some(0));
        assert_eq!(parse("2028-02-29T00:00:00.123456Z"), Some(1_835_395_200_123));
        assert_eq!(format(u64::MAX), None);
    }

    #[test]
    fn what_is_no_time_is_not_guessed() {
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
