//! The query string of a request, read by name and type.
//!
//! A blank parameter counts as left out [inferred]: this hurts a client most when the value of its filter is empty.

use std::collections::BTreeSet;

use axum::extract::Query as QueryString;
use http::Uri;

use crate::error::{ApiError, INVALID};

/// The parameters of one request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    pub(crate) fn of(uri: &Uri) -> Query {
        QueryString::try_from_uri(uri).map_or_else(|_| Query::default(), |QueryString(pairs)| Query(pairs))
    }

    /// The undocumented names, each once.
    pub(crate) fn unknown(&self, documented: &[&str]) -> Vec<String> {
        let names: BTreeSet<&str> = self.0.iter().map(|(name, _)| name.as_str()).collect();
        names.into_iter().filter(|name| !documented.contains(name)).map(str::to_owned).collect()
    }

    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        let (_, value) = self.0.iter().rfind(|(own, _)| own == name)?;
        (!value.trim().is_empty()).then_some(value)
    }

    pub(crate) fn number(&self, name: &str) -> Result<Option<u64>, ApiError> {
        self.parsed(name, "is not a number", |text| text.trim().parse().ok())
    }

    /// `ids`: a list separated by commas.
    pub(crate) fn ids(&self) -> Result<Option<BTreeSet<u64>>, ApiError> {
        self.parsed("ids", INVALID, |text| text.split(',').map(|id| id.trim().parse().ok()).collect())
    }

    /// `user_id`: an id, or `me` for the user of the key.
    pub(crate) fn user_id(&self, me: u64) -> Result<Option<u64>, ApiError> {
        if self.text("user_id") == Some("me") { Ok(Some(me)) } else { self.number("user_id") }
    }

    pub(crate) fn flag(&self, name: &str) -> Result<Option<bool>, ApiError> {
        self.parsed(name, INVALID, |text| text.parse().ok())
    }

    /// One of a closed list of values.
    pub(crate) fn choice<'v>(&self, name: &str, values: &[&'v str]) -> Result<Option<&'v str>, ApiError> {
        self.parsed(name, INVALID, |text| values.iter().find(|value| **value == text).copied())
    }

    fn parsed<'q, T>(
        &'q self,
        name: &str,
        problem: &str,
        parse: impl FnOnce(&'q str) -> Option<T>,
    ) -> Result<Option<T>, ApiError> {
        self.text(name).map(|text| parse(text).ok_or_else(|| ApiError::field(name, problem))).transpose()
    }

    /// An id that needs the parameter with its type: without it the id is refused [inferred from "must be used
    /// with"].
    pub(crate) fn id_with_type(&self, id: &str, kind: &str) -> Result<Option<u64>, ApiError> {
        let number = self.number(id)?;
        if number.is_some() && self.text(kind).is_none() {
            return Err(ApiError::field(id, &format!("must be used with {kind}")));
        }
        Ok(number)
    }
}
