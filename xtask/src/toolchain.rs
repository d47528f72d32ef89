//! Which compiler and standard library build the guest.
//!
//! The guest needs the standard library of wasm32-unknown-unknown, which a Rust installation does not always
//! carry and a closed network does not always give. The ways to one are tried in a fixed order; each is a file
//! of its own that either prepares a [`Toolchain`] or says why it cannot. What the build then does with it is
//! `build`'s matter.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, bail};
use clap::ValueEnum;

use crate::workspace::{GUEST_TARGET, Workspace};

mod installed;

mod rustup;

mod debian;

mod remap;

/// What the command line asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Choice {
    /// The first of the following that works.
    Auto,
    /// The active toolchain, which has the target installed.
    Installed,
    /// The active toolchain, after `rustup target add`.
    Rustup,
    /// A compiler and its library's source from Debian packages, unpacked under the target directory.
    Debian,
}

/// One way to a compiler for the guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// See [`Choice::Installed`].
    Installed,
    /// See [`Choice::Rustup`].
    Rustup,
    /// See [`Choice::Debian`].
    Debian,
}

/// How cargo is called to build the guest.
#[derive(Debug)]
pub(crate) struct Toolchain {
    /// The way that led to it.
    pub(crate) way: Way,
    /// The target directory of its builds. Compilers do not share one: each would rebuild what the other built.
    target_directory: PathBuf,
    environment: Vec<(&'static str, OsString)>,
    arguments: Vec<&'static str>,
}

impl Toolchain {
    /// The active toolchain as it is.
    fn active(workspace: &Workspace, way: Way) -> Self {
        let target_directory = workspace.target.join("guest");
        let environment = vec![(remap::VARIABLE, remap::flags(workspace))];
        Self { way, target_directory, environment, arguments: Vec::new() }
    }

    /// Makes a cargo command for the guest use this toolchain.
    pub(crate) fn apply(&self, command: &mut Command) {
        command.env("CARGO_TARGET_DIR", &self.target_directory);
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.args(&self.arguments);
    }
}

impl Choice {
    /// The ways to try, in order. The last resort of `auto` is an explanation.
    fn ways(self) -> &'static [Way] {
        match self {
            Self::Auto => &[Way::Installed, Way::Rustup, Way::Debian],
            Self::Installed => &[Way::Installed],
            Self::Rustup => &[Way::Rustup],
            Self::Debian => &[Way::Debian],
        }
    }
}

impl Way {
    fn title(self) -> &'static str {
        match self {
            Self::Installed => "the active toolchain's own wasm32-unknown-unknown",
            Self::Rustup => "wasm32-unknown-unknown added by rustup",
            Self::Debian => "rustc and std's source from Debian packages, under the target directory",
        }
    }

    /// The word for it on the command line.
    fn word(self) -> &'static str {
        match self {
            Self::Installed => "installed",
            Self::Rustup => "rustup",
            Self::Debian => "debian",
        }
    }

    fn prepare(self, workspace: &Workspace, choice: Choice) -> Result<Toolchain> {
        match self {
            Self::Installed => installed::prepare(workspace, self),
            Self::Rustup => rustup::prepare(workspace, choice),
            Self::Debian => debian::prepare(workspace),
        }
    }
}

/// Finds a toolchain for the guest and says in one line on standard error which it is.
pub(crate) fn choose(workspace: &Workspace, choice: Choice) -> Result<Toolchain> {
    match first_that_works(choice.ways(), |way| way.prepare(workspace, choice)) {
        Ok((toolchain, passed_over)) => {
            eprintln!("xtask: guest compiler: {}", chosen(toolchain.way, &passed_over));
            Ok(toolchain)
        }
        Err(refusals) => bail!("{}", nothing_works(&refusals)),
    }
}

/// A way that did not work, and why.
type Refusal = (Way, String);

/// Tries the ways in order. The refusals before the success come with it; without a success they are all there
/// is.
fn first_that_works<T>(
    ways: &[Way],
    mut prepare: impl FnMut(Way) -> Result<T>,
) -> Result<(T, Vec<Refusal>), Vec<Refusal>> {
    let mut refusals = Vec::new();
    for &way in ways {
        match prepare(way) {
            Ok(toolchain) => return Ok((toolchain, refusals)),
            Err(reason) => refusals.push((way, format!("{reason:#}"))),
        }
    }
    Err(refusals)
}

fn chosen(way: Way, passed_over: &[Refusal]) -> String {
    if passed_over.is_empty() {
        return way.title().to_owned();
    }
    let reasons: Vec<_> = passed_over.iter().map(|(way, why)| format!("{}: {why}", way.word())).collect();
    format!("{} ({})", way.title(), reasons.join("; "))
}

fn nothing_works(refusals: &[Refusal]) -> String {
    let mut message = format!("no standard library of {GUEST_TARGET} for building the plugin\n\ntried:\n");
    for (way, why) in refusals {
        message.push_str(&format!("  {}: {why}\n", way.word()));
    }
    message.push_str(&format!(
        "\neither of these helps:\n  \
         - where toolchains can be downloaded: `rustup target add {GUEST_TARGET}`\n  \
         - on Debian or its like: package sources that offer rustc-web (see `apt-cache policy rustc-web`)\n",
    ));
    message
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    #[test]
    fn the_first_way_that_works_is_taken_and_later_ones_are_not_tried() {
        let mut tried = Vec::new();
        let found = first_that_works(Choice::Auto.ways(), |way| {
            tried.push(way);
            if way == Way::Rustup { Ok(way) } else { Err(anyhow!("absent")) }
        });
        assert_eq!(tried, [Way::Installed, Way::Rustup]);
        let (way, passed_over) = found.unwrap();
        assert_eq!(way, Way::Rustup);
        assert_eq!(chosen(way, &passed_over), "wasm32-unknown-unknown added by rustup (installed: absent)");
    }

    #[test]
    fn a_forced_way_is_the_only_one_tried() {
        for (choice, way) in [
            (Choice::Installed, Way::Installed),
            (Choice::Rustup, Way::Rustup),
            (Choice::Debian, Way::Debian),
        ] {
            assert_eq!(choice.ways(), [way]);
        }
        assert_eq!(chosen(Way::Debian, &[]), Way::Debian.title());
    }

    #[test]
    fn when_nothing_works_the_message_names_both_remedies_and_every_reason() {
        let refusals = first_that_works(Choice::Auto.ways(), |way| -> Result<()> {
            Err(anyhow!("inner reason").context(format!("outer {}", way.word())))
        })
        .unwrap_err();
        let message = nothing_works(&refusals);
        for needle in [
            "rustup target add wasm32-unknown-unknown",
            "rustc-web",
            "installed: outer installed: inner reason",
            "rustup: outer rustup: inner reason",
            "debian: outer debian: inner reason",
        ] {
            assert!(message.contains(needle), "{needle} is missing in:\n{message}");
        }
    }

    #[test]
    fn the_words_of_the_ways_are_those_of_the_command_line() {
        for choice in [Choice::Installed, Choice::Rustup, Choice::Debian] {
            let word = choice.to_possible_value().unwrap().get_name().to_owned();
            assert_eq!(choice.ways().iter().map(|way| way.word()).collect::<Vec<_>>(), [word]);
        }
    }
}
