//! `cargo xtask build`: the plugin as a component file.
//!
//! Cargo builds the core module in a target directory of its own under the workspace's, so that a guest build
//! neither waits for a host build's lock nor shares its fingerprints. Encoding takes milliseconds and is done
//! every time; whether the file changes is decided by its content.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::replace::{Replaced, replace};
use crate::toolchain::{self, Toolchain};
use crate::workspace::{GUEST_LIBRARY, GUEST_PACKAGE, GUEST_PROFILE, GUEST_TARGET, Workspace};
use crate::{ComponentArgs, cargo, encode};

/// Builds the component and prints where it is and how large.
pub(crate) fn run(workspace: &Workspace, args: &ComponentArgs) -> Result<ExitCode> {
    let built = component(workspace, args)?;
    println!("{}", built.summary(workspace));
    Ok(ExitCode::SUCCESS)
}

/// A component that was built.
pub(crate) struct Built {
    /// The component's file, absolute.
    pub(crate) path: PathBuf,
    /// The toolchain that compiled it.
    pub(crate) toolchain: Toolchain,
    bytes: usize,
    replaced: Replaced,
}

impl Built {
    /// One line: path, size, and whether anything changed.
    pub(crate) fn summary(&self, workspace: &Workspace) -> String {
        let state = match self.replaced {
            Replaced::Unchanged => "unchanged",
            Replaced::Written => "written",
        };
        let (path, bytes) = (workspace.shown(&self.path), self.bytes);
        format!("{path}: {bytes} bytes ({} kB), {state}", kilobytes(bytes))
    }
}

/// Builds the component for a task that needs it.
pub(crate) fn component(workspace: &Workspace, args: &ComponentArgs) -> Result<Built> {
    let toolchain = toolchain::choose(workspace, args.toolchain_way)?;
    let mut build = workspace.cargo();
    // One crate type alone: with the library's other one beside it cargo would leave out link-time optimisation.
    build.args(["rustc", "--locked", "--package", GUEST_PACKAGE, "--lib", "--crate-type", "cdylib"]);
    build.args(["--target", GUEST_TARGET, "--profile", GUEST_PROFILE]);
    toolchain.apply(&mut build);

    let module = cargo::module(&cargo::artifacts(&mut build)?, GUEST_LIBRARY)?;
    let module = std::fs::read(&module).with_context(|| format!("failed to read {}", module.display()))?;
    let component = encode::component(&module)?;

    let path = workspace.component();
    let replaced = replace(&path, &component)?;
    Ok(Built { path, toolchain, bytes: component.len(), replaced })
}

/// A size in kB (1,000 bytes) with one decimal.
fn kilobytes(bytes: usize) -> String {
    let tenths = bytes.saturating_add(50) / 100;
    format!("{}.{}", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_rounded_to_a_tenth_of_a_kilobyte() {
        for (bytes, shown) in [(0, "0.0"), (49, "0.0"), (50, "0.1"), (999, "1.0"), (89_123, "89.1")] {
            assert_eq!(kilobytes(bytes), shown, "{bytes}");
        }
    }
}
