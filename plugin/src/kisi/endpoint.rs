//! Requests and answers as values, without input or output.

use std::marker::PhantomData;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::json::{self, Unreadable};

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
    pub fn with_body(method: Method, path: String, body: &impl Serialize) -> Call<T> {
        Call { method, path, body: Some(json::to_vec(body)), answer: PhantomData }
    }
}

/// What a successful answer is read as.
pub trait Answer: Sized {
    /// Reads the body.
    ///
    /// # Errors
    /// When the body does not have the endpoint's form.
    fn read(body: &[u8]) -> Result<Self, Unreadable>;
}

/// An answer whose body is ignored: `PATCH` and `DELETE` answer 204 without one (C).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoContent;

impl Answer for NoContent {
    fn read(_body: &[u8]) -> Result<Self, Unreadable> {
        Ok(NoContent)
    }
}

impl<T: DeserializeOwned> Answer for T {
    fn read(body: &[u8]) -> Result<Self, Unreadable> {
        json::object(body)
    }
}

/// All but the unreserved characters.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Percent-encodes a query's value.
pub fn escape(text: &str) -> String {
    utf8_percent_encode(text, ESCAPED).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plus_in_an_address_is_escaped() {
        // Many servers read an unescaped plus as a space, which makes it another person's address.
        assert_eq!(escape("ann+gym@x.test"), "ann%2Bgym%40x.test");
        assert_eq!(escape("Zoë a-b.c_d~"), "Zo%C3%AB%20a-b.c_d~");
    }
}
