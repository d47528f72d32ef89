//! The configuration of an installation. It holds no key.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::members::Zone;

/// The name of its file.
pub(super) const FILE: &str = "installation.json";

/// What `harness connect` was given and found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Config {
    /// Kisi's address.
    pub(super) kisi: String,
    /// The plugin's file.
    pub(super) component: PathBuf,
    /// The SHA-256 of the plugin that was approved.
    pub(super) component_sha256: String,
    /// The approved origins.
    pub(super) origins: BTreeSet<String>,
    /// The folder of the gym's files.
    pub(super) members: PathBuf,
    /// The gym's time zone, for the days in these files. Earlier versions wrote a difference from UTC.
    #[serde(alias = "utc_offset")]
    pub(super) time_zone: Zone,
    /// Whether requests are sent as fast as they are answered.
    pub(super) unpaced: bool,
    /// The plugin's settings.
    pub(super) settings: Map<String, Value>,
    /// Kisi's places when `harness connect` last ran.
    #[serde(default)]
    pub(super) places: Vec<Place>,
    /// The optional columns that the members' file had last.
    #[serde(default)]
    pub(super) columns: BTreeSet<String>,
}

/// One of the gym's places.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    pub(super) id: String,
    pub(super) name: String,
    /// Whether its groups are managed.
    pub(super) chosen: bool,
}

/// The names of the places that are chosen, or of the others.
pub(super) fn named(places: &[Place], chosen: bool) -> Vec<String> {
    places.iter().filter(|place| place.chosen == chosen).map(|place| place.name.clone()).collect()
}
