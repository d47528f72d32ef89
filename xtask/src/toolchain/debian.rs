//! The third way: a compiler and the source of its standard library from Debian packages.
//!
//! Debian ships a recent Rust for building browsers (the packages named `…-web`), the compiler together with
//! std's source. Nothing is installed and no root is needed: package lists and packages are downloaded and unpacked
//! under the target directory, the ordinary cargo is told to use that compiler, and it builds std for the guest's target
//! along with the guest. The active toolchain contributes cargo and the linker.
//!
//! Compiler and source must be of one version, and the active compiler is not of Debian's: that is why the
//! compiler comes from there too. The packages are fetched once; a stamp says which they were.

use std::ffi::OsString;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use self::apt::Apt;
use self::packages::Package;
use super::{Toolchain, Way, remap};
use crate::command;
use crate::replace::replace;
use crate::workspace::Workspace;

mod apt;
mod packages;
mod unpack;

/// Cargo's switch for building std; `panic_abort` because the guest's profile aborts on panic.
const BUILD_STD: &str = "-Zbuild-std=std,panic_abort";

/// The folder under the target directory that holds the packages' content and what belongs to it.
struct Place {
    folder: PathBuf,
}

impl Place {
    /// Written last: when it is there, everything else is.
    fn stamp(&self) -> PathBuf {
        self.folder.join("packages.txt")
    }
    /// The packages' content, as if this were the machine's root.
    fn root(&self) -> PathBuf {
        self.folder.join("unpacked")
    }
    /// What cargo runs as the compiler.
    fn wrapper(&self) -> PathBuf {
        self.folder.join("rustc")
    }
}

/// Prepares a toolchain of unpacked packages and the active toolchain's linker.
pub(super) fn prepare(workspace: &Workspace) -> Result<Toolchain> {
    // Asked first: without the linker the download would be in vain.
    let linker = linker(workspace)?;
    let place = Place { folder: workspace.target.join("debian-rust") };
    std::fs::create_dir_all(&place.folder)
        .with_context(|| format!("failed to create {}", place.folder.display()))?;
    // Two builds at once would unpack over each other. The lock ends with the file's handle.
    let lock = File::create(place.folder.join("lock")).context("failed to create a lock file")?;
    lock.lock().context("failed to wait for another xtask")?;

    if !place.stamp().is_file() {
        fetch(workspace, &place)?;
    }
    write_wrapper(&place)?;
    command::output(Command::new(place.wrapper()).arg("-vV"))
        .context("the unpacked compiler does not run on this machine")?;

    let environment: Vec<(&'static str, OsString)> = vec![
        ("RUSTC", place.wrapper().into()),
        // Unstable options of cargo and of a compiler that calls itself stable.
        ("RUSTC_BOOTSTRAP", "1".into()),
        ("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker.into()),
        (remap::VARIABLE, remap::flags(workspace)),
    ];
    let target_directory = workspace.target.join("guest-build-std");
    Ok(Toolchain { way: Way::Debian, target_directory, environment, arguments: vec![BUILD_STD] })
}

/// The linker that the active toolchain brings for targets like the guest's.
fn linker(workspace: &Workspace) -> Result<PathBuf> {
    let host = command::output(workspace.rustc().arg("-vV"))?;
    let host = host.lines().find_map(|line| line.strip_prefix("host: "));
    let host = host.context("`rustc -vV` names no host")?;
    let linker = workspace.sysroot()?.join("lib/rustlib").join(host).join("bin/rust-lld");
    ensure!(linker.is_file(), "the active toolchain has no linker at {}", linker.display());
    Ok(linker)
}

/// Downloads and unpacks everything and leaves the stamp.
fn fetch(workspace: &Workspace, place: &Place) -> Result<()> {
    let apt = Apt::prepare(&place.folder)?;
    let packages = packages::resolve(&apt)?;
    demand_version(&packages, &workspace.guest_rust_version)?;

    let bytes: u64 = packages.iter().map(|package| package.bytes).sum();
    eprintln!(
        "xtask: fetching {} Debian packages ({} MB, once) for a compiler under {}",
        packages.len(),
        bytes / 1_000_000,
        workspace.shown(&place.folder)
    );
    unpack::fetch(&apt, &packages, &place.folder, &place.root())?;

    let listed: String = packages.iter().map(|package| format!("{}\n", package.pinned())).collect();
    replace(&place.stamp(), listed.as_bytes())?;
    Ok(())
}

/// Refuses a compiler that the guest's manifest would refuse after the download.
fn demand_version(packages: &[Package], required: &str) -> Result<()> {
    let compiler = packages.iter().find(|package| package.name == packages::COMPILER);
    let compiler = compiler.with_context(|| format!("{} was not resolved", packages::COMPILER))?;
    if let (Some(offered), Some(needed)) = (compiler.rust_version(), packages::major_minor(required)) {
        ensure!(
            offered >= needed,
            "the machine's package sources offer rustc {}.{}, the plugin needs {required}",
            offered.0,
            offered.1
        );
    }
    Ok(())
}

/// Writes the program that cargo runs as `rustc`: the unpacked one, with the unpacked libraries in reach.
///
/// Untouched when it is right already, since cargo rebuilds everything for a compiler that looks new.
fn write_wrapper(place: &Place) -> Result<()> {
    let root = place.root();
    let libraries = unpack::library_folders(&root)?;
    let script = wrapper_script(&root.join("usr/bin/rustc"), &libraries)?;
    replace(&place.wrapper(), script.as_bytes())?;
    executable(&place.wrapper())
}

fn wrapper_script(compiler: &Path, libraries: &[PathBuf]) -> Result<String> {
    let libraries = std::env::join_paths(libraries).context("a library folder's name holds a colon")?;
    let libraries = quoted(Path::new(&libraries))?;
    let compiler = quoted(compiler)?;
    Ok(format!(
        "#!/bin/sh\n\
         # Written by `cargo xtask build`: the unpacked compiler with its own libraries.\n\
         LD_LIBRARY_PATH={libraries}${{LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}}\n\
         export LD_LIBRARY_PATH\n\
         exec {compiler} \"$@\"\n"
    ))
}

/// A path as one word of a shell script.
fn quoted(path: &Path) -> Result<String> {
    let Some(text) = path.to_str() else { bail!("{} is not UTF-8", path.display()) };
    Ok(format!("'{}'", text.replace('\'', r"'\''")))
}

#[cfg(unix)]
fn executable(path: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755))
        .with_context(|| format!("failed to make {} executable", path.display()))
}

#[cfg(not(unix))]
fn executable(_path: &Path) -> Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compiler(version: &str) -> Vec<Package> {
        vec![Package { name: packages::COMPILER.to_owned(), version: version.to_owned(), bytes: 1 }]
    }

    #[test]
    fn a_compiler_older_than_the_plugin_allows_is_refused_before_the_download() {
        assert!(demand_version(&compiler("1.96.0+dfsg1-1"), "1.95").is_ok());
        assert!(demand_version(&compiler("1.95.0+dfsg1-1"), "1.95").is_ok());
        let error = demand_version(&compiler("1.85.0+dfsg3-1"), "1.95").unwrap_err().to_string();
        assert!(error.contains("1.85") && error.contains("1.95"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn the_wrapper_survives_blanks_and_quotes_in_paths() {
        let folder = tempfile::tempdir().unwrap();
        let odd = folder.path().join("it's a $folder");
        std::fs::create_dir_all(&odd).unwrap();
        let compiler = odd.join("rustc");
        std::fs::write(&compiler, "#!/bin/sh\necho \"$LD_LIBRARY_PATH|$1\"\n").unwrap();
        executable(&compiler).unwrap();
        let script = wrapper_script(&compiler, &[odd.join("lib"), odd.join("more")]).unwrap();

        let mut shell = Command::new("sh");
        shell.args(["-c", &script, "rustc", "an argument"]).env("LD_LIBRARY_PATH", "/before");
        let printed = command::output(&mut shell).unwrap();
        let odd = odd.display();
        assert_eq!(printed, format!("{odd}/lib:{odd}/more:/before|an argument\n"));
    }
}
