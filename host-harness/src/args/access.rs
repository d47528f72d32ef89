//! What the commands about one member's access take.

use clap::{Args, ValueEnum};

use super::Common;

pub(super) const EXPLAIN_HELP: &str = "\
Examples:
  harness explain 1042                         asks nobody, and changes nothing
  harness explain ann@example.test --verify    asks Kisi, too, and says what differs there
  harness explain \"Ann Lee\" --bluetooth off    with what the member says of the phone
";
pub(super) const UNLOCK_HELP: &str = "\
Examples:
  harness unlock 1042 \"Front door\"     a door of the member's, as `harness doors 1042` lists them
  harness unlock 1042 7000001          by its id

Each run that succeeds opens the door once, and none is repeated by itself. Kisi logs the owner of the key at the door, \
and not the member.
";
pub(super) const LOGIN_HELP: &str = "\
Examples:
  harness login 1042 --brand Apple --model \"iPhone 17\" --system iOS
      prints a login's secret, once: hand it to the app
  harness login 1042 --revoke 8000001
      ends it
";

/// Two ways to use it, which a complaint about one should not hide.
pub(super) const LOGIN_USAGE: &str = "\
harness login [OPTIONS] <MEMBER> --brand <TEXT> --model <TEXT> --system <TEXT>
       harness login [OPTIONS] <MEMBER> --revoke <ID>";

/// What `harness explain` takes.
#[derive(Args, Debug)]
pub(crate) struct ExplainArgs {
    /// Who: id, e-mail address or name.
    #[arg(value_name = "MEMBER")]
    pub(crate) member: String,

    /// Whether Bluetooth is on. Left out: not known, and nothing is said about it.
    #[arg(long, value_enum, value_name = "STATE")]
    pub(crate) bluetooth: Option<Switch>,

    /// Whether the app may use the phone's location.
    #[arg(long, value_enum, value_name = "STATE")]
    pub(crate) location: Option<Switch>,

    /// Whether the app is signed in.
    #[arg(long, value_enum, value_name = "ANSWER")]
    pub(crate) signed_in: Option<Answer>,

    /// Ask Kisi, too: two requests that read.
    #[arg(long)]
    pub(crate) verify: bool,

    #[command(flatten)]
    pub(crate) common: Common,
}

/// How something on a phone is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Switch {
    /// On, or allowed.
    On,
    /// Off, or not allowed.
    Off,
}

/// Yes or no.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Answer {
    /// It is so.
    Yes,
    /// It is not.
    No,
}

/// What `harness doors` takes.
#[derive(Args, Debug)]
pub(crate) struct DoorsArgs {
    /// Whose: id, e-mail address or name.
    #[arg(value_name = "MEMBER")]
    pub(crate) member: String,

    #[command(flatten)]
    pub(crate) common: Common,
}

/// What `harness unlock` takes.
#[derive(Args, Debug)]
pub(crate) struct UnlockArgs {
    /// For whom: id, e-mail address or name.
    #[arg(value_name = "MEMBER")]
    pub(crate) member: String,

    /// Which door: id, or name of one that opens for the member.
    #[arg(value_name = "DOOR")]
    pub(crate) door: String,

    #[command(flatten)]
    pub(crate) common: Common,
}

/// What `harness login` takes.
#[derive(Args, Debug)]
pub(crate) struct LoginArgs {
    /// Whose: id, e-mail address or name.
    #[arg(value_name = "MEMBER")]
    pub(crate) member: String,

    /// The phone's brand, for example `Apple`.
    #[arg(long, value_name = "TEXT", required_unless_present = "revoke")]
    pub(crate) brand: Option<String>,

    /// The phone's model, for example `iPhone 17`.
    #[arg(long, value_name = "TEXT", required_unless_present = "revoke")]
    pub(crate) model: Option<String>,

    /// The phone's operating system, for example `iOS`.
    #[arg(long, value_name = "TEXT", required_unless_present = "revoke")]
    pub(crate) system: Option<String>,

    /// End this login instead.
    #[arg(long, value_name = "ID", conflicts_with_all = ["brand", "model", "system"])]
    pub(crate) revoke: Option<String>,

    #[command(flatten)]
    pub(crate) common: Common,
}
