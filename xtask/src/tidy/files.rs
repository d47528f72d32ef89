//! The workspace's own files: what git tracks or would track.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::command;

/// Folders that hold no files of ours, for a copy of the workspace without git.
const NOT_OURS: [&str; 2] = [".git", "target"];

/// A file of text.
pub(super) struct SourceFile {
    /// Its path from the workspace's root.
    pub(super) path: PathBuf,
    /// Its content.
    pub(super) text: String,
}

/// Every file of text that is, or could be, part of a commit. New files that nobody added yet are among them.
pub(super) fn tracked(root: &Path) -> Vec<SourceFile> {
    let mut list = Command::new("git");
    list.args(["ls-files", "--cached", "--others", "--exclude-standard", "-z"]).current_dir(root);
    let paths = match command::output(&mut list) {
        Ok(listed) => listed.split_terminator('\0').map(PathBuf::from).collect(),
        Err(_) => walk(root, Path::new("")),
    };
    let mut files: Vec<_> = paths.into_iter().filter_map(|path| read(root, path)).collect();
    files.sort_by(|one, other| one.path.cmp(&other.path));
    files
}

/// The file's text. Nothing for what is no text, and for what was deleted but is still listed.
fn read(root: &Path, path: PathBuf) -> Option<SourceFile> {
    let text = std::fs::read_to_string(root.join(&path)).ok()?;
    Some(SourceFile { path, text })
}

fn walk(root: &Path, folder: &Path) -> Vec<PathBuf> {
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(root.join(folder)).unwrap() {
        let entry = entry.unwrap();
        let path = folder.join(entry.file_name());
        if !entry.file_type().unwrap().is_dir() {
            paths.push(path);
        } else if !NOT_OURS.iter().any(|name| *name == entry.file_name()) {
            paths.extend(walk(root, &path));
        }
    }
    paths
}

#[test]
fn without_git_the_folders_are_walked() {
    let root = super::root();
    let walked = walk(&root, Path::new(""));
    assert!(walked.contains(&PathBuf::from("xtask/src/main.rs")));
    assert!(walked.iter().all(|path| !path.starts_with("target") && !path.starts_with(".git")));
}
