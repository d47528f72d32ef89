//! The workspace: its folders, its files, and cargo as every task calls it.

use std::path::PathBuf;

use anyhow::{Context, Result};
use cargo_metadata::camino::Utf8PathBuf;
use cargo_metadata::{Artifact, Message, MetadataCommand};
use xshell::{Cmd, Shell, cmd};

/// A workspace of cargo and a shell in its root folder.
pub(crate) struct Workspace {
    /// Runs other programs in the root folder.
    pub(crate) sh: Shell,
    /// The folder of the root manifest.
    pub(crate) root: Utf8PathBuf,
    /// Cargo's target directory, absolute.
    pub(crate) target: Utf8PathBuf,
}

impl Workspace {
    /// The workspace that this program was built from. Cargo knows the target directory from its configuration.
    pub(crate) fn locate() -> Result<Self> {
        let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
        let metadata = MetadataCommand::new().manifest_path(manifest).no_deps().exec()?;
        Self::at(metadata.workspace_root, metadata.target_directory)
    }

    /// A workspace in the folder `root` that builds into `target`.
    pub(crate) fn at(root: Utf8PathBuf, target: Utf8PathBuf) -> Result<Self> {
        let sh = Shell::new()?;
        sh.change_dir(&root);
        sh.set_var("CARGO_TARGET_DIR", &target);
        Ok(Self { sh, root, target })
    }

    /// Cargo, without the variables in which `cargo run` describes xtask: some build scripts run again when those
    /// change, and everything that depends on them is then compiled twice.
    pub(crate) fn cargo(&self) -> Cmd<'_> {
        let describes_xtask =
            |name: &str| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_");
        let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
        names.filter(|name| describes_xtask(name)).fold(cmd!(self.sh, "cargo"), Cmd::env_remove)
    }

    /// Every file that is, or could be, part of a commit: its path from the root.
    pub(crate) fn files(&self) -> Result<Vec<PathBuf>> {
        let listed = cmd!(self.sh, "git ls-files --cached --others --exclude-standard -z").read()?;
        let mut files: Vec<_> = listed.split_terminator('\0').map(PathBuf::from).collect();
        files.retain(|file| self.root.as_std_path().join(file).is_file());
        files.sort();
        Ok(files)
    }
}

/// Runs a build of cargo and returns what it built or found up to date.
pub(crate) fn artifacts(build: Cmd<'_>) -> Result<Vec<Artifact>> {
    eprintln!("$ {build}");
    let messages = build.arg("--message-format=json-render-diagnostics").read()?;
    let mut artifacts = Vec::new();
    for message in Message::parse_stream(messages.as_bytes()) {
        if let Message::CompilerArtifact(artifact) = message.context("failed to read a message of cargo")? {
            artifacts.push(artifact);
        }
    }
    Ok(artifacts)
}
