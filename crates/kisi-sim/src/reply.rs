//! An answer before it becomes an HTTP response, and the extensions that tell a transport to drop or delay it.

use std::time::Duration;

use axum::body::Body;
use http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use http::{Response, StatusCode};
use serde_json::Value;

/// Response extension: the connection broke and the client got no answer.
///
/// An in-process transport must turn such a response into its own transport error. Its status (502) and empty body
/// are a fallback for transports that do not. A server closes the connection instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectionDropped {
    /// Whether the request had changed something before the connection broke. A client cannot know this.
    pub committed: bool,
}

/// Response extension: the answer arrives later. The change itself was made at once.
///
/// An in-process transport decides how to wait (move its clock, or time out); a server sleeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delay(
    /// The delay.
    pub Duration,
);

/// The header with the range of a page and the total of its list.
const COLLECTION_RANGE: &str = "x-collection-range";

/// The body of an answer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum ReplyBody {
    Empty,
    Json(Value),
    Html(&'static str),
}

/// An answer of the simulated API.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) body: ReplyBody,
    pub(crate) collection_range: Option<String>,
    pub(crate) retry_after_s: Option<u64>,
    pub(crate) delay: Option<Duration>,
}

impl Reply {
    pub(crate) fn new(status: StatusCode, body: ReplyBody) -> Reply {
        Reply { status, body, collection_range: None, retry_after_s: None, delay: None }
    }

    pub(crate) fn json(status: StatusCode, value: Value) -> Reply {
        Reply::new(status, ReplyBody::Json(value))
    }

    pub(crate) fn ok(value: Value) -> Reply {
        Reply::json(StatusCode::OK, value)
    }

    /// The answer to PATCH and DELETE: 204 without body or content type.
    pub(crate) fn no_content() -> Reply {
        Reply::new(StatusCode::NO_CONTENT, ReplyBody::Empty)
    }

    pub(crate) fn into_response(self) -> Response<Body> {
        let (content_type, body) = match self.body {
            ReplyBody::Empty => (None, Body::empty()),
            ReplyBody::Json(value) => {
                (Some("application/json; charset=utf-8"), Body::from(value.to_string()))
            }
            ReplyBody::Html(text) => (Some("text/html; charset=utf-8"), Body::from(text)),
        };
        let mut response = Response::new(body);
        *response.status_mut() = self.status;
        if let Some(content_type) = content_type {
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        }
        if let Some(range) = self.collection_range.and_then(|range| HeaderValue::try_from(range).ok()) {
            response.headers_mut().insert(COLLECTION_RANGE, range);
        }
        if let Some(seconds) = self.retry_after_s {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(delay) = self.delay {
            response.extensions_mut().insert(Delay(delay));
        }
        response
    }
}

/// The response in the place of a dropped connection.
pub(crate) fn dropped(committed: bool) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::BAD_GATEWAY;
    response.extensions_mut().insert(ConnectionDropped { committed });
    response
}
