//! Reading a list page by page, and refusing to believe a list that does not add up: a short, repeated or shifted
//! page read as the truth would take access from people (design rule 5).

use super::endpoint::Response;
use super::error::Error;
use super::{Kisi, endpoint};
use crate::id::Seen;
use crate::json::{self, Json, Unreadable, Value, field};

/// Kisi refuses greater offsets, for every list (C).
pub const OFFSET_MAX: u64 = 20_000;

/// A row of a list. Every row has a whole number named `id` that is its own within the list.
pub trait Row: Json {
    /// Where the list is.
    const LIST: List;
}

/// Where a list is and how it may be read.
#[derive(Debug, Clone, Copy)]
pub struct List {
    /// Path, without a query.
    pub path: &'static str,
    /// The most rows a page may have (C, differs by resource).
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

/// What to do with each row.
type Take<'a> = &'a mut dyn FnMut(&Value) -> Result<(), Unreadable>;

impl Kisi<'_> {
    /// All rows that `filter` (`name=value&…`, may be empty) selects.
    ///
    /// # Errors
    /// Besides the errors of a call, [`Error::Unrecognized`] when the pages do not add up to one list.
    pub fn list<T: Row>(&self, filter: &str) -> Result<Vec<T>, Error> {
        let mut rows: Vec<T> = Vec::new();
        self.each(T::LIST, filter, &mut |row| {
            rows.push(json::read(row)?);
            Ok(())
        })?;
        Ok(rows)
    }

    /// The same, row by row: the code for a list is there once, whatever its rows are.
    pub(super) fn each(&self, list: List, filter: &str, take: Take) -> Result<(), Error> {
        let mut ids = Seen::default();
        let mut total = None;
        loop {
            self.rows(list, filter, ids.count(), &mut ids, &mut total, take)?;
            if ids.count() >= total.unwrap_or_default() {
                return Ok(());
            }
            if ids.count() > OFFSET_MAX {
                return Err(Error::unrecognized(
                    200,
                    "the list is longer than Kisi lets it be read (20,000 rows)",
                ));
            }
        }
    }

    /// The page at `offset` of the rows that `filter` selects.
    ///
    /// # Errors
    /// As [`Kisi::list`]. That the pages are of one list, no row on two of them, is for the caller to see.
    pub fn page<T: Row>(&self, filter: &str, offset: u64) -> Result<Page<T>, Error> {
        let mut rows: Vec<T> = Vec::new();
        let mut total = None;
        self.rows(T::LIST, filter, offset, &mut Seen::default(), &mut total, &mut |row| {
            rows.push(json::read(row)?);
            Ok(())
        })?;
        Ok(Page { rows, total: total.unwrap_or_default() })
    }

    fn rows(
        &self,
        list: List,
        filter: &str,
        offset: u64,
        ids: &mut Seen,
        total: &mut Option<u64>,
        take: Take,
    ) -> Result<(), Error> {
        let separator = if filter.is_empty() { "" } else { "&" };
        let path = format!("{}?{filter}{separator}limit={}&offset={offset}", list.path, list.limit_max);
        let response = self.exchange(endpoint::Method::Get, &path, None)?;
        let rows = read_page(&response, offset, list.limit_max, total)?;
        for (index, row) in rows.iter().enumerate() {
            let place =
                |error: Unreadable| doubt(&response, &error.within(&format!("[{index}]")).to_string());
            let id = field(row, "id")
                .and_then(json::number)
                .ok_or_else(|| place(Unreadable::new("id", "is not a whole number")))?;
            if !ids.insert(id) {
                return Err(doubt(&response, "a row appears twice: the list changed while it was read"));
            }
            take(row).map_err(place)?;
        }
        Ok(())
    }
}

fn read_page<'a>(
    response: &'a Response,
    offset: u64,
    limit: u64,
    total: &mut Option<u64>,
) -> Result<Vec<Value<'a>>, Error> {
    let body = json::parse(&response.body).map_err(|error| doubt(response, &error.to_string()))?;
    let Value::Array(rows) = body else {
        return Err(doubt(response, "the page is not a list"));
    };
    let range = response.collection_range.as_deref().unwrap_or_default();
    let Some((start, total_now)) = parse_range(range) else {
        return Err(doubt(
            response,
            "the list has no readable X-Collection-Range, so it is not known to be whole",
        ));
    };
    if start.is_some_and(|start| start != offset) {
        return Err(doubt(response, "the page starts elsewhere than asked for"));
    }
    if total.replace(total_now).is_some_and(|before| before != total_now) {
        return Err(doubt(response, "the list's length changed while it was read"));
    }
    if rows.len() as u64 != total_now.saturating_sub(offset).min(limit) {
        return Err(doubt(response, "the page has fewer or more rows than it says"));
    }
    Ok(rows)
}

/// `0-9/200` as (start, total). An empty list is `*/0` (C, Kisi's client).
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
    use super::*;

    fn read(body: &str, range: Option<&str>, offset: u64, before: Option<u64>) -> Result<usize, String> {
        let response = Response {
            status: 200,
            collection_range: range.map(str::to_string),
            body: body.as_bytes().to_vec(),
            ..Response::default()
        };
        match read_page(&response, offset, 3, &mut before.clone()) {
            Ok(rows) => Ok(rows.len()),
            Err(Error::Unrecognized(answer)) => Err(answer.message),
            Err(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn pages_that_add_up_are_believed() {
        assert_eq!(read("[]", Some("*/0"), 0, None), Ok(0));
        assert_eq!(read(r#"[{"id":1},{"id":2},{"id":3}]"#, Some("0-2/4"), 0, None), Ok(3));
        // The range is the requested one, also on a last page that is not full (C).
        assert_eq!(read(r#"[{"id":4}]"#, Some("3-5/4"), 3, Some(4)), Ok(1));
    }

    #[test]
    fn pages_that_do_not_add_up_are_doubted() {
        for (body, range, offset, before) in [
            ("{}", Some("0-2/4"), 0, None),
            ("null", Some("0-2/4"), 0, None),
            ("[]", None, 0, None),
            ("[]", Some("nonsense"), 0, None),
            ("[]", Some("0-2/4"), 0, None),
            (r#"[{"id":1},{"id":2}]"#, Some("0-2/4"), 0, None),
            (r#"[{"id":1}]"#, Some("0-2/0"), 0, None),
            (r#"[{"id":1},{"id":2},{"id":3}]"#, Some("0-2/4"), 3, Some(4)),
            (r#"[{"id":4}]"#, Some("3-5/4"), 3, Some(9)),
        ] {
            assert!(
                read(body, range, offset, before).is_err(),
                "{body} {range:?} at {offset} should be doubted"
            );
        }
    }
}
