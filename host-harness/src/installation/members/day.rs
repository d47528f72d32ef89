//! Days and times as a gym's system exports them.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::AmbiguousOffset;

use super::Zone;

/// The moment at which a day begins, or the moment that is written.
pub(super) fn begins(text: &str, zone: &Zone) -> Result<u64, String> {
    moment(text).map_or_else(|| start(day(text)?, text, zone), Ok)
}

/// The moment at which a day ends, or the moment that is written.
pub(super) fn is_over(text: &str, zone: &Zone) -> Result<u64, String> {
    moment(text).map_or_else(|| start(day(text)?.tomorrow().map_err(|_| is_none(text))?, text, zone), Ok)
}

/// A time with its difference from UTC. Before 1970 counts as 1970.
fn moment(text: &str) -> Option<u64> {
    let at: Timestamp = text.parse().ok().filter(|_| text.contains(['T', 't', ' ']))?;
    Some(u64::try_from(at.as_millisecond()).unwrap_or_default())
}

fn day(text: &str) -> Result<Date, String> {
    let is_day = text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    is_day.then(|| text.parse().ok()).flatten().ok_or_else(|| is_none(text))
}

/// The first moment of a day. Where the clock jumps over midnight, that is the moment of the jump; where midnight comes
/// twice, the first one.
fn start(day: Date, text: &str, zone: &Zone) -> Result<u64, String> {
    let midnight = zone.get().to_ambiguous_timestamp(day.at(0, 0, 0, 0));
    let at = match midnight.offset() {
        // Read with the offset of afterwards, midnight is a moment before the jump.
        AmbiguousOffset::Gap { after, .. } => after
            .to_timestamp(day.at(0, 0, 0, 0))
            .ok()
            .and_then(|before| zone.get().following(before).next().map(|jump| jump.timestamp())),
        _ => midnight.earlier().ok(),
    };
    let at = at.ok_or_else(|| is_none(text))?;
    Ok(u64::try_from(at.as_millisecond()).unwrap_or_default())
}

fn is_none(text: &str) -> String {
    format!("`{text}` is not a day: write it like 2026-12-31, or with a time like 2026-12-31T18:00:00Z")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn zone(name: &str) -> Zone {
        name.parse().unwrap()
    }

    /// `2026-03-08T05:00:00Z` as milliseconds.
    fn ms(text: &str) -> u64 {
        u64::try_from(text.parse::<Timestamp>().unwrap().as_millisecond()).unwrap()
    }

    #[test]
    fn a_day_begins_and_ends_at_the_gyms_midnight_across_clock_changes() {
        for (name, day, from, to) in [
            // 23 and 25 hours.
            ("America/New_York", "2026-03-08", "2026-03-08T05:00:00Z", "2026-03-09T04:00:00Z"),
            ("America/New_York", "2026-11-01", "2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z"),
            ("Europe/Berlin", "2026-03-29", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"),
            ("Europe/Berlin", "2026-10-25", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"),
            // By half an hour.
            ("Australia/Lord_Howe", "2026-04-05", "2026-04-04T13:00:00Z", "2026-04-05T13:30:00Z"),
            ("Australia/Lord_Howe", "2026-10-04", "2026-10-03T13:30:00Z", "2026-10-04T13:00:00Z"),
            ("Asia/Tokyo", "2026-03-29", "2026-03-28T15:00:00Z", "2026-03-29T15:00:00Z"),
            // Midnight does not exist, and exists twice.
            ("America/Santiago", "2026-09-06", "2026-09-06T04:00:00Z", "2026-09-07T03:00:00Z"),
            ("America/Havana", "2026-11-01", "2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z"),
            // A day that the zone left out.
            ("Pacific/Apia", "2011-12-30", "2011-12-30T10:00:00Z", "2011-12-30T10:00:00Z"),
            ("+01:00", "2026-12-01", "2026-11-30T23:00:00Z", "2026-12-01T23:00:00Z"),
        ] {
            assert_eq!(begins(day, &zone(name)), Ok(ms(from)), "{name} {day}");
            assert_eq!(is_over(day, &zone(name)), Ok(ms(to)), "{name} {day}");
        }
        let exact = "2026-12-01T09:00:00+01:00";
        assert_eq!(begins(exact, &Zone::default()), Ok(1_796_112_000_000));
        assert_eq!(is_over(exact, &zone("Asia/Tokyo")), Ok(1_796_112_000_000));
        assert_eq!(begins("1900-01-01", &zone("Asia/Tokyo")), Ok(0), "before 1970 is long ago");
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
            let message = begins(text, &Zone::default()).unwrap_err();
            assert!(message.contains("2026-12-31"), "{text}: {message}");
        }
    }

    proptest! {
        #[test]
        fn any_day_in_any_zone_begins_and_ends_at_that_zones_midnight(
            number in 0_usize..1_000, day in 0_i64..36_500,
        ) {
            let names: Vec<String> = jiff::tz::db().available().map(|name| name.to_string()).collect();
            let name = &names[number % names.len()];
            // Not every name in the folder of the system's database is a zone.
            if let Ok(zone) = name.parse::<Zone>() {
                let date = jiff::civil::date(1970, 1, 2).checked_add(jiff::Span::new().days(day)).unwrap();
                let (from, to) = (
                    begins(&date.to_string(), &zone).unwrap(),
                    is_over(&date.to_string(), &zone).unwrap(),
                );
                let local = |ms: u64| {
                    Timestamp::from_millisecond(i64::try_from(ms).unwrap()).unwrap().to_zoned_datetime(zone.get().clone())
                };
                prop_assert_eq!(Ok(to), begins(&date.tomorrow().unwrap().to_string(), &zone));
                // No moment of the day lies outside, and none of another day inside; a day that is left out is empty.
                prop_assert!(to == from || local(from).date() == date, "{} {}", name, date);
                prop_assert!(from == 0 || local(from - 1).date() < date, "{} {}", name, date);
                prop_assert!(to == from || local(to - 1).date() == date, "{} {}", name, date);
                prop_assert!(local(to).date() > date, "{} {}", name, date);
            }
        }
    }
}
