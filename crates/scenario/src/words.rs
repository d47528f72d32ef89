//! Times, groups and closed words as people read them.

use serde::{Serialize, Serializer};
use serde_json::Value;
use time::OffsetDateTime;

use crate::world::Held;

pub use kisi_sim::{format_timestamp, parse_timestamp};

const WEEKDAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// A closed word of the contract in its own spelling: `not-started`, not `NotStarted`.
pub fn word(value: &impl Serialize) -> String {
    let name = match serde_json::to_value(value) {
        Ok(Value::String(name)) => name,
        Ok(Value::Object(fields)) => match fields.into_iter().next() {
            Some((_, Value::String(other))) => return other,
            Some((name, _)) => name,
            None => String::new(),
        },
        _ => String::new(),
    };
    let mut word = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !word.is_empty() {
            word.push('-');
        }
        word.extend(letter.to_lowercase());
    }
    word
}

fn civil(ms: u64) -> OffsetDateTime {
    let seconds = i64::try_from(ms / 1_000).unwrap_or(i64::MAX);
    OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

/// A day: `Tue 1 Dec 2026`.
pub fn day(ms: u64) -> String {
    let at = civil(ms);
    let weekday = WEEKDAYS.get(usize::from(at.weekday().number_days_from_monday())).unwrap_or(&"");
    format!("{weekday} {}", date(at))
}

fn date(at: OffsetDateTime) -> String {
    let month = MONTHS.get(usize::from(u8::from(at.month())).saturating_sub(1)).unwrap_or(&"");
    format!("{} {month} {}", at.day(), at.year())
}

/// A time of day: `08:05`.
pub fn clock(ms: u64) -> String {
    let at = civil(ms);
    format!("{:02}:{:02}", at.hour(), at.minute())
}

/// A moment: `1 Dec 2026, 08:05`, without the time of day at midnight.
pub fn moment(ms: u64) -> String {
    let at = civil(ms);
    match (at.hour(), at.minute()) {
        (0, 0) => date(at),
        _ => format!("{}, {}", date(at), clock(ms)),
    }
}

/// One hold on a group as it is at `now_ms`: `Spa`, `Spa (from 1 Jan 2027)`, `Spa (ended 1 Dec 2026)`.
pub fn held(held: &Held, now_ms: u64) -> String {
    let mut notes = Vec::new();
    notes.extend(held.role.clone().map(|role| format!("as {role}")));
    notes.extend(held.from_ms.filter(|ms| *ms > now_ms).map(|ms| format!("from {}", moment(ms))));
    notes.extend(held.until_ms.map(|ms| {
        let verb = if ms > now_ms { "until" } else { "ended" };
        format!("{verb} {}", moment(ms))
    }));
    if notes.is_empty() { held.group.clone() } else { format!("{} ({})", held.group, notes.join(" ")) }
}

/// Several things in a sentence: `one`, `one and two`, `one, two and three`.
pub fn list(words: &[String]) -> String {
    match words.split_last() {
        None => "nothing".to_owned(),
        Some((only, [])) => only.clone(),
        Some((last, first)) => format!("{} and {last}", first.join(", ")),
    }
}

/// A moment for machines.
pub fn time<S: Serializer>(ms: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&kisi_sim::format_timestamp(*ms))
}

/// A moment for machines, when there is one.
pub fn optional_time<S: Serializer>(ms: &Option<u64>, serializer: S) -> Result<S::Ok, S::Error> {
    match ms {
        Some(ms) => time(ms, serializer),
        None => serializer.serialize_none(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use door_access_host::contract::types::{PauseCause, Reason};

    #[test]
    fn closed_words_are_spelt_as_in_the_contract() {
        assert_eq!(word(&Reason::NotStarted), "not-started");
        assert_eq!(word(&Reason::Entitled), "entitled");
        assert_eq!(word(&PauseCause::KeyRejected), "key-rejected");
    }

    #[test]
    fn times_are_short_and_unmistakable() {
        assert_eq!(day(1_796_112_000_000), "Tue 1 Dec 2026");
        assert_eq!(moment(1_796_112_300_000), "1 Dec 2026, 08:05");
        assert_eq!(moment(1_796_083_200_000), "1 Dec 2026");
    }
}
