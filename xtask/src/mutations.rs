//! `cargo xtask simulate --mutations`: whether the judge of the simulation notices bugs of the plugin.
//!
//! A judge that has never objected proves nothing. `tests/simulate/mutations.toml` lists deliberate bugs. Each is made
//! in a copy of the workspace below the target directory, built, and played until the judge objects. The sources
//! themselves are not touched.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use cargo_metadata::camino::Utf8PathBuf;
use serde::Deserialize;
use xshell::cmd;

use crate::build::{self, COMPONENT_VARIABLE};
use crate::simulate;
use crate::toolchain::Toolchain;
use crate::workspace::{Workspace, artifacts};

/// The list, from the workspace's root.
const LIST: &str = "tests/simulate/mutations.toml";
/// The folder of the files in the list.
const SOURCES: &str = "plugin/src";
/// How much of the judge's words is shown, in characters.
const SAID_CHARS_MAX: usize = 110;

/// The rules that always hold, in the order of their numbers in the list.
const RULES: [&str; 9] = [
    "convergence",
    "ours only",
    "one grant",
    "no gap",
    "no removal on doubt",
    "removals first",
    "fewest calls",
    "honest reports",
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
    /// Its file, in [`SOURCES`].
    file: PathBuf,
    /// The text that is replaced; it occurs exactly once.
    find: String,
    /// The text instead.
    replace: String,
}

/// How the histories of one component ended.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    /// The judge objected: in which history, and in which words.
    Caught { seed: u64, said: String },
    /// The judge found nothing wrong.
    Survived,
}

impl Mutation {
    /// The source with the bug in it.
    fn apply(&self, source: &str) -> Result<String> {
        let (name, file, count) = (&self.name, self.file.display(), source.matches(&self.find).count());
        ensure!(
            count == 1,
            "the text of the mutation `{name}` occurs {count} times in {SOURCES}/{file} instead of once: the source \
             has changed, so change {LIST}"
        );
        ensure!(self.find != self.replace, "the mutation `{name}` changes nothing");
        Ok(source.replacen(&self.find, &self.replace, 1))
    }

    fn rule(&self) -> Result<&'static str> {
        let rule = self.rule.checked_sub(1).and_then(|index| RULES.get(index)).copied();
        rule.with_context(|| format!("the mutation `{}` names the unknown rule {}", self.name, self.rule))
    }
}

/// Plays the plugin as it is, which must survive, and then each mutation, which must not.
pub(crate) fn run(workspace: &Workspace, seeds: Seeds, only: Option<&str>) -> Result<()> {
    let mut list = list(workspace.root.as_std_path())?;
    list.retain(|mutation| only.is_none_or(|only| mutation.name.contains(only)));
    ensure!(!list.is_empty(), "no mutation has `{}` in its name", only.unwrap_or_default());

    let stage = Stage::new(workspace, seeds)?;
    let width = list.iter().map(|mutation| mutation.name.chars().count()).max().unwrap_or_default();
    println!("{:<width$}  {:<20}  {:>5}  {:>6}  the judge said", "mutation", "rule", "seed", "played");
    let unchanged = stage.play()?;
    println!("{}", row("(none: the plugin as it is)", "", &unchanged, seeds, width));

    let mut missed = Vec::new();
    for (place, mutation) in list.iter().enumerate() {
        eprintln!("xtask: mutation {} of {}: {} …", place + 1, list.len(), mutation.name);
        match stage.play_with(mutation) {
            Ok(verdict) => {
                println!("{}", row(&mutation.name, mutation.rule()?, &verdict, seeds, width));
                if verdict == Verdict::Survived {
                    missed.push(mutation.name.as_str());
                }
            }
            // A mutation that does not compile proves nothing; the others are still played.
            Err(error) => {
                eprintln!("xtask: the mutation `{}` could not be played: {error:#}", mutation.name);
                missed.push(mutation.name.as_str());
            }
        }
    }
    println!("{} of {} mutations were caught", list.len() - missed.len(), list.len());
    ensure!(unchanged == Verdict::Survived, "the judge objects to the plugin as it is");
    ensure!(missed.is_empty(), "not caught: {}", missed.join("; "));
    Ok(())
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
    fs::read_to_string(file).with_context(|| format!("failed to read {}", file.display()))
}

/// Where mutations are played: a copy of the workspace, and the program that plays histories.
struct Stage {
    copy: Workspace,
    toolchain: Toolchain,
    simulation: Utf8PathBuf,
    seeds: Seeds,
}

impl Stage {
    /// Copies every file of the workspace. The copy's target directory stays from run to run, so only the first run
    /// compiles the guest's dependencies.
    fn new(workspace: &Workspace, seeds: Seeds) -> Result<Self> {
        let toolchain = Toolchain::find(workspace)?;
        let built = artifacts(simulate::simulation(workspace).arg("--no-run"))?;
        let simulation =
            built.into_iter().filter(|it| it.target.name == "simulate").find_map(|it| it.executable);
        let simulation = simulation.context("cargo built no program `simulate`")?;

        let folder = workspace.target.join("mutations");
        let copy = workspace.copy_to(folder.join("workspace"), folder.join("target"))?;
        Ok(Self { copy, toolchain, simulation, seeds })
    }

    /// Plays the plugin with the bug in it.
    fn play_with(&self, mutation: &Mutation) -> Result<Verdict> {
        let file = self.copy.root.as_std_path().join(SOURCES).join(&mutation.file);
        let source = read(&file)?;
        fs::write(&file, mutation.apply(&source)?)?;
        let verdict = self.play();
        fs::write(&file, source)?;
        verdict
    }

    /// Builds the component of the copy as it is now and plays histories until the judge objects.
    fn play(&self) -> Result<Verdict> {
        let built = build::build(&self.copy, &self.toolchain)?;
        let (simulation, from, count) =
            (&self.simulation, self.seeds.from.to_string(), self.seeds.count.to_string());
        let simulate = cmd!(self.copy.sh, "{simulation} --first --seeds {count} --from {from}");
        let mut simulate = Command::from(simulate.env(COMPONENT_VARIABLE, &built.path));
        let played = simulate.stdin(Stdio::null()).stderr(Stdio::inherit()).output()?;
        let printed = String::from_utf8_lossy(&played.stdout);
        match (played.status.success(), objection(&printed)) {
            (true, None) => Ok(Verdict::Survived),
            (false, Some(caught)) => Ok(caught),
            _ => bail!("the simulation ended with {} and printed: {printed}", played.status),
        }
    }
}

/// The first objection in the output of the simulation: a line with the seed, then one with the words.
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
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_mutation_finds_its_text_exactly_once() {
        let root = Workspace::locate().unwrap().root.into_std_path_buf();
        let list = list(&root).unwrap();
        assert!(list.len() >= 44, "only {} mutations", list.len());
        for mutation in &list {
            let source = read(&root.join(SOURCES).join(&mutation.file)).unwrap();
            mutation.apply(&source).unwrap();
        }
        let names: BTreeSet<_> = list.iter().map(|mutation| &mutation.name).collect();
        assert_eq!(names.len(), list.len(), "two mutations have the same name");
    }

    #[test]
    fn a_mutation_whose_text_does_not_occur_once_is_refused_by_name() {
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
    fn the_first_objection_is_found_in_the_output_of_the_simulation() {
        let printed = "9 seeds, 4 events\nseeds with violations: 2\n  seed 7:\n    gym 0: gap\n    gym 0: more\n  seed 9:\n";
        let expected = Verdict::Caught { seed: 7, said: "gym 0: gap".to_owned() };
        assert_eq!(objection(printed), Some(expected));
        assert_eq!(objection("9 seeds, 4 events\nseeds with violations: 0\n"), None);
    }
}
