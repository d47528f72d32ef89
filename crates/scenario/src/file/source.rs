//! Where in a scenario's text something stands, and what is wrong there, in words.
//!
//! A scenario is written by people, so every error names the file, the line and the column, what was found, and
//! what was probably meant.

use std::ops::Range;

use similar::get_close_matches;

use crate::unusable::{Place, Wrong};

/// How alike two words must be for one to be offered in place of the other, from 0 to 1.
const LIKENESS_MIN: f32 = 0.6;
/// How many such words are looked for.
const ALIKE_MAX: usize = 2;

/// A scenario's text with the name of its file.
pub(crate) struct Source<'a> {
    /// The file, as the user named it.
    pub file: &'a str,
    /// Its text.
    pub text: &'a str,
}

impl Source<'_> {
    /// Something wrong at these bytes.
    pub(crate) fn wrong(&self, span: &Range<usize>, message: impl Into<String>) -> Wrong {
        Wrong::at(self.place(span.start), message)
    }

    /// Something wrong that the TOML reader found.
    pub(crate) fn unreadable(&self, error: &toml::de::Error) -> Wrong {
        self.wrong(&error.span().unwrap_or(0..0), in_words(error.message()))
    }

    /// The place of a byte.
    pub(crate) fn place(&self, offset: usize) -> Place {
        let before = self.text.get(..offset).unwrap_or(self.text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let column = before.get(line_start..).unwrap_or_default().chars().count() + 1;
        Place { file: self.file.to_owned(), line: before.matches('\n').count() + 1, column }
    }
}

/// What a word was probably meant to be: the end of a sentence about a word that is not known.
pub fn meant<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    match (alike(word, known.iter().copied()).first(), known.as_slice()) {
        (Some(close), _) => format!("did you mean `{close}`?"),
        (None, []) => "there are none".to_owned(),
        (None, known) => format!("known are `{}`", known.join("`, `")),
    }
}

/// Words that are spelt much like this one, the closest first; just one that differs in hyphens and case alone.
pub fn alike<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let known: Vec<&str> = known.into_iter().collect();
    // Spellings differ in hyphens and case more often than in letters.
    let same = |one: &str| one.to_lowercase().replace(['_', ' '], "-");
    match known.iter().find(|name| same(name) == same(word)) {
        Some(same) => vec![same],
        None => get_close_matches(word, &known, ALIKE_MAX, LIKENESS_MIN),
    }
}

/// A message of the TOML reader, with what was meant.
pub(crate) fn in_words(message: &str) -> String {
    let message = message.split_whitespace().collect::<Vec<_>>().join(" ");
    for (begins, what) in [("unknown field `", "the field"), ("unknown variant `", "the value")] {
        if let Some(rest) = message.strip_prefix(begins)
            && let Some((word, expected)) = rest.split_once('`')
        {
            let known = expected.split('`').skip(1).step_by(2);
            return format!("{what} `{word}` is not known here: {}", meant(word, known));
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
        assert_eq!(source.wrong(&(0..1), "x").to_string(), "s.toml:1:1: x");
        assert_eq!(source.wrong(&(12..13), "x").to_string(), "s.toml:2:4: x");
        assert_eq!(source.wrong(&(99..100), "x").to_string(), "s.toml:3:1: x");
    }

    #[test]
    fn an_unknown_word_is_met_with_the_word_that_was_meant() {
        assert_eq!(meant("membership_frozen", ["membership-frozen"]), "did you mean `membership-frozen`?");
        assert_eq!(meant("grups", ["groups", "plans"]), "did you mean `groups`?");
        assert_eq!(meant("x", ["groups", "plans"]), "known are `groups`, `plans`");
        assert_eq!(meant("x", []), "there are none");
    }

    #[test]
    fn messages_of_the_reader_say_what_was_meant() {
        for (message, words) in [
            (
                "unknown field `tite`, expected one of `title`, `story`",
                "the field `tite` is not known here: did you mean `title`?",
            ),
            (
                "unknown variant `x`, expected `active` or `blocked`",
                "the value `x` is not known here: known are `active`, `blocked`",
            ),
            ("missing field `id`", "the field `id` is missing here"),
            ("invalid type: integer `3`,\nexpected a string", "invalid type: integer `3`, expected a string"),
        ] {
            assert_eq!(in_words(message), words);
        }
    }
}
