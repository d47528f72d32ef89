//! Reading a list page by page, and refusing to believe a list that does not add up: a short, repeated or shifted
//! page read as the truth would take access from people (design rule 5).

use std::collections::BTreeSet;

use super::endpoint::Response;
use super::error::Error;
use super::{Kisi, endpoint};
use crate::json::{self, Json};

/// Kisi refuses greater offsets, for every list [C].
const OFFSET_MAX: u64 = 20_000;

/// A row of a list.
pub trait Row: Json {
    /// Path of the list, without a query.
    const PATH: &'static str;
    /// The most rows a page may have [C, differs by resource].
    const LIMIT_MAX: u64;

    /// Identifies the row within its list.
    fn id(&self) -> u64;
}

impl Kisi<'_> {
    /// All rows that `filter` (`name=value&…`, may be empty) selects.
    ///
    /// # Errors
    /// Besides the errors of a call, [`Error::Unrecognized`] when the pages do not add up to one list.
    pub fn list<T: Row>(&self, filter: &str) -> Result<Vec<T>, Error> {
        let mut rows: Vec<T> = Vec::new();
        let mut ids = BTreeSet::new();
        let mut total = None;
        loop {
            let offset = rows.len() as u64;
            let separator = if filter.is_empty() { "" } else { "&" };
            let path = format!("{}?{filter}{separator}limit={}&offset={offset}", T::PATH, T::LIMIT_MAX);
            let response = self.exchange(endpoint::Method::Get, &path, None)?;
            let page = read_page::<T>(&response, offset, total)?;
            for row in &page.rows {
                if !ids.insert(row.id()) {
                    return Err(doubt(&response, "a row appears on two pages: the list changed while it was read"));
                }
            }
            total = Some(page.total);
            rows.extend(page.rows);
            if rows.len() as u64 >= page.total {
                return Ok(rows);
            }
            if rows.len() as u64 > OFFSET_MAX {
                return Err(doubt(&response, "the list is longer than Kisi lets it be read (20,000 rows)"));
            }
        }
    }
}

struct Page<T> {
    rows: Vec<T>,
    total: u64,
}

fn read_page<T: Row>(response: &Response, offset: u64, total_before: Option<u64>) -> Result<Page<T>, Error> {
    let rows: Vec<T> = json::parse(&response.body)
        .and_then(|body| json::list(&body))
        .map_err(|error| doubt(response, &error.to_string()))?;
    let range = response.collection_range.as_deref().unwrap_or_default();
    let Some((start, total)) = parse_range(range) else {
        return Err(doubt(response, "the list has no readable X-Collection-Range, so it is not known to be whole"));
    };
    if start.is_some_and(|start| start != offset) {
        return Err(doubt(response, "the page starts elsewhere than asked for"));
    }
    if total_before.is_some_and(|before| before != total) {
        return Err(doubt(response, "the list's length changed while it was read"));
    }
    if rows.len() as u64 != total.saturating_sub(offset).min(T::LIMIT_MAX) {
        return Err(doubt(response, "the page has fewer or more rows than it says"));
    }
    Ok(Page { rows, total })
}

/// `0-9/200` as (start, total). An empty list is `*/0` [C, Kisi's client].
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

    struct Thing {
        id: u64,
    }

    impl Json for Thing {
        fn read(value: &serde_json::Value) -> Result<Self, json::Unreadable> {
            Ok(Thing { id: json::Fields::of(value)?.number("id")? })
        }
    }

    impl Row for Thing {
        const PATH: &'static str = "/things";
        const LIMIT_MAX: u64 = 3;

        fn id(&self) -> u64 {
            self.id
        }
    }

    fn read(body: &str, range: Option<&str>, offset: u64, before: Option<u64>) -> Result<usize, String> {
        let response = Response {
            status: 200,
            collection_range: range.map(str::to_string),
            body: body.as_bytes().to_vec(),
            ..Response::default()
        };
        match read_page::<Thing>(&response, offset, before) {
            Ok(page) => Ok(page.rows.len()),
            Err(Error::Unrecognized(answer)) => Err(answer.message),
            Err(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn pages_that_add_up_are_believed() {
        assert_eq!(read("[]", Some("*/0"), 0, None), Ok(0));
        assert_eq!(read(r#"[{"id":1},{"id":2},{"id":3}]"#, Some("0-2/4"), 0, None), Ok(3));
        // The range is the requested one, also on a last page that is not full [C].
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
            (r#"[{"name":"no id"}]"#, Some("0-2/1"), 0, None),
        ] {
            assert!(read(body, range, offset, before).is_err(), "{body} {range:?} at {offset} should be doubted");
        }
    }
}
