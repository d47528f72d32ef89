//! The journal: every API request in the order of arrival, what became of it and why.
//!
//! It says whose key was used, never the key: a request that carries its own secret anywhere else has it replaced.

use std::collections::VecDeque;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::clock::timestamp;

/// How many entries the journal keeps; older ones are forgotten, so that a long-running server stays small.
pub const JOURNAL_ENTRIES_MAX: usize = 100_000;

/// One request and its outcome.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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
    /// The query string as it was sent, without the question mark; empty when there was none.
    pub query: String,
    /// The endpoint, for example `PATCH /users/{id}`; none when there is no such endpoint.
    pub endpoint: Option<String>,
    /// The user whose key was sent, if it works.
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
    /// What was injected, for example `drop_after_commit`.
    pub fault: Option<String>,
    /// Whether the request changed anything.
    pub committed: bool,
    /// Query parameters that the endpoint does not document, or documents for other forms only.
    pub unknown_parameters: Vec<String>,
    /// Body fields that the endpoint does not document.
    pub unknown_fields: Vec<String>,
    /// The answer's body, when the knob `journal_responses` is on.
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

    /// Whether the request meant to change something.
    pub fn is_write(&self) -> bool {
        self.method != "GET"
    }
}

impl fmt::Display for JournalEntry {
    /// One line: number, call, status, and what was special.
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

    /// The entries with higher numbers than this one.
    pub(crate) fn entries_after(&self, number: u64) -> Vec<JournalEntry> {
        let first = self.entries.partition_point(|entry| entry.number <= number);
        self.entries.iter().skip(first).cloned().collect()
    }

    pub(crate) fn clear(&mut self) {
        self.entries.clear();
    }
}

/// What stands where a secret stood.
const REDACTED: &str = "[secret]";

impl JournalEntry {
    /// The same without the secret that the request was sent with, wherever the request repeated it.
    pub(crate) fn without_secret(self, secret: Option<&str>) -> JournalEntry {
        let Some(secret) = secret.filter(|secret| !secret.is_empty()) else { return self };
        let text = |text: String| redact(&text, secret);
        let texts = |texts: Vec<String>| texts.into_iter().map(text).collect();
        let value = |value: Option<Value>| value.map(|value| redact_value(value, secret));
        JournalEntry {
            path: text(self.path),
            query: text(self.query),
            integration_identifier: self.integration_identifier.map(text),
            integration_contact: self.integration_contact.map(text),
            body: value(self.body),
            response: value(self.response),
            unknown_parameters: texts(self.unknown_parameters),
            unknown_fields: texts(self.unknown_fields),
            ..self
        }
    }
}

/// The fields in which an answer tells a secret that was just made.
const MADE_SECRETS: &[&str] = &["secret", "authentication_token", "phone_key"];

/// An answer's body without the secrets that it tells.
pub(crate) fn without_made_secrets(value: Value) -> Value {
    match value {
        Value::Array(items) => Value::Array(items.into_iter().map(without_made_secrets).collect()),
        Value::Object(fields) => Value::Object(
            fields
                .into_iter()
                .map(|(name, value)| {
                    let is_secret = MADE_SECRETS.contains(&name.as_str());
                    (name, if is_secret { Value::from(REDACTED) } else { without_made_secrets(value) })
                })
                .collect(),
        ),
        other => other,
    }
}

fn redact(text: &str, secret: &str) -> String {
    text.replace(secret, REDACTED)
}

/// In keys and values.
fn redact_value(value: Value, secret: &str) -> Value {
    match value {
        Value::String(text) => Value::String(redact(&text, secret)),
        Value::Array(items) => {
            Value::Array(items.into_iter().map(|item| redact_value(item, secret)).collect())
        }
        Value::Object(fields) => Value::Object(
            fields
                .into_iter()
                .map(|(name, value)| (redact(&name, secret), redact_value(value, secret)))
                .collect(),
        ),
        other => other,
    }
}
