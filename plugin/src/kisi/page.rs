//! Reads lists page by page. Inconsistent pages are an error: if the plugin accepted a short, repeated or shifted page,
//! it would remove access from members. The parent module explains marks such as (C).

use std::collections::BTreeSet;

use serde::de::DeserializeOwned;

use super::Kisi;
use super::endpoint::{Method, Response};
use super::error::Error;
use crate::json;

/// Kisi refuses greater offsets, for every list (C).
pub const OFFSET_MAX: u64 = 20_000;

/// A row of a list.
pub trait Row: DeserializeOwned {
    /// The list that has such rows.
    const LIST: List;

    /// The row's id, unique within the list.
    fn id(&self) -> u64;
}

/// A list's address and its limit.
#[derive(Debug, Clone, Copy)]
pub struct List {
    /// Path without a query.
    pub path: &'static str,
    /// The largest page (C, differs by resource).
    pub limit_max: u64,
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// Its rows.
    pub rows: Vec<T>,
    /// How many rows the whole list has.
    pub total: u64,
}

impl Kisi<'_> {
    /// All rows that `filter` (`name=value&…`, may be empty) selects.
    ///
    /// # Errors
    /// Those of a call, and [`Error::Unrecognized`] when the pages do not add up to one list.
    pub fn list<T: Row>(&self, filter: &str) -> Result<Vec<T>, Error> {
        let mut rows = Vec::new();
        let mut ids = BTreeSet::new();
        let mut total = None;
        loop {
            let page = self.next_page(filter, rows.len() as u64, &mut ids)?;
            if total.replace(page.total).is_some_and(|before| before != page.total) {
                return Err(Error::unrecognized(200, "the list's length changed while it was read"));
            }
            rows.extend(page.rows);
            if rows.len() as u64 >= page.total {
                return Ok(rows);
            }
            if rows.len() as u64 > OFFSET_MAX {
                let message = "the list is longer than Kisi lets it be read (20,000 rows)";
                return Err(Error::unrecognized(200, message));
            }
        }
    }

    /// The page at `offset` of the rows that `filter` selects.
    ///
    /// # Errors
    /// As [`Kisi::list`], but only about this page. The caller must check that several pages add up.
    pub fn page<T: Row>(&self, filter: &str, offset: u64) -> Result<Page<T>, Error> {
        self.next_page(filter, offset, &mut BTreeSet::new())
    }

    /// Reads a page and adds the ids of its rows to `ids`; an id that is there already is an error.
    fn next_page<T: Row>(
        &self,
        filter: &str,
        offset: u64,
        ids: &mut BTreeSet<u64>,
    ) -> Result<Page<T>, Error> {
        let List { path, limit_max } = T::LIST;
        let separator = if filter.is_empty() { "" } else { "&" };
        let path = format!("{path}?{filter}{separator}limit={limit_max}&offset={offset}");
        let response = self.exchange(Method::Get, &path, None)?;
        let page: Page<T> = read_page(&response, offset, limit_max)?;
        if page.rows.iter().all(|row| ids.insert(row.id())) {
            Ok(page)
        } else {
            Err(doubt(&response, "a row appears twice: the list changed while it was read"))
        }
    }
}

fn read_page<T: DeserializeOwned>(response: &Response, offset: u64, limit: u64) -> Result<Page<T>, Error> {
    let rows: Vec<T> = json::list(&response.body)
        .map_err(|error| doubt(response, &format!("the page cannot be read: {error}")))?;
    let range = response.collection_range.as_deref().unwrap_or_default();
    let Some((start, total)) = parse_range(range) else {
        return Err(doubt(
            response,
            "the list has no readable X-Collection-Range, so it is not known to be whole",
        ));
    };
    if start.is_some_and(|start| start != offset) {
        return Err(doubt(response, "the page starts elsewhere than asked for"));
    }
    if rows.len() as u64 != total.saturating_sub(offset).min(limit) {
        return Err(doubt(response, "the page has fewer or more rows than it says"));
    }
    Ok(Page { rows, total })
}

/// `0-9/200` as (start, total). An empty list has `*/0` (C, Kisi's client).
fn parse_range(range: &str) -> Option<(Option<u64>, u64)> {
    let (rows, total) = range.split_once('/')?;
    let start = match rows {
        "*" => None,
        rows => Some(rows.split_once('-')?.0.parse().ok()?),
    };
    Some((start, total.parse().ok()?))
}

fn doubt(response: &Response, what: &str) -> Error {
    Error::unrecognized(response.status, what)
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;
    use crate::kisi::Budget;
    use crate::kisi::organization::Place;
    use crate::settings::Integration;
    use crate::stub::Stub;

    fn response(body: &str, range: Option<&str>) -> Response {
        let collection_range = range.map(str::to_string);
        Response { status: 200, collection_range, body: body.into(), ..Response::default() }
    }

    fn read(body: &str, range: Option<&str>, offset: u64) -> Result<usize, String> {
        outcome(read_page::<serde_json::Value>(&response(body, range), offset, 3).map(|page| page.rows.len()))
    }

    fn outcome(read: Result<usize, Error>) -> Result<usize, String> {
        match read {
            Ok(rows) => Ok(rows),
            Err(Error::Unrecognized(answer)) => Err(answer.message),
            Err(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn pages_that_add_up_are_accepted() {
        assert_eq!(read("[]", Some("*/0"), 0), Ok(0));
        assert_eq!(read(r#"[{"id":1},{"id":2},{"id":3}]"#, Some("0-2/4"), 0), Ok(3));
        // The range in the header is the requested one, even when the last page is not full (C).
        assert_eq!(read(r#"[{"id":4}]"#, Some("3-5/4"), 3), Ok(1));
    }

    #[test]
    fn pages_that_do_not_add_up_are_refused() {
        for (body, range, offset) in [
            ("{}", Some("0-2/4"), 0),
            ("null", Some("0-2/4"), 0),
            ("[]", None, 0),
            ("[]", Some("nonsense"), 0),
            ("[]", Some("0-2/4"), 0),
            (r#"[{"id":1},{"id":2}]"#, Some("0-2/4"), 0),
            (r#"[{"id":1}]"#, Some("0-2/0"), 0),
            (r#"[{"id":1},{"id":2},{"id":3}]"#, Some("0-2/4"), 3),
        ] {
            assert!(read(body, range, offset).is_err(), "{body} {range:?} at {offset} should be refused");
        }
    }

    #[test]
    fn several_pages_are_one_list_only_if_length_and_rows_fit() {
        let page = |from: u64, total: u64| {
            let row = |id| format!(r#"{{"id":{id},"name":"Hall"}}"#);
            let rows: Vec<String> = (from..total.min(from + 250)).map(row).collect();
            format!("[{}]", rows.join(","))
        };
        let list = |second: String, range: &str| {
            let answers = [response(&page(0, 300), Some("0-249/300")), response(&second, Some(range))];
            let host = Stub { answers: RefCell::new(answers.into()), ..Stub::default() };
            let integration = Integration { identifier: String::new(), contact: String::new() };
            outcome(
                Kisi::new(&host, &integration, &Budget::unlimited()).list::<Place>("").map(|rows| rows.len()),
            )
        };
        assert_eq!(list(page(250, 300), "250-499/300"), Ok(300));
        let error = list(page(250, 301), "250-499/301").unwrap_err();
        assert!(error.contains("length changed"), "{error}");
        let error = list(page(249, 299), "250-499/300").unwrap_err();
        assert!(error.contains("appears twice"), "{error}");
    }
}
