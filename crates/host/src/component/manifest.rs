//! Checks a manifest: the host must be able to do what it asks for.

use http::{HeaderName, HeaderValue};
use semver::Version;
use thiserror::Error;

use crate::contract::provider::{Credential, Manifest};
use crate::egress::policy::may_carry_key;
use crate::egress::{Origin, OriginError};
use crate::shown::is_plain;

/// The version of the contract that this host implements.
pub const CONTRACT_VERSION: &str = "0.1.0";
/// Longest name, title or version, in characters: they appear on a marketplace's page.
const TEXT_CHARS_MAX: usize = 100;
/// Longest origin: `https://`, the longest host name, a port.
const ORIGIN_BYTES_MAX: usize = 270;
/// Most kinds of data to read; there are four.
const READS_MAX: usize = 16;
/// Most origins. A provider has one or two.
const ORIGINS_MAX: usize = 16;
/// Longest settings schema, in bytes.
const SCHEMA_BYTES_MAX: usize = 256 << 10;
/// Longest instructions, in bytes.
const INSTRUCTIONS_BYTES_MAX: usize = 4 << 10;

/// What is wrong with a manifest. The plugin's developer must change it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ManifestError {
    /// The name is empty, too long, or not made of lower-case letters, digits and hyphens.
    #[error("name: {0:?} needs 1 to 100 lower-case letters, digits and hyphens")]
    Name(String),
    /// The title is empty or too long.
    #[error("title: it has {0} characters, and 1 to 100 are allowed")]
    Title(usize),
    /// The title has line ends or other control characters, which would affect a terminal.
    #[error("title: it has control characters")]
    TitleCharacters,
    /// A version is not a semantic version, or longer than 100 bytes.
    #[error("{field}: {version:?} is not a semantic version such as 1.2.3")]
    Version {
        /// `version` or `contract`.
        field: &'static str,
        /// Its value.
        version: String,
    },
    /// The plugin was built for a version of the contract that this host does not implement.
    #[error("contract: it was built for version {plugin}, and this host implements {host}")]
    Contract {
        /// The plugin's version.
        plugin: Version,
        /// The host's version.
        host: &'static str,
    },
    /// There is no origin, or there are too many.
    #[error("origins: there are {0}, and 1 to 16 are allowed")]
    OriginCount(usize),
    /// One of the origins is not acceptable.
    #[error("origins[{index}]: {error}")]
    Origin {
        /// Its index, from 0.
        index: usize,
        /// What is wrong with it.
        error: OriginError,
    },
    /// It lists more kinds of data to read than there are.
    #[error("reads: there are {0} entries, and 16 are allowed")]
    ReadsCount(usize),
    /// The key cannot be sent in this header.
    #[error(
        "credential.header: {0:?} is not a header that can carry a key; use authorization or one of the provider's own, in lower case"
    )]
    CredentialHeader(String),
    /// The prefix cannot be sent in a header.
    #[error("credential.prefix: it has characters that no header may have")]
    CredentialPrefix,
    /// The instructions are too long.
    #[error("credential.instructions: they have {0} bytes, and 4096 are allowed")]
    Instructions(usize),
    /// The instructions have control characters other than line ends, which would affect a terminal.
    #[error("credential.instructions: they have control characters")]
    InstructionsCharacters,
    /// The settings schema is not a JSON object.
    #[error("settings-schema: {0}")]
    SettingsSchema(String),
}

/// Checks a manifest. Returns its normalized origins, and the header for the key.
pub(super) fn check(manifest: &Manifest) -> Result<(Vec<Origin>, HeaderName), ManifestError> {
    let Manifest { name, title, version, contract, origins, credential, reads, settings_schema } = manifest;
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if name.is_empty() || name.len() > TEXT_CHARS_MAX || !name.bytes().all(plain) {
        return Err(ManifestError::Name(excerpt(name)));
    }
    let title_chars = title.chars().count();
    if !(1..=TEXT_CHARS_MAX).contains(&title_chars) {
        return Err(ManifestError::Title(title_chars));
    }
    if !title.chars().all(is_plain) {
        return Err(ManifestError::TitleCharacters);
    }
    semantic("version", version)?;
    check_contract(semantic("contract", contract)?)?;
    if !(1..=ORIGINS_MAX).contains(&origins.len()) {
        return Err(ManifestError::OriginCount(origins.len()));
    }
    let origins = origins
        .iter()
        .enumerate()
        .map(|(index, origin)| parse_origin(origin).map_err(|error| ManifestError::Origin { index, error }));
    let origins = origins.collect::<Result<Vec<Origin>, _>>()?;
    if reads.len() > READS_MAX {
        return Err(ManifestError::ReadsCount(reads.len()));
    }
    let key_header = check_credential(credential)?;
    check_schema(settings_schema)?;
    Ok((origins, key_header))
}

fn parse_origin(origin: &str) -> Result<Origin, OriginError> {
    match origin.len() > ORIGIN_BYTES_MAX {
        true => Err(OriginError::Form(excerpt(origin))),
        false => origin.parse(),
    }
}

/// The start of a text, for an error: the plugin's text may be long.
fn excerpt(text: &str) -> String {
    text.chars().take(TEXT_CHARS_MAX).collect()
}

fn semantic(field: &'static str, version: &str) -> Result<Version, ManifestError> {
    let parsed = Version::parse(version).ok().filter(|_| version.len() <= TEXT_CHARS_MAX);
    parsed.ok_or_else(|| ManifestError::Version { field, version: excerpt(version) })
}

/// Before 1.0 the second number marks breaking changes; from 1.0 on, the first.
fn check_contract(plugin: Version) -> Result<(), ManifestError> {
    let fits = Version::parse(CONTRACT_VERSION).is_ok_and(|host| {
        plugin.major == host.major && (host.major > 0 || plugin.minor == host.minor) && plugin.pre == host.pre
    });
    if fits { Ok(()) } else { Err(ManifestError::Contract { plugin, host: CONTRACT_VERSION }) }
}

fn check_credential(credential: &Credential) -> Result<HeaderName, ManifestError> {
    let Credential { header, prefix, instructions } = credential;
    let lower_case = HeaderName::from_lowercase(header.as_bytes()).ok().filter(may_carry_key);
    let name = lower_case.ok_or_else(|| ManifestError::CredentialHeader(excerpt(header)))?;
    // The key's characters are checked when the tenant is built; here only the prefix matters.
    if prefix.len() > TEXT_CHARS_MAX || HeaderValue::from_str(prefix).is_err() {
        return Err(ManifestError::CredentialPrefix);
    }
    if instructions.len() > INSTRUCTIONS_BYTES_MAX {
        return Err(ManifestError::Instructions(instructions.len()));
    }
    match instructions.chars().all(|letter| letter == '\n' || is_plain(letter)) {
        true => Ok(name),
        false => Err(ManifestError::InstructionsCharacters),
    }
}

fn check_schema(schema: &str) -> Result<(), ManifestError> {
    let wrong = |message: String| Err(ManifestError::SettingsSchema(message));
    if schema.len() > SCHEMA_BYTES_MAX {
        return wrong(format!("it has {} bytes, and {SCHEMA_BYTES_MAX} are allowed", schema.len()));
    }
    match serde_json::from_str::<serde_json::Value>(schema) {
        Ok(serde_json::Value::Object(_)) => Ok(()),
        Ok(_) => wrong("it is not a JSON object".to_owned()),
        Err(error) => wrong(format!("it is not JSON: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::provider::DirectoryData;

    fn manifest() -> Manifest {
        Manifest {
            name: "example".to_owned(),
            title: "Example doors".to_owned(),
            version: "1.2.3".to_owned(),
            contract: "0.1.7".to_owned(),
            origins: vec!["https://api.example.com".to_owned()],
            credential: Credential {
                header: "authorization".to_owned(),
                prefix: "LOGIN ".to_owned(),
                instructions: "An API key.\nOf the gym's.".to_owned(),
            },
            reads: Vec::new(),
            settings_schema: "{}".to_owned(),
        }
    }

    #[test]
    fn a_valid_manifest_gives_its_origins_and_the_key_s_header() {
        let (origins, key_header) = check(&manifest()).unwrap();
        assert_eq!(origins, ["https://api.example.com".parse().unwrap()]);
        assert_eq!(key_header, "authorization");
    }

    #[test]
    fn an_unacceptable_manifest_is_refused_with_the_field_s_name() {
        type Change = fn(&mut Manifest);
        let table: [(&str, Change); 25] = [
            ("name:", |manifest| manifest.name = String::new()),
            ("name:", |manifest| manifest.name = "Example".to_owned()),
            ("title:", |manifest| manifest.title = String::new()),
            ("title:", |manifest| manifest.title = "Doors\u{1b}[2J".to_owned()),
            ("version:", |manifest| manifest.version = format!("1.0.0+{}", "a".repeat(200))),
            ("reads:", |manifest| manifest.reads = vec![DirectoryData::Names; 17]),
            ("origins[0]:", |manifest| manifest.origins = vec!["x".repeat(10_000)]),
            ("name:", |manifest| manifest.name = "X".repeat(10_000)),
            ("version:", |manifest| manifest.version = "1".to_owned()),
            ("contract:", |manifest| manifest.contract = "one".to_owned()),
            ("contract:", |manifest| manifest.contract = "0.2.0".to_owned()),
            ("contract:", |manifest| manifest.contract = "1.0.0".to_owned()),
            ("contract:", |manifest| manifest.contract = "0.1.0-beta".to_owned()),
            ("origins:", |manifest| manifest.origins.clear()),
            ("origins[1]:", |manifest| manifest.origins.push("http://api.example.com".to_owned())),
            ("origins[1]:", |manifest| manifest.origins.push("https://127.0.0.1".to_owned())),
            ("credential.header:", |manifest| manifest.credential.header = "Authorization".to_owned()),
            ("credential.header:", |manifest| manifest.credential.header = "host".to_owned()),
            ("credential.prefix:", |manifest| manifest.credential.prefix = "a\r\nb: ".to_owned()),
            ("credential.instructions:", |manifest| manifest.credential.instructions = "x".repeat(5_000)),
            ("credential.instructions:", |manifest| {
                manifest.credential.instructions = "A key.\u{1b}[2J".to_owned();
            }),
            ("credential.instructions:", |manifest| {
                manifest.credential.instructions = "A key.\rA password.".to_owned();
            }),
            ("title:", |manifest| manifest.title = "Doors \u{202e}".to_owned()),
            ("settings-schema:", |manifest| manifest.settings_schema = "[]".to_owned()),
            ("settings-schema:", |manifest| manifest.settings_schema = "{".to_owned()),
        ];
        for (place, change) in table {
            let mut manifest = manifest();
            change(&mut manifest);
            let error = check(&manifest).unwrap_err().to_string();
            assert!(error.starts_with(place) && error.len() < 300, "{place} {error}");
        }
    }

    #[test]
    fn the_host_s_contract_version_is_a_version() {
        assert!(Version::parse(CONTRACT_VERSION).is_ok());
    }
}
