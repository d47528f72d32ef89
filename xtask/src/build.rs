//! `cargo xtask build`: the plugin as a component file.

use std::fmt;
use std::fs;
use std::io::Write;

use anyhow::{Context, Result};
use cargo_metadata::camino::{Utf8Path, Utf8PathBuf};
use wit_component::ComponentEncoder;

use crate::toolchain::{TARGET, Toolchain};
use crate::workspace::{Workspace, artifacts};

/// The package that becomes the component.
pub(crate) const GUEST: &str = "kisi-plugin";
/// The library of that package: the name of the core module, and of the component.
const GUEST_LIBRARY: &str = "kisi_plugin";
/// The variable through which tests find the component.
pub(crate) const COMPONENT_VARIABLE: &str = "KISI_PLUGIN_COMPONENT";

/// Builds the component and prints where it is and how large.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    println!("{}", build(workspace, &Toolchain::find(workspace)?)?);
    Ok(())
}

/// Builds the component for another task and returns its path, absolute.
pub(crate) fn component(workspace: &Workspace) -> Result<Utf8PathBuf> {
    let built = build(workspace, &Toolchain::find(workspace)?)?;
    eprintln!("xtask: {built}");
    Ok(built.path)
}

/// A component that was built.
pub(crate) struct Built {
    /// The component's file, absolute.
    pub(crate) path: Utf8PathBuf,
    bytes: usize,
    is_new: bool,
}

impl fmt::Display for Built {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = if self.is_new { "written" } else { "unchanged" };
        write!(f, "{}: {} bytes, {state}", self.path, self.bytes)
    }
}

/// Builds the component with this compiler.
pub(crate) fn build(workspace: &Workspace, toolchain: &Toolchain) -> Result<Built> {
    let cargo = toolchain.cargo(workspace);
    // Only `cdylib`: with the library's other crate type beside it, cargo would skip link-time optimisation.
    let built = cargo
        .args(["rustc", "--locked", "--package", GUEST, "--lib", "--crate-type", "cdylib"])
        .args(["--target", TARGET, "--profile", "component"]);
    let artifacts = artifacts(built)?;
    let mut files =
        artifacts.iter().filter(|it| it.target.name == GUEST_LIBRARY).flat_map(|it| &it.filenames);
    let module = files.find(|file| file.extension() == Some("wasm"));
    let module = module.with_context(|| format!("cargo built no WebAssembly module of {GUEST}"))?;
    let component = encode(&fs::read(module)?)?;

    let path = workspace.target.join("component").join(GUEST_LIBRARY).with_extension("wasm");
    let is_new = write_if_different(&path, &component).with_context(|| format!("failed to write {path}"))?;
    Ok(Built { path, bytes: component.len(), is_new })
}

/// Wraps a core module as the component that its custom sections describe.
///
/// Validation rejects imports that the contract does not have, for example a clock of JavaScript.
fn encode(module: &[u8]) -> Result<Vec<u8>> {
    ComponentEncoder::default()
        .validate(true)
        .module(module)
        .context("failed to read the core module")?
        .encode()
        .context("failed to encode the component")
}

/// Replaces the file's content unless it is the same already, and returns whether it was replaced. A test that loads
/// the file meanwhile reads either the old content or the new one.
fn write_if_different(path: &Utf8Path, content: &[u8]) -> Result<bool> {
    if fs::read(path).is_ok_and(|present| present == content) {
        return Ok(false);
    }
    let folder = path.parent().context("the path has no folder")?;
    fs::create_dir_all(folder)?;
    // Made by `create_new`, the file is readable as usual; tempfile's own files are private.
    let mut file = tempfile::Builder::new().make_in(folder, |path| fs::File::create_new(path))?;
    file.write_all(content)?;
    file.persist(path)?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The smallest module: a magic number and a version.
    const EMPTY_MODULE: [u8; 8] = *b"\0asm\x01\0\0\0";

    #[test]
    fn an_empty_module_becomes_an_empty_component() {
        let component = encode(&EMPTY_MODULE).unwrap();
        // The version field of a component ends with the layer: 1, where a core module has 0.
        assert_eq!(component.get(..4), Some(&b"\0asm"[..]));
        assert_eq!(component.get(6..8), Some(&[1, 0][..]));
    }

    #[test]
    fn a_file_that_is_no_module_is_refused() {
        assert!(encode(b"not a module").is_err());
    }

    #[test]
    fn an_import_outside_every_world_is_refused() {
        // (import "env" "f" (func)) by hand: one type, one import.
        let mut module = EMPTY_MODULE.to_vec();
        module.extend_from_slice(&[1, 4, 1, 0x60, 0, 0]);
        module.extend_from_slice(&[2, 9, 1, 3, b'e', b'n', b'v', 1, b'f', 0, 0]);
        let error = encode(&module).unwrap_err();
        assert!(format!("{error:#}").contains("env"), "{error:#}");
    }

    #[test]
    fn a_file_with_the_same_content_is_not_touched() {
        let folder = tempfile::tempdir().unwrap();
        let path = Utf8Path::from_path(folder.path()).unwrap().join("new/file");
        assert!(write_if_different(&path, b"one").unwrap());
        let written = fs::metadata(&path).unwrap().modified().unwrap();
        assert!(!write_if_different(&path, b"one").unwrap());
        assert_eq!(fs::metadata(&path).unwrap().modified().unwrap(), written);
        assert!(write_if_different(&path, b"two").unwrap());
        assert_eq!(fs::read(&path).unwrap(), b"two");
    }
}
