//! What goes wrong: Kisi's own error answers in their envelopes, and the errors of staff's hands.

use std::collections::BTreeMap;

use http::StatusCode;
use serde_json::{Value, json};

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
    /// 404: no such record in the key's organization.
    RecordNotFound,
    /// 404: no such endpoint.
    EndpointNotFound,
    /// 409: the record is already there.
    AlreadyExists,
    /// 413: the body is longer than the simulator reads.
    BodyTooLong,
    /// 422: these fields are wrong.
    Invalid(FieldErrors),
    /// 403, 409 or 503: the door stays shut.
    Refused { status: StatusCode, message: &'static str, code: &'static str },
    /// 429: more requests than the user may make; the header to send along, if any.
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
/// A reference to a record that is not there.
pub(crate) const MUST_EXIST: &str = "must exist";

impl ApiError {
    /// A 422 about one field.
    pub(crate) fn field(name: &str, message: &str) -> ApiError {
        ApiError::Invalid(BTreeMap::from([(name.to_owned(), vec![message.to_owned()])]))
    }

    /// A 422, unless there is nothing to complain about.
    pub(crate) fn unless_empty(errors: FieldErrors) -> Result<(), ApiError> {
        if errors.is_empty() { Ok(()) } else { Err(ApiError::Invalid(errors)) }
    }
}

impl From<ApiError> for Reply {
    // The texts of the unknown endpoint, the missing record and the duplicate are Kisi's, word for word. The codes
    // of the others are unknown and plainly made up, so that nobody decides on them.
    fn from(error: ApiError) -> Reply {
        match error {
            ApiError::BadRequest(message) => envelope(StatusCode::BAD_REQUEST, message, "mock00"),
            ApiError::Unauthorized => envelope(StatusCode::UNAUTHORIZED, "Unauthorized", "mock01"),
            ApiError::Forbidden => {
                envelope(StatusCode::FORBIDDEN, "You are not permitted to perform this action", "mock03")
            }
            ApiError::RecordNotFound => {
                envelope(StatusCode::NOT_FOUND, "The record could not be found", "mock04")
            }
            ApiError::EndpointNotFound => envelope(
                StatusCode::NOT_FOUND,
                "The endpoint does not exist, please check your request.",
                "000404",
            ),
            ApiError::AlreadyExists => envelope(StatusCode::CONFLICT, "The record already exists", "mock09"),
            ApiError::BodyTooLong => {
                envelope(StatusCode::PAYLOAD_TOO_LARGE, "The request body is too long", "mock13")
            }
            ApiError::Invalid(errors) => {
                Reply::json(StatusCode::UNPROCESSABLE_ENTITY, json!({ "errors": errors }))
            }
            ApiError::Refused { status, message, code } => envelope(status, message, code),
            ApiError::TooManyRequests { retry_after_s } => {
                let mut reply = envelope(StatusCode::TOO_MANY_REQUESTS, "Too many requests", "mock29");
                reply.retry_after_s = retry_after_s;
                reply
            }
        }
    }
}

/// Kisi's `Error` envelope.
pub(crate) fn envelope(status: StatusCode, message: &str, code: &str) -> Reply {
    let body: Value = json!({ "error": message, "code": code });
    Reply::json(status, body)
}

/// Why something that staff does by hand could not be done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HandError {
    /// The id names no object of that kind; look at the state for the ids there are.
    #[error("{field}: there is no {kind} with the id {id}")]
    Unknown {
        /// The field of the hand that holds the id.
        field: &'static str,
        /// The kind of object looked for.
        kind: &'static str,
        /// The id that was given.
        id: u64,
    },
    /// No key has that secret, or it was revoked before.
    #[error("secret: there is no such key, or it is revoked already")]
    UnknownKey,
    /// The user and the group, place or lock belong to different organizations.
    #[error("{field}: belongs to another organization")]
    OtherOrganization {
        /// The field of the hand that holds the id.
        field: &'static str,
    },
    /// The organization already has a user with this e-mail address.
    #[error("email: the organization already has a user with `{0}`")]
    EmailTaken(String),
    /// The value can't be used: no role of that name for groups, or no e-mail address.
    #[error("{field}: {problem}")]
    Invalid {
        /// The field of the hand.
        field: &'static str,
        /// What is wrong with it.
        problem: String,
    },
}
