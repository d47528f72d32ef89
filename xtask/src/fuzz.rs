//! `cargo xtask fuzz`: coverage-guided fuzzing of everything that reads what others wrote.
//!
//! The targets are a workspace of their own under `fuzz/`, as cargo-fuzz wants it. It runs on a stable compiler without
//! a sanitizer: there is no unsafe code of ours to watch, and what is looked for panics, never ends or takes all memory.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::command;
use crate::workspace::Workspace;

/// Everything that can be fuzzed, with the features that it wants. Whoever fuzzes the plugin alone builds no wasmtime.
const TARGETS: [(&str, &str); 6] = [
    ("kisi_answers", "run"),
    ("storage_records", "run"),
    ("settings", "run"),
    ("scenario", "run,host"),
    ("gym_files", "run,host"),
    ("headers", "run,host"),
];
/// The tool, where it is not installed.
const CARGO_FUZZ: &str = "0.13.2";
/// One input that takes longer never ends, for whoever waits at a door.
const TIMEOUT_S: u32 = 20;
/// No input is worth more memory, in MiB.
const MEMORY_MIB_MAX: u32 = 1_024;
/// Longer answers are the business of the host's limits, in bytes.
const INPUT_BYTES_MAX: u32 = 32_768;

/// What `cargo xtask fuzz` is told.
#[derive(Args)]
pub(crate) struct FuzzArgs {
    /// How long each target is fuzzed.
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..))]
    seconds: u32,

    /// What the fuzzer's own choices begin with, for another run than the last one.
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u32,

    /// What to fuzz; everything when left out.
    #[arg(value_name = "TARGET", value_parser = TARGETS.map(|(target, _)| target))]
    targets: Vec<String>,
}

/// What a target's run came to.
#[derive(Debug, PartialEq, Eq)]
struct Figures {
    inputs: u64,
    coverage: u64,
    memory_mib: u64,
}

/// Fuzzes each target. Ends with the first one for which an input was found, which is kept and named: given to
/// `cargo fuzz run TARGET INPUT` it plays again.
pub(crate) fn run(workspace: &Workspace, args: &FuzzArgs) -> Result<ExitCode> {
    let folder = workspace.target.join("fuzz");
    let tool = cargo_fuzz(workspace)?;
    let seeds = folder.join("seeds");
    let mut sow = workspace.cargo();
    sow.args(["run", "--quiet", "--locked", "--manifest-path", "fuzz/Cargo.toml", "--no-default-features"]);
    command::run(sow.args(["--bin", "seeds", "--"]).arg(&seeds))?;
    eprintln!("xtask: each target is built for the fuzzer first, which takes some minutes the first time …");
    println!("{:<16} {:>12} {:>9} {:>7}", "target", "inputs", "branches", "MiB");
    for (target, features) in TARGETS {
        if !args.targets.is_empty() && args.targets.iter().all(|chosen| chosen != target) {
            continue;
        }
        let figures = fuzz(workspace, &tool, &folder, (target, features), args)?;
        println!("{target:<16} {:>12} {:>9} {:>7}", figures.inputs, figures.coverage, figures.memory_mib);
    }
    Ok(ExitCode::SUCCESS)
}

fn fuzz(
    workspace: &Workspace,
    tool: &Path,
    folder: &Path,
    (target, features): (&str, &str),
    args: &FuzzArgs,
) -> Result<Figures> {
    let (found, kept) = (folder.join("corpus").join(target), folder.join("found"));
    for folder in [&found, &kept] {
        fs::create_dir_all(folder).with_context(|| format!("failed to make {}", folder.display()))?;
    }
    let log = folder.join(format!("{target}.log"));
    let mut fuzz = workspace.cargo();
    fuzz.args(["fuzz", "run", "--fuzz-dir", "fuzz", "--sanitizer", "none"]);
    fuzz.args(["--no-default-features", "--features", features]);
    fuzz.arg("--target-dir").arg(folder.join("target")).arg(target).arg(&found);
    fuzz.arg(folder.join("seeds").join(target)).arg("--");
    fuzz.arg(format!("-artifact_prefix={}/{target}-", kept.display()));
    fuzz.arg(format!("-max_total_time={}", args.seconds)).arg(format!("-seed={}", args.seed));
    fuzz.arg(format!("-timeout={TIMEOUT_S}")).arg(format!("-rss_limit_mb={MEMORY_MIB_MAX}"));
    fuzz.arg(format!("-max_len={INPUT_BYTES_MAX}")).arg("-print_final_stats=1");
    with_tool(&mut fuzz, tool)?;
    let told = fs::File::create(&log).with_context(|| format!("failed to write {}", log.display()))?;
    fuzz.stdin(Stdio::null()).stdout(told.try_clone()?).stderr(told);
    let status = fuzz.status().with_context(|| format!("failed to start {}", command::line(&fuzz)))?;
    let told = String::from_utf8_lossy(&fs::read(&log)?).into_owned();
    if !status.success() {
        let why = told.lines().find(|line| line.contains("panicked at") || line.contains("ERROR: libFuzzer"));
        bail!(
            "{target}: {}; the input is in {} and the whole story in {}",
            why.unwrap_or_else(|| command::last_line(&told)),
            workspace.shown(&kept),
            workspace.shown(&log)
        );
    }
    figures(&told).with_context(|| format!("no figures in {}", log.display()))
}

/// Reads what libFuzzer says at its end.
fn figures(told: &str) -> Option<Figures> {
    let stat = |name: &str| {
        let line = told.lines().rfind(|line| line.starts_with(name))?;
        line.rsplit(' ').next()?.parse().ok()
    };
    let coverage =
        told.lines().rev().find_map(|line| line.split_once(" cov: ")?.1.split(' ').next()?.parse().ok());
    Some(Figures {
        inputs: stat("stat::number_of_executed_units:")?,
        coverage: coverage?,
        memory_mib: stat("stat::peak_rss_mb:")?,
    })
}

/// The folder of cargo-fuzz: installed below the target directory where this machine has none.
fn cargo_fuzz(workspace: &Workspace) -> Result<PathBuf> {
    let root = workspace.target.join("tools");
    let folder = root.join("bin");
    let mut ask = workspace.cargo();
    with_tool(&mut ask, &folder)?;
    if command::output(ask.args(["fuzz", "--version"])).is_ok() {
        return Ok(folder);
    }
    eprintln!("xtask: cargo-fuzz {CARGO_FUZZ} is installed below the target directory …");
    let mut install = workspace.cargo();
    install.args(["install", "--locked", "--version", CARGO_FUZZ, "cargo-fuzz", "--root"]).arg(&root);
    command::run(&mut install)
        .context("cargo-fuzz is missing: install it with `cargo install cargo-fuzz`")?;
    Ok(folder)
}

/// Lets cargo find the tool in this folder, too.
fn with_tool(cargo: &mut Command, folder: &Path) -> Result<()> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(folder.to_owned()).chain(std::env::split_paths(&path));
    cargo.env("PATH", std::env::join_paths(folders).context("failed to extend PATH")?);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_those_of_the_end() {
        let told = "#2\tINITED cov: 12 ft: 13 corp: 1/1b exec/s: 0 rss: 30Mb\n\
                    #99\tDONE   cov: 345 ft: 400 corp: 9/1Kb lim: 4 exec/s: 9 rss: 40Mb\n\
                    stat::number_of_executed_units: 99\nstat::peak_rss_mb:               41\n";
        let expected = Figures { inputs: 99, coverage: 345, memory_mib: 41 };
        assert_eq!(figures(told), Some(expected));
        assert_eq!(figures("nothing"), None);
    }

    #[test]
    fn every_target_is_there_and_named() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/fuzz_targets");
        let mut there: Vec<String> = fs::read_dir(folder)
            .unwrap()
            .map(|file| file.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned())
            .collect();
        there.sort();
        let mut named = TARGETS.map(|(target, _)| target.to_string());
        named.sort();
        assert_eq!(there, named);
    }
}
