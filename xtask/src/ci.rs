//! `cargo xtask ci`: what a change must pass before it lands.
//!
//! Cheap checks come first, so that a forgotten `cargo fmt` costs a second and not a quarter of an hour.

use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, Result};

use crate::build::Built;
use crate::toolchain::Way;
use crate::workspace::{GUEST_PACKAGE, GUEST_TARGET, Workspace};
use crate::{ComponentArgs, build, command, test};

/// Runs every step in order; the first failure ends the run and bears the step's name.
pub(crate) fn run(workspace: &Workspace, args: &ComponentArgs) -> Result<ExitCode> {
    let started = Instant::now();
    step("format", || format(workspace))?;
    step("lints", || lints(workspace))?;
    let built = step("component", || component(workspace, args))?;
    step("lints of the fuzz targets", || fuzz_lints(workspace))?;
    // With Debian's compiler the guest's lints are left to machines that have the target: clippy must be of
    // the compiler's own version.
    if built.toolchain.way != Way::Debian {
        step("lints of the guest", || guest_lints(workspace, &built))?;
    }
    step("tests", || test::tests(workspace, &built, &[]))?;
    step("documentation", || documentation(workspace))?;
    println!("xtask: every check passed in {:.1} s", started.elapsed().as_secs_f64());
    Ok(ExitCode::SUCCESS)
}

/// Announces a step, runs it and says how long it took.
fn step<T>(name: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    eprintln!("xtask: {name} …");
    let started = Instant::now();
    let result = work();
    let verdict = if result.is_ok() { "passed" } else { "FAILED" };
    eprintln!("xtask: {name} {verdict} after {:.1} s", started.elapsed().as_secs_f64());
    result.with_context(|| format!("step `{name}` failed"))
}

fn format(workspace: &Workspace) -> Result<()> {
    command::run(workspace.cargo().args(["fmt", "--all", "--check"]))
}

fn lints(workspace: &Workspace) -> Result<()> {
    let mut clippy = workspace.cargo();
    clippy.args(["clippy", "--workspace", "--all-targets", "--all-features", "--locked"]);
    command::run(clippy.args(["--", "-D", "warnings"]))
}

/// The fuzz targets are a workspace of their own. They are not linked: that would want a C++ compiler.
fn fuzz_lints(workspace: &Workspace) -> Result<()> {
    let manifest = ["--manifest-path", "fuzz/Cargo.toml"];
    command::run(workspace.cargo().arg("fmt").args(manifest).arg("--check"))?;
    let mut clippy = workspace.cargo();
    clippy.arg("clippy").args(manifest).args(["--all-targets", "--locked"]);
    command::run(clippy.args(["--", "-D", "warnings"]))
}

fn component(workspace: &Workspace, args: &ComponentArgs) -> Result<Built> {
    let built = build::component(workspace, args)?;
    println!("{}", built.summary(workspace));
    Ok(built)
}

/// The guest's code as its own target sees it: some of it is compiled nowhere else.
fn guest_lints(workspace: &Workspace, built: &Built) -> Result<()> {
    let mut clippy = workspace.cargo();
    clippy.args(["clippy", "--package", GUEST_PACKAGE, "--lib", "--target", GUEST_TARGET, "--locked"]);
    built.toolchain.apply(&mut clippy);
    command::run(clippy.args(["--", "-D", "warnings"]))
}

fn documentation(workspace: &Workspace) -> Result<()> {
    let mut doc = workspace.cargo();
    doc.args(["doc", "--workspace", "--no-deps", "--locked"]).env("RUSTDOCFLAGS", "-D warnings");
    command::run(&mut doc)
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    #[test]
    fn a_failed_step_is_named_in_front_of_its_cause() {
        let error = step("lints", || -> Result<()> { Err(anyhow!("cargo ended with 101")) }).unwrap_err();
        assert_eq!(format!("{error:#}"), "step `lints` failed: cargo ended with 101");
        assert_eq!(step("lints", || Ok(7)).unwrap(), 7);
    }
}
