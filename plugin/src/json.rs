//! Reads and writes JSON by hand, field by field. Derived readers would be shorter to write and several times the
//! component's size: each type brings a parser of its own, where these share one. Numbers stay text until somebody
//! wants them, so that no conversion of fractions is part of the component.

use std::borrow::Cow;
use std::cell::RefCell;

use hifijson::SliceLexer;
use hifijson::token::Lex;
use hifijson::value::{self, parse_bounded};

/// How deep lists and objects may be nested. Kisi's answers are three deep.
const DEPTH_MAX: usize = 32;

/// A JSON value that borrows from its text.
pub type Value<'a> = value::Value<&'a str, Cow<'a, str>>;

/// What cannot be read, with its place: `holds[2].group: is not a whole number`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {problem}")]
pub struct Unreadable {
    /// Where; empty for the whole document.
    pub path: String,
    /// What is wrong.
    pub problem: String,
}

/// Something that is written as JSON and read back.
pub trait Json: Sized {
    /// Reads it. What is wrong is noted, and something of no meaning stands in its place: nobody sees it, and the code
    /// for each field stays small.
    fn read(value: &Value, wrong: &Wrong) -> Self;
}

/// The first thing that was found wrong while reading.
#[derive(Debug, Default)]
pub struct Wrong(RefCell<Option<Unreadable>>);

impl Wrong {
    /// Notes something wrong at `path`, unless something was before.
    pub fn note(&self, path: &str, problem: &str) {
        let mut first = self.0.borrow_mut();
        if first.is_none() {
            *first = Some(Unreadable::new(path, problem));
        }
    }

    /// Reads something within `outer`.
    fn within<T>(&self, outer: &str, read: impl FnOnce() -> T) -> T {
        let before = self.is_any();
        let value = read();
        self.place(before, outer);
        value
    }

    #[inline(never)]
    fn is_any(&self) -> bool {
        self.0.borrow().is_some()
    }

    /// Places within `outer` what was found since there was nothing wrong `before`.
    #[inline(never)]
    fn place(&self, before: bool, outer: &str) {
        if !before {
            let mut first = self.0.borrow_mut();
            *first = first.take().map(|unreadable| unreadable.within(outer));
        }
    }
}

/// Reads `value`.
///
/// # Errors
/// The first thing that is wrong.
pub fn read<T: Json>(value: &Value) -> Result<T, Unreadable> {
    let wrong = Wrong::default();
    let read = T::read(value, &wrong);
    wrong.0.take().map_or(Ok(read), Err)
}

/// Reads a JSON text.
///
/// # Errors
/// The first thing that is wrong.
pub fn from_slice<T: Json>(text: &[u8]) -> Result<T, Unreadable> {
    read(&parse(text)?)
}

/// Reads a JSON text of any content.
///
/// # Errors
/// When it is not JSON.
pub fn parse(text: &[u8]) -> Result<Value<'_>, Unreadable> {
    SliceLexer::new(text)
        .exactly_one(Lex::ws_peek, |next, lexer| parse_bounded(DEPTH_MAX, next, lexer))
        .map_err(|_| Unreadable::new("", "is not JSON"))
}

/// The field of an object, absent when the value is none or the field is missing or null.
pub fn field<'a>(value: &'a Value<'a>, name: &str) -> Option<&'a Value<'a>> {
    let Value::Object(fields) = value else { return None };
    find(fields, name)
}

/// The text that a value is.
pub fn text<'a>(value: &'a Value) -> Option<&'a str> {
    match value {
        Value::String(text) => Some(text),
        _ => None,
    }
}

/// The whole number from 0 on that a value is.
pub fn number(value: &Value) -> Option<u64> {
    match value {
        Value::Number((digits, _)) => digits.parse().ok(),
        _ => None,
    }
}

/// An object being read.
#[derive(Clone, Copy)]
pub struct Fields<'a> {
    fields: &'a [(Cow<'a, str>, Value<'a>)],
    wrong: &'a Wrong,
}

impl Unreadable {
    /// What is wrong, and where.
    pub fn new(path: &str, problem: &str) -> Unreadable {
        Unreadable { path: path.to_string(), problem: problem.to_string() }
    }

    /// The same, seen from further out.
    pub fn within(mut self, outer: &str) -> Unreadable {
        let separator = if self.path.is_empty() || self.path.starts_with('[') { "" } else { "." };
        self.path = format!("{outer}{separator}{}", self.path);
        self
    }
}

impl<'a> Fields<'a> {
    /// Reads `value` as an object.
    pub fn of(value: &'a Value<'a>, wrong: &'a Wrong) -> Fields<'a> {
        let fields: &[_] = match value {
            Value::Object(fields) => fields,
            _ => {
                wrong.note("", "is not an object");
                &[]
            }
        };
        Fields { fields, wrong }
    }

    /// Refuses fields with other names than these.
    pub fn only(&self, names: &[&str]) {
        if let Some((key, _)) = self.fields.iter().find(|(key, _)| !names.contains(&&**key)) {
            self.none_of(key, &mut names.iter().copied());
        }
    }

    /// The field, absent when missing or null.
    pub fn get(&self, name: &str) -> Option<&'a Value<'a>> {
        find(self.fields, name)
    }

    /// The text in the field `inner` of the field `name`, absent when either is missing or something else.
    pub fn inner_text(&self, name: &str, inner: &str) -> Option<&'a str> {
        self.get(name).and_then(|value| field(value, inner)).and_then(text)
    }

    /// A whole number from 0 on.
    #[inline(never)]
    pub fn number(&self, name: &str) -> u64 {
        self.optional_number(name).unwrap_or_else(|| {
            self.missing(name);
            0
        })
    }

    /// A whole number from 0 on, or nothing.
    #[inline(never)]
    pub fn optional_number(&self, name: &str) -> Option<u64> {
        let found = number(self.get(name)?);
        if found.is_none() {
            self.wrong.note(name, "is not a whole number");
        }
        found
    }

    /// A text.
    #[inline(never)]
    pub fn text(&self, name: &str) -> String {
        self.optional_text(name).unwrap_or_else(|| {
            self.missing(name);
            String::new()
        })
    }

    /// A text, or nothing.
    #[inline(never)]
    pub fn optional_text(&self, name: &str) -> Option<String> {
        let found = text(self.get(name)?);
        if found.is_none() {
            self.wrong.note(name, "is not a text");
        }
        found.map(str::to_string)
    }

    /// Yes or no; nothing is no.
    #[inline(never)]
    pub fn flag(&self, name: &str) -> bool {
        match self.get(name) {
            Some(Value::Bool(flag)) => *flag,
            None => false,
            Some(_) => {
                self.wrong.note(name, "is not true or false");
                false
            }
        }
    }

    /// One of several words, or nothing.
    pub fn optional_word<T: Copy>(&self, name: &str, words: &[(&str, T)]) -> Option<T> {
        let value = self.get(name)?;
        let known = words.iter().find(|(word, _)| text(value) == Some(word)).map(|(_, known)| *known);
        if known.is_none() {
            self.none_of(name, &mut words.iter().map(|(word, _)| *word));
        }
        known
    }

    /// One of several words; `otherwise` stands in the place of a missing one.
    pub fn word<T: Copy>(&self, name: &str, words: &[(&str, T)], otherwise: T) -> T {
        if self.get(name).is_none() {
            self.missing(name);
        }
        self.optional_word(name, words).unwrap_or(otherwise)
    }

    /// Something that can be read by itself.
    pub fn of_type<T: Json>(&self, name: &str) -> T {
        self.optional(name).unwrap_or_else(|| {
            self.missing(name);
            T::read(&Value::Null, self.wrong)
        })
    }

    /// Something that can be read by itself, or nothing.
    pub fn optional<T: Json>(&self, name: &str) -> Option<T> {
        let value = self.get(name)?;
        Some(self.wrong.within(name, || T::read(value, self.wrong)))
    }

    /// A list; a missing one is empty.
    pub fn list<T: Json>(&self, name: &str) -> Vec<T> {
        let Some(value) = self.get(name) else { return Vec::new() };
        self.wrong.within(name, || list(value, self.wrong))
    }

    fn missing(&self, name: &str) {
        self.wrong.note(name, "is missing");
    }

    /// Notes that something is none of the words that are possible, which are named.
    fn none_of(&self, name: &str, words: &mut dyn Iterator<Item = &str>) {
        let mut problem = "is not one of".to_string();
        for word in words {
            problem.push(' ');
            problem.push_str(word);
        }
        self.wrong.note(name, &problem);
    }
}

fn find<'a>(fields: &'a [(Cow<'a, str>, Value<'a>)], name: &str) -> Option<&'a Value<'a>> {
    let (_, value) = fields.iter().rev().find(|(key, _)| key == name)?;
    (!matches!(value, Value::Null)).then_some(value)
}

/// Reads `value` as a list.
fn list<T: Json>(value: &Value, wrong: &Wrong) -> Vec<T> {
    let Value::Array(values) = value else {
        wrong.note("", "is not a list");
        return Vec::new();
    };
    let mut list = Vec::with_capacity(values.len());
    for (index, value) in values.iter().enumerate() {
        let before = wrong.is_any();
        list.push(T::read(value, wrong));
        if wrong.is_any() {
            wrong.place(before, &format!("[{index}]"));
        }
    }
    list
}

/// A piece of JSON text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text(String);

impl Text {
    /// The text as it is sent and stored.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0.into_bytes()
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Text {
        let mut quoted = String::with_capacity(text.len() + 2);
        quote(text, &mut quoted);
        Text(quoted)
    }
}

impl From<u64> for Text {
    fn from(number: u64) -> Text {
        Text(number.to_string())
    }
}

impl From<bool> for Text {
    fn from(flag: bool) -> Text {
        Text(if flag { "true" } else { "false" }.to_string())
    }
}

impl From<Object> for Text {
    fn from(mut object: Object) -> Text {
        object.0.push_str(if object.0.is_empty() { "{}" } else { "}" });
        Text(object.0)
    }
}

/// An object being written, field after field.
#[derive(Default)]
pub struct Object(String);

impl Object {
    /// Adds a field.
    #[must_use]
    pub fn with(self, name: &str, value: impl Into<Text>) -> Object {
        self.put(name, &value.into().0)
    }

    /// Adds a field unless it is absent.
    #[must_use]
    pub fn with_some<T: Into<Text>>(self, name: &str, value: Option<T>) -> Object {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// Adds a field, null when it is absent.
    #[must_use]
    pub fn with_null<T: Into<Text>>(self, name: &str, value: Option<T>) -> Object {
        match value {
            Some(value) => self.with(name, value),
            None => self.put(name, "null"),
        }
    }

    fn put(mut self, name: &str, value: &str) -> Object {
        self.0.push(if self.0.is_empty() { '{' } else { ',' });
        quote(name, &mut self.0);
        self.0.push(':');
        self.0.push_str(value);
        self
    }
}

/// The values as a JSON list.
pub fn array<T>(items: &[T], write: impl Fn(&T) -> Text) -> Text {
    let mut list = "[".to_string();
    for item in items {
        if list.len() > 1 {
            list.push(',');
        }
        list.push_str(&write(item).0);
    }
    list.push(']');
    Text(list)
}

fn quote(text: &str, out: &mut String) {
    const HEX: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    out.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => {
                out.push('\\');
                out.push(character);
            }
            '\0'..'\x20' => {
                let code = character as usize;
                out.push_str("\\u00");
                out.extend(HEX.get(code >> 4));
                out.extend(HEX.get(code & 15));
            }
            _ => out.push(character),
        }
    }
    out.push('"');
}

/// The word for a value, as [`Fields::optional_word`] reads it.
pub fn word<T: Copy + PartialEq>(words: &[(&'static str, T)], value: T) -> &'static str {
    words.iter().find(|(_, known)| *known == value).map_or("", |(word, _)| word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Pair;

    #[derive(Debug)]
    struct Pairs;

    impl Json for Pairs {
        fn read(value: &Value, wrong: &Wrong) -> Self {
            Fields::of(value, wrong).list::<Pair>("pairs");
            Pairs
        }
    }

    impl Json for Pair {
        fn read(value: &Value, wrong: &Wrong) -> Self {
            let fields = Fields::of(value, wrong);
            fields.only(&["id", "name"]);
            fields.number("id");
            fields.optional_text("name");
            Pair
        }
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place() {
        for (text, expected) in [
            (r#"{"pairs":[{"id":1},{"id":"2"}]}"#, "pairs[1].id: is not a whole number"),
            (r#"{"pairs":[{"id":-1}]}"#, "pairs[0].id: is not a whole number"),
            (r#"{"pairs":[{"name":"x"}]}"#, "pairs[0].id: is missing"),
            (r#"{"pairs":[{"id":1,"name":7}]}"#, "pairs[0].name: is not a text"),
            (r#"{"pairs":[{"id":1,"nmae":"x"}]}"#, "pairs[0].nmae: is not one of id name"),
            (r#"{"pairs":[7]}"#, "pairs[0]: is not an object"),
            (r#"{"pairs":7}"#, "pairs: is not a list"),
        ] {
            let error = from_slice::<Pairs>(text.as_bytes()).unwrap_err();
            assert_eq!(error.to_string(), expected, "{text}");
        }
        assert_eq!(parse(b"{").unwrap_err().problem, "is not JSON");
        let deep = "[".repeat(100_000);
        assert_eq!(parse(deep.as_bytes()).unwrap_err().problem, "is not JSON");
    }

    #[test]
    fn what_is_written_is_read_back_whatever_it_contains() {
        for hard in ["", "plain", "a\"b\\c/", "\u{0}\u{1}\n\r\t\u{1f}\u{7f}", "Zo\u{eb} \u{1f600} \u{2028}"] {
            let written = Text::from(
                Object::default().with("text", hard).with("list", array(&[hard], |text| Text::from(*text))),
            );
            let bytes = written.into_bytes();
            let value = parse(&bytes).unwrap();
            let found = field(&value, "text").and_then(text);
            assert_eq!(found, Some(hard), "{}", String::from_utf8_lossy(&bytes));
            let Some(Value::Array(list)) = field(&value, "list") else { panic!("{hard:?}: no list") };
            assert_eq!(list.first().and_then(text), Some(hard));
        }
    }

    #[test]
    fn numbers_are_whole_and_fit() {
        for (digits, expected) in [
            ("0", Some(0)),
            ("18446744073709551615", Some(u64::MAX)),
            ("18446744073709551616", None),
            ("-1", None),
            ("1.0", None),
            ("1e3", None),
        ] {
            assert_eq!(number(&parse(digits.as_bytes()).unwrap()), expected, "{digits}");
        }
    }
}
