//! Which Debian packages make a working compiler, asked of package lists that are fetched for it.
//!
//! Three packages are named here. All others, whose names carry version numbers that move, follow from the
//! dependencies that the packages declare: whatever is not installed on this machine is taken as well.

use std::collections::BTreeSet;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use super::apt::Apt;
use crate::command;

/// The compiler, whose version the others must share.
pub(super) const COMPILER: &str = "rustc-web";

/// The compiler, the host's standard library (build scripts and macros run on the host), and the source from
/// which the guest's standard library is built.
const WANTED: [&str; 3] = [COMPILER, "libstd-rust-web-dev", "rust-web-src"];

/// Needed to link programs of the host, and part of every machine that has built this program.
const PRESENT: [&str; 5] = ["binutils", "gcc", "libc-dev", "libc6", "libc6-dev"];

/// More packages than a compiler can need; an end to a list that makes no sense.
const PACKAGES_MAX: usize = 60;

/// One package to download.
#[derive(Debug)]
pub(super) struct Package {
    /// Its name.
    pub(super) name: String,
    /// The version that the lists offer.
    pub(super) version: String,
    /// The download's size.
    pub(super) bytes: u64,
}

impl Package {
    /// The package in the words of `apt-get`.
    pub(super) fn pinned(&self) -> String {
        format!("{}={}", self.name, self.version)
    }

    /// The version of Rust in a package of Rust.
    pub(super) fn rust_version(&self) -> Option<(u32, u32)> {
        major_minor(&self.version)
    }
}

/// The first two numbers of a version, without Debian's epoch.
pub(super) fn major_minor(version: &str) -> Option<(u32, u32)> {
    let version = version.split_once(':').map_or(version, |(_epoch, rest)| rest);
    let mut numbers = version.split(|character: char| !character.is_ascii_digit());
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

/// The wanted packages and everything of theirs that this machine lacks.
pub(super) fn resolve(apt: &Apt) -> Result<Vec<Package>> {
    let mut pending: Vec<String> = WANTED.iter().rev().map(|&name| name.to_owned()).collect();
    let mut seen: BTreeSet<String> = pending.iter().cloned().collect();
    let mut packages = Vec::new();
    while let Some(name) = pending.pop() {
        ensure!(packages.len() < PACKAGES_MAX, "the packages' dependencies do not end");
        packages.push(offered(apt, &name)?);
        for alternatives in depends(apt, &name)? {
            let met = alternatives.iter().any(|name| seen.contains(name) || is_present(name));
            if let Some(first) = alternatives.into_iter().next()
                && !met
            {
                seen.insert(first.clone());
                pending.push(first);
            }
        }
    }
    same_version(&packages)?;
    Ok(packages)
}

/// What the lists say of a package.
fn offered(apt: &Apt, name: &str) -> Result<Package> {
    let Ok(record) = command::output(apt.cache().args(["show", "--no-all-versions", name])) else {
        bail!("the machine's package sources offer no `{name}`");
    };
    let field = |key: &str| {
        let found = record.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(": "));
        found.with_context(|| format!("the package lists give no {key} of `{name}`"))
    };
    let version = field("Version")?.to_owned();
    let bytes = field("Size")?.trim().parse().context("a package's size is no number")?;
    Ok(Package { name: name.to_owned(), version, bytes })
}

/// What a package depends on: groups of alternatives, any of which will do.
fn depends(apt: &Apt, name: &str) -> Result<Vec<Vec<String>>> {
    Ok(parse_depends(&command::output(apt.cache().args(["depends", "--important", name]))?))
}

/// Reads the answer of `apt-cache depends`. A bar in front of a line means "or the next"; names in angle
/// brackets are virtual, and cannot be downloaded.
fn parse_depends(answer: &str) -> Vec<Vec<String>> {
    let mut groups = Vec::new();
    let mut group = Vec::new();
    for line in answer.lines() {
        let line = line.trim_start();
        let (or_next, line) = match line.strip_prefix('|') {
            Some(rest) => (true, rest),
            None => (false, line),
        };
        let name = line.strip_prefix("Depends: ").or_else(|| line.strip_prefix("PreDepends: "));
        let Some(name) = name else { continue };
        if !name.starts_with('<') {
            group.push(name.trim().to_owned());
        }
        if !or_next && !group.is_empty() {
            groups.push(std::mem::take(&mut group));
        }
    }
    groups
}

fn is_present(name: &str) -> bool {
    PRESENT.contains(&name) || is_installed(name)
}

fn is_installed(name: &str) -> bool {
    let mut query = Command::new("dpkg-query");
    query.args(["--show", "--showformat=${db:Status-Status}\n", name]);
    command::output(&mut query).is_ok_and(|printed| printed.lines().any(|status| status == "installed"))
}

/// Compiler, host library and source of different versions do not fit together: lists read halfway through an
/// update of the archive.
fn same_version(packages: &[Package]) -> Result<()> {
    let versions: BTreeSet<&str> = packages
        .iter()
        .filter(|package| WANTED.contains(&package.name.as_str()))
        .map(|package| package.version.as_str())
        .collect();
    ensure!(versions.len() == 1, "the package lists offer several versions of Rust at once: {versions:?}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_with_and_without_epoch() {
        for (version, numbers) in [
            ("1.96.0+dfsg1-1~deb12u2", Some((1, 96))),
            ("1:22.1.8-1", Some((22, 1))),
            ("1.95", Some((1, 95))),
            ("", None),
            ("unknown", None),
        ] {
            assert_eq!(major_minor(version), numbers, "{version}");
        }
    }

    #[test]
    fn dependencies_are_read_with_alternatives_and_without_virtual_names() {
        let answer = "\
rustc-web
  PreDepends: dpkg
  Depends: libc6
 |Depends: one
  Depends: <other>
    provider
 |Depends: gcc
  Depends: clang
  Depends: <libc-dev>
    libc6-dev
  Conflicts: rustc
";
        let groups = parse_depends(answer);
        let groups: Vec<Vec<&str>> =
            groups.iter().map(|group| group.iter().map(String::as_str).collect()).collect();
        assert_eq!(groups, [vec!["dpkg"], vec!["libc6"], vec!["one"], vec!["gcc", "clang"]]);
    }

    #[test]
    fn a_mixture_of_versions_is_refused() {
        let package = |name: &str, version: &str| Package {
            name: name.to_owned(),
            version: version.to_owned(),
            bytes: 1,
        };
        let mut packages: Vec<Package> = WANTED.iter().map(|name| package(name, "1.96.0")).collect();
        packages.push(package("libllvm", "22"));
        assert!(same_version(&packages).is_ok());
        packages[1].version = "1.95.0".to_owned();
        let error = same_version(&packages).unwrap_err().to_string();
        assert!(error.contains("1.95.0") && error.contains("1.96.0"), "{error}");
    }
}
