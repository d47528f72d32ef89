//! Texts of others as people may be shown them. A plugin writes log lines, messages and a manifest, a provider names its
//! groups and doors; whatever stands in them must not move the cursor of whoever reads it, forge a line, or turn the
//! direction of reading.

use std::fmt::{self, Display, Formatter, Write as _};

/// A text that stays on its line: whatever would end it, move the cursor or turn the direction of reading is written
/// out.
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

/// Whether a letter is one, and no order to whatever shows it.
pub fn is_plain(letter: char) -> bool {
    let turns = matches!(letter, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    !letter.is_control() && !turns
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
    fn lines_stay_lines_and_orders_to_a_terminal_do_not_stay_orders() {
        assert_eq!(Lines("one\ntwo\u{1b}[2J\r\n").to_string(), "one\ntwo\\u{1b}[2J\\r\n");
        assert_eq!(Lines("").to_string(), "");
    }
}
