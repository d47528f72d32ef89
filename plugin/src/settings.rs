//! A gym's settings: the JSON text of `connection.connect`, checked field by field.

use serde::{Deserialize, Serialize};

use crate::contract::types::Problem;
use crate::json::{self, fields, fields_or_default, or_default, word_or_default};
use crate::kisi::time::DAY_MS;
use crate::kisi::users::Invitation;

/// The JSON Schema of [`Settings`], from which hosts build a form.
pub const SCHEMA: &str = include_str!("settings.schema.json");

/// Longest grace in days. Beyond a year it is a free membership.
const GRACE_DAYS_MAX: u64 = 365;
/// Longest lease in days. Beyond a year it protects no gym.
const LEASE_DAYS_MAX: u64 = 365;
/// Longest identifier and contact in characters. Each request sends them as headers.
const INTEGRATION_CHARS_MAX: usize = 100;

/// A gym's settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Identifies the platform to Kisi.
    #[serde(deserialize_with = "fields")]
    pub integration: Integration,
    /// Days that access continues after a payment became overdue.
    #[serde(default, deserialize_with = "or_default")]
    pub grace_days: u64,
    /// Days after which access ends by itself unless it is confirmed; 0: never.
    #[serde(default, deserialize_with = "or_default")]
    pub lease_days: u64,
    /// What a blocked or deleted member loses.
    #[serde(default, deserialize_with = "word_or_default")]
    pub on_block: OnBlock,
    /// What happens when Kisi has no user with a member's e-mail address.
    #[serde(default, deserialize_with = "word_or_default")]
    pub missing_user: MissingUser,
    /// Whether Kisi writes to new users.
    #[serde(default, deserialize_with = "word_or_default")]
    pub invitation: Invitation,
    /// How much a sync may remove without confirmation.
    #[serde(default, deserialize_with = "fields_or_default")]
    pub brake: Brake,
    /// The places whose groups are managed, by Kisi's id as text; all when empty.
    #[serde(default, deserialize_with = "or_default")]
    pub places: Vec<String>,
}

/// How much a sync may remove without confirmation: it waits when it would exceed both limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Brake {
    /// Number of grants.
    pub grants: u64,
    /// Percent of all grants.
    pub percent: u64,
}

impl Default for Brake {
    fn default() -> Brake {
        Brake { grants: 10, percent: 20 }
    }
}

/// How the platform identifies itself. Kisi requires both of integration partners (C).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Integration {
    /// The partner's name.
    pub identifier: String,
    /// The partner's e-mail address.
    pub contact: String,
}

/// What a blocked or deleted member loses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnBlock {
    /// All groups, including those added manually in Kisi.
    #[default]
    All,
    /// Only the plugin's own grants.
    Ours,
}

/// What happens when Kisi has no user with a member's e-mail address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MissingUser {
    /// The plugin creates a user.
    #[default]
    Create,
    /// The member gets no access, and the reason says so.
    Report,
}

impl Settings {
    /// Reads and checks a JSON text.
    ///
    /// # Errors
    /// Every problem with its field.
    pub fn parse(text: &str) -> Result<Settings, Vec<Problem>> {
        let settings: Settings = json::with_path(text.as_bytes()).map_err(|error| {
            vec![problem(if error.path.is_empty() { "settings" } else { &error.path }, &error.problem)]
        })?;
        let problems = settings.problems();
        if problems.is_empty() { Ok(settings) } else { Err(problems) }
    }

    /// Milliseconds that access continues after a payment became overdue.
    pub fn grace_ms(&self) -> u64 {
        self.grace_days.saturating_mul(DAY_MS)
    }

    /// Milliseconds that a grant lasts without confirmation; 0: without limit.
    pub fn lease_ms(&self) -> u64 {
        self.lease_days.saturating_mul(DAY_MS)
    }

    /// Whether groups of a place are managed. A group without a place spans all of them.
    pub fn chooses(&self, place: Option<u64>) -> bool {
        let is_it = |chosen: &String| place.is_none_or(|place| *chosen == place.to_string());
        self.places.is_empty() || self.places.iter().any(is_it)
    }

    fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if self.grace_days > GRACE_DAYS_MAX {
            problems.push(problem("grace_days", "must be from 0 to 365"));
        }
        if self.lease_days > LEASE_DAYS_MAX {
            problems.push(problem("lease_days", "must be from 0 to 365"));
        }
        if self.brake.percent > 100 {
            problems.push(problem("brake.percent", "must be from 0 to 100"));
        }
        for (path, text) in [
            ("integration.identifier", &self.integration.identifier),
            ("integration.contact", &self.integration.contact),
        ] {
            let printable = text.chars().all(|char| char.is_ascii_graphic() || char == ' ');
            if text.trim().is_empty() || text.chars().count() > INTEGRATION_CHARS_MAX || !printable {
                problems.push(problem(path, "must be 1 to 100 printable ASCII characters"));
            }
        }
        if problems.is_empty() && !self.integration.contact.contains('@') {
            problems.push(problem(
                "integration.contact",
                "must be an e-mail address, for example doors@platform.example",
            ));
        }
        problems
    }
}

/// A problem of a field.
pub fn problem(path: &str, message: &str) -> Problem {
    Problem { path: path.to_string(), message: message.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTEGRATION: &str = r#""integration":{"identifier":"Gym","contact":"a@b.test"}"#;

    #[test]
    fn absent_and_null_settings_have_the_documented_default() {
        let settings = Settings::parse(&format!("{{{INTEGRATION}}}")).unwrap();
        let null = r#""grace_days":null,"invitation":null,"brake":null,"places":null"#;
        assert_eq!(Settings::parse(&format!("{{{INTEGRATION},{null}}}")).as_ref(), Ok(&settings));
        assert_eq!(
            (settings.grace_days, settings.on_block, settings.missing_user, settings.invitation),
            (0, OnBlock::All, MissingUser::Create, Invitation::KisiMail)
        );
    }

    #[test]
    fn the_published_schema_matches_the_settings() {
        let schema: serde_json::Value = serde_json::from_str(SCHEMA).unwrap();
        let properties = &schema["properties"];
        let settings = Settings::parse(&format!("{{{INTEGRATION}}}")).unwrap();
        let written = serde_json::to_value(&settings).unwrap();
        assert_eq!(
            properties.as_object().unwrap().keys().collect::<Vec<_>>(),
            written.as_object().unwrap().keys().collect::<Vec<_>>()
        );
        for (name, property) in properties.as_object().unwrap() {
            if let Some(default) = property.get("default") {
                assert_eq!(default, &written[name], "the default of {name}");
            }
            for word in property.get("enum").and_then(|words| words.as_array()).into_iter().flatten() {
                let text = format!("{{{INTEGRATION},\"{name}\":{word}}}");
                let settings = Settings::parse(&text).unwrap();
                assert_eq!(serde_json::to_value(&settings).unwrap()[name], *word);
            }
        }
        assert_eq!(properties["grace_days"]["maximum"], GRACE_DAYS_MAX);
        assert_eq!(properties["lease_days"]["maximum"], LEASE_DAYS_MAX);
        assert_eq!(schema["required"], serde_json::json!(["integration"]));
    }

    #[test]
    fn a_wrong_setting_is_named_with_its_field() {
        for (settings, path) in [
            ("".to_string(), "settings"),
            ("[]".to_string(), "settings"),
            ("{}".to_string(), "integration"),
            (format!("{{{INTEGRATION}}} x"), "settings"),
            (format!(r#"{{{INTEGRATION},"grace_days":"many"}}"#), "grace_days"),
            (format!(r#"{{{INTEGRATION},"grace_days":-1}}"#), "grace_days"),
            (format!(r#"{{{INTEGRATION},"grace_days":366}}"#), "grace_days"),
            (format!(r#"{{{INTEGRATION},"lease_days":366}}"#), "lease_days"),
            (format!(r#"{{{INTEGRATION},"on_block":"some"}}"#), "on_block"),
            (format!(r#"{{{INTEGRATION},"graceDays":3}}"#), "graceDays"),
            (format!(r#"{{{INTEGRATION},"places":"12"}}"#), "places"),
            (format!(r#"{{{INTEGRATION},"places":["12",13]}}"#), "places[1]"),
            (r#"{"integration":{"identifier":"Gym"}}"#.to_string(), "integration.contact"),
            (
                r#"{"integration":{"identifier":" ","contact":"a@b.test"}}"#.to_string(),
                "integration.identifier",
            ),
            (
                r#"{"integration":{"identifier":"Gym","contact":"a\r\nb@c.test"}}"#.to_string(),
                "integration.contact",
            ),
            (r#"{"integration":{"identifier":"Gym","contact":"nobody"}}"#.to_string(), "integration.contact"),
            (r#"{"integration":["Gym","a@b.test"]}"#.to_string(), "integration"),
            (format!(r#"{{{INTEGRATION},"brake":[1,2]}}"#), "brake"),
            (format!(r#"{{{INTEGRATION},"on_block":{{"all":null}}}}"#), "on_block"),
            (format!(r#"{{{INTEGRATION},"grace_days":3,"grace_days":9}}"#), "grace_days"),
        ] {
            let problems = Settings::parse(&settings).expect_err(&settings);
            assert_eq!(problems[0].path, path, "{settings}: {problems:?}");
        }
    }
}
