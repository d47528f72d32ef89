//! Debian's package tools, with lists and caches of their own.
//!
//! The machine's own lists may be missing or years old, and only root may renew them. These are fetched from the same
//! sources into a folder of ours, as anybody.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use crate::command;

/// The tools, told to keep what they write under one folder.
pub(super) struct Apt {
    folder: PathBuf,
}

impl Apt {
    /// Fetches the package lists into `folder`.
    pub(super) fn prepare(folder: &Path) -> Result<Self> {
        for tool in ["apt-get", "apt-cache", "dpkg-deb", "dpkg-query"] {
            command::output(Command::new(tool).arg("--version"))
                .with_context(|| format!("this is no Debian-like machine: `{tool}` does not run"))?;
        }
        let apt = Self { folder: folder.join("apt") };
        for needed in ["lists/partial", "cache/archives/partial"] {
            std::fs::create_dir_all(apt.folder.join(needed))
                .context("failed to create a folder for package lists")?;
        }
        let mut update = apt.get();
        update.arg("update").stdin(Stdio::null()).stdout(Stdio::null());
        command::run(&mut update).context("the package lists cannot be fetched")?;
        Ok(apt)
    }

    /// `apt-get`, which downloads.
    pub(super) fn get(&self) -> Command {
        self.tool("apt-get")
    }

    /// `apt-cache`, which answers questions about packages.
    pub(super) fn cache(&self) -> Command {
        self.tool("apt-cache")
    }

    fn tool(&self, name: &str) -> Command {
        let mut command = Command::new(name);
        command.env("LC_ALL", "C");
        for (option, folder) in [("Dir::State::lists", "lists"), ("Dir::Cache", "cache")] {
            command.arg("-o").arg(format!("{option}={}", self.folder.join(folder).display()));
        }
        // Run by root, the tools would hand downloads to a user who may not write into this folder.
        command.args(["-o", "APT::Sandbox::User=", "-o", "Acquire::Languages=none"]);
        command
    }
}
