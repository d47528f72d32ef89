//! Tables for people: columns as wide as their content, no wider than the page.

use std::io;

use comfy_table::{
    Attribute, Cell, Color, ColumnConstraint, ContentArrangement, Row, Width, presets::NOTHING,
};

use super::page::{Page, Tone};
use door_access_host::OneLine;

/// Widest column, except for the last one.
const COLUMN_MAX: u16 = 34;
/// Longest cell, in characters: laying out a longer one takes seconds, and beyond 65,535 it fails.
const CELL_MAX: usize = 1_000;
/// Between two columns.
const GAP: u16 = 2;

/// Rows under a head.
pub(crate) struct Table(comfy_table::Table);

impl Table {
    /// An empty table with these columns.
    pub(crate) fn new<const COLUMNS: usize>(head: [&str; COLUMNS]) -> Table {
        let mut table = comfy_table::Table::new();
        table.load_preset(NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
        table.set_header(head.map(|head| cell(Tone::Faint, &head.to_uppercase())));
        for (index, column) in table.column_iter_mut().enumerate() {
            let is_last = index + 1 == COLUMNS;
            column.set_padding((0, if is_last { 0 } else { GAP }));
            if !is_last {
                column.set_constraint(ColumnConstraint::UpperBoundary(Width::Fixed(COLUMN_MAX + GAP)));
            }
        }
        Table(table)
    }

    /// Adds a row.
    pub(crate) fn row<'a, T: AsRef<str> + 'a>(&mut self, cells: impl IntoIterator<Item = (Tone, T)>) {
        let cells = cells.into_iter().map(|(tone, text)| cell(tone, text.as_ref()));
        self.0.add_row(Row::from(cells.collect::<Vec<_>>()));
    }
}

fn cell(tone: Tone, text: &str) -> Cell {
    let shown: String = match text.char_indices().nth(CELL_MAX) {
        None => OneLine(text).to_string(),
        Some((end, _)) => OneLine(text.get(..end).unwrap_or(text)).to_string() + "…",
    };
    let cell = Cell::new(shown);
    match tone {
        Tone::Plain => cell,
        Tone::Head => cell.add_attribute(Attribute::Bold),
        Tone::Faint => cell.add_attribute(Attribute::Dim),
        Tone::Good => cell.fg(Color::DarkGreen),
        Tone::Bad => cell.fg(Color::DarkRed),
        Tone::Care => cell.fg(Color::DarkYellow),
    }
}

impl Page<'_> {
    /// A table.
    pub(crate) fn table(&mut self, table: Table) -> io::Result<()> {
        let Table(mut table) = table;
        table.set_width(u16::try_from(self.look.width).unwrap_or(u16::MAX));
        if self.look.colour {
            table.enforce_styling()
        } else {
            table.force_no_tty()
        };
        writeln!(self.out, "{}", table.trim_fmt())
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Look, WIDTH};
    use super::*;

    fn print(table: Table, colour: bool) -> String {
        let mut out = Vec::new();
        Page { out: &mut out, look: Look { colour, width: WIDTH } }.table(table).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn columns_are_as_wide_as_their_cells_and_the_last_one_wraps() {
        let mut table = Table::new(["who", "group", "why"]);
        table.row(["Ann Lee", "Spa", "Because."].map(|text| (Tone::Plain, text)));
        table.row([(Tone::Plain, "B".repeat(50)), (Tone::Plain, "門".to_owned())]);
        table.row([(Tone::Plain, "Cy"), (Tone::Plain, "Gym"), (Tone::Good, &"so ".repeat(40))]);
        let text = print(table, false);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], format!("WHO{}GROUP  WHY", " ".repeat(33)));
        assert_eq!(lines[1], format!("Ann Lee{}Spa    Because.", " ".repeat(29)));
        assert_eq!(lines[2], format!("{}  門", "B".repeat(34)));
        assert!(lines.len() > 5 && lines.iter().all(|line| line.chars().count() <= WIDTH), "{text}");
    }

    #[test]
    fn a_cell_of_any_length_is_printed_and_cut() {
        let mut table = Table::new(["who", "why"]);
        table.row([(Tone::Plain, "B".repeat(70_000)), (Tone::Plain, "\u{e9}".repeat(70_000))]);
        let text = print(table, false);
        assert!(text.contains('…') && text.chars().count() < 20 * CELL_MAX, "{} characters", text.len());
    }

    #[test]
    fn a_coloured_table_has_the_same_columns() {
        let mut table = Table::new(["who", "why"]);
        table.row([(Tone::Good, "Ann Lee"), (Tone::Plain, "Because.")]);
        let text = print(table, true);
        assert!(text.contains("\u{1b}[") && text.contains("Because."), "{text}");
    }
}
