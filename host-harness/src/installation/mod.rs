//! An installation: one gym, its key, its settings and the plugin's records in a folder, and its members in files that the
//! gym's own system exports. Each command has a file.

mod config;
mod connect;
mod console;
mod disconnect;
mod doors;
mod event;
mod explain;
mod facts;
mod groups;
mod login;
mod map;
mod members;
mod private;
mod rotate;
mod sealing;
mod session;
mod state;
mod status;
mod sync;
mod tick;
mod turn;

use crate::args::{Action, Installation};
use crate::exit::{Exit, Stop};
use crate::report::Look;
use crate::{Live, Streams};

use console::Console;
use session::Session;

/// The number of memberships in these files of a gym.
pub fn memberships(plans: &[u8], members: &[u8]) -> Result<usize, door_access_scenario::unusable::Unusable> {
    members::Roll::parse(plans, members).map(|roll| roll.memberships())
}

/// Runs a command.
pub(super) async fn run<'a>(
    installation: &Installation,
    json: bool,
    look: Look,
    streams: Streams<'a>,
    live: &'a Live,
) -> Result<Exit, Stop> {
    let mut console = Console::new(streams, live, json, look);
    let mut place = turn::Place::default();
    if let Action::Connect(_) | Action::Disconnect(_) = &installation.command
        && let Some(exit) = disconnect::continued(installation, &mut place, &mut console).await?
        && let Action::Disconnect(_) = &installation.command
    {
        return Ok(exit);
    }
    match &installation.command {
        Action::Connect(args) => return connect::run(installation, args, &mut console).await,
        Action::RotateSealingKey(args) => return rotate::run(installation, args, &mut console).await,
        _ => {}
    }
    // What a tick did before it gave way.
    let mut ticked = tick::Ticked::default();
    loop {
        let session = Session::open(installation, &mut place, &mut console).await?;
        match with(session, &installation.command, &mut ticked, &mut console).await {
            Err(Stop::GivesWay) => {
                console.has_given_way = true;
                turn::give_way(&installation.common.state).await;
            }
            ended => return ended,
        }
    }
}

async fn with(
    session: Session,
    command: &Action,
    ticked: &mut tick::Ticked,
    console: &mut Console<'_>,
) -> Result<Exit, Stop> {
    match command {
        // These work without a session.
        Action::Connect(_) | Action::RotateSealingKey(_) => Ok(Exit::AsExpected),
        Action::Disconnect(args) => disconnect::run(session, args, console).await,
        Action::Status => status::run(&session, console).await,
        Action::Groups(args) => groups::run(&session, args, console).await,
        Action::Map(args) => map::run(&session, args, console).await,
        Action::Preview(args) => sync::preview(&session, args, console).await,
        Action::Sync(args) => sync::sync(&session, args, console).await,
        Action::Event(args) => event::run(&session, args, console).await,
        Action::Explain(args) => explain::run(&session, args, console).await,
        Action::Doors(args) => doors::show(&session, args, console).await,
        Action::Unlock(args) => doors::unlock(&session, args, console).await,
        Action::Login(args) => login::run(&session, args, console).await,
        Action::Tick(args) => tick::run(&session, args, ticked, console).await,
    }
}
