//! JSON, with errors that name their place. They never quote the value, which may be personal or a login's secret.
//!
//! What people write (a gym's settings) is read by [`with_path`]. What programs write (records, Kisi's answers) is read
//! by [`object`] and [`list`], whose errors name the column: the code that tracks a path is generated once more for
//! each type, and would be a third of the component.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::{MapAccessDeserializer, StringDeserializer};
use serde::de::{Deserialize, Deserializer, IntoDeserializer, MapAccess, Visitor};
use serde::ser::Serialize;
use serde_json::Value;

/// Why a text cannot be read, and where: `brake.grants: is not a whole number`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}{}{problem}", if path.is_empty() { "" } else { ": " })]
pub struct Unreadable {
    /// The place; empty for the whole document.
    pub path: String,
    /// What is wrong there.
    pub problem: String,
}

/// Reads an object.
///
/// # Errors
/// The first problem, with its column.
pub fn object<'a, T: Deserialize<'a>>(text: &'a [u8]) -> Result<T, Unreadable> {
    let Object(value) = serde_json::from_slice(text).map_err(|error| at_column(&error))?;
    Ok(value)
}

/// Reads a list.
///
/// # Errors
/// The first problem, with its column.
pub fn list<'a, T: Deserialize<'a>>(text: &'a [u8]) -> Result<Vec<T>, Unreadable> {
    serde_json::from_slice(text).map_err(|error| at_column(&error))
}

/// Reads an object that a person wrote.
///
/// # Errors
/// The first problem, with its path: `places[2]: is not a text`.
pub fn with_path<'a, T: Deserialize<'a>>(text: &'a [u8]) -> Result<T, Unreadable> {
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let Object(value) = serde_path_to_error::deserialize(&mut deserializer)
        .map_err(|error| unreadable(&error.path().to_string(), error.inner()))?;
    deserializer.end().map_err(|error| unreadable("", &error))?;
    Ok(value)
}

/// A struct that is written as an object. serde alone would also take a list, for the fields in their order.
struct Object<T>(T);

impl<'a, T: Deserialize<'a>> Deserialize<'a> for Object<T> {
    fn deserialize<D: Deserializer<'a>>(from: D) -> Result<Self, D::Error> {
        struct Fields<T>(PhantomData<T>);
        impl<'a, T: Deserialize<'a>> Visitor<'a> for Fields<T> {
            type Value = Object<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'a>>(self, map: A) -> Result<Object<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Object)
            }
        }
        from.deserialize_map(Fields(PhantomData))
    }
}

/// For fields with an object.
///
/// # Errors
/// When the value is none, or not this one.
pub fn fields<'a, D: Deserializer<'a>, T: Deserialize<'a>>(from: D) -> Result<T, D::Error> {
    Object::deserialize(from).map(|Object(value)| value)
}

/// For fields with an object, or null for the default.
///
/// # Errors
/// When the value is none of both.
pub fn fields_or_default<'a, D: Deserializer<'a>, T: Deserialize<'a> + Default>(
    from: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(from)?.map(|Object(value)| value).unwrap_or_default())
}

/// For fields with one word of several, or null for the default. serde alone would also take an object with the word as
/// its key.
///
/// # Errors
/// When the value is no text, or another word.
pub fn word_or_default<'a, D: Deserializer<'a>, T: Deserialize<'a> + Default>(
    from: D,
) -> Result<T, D::Error> {
    let Some(word) = Option::<String>::deserialize(from)? else { return Ok(T::default()) };
    let word: StringDeserializer<D::Error> = word.into_deserializer();
    T::deserialize(word)
}

/// Writes a value in its shortest form.
pub fn to_vec(value: &impl Serialize) -> Vec<u8> {
    #[expect(clippy::expect_used, reason = "structs of texts and numbers can always be written as JSON")]
    serde_json::to_vec(value).expect("the plugin's own types are JSON")
}

/// For fields whose null means the default, as their absence does.
///
/// # Errors
/// When the value has another type.
pub fn or_default<'a, D: Deserializer<'a>, T: Deserialize<'a> + Default>(from: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or_default())
}

/// The text in a field of an object. Anything else counts as absent, so that an odd field does not spoil the object.
pub fn text_in<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value.get(name).and_then(Value::as_str)
}

/// For fields that are left out when they have their default.
pub fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// The error with its column.
fn at_column(error: &serde_json::Error) -> Unreadable {
    let Unreadable { path: field, problem } = unreadable("", error);
    let problem = if field.is_empty() { problem } else { format!("{field} {problem}") };
    // The whole document has no column.
    let has_column = error.is_data() && error.column() > 0;
    let path = if has_column { format!("column {}", error.column()) } else { String::new() };
    Unreadable { path, problem }
}

/// serde's error, without the value that it quotes.
fn unreadable(path: &str, error: &serde_json::Error) -> Unreadable {
    let path = if path == "." || !error.is_data() { "" } else { path };
    let in_path = |problem: String| Unreadable { path: path.to_string(), problem };
    if !error.is_data() {
        return in_path("is not JSON".to_string());
    }
    let message = error.to_string();
    let message = message.rsplit_once(" at line ").map_or(message.as_str(), |(message, _)| message);
    for (said, problem) in [("missing field ", "is missing"), ("duplicate field ", "is there twice")] {
        if let Some(field) = message.strip_prefix(said) {
            let separator = if path.is_empty() { "" } else { "." };
            let path = format!("{path}{separator}{}", field.trim_matches('`'));
            return Unreadable { path, problem: problem.to_string() };
        }
    }
    in_path(match message.rsplit_once(", expected ") {
        None => message.to_string(),
        Some((_, "u32" | "u64")) => "is not a whole number".to_string(),
        Some((_, "a string")) => "is not a text".to_string(),
        Some((_, "a boolean")) => "is not true or false".to_string(),
        Some((_, "a sequence")) => "is not a list".to_string(),
        Some((_, expected)) if expected.starts_with("struct ") => "is not an object".to_string(),
        Some((_, expected)) => {
            let known = expected.replace('`', "");
            match message.starts_with("unknown field ") {
                true => format!("there is no such field: it must be {known}"),
                false => format!("is not {known}"),
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only read")]
    struct Outer {
        pairs: Vec<Pair>,
    }

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only read")]
    struct Pair {
        id: u64,
        name: Option<String>,
        #[serde(default)]
        flag: bool,
        kind: Option<Kind>,
    }

    #[derive(Debug, serde::Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Kind {
        One,
        Other,
    }

    #[test]
    fn an_error_names_its_place_and_never_the_value() {
        for (text, expected) in [
            (r#"{"pairs":[{"id":1},{"id":"secret"}]}"#, "pairs[1].id: is not a whole number"),
            (r#"{"pairs":[{"id":-1}]}"#, "pairs[0].id: is not a whole number"),
            (r#"{"pairs":[{"name":"secret"}]}"#, "pairs[0].id: is missing"),
            (r#"{"pairs":[{"id":1,"name":7}]}"#, "pairs[0].name: is not a text"),
            (r#"{"pairs":[{"id":1,"flag":"secret"}]}"#, "pairs[0].flag: is not true or false"),
            (r#"{"pairs":[{"id":1,"kind":"secret"}]}"#, "pairs[0].kind: is not one or other"),
            (
                r#"{"pairs":[{"id":1,"nmae":"secret"}]}"#,
                "pairs[0].nmae: there is no such field: it must be one of id, name, flag, kind",
            ),
            (r#"{"pairs":[{"id":1,"id":2}]}"#, "pairs[0].id: is there twice"),
            (r#"{"pairs":[7]}"#, "pairs[0]: is not an object"),
            (r#"{"pairs":"secret, expected u64"}"#, "pairs: is not a list"),
            ("[[]]", "is not an object"),
            (r#"{"pairs":[]} secret"#, "is not JSON"),
            (r#"{"pairs":[{"id":1,}]}"#, "is not JSON"),
        ] {
            let error = with_path::<Outer>(text.as_bytes()).unwrap_err();
            assert_eq!(error.to_string(), expected, "{text}");
        }
    }

    #[test]
    fn a_program_s_text_names_the_column_of_an_error_and_never_the_value() {
        for (text, expected) in [
            (r#"{"pairs":[{"id":1},{"id":"secret"}]}"#, "column 33: is not a whole number"),
            (
                r#"{"pairs":[{"id":1,"nmae":"secret"}]}"#,
                "column 24: there is no such field: it must be one of id, name, flag, kind",
            ),
            (r#"{"pairs":[{}]}"#, "column 12: id is missing"),
            ("[]", "is not an object"),
            ("{", "is not JSON"),
        ] {
            let error = object::<Outer>(text.as_bytes()).unwrap_err();
            assert_eq!(error.to_string(), expected, "{text}");
        }
    }

    #[test]
    fn deep_nesting_is_refused_and_overflows_no_stack() {
        for bracket in ["[", r#"{"pairs":["#, r#"{"a":"#] {
            let deep = bracket.repeat(100_000);
            assert!(list::<Value>(deep.as_bytes()).is_err(), "{bracket}");
            assert!(object::<Outer>(deep.as_bytes()).is_err(), "{bracket}");
        }
    }
}
