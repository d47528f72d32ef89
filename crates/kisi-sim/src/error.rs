//! Errors: Kisi's error answers in their envelopes, and the errors of changes by staff.

use std::collections::BTreeMap;

use http::StatusCode;
use serde_json::json;

use crate::reply::Reply;

/// An error answer of the API, before it becomes a [`Reply`].
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum ApiError {
    /// 400: the request is malformed as a whole.
    BadRequest(&'static str),
    /// 401: no key, an unknown one, or a revoked one.
    Unauthorized,
    /// 403: the key's user may not do this.
    Forbidden,
    /// 404: the key's organization has no such record.
    RecordNotFound,
    /// 404: no such endpoint.
    EndpointNotFound,
    /// 409: the record exists already.
    AlreadyExists,
    /// 413: the body is longer than the simulator reads.
    BodyTooLong,
    /// 422: these fields are wrong.
    Invalid(FieldErrors),
    /// 403, 409 or 503: the door stays shut.
    Refused { status: StatusCode, message: &'static str, code: &'static str },
    /// 429: more requests than the user may make, and the `Retry-After` header, if any.
    TooManyRequests { retry_after_s: Option<u64> },
}

/// Messages by field, as in a 422.
pub(crate) type FieldErrors = BTreeMap<String, Vec<String>>;

/// The message that Kisi's specification gives as its example.
pub(crate) const BLANK_OR_INVALID: &str = "can't be blank or invalid";
/// A required field is missing, null or empty.
pub(crate) const BLANK: &str = "can't be blank";
/// A value of the wrong type or form.
pub(crate) const INVALID: &str = "is invalid";
/// A reference to a record that does not exist.
pub(crate) const MUST_EXIST: &str = "must exist";

impl ApiError {
    /// A 422 about one field.
    pub(crate) fn field(name: &str, message: &str) -> ApiError {
        ApiError::Invalid(BTreeMap::from([(name.to_owned(), vec![message.to_owned()])]))
    }

    /// A 422, unless there are no errors.
    pub(crate) fn unless_empty(errors: FieldErrors) -> Result<(), ApiError> {
        if errors.is_empty() { Ok(()) } else { Err(ApiError::Invalid(errors)) }
    }
}

impl From<ApiError> for Reply {
    // The texts of the unknown endpoint, the missing record and the duplicate are Kisi's, word for word. The other
    // codes are unknown and plainly made up, so that no client depends on them.
    fn from(error: ApiError) -> Reply {
        let (status, message, code) = match error {
            ApiError::BadRequest(message) => (StatusCode::BAD_REQUEST, message, "mock00"),
            ApiError::Unauthorized => (StatusCode::UNAUTHORIZED, "Unauthorized", "mock01"),
            ApiError::Forbidden => {
                (StatusCode::FORBIDDEN, "You are not permitted to perform this action", "mock03")
            }
            ApiError::RecordNotFound => (StatusCode::NOT_FOUND, "The record could not be found", "mock04"),
            ApiError::EndpointNotFound => {
                (StatusCode::NOT_FOUND, "The endpoint does not exist, please check your request.", "000404")
            }
            ApiError::AlreadyExists => (StatusCode::CONFLICT, "The record already exists", "mock09"),
            ApiError::BodyTooLong => {
                (StatusCode::PAYLOAD_TOO_LARGE, "The request body is too long", "mock13")
            }
            ApiError::Refused { status, message, code } => (status, message, code),
            ApiError::TooManyRequests { retry_after_s } => {
                let reply = envelope(StatusCode::TOO_MANY_REQUESTS, "Too many requests", "mock29");
                return Reply { retry_after_s, ..reply };
            }
            ApiError::Invalid(errors) => {
                return Reply::json(StatusCode::UNPROCESSABLE_ENTITY, json!({ "errors": errors }));
            }
        };
        envelope(status, message, code)
    }
}

/// Kisi's `Error` envelope.
pub(crate) fn envelope(status: StatusCode, message: &str, code: &str) -> Reply {
    Reply::json(status, json!({ "error": message, "code": code }))
}

/// A change by staff that can't be made: a field names a record that does not exist, or has a value that can't be
/// used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct HandError {
    /// The field of the hand.
    pub field: &'static str,
    /// What is wrong with it.
    pub problem: String,
}

impl HandError {
    pub(crate) fn new(field: &'static str, problem: impl Into<String>) -> HandError {
        HandError { field, problem: problem.into() }
    }
}
