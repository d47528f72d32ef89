//! What was agreed on when the installation was connected. The key is not part of it.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::members::Offset;

/// The name of its file.
pub(super) const FILE: &str = "installation.json";

/// What was agreed on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Config {
    /// Where Kisi is.
    pub(super) kisi: String,
    /// The plugin.
    pub(super) component: PathBuf,
    /// Which one it was, as SHA-256.
    pub(super) component_sha256: String,
    /// The origins that it may reach.
    pub(super) origins: BTreeSet<String>,
    /// The gym's own data.
    pub(super) members: PathBuf,
    /// When the days in it begin.
    pub(super) utc_offset: Offset,
    /// Whether requests go out as fast as they are answered.
    pub(super) unpaced: bool,
    /// What the plugin was connected with.
    pub(super) settings: Map<String, Value>,
    /// The places that Kisi had then.
    #[serde(default)]
    pub(super) places: Vec<Place>,
    /// The columns of the members' file that may be there and were.
    #[serde(default)]
    pub(super) columns: BTreeSet<String>,
}

/// One of the gym's places.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    pub(super) id: String,
    pub(super) name: String,
    /// Whether its groups are looked after.
    pub(super) chosen: bool,
}

/// The names of the places that are chosen, or of the others.
pub(super) fn named(places: &[Place], chosen: bool) -> Vec<String> {
    places.iter().filter(|place| place.chosen == chosen).map(|place| place.name.clone()).collect()
}
