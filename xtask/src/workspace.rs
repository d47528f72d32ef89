//! Where the workspace and its target directory are, and how cargo is called in it.
//!
//! Everything is asked of cargo itself, so that `CARGO_TARGET_DIR` and `build.target-dir` are respected without
//! being read here.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::command;

/// The package that becomes the component.
pub(crate) const GUEST_PACKAGE: &str = "kisi-plugin";
/// The guest's library target: cargo names the core module after it, and so do we the component.
pub(crate) const GUEST_LIBRARY: &str = "kisi_plugin";
/// The target that the guest is compiled for.
pub(crate) const GUEST_TARGET: &str = "wasm32-unknown-unknown";
/// The cargo profile of the guest, defined in the root manifest.
pub(crate) const GUEST_PROFILE: &str = "component";

/// The workspace as cargo sees it from here.
pub(crate) struct Workspace {
    /// The folder of the root manifest.
    pub(crate) root: PathBuf,
    /// Cargo's target directory, absolute.
    pub(crate) target: PathBuf,
    /// The oldest compiler that builds the guest, from its manifest's `rust-version`.
    pub(crate) guest_rust_version: String,
    cargo: OsString,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    target_directory: PathBuf,
    workspace_root: PathBuf,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    rust_version: Option<String>,
}

impl Workspace {
    /// Asks cargo for the workspace that this program belongs to, whatever folder it was started in.
    pub(crate) fn locate() -> Result<Self> {
        // Cargo sets both variables when it runs a program. The manifest's folder as it was at compile time
        // serves whoever starts the binary directly.
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let manifest_folder =
            std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());

        let mut ask = cargo_command(&cargo);
        ask.args(["metadata", "--no-deps", "--format-version", "1", "--manifest-path"]);
        ask.arg(Path::new(&manifest_folder).join("Cargo.toml"));
        let answer = command::output(&mut ask)?;
        let metadata: Metadata =
            serde_json::from_str(&answer).context("failed to read what `cargo metadata` printed")?;

        let guest = metadata.packages.into_iter().find(|package| package.name == GUEST_PACKAGE);
        let guest = guest.with_context(|| format!("the workspace has no package `{GUEST_PACKAGE}`"))?;
        Ok(Self {
            root: metadata.workspace_root,
            target: metadata.target_directory,
            guest_rust_version: guest.rust_version.unwrap_or_default(),
            cargo,
        })
    }

    /// The cargo that runs this program, in the workspace's root, writing to the workspace's target directory.
    pub(crate) fn cargo(&self) -> Command {
        let mut command = cargo_command(&self.cargo);
        // A relative CARGO_TARGET_DIR would mean another folder from here than it meant to our caller.
        command.current_dir(&self.root).env("CARGO_TARGET_DIR", &self.target);
        command
    }

    /// A copy of this workspace at another place.
    pub(crate) fn at(&self, root: PathBuf, target: PathBuf) -> Self {
        let (guest_rust_version, cargo) = (self.guest_rust_version.clone(), self.cargo.clone());
        Self { root, target, guest_rust_version, cargo }
    }

    /// The compiler that this cargo uses unless it is told otherwise.
    pub(crate) fn rustc(&self) -> Command {
        let mut command = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
        command.current_dir(&self.root);
        command
    }

    /// The folder of the active compiler's libraries and tools.
    pub(crate) fn sysroot(&self) -> Result<PathBuf> {
        let printed = command::output(self.rustc().args(["--print", "sysroot"]))?;
        Ok(PathBuf::from(printed.trim()))
    }

    /// Where the encoded component is kept.
    pub(crate) fn component(&self) -> PathBuf {
        self.target.join("component").join(format!("{GUEST_LIBRARY}.wasm"))
    }

    /// A path as a person in the workspace's root would write it.
    pub(crate) fn shown<'a>(&self, path: &'a Path) -> std::path::Display<'a> {
        path.strip_prefix(&self.root).unwrap_or(path).display()
    }
}

/// A cargo that does not inherit what the outer cargo said about the xtask package. Left in place, those
/// variables reach build scripts and `option_env!` of other packages.
fn cargo_command(cargo: &OsString) -> Command {
    let mut command = Command::new(cargo);
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(describes_this_package) {
            command.env_remove(name);
        }
    }
    command
}

fn describes_this_package(variable: &str) -> bool {
    const NAMES: [&str; 6] = [
        "CARGO_BIN_NAME",
        "CARGO_CRATE_NAME",
        "CARGO_MANIFEST_DIR",
        "CARGO_MANIFEST_PATH",
        "CARGO_PRIMARY_PACKAGE",
        "OUT_DIR",
    ];
    NAMES.contains(&variable) || variable.starts_with("CARGO_PKG_") || variable.starts_with("CARGO_BIN_EXE_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_variables_about_the_xtask_package_are_dropped() {
        for dropped in ["CARGO_PKG_NAME", "CARGO_MANIFEST_DIR", "OUT_DIR"] {
            assert!(describes_this_package(dropped), "{dropped} should be dropped");
        }
        for kept in ["CARGO_HOME", "CARGO_TARGET_DIR", "RUSTFLAGS", "CARGO_NET_OFFLINE", "RUSTUP_TOOLCHAIN"] {
            assert!(!describes_this_package(kept), "{kept} should be kept");
        }
    }

    #[test]
    fn the_workspace_is_found_and_holds_the_guest() {
        let workspace = Workspace::locate().unwrap();
        assert!(workspace.root.join("xtask").is_dir());
        assert!(workspace.target.is_absolute());
        assert!(!workspace.guest_rust_version.is_empty());
    }
}
