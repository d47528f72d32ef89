//! Lines that fit the page: a gutter for the time, a column of labels, and text that wraps beside them.
//!
//! Plugins and Kisi write some of these texts. All of them pass through here, where control characters are escaped.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use textwrap::core::{Word, display_width};
use textwrap::{Options, WordSeparator, WordSplitter};

use door_access_host::OneLine;

/// Width of the page where the output is not a terminal, in columns.
pub(crate) const WIDTH: usize = 100;
/// Columns before a label: the time of day and a gap.
const GUTTER: usize = 7;
/// Columns of a label, gap included.
const LABEL: usize = 10;
/// Columns of a status, gap included.
const MARK: usize = 5;
/// A space at which no line breaks. It is printed as an ordinary one.
pub(super) const UNBREAKABLE: char = '\u{a0}';

/// What a piece of text means, which decides its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    /// Nothing in particular.
    Plain,
    /// A heading.
    Head,
    /// Less important.
    Faint,
    /// Access was given, or something is right.
    Good,
    /// Access was taken, or something is wrong.
    Bad,
    /// Needs attention.
    Care,
}

/// How a page looks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look {
    /// Whether text is coloured.
    pub(crate) colour: bool,
    /// Columns of a line.
    pub(crate) width: usize,
}

impl Look {
    /// The text, in the colour of its tone.
    pub(crate) fn paint(self, tone: Tone, text: &str) -> String {
        let style = match tone {
            Tone::Plain => return text.to_owned(),
            Tone::Head => Style::new().bold(),
            Tone::Faint => Style::new().dimmed(),
            Tone::Good => AnsiColor::Green.on_default(),
            Tone::Bad => AnsiColor::Red.on_default(),
            Tone::Care => AnsiColor::Yellow.on_default(),
        };
        if self.colour && !text.is_empty() { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }
}

/// Writes lines.
pub(crate) struct Page<'a> {
    pub(crate) out: &'a mut dyn Write,
    pub(crate) look: Look,
}

impl Page<'_> {
    /// An empty line.
    pub(crate) fn gap(&mut self) -> io::Result<()> {
        writeln!(self.out)
    }

    /// Text over the whole width.
    pub(crate) fn wide(&mut self, tone: Tone, text: &str) -> io::Result<()> {
        for line in textwrap::wrap(&words(text).join(" "), options(self.look.width)) {
            writeln!(self.out, "{}", self.look.paint(tone, &line))?;
        }
        Ok(())
    }

    /// A rule across the page, with a word in it.
    pub(crate) fn rule(&mut self, text: &str) -> io::Result<()> {
        let text = OneLine(text).to_string();
        let rest = self.look.width.saturating_sub(display_width(&text) + 4);
        let line = format!("── {text} {}", "─".repeat(rest));
        writeln!(self.out, "{}", self.look.paint(Tone::Faint, &line))
    }

    /// The head of a step: the time in the gutter, and what happened.
    pub(crate) fn head(&mut self, time: &str, text: &str) -> io::Result<()> {
        let time = self.look.paint(Tone::Faint, &format!("{time:GUTTER$}"));
        let text = self.look.paint(Tone::Head, &OneLine(text).to_string());
        writeln!(self.out, "{time}{text}")
    }

    /// Text below a head.
    pub(crate) fn note(&mut self, text: &str) -> io::Result<()> {
        let gutter = " ".repeat(GUTTER);
        let options = options(self.look.width).initial_indent(&gutter).subsequent_indent(&gutter);
        self.wrapped(&words(text).join(" "), options)
    }

    /// A label and the text beside it. `aside` follows the text, faintly.
    pub(crate) fn labelled(&mut self, tone: Tone, label: &str, text: &str, aside: &str) -> io::Result<()> {
        let label = self.look.paint(tone, &format!("{label:LABEL$}"));
        let (first, rest) = (format!("{:GUTTER$}{label}", ""), " ".repeat(GUTTER + LABEL));
        let mut text = words(text);
        text.extend(words(aside).iter().map(|word| self.look.paint(Tone::Faint, word)));
        let options = options(self.look.width).initial_indent(&first).subsequent_indent(&rest);
        self.wrapped(&text.join(" "), options)
    }

    /// A label, and beside it lines with a mark, which break only between the parts of a query or a body.
    pub(crate) fn listed(&mut self, label: &str, lines: &[(Tone, String, String)]) -> io::Result<()> {
        let mut label = label;
        for (tone, mark, text) in lines {
            let shown = self.look.paint(Tone::Faint, &format!("{label:LABEL$}"));
            let mark = self.look.paint(*tone, &format!("{mark:MARK$}"));
            let (first, rest) = (format!("{:GUTTER$}{shown}{mark}", ""), " ".repeat(GUTTER + LABEL + MARK));
            let options = options(self.look.width)
                .word_separator(WordSeparator::Custom(parts))
                .initial_indent(&first)
                .subsequent_indent(&rest);
            self.wrapped(&OneLine(text).to_string(), options)?;
            label = "";
        }
        Ok(())
    }

    fn wrapped(&mut self, text: &str, options: Options) -> io::Result<()> {
        for line in textwrap::wrap(text, options) {
            writeln!(self.out, "{}", line.replace(UNBREAKABLE, " "))?;
        }
        Ok(())
    }
}

/// Lines break at spaces, and a word that is too long has a line of its own, so that an address can be copied.
fn options<'a>(width: usize) -> Options<'a> {
    Options::new(width)
        .break_words(false)
        .word_separator(WordSeparator::AsciiSpace)
        .word_splitter(WordSplitter::NoHyphenation)
}

/// The words of a text, without control characters.
fn words(text: &str) -> Vec<String> {
    let words = text.split([' ', '\n']).filter(|word| !word.is_empty());
    words.map(|word| OneLine(word).to_string()).collect()
}

/// The parts of a path or a body: a line breaks before `&` and after `,`.
fn parts(text: &str) -> Box<dyn Iterator<Item = Word<'_>> + '_> {
    let mut from = 0;
    let starts = text.char_indices().filter_map(|(at, letter)| match letter {
        '&' => Some(at),
        ',' => Some(at + 1),
        _ => None,
    });
    let ends = starts.chain([text.len()]).filter(|end| *end > 0);
    Box::new(ends.map(move |end| {
        let part = text.get(from..end).unwrap_or_default();
        from = end;
        Word::from(part)
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(width: usize, print: impl FnOnce(&mut Page) -> io::Result<()>) -> String {
        let mut out = Vec::new();
        print(&mut Page { out: &mut out, look: Look { colour: false, width } }).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn words_wrap_at_the_width_and_long_ones_stand_alone() {
        let wide = |text: &str, width| printed(width, |page| page.wide(Tone::Plain, text));
        assert_eq!(wide("one two\nthree", 7), "one two\nthree\n");
        assert_eq!(wide("a incomprehensible b", 5), "a\nincomprehensible\nb\n");
        assert_eq!(wide("門が 開く", 8), "門が\n開く\n", "wide characters take two columns");
        assert_eq!(wide("", 5), "\n");
    }

    #[test]
    fn long_queries_and_bodies_break_between_their_parts() {
        let listed = |text: &str, width: usize| {
            let line = (Tone::Plain, "200".to_owned(), text.to_owned());
            printed(22 + width, |page| page.listed("calls", &[line]))
        };
        let rest = " ".repeat(22);
        assert_eq!(listed("/a?b=1&c=2&d=3", 10), format!("       calls     200  /a?b=1&c=2\n{rest}&d=3\n"));
        assert_eq!(
            listed(r#"{"a":1,"b":2}"#, 8),
            format!("       calls     200  {{\"a\":1,\n{rest}\"b\":2}}\n")
        );
    }

    #[test]
    fn control_characters_are_printed_escaped_everywhere() {
        let text = "all\u{1b}[2J is\rwell\u{9b}31m\u{202e}\n\u{7}here";
        let printed = printed(WIDTH, |page| {
            page.wide(Tone::Head, text)?;
            page.rule(text)?;
            page.head("08:05", text)?;
            page.note(text)?;
            page.labelled(Tone::Good, "log", text, text)?;
            page.listed("calls", &[(Tone::Good, "200".to_owned(), format!("GET /{text}"))])?;
            let mut table = super::super::Table::new(["who", "why"]);
            table.row([(Tone::Plain, text), (Tone::Plain, text)]);
            page.table(table)
        });
        let control = printed.chars().find(|letter| *letter != '\n' && !door_access_host::is_plain(*letter));
        assert_eq!(control, None, "{printed}");
        assert_eq!(printed.matches("all\\u{1b}[2J").count(), 9, "{printed}");
    }

    #[test]
    fn no_line_is_wider_than_the_page() {
        let text = "twelve words ".repeat(30);
        for width in [60, WIDTH, 140] {
            let printed = printed(width, |page| {
                page.labelled(Tone::Good, "granted", &text, "entitled")?;
                page.note(&text)?;
                page.rule("Tue 1 Dec 2026")?;
                let query = format!("GET /users?{}", "limit=100&".repeat(20));
                page.listed("calls", &[(Tone::Good, "200".to_owned(), query)])
            });
            assert!(printed.lines().all(|line| display_width(line) <= width), "{printed}");
            assert!(printed.lines().any(|line| display_width(line) > width - 13), "{printed}");
        }
    }
}
