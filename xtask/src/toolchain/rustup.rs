//! The second way: let rustup add the target to the active toolchain.
//!
//! Where nothing can be downloaded this fails, at once or after a long wait. The wait is bounded, and a refusal
//! is remembered for a while, so that each build on such a machine does not begin with it.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::{Choice, Toolchain, Way, installed};
use crate::command::{self, Bounded};
use crate::replace::replace;
use crate::workspace::{GUEST_TARGET, Workspace};

/// The target's library is a download of about 20 MB.
const ADD_LIMIT: Duration = Duration::from_secs(120);

/// How long a refusal is believed without asking again: shorter than a working day's patience with a machine
/// that went online meanwhile, long enough for a series of builds.
const REFUSAL_BELIEVED: Duration = Duration::from_secs(60 * 60);

/// Adds the target and answers the active toolchain if that gave it the target's library.
pub(super) fn prepare(workspace: &Workspace, choice: Choice) -> Result<Toolchain> {
    let note = workspace.target.join("guest").join("rustup-refused");
    // Asked for by name, it is tried whatever happened before.
    if choice == Choice::Auto
        && let Some(reason) = remembered(&note)
    {
        bail!("{reason} (less than an hour ago; --toolchain-way rustup tries again)");
    }
    // Looked for at every build: that costs nothing, and it may be there the next time.
    command::output(Command::new("rustup").arg("--version")).context("rustup does not run here")?;
    match add(workspace).and_then(|()| installed::prepare(workspace, Way::Rustup)) {
        Ok(toolchain) => {
            // A note that cannot be removed only grows old.
            let _ = std::fs::remove_file(&note);
            Ok(toolchain)
        }
        Err(reason) => {
            replace(&note, format!("{reason:#}").as_bytes()).context("failed to remember a refusal")?;
            Err(reason)
        }
    }
}

fn add(workspace: &Workspace) -> Result<()> {
    let mut add = Command::new("rustup");
    add.args(["target", "add", GUEST_TARGET]).current_dir(&workspace.root);
    match command::bounded(&mut add, ADD_LIMIT)? {
        Bounded::Succeeded => Ok(()),
        Bounded::Failed { printed } => bail!("`rustup target add` failed: {}", cause(&printed)),
        Bounded::TimedOut => bail!("`rustup target add` did not end within {} s", ADD_LIMIT.as_secs()),
    }
}

/// The reason noted in the file, unless it is too old.
fn remembered(note: &Path) -> Option<String> {
    let age = std::fs::metadata(note).ok()?.modified().ok()?.elapsed().ok()?;
    if age > REFUSAL_BELIEVED {
        return None;
    }
    std::fs::read_to_string(note).ok()
}

/// Rustup's own error line, without what led to it.
fn cause(printed: &str) -> &str {
    let error = printed.lines().find_map(|line| line.trim().strip_prefix("error: "));
    error.unwrap_or_else(|| command::last_line(printed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cause_is_the_line_that_rustup_marks_as_error() {
        let printed = "info: downloading component rust-std\nerror: could not download file\n\nCaused by: x";
        assert_eq!(cause(printed), "could not download file");
        assert_eq!(cause("no such command\n"), "no such command");
    }

    #[test]
    fn a_refusal_is_remembered_for_a_while_only() {
        let folder = tempfile::tempdir().unwrap();
        let note = folder.path().join("note");
        assert_eq!(remembered(&note), None);
        replace(&note, b"no network").unwrap();
        assert_eq!(remembered(&note).as_deref(), Some("no network"));
        let long_ago = std::time::SystemTime::now() - REFUSAL_BELIEVED - Duration::from_secs(1);
        std::fs::File::options().write(true).open(&note).unwrap().set_modified(long_ago).unwrap();
        assert_eq!(remembered(&note), None);
    }
}
