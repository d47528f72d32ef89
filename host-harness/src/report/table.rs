//! Tables for people: columns as wide as what stands in them, the last one wrapping, no line wider than the page.

use std::io;

use super::layout::{Page, Tone, WIDTH, wrap};
use door_access_host::OneLine;

/// Between two columns.
const GAP: &str = "  ";
/// Widest column, but for the last one.
const COLUMN_MAX: usize = 34;
/// What the last column has at least.
const LAST_MIN: usize = 24;

/// A cell: how it is meant, and its text.
pub(crate) type Cell = (Tone, String);

/// Rows under a head.
pub(crate) struct Table {
    head: Vec<&'static str>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    /// An empty table with these columns.
    pub(crate) fn new<const COLUMNS: usize>(head: [&'static str; COLUMNS]) -> Table {
        Table { head: head.to_vec(), rows: Vec::new() }
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        self.rows.push(cells.into_iter().collect());
    }

    fn widths(&self) -> Vec<usize> {
        let wanted = |column: usize, head: &str| {
            let cells =
                self.rows.iter().filter_map(|row| row.get(column)).map(|(_, text)| text.chars().count());
            cells.chain([head.chars().count()]).max().unwrap_or_default().min(COLUMN_MAX)
        };
        let mut widths: Vec<usize> =
            self.head.iter().enumerate().map(|(column, head)| wanted(column, head)).collect();
        widths.pop();
        // The widest give way to the last one.
        while widths.iter().sum::<usize>() + widths.len() * GAP.len() + LAST_MIN > WIDTH {
            match widths.iter_mut().max() {
                Some(widest) if *widest > 1 => *widest -= 1,
                _ => break,
            }
        }
        let taken = widths.iter().sum::<usize>() + widths.len() * GAP.len();
        widths.push(WIDTH.saturating_sub(taken).max(LAST_MIN));
        widths
    }
}

impl Page<'_> {
    /// A table.
    pub(crate) fn table(&mut self, table: &Table) -> io::Result<()> {
        let widths = table.widths();
        let head: Vec<Cell> = table.head.iter().map(|head| (Tone::Faint, head.to_uppercase())).collect();
        for row in std::iter::once(&head).chain(&table.rows) {
            self.table_row(row, &widths)?;
        }
        Ok(())
    }

    fn table_row(&mut self, row: &[Cell], widths: &[usize]) -> io::Result<()> {
        let Some(((last_tone, last), first)) = row.split_last() else { return Ok(()) };
        let mut before = String::new();
        let mut blank = 0;
        for ((tone, text), width) in first.iter().zip(widths) {
            let text = cut(text, *width);
            let rest = " ".repeat(width.saturating_sub(text.chars().count()));
            before.push_str(&format!("{}{rest}{GAP}", self.paint.text(*tone, &text)));
            blank += width + GAP.len();
        }
        for line in wrap(last, widths.last().copied().unwrap_or(WIDTH)) {
            let line = format!("{before}{}", self.paint.text(*last_tone, &line));
            writeln!(self.out, "{}", line.trim_end())?;
            before = " ".repeat(blank);
        }
        Ok(())
    }
}

/// A text, made plain, in so many columns; what does not fit is left out.
fn cut(text: &str, width: usize) -> String {
    let text = OneLine(text).to_string();
    if text.chars().count() <= width {
        return text;
    }
    let short: String = text.chars().take(width.saturating_sub(1)).collect();
    format!("{short}…")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Paint;

    fn print(table: &Table) -> String {
        let mut out = Vec::new();
        Page { out: &mut out, paint: Paint { colour: false } }.table(table).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn columns_are_as_wide_as_their_cells_and_the_last_one_wraps() {
        let mut table = Table::new(["who", "group", "why"]);
        table.row(["Ann Lee", "Spa", "Because."].map(|text| (Tone::Plain, text.to_owned())));
        table.row([
            (Tone::Plain, "B".repeat(50)),
            (Tone::Plain, "Gym".to_owned()),
            (Tone::Good, "so ".repeat(40)),
        ]);
        let text = print(&table);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], format!("WHO{}GROUP  WHY", " ".repeat(33)));
        assert_eq!(lines[1], format!("Ann Lee{}Spa    Because.", " ".repeat(29)));
        assert!(lines[2].starts_with(&format!("{}…  Gym    so so", "B".repeat(33))), "{text}");
        assert!(lines.len() > 4 && lines.iter().all(|line| line.chars().count() <= WIDTH), "{text}");
    }
}
