//! A CSV file as named columns: whatever the order of its columns, with commas or semicolons, with or without a mark at
//! its beginning, as spreadsheets write it.

use std::path::Path;

use crate::cli::wrong::{Place, Unusable, Wrong, told_once, unusable};

/// Largest file: 100,000 memberships take a tenth of it.
const FILE_BYTES_MAX: u64 = 128 << 20;
/// What spreadsheets put in front of UTF-8.
const BYTE_ORDER_MARK: &str = "\u{feff}";

/// A file of named columns.
pub(in crate::cli::installation) struct Table {
    file: String,
    columns: Vec<String>,
    rows: Vec<(usize, Vec<String>)>,
}

impl Table {
    /// Reads a file.
    pub(in crate::cli::installation) fn read(path: &Path) -> Result<Table, Unusable> {
        let file = path.display();
        let cannot = |error: std::io::Error| Unusable::new(format!("{file} cannot be read: {error}"));
        if std::fs::metadata(path).map_err(cannot)?.len() > FILE_BYTES_MAX {
            return unusable(format!("{file} is too large: at most {} MiB are read", FILE_BYTES_MAX >> 20));
        }
        Table::parse(&file.to_string(), &std::fs::read(path).map_err(cannot)?)
    }

    fn parse(file: &str, bytes: &[u8]) -> Result<Table, Unusable> {
        let at = |line: usize, message: String| {
            let place = Place { file: file.to_owned(), line, column: 1 };
            Unusable::from(vec![Wrong::at(place, message)])
        };
        let text = std::str::from_utf8(bytes).map_err(|error| {
            let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
            let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
            at(line, "is not in UTF-8: export or save the file as CSV in UTF-8".to_owned())
        })?;
        let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
        let head = text.lines().next().unwrap_or_default();
        let delimiter = if head.matches(';').count() > head.matches(',').count() { b';' } else { b',' };
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(delimiter)
            .trim(csv::Trim::All)
            .flexible(true)
            .from_reader(text.as_bytes());
        let columns = reader.headers().map_err(|error| at(1, error.to_string()))?;
        let columns: Vec<String> =
            columns.iter().map(|column| column.to_lowercase().replace([' ', '-'], "_")).collect();
        if columns.iter().all(String::is_empty) {
            return Err(at(1, "is empty: its first line names the columns".to_owned()));
        }
        let (mut rows, mut wrong) = (Vec::new(), Vec::new());
        let (mut line, mut from) = (1, 0);
        for record in reader.records() {
            let record = record.map_err(|error| at(1, error.to_string()))?;
            let at = record
                .position()
                .map_or(0, |position| usize::try_from(position.byte()).unwrap_or(usize::MAX));
            line += newlines(text, from, at);
            from = at;
            // The position is where the row before ended: blank lines may follow.
            let line = line + blank_lines(text, at);
            if record.iter().all(str::is_empty) {
                continue;
            }
            if record.len() != columns.len() {
                let message =
                    format!("this row has {} fields, and there are {} columns", record.len(), columns.len());
                wrong.push(Wrong::at(Place { file: file.to_owned(), line, column: 1 }, message));
            }
            rows.push((line, record.iter().map(str::to_owned).collect()));
        }
        if wrong.is_empty() { Ok(Table { file: file.to_owned(), columns, rows }) } else { Err(told_once(wrong).into()) }
    }

    /// The names of its columns, in lower case, words joined by `_`.
    pub(in crate::cli::installation) fn columns(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(String::as_str)
    }

    /// Its rows.
    pub(in crate::cli::installation) fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        self.rows.iter().map(|(line, fields)| Row { table: self, line: *line, fields })
    }

    /// The line that names the columns.
    pub(in crate::cli::installation) fn head(&self) -> Place {
        Place { file: self.file.clone(), line: 1, column: 1 }
    }
}

/// How many lines end between two bytes.
fn newlines(text: &str, from: usize, to: usize) -> usize {
    text.as_bytes().get(from..to).unwrap_or_default().iter().filter(|byte| **byte == b'\n').count()
}

/// How many empty lines begin at a byte.
fn blank_lines(text: &str, at: usize) -> usize {
    let rest = text.as_bytes().get(at..).unwrap_or_default();
    rest.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).filter(|byte| **byte == b'\n').count()
}

/// One row.
#[derive(Clone, Copy)]
pub(in crate::cli::installation) struct Row<'a> {
    table: &'a Table,
    line: usize,
    fields: &'a [String],
}

impl<'a> Row<'a> {
    /// What stands in a column; nothing when it is blank or there is no such column.
    pub(in crate::cli::installation) fn get(&self, column: &str) -> Option<&'a str> {
        let index = self.table.columns.iter().position(|name| name == column)?;
        self.fields.get(index).map(String::as_str).filter(|text| !text.is_empty())
    }

    /// Its line in the file.
    pub(in crate::cli::installation) fn line(&self) -> usize {
        self.line
    }

    /// Where it is.
    pub(in crate::cli::installation) fn place(&self) -> Place {
        Place { file: self.table.file.clone(), line: self.line, column: 1 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &[u8]) -> Result<Table, String> {
        Table::parse("f.csv", text).map_err(|error| error.to_string())
    }

    #[test]
    fn spreadsheets_of_several_kinds_are_read_alike() {
        for text in [
            "Member ID,name\nm-1,\"Lee, Ann\"\n\nm-2, Bo \n",
            "\u{feff}Member ID,name\r\nm-1,\"Lee, Ann\"\r\n\r\nm-2, Bo",
            "\u{feff}member-id;Name\r\nm-1;\"Lee, Ann\"\r\n;\r\nm-2;Bo",
        ] {
            let table = parse(text.as_bytes()).map_err(|error| panic!("{error}")).unwrap();
            let rows: Vec<_> =
                table.rows().map(|row| (row.get("member_id"), row.get("name"), row.line())).collect();
            let lines: Vec<usize> = rows.iter().map(|row| row.2).collect();
            assert_eq!(lines, [2, 4], "{text}");
            assert_eq!((rows[0].1, rows[1].0), (Some("Lee, Ann"), Some("m-2")), "{text}");
            assert_eq!(rows[0].0, Some("m-1"), "{text}");
            assert!(table.rows().all(|row| row.get("email").is_none()));
        }
    }

    #[test]
    fn what_cannot_be_read_is_told_with_its_line() {
        for (text, message) in [
            (&b""[..], "f.csv:1:1: is empty: its first line names the columns"),
            (
                b"a,b\n1,2\n1\n1,2,3\n",
                "f.csv:3:1: this row has 1 fields, and there are 2 columns\nf.csv:4:1: ",
            ),
            (b"a,b\n1,2\nJ\xf6rg,2\n", "f.csv:3:1: is not in UTF-8: export or save the file as CSV in UTF-8"),
        ] {
            let error = parse(text).err().unwrap();
            assert!(error.starts_with(message), "{error}");
        }
    }
}
