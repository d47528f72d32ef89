//! Builds by cargo that answer where their results are.
//!
//! Paths are read from cargo's own messages instead of being put together here: profiles, targets and
//! configuration all have a say in them.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::command;

/// Something that cargo built, or found to be up to date.
#[derive(Deserialize)]
pub(crate) struct Artifact {
    /// The target it belongs to.
    pub(crate) target: Target,
    /// Every file of it.
    pub(crate) filenames: Vec<PathBuf>,
    /// The program, if it is one.
    pub(crate) executable: Option<PathBuf>,
}

/// One library or binary of a package.
#[derive(Deserialize)]
pub(crate) struct Target {
    /// Its name in the manifest.
    pub(crate) name: String,
}

/// Runs `cargo build …` with its progress on our standard error and returns what it made.
pub(crate) fn artifacts(build: &mut Command) -> Result<Vec<Artifact>> {
    build.arg("--message-format=json-render-diagnostics");
    let output = build
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("failed to start {}", command::line(build)))?;
    if !output.status.success() {
        bail!("{} ended with {}", command::line(build), output.status);
    }
    parse(&String::from_utf8_lossy(&output.stdout))
}

/// The program of this name among the artifacts.
pub(crate) fn program(artifacts: &[Artifact], name: &str) -> Result<PathBuf> {
    let found = artifacts.iter().find_map(|artifact| match &artifact.executable {
        Some(executable) if artifact.target.name == name => Some(executable.clone()),
        _ => None,
    });
    found.with_context(|| format!("cargo built no program `{name}`"))
}

/// The WebAssembly module of the library of this name among the artifacts.
pub(crate) fn module(artifacts: &[Artifact], name: &str) -> Result<PathBuf> {
    let files = artifacts.iter().filter(|artifact| artifact.target.name == name);
    let found = files
        .flat_map(|artifact| &artifact.filenames)
        .find(|file| file.extension().is_some_and(|extension| extension == "wasm"));
    found.cloned().with_context(|| {
        format!("cargo built no WebAssembly module of `{name}`: is `cdylib` among its crate types?")
    })
}

/// One JSON document a line; other kinds of message (and what build scripts print) are passed over.
fn parse(messages: &str) -> Result<Vec<Artifact>> {
    let mut artifacts = Vec::new();
    for line in messages.lines().filter(|line| line.starts_with('{')) {
        let message: serde_json::Value =
            serde_json::from_str(line).context("failed to read a message of cargo")?;
        if message.get("reason").is_some_and(|reason| reason == "compiler-artifact") {
            artifacts.push(serde_json::from_value(message).context("failed to read an artifact of cargo")?);
        }
    }
    Ok(artifacts)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MESSAGES: &str = r#"
{"reason":"build-script-executed","out_dir":"x"}
{"reason":"compiler-artifact","target":{"name":"part","kind":["lib"]},"filenames":["t/libpart.rlib","t/part.wasm"],"executable":null}
not a message
{"reason":"compiler-artifact","target":{"name":"part","kind":["bin"]},"filenames":["t/part"],"executable":"t/part"}
{"reason":"build-finished","success":true}
"#;

    #[test]
    fn programs_and_modules_are_found_by_name() {
        let artifacts = parse(MESSAGES).unwrap();
        assert_eq!(artifacts.len(), 2);
        assert_eq!(program(&artifacts, "part").unwrap(), PathBuf::from("t/part"));
        assert_eq!(module(&artifacts, "part").unwrap(), PathBuf::from("t/part.wasm"));
    }

    #[test]
    fn what_was_not_built_is_named() {
        let artifacts = parse(MESSAGES).unwrap();
        assert!(program(&artifacts, "other").unwrap_err().to_string().contains("`other`"));
        assert!(module(&artifacts, "other").unwrap_err().to_string().contains("cdylib"));
    }
}
