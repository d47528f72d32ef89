//! An installation that persists: one gym, its key, its settings and the plugin's records in a folder, and its members
//! in files that its own system exports. A file a command.

mod config;
mod connect;
mod console;
mod disconnect;
mod doors;
mod event;
mod explain;
mod groups;
mod login;
mod map;
mod members;
mod report;
mod rotate;
mod sealing;
mod session;
mod state;
mod status;
mod sync;
mod tick;
mod turn;

use crate::args::Installation;
use crate::exit::{Exit, Stop};
use crate::{Live, Streams};

use console::Console;
use session::Session;

/// How many memberships stand in these files of a gym.
pub fn memberships(plans: &[u8], members: &[u8]) -> Result<usize, door_access_scenario::unusable::Unusable> {
    members::Roll::parse(plans, members).map(|roll| roll.memberships())
}

/// Runs a command.
pub(super) async fn run<'a>(
    command: &Installation,
    streams: Streams<'a>,
    live: &'a Live,
) -> Result<Exit, Stop> {
    let mut console = Console::new(streams, live, &command.common().output);
    if let Installation::Connect(args) = command {
        return connect::run(command, args, &mut console).await;
    }
    if let Installation::RotateSealingKey(args) = command {
        return rotate::run(command, args, &mut console).await;
    }
    // What a tick did before it gave way.
    let mut ticked = tick::Done::default();
    loop {
        let session = Session::open(command, &mut console).await?;
        let ended = with(session, command, &mut ticked, &mut console).await;
        match ended {
            Err(Stop::GivesWay) => {
                console.has_given_way = true;
                turn::give_way(&command.common().state).await;
            }
            ended => return ended,
        }
    }
}

async fn with(
    session: Session,
    command: &Installation,
    ticked: &mut tick::Done,
    console: &mut Console<'_>,
) -> Result<Exit, Stop> {
    match command {
        Installation::Connect(_) | Installation::RotateSealingKey(_) => Ok(Exit::AsExpected),
        Installation::Disconnect(args) => disconnect::run(session, args, console).await,
        Installation::Status(_) => status::run(&session, console).await,
        Installation::Groups(args) => groups::run(&session, args, console).await,
        Installation::Map(args) => map::run(&session, args, console).await,
        Installation::Preview(args) => sync::preview(&session, args, console).await,
        Installation::Sync(args) => sync::sync(&session, args, console).await,
        Installation::Event(args) => event::run(&session, args, console).await,
        Installation::Explain(args) => explain::run(&session, args, console).await,
        Installation::Doors(args) => doors::show(&session, args, console).await,
        Installation::Unlock(args) => doors::unlock(&session, args, console).await,
        Installation::Login(args) => login::run(&session, args, console).await,
        Installation::Tick(args) => tick::run(&session, args, ticked, console).await,
    }
}
