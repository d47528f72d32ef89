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

    /// Cargo in the root folder.
    ///
    /// Choose programs by `--bin`, `--test` and `--bench` and not by `--package`: then cargo uses the features of the
    /// whole workspace, and what one task has compiled serves the others.
    ///
    /// The variables in which `cargo run` describes xtask are removed. Some build scripts run again when those change,
    /// and everything that depends on them is then compiled again.
    pub(crate) fn cargo(&self) -> Cmd<'_> {
        let describes_xtask =
            |name: &str| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_");
        let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
        names.filter(|name| describes_xtask(name)).fold(cmd!(self.sh, "cargo"), Cmd::env_remove)
    }

    /// Every file that is, or could be, part of a commit: its path from the root.
    pub(crate) fn files(&self) -> Result<Vec<PathBuf>> {
        // For an empty repository all files are new, so this also lists the files of a copy without `.git`.
        let empty = self.target.join("empty-repository");
        cmd!(self.sh, "git init --quiet {empty}").quiet().run()?;
        let list =
            cmd!(self.sh, "git --git-dir {empty}/.git --work-tree . ls-files --others --exclude-standard -z");
        let listed = list.env_remove("GIT_INDEX_FILE").read()?;
        Ok(listed.split_terminator('\0').map(PathBuf::from).collect())
    }

    /// A copy of every file in the folder `root`, which loses what it held before.
    pub(crate) fn copy_to(&self, root: Utf8PathBuf, target: Utf8PathBuf) -> Result<Self> {
        self.sh.remove_path(&root)?;
        for file in self.files()? {
            let copy = root.as_std_path().join(&file);
            std::fs::create_dir_all(copy.parent().unwrap_or(root.as_std_path()))?;
            std::fs::copy(self.root.as_std_path().join(&file), &copy)
                .with_context(|| format!("failed to copy {}", file.display()))?;
        }
        Self::at(root, target)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_has_every_file_that_git_does_not_ignore_and_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let folder = Utf8PathBuf::from_path_buf(folder.path().to_owned()).unwrap();
        let workspace = Workspace::at(folder.join("original"), folder.join("target")).unwrap();
        for file in ["plugin/src/lib.rs", "Cargo.toml", "key.txt"] {
            workspace.sh.write_file(file, file).unwrap();
        }
        workspace.sh.write_file(".gitignore", "/key.txt").unwrap();
        workspace.sh.write_file(folder.join("copy/old.rs"), "").unwrap();

        let copy = workspace.copy_to(folder.join("copy"), folder.join("target")).unwrap();
        assert_eq!(copy.sh.read_file("plugin/src/lib.rs").unwrap(), "plugin/src/lib.rs");
        let copied = copy.files().unwrap();
        assert_eq!(copied, [".gitignore", "Cargo.toml", "plugin/src/lib.rs"].map(PathBuf::from));
        assert!(!copy.root.join("old.rs").exists() && !copy.root.join("key.txt").exists());
    }
}
