//! The place of every field of a scenario by its path. The plugin reports mistakes in settings by path.

use std::collections::BTreeMap;
use std::ops::Range;

use toml::de::{DeTable, DeValue};

use super::source::Source;
use crate::unusable::Place;

/// The place of every field that is written in a scenario.
pub(crate) struct Places {
    by_path: BTreeMap<String, Place>,
    /// The place for a path that has none.
    start: Place,
}

impl Places {
    /// The places in this text. The path of `a` in the first `[[steps]]` is `steps[0].a`.
    pub(super) fn of(source: &Source) -> Places {
        let mut places = Places { by_path: BTreeMap::new(), start: source.place(0) };
        // Text that is not TOML was refused before.
        if let Ok(document) = DeTable::parse(source.text) {
            places.table("", document.get_ref(), source);
        }
        places
    }

    /// The place of this path, or of the innermost field around it when it is left out.
    pub(crate) fn nearest(&self, path: &str) -> &Place {
        match (self.by_path.get(path), path.rsplit_once(['.', '['])) {
            (Some(place), _) => place,
            (None, Some((around, _))) => self.nearest(around),
            (None, None) => &self.start,
        }
    }

    fn table(&mut self, path: &str, table: &DeTable, source: &Source) {
        for (key, value) in table {
            let joint = if path.is_empty() { "" } else { "." };
            self.value(&format!("{path}{joint}{}", key.get_ref()), key.span(), value.get_ref(), source);
        }
    }

    fn value(&mut self, path: &str, span: Range<usize>, value: &DeValue, source: &Source) {
        self.by_path.insert(path.to_owned(), source.place(span.start));
        match value {
            DeValue::Table(table) => self.table(path, table, source),
            DeValue::Array(values) => {
                for (index, value) in values.iter().enumerate() {
                    self.value(&format!("{path}[{index}]"), value.span(), value.get_ref(), source);
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
[settings]
grace_days = 3
integration = { identifier = \"Gym\" }

[[steps]]
advance = \"1d\"

[[steps]]
connect.settings = { grace_days = 4 }
";

    #[test]
    fn a_path_leads_to_its_field_or_to_the_innermost_field_around_it() {
        let places = Places::of(&Source { file: "s.toml", text: TEXT });
        for (path, place) in [
            ("settings.grace_days", "2:1"),
            ("settings.integration.identifier", "3:17"),
            ("settings.integration.contact", "3:1"),
            ("settings.on_block", "1:2"),
            ("settings.integration[2].x", "3:1"),
            ("steps[1].connect.settings.grace_days", "9:22"),
            ("steps[1].connect.settings.on_block", "9:9"),
            ("steps[2].connect", "5:3"),
            ("mappings[0].group", "1:1"),
        ] {
            assert_eq!(places.nearest(path).to_string(), format!("s.toml:{place}"), "{path}");
        }
    }
}
