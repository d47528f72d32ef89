//! `cargo xtask simulate --mutations`: whether the judge of the simulation notices when the plugin is wrong.
//!
//! A judge that has never been seen to object proves nothing. `tests/simulate/mutations.toml` is a list of deliberate bugs;
//! each is made in a copy of the workspace under the target directory, which is built as the plugin is, and played
//! until the judge objects. The sources themselves are never touched.

use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;

use crate::replace::replace;
use crate::test::COMPONENT_VARIABLE;
use crate::workspace::Workspace;
use crate::{ComponentArgs, build, cargo, command};

/// The list, from the workspace's root.
const LIST: &str = "tests/simulate/mutations.toml";
/// What the files of the list are under.
const SOURCES: &str = "plugin/src";
/// What the copy holds: cargo wants every member of a workspace to be there.
const COPIED: [&str; 8] =
    ["Cargo.toml", "Cargo.lock", "plugin", "wit", "host-harness", "kisi-sim", "tests", "xtask"];
/// How much of what the judge said fits into a line, in characters.
const SAID_CHARS_MAX: usize = 110;

/// The rules that always hold, as the judge's cases name them in short.
const RULES: [&str; 9] = [
    "convergence",
    "ours only",
    "one grant",
    "no gap",
    "doubt removes nobody",
    "loss of access first",
    "fewest calls",
    "honest",
    "least data",
];

/// Which histories are played.
#[derive(Clone, Copy)]
pub(crate) struct Seeds {
    /// The first one.
    pub(crate) from: u64,
    /// How many at most.
    pub(crate) count: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    mutation: Vec<Mutation>,
}

/// One deliberate bug.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Mutation {
    /// The bug, as a claim about the plugin.
    name: String,
    /// The number of the rule that it breaks.
    rule: usize,
    /// Its file, under [`SOURCES`].
    file: PathBuf,
    /// The text that is replaced; it occurs exactly once.
    find: String,
    /// What stands there instead.
    replace: String,
}

/// How the histories of one component ended.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    /// The judge objected: in which history, and in which words.
    Caught { seed: u64, said: String },
    /// Nothing is wrong with any history.
    Survived,
}

impl Mutation {
    /// The source with the bug in it.
    fn apply(&self, source: &str) -> Result<String> {
        let count = source.matches(&self.find).count();
        ensure!(
            count == 1,
            "the mutation `{}` is to replace a text that occurs {count} times in {SOURCES}/{} and not once: the \
             source has changed, so change {LIST}",
            self.name,
            self.file.display()
        );
        ensure!(self.find != self.replace, "the mutation `{}` changes nothing", self.name);
        Ok(source.replacen(&self.find, &self.replace, 1))
    }

    fn rule(&self) -> Result<&'static str> {
        let name = self.rule.checked_sub(1).and_then(|index| RULES.get(index)).copied();
        name.with_context(|| format!("the mutation `{}` breaks rule {}, which is none", self.name, self.rule))
    }
}

/// Plays the plugin as it is, which must survive, and then each mutation, which must not.
pub(crate) fn run(
    workspace: &Workspace,
    component: &ComponentArgs,
    seeds: Seeds,
    only: Option<&str>,
) -> Result<ExitCode> {
    let mut list = list(&workspace.root)?;
    list.retain(|mutation| only.is_none_or(|only| mutation.name.contains(only)));
    ensure!(!list.is_empty(), "no mutation has {} in its name", only.unwrap_or("anything"));
    let mut mutated = Vec::new();
    for mutation in &list {
        let source = read(&workspace.root.join(SOURCES).join(&mutation.file))?;
        mutated.push((mutation, mutation.apply(&source)?, source));
    }
    let simulation = simulation(workspace)?;
    let copy = copy(workspace)?;

    let width = list.iter().map(|mutation| mutation.name.chars().count()).max().unwrap_or_default();
    println!("{:<width$}  {:<20}  {:>5}  {:>6}  the judge said", "mutation", "rule", "seed", "played");
    let as_it_is = play(&copy, component, &simulation, seeds)?;
    println!("{}", row("(none: the plugin as it is)", "", &as_it_is, seeds, width));
    let mut survivors = Vec::new();
    for (place, (mutation, with_bug, source)) in mutated.iter().enumerate() {
        eprintln!("xtask: mutation {} of {}: {} …", place + 1, mutated.len(), mutation.name);
        let file = copy.root.join(SOURCES).join(&mutation.file);
        replace(&file, with_bug.as_bytes())?;
        let verdict = play(&copy, component, &simulation, seeds);
        replace(&file, source.as_bytes())?;
        let verdict = match verdict {
            Ok(verdict) => verdict,
            // One that no longer compiles proves nothing, and the others go on.
            Err(error) => {
                eprintln!("xtask: the mutation `{}` could not be played: {error:#}", mutation.name);
                survivors.push(mutation.name.as_str());
                continue;
            }
        };
        println!("{}", row(&mutation.name, mutation.rule()?, &verdict, seeds, width));
        if verdict == Verdict::Survived {
            survivors.push(mutation.name.as_str());
        }
    }
    println!("{} of {} mutations were caught", list.len() - survivors.len(), list.len());
    for survivor in &survivors {
        println!("not caught: {survivor}");
    }
    let is_well = survivors.is_empty() && as_it_is == Verdict::Survived;
    Ok(if is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Reads the list.
fn list(root: &Path) -> Result<Vec<Mutation>> {
    let list: List =
        toml::from_str(&read(&root.join(LIST))?).with_context(|| format!("failed to read {LIST}"))?;
    for mutation in &list.mutation {
        mutation.rule()?;
    }
    Ok(list.mutation)
}

fn read(file: &Path) -> Result<String> {
    std::fs::read_to_string(file).with_context(|| format!("failed to read {}", file.display()))
}

/// Builds the program that plays histories.
fn simulation(workspace: &Workspace) -> Result<PathBuf> {
    let mut build = workspace.cargo();
    build.args(["test", "--no-run", "--locked", "--config", "profile.dev.opt-level=2"]);
    build.args(["--package", "door-access-tests", "--test", "simulate"]);
    cargo::program(&cargo::artifacts(&mut build)?, "simulate")
}

/// Copies the workspace into a folder of its own, with a target directory of its own: the first mutation builds the
/// dependencies, and the others find them there.
fn copy(workspace: &Workspace) -> Result<Workspace> {
    let folder = workspace.target.join("mutations");
    let copy = workspace.at(folder.join("workspace"), folder.join("target"));
    for name in COPIED {
        copy_all(&workspace.root.join(name), &copy.root.join(name))?;
    }
    Ok(copy)
}

/// Copies a file, or a folder with all in it. What is the same already keeps its modification time, by which cargo
/// knows it; what is no longer there goes.
fn copy_all(from: &Path, to: &Path) -> Result<()> {
    if !from.is_dir() {
        let content = std::fs::read(from).with_context(|| format!("failed to read {}", from.display()))?;
        replace(to, &content)?;
        return Ok(());
    }
    let names = |folder: &Path| -> Result<Vec<_>> {
        let entries =
            std::fs::read_dir(folder).with_context(|| format!("failed to list {}", folder.display()))?;
        entries.map(|entry| Ok(entry?.file_name())).collect()
    };
    let wanted = names(from)?;
    if to.is_dir() {
        for gone in names(to)?.iter().filter(|name| !wanted.contains(name)) {
            let gone = to.join(gone);
            let removed =
                if gone.is_dir() { std::fs::remove_dir_all(&gone) } else { std::fs::remove_file(&gone) };
            removed.with_context(|| format!("failed to remove {}", gone.display()))?;
        }
    }
    for name in wanted.iter().filter(|name| *name != "target") {
        copy_all(&from.join(name), &to.join(name))?;
    }
    Ok(())
}

/// Builds the component of the copy as it is now, and plays histories until the judge objects.
fn play(copy: &Workspace, component: &ComponentArgs, simulation: &Path, seeds: Seeds) -> Result<Verdict> {
    let built = build::component(copy, component)?;
    let mut simulate = std::process::Command::new(simulation);
    simulate.args(["--first", "--seeds", &seeds.count.to_string(), "--from", &seeds.from.to_string()]);
    simulate.env(COMPONENT_VARIABLE, &built.path);
    let played = simulate
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("failed to start {}", command::line(&simulate)))?;
    let printed = String::from_utf8_lossy(&played.stdout);
    match (played.status.success(), objection(&printed)) {
        (true, None) => Ok(Verdict::Survived),
        (false, Some(caught)) => Ok(caught),
        _ => bail!(
            "{} ended with {}: {}",
            command::line(&simulate),
            played.status,
            command::last_line(&printed)
        ),
    }
}

/// The first objection in what the simulation printed: a line with the seed, and one with the words.
fn objection(printed: &str) -> Option<Verdict> {
    let mut lines = printed.lines().map(str::trim);
    let seed = lines.find_map(|line| line.strip_prefix("seed ")?.strip_suffix(':')?.parse().ok())?;
    Some(Verdict::Caught { seed, said: lines.next().unwrap_or_default().to_owned() })
}

/// One line of the table.
fn row(name: &str, rule: &str, verdict: &Verdict, seeds: Seeds, width: usize) -> String {
    let (seed, played, said) = match verdict {
        Verdict::Survived => ("-".to_owned(), seeds.count, "nothing"),
        Verdict::Caught { seed, said } => {
            (seed.to_string(), seed.saturating_sub(seeds.from).saturating_add(1), said.as_str())
        }
    };
    let said: String = said.chars().take(SAID_CHARS_MAX).collect();
    format!("{name:<width$}  {rule:<20}  {seed:>5}  {played:>6}  {said}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
    }

    #[test]
    fn every_mutation_finds_its_text_exactly_once() {
        let list = list(&root()).unwrap();
        assert!(list.len() >= 18, "only {} mutations", list.len());
        for mutation in &list {
            let source = read(&root().join(SOURCES).join(&mutation.file)).unwrap();
            let mutated = mutation.apply(&source).unwrap();
            assert_ne!(mutated, source, "{}", mutation.name);
        }
        for (place, mutation) in list.iter().enumerate() {
            let others = list.iter().skip(place + 1);
            assert!(
                others.clone().all(|other| other.name != mutation.name),
                "{} is there twice",
                mutation.name
            );
        }
    }

    #[test]
    fn a_text_that_is_not_there_once_is_named() {
        let mutation = Mutation {
            name: "a bug".to_owned(),
            rule: 1,
            file: "plan.rs".into(),
            find: "keep".to_owned(),
            replace: "drop".to_owned(),
        };
        assert_eq!(mutation.apply("keep it").unwrap(), "drop it");
        for (source, count) in [("", "0 times"), ("keep and keep", "2 times")] {
            let error = mutation.apply(source).unwrap_err().to_string();
            assert!(error.contains("`a bug`") && error.contains(count), "{error}");
        }
    }

    #[test]
    fn the_first_objection_is_found_in_what_the_simulation_prints() {
        let printed = "9 seeds, 4 events\nseeds with violations: 2\n  seed 7:\n    gym 0: gap\n    gym 0: more\n  seed 9:\n";
        let expected = Verdict::Caught { seed: 7, said: "gym 0: gap".to_owned() };
        assert_eq!(objection(printed), Some(expected));
        assert_eq!(objection("9 seeds, 4 events\nseeds with violations: 0\n"), None);
    }

    #[test]
    fn a_copy_is_the_same_and_keeps_nothing_that_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        std::fs::create_dir_all(from.join("src")).unwrap();
        std::fs::create_dir_all(to.join("old")).unwrap();
        std::fs::write(from.join("src/a.rs"), "a").unwrap();
        std::fs::write(to.join("old/b.rs"), "b").unwrap();
        copy_all(&from, &to).unwrap();
        assert_eq!(std::fs::read_to_string(to.join("src/a.rs")).unwrap(), "a");
        assert!(!to.join("old").exists());
    }
}
