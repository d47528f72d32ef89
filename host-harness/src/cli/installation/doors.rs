//! `harness doors` and `harness unlock`: which doors a member may open, and opening one.

use std::io;

use serde::Serialize;

use super::console::{Answer, Console};
use super::explain::AlertFacts;
use super::members::one_of;
use super::session::Session;
use crate::cli::args::{DoorsArgs, UnlockArgs};
use crate::cli::exit::{Exit, Stop};
use crate::cli::report::{Page, Table, Tone};
use crate::contract::access::Door;
use crate::contract::doors::Attempt;

/// A door.
#[derive(Serialize)]
pub(super) struct DoorFacts {
    pub(super) id: String,
    pub(super) name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) place: Option<String>,
}

impl DoorFacts {
    pub(super) fn of(door: &Door) -> DoorFacts {
        DoorFacts { id: door.id.clone(), name: door.name.clone(), place: door.place.clone() }
    }
}

/// The doors of a member.
#[derive(Serialize)]
#[serde(tag = "type", rename = "doors")]
struct Doors {
    member: String,
    who: String,
    doors: Vec<DoorFacts>,
}

/// What came of opening one.
#[derive(Serialize)]
#[serde(tag = "type", rename = "unlock")]
struct Unlocked {
    member: String,
    who: String,
    door: String,
    opened: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    refused: Option<AlertFacts>,
}

/// Shows a member's doors.
pub(super) async fn show(session: &Session, args: &DoorsArgs, console: &mut Console<'_>) -> Result<Exit, Stop> {
    let (member, who) = session.roll.known_or_gone(&args.member);
    let doors = session.ask(console, async |tenant| tenant.list_doors(&member).await).await?;
    console.tell(&Doors { doors: doors.iter().map(DoorFacts::of).collect(), member, who })?;
    Ok(Exit::AsExpected)
}

/// Opens a door. A call that broke off is not made again by itself: the door may be open.
pub(super) async fn unlock(session: &Session, args: &UnlockArgs, console: &mut Console<'_>) -> Result<Exit, Stop> {
    let (member, who) = session.roll.known_or_gone(&args.member);
    let doors = session.ask(console, async |tenant| tenant.list_doors(&member).await).await?;
    let known = doors.iter().map(|door| (door, door.id.as_str(), door.name.as_str())).collect();
    // A door that is not the member's has no name here: the plugin says what to do about it.
    let door = one_of("door", &args.door, known).map_or(args.door.clone(), |door| door.id.clone());
    let attempt = session.once(async |tenant| tenant.unlock(&member, &door).await).await?;
    let name = doors.iter().find(|known| known.id == door).map_or(args.door.clone(), |door| door.name.clone());
    let (opened, refused) = match attempt {
        Attempt::Opened => (true, None),
        Attempt::Refused(alert) => (false, Some(AlertFacts::of(&alert))),
    };
    console.tell(&Unlocked { member, who, door: name, opened, refused })?;
    Ok(if opened { Exit::AsExpected } else { Exit::OtherThanExpected })
}

impl Answer for Doors {
    fn print(&self, page: &mut Page) -> io::Result<()> {
        page.wide(Tone::Head, &self.who)?;
        if self.doors.is_empty() {
            return page.wide(Tone::Care, "Opens no door now; `harness explain` says why.");
        }
        let mut table = Table::new(["door", "id", "place"]);
        for door in &self.doors {
            let place = door.place.clone().unwrap_or_default();
            table.row([(Tone::Good, door.name.clone()), (Tone::Faint, door.id.clone()), (Tone::Plain, place)]);
        }
        page.table(&table)
    }
}

impl Answer for Unlocked {
    fn print(&self, page: &mut Page) -> io::Result<()> {
        let (tone, what) = if self.opened { (Tone::Good, "is open") } else { (Tone::Bad, "stays shut") };
        page.wide(tone, &format!("{} {what} for {}.", self.door, self.who))?;
        self.refused.as_ref().map_or(Ok(()), |refused| refused.print(page))
    }
}
