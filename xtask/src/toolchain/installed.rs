//! The first way: the active toolchain has the guest's target already.
//!
//! The compiler names a folder for any target that it knows of, installed or not; only the library in it tells.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use super::{Toolchain, Way};
use crate::command;
use crate::workspace::{GUEST_TARGET, Workspace};

/// The active toolchain, if the target's standard library is there. `way` is how it came to be there.
pub(super) fn prepare(workspace: &Workspace, way: Way) -> Result<Toolchain> {
    let printed =
        command::output(workspace.rustc().args(["--print", "target-libdir", "--target", GUEST_TARGET]))?;
    let folder = PathBuf::from(printed.trim());
    if !folder.is_dir() {
        bail!("the target is not installed");
    }
    let mut entries =
        std::fs::read_dir(&folder).with_context(|| format!("failed to read {}", folder.display()))?;
    let complete = entries
        .any(|entry| entry.is_ok_and(|entry| is_standard_library(&entry.file_name().to_string_lossy())));
    if !complete {
        bail!("{} holds no standard library", folder.display());
    }
    Ok(Toolchain::active(workspace, way))
}

fn is_standard_library(file: &str) -> bool {
    file.starts_with("libstd-") && file.ends_with(".rlib")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_standard_library_is_told_from_its_neighbours() {
        assert!(is_standard_library("libstd-0a1b.rlib"));
        for other in ["libstd_detect-0a1b.rlib", "libcore-0a1b.rlib", "libstd-0a1b.rmeta", "self-contained"] {
            assert!(!is_standard_library(other), "{other}");
        }
    }
}
