//! A CSV file with named columns, as spreadsheets write it: columns in any order, commas or semicolons, with or without a
//! byte order mark. Errors have the line and column where the field begins, which the `csv` crate does not know.

use std::path::Path;

use crate::report::counted;
use door_access_scenario::unusable::{Place, Unusable, Wrong, told_once, unusable};

/// Largest file: 100,000 memberships take a tenth of it.
const FILE_BYTES_MAX: u64 = 128 << 20;
/// Other delimiters that spreadsheets use. No column's name contains them.
const OTHER_DELIMITERS: [(char, &str); 2] = [('\t', "tabs"), ('|', "`|`")];
const BYTE_ORDER_MARK: &str = "\u{feff}";

/// A file of named columns.
pub(in crate::installation) struct Table {
    file: String,
    text: String,
    delimiter: char,
    columns: Vec<String>,
    rows: Vec<Line>,
}

/// A row of the file.
struct Line {
    /// Its line, from 1.
    number: usize,
    /// The byte at which it begins.
    at: usize,
    fields: Vec<String>,
    /// What is wrong with the number of its fields.
    wrong: Option<Wrong>,
}

impl Table {
    /// Reads a file.
    pub(in crate::installation) fn read(path: &Path) -> Result<Table, Unusable> {
        let file = path.display();
        let cannot = |error: std::io::Error| Unusable::new(format!("{file} cannot be read: {error}"));
        if std::fs::metadata(path).map_err(cannot)?.len() > FILE_BYTES_MAX {
            return unusable(format!("{file} is too large: at most {} MiB are read", FILE_BYTES_MAX >> 20));
        }
        Table::parse(&file.to_string(), &std::fs::read(path).map_err(cannot)?)
    }

    pub(super) fn parse(file: &str, bytes: &[u8]) -> Result<Table, Unusable> {
        let at = |line: usize, message: String| {
            let place = Place { file: file.to_owned(), line, column: 1 };
            Unusable::from(vec![Wrong::at(place, message)])
        };
        let text = std::str::from_utf8(bytes).map_err(|error| {
            let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
            let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
            at(line, "the file is not in UTF-8: export or save the file as CSV in UTF-8".to_owned())
        })?;
        let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
        let head = text.lines().next().unwrap_or_default();
        let (delimiter, other) =
            if head.matches(';').count() > head.matches(',').count() { (';', ',') } else { (',', ';') };
        if let Some((_, name)) =
            OTHER_DELIMITERS.iter().find(|(other, _)| head.contains(*other) && !head.contains([',', ';']))
        {
            let message =
                format!("its columns are separated by {name}: save it as CSV, with commas or semicolons");
            return Err(at(1, message));
        }
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(delimiter as u8)
            .trim(csv::Trim::All)
            .flexible(true)
            .from_reader(text.as_bytes());
        let columns = reader.headers().map_err(|error| at(1, error.to_string()))?;
        let columns: Vec<String> =
            columns.iter().map(|column| column.to_lowercase().replace([' ', '-'], "_")).collect();
        if columns.iter().all(String::is_empty) {
            return Err(at(1, "the file is empty; its first line must name the columns".to_owned()));
        }
        let (mut rows, mut doubtful) = (Vec::new(), Vec::new());
        for record in reader.records() {
            let record = record.map_err(|error| at(1, error.to_string()))?;
            if record.iter().all(str::is_empty) {
                continue;
            }
            let fields: Vec<String> = record.iter().map(str::to_owned).collect();
            let (byte, line) = record.position().map_or((0, 1), |at| (at.byte(), at.line()));
            let rest = text.get(usize::try_from(byte).unwrap_or(usize::MAX)..).unwrap_or_default();
            // The position is the end of the previous row. Empty lines may follow.
            let row = rest.trim_start_matches(['\r', '\n']);
            let empty = rest.len() - row.len();
            let empty_lines = rest.bytes().take(empty).filter(|byte| *byte == b'\n').count();
            let line = usize::try_from(line).unwrap_or(usize::MAX).saturating_add(empty_lines);
            let mut wrong = None;
            if let Some((spot, message)) = row_error(row, line, &fields, columns.len(), delimiter, other) {
                let place = Place { file: file.to_owned(), line: line + spot.lines, column: spot.column };
                let message = Wrong::at(place, message);
                match spot.quote {
                    None => wrong = Some(message),
                    // Other rows are in this one.
                    Some(_) => doubtful.push(message),
                }
            }
            rows.push(Line { number: line, at: text.len() - row.len(), fields, wrong });
        }
        if !doubtful.is_empty() {
            return Err(told_once(doubtful).into());
        }
        Ok(Table { file: file.to_owned(), text: text.to_owned(), delimiter, columns, rows })
    }

    /// The names of its columns, in lower case, words joined by `_`.
    pub(in crate::installation) fn columns(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(String::as_str)
    }

    /// What is wrong with the number of fields of its rows.
    pub(in crate::installation) fn wrong(&self) -> impl Iterator<Item = &Wrong> {
        self.rows.iter().filter_map(|line| line.wrong.as_ref())
    }

    /// Its rows.
    pub(in crate::installation) fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        self.rows.iter().map(|line| Row { table: self, line })
    }

    /// The line that names the columns.
    pub(in crate::installation) fn head(&self) -> Place {
        Place { file: self.file.clone(), line: 1, column: 1 }
    }

    /// The place of a column's name.
    pub(in crate::installation) fn head_of(&self, column: &str) -> Place {
        self.place(1, 0, column)
    }

    /// The place of a column's field in the row that begins at a byte; the row's own when it has no such field.
    fn place(&self, line: usize, at: usize, column: &str) -> Place {
        let row = self.text.get(at..).unwrap_or_default();
        let index = self.columns.iter().position(|name| name == column);
        let spot = index.and_then(|index| spots(row, self.delimiter).into_iter().nth(index));
        let (lines, column) = spot.map_or((0, 1), |spot| (spot.lines, spot.column));
        Place { file: self.file.clone(), line: line + lines, column }
    }
}

/// What is wrong in the shape of a row, and where: a quote that swallows rows, or a wrong number of fields.
fn row_error(
    row: &str,
    line: usize,
    fields: &[String],
    columns: usize,
    delimiter: char,
    other: char,
) -> Option<(Spot, String)> {
    let is_short = fields.len() != columns;
    let counts =
        || format!("this row has {}, and there are {columns} columns", counted(fields.len(), "field"));
    // A note of several lines is fine.
    let has_lines = fields.iter().any(|field| field.contains('\n'));
    let quoted =
        has_lines.then(|| spots(row, delimiter)).into_iter().flatten().find(|spot| match spot.quote {
            Some(Quote::Open) => true,
            Some(Quote::Closed { lines, is_within }) => lines > 0 && (is_within || is_short),
            None => false,
        });
    if let Some(spot) = quoted {
        let closed = match spot.quote {
            Some(Quote::Closed { lines, .. }) => format!("in line {}", line + spot.lines + lines),
            _ => "nowhere".to_owned(),
        };
        let counts = if is_short { format!("{}; ", counts()) } else { String::new() };
        let message = format!(
            "{counts}a quote opens here and is closed {closed}, so that all in between is one field: close it where the \
             field ends, or remove it"
        );
        return Some((spot, message));
    }
    if !is_short {
        return None;
    }
    let is_other = spots(row, other).len() == columns;
    let hint = format!(": it is separated by `{other}`, and the first line by `{delimiter}`");
    let message = if is_other { counts() + &hint } else { counts() };
    Some((Spot { lines: 0, column: 1, quote: None }, message))
}

/// The position of a field.
struct Spot {
    /// Lines after the beginning of its row.
    lines: usize,
    /// From 1, in characters.
    column: usize,
    quote: Option<Quote>,
}

/// A field's quote.
enum Quote {
    /// It is not closed before the file ends.
    Open,
    /// It is closed `lines` lines further on. `is_within`: more text than blanks follows before the delimiter.
    Closed { lines: usize, is_within: bool },
}

/// The fields of a text's first row, split like the CSV reader does.
fn spots(text: &str, delimiter: char) -> Vec<Spot> {
    let mut spots = Vec::new();
    let (mut lines, mut column) = (0, 1);
    let mut rest = text.chars().peekable();
    loop {
        let mut spot = Spot { lines, column, quote: None };
        if rest.next_if_eq(&'"').is_some() {
            column += 1;
            spot.quote = Some(Quote::Open);
            while let Some(char) = rest.next() {
                column += 1;
                match char {
                    '"' if rest.next_if_eq(&'"').is_some() => column += 1,
                    '"' => {
                        spot.quote = Some(Quote::Closed { lines: lines - spot.lines, is_within: false });
                        break;
                    }
                    '\n' => (lines, column) = (lines + 1, 1),
                    _ => {}
                }
            }
        }
        // Blanks around a field are not part of it.
        let mut is_begun = spot.quote.is_some();
        let end = loop {
            let Some(char) = rest.next() else { break None };
            if char == delimiter || char == '\n' || char == '\r' {
                column += 1;
                break Some(char);
            }
            if !char.is_whitespace() {
                if !is_begun {
                    spot.column = column;
                }
                is_begun = true;
                if let Some(Quote::Closed { is_within, .. }) = &mut spot.quote {
                    *is_within = true;
                }
            }
            column += 1;
        };
        spots.push(spot);
        if end != Some(delimiter) {
            return spots;
        }
    }
}

/// One row.
#[derive(Clone, Copy)]
pub(in crate::installation) struct Row<'a> {
    table: &'a Table,
    line: &'a Line,
}

impl<'a> Row<'a> {
    /// The text in a column; `None` when it is blank or there is no such column.
    pub(in crate::installation) fn get(&self, column: &str) -> Option<&'a str> {
        let index = self.table.columns.iter().position(|name| name == column)?;
        self.line.fields.get(index).map(String::as_str).filter(|text| !text.is_empty())
    }

    /// The first text in a column without a name.
    pub(in crate::installation) fn unnamed(&self) -> Option<&'a str> {
        let fields = self.table.columns.iter().zip(&self.line.fields);
        fields
            .filter(|(name, _)| name.is_empty())
            .map(|(_, text)| text.as_str())
            .find(|text| !text.is_empty())
    }

    /// All of its texts.
    pub(super) fn texts(&self) -> impl Iterator<Item = &'a str> {
        self.line.fields.iter().map(String::as_str).filter(|text| !text.is_empty())
    }

    /// Whether it has a field for each column.
    pub(super) fn is_whole(&self) -> bool {
        self.line.wrong.is_none()
    }

    /// Its line in the file.
    pub(in crate::installation) fn line(&self) -> usize {
        self.line.number
    }

    /// What is wrong with the number of its fields.
    pub(super) fn uneven(&self) -> Option<Wrong> {
        self.line.wrong.clone()
    }

    /// Something wrong in the row.
    pub(in crate::installation) fn wrong(&self, message: impl Into<String>) -> Wrong {
        Wrong::at(Place { file: self.table.file.clone(), line: self.line.number, column: 1 }, message)
    }

    /// Something wrong in its field of a column.
    pub(in crate::installation) fn wrong_in(&self, column: &str, message: impl Into<String>) -> Wrong {
        Wrong::at(self.place_of(column), message)
    }

    fn place_of(&self, column: &str) -> Place {
        self.table.place(self.line.number, self.line.at, column)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &[u8]) -> Result<Table, String> {
        let table = Table::parse("f.csv", text).map_err(|error| error.to_string())?;
        let wrong: Vec<Wrong> = table.wrong().cloned().collect();
        if wrong.is_empty() { Ok(table) } else { Err(Unusable::from(wrong).to_string()) }
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
    fn a_row_that_cannot_be_read_is_reported_with_its_line() {
        for (text, message) in [
            (&b""[..], "f.csv:1:1: the file is empty; its first line must name the columns"),
            (
                b"a,b\n1,2\n1\n1,2,3\n",
                "f.csv:3:1: this row has 1 field, and there are 2 columns\nf.csv:4:1: ",
            ),
            (b"a\tb\n1\t2\n", "f.csv:1:1: its columns are separated by tabs: save it as CSV, with commas or"),
            (b"a|b\n1|2\n", "f.csv:1:1: its columns are separated by `|`: "),
            (
                b"a,b\n1,2\nJ\xf6rg,2\n",
                "f.csv:3:1: the file is not in UTF-8: export or save the file as CSV in UTF-8",
            ),
        ] {
            let error = parse(text).err().unwrap();
            assert!(error.starts_with(message), "{error}");
        }
    }

    #[test]
    fn a_quote_that_swallows_rows_is_reported_where_it_opens() {
        let quote = |place: &str, closed: &str| {
            [format!("f.csv:{place}: "), format!("a quote opens here and is closed {closed},")]
        };
        for (text, message) in [
            ("a,b\n1,2\n3,\"4\n5,6\n", quote("3:3", "nowhere")),
            ("a,b\n1,2\n\"3,4\n5,6\n", quote("3:1", "nowhere")),
            ("a,b\n1,\"2\n3,4\n5,\"6\"\n7,8\n", quote("2:3", "in line 4")),
            ("a,b\n\n\"1,2\n3,4\n5,\"\n7,8\n", quote("3:1", "in line 5")),
            (
                "a,b,c\n1;2;3\n",
                ["f.csv:2:1: this row has 1 field, ".into(), "3 columns: it is separated by `;`,".into()],
            ),
        ] {
            let error = parse(text.as_bytes()).err().unwrap();
            let [place, message] = message;
            assert!(error.starts_with(&place) && error.contains(&message), "{text:?}: {error}");
            assert_eq!(error.lines().count(), 1, "{error}");
        }
        assert!(parse(b"a,b\n1,\"two\nlines and a \"\"quote\"\"\" \n3,4\n").is_ok());
    }

    #[test]
    fn a_field_s_place_is_where_its_text_begins() {
        let text = "\u{feff}Id, Name ;x,b\r\n\"\u{e9}, \"\"1\"\"\",  J\u{f6}rg,3\n\n\"two\nlines\",n,\"3\"\n";
        let table = parse(text.as_bytes()).map_err(|error| panic!("{error}")).unwrap();
        assert_eq!(table.head_of("b").to_string(), "f.csv:1:13");
        let places: Vec<String> = table
            .rows()
            .flat_map(|row| ["id", "b", "absent"].map(|column| row.place_of(column).to_string()))
            .collect();
        assert_eq!(places, ["f.csv:2:1", "f.csv:2:19", "f.csv:2:1", "f.csv:4:1", "f.csv:5:10", "f.csv:4:1"]);
    }
}
