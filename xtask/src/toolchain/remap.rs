//! Keeping this machine's folders out of the component.
//!
//! Every panic message carries the source file that it comes from, by the path that the compiler was given. The
//! component goes to a marketplace: it should hold neither the builder's home folder nor differ from what another
//! checkout of the same commit builds. Cargo's own switch for this is not stable yet.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use crate::workspace::Workspace;

/// The variable for compiler flags of the guest; with `--target` given, host programs are not built with them.
pub(super) const VARIABLE: &str = "CARGO_ENCODED_RUSTFLAGS";

/// What separates flags in [`VARIABLE`]: flags may hold blanks, so cargo chose the unit separator.
const SEPARATOR: &str = "\u{1f}";

/// The caller's own flags, followed by one for each folder whose name is to be replaced.
pub(super) fn flags(workspace: &Workspace) -> OsString {
    let mut renamed = Vec::new();
    if let Some(home) = cargo_home() {
        renamed.push((home, "cargo"));
    }
    // The compiler prefers later ones: the target directory, with Debian's std in it, is often in the workspace.
    renamed.push((workspace.root.clone(), "door-access"));
    renamed.push((workspace.target.clone(), "target"));
    joined(callers_flags(), &renamed)
}

fn joined(mut flags: OsString, renamed: &[(PathBuf, &str)]) -> OsString {
    for (folder, name) in renamed {
        if !flags.is_empty() {
            flags.push(SEPARATOR);
        }
        flags.push("--remap-path-prefix=");
        flags.push(folder);
        flags.push("=");
        flags.push(name);
    }
    flags
}

/// What cargo would have taken from the environment, had this module not set [`VARIABLE`].
fn callers_flags() -> OsString {
    if let Some(encoded) = std::env::var_os(VARIABLE) {
        return encoded;
    }
    let plain = std::env::var("RUSTFLAGS").unwrap_or_default();
    let words: Vec<&str> = plain.split_whitespace().collect();
    words.join(SEPARATOR).into()
}

fn cargo_home() -> Option<PathBuf> {
    let set = std::env::var_os("CARGO_HOME").filter(|home| home != OsStr::new("")).map(PathBuf::from);
    set.or_else(|| Some(std::env::home_dir()?.join(".cargo")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_follow_the_callers_flags_blanks_and_all() {
        let renamed = [(PathBuf::from("/a b"), "one"), (PathBuf::from("/c"), "two")];
        assert_eq!(
            joined("-Dwarnings".into(), &renamed),
            "-Dwarnings\u{1f}--remap-path-prefix=/a b=one\u{1f}--remap-path-prefix=/c=two"
        );
        assert_eq!(joined("".into(), &renamed[1..]), "--remap-path-prefix=/c=two");
    }
}
