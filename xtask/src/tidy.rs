//! House rules that no compiler checks, as tests of this crate.
//!
//! Each test requires a plausible number of files, so that an empty list cannot pass for a clean workspace.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::workspace::Workspace;

/// A longer file has more than one job.
const LINES_MAX: usize = 700;

/// Tests that do not run, tests that pass for any panic, and code that is not there. In two halves each, so that this
/// file contains none of them.
const UNFINISHED: [&str; 6] = [
    concat!("#[", "ignore"),
    concat!("#[should", "_panic"),
    concat!("todo", "!("),
    concat!("unimpl", "emented!("),
    concat!("// TO", "DO"),
    concat!("FIX", "ME"),
];

/// Folders that exist on one machine only.
const MACHINE_PATHS: [&str; 2] = [concat!("/wo", "rk/"), concat!("/ro", "ot/")];

/// Shorter names in the documents are those of functions and fields.
const WORDS_OF_A_TEST_MIN: usize = 5;

struct TextFile {
    path: PathBuf,
    text: String,
}

impl TextFile {
    /// The places of the lines that are wrong.
    fn lines<'a>(&'a self, is_wrong: impl Fn(&str) -> bool + 'a) -> impl Iterator<Item = String> + 'a {
        let lines = self.text.lines().enumerate().filter(move |(_, line)| is_wrong(line));
        lines.map(|(index, line)| format!("{}:{}: {}", self.path.display(), index + 1, line.trim()))
    }
}

/// Every text file of the workspace.
fn text_files() -> Vec<TextFile> {
    let workspace = Workspace::locate().unwrap();
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(workspace.root.as_std_path().join(&path)).ok()?;
        Some(TextFile { path, text })
    };
    workspace.files().unwrap().into_iter().filter_map(read).collect()
}

fn rust_files() -> Vec<TextFile> {
    let mut files = text_files();
    files.retain(|file| file.path.extension().is_some_and(|extension| extension == "rs"));
    assert!(files.len() >= 100, "only {} Rust files found", files.len());
    files
}

/// Fails with every finding at once, one per line.
fn require_none(rule: &str, findings: impl Iterator<Item = String>) {
    let findings: Vec<_> = findings.collect();
    assert!(findings.is_empty(), "{rule}:\n  {}\n", findings.join("\n  "));
}

#[test]
fn every_rust_file_opens_with_what_it_is_for() {
    let files = rust_files();
    let silent = files.iter().filter(|file| !file.text.starts_with("//!"));
    require_none("these files do not begin with `//!`", silent.map(|file| file.path.display().to_string()));
}

#[test]
fn no_rust_file_has_outgrown_its_job() {
    let files = rust_files();
    let lengths = files.iter().map(|file| (file.path.display(), file.text.lines().count()));
    let long = lengths.filter(|(_, lines)| *lines > LINES_MAX);
    let rule = format!("these files are longer than {LINES_MAX} lines");
    require_none(&rule, long.map(|(path, lines)| format!("{path}: {lines} lines")));
}

#[test]
fn nothing_is_left_unfinished_or_switched_off() {
    let files = rust_files();
    let is_unfinished = |line: &str| UNFINISHED.iter().any(|marker| line.contains(marker));
    require_none("finish these or leave them out", files.iter().flat_map(|file| file.lines(is_unfinished)));
}

#[test]
fn no_file_names_a_folder_of_one_machine() {
    let files = text_files();
    let is_local = |line: &str| MACHINE_PATHS.iter().any(|folder| begins_a_path(line, folder));
    require_none(
        "these lines name a path of one machine",
        files.iter().flat_map(|file| file.lines(is_local)),
    );
}

/// Whether the folder occurs as the beginning of a path, and not inside a longer path or an address.
fn begins_a_path(line: &str, folder: &str) -> bool {
    line.match_indices(folder).any(|(at, _)| {
        let before = line.get(..at).and_then(|before| before.chars().next_back());
        !before.is_some_and(|before| before.is_alphanumeric() || "._-~/}*".contains(before))
    })
}

#[test]
fn a_folder_inside_a_longer_path_or_an_address_is_allowed() {
    let folder = MACHINE_PATHS[0];
    for line in [folder.to_owned(), format!("cd {folder}x"), format!("\"{folder}\"")] {
        assert!(begins_a_path(&line, folder), "{line}");
    }
    for before in ["net", "https://example.com", "${HOME}"] {
        assert!(!begins_a_path(&format!("{before}{folder}x"), folder), "{before}");
    }
}

#[test]
fn every_test_that_the_documents_name_exists() {
    let sources = rust_files();
    let function = |line: &str| {
        let line = line.trim_start().trim_start_matches("async ");
        Some(line.strip_prefix("fn ")?.split('(').next()?.to_owned())
    };
    let functions: BTreeSet<_> =
        sources.iter().flat_map(|file| file.text.lines()).filter_map(function).collect();

    let mut documents = text_files();
    documents.retain(|file| file.path.starts_with("docs") || file.path.as_os_str() == "ARCHITECTURE.md");
    let mut named = 0;
    let mut findings = Vec::new();
    for document in &documents {
        for name in tests_named(&document.text) {
            named += 1;
            if !functions.contains(name) {
                findings.push(format!("{}: {name}", document.path.display()));
            }
        }
    }
    assert!(named > 0, "the documents name no tests");
    require_none("these tests are named and do not exist", findings.into_iter());
}

/// The names of tests in a text: between backticks, many words joined by `_`.
fn tests_named(text: &str) -> impl Iterator<Item = &str> {
    let is_name = |name: &&str| {
        let is_letter =
            |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_';
        name.split('_').count() >= WORDS_OF_A_TEST_MIN && name.chars().all(is_letter)
    };
    text.split('`').skip(1).step_by(2).filter(is_name)
}

#[test]
fn a_name_of_a_test_has_many_words_and_stands_between_backticks() {
    let text = "`the_name_of_a_test`, `grace_days`, the_name_of_a_test, `The_name_of_a_test`";
    assert_eq!(tests_named(text).collect::<Vec<_>>(), ["the_name_of_a_test"]);
}
