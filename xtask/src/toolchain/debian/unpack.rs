//! Downloading Debian packages and laying out their content in a folder.
//!
//! `apt-get download` checks every file against the signed package lists, so nothing is checked again here.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use super::apt::Apt;
use super::packages::Package;
use crate::command;

/// Folders of the unpacked packages that the build never reads, most of the space they take: the compiler's own
/// source, and that of the tools that ship beside it.
const UNUSED: [&str; 4] = ["compiler", "debian", "src", "tests"];

/// Fills `root` with the content of the packages. `folder` is where downloads wait meanwhile.
///
/// Everything happens beside `root`, which appears by a rename: a build that was stopped halfway leaves nothing
/// that looks finished.
pub(super) fn fetch(apt: &Apt, packages: &[Package], folder: &Path, root: &Path) -> Result<()> {
    let (downloads, unfinished) = (folder.join("downloads"), folder.join("unfinished"));
    for leftover in [&downloads, &unfinished, &root.to_path_buf()] {
        remove(leftover)?;
    }
    std::fs::create_dir_all(&downloads).context("failed to create a folder for downloads")?;
    std::fs::create_dir_all(&unfinished).context("failed to create a folder for the packages' content")?;

    let mut download = apt.get();
    download.arg("download").args(packages.iter().map(Package::pinned)).current_dir(&downloads);
    download.stdin(Stdio::null()).stdout(Stdio::from(std::io::stderr()));
    command::run(&mut download)?;

    let archives = files_in(&downloads)?;
    ensure!(archives.len() == packages.len(), "{} packages arrived of {}", archives.len(), packages.len());
    for (index, archive) in archives.iter().enumerate() {
        let name = archive.file_name().unwrap_or_default().to_string_lossy();
        eprintln!("xtask: unpacking {} of {}: {name}", index.saturating_add(1), archives.len());
        command::output(Command::new("dpkg-deb").arg("-x").arg(archive).arg(&unfinished))?;
    }
    drop_unused(&unfinished)?;
    std::fs::rename(&unfinished, root).context("failed to put the packages' content in place")?;
    remove(&downloads)
}

/// The folders with shared libraries under `root`, those that the machine's own loader does not look into.
pub(super) fn library_folders(root: &Path) -> Result<Vec<PathBuf>> {
    let mut folders = Vec::new();
    for base in ["usr/lib", "lib"] {
        let base = root.join(base);
        if !base.is_dir() {
            continue;
        }
        // One level down are the folders named after an architecture; deeper ones belong to single programs.
        let mut candidates = files_in(&base)?;
        candidates.push(base);
        for candidate in candidates.into_iter().filter(|candidate| candidate.is_dir()) {
            if files_in(&candidate)?.iter().any(|file| is_shared_library(file)) {
                folders.push(candidate);
            }
        }
    }
    ensure!(!folders.is_empty(), "the packages hold no shared libraries");
    Ok(folders)
}

fn is_shared_library(file: &Path) -> bool {
    file.file_name().is_some_and(|name| {
        let name = name.to_string_lossy();
        name.starts_with("lib") && (name.ends_with(".so") || name.contains(".so."))
    })
}

/// Removes what [`UNUSED`] names from the unpacked source tree.
fn drop_unused(root: &Path) -> Result<()> {
    let sources = root.join("usr/lib/rustlib/src/rust");
    ensure!(sources.join("library/std").is_dir(), "the packages hold no source of the standard library");
    for name in UNUSED {
        remove(&sources.join(name))?;
    }
    Ok(())
}

fn files_in(folder: &Path) -> Result<Vec<PathBuf>> {
    let read = || -> std::io::Result<Vec<PathBuf>> {
        std::fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect()
    };
    let mut files = read().with_context(|| format!("failed to read {}", folder.display()))?;
    files.sort();
    Ok(files)
}

fn remove(folder: &Path) -> Result<()> {
    if !folder.exists() {
        return Ok(());
    }
    std::fs::remove_dir_all(folder).with_context(|| format!("failed to remove {}", folder.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[&str]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for file in files {
            let path = root.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        root
    }

    #[test]
    fn only_folders_that_hold_shared_libraries_are_named() {
        let root = tree(&[
            "usr/lib/x86_64-linux-gnu/libLLVM.so.22.1",
            "usr/lib/rustlib/etc/types.py",
            "usr/lib/libplain.so",
            "lib/aarch64-linux-gnu/libtinfo.so.6",
            "usr/bin/rustc",
        ]);
        let folders = library_folders(root.path()).unwrap();
        let named: Vec<_> = folders.iter().map(|folder| folder.strip_prefix(root.path()).unwrap()).collect();
        let expected = ["usr/lib/x86_64-linux-gnu", "usr/lib", "lib/aarch64-linux-gnu"].map(Path::new);
        assert_eq!(named, expected);
        assert!(library_folders(tree(&["usr/bin/rustc"]).path()).is_err());
    }

    #[test]
    fn the_compilers_own_source_is_dropped_and_stds_is_kept() {
        let sources = "usr/lib/rustlib/src/rust";
        let root =
            tree(&[&format!("{sources}/library/std/lib.rs"), &format!("{sources}/compiler/big/lib.rs")]);
        drop_unused(root.path()).unwrap();
        assert!(root.path().join(sources).join("library/std/lib.rs").is_file());
        assert!(!root.path().join(sources).join("compiler").exists());
        assert!(drop_unused(tree(&["usr/bin/rustc"]).path()).is_err());
    }
}
