//! Makes untrusted text safe to print. Plugins write log lines, messages and manifests, and providers name groups and
//! doors. Such text must not move the cursor, forge a line, or reverse the reading direction.

use std::fmt::{self, Display, Formatter, Write as _};

/// A text on one line. Characters that would end the line, move the cursor or reverse the reading direction are escaped.
pub struct OneLine<'a>(pub &'a str);

/// A text of several lines, each of which is a [`OneLine`].
pub struct Lines<'a>(pub &'a str);

impl Display for OneLine<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for letter in self.0.chars() {
            match is_plain(letter) {
                true => f.write_char(letter)?,
                false => write!(f, "{}", letter.escape_default())?,
            }
        }
        Ok(())
    }
}

impl Display for Lines<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (place, line) in self.0.split('\n').enumerate() {
            let end = if place == 0 { "" } else { "\n" };
            write!(f, "{end}{}", OneLine(line))?;
        }
        Ok(())
    }
}

/// Whether a character prints as itself, without an effect on a terminal.
pub fn is_plain(letter: char) -> bool {
    let reorders = matches!(letter, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    !letter.is_control() && !reorders
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_cannot_look_like_another_line() {
        let shown = |text| OneLine(text).to_string();
        assert_eq!(
            shown("fine\r\n2026 ERROR south-gym: \u{1b}[31mbroken"),
            "fine\\r\\n2026 ERROR south-gym: \\u{1b}[31mbroken"
        );
        assert_eq!(shown("a\u{202e}b\u{2028}c\u{85}\0"), "a\\u{202e}b\\u{2028}c\\u{85}\\u{0}");
        assert_eq!(shown("Über 8 Türen, 👍 \"gut\""), "Über 8 Türen, 👍 \"gut\"");
    }

    #[test]
    fn line_ends_are_kept_and_terminal_escapes_are_not() {
        assert_eq!(Lines("one\ntwo\u{1b}[2J\r\n").to_string(), "one\ntwo\\u{1b}[2J\\r\n");
        assert_eq!(Lines("").to_string(), "");
    }
}
