//! Lines of at most 100 columns: a gutter for the time, a column of labels, and text that wraps beside them.
//!
//! Much of that text is a plugin's or a provider's, so all of it is made plain here, where every text comes through.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};

use door_access_host::OneLine;

/// Widest line, in columns.
pub(super) const WIDTH: usize = 100;
/// Columns before a label: the time of day and a gap.
const GUTTER: usize = 7;
/// Columns of a status, gap included.
const MARK: usize = 5;
/// A blank at which no line is broken; printed as an ordinary one.
pub(crate) const UNBREAKABLE: char = '\u{a0}';
/// Columns of a label, gap included.
const LABEL: usize = 10;

/// How a piece of text is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    /// As it is.
    Plain,
    /// The head of something.
    Head,
    /// Of less weight.
    Faint,
    /// Access was given, something is right.
    Good,
    /// Access was taken, something is wrong.
    Bad,
    /// Somebody should look.
    Care,
}

/// Whether text is coloured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Paint {
    /// It is.
    pub(crate) colour: bool,
}

impl Paint {
    /// The text, coloured if at all.
    pub(crate) fn text(self, tone: Tone, text: &str) -> String {
        let style = match tone {
            Tone::Plain => return text.to_owned(),
            Tone::Head => Style::new().bold(),
            Tone::Faint => Style::new().dimmed(),
            Tone::Good => Style::new().fg_color(Some(AnsiColor::Green.into())),
            Tone::Bad => Style::new().fg_color(Some(AnsiColor::Red.into())),
            Tone::Care => Style::new().fg_color(Some(AnsiColor::Yellow.into())),
        };
        if self.colour && !text.is_empty() { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }
}

/// Writes lines in columns.
pub(crate) struct Page<'a> {
    pub(crate) out: &'a mut dyn Write,
    pub(crate) paint: Paint,
}

impl Page<'_> {
    /// An empty line.
    pub(crate) fn gap(&mut self) -> io::Result<()> {
        writeln!(self.out)
    }

    /// Text over the whole width.
    pub(crate) fn wide(&mut self, tone: Tone, text: &str) -> io::Result<()> {
        for line in wrap(text, WIDTH) {
            writeln!(self.out, "{}", self.paint.text(tone, &line))?;
        }
        Ok(())
    }

    /// A line with a word in it and a rule up to the margin.
    pub(crate) fn rule(&mut self, text: &str) -> io::Result<()> {
        let text = OneLine(text).to_string();
        let rest = WIDTH.saturating_sub(text.chars().count() + 4);
        let line = format!("── {text} {}", "─".repeat(rest));
        writeln!(self.out, "{}", self.paint.text(Tone::Faint, &line))
    }

    /// The head of a step: the time in the gutter, and what happened.
    pub(crate) fn head(&mut self, time: &str, text: &str) -> io::Result<()> {
        let (time, text) = (format!("{time:GUTTER$}"), OneLine(text).to_string());
        writeln!(self.out, "{}{}", self.paint.text(Tone::Faint, &time), self.paint.text(Tone::Head, &text))
    }

    /// Text below a head.
    pub(crate) fn note(&mut self, text: &str) -> io::Result<()> {
        for line in wrap(text, WIDTH - GUTTER) {
            writeln!(self.out, "{:GUTTER$}{line}", "")?;
        }
        Ok(())
    }

    /// A label and the text beside it. `aside` follows the text, faintly.
    pub(crate) fn labelled(&mut self, tone: Tone, label: &str, text: &str, aside: &str) -> io::Result<()> {
        let mut label = format!("{label:LABEL$}");
        let whole = if aside.is_empty() { text.to_owned() } else { format!("{text} {aside}") };
        let lines = wrap(&whole, WIDTH - GUTTER - LABEL);
        // As it is by now at the end of the last line.
        let aside = OneLine(aside).to_string();
        let aside = aside.as_str();
        for (index, line) in lines.iter().enumerate() {
            let is_last = index + 1 == lines.len();
            let (line, aside) = match line.strip_suffix(aside) {
                Some(rest) if is_last && !aside.is_empty() => (rest, self.paint.text(Tone::Faint, aside)),
                _ => (line.as_str(), String::new()),
            };
            let line = line.replace(UNBREAKABLE, " ");
            writeln!(self.out, "{:GUTTER$}{}{line}{aside}", "", self.paint.text(tone, &label))?;
            label = " ".repeat(LABEL);
        }
        Ok(())
    }

    /// A label and lines that are coloured already and are broken only where they may be.
    pub(crate) fn listed(&mut self, label: &str, lines: &[(Tone, String, String)]) -> io::Result<()> {
        let mut label = label;
        for (tone, mark, text) in lines {
            let mut mark = format!("{mark:MARK$}");
            for piece in pieces(text, WIDTH - GUTTER - LABEL - MARK) {
                let shown =
                    (self.paint.text(Tone::Faint, &format!("{label:LABEL$}")), self.paint.text(*tone, &mark));
                writeln!(self.out, "{:GUTTER$}{}{}{piece}", "", shown.0, shown.1)?;
                label = "";
                mark = " ".repeat(MARK);
            }
        }
        Ok(())
    }
}

/// Words, made plain, in lines of at most so many columns. A longer word has a line of its own.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split([' ', '\n']).filter(|word| !word.is_empty()) {
        let word = OneLine(word).to_string();
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(&word),
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(&word);
            }
            _ => lines.push(word),
        }
    }
    lines
}

/// A path or a body, made plain, in lines of at most so many columns, broken before `&` and behind `,` where it must be.
fn pieces(text: &str, width: usize) -> Vec<String> {
    let mut parts = vec![String::new()];
    for letter in OneLine(text).to_string().chars() {
        let begins = letter == '&' || parts.last().is_some_and(|part| part.ends_with(','));
        match parts.last_mut() {
            Some(part) if !begins => part.push(letter),
            _ => parts.push(letter.to_string()),
        }
    }
    let mut lines = vec![String::new()];
    for part in parts {
        match lines.last_mut() {
            Some(line) if line.is_empty() || line.chars().count() + part.chars().count() <= width => {
                line.push_str(&part);
            }
            _ => lines.push(part),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_wrap_at_the_width_and_long_ones_stand_alone() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("a incomprehensible b", 5), ["a", "incomprehensible", "b"]);
        assert_eq!(wrap("", 5), [""]);
    }

    #[test]
    fn long_queries_and_bodies_break_between_their_parts() {
        assert_eq!(pieces("/a?b=1&c=2&d=3", 10), ["/a?b=1&c=2", "&d=3"]);
        assert_eq!(pieces(r#"{"a":1,"b":2}"#, 8), [r#"{"a":1,"#, r#""b":2}"#]);
    }

    #[test]
    fn nothing_that_is_printed_gives_the_terminal_an_order() {
        let mut out = Vec::new();
        let mut page = Page { out: &mut out, paint: Paint { colour: false } };
        let text = "all\u{1b}[2J is\rwell\u{9b}31m\u{202e}\n\u{7}here";
        page.wide(Tone::Head, text).unwrap();
        page.rule(text).unwrap();
        page.head("08:05", text).unwrap();
        page.note(text).unwrap();
        page.labelled(Tone::Good, "log", text, text).unwrap();
        page.listed("calls", &[(Tone::Good, "200".to_owned(), format!("GET /{text}"))]).unwrap();
        let mut table = super::super::Table::new(["who", "why"]);
        table.row([(Tone::Plain, text.to_owned()), (Tone::Plain, text.to_owned())]);
        page.table(&table).unwrap();
        let printed = String::from_utf8(out).unwrap();
        let order = printed.chars().find(|letter| *letter != '\n' && !door_access_host::is_plain(*letter));
        assert_eq!(order, None, "{printed}");
        assert_eq!(printed.matches("all\\u{1b}[2J").count(), 9, "{printed}");
    }

    #[test]
    fn no_line_is_wider_than_the_page() {
        let mut out = Vec::new();
        let mut page = Page { out: &mut out, paint: Paint { colour: false } };
        let text = "twelve words ".repeat(30);
        page.labelled(Tone::Good, "granted", &text, "entitled").unwrap();
        page.note(&text).unwrap();
        page.rule("Tue 1 Dec 2026").unwrap();
        page.listed(
            "calls",
            &[(Tone::Good, "200".to_owned(), format!("GET /users?{}", "limit=100&".repeat(20)))],
        )
        .unwrap();
        for line in String::from_utf8(out).unwrap().lines() {
            assert!(line.chars().count() <= WIDTH, "{line}");
        }
    }
}
