//! The text of a scenario, and mistakes in it with their line and column.

use std::ops::Range;

use toml::Spanned;

use crate::unusable::{Place, Wrong};
use crate::words::{in_backticks, meant};

/// A scenario's text with the name of its file.
pub(super) struct Source<'a> {
    /// The file, as the user named it.
    pub(super) file: &'a str,
    /// Its text.
    pub(super) text: &'a str,
}

/// A mistake, and the bytes of the text that it is in.
#[derive(Debug)]
pub(super) struct Mistake {
    span: Range<usize>,
    message: String,
}

impl Mistake {
    /// A mistake in these bytes.
    pub(super) fn at(span: Range<usize>, message: impl Into<String>) -> Mistake {
        Mistake { span, message: message.into() }
    }

    /// A mistake in this value.
    pub(super) fn of<T>(value: &Spanned<T>, message: impl Into<String>) -> Mistake {
        Mistake::at(value.span(), message)
    }

    /// The first byte that it is in.
    pub(super) fn start(&self) -> usize {
        self.span.start
    }

    /// A name that stands for nothing.
    pub(super) fn unknown<'a>(
        what: &str,
        name: &Spanned<String>,
        known: impl IntoIterator<Item = &'a str>,
    ) -> Mistake {
        let text = name.get_ref();
        Mistake::of(name, format!("there is no {what} `{text}`: {}", meant(text, known)))
    }
}

impl From<toml::de::Error> for Mistake {
    fn from(error: toml::de::Error) -> Mistake {
        Mistake::at(error.span().unwrap_or(0..0), in_words(error.message()))
    }
}

impl Source<'_> {
    /// The mistake with its place.
    pub(super) fn wrong(&self, mistake: Mistake) -> Wrong {
        Wrong::at(self.place(mistake.span.start), mistake.message)
    }

    /// The place of a byte.
    pub(super) fn place(&self, offset: usize) -> Place {
        let before = self.text.get(..offset).unwrap_or(self.text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let column = before.get(line_start..).unwrap_or_default().chars().count() + 1;
        Place { file: self.file.to_owned(), line: before.matches('\n').count() + 1, column }
    }
}

/// A message of serde in plainer words, with a suggestion for what is unknown.
pub(super) fn in_words(message: &str) -> String {
    let message = message.split_whitespace().collect::<Vec<_>>().join(" ");
    for (begins, what) in [("unknown field `", "the field"), ("unknown variant `", "the value")] {
        let mut names = in_backticks(&message).peekable();
        if message.starts_with(begins)
            && let Some(word) = names.next()
        {
            let meant = names.peek().is_some().then(|| format!(": {}", meant(word, names)));
            return format!("{what} `{word}` is not known here{}", meant.unwrap_or_default());
        }
    }
    match message.strip_prefix("missing field `").and_then(|rest| rest.strip_suffix('`')) {
        Some(field) => format!("the field `{field}` is missing here"),
        None => message,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_count_lines_and_characters_from_one() {
        let source = Source { file: "s.toml", text: "ä = 1\nöö = 2\n" };
        assert_eq!(source.place(0).to_string(), "s.toml:1:1");
        assert_eq!(source.place(12).to_string(), "s.toml:2:4");
        assert_eq!(source.place(99).to_string(), "s.toml:3:1");
    }

    #[test]
    fn messages_of_serde_say_what_was_meant() {
        for (message, words) in [
            (
                "unknown field `tite`, expected one of `title`, `story`",
                "the field `tite` is not known here: did you mean `title`?",
            ),
            (
                "unknown variant `x`, expected `active` or `blocked`",
                "the value `x` is not known here: known are `active`, `blocked`",
            ),
            ("unknown field `ms`, there are no fields", "the field `ms` is not known here"),
            ("missing field `id`", "the field `id` is missing here"),
            ("invalid type: integer `3`,\nexpected a string", "invalid type: integer `3`, expected a string"),
        ] {
            assert_eq!(in_words(message), words);
        }
    }
}
