//! What a gym decides about its installation, as `connection.connect` takes it: a JSON text, checked field by field.

use crate::contract::types::Problem;
use crate::json::{self, Fields, Json, Object, Text, Value, Wrong, array};
use crate::kisi::users::Invitation;

/// The JSON Schema of [`Settings`], for hosts that build a form from it.
pub const SCHEMA: &str = include_str!("settings.schema.json");

/// Longest grace, in days: beyond a year it is a free membership.
const GRACE_DAYS_MAX: u16 = 365;
/// Longest lease, in days: beyond a year it protects nobody.
const LEASE_DAYS_MAX: u16 = 365;
/// Longest identifier and contact, in characters: they are sent as headers with each request.
const INTEGRATION_CHARS_MAX: usize = 100;

const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

/// A gym's decisions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Who the requests come from.
    pub integration: Integration,
    /// How long access goes on after a payment became overdue, in days.
    pub grace_days: u16,
    /// After how many days without being confirmed access ends by itself; 0: never.
    pub lease_days: u16,
    /// What a blocked or deleted member loses.
    pub on_block: OnBlock,
    /// What happens when Kisi knows nobody by a member's e-mail address.
    pub missing_user: MissingUser,
    /// Whether Kisi writes to people for whom an account is created.
    pub invitation: Invitation,
    /// How much a reconciliation may remove without being confirmed.
    pub brake: Brake,
    /// The places whose groups are looked after; all when there are none.
    pub places: Vec<PlaceId>,
}

/// A place by Kisi's id, as the contract writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlaceId(pub String);

/// How much a reconciliation may remove without being confirmed: it waits when it would remove more than both say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Brake {
    /// So many grants.
    pub grants: u64,
    /// So many percent of all grants.
    pub percent: u64,
}

impl Default for Brake {
    fn default() -> Brake {
        Brake { grants: 10, percent: 20 }
    }
}

/// How the platform introduces itself to Kisi, which requires both of integration partners (C).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Integration {
    /// The partner's name.
    pub identifier: String,
    /// An e-mail address where Kisi reaches the partner.
    pub contact: String,
}

/// What a blocked or deleted member loses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnBlock {
    /// All groups, those given by hand in Kisi included.
    #[default]
    All,
    /// Only what the plugin gave.
    Ours,
}

/// What happens when Kisi knows nobody by a member's e-mail address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MissingUser {
    /// An account is created.
    #[default]
    Create,
    /// The member gets nothing, and the reason says so.
    Report,
}

const ON_BLOCK: [(&str, OnBlock); 2] = [("all", OnBlock::All), ("ours", OnBlock::Ours)];
const MISSING_USER: [(&str, MissingUser); 2] =
    [("create", MissingUser::Create), ("report", MissingUser::Report)];
const INVITATION: [(&str, Invitation); 2] =
    [("kisi-mail", Invitation::KisiMail), ("managed", Invitation::Managed)];

impl Json for Settings {
    fn read(value: &Value, wrong: &Wrong) -> Self {
        let fields = Fields::of(value, wrong);
        fields.only(&[
            "integration",
            "grace_days",
            "lease_days",
            "on_block",
            "missing_user",
            "invitation",
            "brake",
            "places",
        ]);
        let days = |field| u16::try_from(fields.optional_number(field).unwrap_or(0)).unwrap_or(u16::MAX);
        Settings {
            integration: fields.of_type("integration"),
            grace_days: days("grace_days"),
            lease_days: days("lease_days"),
            on_block: fields.optional_word("on_block", &ON_BLOCK).unwrap_or_default(),
            missing_user: fields.optional_word("missing_user", &MISSING_USER).unwrap_or_default(),
            invitation: fields.optional_word("invitation", &INVITATION).unwrap_or(Invitation::KisiMail),
            brake: fields.optional("brake").unwrap_or_default(),
            places: fields.list("places"),
        }
    }
}

impl Json for PlaceId {
    fn read(value: &Value, wrong: &Wrong) -> Self {
        PlaceId(json::text(value).map(str::to_string).unwrap_or_else(|| {
            wrong.note("", "is no text");
            String::new()
        }))
    }
}

impl Json for Integration {
    fn read(value: &Value, wrong: &Wrong) -> Self {
        let fields = Fields::of(value, wrong);
        fields.only(&["identifier", "contact"]);
        Integration { identifier: fields.text("identifier"), contact: fields.text("contact") }
    }
}

impl Json for Brake {
    fn read(value: &Value, wrong: &Wrong) -> Self {
        let fields = Fields::of(value, wrong);
        fields.only(&["grants", "percent"]);
        let Brake { grants, percent } = Brake::default();
        Brake {
            grants: fields.optional_number("grants").unwrap_or(grants),
            percent: fields.optional_number("percent").unwrap_or(percent),
        }
    }
}

impl From<&Settings> for Text {
    fn from(settings: &Settings) -> Text {
        let integration = Object::default()
            .with("identifier", settings.integration.identifier.as_str())
            .with("contact", settings.integration.contact.as_str());
        let brake =
            Object::default().with("grants", settings.brake.grants).with("percent", settings.brake.percent);
        Object::default()
            .with("integration", integration)
            .with("grace_days", u64::from(settings.grace_days))
            .with("lease_days", u64::from(settings.lease_days))
            .with("on_block", json::word(&ON_BLOCK, settings.on_block))
            .with("missing_user", json::word(&MISSING_USER, settings.missing_user))
            .with("invitation", json::word(&INVITATION, settings.invitation))
            .with("brake", brake)
            .with("places", array(&settings.places, |place| Text::from(place.0.as_str())))
            .into()
    }
}

impl Settings {
    /// Reads and checks a JSON text.
    ///
    /// # Errors
    /// What is wrong, each with the field it is about.
    pub fn parse(text: &str) -> Result<Settings, Vec<Problem>> {
        let settings: Settings = json::from_slice(text.as_bytes()).map_err(|error| {
            vec![problem(if error.path.is_empty() { "settings" } else { &error.path }, &error.problem)]
        })?;
        let problems = settings.problems();
        if problems.is_empty() { Ok(settings) } else { Err(problems) }
    }

    /// How long access goes on after a payment became overdue, in milliseconds.
    pub fn grace_ms(&self) -> u64 {
        u64::from(self.grace_days) * DAY_MS
    }

    /// How long a grant lasts without being confirmed, in milliseconds; 0: for ever.
    pub fn lease_ms(&self) -> u64 {
        u64::from(self.lease_days) * DAY_MS
    }

    /// Whether what is limited to a place is looked after. What is limited to none spans all of them.
    pub fn chooses(&self, place: Option<u64>) -> bool {
        let is_it = |chosen: &PlaceId| place.is_none_or(|place| chosen.0 == place.to_string());
        self.places.is_empty() || self.places.iter().any(is_it)
    }

    fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if self.grace_days > GRACE_DAYS_MAX {
            problems.push(problem("grace_days", "is from 0 to 365"));
        }
        if self.lease_days > LEASE_DAYS_MAX {
            problems.push(problem("lease_days", "is from 0 to 365"));
        }
        if self.brake.percent > 100 {
            problems.push(problem("brake.percent", "is from 0 to 100"));
        }
        for (path, text) in [
            ("integration.identifier", &self.integration.identifier),
            ("integration.contact", &self.integration.contact),
        ] {
            let printable = text.chars().all(|char| char.is_ascii_graphic() || char == ' ');
            if text.trim().is_empty() || text.chars().count() > INTEGRATION_CHARS_MAX || !printable {
                problems.push(problem(path, "is 1 to 100 printable ASCII characters"));
            }
        }
        if problems.is_empty() && !self.integration.contact.contains('@') {
            problems.push(problem(
                "integration.contact",
                "is an e-mail address, for example doors@platform.example",
            ));
        }
        problems
    }
}

/// Something wrong with a field.
pub fn problem(path: &str, message: &str) -> Problem {
    Problem { path: path.to_string(), message: message.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTEGRATION: &str = r#""integration":{"identifier":"Gym","contact":"a@b.test"}"#;

    #[test]
    fn what_is_left_out_has_the_documented_default() {
        let settings = Settings::parse(&format!("{{{INTEGRATION}}}")).unwrap();
        assert_eq!(
            (settings.grace_days, settings.on_block, settings.missing_user, settings.invitation),
            (0, OnBlock::All, MissingUser::Create, Invitation::KisiMail)
        );
    }

    #[test]
    fn the_published_schema_says_what_the_settings_take() {
        let read = |text: Vec<u8>| serde_json::from_slice::<serde_json::Value>(&text).unwrap();
        let schema = read(SCHEMA.into());
        let properties = &schema["properties"];
        let settings = Settings::parse(&format!("{{{INTEGRATION}}}")).unwrap();
        let written = read(Text::from(&settings).into_bytes());
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
                assert_eq!(read(Text::from(&Settings::parse(&text).unwrap()).into_bytes())[name], *word);
            }
        }
        assert_eq!(properties["grace_days"]["maximum"], GRACE_DAYS_MAX);
        assert_eq!(properties["lease_days"]["maximum"], LEASE_DAYS_MAX);
        assert_eq!(schema["required"], serde_json::json!(["integration"]));
    }

    #[test]
    fn what_is_wrong_is_named_with_its_field() {
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
        ] {
            let problems = Settings::parse(&settings).expect_err(&settings);
            assert_eq!(problems[0].path, path, "{settings}: {problems:?}");
        }
    }
}
