//! House rules that no compiler checks, as tests of this crate.
//!
//! Each test counts what it looked at and demands a plausible number, so that a wrong folder or an empty list
//! cannot pass for a clean workspace.

mod architecture;
mod code;
mod documents;
mod files;

use std::path::{Path, PathBuf};

use self::code::without_comments;
use self::files::{SourceFile, tracked};

/// The folder of the root manifest.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Past this length a file has more than one job.
const LINES_MAX: usize = 700;

/// Tests that do not run, tests that pass for any panic, and code that is not there. Put together from halves,
/// so that this file holds none of them.
const UNFINISHED: [&str; 4] = [
    concat!("#[", "ignore"),
    concat!("#[should", "_panic"),
    concat!("todo", "!("),
    concat!("unimpl", "emented!("),
];

/// Folders that exist on one machine only.
const MACHINE_PATHS: [&str; 2] = [concat!("/wo", "rk/"), concat!("/ro", "ot/")];

fn rust_files() -> Vec<SourceFile> {
    let files: Vec<_> = tracked(&root())
        .into_iter()
        .filter(|file| file.path.extension().is_some_and(|it| it == "rs"))
        .collect();
    // Five packages, and this one alone has more than fifteen files.
    assert!(files.len() >= 19, "only {} Rust files found", files.len());
    for part in ["plugin", "host-harness", "crates/kisi-sim", "tests", "xtask"] {
        assert!(files.iter().any(|file| file.path.starts_with(part)), "no Rust file found in {part}");
    }
    files
}

/// Fails with every finding at once, one a line.
fn demand_none(rule: &str, findings: &[String]) {
    assert!(findings.is_empty(), "{rule}:\n  {}\n", findings.join("\n  "));
}

#[test]
fn every_rust_file_opens_with_what_it_is_for() {
    let findings: Vec<_> = rust_files()
        .iter()
        .filter(|file| !file.text.starts_with("//!"))
        .map(|file| file.path.display().to_string())
        .collect();
    demand_none("these files do not begin with `//!`", &findings);
}

#[test]
fn no_rust_file_has_outgrown_its_job() {
    let findings: Vec<_> = rust_files()
        .iter()
        .map(|file| (file.path.display(), file.text.lines().count()))
        .filter(|(_, lines)| *lines > LINES_MAX)
        .map(|(path, lines)| format!("{path}: {lines} lines"))
        .collect();
    demand_none(&format!("these files are longer than {LINES_MAX} lines"), &findings);
}

#[test]
fn nothing_is_left_unfinished_or_switched_off() {
    let mut findings = Vec::new();
    for file in rust_files() {
        let code = without_comments(&file.text);
        for (index, line) in code.lines().enumerate() {
            for marker in UNFINISHED.iter().filter(|marker| line.contains(**marker)) {
                findings.push(format!("{}:{}: {marker}", file.path.display(), index + 1));
            }
        }
    }
    demand_none("finish these or leave them out", &findings);
}

#[test]
fn no_file_names_a_folder_of_one_machine() {
    let files = tracked(&root());
    assert!(files.len() > rust_files().len(), "only Rust files are tracked");
    let mut findings = Vec::new();
    for file in &files {
        for (index, line) in file.text.lines().enumerate() {
            if MACHINE_PATHS.iter().any(|path| begins_a_path(line, path)) {
                findings.push(format!("{}:{}", file.path.display(), index + 1));
            }
        }
    }
    demand_none("these lines name a path of one machine", &findings);
}

/// Whether the folder occurs as the beginning of a path, not as a part of one or of an address.
fn begins_a_path(line: &str, folder: &str) -> bool {
    line.match_indices(folder).any(|(at, _)| {
        let before = line.get(..at).and_then(|before| before.chars().next_back());
        !before.is_some_and(|before| before.is_alphanumeric() || "._-~/}*".contains(before))
    })
}

#[test]
fn only_the_beginning_of_a_path_counts() {
    let folder = MACHINE_PATHS[0];
    for line in [folder.to_owned(), format!("cd {folder}x"), format!("\"{folder}\"")] {
        assert!(begins_a_path(&line, folder), "{line}");
    }
    for line in
        ["net/work/x".to_owned(), format!("https://example.com{folder}"), format!("${{HOME}}{folder}")]
    {
        assert!(!begins_a_path(&line, folder), "{line}");
    }
}
