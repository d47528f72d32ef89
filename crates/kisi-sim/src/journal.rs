//! The journal: every API request in the order of arrival, with its outcome.
//!
//! It records the user of a key, never the key: wherever a request repeats its own secret, the secret is replaced.

use std::collections::VecDeque;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::clock::timestamp;

/// The number of entries that are kept. Older ones are dropped, so that a long-running server stays small.
pub(crate) const JOURNAL_ENTRIES_MAX: usize = 100_000;

/// One request and its outcome.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct JournalEntry {
    /// Counts requests from 1; clearing the journal does not reset it.
    pub number: u64,
    /// The simulator's time when the request arrived.
    #[serde(with = "timestamp")]
    pub at: u64,
    /// The HTTP method.
    pub method: String,
    /// The path.
    pub path: String,
    /// The query string as it was sent, without the question mark; empty if there was none.
    pub query: String,
    /// The endpoint, for example `PATCH /users/{id}`; none if there is no such endpoint.
    pub endpoint: Option<String>,
    /// The user of the key, if the key works.
    pub user_id: Option<u64>,
    /// The organization of that user.
    pub organization_id: Option<u64>,
    /// The header `X-Kisi-Integration-Identifier`.
    pub integration_identifier: Option<String>,
    /// The header `X-Kisi-Integration-Contact`.
    pub integration_contact: Option<String>,
    /// The request's body; a body that is no JSON is here as a string.
    pub body: Option<Value>,
    /// The status of the answer; none when the connection was dropped.
    pub status: Option<u16>,
    /// The injected fault, for example `drop_after_commit`.
    pub fault: Option<String>,
    /// Whether the request changed anything.
    pub committed: bool,
    /// Query parameters that the endpoint does not document.
    pub unknown_parameters: Vec<String>,
    /// Body fields that the endpoint does not document.
    pub unknown_fields: Vec<String>,
    /// The answer's body, if the knob `journal_responses` is on.
    pub response: Option<Value>,
}

impl JournalEntry {
    /// Method and path with the query string, for example `GET /groups?limit=250`.
    pub fn call(&self) -> String {
        if self.query.is_empty() {
            format!("{} {}", self.method, self.path)
        } else {
            format!("{} {}?{}", self.method, self.path, self.query)
        }
    }

    /// Whether the request is a write.
    pub fn is_write(&self) -> bool {
        self.method != "GET"
    }
}

impl fmt::Display for JournalEntry {
    /// One line: number, call, status, fault, and what is not documented.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} -> ", self.number, self.call())?;
        match self.status {
            Some(status) => write!(f, "{status}")?,
            None => f.write_str("connection dropped")?,
        }
        if let Some(fault) = &self.fault {
            write!(f, " [fault {fault}]")?;
        }
        if self.is_write() && self.committed && self.fault.is_some() {
            f.write_str(" [committed]")?;
        }
        for name in &self.unknown_parameters {
            write!(f, " [unknown parameter {name}]")?;
        }
        for name in &self.unknown_fields {
            write!(f, " [unknown field {name}]")?;
        }
        Ok(())
    }
}

/// The entries that are kept, and the number of the next.
#[derive(Clone, Debug, Default)]
pub(crate) struct Journal {
    entries: VecDeque<JournalEntry>,
    recorded: u64,
}

impl Journal {
    pub(crate) fn record(&mut self, mut entry: JournalEntry) {
        self.recorded += 1;
        entry.number = self.recorded;
        if self.entries.len() >= JOURNAL_ENTRIES_MAX {
            self.entries.pop_front();
        }
        self.entries.push_back(entry);
    }

    /// All kept entries, oldest first.
    pub(crate) fn entries(&self) -> Vec<JournalEntry> {
        self.entries.iter().cloned().collect()
    }

    pub(crate) fn clear(&mut self) {
        self.entries.clear();
    }
}

/// The text in the place of a secret.
const REDACTED: &str = "[secret]";

impl JournalEntry {
    /// Replaces the secret of the request, wherever the request repeated it.
    pub(crate) fn redact(&mut self, secret: &str) {
        let texts = [&mut self.path, &mut self.query]
            .into_iter()
            .chain(&mut self.integration_identifier)
            .chain(&mut self.integration_contact)
            .chain(&mut self.unknown_parameters)
            .chain(&mut self.unknown_fields);
        for text in texts {
            *text = text.replace(secret, REDACTED);
        }
        for value in self.body.iter_mut().chain(&mut self.response) {
            redact_value(value, secret);
        }
    }
}

/// In keys and values.
fn redact_value(value: &mut Value, secret: &str) {
    match value {
        Value::String(text) => *text = text.replace(secret, REDACTED),
        Value::Array(items) => items.iter_mut().for_each(|item| redact_value(item, secret)),
        Value::Object(fields) => {
            *fields = std::mem::take(fields)
                .into_iter()
                .map(|(name, mut value)| {
                    redact_value(&mut value, secret);
                    (name.replace(secret, REDACTED), value)
                })
                .collect();
        }
        _ => {}
    }
}

/// The fields in which an answer shows a new secret.
const NEW_SECRETS: &[&str] = &["secret", "authentication_token", "phone_key"];

/// Replaces the new secrets in an answer's body.
pub(crate) fn redact_new_secrets(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(redact_new_secrets),
        Value::Object(fields) => {
            for (name, value) in fields {
                if NEW_SECRETS.contains(&name.as_str()) {
                    *value = REDACTED.into();
                } else {
                    redact_new_secrets(value);
                }
            }
        }
        _ => {}
    }
}
