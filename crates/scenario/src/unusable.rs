//! What is wrong, in sentences, each with its place in the scenario when it is about that.

use std::collections::BTreeMap;
use std::fmt;

/// So many alike are told each with its line.
const ALIKE_MAX: usize = 3;
/// So many are told at once: nobody corrects more before trying again.
const TOLD_MAX: usize = 40;

/// Where something stands in a scenario's file.
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

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    place: Option<Place>,
    message: String,
}

impl Wrong {
    /// Something wrong at this place of the scenario.
    pub fn at(place: Place, message: impl Into<String>) -> Wrong {
        Wrong { place: Some(place), message: message.into() }
    }
}

impl Wrong {
    /// Something wrong that has no place in a file.
    pub fn plain(message: impl Into<String>) -> Wrong {
        Wrong { place: None, message: message.into() }
    }
}

/// What is wrong in many rows alike is told once, with how often: the three hundredth line says no more than the first.
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

/// What was given cannot be used: the scenario, the component, the key file, the address. The text says what to do.
#[derive(Debug, PartialEq, Eq)]
pub struct Unusable(Vec<Wrong>);

impl Unusable {
    /// For a reason that is no matter of the scenario, or whose place somebody else knows.
    pub fn new(message: impl Into<String>) -> Unusable {
        Unusable(vec![Wrong { place: None, message: message.into() }])
    }

    /// Puts a few words in front of each sentence.
    pub fn headed(self, head: &str) -> Unusable {
        let headed = |wrong: Wrong| Wrong { message: format!("{head}: {}", wrong.message), ..wrong };
        Unusable(self.0.into_iter().map(headed).collect())
    }

    /// Puts a place in front of what has none: whoever knew it first, knew it best.
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

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A sentence may quote a plugin, whose line ends must not make it look like several.
        let lines: Vec<String> = self.0.iter().map(|wrong| wrong.to_string().replace('\n', " ")).collect();
        f.write_str(&lines.join("\n"))
    }
}

/// Ends a command with a sentence.
pub fn unusable<T>(message: impl Into<String>) -> Result<T, Unusable> {
    Err(Unusable::new(message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_in_many_rows_is_told_once() {
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
    fn a_sentence_that_quotes_several_lines_is_one() {
        let both = Unusable::from(vec![Wrong::plain("it said: a\nharness: b"), Wrong::plain("c")]);
        assert_eq!(both.to_string(), "it said: a harness: b\nc");
    }

    #[test]
    fn the_place_that_was_known_first_stays() {
        let place = |line| Place { file: "s.toml".to_owned(), line, column: 1 };
        assert_eq!(Unusable::new("x").to_string(), "x");
        assert_eq!(Unusable::new("x").at(&place(2)).at(&place(3)).to_string(), "s.toml:2:1: x");
        let both = Unusable::from(vec![Wrong::at(place(4), "x"), Wrong::at(place(5), "y")]);
        assert_eq!(both.at(&place(6)).to_string(), "s.toml:4:1: x\ns.toml:5:1: y");
    }
}
