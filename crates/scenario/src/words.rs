//! Words as people read and write them: times, groups, the closed words of the contract.

use std::fmt::Display;

use door_access_host::contract::events::EventKind;
use door_access_host::contract::types::Window;
use heck::{ToKebabCase, ToUpperCamelCase};
use serde::de::value::{Error, StrDeserializer};
use serde::de::{DeserializeOwned, IntoDeserializer};
use serde::{Serialize, Serializer};
use serde_json::Value;
use similar::get_close_matches;
use time::OffsetDateTime;
use time::format_description::StaticFormatDescription;
use time::macros::format_description;

pub use kisi_sim::{format_timestamp, parse_timestamp};

/// How similar two words must be for one to be suggested in place of the other, from 0 to 1.
const SIMILARITY_MIN: f32 = 0.6;
/// Most suggestions for a word.
const SUGGESTIONS_MAX: usize = 2;

const DAY: StaticFormatDescription =
    format_description!("[weekday repr:short] [day padding:none] [month repr:short] [year]");
const DATE: StaticFormatDescription = format_description!("[day padding:none] [month repr:short] [year]");
const CLOCK: StaticFormatDescription = format_description!("[hour]:[minute]");
const MOMENT: StaticFormatDescription =
    format_description!("[day padding:none] [month repr:short] [year], [hour]:[minute]");

/// A closed word of the contract in the contract's spelling: `not-started`, not `NotStarted`. Free text in a case,
/// such as the platform's own word for an event, stands for itself.
pub fn word(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(Value::String(name)) => name.to_kebab_case(),
        Ok(Value::Object(fields)) => match fields.into_iter().next() {
            Some((_, Value::String(text))) => text,
            Some((name, _)) => name.to_kebab_case(),
            None => String::new(),
        },
        _ => String::new(),
    }
}

/// Reads a closed word of the contract as [`word`] writes it.
///
/// # Errors
/// The words that are possible; only one when the text differs from it in hyphens or case alone.
pub fn parse<T: Serialize + DeserializeOwned>(text: &str) -> Result<T, Vec<String>> {
    let name = text.to_upper_camel_case();
    let name: StrDeserializer<'_, Error> = name.as_str().into_deserializer();
    match T::deserialize(name) {
        Ok(value) if word(&value) == text => Ok(value),
        Ok(value) => Err(vec![word(&value)]),
        Err(error) => {
            Err(in_backticks(&error.to_string()).skip(1).map(|name| name.to_kebab_case()).collect())
        }
    }
}

/// The kind of event that a word stands for: a word of the contract, or `other:` and the platform's own word.
///
/// # Errors
/// A sentence that names the words that are possible.
pub fn event_kind(text: &str) -> Result<EventKind, String> {
    const OTHER: &str = "other:WORD";
    let known: Vec<String> = match text.strip_prefix("other:") {
        Some("") => vec![OTHER.to_owned()],
        Some(other) => return Ok(EventKind::Other(other.to_owned())),
        None if text == "other" => vec![OTHER.to_owned()],
        None => match parse(text) {
            Ok(kind) => return Ok(kind),
            Err(known) => known,
        },
    };
    let known = known.iter().map(|word| if word == "other" { OTHER } else { word });
    Err(format!("there is no event `{text}`: {}", meant(text, known)))
}

/// The names that serde puts into backticks in its messages: what was found, then what was expected.
pub(crate) fn in_backticks(message: &str) -> impl Iterator<Item = &str> {
    message.split('`').skip(1).step_by(2)
}

/// The end of a sentence about an unknown word: what was probably meant, or what there is.
pub fn meant<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    match (alike(word, known.iter().copied()).first(), known.as_slice()) {
        (Some(close), _) => format!("did you mean `{close}`?"),
        (None, []) => "there are none".to_owned(),
        (None, known) => format!("known are `{}`", known.join("`, `")),
    }
}

/// The words with a similar spelling, the closest first; only one when it differs in hyphens or case alone.
pub fn alike<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let known: Vec<&str> = known.into_iter().collect();
    let plain = |word: &str| word.to_lowercase().replace(['_', ' '], "-");
    match known.iter().find(|name| plain(name) == plain(word)) {
        Some(same) => vec![same],
        None => get_close_matches(word, &known, SUGGESTIONS_MAX, SIMILARITY_MIN),
    }
}

fn civil(ms: u64) -> OffsetDateTime {
    let seconds = i64::try_from(ms / 1_000).unwrap_or(i64::MAX);
    OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

fn format(ms: u64, format: StaticFormatDescription) -> String {
    civil(ms).format(format).unwrap_or_default()
}

/// A day: `Tue 1 Dec 2026`.
pub fn day(ms: u64) -> String {
    format(ms, DAY)
}

/// A time of day: `08:05`.
pub fn clock(ms: u64) -> String {
    format(ms, CLOCK)
}

/// A moment: `1 Dec 2026, 08:05`, without the time of day at midnight.
pub fn moment(ms: u64) -> String {
    let at = civil(ms);
    format(ms, if (at.hour(), at.minute()) == (0, 0) { DATE } else { MOMENT })
}

/// A group that a person is in, as of `now_ms`: `Spa`, `Spa (from 1 Jan 2027)`, `Spa (ended 1 Dec 2026)`. `role` is
/// named when it is given.
pub fn held(group: &str, role: Option<&str>, window: Window, now_ms: u64) -> String {
    let mut notes = Vec::new();
    notes.extend(role.map(|role| format!("as {role}")));
    notes.extend(window.starts_at.filter(|ms| *ms > now_ms).map(|ms| format!("from {}", moment(ms))));
    notes.extend(window.ends_at.map(|ms| {
        let verb = if ms > now_ms { "until" } else { "ended" };
        format!("{verb} {}", moment(ms))
    }));
    if notes.is_empty() { group.to_owned() } else { format!("{group} ({})", notes.join(" ")) }
}

/// An enumeration in a sentence: `one`, `one and two`, `one, two and three`.
pub fn list(words: &[String]) -> String {
    match words.split_last() {
        None => "nothing".to_owned(),
        Some((only, [])) => only.clone(),
        Some((last, first)) => format!("{} and {last}", first.join(", ")),
    }
}

/// `1 group`, `2 groups`.
pub fn counted(count: impl Display, one: &str) -> String {
    let count = count.to_string();
    let s = if count == "1" { "" } else { "s" };
    format!("{count} {one}{s}")
}

/// A person: `Ann (ann@gym.test)`, or the address alone where the name is empty.
pub fn person(name: &str, email: &str) -> String {
    if name.is_empty() { email.to_owned() } else { format!("{name} ({email})") }
}

/// Serializes a moment in RFC 3339.
pub fn time<S: Serializer>(ms: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&format_timestamp(*ms))
}

/// Serializes a moment that may be absent in RFC 3339.
pub fn optional_time<S: Serializer>(ms: &Option<u64>, serializer: S) -> Result<S::Ok, S::Error> {
    ms.map(format_timestamp).serialize(serializer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use door_access_host::contract::access::Cause;
    use door_access_host::contract::types::{PauseCause, Reason};

    #[test]
    fn closed_words_are_spelt_as_in_the_contract() {
        for (reason, spelt) in [(Reason::NotStarted, "not-started"), (Reason::Entitled, "entitled")] {
            assert_eq!(word(&reason), spelt);
            assert_eq!(parse::<Reason>(spelt), Ok(reason));
        }
        assert_eq!(word(&PauseCause::KeyRejected), "key-rejected");
        assert_eq!(parse::<Cause>("location-off"), Ok(Cause::LocationOff));
        assert_eq!(word(&EventKind::Other("trial-booked".to_owned())), "trial-booked");
    }

    #[test]
    fn an_unknown_closed_word_is_answered_with_the_possible_ones() {
        assert_eq!(parse::<Reason>("not_started"), Err(vec!["not-started".to_owned()]));
        assert_eq!(parse::<Reason>("NotStarted"), Err(vec!["not-started".to_owned()]));
        let known = parse::<Reason>("cold").unwrap_err();
        assert_eq!(known.first().map(String::as_str), Some("entitled"));
        assert!(known.contains(&"group-deleted".to_owned()), "{known:?}");
    }

    #[test]
    fn an_event_is_a_word_of_the_contract_or_the_platforms_own() {
        assert_eq!(event_kind("membership-frozen"), Ok(EventKind::MembershipFrozen));
        assert_eq!(event_kind("other:trial-booked"), Ok(EventKind::Other("trial-booked".to_owned())));
        for (text, end) in [
            ("membership_frozen", "did you mean `membership-frozen`?"),
            ("other:", "did you mean `other:WORD`?"),
            ("other", "did you mean `other:WORD`?"),
            ("party", "`member-deleted`, `other:WORD`"),
        ] {
            let message = event_kind(text).unwrap_err();
            assert!(message.starts_with(&format!("there is no event `{text}`: ")), "{message}");
            assert!(message.ends_with(end), "{message}");
        }
    }

    #[test]
    fn an_unknown_word_is_answered_with_the_word_that_was_meant() {
        assert_eq!(meant("membership_frozen", ["membership-frozen"]), "did you mean `membership-frozen`?");
        assert_eq!(meant("grups", ["groups", "plans"]), "did you mean `groups`?");
        assert_eq!(meant("x", ["groups", "plans"]), "known are `groups`, `plans`");
        assert_eq!(meant("x", []), "there are none");
    }

    #[test]
    fn times_are_short_and_unmistakable() {
        assert_eq!(day(1_796_112_000_000), "Tue 1 Dec 2026");
        assert_eq!(clock(1_796_112_300_000), "08:05");
        assert_eq!(moment(1_796_112_300_000), "1 Dec 2026, 08:05");
        assert_eq!(moment(1_796_083_200_000), "1 Dec 2026");
    }
}
