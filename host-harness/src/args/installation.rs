//! The arguments of the commands about an installation.

use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{ArgMatches, Args, FromArgMatches, Subcommand, ValueEnum};

use super::{DoorsArgs, EventArgs, ExplainArgs, LoginArgs, UnlockArgs, help};

/// A command of an installation, with the arguments that all of these commands take.
#[derive(Debug)]
pub(crate) struct Installation {
    pub(crate) command: Action,
    pub(crate) common: Common,
}

impl FromArgMatches for Installation {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let command = Action::from_arg_matches(matches)?;
        let (_, own) = matches.subcommand().ok_or_else(|| clap::Error::new(ErrorKind::MissingSubcommand))?;
        Ok(Installation { command, common: Common::from_arg_matches(own)? })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Installation::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Subcommand for Installation {
    fn augment_subcommands(command: clap::Command) -> clap::Command {
        let actions = Action::augment_subcommands(clap::Command::new("actions"));
        // Not `Common::augment_args(action)`, which would replace the help of the command by the doc comment of `Common`.
        let common = Common::augment_args(clap::Command::new("common"));
        let with_common = |action: &clap::Command| action.clone().args(common.get_arguments());
        command.subcommands(actions.get_subcommands().map(with_common))
    }

    fn augment_subcommands_for_update(command: clap::Command) -> clap::Command {
        Installation::augment_subcommands(command)
    }

    fn has_subcommand(name: &str) -> bool {
        Action::has_subcommand(name)
    }
}

/// The commands of an installation.
#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// Install, or change an installation.
    ///
    /// Verifies the key and its rights, reads the places and groups, and approves the addresses that the plugin may
    /// reach. Nothing changes in Kisi. The installation lives in a folder that only you may read; the key is kept there
    /// sealed, and the sealing key is kept elsewhere.
    #[command(after_help = format!("{}\n{}", help::CONNECT, help::EXIT_CODES))]
    Connect(ConnectArgs),

    /// Show the state of the installation. No request is sent.
    #[command(after_help = format!("{}\n{}", help::STATUS, help::EXIT_CODES))]
    Status,

    /// Show Kisi's access groups, and which plans open them.
    #[command(after_help = format!("{}\n{}", help::GROUPS, help::EXIT_CODES))]
    Groups(GroupsArgs),

    /// Show or change which plan opens which groups.
    #[command(after_help = format!("{}\n{}", help::MAP, help::EXIT_CODES))]
    Map(MapArgs),

    /// Show who would gain and lose what. Nothing changes in Kisi.
    #[command(after_help = format!("{}\n{}", help::PREVIEW, help::EXIT_CODES))]
    Preview(PreviewArgs),

    /// Make Kisi match the members' file for all members.
    ///
    /// It waits for confirmation when it would remove more than the removal guard allows (more than 10 grants and more
    /// than 20 % of all, unless the setting `brake` says otherwise): check the output, then run it with --yes.
    #[command(after_help = format!("{}\n{}", help::SYNC, help::EXIT_CODES))]
    Sync(SyncArgs),

    /// Make Kisi match for one member after an event.
    ///
    /// The event is a hint: the members' file decides, and is read again. `harness sync` also finds manual changes in
    /// Kisi.
    #[command(after_help = format!("{}\n{}", help::EVENT, help::EXIT_CODES))]
    Event(EventArgs),

    /// Show whether a member may enter now, and if not, why and what to do.
    ///
    /// Nothing changes. With --verify it reads Kisi, too.
    #[command(after_help = format!("{}\n{}", help::EXPLAIN, help::EXIT_CODES))]
    Explain(ExplainArgs),

    /// Show the doors that a member may open now. No request is sent.
    #[command(after_help = format!("{}\n{}", help::DOORS, help::EXIT_CODES))]
    Doors(DoorsArgs),

    /// Open a door for a member who may open it.
    #[command(after_help = format!("{}\n{}", help::UNLOCK, help::EXIT_CODES))]
    Unlock(UnlockArgs),

    /// Make a login for a gym's own app, or end one.
    ///
    /// With it the app opens doors as the member. Its secret is printed once and kept nowhere; a block or a deletion
    /// ends it.
    #[command(override_usage = help::LOGIN_USAGE)]
    #[command(after_help = format!("{}\n{}", help::LOGIN, help::EXIT_CODES))]
    Login(LoginArgs),

    /// Do what is due by date. Run it regularly.
    ///
    /// Starts, ends, grace periods and freezes of memberships; the groups and all members once a day; all members at
    /// once when the mapping was changed. Nothing that is due is lost when it runs late.
    #[command(after_help = format!("{}\n{}", help::TICK, help::EXIT_CODES))]
    Tick(TickArgs),

    /// Seal the gym's key with another sealing key. No request is sent.
    ///
    /// Run it again if it ended in the middle: either the former or the new sealing key opens the gym's key at any time.
    #[command(after_help = format!("{}\n{}", help::ROTATE, help::EXIT_CODES))]
    RotateSealingKey(RotateArgs),

    /// End the installation. Members keep their access in Kisi, unless --remove-granted.
    ///
    /// Lists the members that the plugin managed, with the groups that it gave or adopted. Groups that staff gave
    /// manually and the plugin never adopted stay, and are not in the list.
    ///
    /// At the end the folder keeps neither the key nor the plugin's records. The members' files stay.
    #[command(after_help = format!("{}\n{}", help::DISCONNECT, help::EXIT_CODES))]
    Disconnect(DisconnectArgs),
}

impl Action {
    /// Whether the command takes only a moment. A long command lets it in between two steps.
    pub(crate) fn is_short(&self) -> bool {
        match self {
            Action::Status
            | Action::Event(_)
            | Action::Explain(_)
            | Action::Doors(_)
            | Action::Unlock(_)
            | Action::Login(_)
            | Action::RotateSealingKey(_) => true,
            Action::Groups(args) => !args.refresh,
            Action::Map(args) => args.file.is_none() && args.plan.is_none(),
            Action::Connect(_)
            | Action::Preview(_)
            | Action::Sync(_)
            | Action::Tick(_)
            | Action::Disconnect(_) => false,
        }
    }
}

/// What all commands of an installation take.
#[derive(Args, Clone, Debug)]
pub(crate) struct Common {
    /// The installation's folder. Each is a gym of its own.
    #[arg(long, value_name = "FOLDER", env = "HARNESS_STATE", default_value = ".door-access")]
    pub(crate) state: PathBuf,

    /// How long to wait while another harness command works on the installation.
    ///
    /// A sync, a preview and a tick let others in between two steps.
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(..=3_600))]
    pub(crate) wait: u64,

    /// The file with the key that seals the gym's key: 64 hexadecimal digits, readable by its owner only.
    ///
    /// HARNESS_SEALING_KEY holds such a key itself. Without both, `harness connect` makes one in the user's
    /// configuration folder.
    #[arg(long, value_name = "FILE", env = "HARNESS_SEALING_KEY_FILE")]
    pub(crate) sealing_key_file: Option<PathBuf>,
}

/// What `harness rotate-sealing-key` takes.
#[derive(Args, Debug)]
pub(crate) struct RotateArgs {
    /// The file with the new sealing key; HARNESS_NEW_SEALING_KEY holds such a key itself.
    #[arg(long, value_name = "FILE", env = "HARNESS_NEW_SEALING_KEY_FILE")]
    pub(crate) new_sealing_key_file: Option<PathBuf>,
}

/// What `harness connect` takes. What is left out stays as it was.
#[derive(Args, Debug)]
pub(crate) struct ConnectArgs {
    /// Kisi's address: `https://…`, or `http://` for this machine only. Default: https://api.kisi.io.
    #[arg(long, value_name = "URL")]
    pub(crate) kisi: Option<String>,

    /// A file that holds an API key of an administrator, and nothing else. The key is kept sealed.
    #[arg(long, value_name = "FILE")]
    pub(crate) key_file: Option<PathBuf>,

    /// The folder with the gym's members.csv and plans.csv. Every command reads them again.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) members: Option<PathBuf>,

    /// The plugin. Default: target/component/kisi_plugin.wasm.
    #[arg(long, value_name = "PATH")]
    pub(crate) component: Option<PathBuf>,

    /// The gym's time zone, such as America/New_York: days in the members' file begin and end at its midnight. Default:
    /// this machine's.
    #[arg(long, value_name = "ZONE", conflicts_with = "utc_offset")]
    pub(crate) time_zone: Option<String>,

    /// A fixed difference from UTC instead of a time zone. It knows no clock changes; use --time-zone.
    #[arg(long, value_name = "±HH:MM", allow_hyphen_values = true)]
    pub(crate) utc_offset: Option<String>,

    /// Send requests as fast as they are answered: for a simulator with --unpaced, on this machine only.
    #[arg(long)]
    pub(crate) unpaced: bool,

    /// The plugin's settings, a JSON file that replaces the present ones.
    #[arg(long, value_name = "FILE")]
    pub(crate) settings: Option<PathBuf>,

    /// Setting: the e-mail address under which Kisi reaches the operator of this integration.
    #[arg(long, value_name = "EMAIL")]
    pub(crate) contact: Option<String>,

    /// Setting: the name of the platform in its requests to Kisi. Default: “door-access harness”.
    #[arg(long, value_name = "NAME")]
    pub(crate) identifier: Option<String>,

    /// Setting: days that access continues after a payment became overdue.
    #[arg(long, value_name = "DAYS", allow_negative_numbers = true, value_parser = days)]
    pub(crate) grace_days: Option<u32>,

    /// Setting: days after which access ends unless it was confirmed, for example by `harness tick`; 0 for never.
    #[arg(long, value_name = "DAYS", allow_negative_numbers = true, value_parser = days)]
    pub(crate) lease_days: Option<u32>,

    /// Setting: what a blocked or deleted member loses.
    #[arg(long, value_enum, value_name = "WHAT")]
    pub(crate) on_block: Option<OnBlock>,

    /// Setting: what to do when Kisi has no account for a member's e-mail address.
    #[arg(long, value_enum, value_name = "WHAT")]
    pub(crate) missing_user: Option<MissingUser>,

    /// Setting: who informs a person about a new account.
    #[arg(long, value_enum, value_name = "WHO")]
    pub(crate) invitation: Option<Invitation>,

    /// Setting: manage the groups of this place only, by name or id; repeat it for each further place.
    #[arg(long = "place", value_name = "PLACE", conflicts_with = "all_places")]
    pub(crate) places: Vec<String>,

    /// Accept that a column of the members' file is gone, `blocked` for example: its values no longer count.
    #[arg(long)]
    pub(crate) accept_columns: bool,

    /// Setting: manage the groups of all places.
    #[arg(long)]
    pub(crate) all_places: bool,
}

/// A number of days. The plugin checks the upper bound.
fn days(text: &str) -> Result<u32, &'static str> {
    text.parse().map_err(|_| "days are a whole number, 0 or more")
}

/// What a blocked or deleted member loses.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum OnBlock {
    /// All groups.
    All,
    /// What the plugin gave.
    Ours,
}

/// What to do when Kisi has no account for an address.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum MissingUser {
    /// Create an account.
    Create,
    /// Only report it.
    Report,
}

/// Who informs a person about a new account.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Invitation {
    /// Kisi, by mail.
    KisiMail,
    /// The platform.
    Managed,
}

/// What `harness groups` takes.
#[derive(Args, Debug)]
pub(crate) struct GroupsArgs {
    /// Read the groups from Kisi instead of from the records.
    #[arg(long)]
    pub(crate) refresh: bool,
}

/// What `harness map` takes.
#[derive(Args, Debug)]
pub(crate) struct MapArgs {
    /// A plan, by name or id.
    #[arg(value_name = "PLAN", conflicts_with = "file")]
    pub(crate) plan: Option<String>,

    /// The group that it opens, by name or id.
    #[arg(value_name = "GROUP")]
    pub(crate) group: Option<String>,

    /// Only for memberships of this location.
    #[arg(long, value_name = "LOCATION", requires = "plan")]
    pub(crate) at: Option<String>,

    /// Remove the entry, or all entries of the plan when no group is named.
    #[arg(long, requires = "plan")]
    pub(crate) remove: bool,

    /// Replace all entries by those of this CSV file.
    #[arg(long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,

    /// Accept a file without entries: no plan opens anything then.
    #[arg(long, requires = "file")]
    pub(crate) empty: bool,

    /// Show who would gain and lose which group by this change. Nothing changes, and no request is sent.
    ///
    /// Prints the first names; --json prints all.
    #[arg(long)]
    pub(crate) preview: bool,
}

/// The size of a step.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct StepArgs {
    /// Most requests in a step, from 4 to 1000.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(4..=1_000))]
    pub(crate) calls: u32,
}

/// How much of a report is printed.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct ReportArgs {
    /// Print every line of the report instead of the first of each kind.
    #[arg(long)]
    pub(crate) all: bool,
}

/// What `harness preview` takes.
#[derive(Args, Debug)]
pub(crate) struct PreviewArgs {
    /// Keep the preview, so that the next `harness sync` applies exactly this.
    #[arg(long)]
    pub(crate) keep: bool,

    #[command(flatten)]
    pub(crate) step: StepArgs,

    #[command(flatten)]
    pub(crate) report: ReportArgs,
}

/// What `harness sync` takes.
#[derive(Args, Debug)]
pub(crate) struct SyncArgs {
    /// Confirm a sync that removes more than the removal guard allows.
    #[arg(long)]
    pub(crate) yes: bool,

    /// Cancel the unfinished sync. What it did stays; nothing else is done.
    #[arg(long, conflicts_with = "yes")]
    pub(crate) cancel: bool,

    #[command(flatten)]
    pub(crate) step: StepArgs,

    #[command(flatten)]
    pub(crate) report: ReportArgs,
}

/// What `harness tick` takes.
#[derive(Args, Debug)]
pub(crate) struct TickArgs {
    /// Repeat until nothing more is due.
    #[arg(long)]
    pub(crate) until_done: bool,

    #[command(flatten)]
    pub(crate) step: StepArgs,

    #[command(flatten)]
    pub(crate) report: ReportArgs,
}

/// What `harness disconnect` takes.
#[derive(Args, Debug)]
pub(crate) struct DisconnectArgs {
    /// Remove from Kisi what the plugin gave or adopted. What others gave stays.
    #[arg(long)]
    pub(crate) remove_granted: bool,

    /// Do it without asking.
    #[arg(long)]
    pub(crate) yes: bool,

    /// Write the list of people to this file, too, as CSV.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) step: StepArgs,
}
