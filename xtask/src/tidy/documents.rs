//! What the documents say about the code: the tests that they name are there.

use std::collections::BTreeSet;
use std::path::Path;

use super::files::tracked;
use super::{demand_none, root, rust_files};

/// Names of fewer words are those of functions and fields, which other checks cover.
const WORDS_MIN: usize = 5;

/// The names of tests in a text: between backticks, words joined by `_`.
fn tests_named(text: &str) -> impl Iterator<Item = &str> {
    let is_name = |name: &&str| {
        let is_letter =
            |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_';
        name.split('_').count() >= WORDS_MIN && name.chars().all(is_letter)
    };
    text.split('`').skip(1).step_by(2).filter(is_name)
}

#[test]
fn every_test_that_the_documents_name_exists() {
    let sources = rust_files();
    let functions: BTreeSet<&str> = sources
        .iter()
        .flat_map(|file| file.text.lines())
        .filter_map(|line| {
            line.trim_start().trim_start_matches("async ").strip_prefix("fn ")?.split('(').next()
        })
        .collect();
    let documents = tracked(&root());
    // The simulator's document names what its interface has.
    let is_ours = |path: &Path| path == Path::new("ARCHITECTURE.md") || path.starts_with("docs");
    let documents: Vec<_> = documents.iter().filter(|file| is_ours(&file.path)).collect();
    let (mut named, mut findings) = (0, Vec::new());
    for document in documents {
        for name in tests_named(&document.text) {
            named += 1;
            if !functions.contains(name) {
                findings.push(format!("{}: {name}", document.path.display()));
            }
        }
    }
    assert!(named >= 60, "only {named} names of tests found");
    demand_none("these tests are named and do not exist", &findings);
}

#[test]
fn a_name_has_many_words_and_stands_between_backticks() {
    let text = "`what_a_test_is_called`, `grace_days`, what_a_test_is_called, `What_a_test_is_called`";
    assert_eq!(tests_named(text).collect::<Vec<_>>(), ["what_a_test_is_called"]);
}
