//! Which part may know which: the arrows between the workspace's packages.
//!
//! The plugin knows the contract and Kisi, the host knows the contract alone, the simulator knows Kisi alone.
//! Cargo's manifests say what depends on what; what a file merely names is read from its text.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Deserialize;

use super::code::without_comments;
use super::files::tracked;
use super::{demand_none, root};
use crate::command;
use crate::workspace::Workspace;

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    dependencies: Vec<Dependency>,
    features: BTreeMap<String, Vec<String>>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    kind: Option<String>,
    optional: bool,
}

impl Package {
    /// What this package takes from the workspace.
    fn siblings<'a>(&'a self, workspace: &'a BTreeSet<String>) -> impl Iterator<Item = &'a Dependency> {
        self.dependencies.iter().filter(|dependency| workspace.contains(&dependency.name))
    }
}

fn packages() -> BTreeMap<String, Package> {
    let workspace = Workspace::locate().unwrap();
    let mut ask = workspace.cargo();
    ask.args(["metadata", "--no-deps", "--format-version", "1"]);
    let metadata: Metadata = serde_json::from_str(&command::output(&mut ask).unwrap()).unwrap();
    let packages: BTreeMap<_, _> =
        metadata.packages.into_iter().map(|package| (package.name.clone(), package)).collect();
    for name in ["kisi-plugin", "host-harness", "kisi-sim", "door-access-tests", "xtask"] {
        assert!(packages.contains_key(name), "the workspace has no package {name}");
    }
    packages
}

#[test]
fn plugin_and_simulator_depend_on_no_other_part() {
    let packages = packages();
    let names: BTreeSet<String> = packages.keys().cloned().collect();
    let mut findings = Vec::new();
    for name in ["kisi-plugin", "kisi-sim"] {
        let package = &packages[name];
        findings.extend(package.siblings(&names).map(|dependency| format!("{name} -> {}", dependency.name)));
    }
    demand_none("these arrows are not allowed", &findings);
}

#[test]
fn the_host_library_depends_on_no_other_part() {
    let packages = packages();
    let names: BTreeSet<String> = packages.keys().cloned().collect();
    let host = &packages["host-harness"];
    let mut findings = Vec::new();
    for dependency in host.siblings(&names).filter(|dependency| dependency.kind.as_deref() != Some("dev")) {
        if !dependency.optional {
            findings.push(format!("{} is not optional", dependency.name));
        }
        for (feature, enabled) in &host.features {
            let enables = enabled.iter().any(|item| enables(item, &dependency.name));
            if enables && feature != "cli" && *feature != dependency.name {
                findings.push(format!("feature {feature} enables {}", dependency.name));
            }
        }
    }
    demand_none("host-harness may use a part of the workspace for its command line only", &findings);
}

/// Whether an item of a feature's list switches the dependency on.
fn enables(item: &str, dependency: &str) -> bool {
    let item = item.strip_prefix("dep:").unwrap_or(item);
    // `name?/feature` asks for a feature of a dependency that something else switched on.
    let name = item.split_once('/').map_or(item, |(name, _)| name);
    name == dependency
}

#[test]
fn the_host_library_names_no_provider() {
    let cli = [Path::new("host-harness/src/cli"), Path::new("host-harness/src/bin")];
    let cli_files = [Path::new("host-harness/src/cli.rs"), Path::new("host-harness/src/main.rs")];
    let mut looked_at = 0;
    let mut findings = Vec::new();
    for file in tracked(&root()) {
        let is_source = file.path.extension().is_some_and(|extension| extension == "rs");
        let is_library = is_source
            && file.path.starts_with("host-harness/src")
            && !cli.iter().any(|folder| file.path.starts_with(folder))
            && !cli_files.contains(&file.path.as_path());
        if !is_library {
            continue;
        }
        looked_at += 1;
        for (index, line) in without_comments(&file.text).lines().enumerate() {
            if line.to_lowercase().contains("kisi") {
                findings.push(format!("{}:{}: {}", file.path.display(), index + 1, line.trim()));
            }
        }
    }
    assert!(looked_at > 0, "no source of the host library found");
    demand_none("the host library must not know the provider", &findings);
}

#[test]
fn features_are_read_in_each_of_their_spellings() {
    for item in ["dep:kisi-sim", "kisi-sim", "kisi-sim/serve"] {
        assert!(enables(item, "kisi-sim"), "{item}");
    }
    for item in ["dep:clap", "kisi-sim?/serve", "cli"] {
        assert!(!enables(item, "kisi-sim"), "{item}");
    }
}
