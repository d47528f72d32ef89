//! Failures between a request and its answer, and what the host must do about each.

use serde_json::{Map, Value};

use super::endpoint::Response;
use crate::contract::types::{PauseCause, ProviderAnswer};
use crate::host::SendError;
use crate::stop::{Stop, pause, reject, retry};

/// Longest excerpt of Kisi's own text in an error, in characters.
const EXCERPT_CHARS_MAX: usize = 300;

/// Wait after a lost answer or a failed connection. Short, because a member may be standing at a door.
const RETRY_LOST_MS: u64 = 1_000;
/// Wait after a 5xx or an unreadable answer.
const RETRY_UNAVAILABLE_MS: u64 = 5_000;
/// Wait after a 429 without `Retry-After`. Kisi documents no such header (C, by absence); its window is one second.
const RETRY_RATE_MS: u64 = 2_000;

/// Why a call failed. Decided by the status alone, because Kisi's codes are not stable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// No answer at all.
    Send(SendError),
    /// 401: the key is not accepted.
    Unauthorized(Box<ProviderAnswer>),
    /// 403: the key's owner may not do this.
    Forbidden(Box<ProviderAnswer>),
    /// 404: it does not exist, or belongs to another organization.
    Missing(Box<ProviderAnswer>),
    /// 409: it exists already (documented as 422, but seen in production).
    Conflict(Box<ProviderAnswer>),
    /// 422 and every other 4xx: Kisi does not accept what was sent.
    Invalid(Box<ProviderAnswer>),
    /// 429: too many requests. The request was not carried out.
    RateLimited {
        /// What `Retry-After` says, in milliseconds.
        after_ms: Option<u64>,
    },
    /// 5xx: a write may have been carried out.
    Unavailable {
        /// What Kisi said.
        answer: Box<ProviderAnswer>,
        /// What `Retry-After` says, in milliseconds.
        after_ms: Option<u64>,
    },
    /// A success without the endpoint's content: a write may have been carried out.
    Unrecognized(Box<ProviderAnswer>),
}

impl From<SendError> for Error {
    fn from(error: SendError) -> Error {
        Error::Send(error)
    }
}

impl Error {
    /// Reads an answer whose status is not 2xx.
    pub fn from_answer(response: &Response) -> Error {
        let answer = Box::new(provider_answer(response));
        let after_ms = response.retry_after.map(|seconds| seconds.saturating_mul(1_000));
        match response.status {
            401 => Error::Unauthorized(answer),
            403 => Error::Forbidden(answer),
            404 => Error::Missing(answer),
            409 => Error::Conflict(answer),
            429 => Error::RateLimited { after_ms },
            400..=499 => Error::Invalid(answer),
            500..=599 => Error::Unavailable { answer, after_ms },
            _ => Error::Unrecognized(answer),
        }
    }

    /// A success with unexpected content.
    pub fn unrecognized(status: u16, what: &str) -> Error {
        Error::Unrecognized(Box::new(ProviderAnswer { status, code: String::new(), message: excerpt(what) }))
    }

    /// Whether the request was certainly not carried out, so that it leaves no open intent.
    pub fn nothing_was_done(&self) -> bool {
        match self {
            Error::Send(SendError::Denied(_) | SendError::NotSent(_))
            | Error::Unauthorized(_)
            | Error::Forbidden(_)
            | Error::Missing(_)
            | Error::Conflict(_)
            | Error::Invalid(_)
            | Error::RateLimited { .. } => true,
            Error::Send(SendError::Lost(_)) | Error::Unavailable { .. } | Error::Unrecognized(_) => false,
        }
    }

    /// What the host must do, unless the caller handles the error itself.
    pub fn into_contract(self) -> Stop {
        match self {
            Error::Send(SendError::Denied(why)) => pause(
                PauseCause::RequestsDenied,
                &format!(
                    "The host refuses requests to Kisi ({why}): approve {} for this plugin.",
                    super::ORIGIN
                ),
                None,
            ),
            Error::Send(error) => retry(RETRY_LOST_MS, &format!("{error}."), None),
            Error::Unauthorized(answer) => pause(
                PauseCause::KeyRejected,
                "Kisi does not accept the key: it is wrong, was revoked or has expired. Make a new key in Kisi under \
                 My Account > API and connect again.",
                Some(*answer),
            ),
            Error::Forbidden(answer) => pause(
                PauseCause::KeyWithoutRights,
                "The key's owner may not do this in Kisi. Connect with a key of the organization's owner or an \
                 administrator.",
                Some(*answer),
            ),
            Error::RateLimited { after_ms } => {
                retry(after_ms.unwrap_or(RETRY_RATE_MS), "Kisi takes no more requests at the moment.", None)
            }
            Error::Unavailable { answer, after_ms } => retry(
                after_ms.unwrap_or(RETRY_UNAVAILABLE_MS),
                "Kisi does not work at the moment.",
                Some(*answer),
            ),
            Error::Unrecognized(answer) => retry(
                RETRY_UNAVAILABLE_MS,
                "Kisi's answer is not what its API describes; nothing is changed on such an answer.",
                Some(*answer),
            ),
            Error::Missing(answer) | Error::Conflict(answer) | Error::Invalid(answer) => {
                reject("Kisi refused the request for good.", Some(*answer))
            }
        }
    }
}

/// Reads both error bodies of the API (C): `{"error","code"}`, and for validation `{"errors":{"field":["message"]}}`.
fn provider_answer(response: &Response) -> ProviderAnswer {
    let body: Value = serde_json::from_slice(&response.body).unwrap_or_default();
    let text = |name: &str| body.get(name).and_then(Value::as_str);
    let message = match (text("error"), body.get("errors")) {
        (Some(error), _) => error.to_string(),
        (None, Some(Value::Object(errors))) => flatten(errors),
        (None, _) => {
            let body = std::str::from_utf8(&response.body).unwrap_or("bytes that are no text");
            format!("an answer that is not in the API's form: {body}")
        }
    };
    let code = text("code").unwrap_or_default().to_string();
    ProviderAnswer { status: response.status, code, message: excerpt(&message) }
}

fn flatten(errors: &Map<String, Value>) -> String {
    let mut lines = Vec::new();
    for (field, messages) in errors {
        let messages = messages.as_array().map_or(std::slice::from_ref(messages), Vec::as_slice);
        lines.extend(messages.iter().map(|message| {
            let message = message.as_str().unwrap_or("is not accepted");
            format!("{field} {message}")
        }));
    }
    lines.join("; ")
}

fn excerpt(text: &str) -> String {
    text.chars().take(EXCERPT_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> Error {
        Error::from_answer(&Response { status, body: body.as_bytes().to_vec(), ..Response::default() })
    }

    #[test]
    fn every_form_of_error_body_is_read() {
        let Error::Missing(plain) =
            answer(404, r#"{"error":"The record could not be found","code":"000404"}"#)
        else {
            panic!("404 is missing");
        };
        assert_eq!(
            (plain.code.as_str(), plain.message.as_str()),
            ("000404", "The record could not be found")
        );

        // Validation answers have neither `error` nor `message`.
        let Error::Invalid(fields) =
            answer(422, r#"{"errors":{"email":["can't be blank","is odd"],"name":"no"}}"#)
        else {
            panic!("422 is invalid");
        };
        assert_eq!(fields.message, "email can't be blank; email is odd; name no");

        let Error::Unavailable { answer: html, .. } =
            answer(502, &format!("<html>{}</html>", "x".repeat(9_000)))
        else {
            panic!("502 is unavailable");
        };
        assert_eq!(html.message.chars().count(), EXCERPT_CHARS_MAX);
        assert!(html.message.contains("<html>"));
    }

    #[test]
    fn only_errors_that_may_leave_a_write_open_say_so() {
        for (status, done) in
            [(400, true), (401, true), (403, true), (404, true), (409, true), (422, true), (429, true)]
        {
            assert_eq!(answer(status, "{}").nothing_was_done(), done, "{status}");
        }
        for status in [301, 500, 503] {
            assert!(!answer(status, "{}").nothing_was_done(), "{status}");
        }
        assert!(!Error::Send(SendError::Lost(String::new())).nothing_was_done());
    }
}
