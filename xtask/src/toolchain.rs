//! The compiler of the guest, with the standard library of its target.
//!
//! `rust-toolchain.toml` lists the target, so rustup usually installs it unasked. On a machine without rustup,
//! `scripts/debian-wasm-target.sh` unpacks another compiler below the target directory and writes a configuration of
//! cargo that builds the standard library from source.

use std::path::Path;

use anyhow::{Result, bail};
use cargo_metadata::camino::Utf8PathBuf;
use xshell::{Cmd, cmd};

use crate::workspace::Workspace;

/// The target of the guest.
pub(crate) const TARGET: &str = "wasm32-unknown-unknown";

/// What the Debian script writes last, in the target directory.
const DEBIAN_CONFIG: &str = "debian-rust/config.toml";

/// A compiler that can build the guest.
pub(crate) enum Toolchain {
    /// The active toolchain, which has the target.
    Active,
    /// Debian's compiler, through this configuration of cargo.
    Debian {
        /// The configuration's file, absolute.
        config: Utf8PathBuf,
    },
}

impl Toolchain {
    /// Finds a compiler. Adds the target with rustup if that is all that is missing.
    pub(crate) fn find(workspace: &Workspace) -> Result<Self> {
        if has_target(workspace)? {
            return Ok(Self::Active);
        }
        let config = workspace.target.join(DEBIAN_CONFIG);
        if config.exists() {
            return Ok(Self::Debian { config });
        }
        match cmd!(workspace.sh, "rustup target add {TARGET}").run() {
            Ok(()) if has_target(workspace)? => Ok(Self::Active),
            Ok(()) => bail!("rustup added {TARGET} to another toolchain than the active one"),
            Err(error) => bail!(
                "the standard library of {TARGET} is missing ({error})\n\n\
                 with rustup:                run `rustup target add {TARGET}`\n\
                 on Debian without rustup:   run `scripts/debian-wasm-target.sh`"
            ),
        }
    }

    /// Cargo for the guest, with a target directory of its own: a guest build does not wait for a host build.
    pub(crate) fn cargo<'a>(&self, workspace: &'a Workspace) -> Cmd<'a> {
        let cargo = workspace
            .cargo()
            .env("CARGO_TARGET_DIR", workspace.target.join("guest"))
            .env("CARGO_ENCODED_RUSTFLAGS", without_local_paths(workspace));
        match self {
            Self::Active => cargo,
            Self::Debian { config } => cargo.env("RUSTC_BOOTSTRAP", "1").arg("--config").arg(config),
        }
    }
}

/// The compiler names a folder for any target that it knows; the folder exists if the target is installed.
fn has_target(workspace: &Workspace) -> Result<bool> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let folder = cmd!(workspace.sh, "{rustc} --print target-libdir --target {TARGET}").read()?;
    Ok(Path::new(&folder).is_dir())
}

/// Flags that shorten the paths in panic messages. The component must not contain the builder's home folder, nor
/// depend on where the clone is. Cargo's own setting for this, `trim-paths`, is not stable yet.
fn without_local_paths(workspace: &Workspace) -> String {
    let home = std::env::var("CARGO_HOME").ok().map(Utf8PathBuf::from);
    let home = home.or_else(|| Utf8PathBuf::from_path_buf(std::env::home_dir()?.join(".cargo")).ok());
    // The last that matches wins: the target directory is often inside the workspace.
    let shortened = [
        (home.as_ref(), "cargo"),
        (Some(&workspace.root), "door-access"),
        (Some(&workspace.target), "target"),
    ];
    let flags = shortened.into_iter().filter_map(|(folder, name)| {
        let folder = folder.filter(|folder| !folder.as_str().is_empty())?;
        Some(format!("--remap-path-prefix={folder}={name}"))
    });
    // What cargo expects between flags, because flags may contain blanks.
    flags.collect::<Vec<_>>().join("\u{1f}")
}
