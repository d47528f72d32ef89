//! What the command line takes. The doc comments here are the help.

mod access;
mod installation;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub(crate) use access::*;
pub(crate) use installation::*;

const EXIT_CODES: &str = "\
Exit codes:
  0  everything was as expected, or whoever read the output closed it early
  1  an expectation of the scenario failed (the difference is printed), or something was refused
     for good
  2  the command line, a file or the component cannot be used; of `run` the key or the address, too
  3  somebody must look at what would change: `harness sync --yes` confirms it
  4  ended in the middle, Kisi cannot be reached for now, or another harness is at work on the
     installation: the same command goes on
  5  nothing goes on until a person has acted; then `harness connect`
  6  the answer is no: no door opens for the member, or this one stays shut
  7  it is not known whether the door opened: look at it before trying again
  130  Ctrl-C; for sync, preview, tick and disconnect the second one, since the first ends them
       after the step under way";

const RUN_HELP: &str = "\
Examples:
  harness run scenarios/membership-frozen.toml
      plays against a simulator in this process; waiting takes no time
  harness run scenarios/demo.toml --kisi http://127.0.0.1:8080 --key-file key.txt --allow-seeding
      plays against a simulator that runs there (kisi-sim --port 8080), replacing what it holds
  harness run my.toml --kisi https://api.kisi.io --key-file key.txt
      plays against Kisi itself: the scenario may then neither seed nor need a simulator

A scenario:
  title = \"A frozen membership\"
  story = \"Ann freezes her membership. The door stays shut until she comes back.\"

  [[plans]]
  id = \"basic\"
  name = \"Basic\"

  [[groups]]
  name = \"24/7 entrance\"

  [[mappings]]
  plan = \"basic\"
  groups = [\"24/7 entrance\"]

  [[members]]
  id = \"ann\"
  name = \"Ann Lee\"
  email = \"ann@example.test\"
  memberships = [{ id = \"m-1\", plan = \"basic\" }]

  [[steps]]
  event = \"membership-purchased\"
  member = \"ann\"
  expect = { groups = { ann = [\"24/7 entrance\"] } }

  [[steps]]
  event = \"membership-frozen\"
  member = \"ann\"
  change = { memberships = [{ id = \"m-1\", status = \"frozen\" }] }
  expect = { groups = { ann = [] }, reasons = { ann = [\"frozen\"] }, calls = 1 }

Everything that a scenario may say is in scenarios/README.md.
";

const INSPECT_HELP: &str = "\
Examples:
  harness inspect target/component/kisi_plugin.wasm
  harness inspect some_plugin.wasm --json
";

const OVERVIEW: &str = "\
An installation, from the beginning:
  harness connect --key-file key.txt --members my-gym --contact me@my-gym.example
  harness groups                          the access groups that Kisi has
  harness map Basic \"Front door\"         who has the plan Basic may use the group Front door
  harness preview                         who would gain and lose what
  harness sync                            make Kisi match
  harness event membership-frozen 1042    a member's membership changed: make Kisi match for them
  harness explain 1042                    may this member enter, and if not, why
  harness tick --until-done               do what fell due though nothing happened; run it regularly
";

/// Keeps a gym's Kisi in step with its memberships through a door-access plugin, plays scenarios of it, and tells what
/// a plugin may do.
#[derive(Debug, Parser)]
#[command(name = "harness", version, max_term_width = 100, after_help = format!("{OVERVIEW}\n{EXIT_CODES}"))]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Play a scenario: connect, map plans to groups, then step by step.
    ///
    /// Prints for each event what happened, what the plugin decided and why, the requests it sent, and the groups
    /// before and after; at the end who is in which group, and the requests made against the edits needed.
    #[command(after_help = format!("{RUN_HELP}\n{EXIT_CODES}"))]
    Run(RunArgs),

    /// Show what a component is, what it imports and exports, and in words what it may do and reach.
    ///
    /// Nothing of it runs but its description of itself, with no storage, no directory and no network.
    #[command(after_help = format!("{INSPECT_HELP}\n{EXIT_CODES}"))]
    Inspect(InspectArgs),

    #[command(flatten)]
    Installation(Installation),
}

impl Command {
    /// How it prints.
    pub(crate) fn output(&self) -> &OutputArgs {
        match self {
            Command::Run(args) => &args.output,
            Command::Inspect(args) => &args.output,
            Command::Installation(command) => &command.common().output,
        }
    }
}

/// How a command prints.
#[derive(Args, Clone, Debug)]
pub(crate) struct OutputArgs {
    /// Print JSON for machines: one document a line; `run` prints several lines, every other command one.
    ///
    /// When something cannot be used, or ended early, the last line is `{"type":"error","error":"…"}` with the same text as on
    /// standard error.
    #[arg(long)]
    pub(crate) json: bool,

    /// When to use colours; `auto` means on a terminal, unless NO_COLOR is set.
    #[arg(long, value_enum, value_name = "WHEN", default_value_t = Color::Auto)]
    pub(crate) color: Color,

    /// Leave out what differs between runs and builds: the time taken, the component's size and hash.
    #[arg(long)]
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
    /// Whether to use colours where the stream itself would (not) show them.
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

    /// A file with an API key of an administrator of that Kisi, and nothing else in it.
    #[arg(long, value_name = "FILE", requires = "kisi")]
    pub(crate) key_file: Option<PathBuf>,

    /// Let the scenario change what is at the address before and beside the plugin.
    ///
    /// A simulator's whole content is replaced: other gyms in it, its settings (--unpaced, for example) and its time, too. It
    /// must know the key. Anywhere else, groups and people that the scenario names and that are missing are made; they stay.
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

    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// What `harness inspect` takes.
#[derive(Args, Debug)]
pub(crate) struct InspectArgs {
    /// The component.
    #[arg(value_name = "COMPONENT")]
    pub(crate) component: PathBuf,

    #[command(flatten)]
    pub(crate) output: OutputArgs,
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
    fn the_scenario_of_the_help_is_a_good_one() {
        let (_, rest) = RUN_HELP.split_once("A scenario:\n").unwrap();
        let (scenario, _) = rest.split_once("\nEverything").unwrap();
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("help.toml");
        std::fs::write(&file, scenario).unwrap();
        let scenario = door_access_scenario::file::Scenario::read(&file).map_err(|error| error.to_string());
        assert_eq!(scenario.map(|scenario| scenario.title), Ok("A frozen membership".to_owned()));
    }
}
