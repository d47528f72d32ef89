//! The query string of a request, read by name and type.
//!
//! A blank parameter counts as left out [inferred]: the answer that hurts most when a client's filter came out empty.

use std::collections::BTreeSet;

use axum::extract::Query as QueryString;
use http::Uri;

use crate::error::{ApiError, INVALID};

/// The parameters of one request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    pub(crate) fn of(uri: &Uri) -> Query {
        QueryString::<Vec<(String, String)>>::try_from_uri(uri)
            .map_or_else(|_| Query::default(), |QueryString(pairs)| Query(pairs))
    }

    /// The names that are not among the documented ones, each once.
    pub(crate) fn unknown(&self, documented: &[&str]) -> Vec<String> {
        let names: BTreeSet<&str> = self.0.iter().map(|(name, _)| name.as_str()).collect();
        names.into_iter().filter(|name| !documented.contains(name)).map(str::to_owned).collect()
    }

    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .rev()
            .find(|(own, _)| own == name)
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.trim().is_empty())
    }

    pub(crate) fn number(&self, name: &str) -> Result<Option<u64>, ApiError> {
        self.text(name)
            .map(|text| text.trim().parse().map_err(|_| ApiError::field(name, "is not a number")))
            .transpose()
    }

    /// `ids`: a list separated by commas.
    pub(crate) fn ids(&self) -> Result<Option<BTreeSet<u64>>, ApiError> {
        self.text("ids")
            .map(|text| {
                text.split(',')
                    .map(|id| id.trim().parse().map_err(|_| ApiError::field("ids", INVALID)))
                    .collect()
            })
            .transpose()
    }

    /// `user_id`: an id, or `me` for the user whose key it is.
    pub(crate) fn user_id(&self, me: u64) -> Result<Option<u64>, ApiError> {
        match self.text("user_id") {
            Some("me") => Ok(Some(me)),
            _ => self.number("user_id"),
        }
    }

    pub(crate) fn flag(&self, name: &str) -> Result<Option<bool>, ApiError> {
        match self.text(name) {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(_) => Err(ApiError::field(name, INVALID)),
        }
    }

    /// One of a closed list of values.
    pub(crate) fn choice<'v>(&self, name: &str, values: &[&'v str]) -> Result<Option<&'v str>, ApiError> {
        match self.text(name) {
            None => Ok(None),
            Some(text) => match values.iter().find(|value| **value == text) {
                Some(value) => Ok(Some(value)),
                None => Err(ApiError::field(name, INVALID)),
            },
        }
    }

    /// An id that only means something together with the kind of object it names: left alone it is refused
    /// [inferred from "must be used with"].
    pub(crate) fn id_with_type(&self, id: &str, kind: &str) -> Result<Option<u64>, ApiError> {
        let number = self.number(id)?;
        if number.is_some() && self.text(kind).is_none() {
            return Err(ApiError::field(id, &format!("must be used with {kind}")));
        }
        Ok(number)
    }
}

/// Whether any of the texts contains the search text, which is in lower case, in any case.
pub(crate) fn found_in(search: &str, texts: &[&str]) -> bool {
    texts.iter().any(|text| text.to_lowercase().contains(search))
}
