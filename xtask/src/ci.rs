//! `cargo xtask ci`: what a change must pass before it lands.
//!
//! Cheap checks come first. Lints, tests and documentation use the same features, so that cargo compiles each
//! dependency once for checking and once for running.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::build::{self, COMPONENT_VARIABLE, GUEST};
use crate::toolchain::{TARGET, Toolchain};
use crate::workspace::Workspace;

/// Runs all steps in order up to the first failure, and prints the time of each.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let mut steps = Steps::default();
    let result = run_all(workspace, &mut steps);
    println!("{steps}");
    result
}

fn run_all(workspace: &Workspace, steps: &mut Steps) -> Result<()> {
    let cargo = || workspace.cargo();
    steps.run("format", || Ok(cargo().args(["fmt", "--all", "--check"]).run()?))?;

    let toolchain = Toolchain::find(workspace)?;
    let built = steps.run("component", || build::build(workspace, &toolchain))?;
    eprintln!("xtask: {built}");

    steps.run("lints", || {
        let clippy = cargo().args(["clippy", "--workspace", "--all-targets", "--locked"]);
        Ok(clippy.args(["--", "-D", "warnings"]).run()?)
    })?;
    // Clippy and the standard library must have the same version.
    if matches!(toolchain, Toolchain::Active) {
        steps.run("lints of the guest", || {
            let clippy = toolchain.cargo(workspace).args(["clippy", "--package", GUEST, "--lib", "--locked"]);
            Ok(clippy.args(["--target", TARGET, "--", "-D", "warnings"]).run()?)
        })?;
    } else {
        eprintln!("xtask: lints of the guest are skipped: Debian's compiler has no clippy");
    }
    steps.run("tests", || {
        let test = cargo().args(["test", "--workspace", "--locked"]);
        Ok(test.env(COMPONENT_VARIABLE, &built.path).run()?)
    })?;
    steps.run("documentation", || {
        let doc = cargo().args(["doc", "--workspace", "--no-deps", "--locked"]);
        Ok(doc.env("RUSTDOCFLAGS", "-D warnings").run()?)
    })
}

/// The steps so far, with the time that each took.
#[derive(Default)]
struct Steps(Vec<(&'static str, Duration)>);

impl Steps {
    fn run<T>(&mut self, name: &'static str, step: impl FnOnce() -> Result<T>) -> Result<T> {
        eprintln!("xtask: {name} …");
        let started = Instant::now();
        let result = step();
        self.0.push((name, started.elapsed()));
        result.with_context(|| format!("step `{name}` failed"))
    }
}

impl std::fmt::Display for Steps {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (name, time) in &self.0 {
            writeln!(f, "{name:<20} {:>7.1} s", time.as_secs_f64())?;
        }
        let total: Duration = self.0.iter().map(|(_, time)| time).sum();
        write!(f, "{:<20} {:>7.1} s", "total", total.as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    #[test]
    fn a_failed_step_is_named_and_its_time_is_in_the_table() {
        let mut steps = Steps::default();
        assert_eq!(steps.run("format", || Ok(7)).unwrap(), 7);
        let error = steps.run("lints", || -> Result<()> { Err(anyhow!("cargo ended with 101")) });
        assert_eq!(format!("{:#}", error.unwrap_err()), "step `lints` failed: cargo ended with 101");
        let table = steps.to_string();
        let names: Vec<_> = table.lines().filter_map(|line| line.split_whitespace().next()).collect();
        assert_eq!(names, ["format", "lints", "total"]);
    }
}
