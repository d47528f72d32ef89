//! Requests and answers as values. No input or output.

use std::marker::PhantomData;

use crate::json::{self, Json, Object, Text, Unreadable, Value};

/// The methods that the API uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Reads.
    Get,
    /// Creates.
    Post,
    /// Changes.
    Patch,
    /// Removes.
    Delete,
}

/// One HTTP request to [`super::ORIGIN`], without a credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// Path and query, starting with `/`.
    pub path: String,
    /// Header names in lower case, with their values.
    pub headers: Vec<(&'static str, String)>,
    /// A JSON text.
    pub body: Option<Vec<u8>>,
}

/// One HTTP answer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// `X-Collection-Range`, when there is one.
    pub collection_range: Option<String>,
    /// `Retry-After` in seconds, when there is one that is a number.
    pub retry_after: Option<u64>,
    /// The whole body.
    pub body: Vec<u8>,
}

/// A request that is answered by a `T`.
#[derive(Debug, Clone)]
pub struct Call<T> {
    /// The method.
    pub method: Method,
    /// Path and query.
    pub path: String,
    /// A JSON text.
    pub body: Option<Vec<u8>>,
    answer: PhantomData<T>,
}

impl<T> Call<T> {
    /// Reads `path`.
    pub fn get(path: String) -> Call<T> {
        Call { method: Method::Get, path, body: None, answer: PhantomData }
    }

    /// Removes what is at `path`.
    pub fn delete(path: String) -> Call<T> {
        Call { method: Method::Delete, path, body: None, answer: PhantomData }
    }

    /// Sends `body` to `path`.
    pub fn with_body(method: Method, path: String, body: Object) -> Call<T> {
        Call { method, path, body: Some(Text::from(body).into_bytes()), answer: PhantomData }
    }
}

/// What a successful answer can be read as.
pub trait Answer: Sized {
    /// Whether there is a body, in JSON.
    const HAS_BODY: bool;

    /// Reads the body, or null when there is none.
    ///
    /// # Errors
    /// When the body is not what the endpoint gives.
    fn read(body: &Value) -> Result<Self, Unreadable>;
}

/// An answer whose body does not matter: `PATCH` and `DELETE` answer 204 without one (C).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoContent;

impl Answer for NoContent {
    const HAS_BODY: bool = false;

    fn read(_body: &Value) -> Result<Self, Unreadable> {
        Ok(NoContent)
    }
}

impl<T: Json> Answer for T {
    const HAS_BODY: bool = true;

    fn read(body: &Value) -> Result<Self, Unreadable> {
        json::read(body)
    }
}

/// `text` as it may stand in a query's value: everything but unreserved characters is escaped.
pub fn escape(text: &str) -> String {
    const HEX: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F'];
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            escaped.push(char::from(byte));
        } else {
            escaped.push('%');
            escaped.extend(HEX.get(usize::from(byte >> 4)));
            escaped.extend(HEX.get(usize::from(byte & 15)));
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plus_in_an_address_is_escaped() {
        // An unescaped plus is read as a blank by many servers: another person's address.
        assert_eq!(escape("ann+gym@x.test"), "ann%2Bgym%40x.test");
        assert_eq!(escape("Zoë"), "Zo%C3%AB");
    }
}
