//! What is wrong, in sentences, each with its place in the scenario when it is about that.

use std::fmt;

/// Where something stands in a scenario's file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// The file, as the user named it.
    pub(crate) file: String,
    /// The line, from 1.
    pub(crate) line: usize,
    /// The column, from 1, in characters.
    pub(crate) column: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wrong {
    place: Option<Place>,
    message: String,
}

impl Wrong {
    /// Something wrong at this place of the scenario.
    pub(crate) fn at(place: Place, message: impl Into<String>) -> Wrong {
        Wrong { place: Some(place), message: message.into() }
    }
}

impl Wrong {
    /// Something wrong that has no place in a file.
    pub(crate) fn plain(message: impl Into<String>) -> Wrong {
        Wrong { place: None, message: message.into() }
    }
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
pub(crate) struct Unusable(Vec<Wrong>);

impl Unusable {
    /// For a reason that is no matter of the scenario, or whose place somebody else knows.
    pub(crate) fn new(message: impl Into<String>) -> Unusable {
        Unusable(vec![Wrong { place: None, message: message.into() }])
    }

    /// Puts a few words in front of each sentence.
    pub(crate) fn headed(self, head: &str) -> Unusable {
        let headed = |wrong: Wrong| Wrong { message: format!("{head}: {}", wrong.message), ..wrong };
        Unusable(self.0.into_iter().map(headed).collect())
    }

    /// Puts a place in front of what has none: whoever knew it first, knew it best.
    pub(crate) fn at(self, place: &Place) -> Unusable {
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
        let lines: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}

/// Ends a command with a sentence.
pub(crate) fn unusable<T>(message: impl Into<String>) -> Result<T, Unusable> {
    Err(Unusable::new(message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_that_was_known_first_stays() {
        let place = |line| Place { file: "s.toml".to_owned(), line, column: 1 };
        assert_eq!(Unusable::new("x").to_string(), "x");
        assert_eq!(Unusable::new("x").at(&place(2)).at(&place(3)).to_string(), "s.toml:2:1: x");
        let both = Unusable::from(vec![Wrong::at(place(4), "x"), Wrong::at(place(5), "y")]);
        assert_eq!(both.at(&place(6)).to_string(), "s.toml:4:1: x\ns.toml:5:1: y");
    }
}
