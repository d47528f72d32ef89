//! The arguments of the commands about one member's access.

use clap::{Args, ValueEnum};

/// What `harness event` takes.
#[derive(Args, Debug)]
pub(crate) struct EventArgs {
    /// What happened; see below.
    #[arg(value_name = "KIND")]
    pub(crate) kind: String,

    /// The member's id, e-mail address or name.
    #[arg(value_name = "MEMBER")]
    pub(crate) member: String,

    /// Show the body of each request, too.
    #[arg(long)]
    pub(crate) bodies: bool,
}

/// What `harness explain` takes.
#[derive(Args, Debug)]
pub(crate) struct ExplainArgs {
    /// The member's id, e-mail address or name.
    #[arg(value_name = "MEMBER")]
    pub(crate) member: String,

    /// Whether Bluetooth is on. If omitted, it is not checked.
    #[arg(long, value_enum, value_name = "STATE")]
    pub(crate) bluetooth: Option<Switch>,

    /// Whether the app may use the phone's location.
    #[arg(long, value_enum, value_name = "STATE")]
    pub(crate) location: Option<Switch>,

    /// Whether the app is signed in.
    #[arg(long, value_enum, value_name = "ANSWER")]
    pub(crate) signed_in: Option<Answer>,

    /// Check Kisi, too: two requests that read.
    #[arg(long)]
    pub(crate) verify: bool,
}

/// The state of something on a phone.
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
    /// The member's id, e-mail address or name.
    #[arg(value_name = "MEMBER")]
    pub(crate) member: String,
}

/// What `harness unlock` takes.
#[derive(Args, Debug)]
pub(crate) struct UnlockArgs {
    /// The member's id, e-mail address or name.
    #[arg(value_name = "MEMBER")]
    pub(crate) member: String,

    /// The door's id, or the name of one that opens for the member.
    #[arg(value_name = "DOOR")]
    pub(crate) door: String,
}

/// What `harness login` takes.
#[derive(Args, Debug)]
pub(crate) struct LoginArgs {
    /// The member's id, e-mail address or name.
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
}
