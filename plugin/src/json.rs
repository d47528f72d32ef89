//! Reads and writes JSON by hand, field by field. Derived readers would be shorter to write and several times the
//! component's size: each type brings a parser of its own, where these share one (`serde_json::Value`).

use serde_json::{Map, Value};

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
    /// Reads it.
    ///
    /// # Errors
    /// The first thing that is wrong.
    fn read(value: &Value) -> Result<Self, Unreadable>;
}

/// Reads a JSON text.
///
/// # Errors
/// The first thing that is wrong.
pub fn from_slice<T: Json>(text: &[u8]) -> Result<T, Unreadable> {
    T::read(&parse(text)?)
}

/// Reads a JSON text of any content.
///
/// # Errors
/// When it is not JSON.
pub fn parse(text: &[u8]) -> Result<Value, Unreadable> {
    serde_json::from_slice(text).map_err(|error| Unreadable::new("", &format!("is not JSON ({error})")))
}

/// The text of a value.
pub fn to_vec(value: &Value) -> Vec<u8> {
    value.to_string().into_bytes()
}

/// An object being read.
#[derive(Clone, Copy)]
pub struct Fields<'a>(&'a Map<String, Value>);

impl Unreadable {
    /// What is wrong, and where.
    pub fn new(path: &str, problem: &str) -> Unreadable {
        Unreadable { path: path.to_string(), problem: problem.to_string() }
    }

    /// That something is none of the words that are possible, which are named.
    fn none_of(path: &str, words: &mut dyn Iterator<Item = &str>) -> Unreadable {
        let mut problem = "is not one of".to_string();
        for word in words {
            problem.push(' ');
            problem.push_str(word);
        }
        Unreadable { path: path.to_string(), problem }
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
    ///
    /// # Errors
    /// When it is none.
    pub fn of(value: &'a Value) -> Result<Fields<'a>, Unreadable> {
        value.as_object().map(Fields).ok_or_else(|| Unreadable::new("", "is not an object"))
    }

    /// Refuses fields with other names than these.
    ///
    /// # Errors
    /// The first other name.
    pub fn only(&self, names: &[&str]) -> Result<(), Unreadable> {
        match self.0.keys().find(|key| !names.contains(&key.as_str())) {
            Some(key) => Err(Unreadable::none_of(key, &mut names.iter().copied())),
            None => Ok(()),
        }
    }

    /// The field, absent when missing or null.
    pub fn get(&self, name: &str) -> Option<&'a Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    /// A whole number from 0 on.
    ///
    /// # Errors
    /// When missing or something else.
    pub fn number(&self, name: &str) -> Result<u64, Unreadable> {
        self.optional_number(name)?.ok_or_else(|| missing(name))
    }

    /// A whole number from 0 on, or nothing.
    ///
    /// # Errors
    /// When something else.
    pub fn optional_number(&self, name: &str) -> Result<Option<u64>, Unreadable> {
        self.get(name)
            .map(|value| value.as_u64().ok_or_else(|| Unreadable::new(name, "is not a whole number")))
            .transpose()
    }

    /// A text.
    ///
    /// # Errors
    /// When missing or something else.
    pub fn text(&self, name: &str) -> Result<String, Unreadable> {
        self.optional_text(name)?.ok_or_else(|| missing(name))
    }

    /// A text, or nothing.
    ///
    /// # Errors
    /// When something else.
    pub fn optional_text(&self, name: &str) -> Result<Option<String>, Unreadable> {
        self.get(name)
            .map(|value| {
                value.as_str().map(str::to_string).ok_or_else(|| Unreadable::new(name, "is not a text"))
            })
            .transpose()
    }

    /// Yes or no, or nothing.
    ///
    /// # Errors
    /// When something else.
    pub fn optional_flag(&self, name: &str) -> Result<Option<bool>, Unreadable> {
        self.get(name)
            .map(|value| value.as_bool().ok_or_else(|| Unreadable::new(name, "is not true or false")))
            .transpose()
    }

    /// One of several words, or nothing.
    ///
    /// # Errors
    /// When something else; the words that are possible are named.
    pub fn optional_word<T: Copy>(&self, name: &str, words: &[(&str, T)]) -> Result<Option<T>, Unreadable> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let known = words.iter().find(|(word, _)| value.as_str() == Some(word)).map(|(_, known)| *known);
        known.map(Some).ok_or_else(|| Unreadable::none_of(name, &mut words.iter().map(|(word, _)| *word)))
    }

    /// Something that can be read by itself.
    ///
    /// # Errors
    /// When missing or wrong within.
    pub fn of_type<T: Json>(&self, name: &str) -> Result<T, Unreadable> {
        self.optional(name)?.ok_or_else(|| missing(name))
    }

    /// Something that can be read by itself, or nothing.
    ///
    /// # Errors
    /// When wrong within.
    pub fn optional<T: Json>(&self, name: &str) -> Result<Option<T>, Unreadable> {
        self.get(name).map(|value| T::read(value).map_err(|error| error.within(name))).transpose()
    }

    /// A list; a missing one is empty.
    ///
    /// # Errors
    /// When it is no list, or wrong within.
    pub fn list<T: Json>(&self, name: &str) -> Result<Vec<T>, Unreadable> {
        match self.get(name) {
            Some(value) => list(value).map_err(|error| error.within(name)),
            None => Ok(Vec::new()),
        }
    }
}

/// Reads `value` as a list.
///
/// # Errors
/// When it is none, or wrong within.
pub fn list<T: Json>(value: &Value) -> Result<Vec<T>, Unreadable> {
    let values = value.as_array().ok_or_else(|| Unreadable::new("", "is not a list"))?;
    let mut list = Vec::with_capacity(values.len());
    for (index, value) in values.iter().enumerate() {
        list.push(T::read(value).map_err(|error| error.within(&format!("[{index}]")))?);
    }
    Ok(list)
}

/// An object being written; absent values are left out.
#[derive(Default)]
pub struct Object(Map<String, Value>);

impl Object {
    /// Adds a field.
    #[must_use]
    pub fn with(self, name: &str, value: impl Into<Value>) -> Object {
        self.put(name, value.into())
    }

    /// Adds a field unless it is absent.
    #[must_use]
    pub fn with_some<T: Into<Value>>(self, name: &str, value: Option<T>) -> Object {
        match value {
            Some(value) => self.put(name, value.into()),
            None => self,
        }
    }

    fn put(mut self, name: &str, value: Value) -> Object {
        self.0.insert(name.to_string(), value);
        self
    }
}

impl From<Object> for Value {
    fn from(object: Object) -> Value {
        Value::Object(object.0)
    }
}

/// The values as a JSON list.
pub fn array<T>(items: &[T], write: impl Fn(&T) -> Value) -> Value {
    Value::Array(items.iter().map(write).collect())
}

/// The word for a value, as [`Fields::optional_word`] reads it.
pub fn word<T: Copy + PartialEq>(words: &[(&'static str, T)], value: T) -> &'static str {
    words.iter().find(|(_, known)| *known == value).map_or("", |(word, _)| word)
}

fn missing(name: &str) -> Unreadable {
    Unreadable::new(name, "is missing")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Pair;

    impl Json for Pair {
        fn read(value: &Value) -> Result<Self, Unreadable> {
            let fields = Fields::of(value)?;
            fields.only(&["id", "name"])?;
            fields.number("id")?;
            fields.optional_text("name")?;
            Ok(Pair)
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
            let value = parse(text.as_bytes()).unwrap();
            let error = Fields::of(&value).unwrap().list::<Pair>("pairs").unwrap_err();
            assert_eq!(error.to_string(), expected, "{text}");
        }
        assert!(parse(b"{").unwrap_err().problem.starts_with("is not JSON"));
    }
}
