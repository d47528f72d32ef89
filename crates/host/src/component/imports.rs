//! What a component may import and must export, checked on its type before any of it runs.
//!
//! This is an allow list, so that new interfaces of a later WASI or toolchain are refused until they are reviewed.

use wasmtime::Engine;
use wasmtime::component::types::{Component, ComponentExtern, ComponentItem};

use super::error::LoadError;

/// The contract's package, without its version.
const CONTRACT: &str = "gym:door-access";
/// What a plugin may import of the contract.
const CONTRACT_IMPORTS: [&str; 4] = ["directory", "log", "storage", "types"];
/// What a plugin must export of it.
const CONTRACT_EXPORTS: [&str; 9] =
    ["provider", "connection", "groups", "mappings", "events", "sync", "access", "doors", "maintenance"];
/// What a plugin may import of WASI, at any version 0.2.
const WASI_IMPORTS: [&str; 6] = [
    "wasi:clocks/wall-clock",
    "wasi:http/outgoing-handler",
    "wasi:http/types",
    "wasi:io/error",
    "wasi:io/poll",
    "wasi:io/streams",
];
/// `wasi:http` uses types of this interface. Its functions are not provided: the wall clock is the only clock.
const WASI_TYPES_ONLY: &str = "wasi:clocks/monotonic-clock";

pub(super) fn names<'a>(items: impl Iterator<Item = (&'a str, ComponentExtern<'a>)>) -> Vec<String> {
    items.map(|(name, _)| name.to_owned()).collect()
}

/// Checks the imports against the allow list, then the exports against the world. The engine compares the types, and so
/// the contract's version, when it links.
pub(super) fn check(engine: &Engine, ty: &Component) -> Result<(), LoadError> {
    let imports: Vec<String> = ty
        .imports(engine)
        .filter(|(name, item)| !may_import(engine, name, &item.ty))
        .map(|(name, _)| name.to_owned())
        .collect();
    if !imports.is_empty() {
        return Err(LoadError::ImportsNotAllowed { imports });
    }
    let exported = |interface: &str| {
        ty.exports(engine).any(|(name, _)| split(name).is_some_and(|(base, _)| base == interface))
    };
    let wanted = CONTRACT_EXPORTS.iter().map(|interface| format!("{CONTRACT}/{interface}"));
    let exports: Vec<String> = wanted.filter(|interface| !exported(interface)).collect();
    if exports.is_empty() { Ok(()) } else { Err(LoadError::ExportsMissing { exports }) }
}

fn may_import(engine: &Engine, name: &str, item: &ComponentItem) -> bool {
    let ComponentItem::ComponentInstance(instance) = item else { return false };
    let Some((interface, version)) = split(name) else { return false };
    if let Some(interface) = interface.strip_prefix(CONTRACT).and_then(|rest| rest.strip_prefix('/')) {
        return CONTRACT_IMPORTS.contains(&interface);
    }
    let is_wasi_02 =
        version.is_some_and(|version| version.major == 0 && version.minor == 2 && version.pre.is_empty());
    let types_only = || instance.exports(engine).all(|(_, item)| matches!(item.ty, ComponentItem::Type(_)));
    is_wasi_02 && (WASI_IMPORTS.contains(&interface) || (interface == WASI_TYPES_ONLY && types_only()))
}

/// An interface's name and version; `None` when the text after the `@` is not a version.
fn split(name: &str) -> Option<(&str, Option<semver::Version>)> {
    match name.split_once('@') {
        None => Some((name, None)),
        Some((interface, version)) => Some((interface, Some(semver::Version::parse(version).ok()?))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interface_s_name_and_version_are_split() {
        assert_eq!(split("wasi:io/poll@0.2.12").map(|(name, _)| name), Some("wasi:io/poll"));
        assert_eq!(split("wasi:io/poll"), Some(("wasi:io/poll", None)));
        assert_eq!(split("wasi:io/poll@latest"), None);
    }
}
