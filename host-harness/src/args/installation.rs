//! What the commands of an installation take.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::access::{EXPLAIN_HELP, LOGIN_HELP, LOGIN_USAGE, UNLOCK_HELP};
use super::{DoorsArgs, EXIT_CODES, ExplainArgs, LoginArgs, OutputArgs, UnlockArgs};

const CONNECT_HELP: &str = "\
Examples:
  harness connect --key-file key.txt --members my-gym --contact me@my-gym.example
      installs: Kisi itself, the members in my-gym/members.csv and the plans in my-gym/plans.csv
  harness connect --kisi http://127.0.0.1:8080 --key-file key.txt --members examples/gym-300 \\
      --contact me@my-gym.example --unpaced
      against a simulator: cargo run -p kisi-sim -- --port 8080 --unpaced --seed examples/gym-300/kisi.toml
  harness connect --grace-days 7
      changes a setting of an installation that is there
  harness connect --key-file new-key.txt
      gives it another key; what is not named stays
";
const MAP_HELP: &str = "\
Examples:
  harness map                                  shows which plan opens which groups
  harness map Basic \"24/7 entrance\"            who has Basic may use the group; ids work as well as names
  harness map Basic \"Gym North\" --at north     only memberships of the location north
  harness map --remove Basic                   Basic opens nothing any more
  harness map --remove Basic \"24/7 entrance\"   Basic opens this group no more
  harness map --file mapping.csv               takes these entries in place of all others
  harness map --file mapping.csv --preview     who would gain and lose what; nothing changes

mapping.csv:
  plan,group,location
  Basic,24/7 entrance,
  Basic,Gym North,north
";
const SYNC_HELP: &str = "\
Examples:
  harness sync              makes Kisi match the members' file
  harness sync --yes        the same, though it removes more than the brake allows
  harness sync --cancel     gives up one that is not through; what it did stays
  harness sync --calls 50   in steps of at most 50 requests; Ctrl-C ends between two steps

A sync that ended in the middle goes on with the next `harness sync`.
";
const PREVIEW_HELP: &str = "\
Examples:
  harness preview           who would gain and lose what; nothing changes in Kisi
  harness preview --all     every line
  harness preview --keep    keeps it, so that the next `harness sync` applies just this
";
const EVENT_HELP: &str = "\
Examples:
  harness event membership-purchased 1042
  harness event membership-frozen ann@example.test
  harness event member-deleted 1042
      after the change is in the members' file, which says what holds

Kinds: membership-purchased, membership-started, membership-renewed, plan-changed, membership-cancelled, \
membership-frozen, membership-unfrozen, membership-expired, payment-overdue, payment-recovered, member-blocked, \
member-unblocked, member-changed, member-deleted, other:WORD.
";

const TICK_HELP: &str = "\
Examples:
  harness tick                one call: at most 20 requests
  harness tick --until-done   calls until nothing is due; Ctrl-C ends between two calls
  harness tick --until-done --json | jq .next

Run it from cron or a timer, every hour for example: what is not due costs no request. It says when it is due next.

  17 * * * *  cd /srv/my-gym && harness tick --until-done

Exit code 3 says that a reconciliation waits to be confirmed: see `harness preview`, then `harness sync --yes`. Exit code \
4 says that more is due than one call did.
";

const DISCONNECT_HELP: &str = "\
Examples:
  harness disconnect                         asks for the gym's name, changes nothing in Kisi
  harness disconnect --remove-granted        takes what the plugin gave or adopted, and nothing else
  harness disconnect --yes --out left.csv    asks nothing, and writes the list of people to a file

One that ended in the middle goes on with the next `harness disconnect`.
";

const ROTATE_HELP: &str = "\
Examples:
  harness rotate-sealing-key
      makes a new one where `harness connect` made the first, and removes that
  (umask 077; openssl rand -hex 32 > new.key)
  harness rotate-sealing-key --sealing-key-file old.key --new-sealing-key-file new.key
      seals with one that is given; from then on the other commands want --sealing-key-file new.key

The environment's HARNESS_SEALING_KEY and HARNESS_NEW_SEALING_KEY may hold the keys in place of files.
";

/// The commands of an installation.
#[derive(Debug, Subcommand)]
pub(crate) enum Installation {
    /// Install, or change what an installation was connected with.
    ///
    /// Verifies the key and its rights, reads the places and groups, and agrees to what the plugin may reach. Nothing
    /// changes in Kisi. The installation lives in a folder that only you may read; the key is kept there
    /// sealed, and the sealing key is kept elsewhere.
    #[command(after_help = format!("{CONNECT_HELP}\n{EXIT_CODES}"))]
    Connect(ConnectArgs),

    /// Show how the installation is. No request is sent.
    #[command(after_help = EXIT_CODES)]
    Status(Common),

    /// Show Kisi's access groups, and which plans open them.
    #[command(after_help = EXIT_CODES)]
    Groups(GroupsArgs),

    /// Show or change which plan opens which groups.
    #[command(after_help = format!("{MAP_HELP}\n{EXIT_CODES}"))]
    Map(MapArgs),

    /// Show who would gain and lose what. Nothing changes in Kisi.
    #[command(after_help = format!("{PREVIEW_HELP}\n{EXIT_CODES}"))]
    Preview(PreviewArgs),

    /// Make Kisi match the members' file for everybody.
    ///
    /// When it would remove more than the brake allows (more than 10 grants and more than 20 % of all, unless the
    /// settings say otherwise), it waits: look at what it says, then run it with --yes.
    #[command(after_help = format!("{SYNC_HELP}\n{EXIT_CODES}"))]
    Sync(SyncArgs),

    /// Make Kisi match for one member, to whom something happened.
    ///
    /// The event is a hint: what holds is in the members' file, which is read anew. What somebody changed by hand in Kisi
    /// is found by `harness sync`.
    #[command(after_help = format!("{EVENT_HELP}\n{EXIT_CODES}"))]
    Event(EventArgs),

    /// Tell whether a member may enter now, and if not, why and what settles it.
    ///
    /// Nothing changes. With --verify Kisi is asked, too.
    #[command(after_help = format!("{EXPLAIN_HELP}\n{EXIT_CODES}"))]
    Explain(ExplainArgs),

    /// Show the doors that a member may open now. No request is sent.
    #[command(after_help = EXIT_CODES)]
    Doors(DoorsArgs),

    /// Open a door for a member who may open it.
    #[command(after_help = format!("{UNLOCK_HELP}\n{EXIT_CODES}"))]
    Unlock(UnlockArgs),

    /// Make a login for a gym's own app, or end one.
    ///
    /// With it the app opens doors as the member. Its secret is printed once and kept nowhere; a block or a deletion
    /// ends it.
    #[command(override_usage = LOGIN_USAGE, after_help = format!("{LOGIN_HELP}\n{EXIT_CODES}"))]
    Login(LoginArgs),
    /// Do what has fallen due though nothing happened. Run it regularly.
    ///
    /// Starts, ends, graces and freezes of memberships; the groups and everybody once a day; everybody at once when the
    /// mapping was changed. Nothing that is due is lost when it runs late.
    #[command(after_help = format!("{TICK_HELP}\n{EXIT_CODES}"))]
    Tick(TickArgs),
    /// Seal the gym's key with another sealing key. No request is sent.
    ///
    /// One that ended in the middle is run again; the gym's key can be read at any time, with the former sealing key or
    /// the new one.
    #[command(after_help = format!("{ROTATE_HELP}\n{EXIT_CODES}"))]
    RotateSealingKey(RotateArgs),
    /// End the installation. Everybody keeps what they have in Kisi, unless --remove-granted.
    ///
    /// Lists everybody whom the plugin looked after, with the groups that it gave or looked after. Groups that were given
    /// by hand in Kisi and that it never looked after stay, and are not in the list.
    ///
    /// At the end the folder keeps nothing of the installation: neither
    /// the key nor the plugin's records. The members' files stay.
    #[command(after_help = format!("{DISCONNECT_HELP}\n{EXIT_CODES}"))]
    Disconnect(DisconnectArgs),
}

impl Installation {
    /// Whether it is over in a moment. Then long work lets it in between two steps: somebody stands at a door, or wants
    /// to know how things are.
    pub(crate) fn is_short(&self) -> bool {
        match self {
            Installation::Status(_)
            | Installation::Event(_)
            | Installation::Explain(_)
            | Installation::Doors(_)
            | Installation::Unlock(_)
            | Installation::Login(_)
            | Installation::RotateSealingKey(_) => true,
            Installation::Groups(args) => !args.refresh,
            Installation::Map(args) => args.file.is_none() && args.plan.is_none(),
            Installation::Connect(_)
            | Installation::Preview(_)
            | Installation::Sync(_)
            | Installation::Tick(_)
            | Installation::Disconnect(_) => false,
        }
    }

    /// What all of them take.
    pub(crate) fn common(&self) -> &Common {
        match self {
            Installation::Connect(args) => &args.common,
            Installation::Status(common) => common,
            Installation::Groups(args) => &args.common,
            Installation::Map(args) => &args.common,
            Installation::Preview(args) => &args.common,
            Installation::Sync(args) => &args.common,
            Installation::Event(args) => &args.common,
            Installation::Explain(args) => &args.common,
            Installation::Doors(args) => &args.common,
            Installation::Unlock(args) => &args.common,
            Installation::Login(args) => &args.common,
            Installation::Tick(args) => &args.common,
            Installation::RotateSealingKey(args) => &args.common,
            Installation::Disconnect(args) => &args.common,
        }
    }
}

/// What all commands of an installation take.
#[derive(Args, Clone, Debug)]
pub(crate) struct Common {
    /// The installation's folder. Each is a gym of its own.
    #[arg(long, value_name = "FOLDER", env = "HARNESS_STATE", default_value = ".door-access")]
    pub(crate) state: PathBuf,

    /// How long to wait while another harness works on the installation.
    ///
    /// A sync, a preview and a tick let others in between two steps.
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(..=3_600))]
    pub(crate) wait: u64,

    /// The file with the key that seals the gym's key: 64 hexadecimal digits, for its owner's eyes only.
    ///
    /// HARNESS_SEALING_KEY holds such a key itself. Without both, `harness connect` makes one in the user's folder for
    /// configuration.
    #[arg(long, value_name = "FILE", env = "HARNESS_SEALING_KEY_FILE")]
    pub(crate) sealing_key_file: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// What `harness rotate-sealing-key` takes.
#[derive(Args, Debug)]
pub(crate) struct RotateArgs {
    /// The file with the new sealing key; HARNESS_NEW_SEALING_KEY holds such a key itself.
    #[arg(long, value_name = "FILE", env = "HARNESS_NEW_SEALING_KEY_FILE")]
    pub(crate) new_sealing_key_file: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) common: Common,
}

/// What `harness connect` takes. What is left out stays as it was.
#[derive(Args, Debug)]
pub(crate) struct ConnectArgs {
    /// Where Kisi is: `https://…`, or `http://` for this machine only. At first https://api.kisi.io.
    #[arg(long, value_name = "URL")]
    pub(crate) kisi: Option<String>,

    /// A file with an API key of an administrator, and nothing else in it. It is kept sealed.
    #[arg(long, value_name = "FILE")]
    pub(crate) key_file: Option<PathBuf>,

    /// The folder with the gym's members.csv and plans.csv. Every command reads them anew.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) members: Option<PathBuf>,

    /// The plugin. At first target/component/kisi_plugin.wasm.
    #[arg(long, value_name = "PATH")]
    pub(crate) component: Option<PathBuf>,

    /// How far the gym's clock is ahead of UTC, for the days in the members' file. At first +00:00.
    #[arg(long, value_name = "±HH:MM", allow_hyphen_values = true)]
    pub(crate) utc_offset: Option<String>,

    /// Send requests as fast as they are answered: for a simulator with --unpaced, on this machine only.
    #[arg(long)]
    pub(crate) unpaced: bool,

    /// The plugin's settings, a JSON file, in place of the ones that are there.
    #[arg(long, value_name = "FILE")]
    pub(crate) settings: Option<PathBuf>,

    /// Setting: the address under which Kisi reaches whoever runs this.
    #[arg(long, value_name = "EMAIL")]
    pub(crate) contact: Option<String>,

    /// Setting: how the platform introduces itself to Kisi. At first “door-access harness”.
    #[arg(long, value_name = "NAME")]
    pub(crate) identifier: Option<String>,

    /// Setting: days that access goes on after a payment became overdue.
    #[arg(long, value_name = "DAYS", allow_negative_numbers = true, value_parser = days)]
    pub(crate) grace_days: Option<u32>,

    /// Setting: days after which access ends by itself unless something confirmed it, `harness tick` for example; 0 for
    /// never.
    #[arg(long, value_name = "DAYS", allow_negative_numbers = true, value_parser = days)]
    pub(crate) lease_days: Option<u32>,

    /// Setting: what a blocked or deleted member loses.
    #[arg(long, value_enum, value_name = "WHAT")]
    pub(crate) on_block: Option<OnBlock>,

    /// Setting: what to do when Kisi knows nobody by a member's e-mail address.
    #[arg(long, value_enum, value_name = "WHAT")]
    pub(crate) missing_user: Option<MissingUser>,

    /// Setting: who tells people for whom an account is created.
    #[arg(long, value_enum, value_name = "WHO")]
    pub(crate) invitation: Option<Invitation>,

    /// Setting: look after the groups of this place alone, by name or id; again for each further place.
    #[arg(long = "place", value_name = "PLACE", conflicts_with = "all_places")]
    pub(crate) places: Vec<String>,

    /// Take the columns of the members' file as they are, though one that was there is gone: what it said, `blocked` for
    /// example, counts no more.
    #[arg(long)]
    pub(crate) accept_columns: bool,

    /// Setting: look after the groups of all places.
    #[arg(long)]
    pub(crate) all_places: bool,

    #[command(flatten)]
    pub(crate) common: Common,
}

/// A number of days. How many are too many, the plugin knows.
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

/// What to do when Kisi knows nobody by an address.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum MissingUser {
    /// Create an account.
    Create,
    /// Only report it.
    Report,
}

/// Who tells people for whom an account is created.
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
    /// Read them from Kisi, in place of what was read before.
    #[arg(long)]
    pub(crate) refresh: bool,

    #[command(flatten)]
    pub(crate) common: Common,
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

    /// Take the entries of this CSV file in place of all others.
    #[arg(long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,

    /// Agree that a file without entries leaves no plan that opens anything.
    #[arg(long, requires = "file")]
    pub(crate) empty: bool,

    /// Show who would gain and lose which group by this change. Nothing changes, and no request is sent.
    ///
    /// Of those who would, the first are named; --json names all.
    #[arg(long)]
    pub(crate) preview: bool,

    #[command(flatten)]
    pub(crate) common: Common,
}

/// How a reconciliation goes on.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct StepArgs {
    /// Requests a step makes at most.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(4..=1_000))]
    pub(crate) calls: u32,

    /// Print every line of the report, not only the first of each kind.
    #[arg(long)]
    pub(crate) all: bool,
}

/// What `harness preview` takes.
#[derive(Args, Debug)]
pub(crate) struct PreviewArgs {
    /// Keep it, so that the next `harness sync` applies just this.
    #[arg(long)]
    pub(crate) keep: bool,

    #[command(flatten)]
    pub(crate) step: StepArgs,

    #[command(flatten)]
    pub(crate) common: Common,
}

/// What `harness sync` takes.
#[derive(Args, Debug)]
pub(crate) struct SyncArgs {
    /// Confirm that it removes more than the brake allows.
    #[arg(long)]
    pub(crate) yes: bool,

    /// Give up the one that is not through. What it did stays; nothing else is done.
    #[arg(long, conflicts_with = "yes")]
    pub(crate) cancel: bool,

    #[command(flatten)]
    pub(crate) step: StepArgs,

    #[command(flatten)]
    pub(crate) common: Common,
}

/// What `harness event` takes.
#[derive(Args, Debug)]
pub(crate) struct EventArgs {
    /// What happened; see below.
    #[arg(value_name = "KIND")]
    pub(crate) kind: String,

    /// To whom: id, e-mail address or name.
    #[arg(value_name = "MEMBER")]
    pub(crate) member: String,

    /// Show the body of each request, too.
    #[arg(long)]
    pub(crate) bodies: bool,

    #[command(flatten)]
    pub(crate) common: Common,
}

/// What `harness tick` takes.
#[derive(Args, Debug)]
pub(crate) struct TickArgs {
    /// Call again until nothing more is due.
    #[arg(long)]
    pub(crate) until_done: bool,

    #[command(flatten)]
    pub(crate) step: StepArgs,

    #[command(flatten)]
    pub(crate) common: Common,
}

/// What `harness disconnect` takes.
#[derive(Args, Debug)]
pub(crate) struct DisconnectArgs {
    /// Take in Kisi what the plugin gave or adopted. What others gave stays.
    #[arg(long)]
    pub(crate) remove_granted: bool,

    /// Do it without asking.
    #[arg(long)]
    pub(crate) yes: bool,

    /// Write the list of people to this file, too, as CSV.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,

    /// Requests a step makes at most.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(4..=1_000))]
    pub(crate) calls: u32,

    #[command(flatten)]
    pub(crate) common: Common,
}
