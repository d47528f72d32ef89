//! The arguments of all commands. The doc comments here are the help.

mod help;
mod installation;
mod member;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub(crate) use installation::*;
pub(crate) use member::*;

/// Keeps a gym's Kisi in step with its memberships through a door-access plugin, plays scenarios, and shows what a plugin
/// may do.
#[derive(Debug, Parser)]
#[command(name = "harness", version, max_term_width = 100)]
#[command(after_help = format!("{}\n{}", help::OVERVIEW, help::EXIT_CODES))]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,

    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Play a scenario: connect, map plans to groups, then step by step.
    ///
    /// Prints for each event what happened, what the plugin decided and why, the requests it sent, and the groups
    /// before and after; at the end who is in which group, and the requests made against the edits needed.
    #[command(after_help = format!("{}\n{}", help::RUN, help::EXIT_CODES))]
    Run(RunArgs),

    /// Show a component's imports and exports, and in words what it may do and reach.
    ///
    /// Only its description of itself runs, without storage, directory or network.
    #[command(after_help = format!("{}\n{}", help::INSPECT, help::EXIT_CODES))]
    Inspect(InspectArgs),

    #[command(flatten)]
    Installation(Installation),
}

/// How a command prints.
#[derive(Args, Clone, Debug)]
pub(crate) struct OutputArgs {
    /// Print JSON for machines: one document a line; `run` prints several lines, every other command one.
    ///
    /// After an error the last line is `{"type":"error","error":"…"}` with the same text as on standard error.
    #[arg(long, global = true)]
    pub(crate) json: bool,

    /// When to use colours; `auto` means on a terminal, unless NO_COLOR is set.
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value_t = Color::Auto)]
    pub(crate) color: Color,

    /// Leave out what differs between runs and builds: the time taken, the component's size and hash.
    #[arg(long, global = true)]
    pub(crate) stable: bool,
}

/// When to use colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl Color {
    /// Whether to use colours on a stream that would show them or not.
    pub(crate) fn wanted(self, shown: bool) -> bool {
        match self {
            Color::Auto => shown,
            Color::Always => true,
            Color::Never => false,
        }
    }
}

/// What `harness run` takes.
#[derive(Args, Debug)]
pub(crate) struct RunArgs {
    /// The scenario, a TOML file; see below.
    #[arg(value_name = "SCENARIO")]
    pub(crate) scenario: PathBuf,

    /// The plugin, as a WebAssembly component; `cargo xtask build` makes it.
    #[arg(long, value_name = "PATH", default_value = "target/component/kisi_plugin.wasm")]
    pub(crate) component: PathBuf,

    /// Play against the Kisi at this address instead of a simulator in this process.
    ///
    /// `https://…`, or `http://` for this machine only.
    #[arg(long, value_name = "URL", requires = "key_file")]
    pub(crate) kisi: Option<String>,

    /// A file that holds an API key of an administrator of that Kisi, and nothing else.
    #[arg(long, value_name = "FILE", requires = "kisi")]
    pub(crate) key_file: Option<PathBuf>,

    /// Let the scenario change the Kisi at the address before and between the events.
    ///
    /// The whole content of a simulator is replaced: other gyms in it, its settings (--unpaced, for example) and its
    /// time, too. It must know the key. In any other Kisi the missing groups and people of the scenario are made; they
    /// stay.
    #[arg(long, requires = "kisi")]
    pub(crate) allow_seeding: bool,

    /// Show the body of each request, too.
    #[arg(long)]
    pub(crate) bodies: bool,

    /// Show the plugin's log lines under the step in which it wrote them; with --json, as that step's `log`.
    #[arg(short, long)]
    pub(crate) verbose: bool,

    /// Keep compiled components in this folder, so that the next start is faster. Only you may be able to write it.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) cache: Option<PathBuf>,
}

/// What `harness inspect` takes.
#[derive(Args, Debug)]
pub(crate) struct InspectArgs {
    /// The component.
    #[arg(value_name = "COMPONENT")]
    pub(crate) component: PathBuf,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn each_command_of_an_installation_has_its_own_help_and_the_common_arguments() {
        let cli = Cli::command();
        let status = cli.find_subcommand("status").unwrap();
        assert!(status.get_about().unwrap().to_string().starts_with("Show the state of the installation."));
        for argument in ["state", "wait", "sealing_key_file"] {
            assert!(status.get_arguments().any(|known| known.get_id() == argument), "{argument}");
        }
        let run = cli.find_subcommand("run").unwrap();
        assert!(run.get_arguments().all(|known| known.get_id() != "state"));
        let cli = Cli::try_parse_from(["harness", "doors", "1042", "--state", "gym", "--json"]).unwrap();
        let Command::Installation(installation) = cli.command else { panic!("another command") };
        assert!(cli.output.json && matches!(installation.command, Action::Doors(_)));
        assert_eq!(installation.common.state, PathBuf::from("gym"));
    }

    #[test]
    fn the_help_of_each_command_has_examples() {
        for command in Cli::command().get_subcommands() {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(
                help.contains("harness ") && help.starts_with("Example"),
                "{}: {help}",
                command.get_name()
            );
        }
    }

    #[test]
    fn the_scenario_in_the_help_can_be_read() {
        let (_, rest) = help::RUN.split_once("A scenario:\n").unwrap();
        let (scenario, _) = rest.split_once("\nscenarios/README.md").unwrap();
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("help.toml");
        std::fs::write(&file, scenario).unwrap();
        let scenario = door_access_scenario::file::Scenario::read(&file).map_err(|error| error.to_string());
        assert_eq!(scenario.map(|scenario| scenario.title), Ok("A frozen membership".to_owned()));
    }
}
