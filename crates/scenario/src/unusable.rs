//! Mistakes in what was given, as sentences, each with its place in a file when it has one.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;

/// Most equal sentences that are printed one by one.
const ALIKE_MAX: usize = 3;
/// Most sentences that are printed at once.
const TOLD_MAX: usize = 40;

/// A place in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file, as the user named it.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1, in characters.
    pub column: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// One mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    place: Option<Place>,
    message: String,
}

impl Wrong {
    /// A mistake at a place in a file.
    pub fn at(place: Place, message: impl Into<String>) -> Wrong {
        Wrong { place: Some(place), message: message.into() }
    }

    /// A mistake without a place in a file.
    pub fn plain(message: impl Into<String>) -> Wrong {
        Wrong { place: None, message: message.into() }
    }
}

/// Shortens a long list: a mistake that is the same in many rows is reported once, with its last line.
pub fn told_once(all: Vec<Wrong>) -> Vec<Wrong> {
    let mut lines: BTreeMap<(String, String), Vec<usize>> = BTreeMap::new();
    let alike = |wrong: &Wrong| {
        wrong.place.as_ref().map(|place| ((place.file.clone(), wrong.message.clone()), place.line))
    };
    for (key, line) in all.iter().filter_map(alike) {
        lines.entry(key).or_default().push(line);
    }
    let once = |wrong: Wrong| {
        let Some((key, line)) = alike(&wrong) else { return Some(wrong) };
        match lines.get(&key).map(Vec::as_slice) {
            Some([first, more @ .., last]) if more.len() + 2 > ALIKE_MAX => (line == *first).then(|| {
                let message = format!("{} (and in {} more rows, up to line {last})", key.1, more.len() + 1);
                Wrong { message, ..wrong }
            }),
            _ => Some(wrong),
        }
    };
    let mut told: Vec<Wrong> = all.into_iter().filter_map(once).collect();
    if let more @ 1.. = told.len().saturating_sub(TOLD_MAX) {
        told.truncate(TOLD_MAX);
        told.push(Wrong::plain(format!("and {more} more: correct these first")));
    }
    told
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Some(place) => write!(f, "{place}: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

/// What was given cannot be used: the scenario, the component, the key file, the address. Its text, a line for each
/// mistake, says what to do.
#[derive(Debug, PartialEq, Eq)]
pub struct Unusable(Vec<Wrong>);

impl Unusable {
    /// A mistake without a place in a file, or one whose place the caller adds.
    pub fn new(message: impl Into<String>) -> Unusable {
        Unusable(vec![Wrong { place: None, message: message.into() }])
    }

    /// Puts words in front of each sentence.
    pub fn headed(self, head: &str) -> Unusable {
        let headed = |wrong: Wrong| Wrong { message: format!("{head}: {}", wrong.message), ..wrong };
        Unusable(self.0.into_iter().map(headed).collect())
    }

    /// Adds a place to the mistakes that have none.
    pub fn at(self, place: &Place) -> Unusable {
        let placed = |wrong: Wrong| Wrong { place: wrong.place.or_else(|| Some(place.clone())), ..wrong };
        Unusable(self.0.into_iter().map(placed).collect())
    }
}

impl From<Vec<Wrong>> for Unusable {
    fn from(wrong: Vec<Wrong>) -> Unusable {
        Unusable(wrong)
    }
}

impl Error for Unusable {}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A sentence may quote a plugin: its line breaks must not look like several mistakes.
        let lines: Vec<String> = self.0.iter().map(|wrong| wrong.to_string().replace('\n', " ")).collect();
        f.write_str(&lines.join("\n"))
    }
}

/// An [`Unusable`] as the result of a function.
pub fn unusable<T>(message: impl Into<String>) -> Result<T, Unusable> {
    Err(Unusable::new(message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_in_many_rows_is_told_once() {
        let wrong =
            |line, message: &str| Wrong::at(Place { file: "m.csv".to_owned(), line, column: 1 }, message);
        let mut all: Vec<Wrong> = (2..302).map(|line| wrong(line, "no plan `x`")).collect();
        all.extend([wrong(5, "no status"), wrong(6, "no status"), wrong(7, "no status"), Wrong::plain("y")]);
        let told = Unusable::from(told_once(all)).to_string();
        assert_eq!(
            told,
            "m.csv:2:1: no plan `x` (and in 299 more rows, up to line 301)\nm.csv:5:1: no status\nm.csv:6:1: no status\n\
             m.csv:7:1: no status\ny"
        );
        let all: Vec<Wrong> = (2..302).map(|line| wrong(line, &format!("{line} is there"))).collect();
        let told = Unusable::from(told_once(all)).to_string();
        assert_eq!(told.lines().count(), TOLD_MAX + 1);
        assert!(told.ends_with("m.csv:41:1: 41 is there\nand 260 more: correct these first"), "{told}");
    }

    #[test]
    fn a_sentence_that_quotes_several_lines_stays_one_line() {
        let both = Unusable::from(vec![Wrong::plain("it said: a\nharness: b"), Wrong::plain("c")]);
        assert_eq!(both.to_string(), "it said: a harness: b\nc");
    }

    #[test]
    fn the_first_place_stays() {
        let place = |line| Place { file: "s.toml".to_owned(), line, column: 1 };
        assert_eq!(Unusable::new("x").to_string(), "x");
        assert_eq!(Unusable::new("x").at(&place(2)).at(&place(3)).to_string(), "s.toml:2:1: x");
        let both = Unusable::from(vec![Wrong::at(place(4), "x"), Wrong::at(place(5), "y")]);
        assert_eq!(both.at(&place(6)).to_string(), "s.toml:4:1: x\ns.toml:5:1: y");
    }
}
