//! `harness doors` and `harness unlock`: the doors that a member may open, and opening one.

use std::io;

use serde::Serialize;

use super::console::{Answer, Console};
use super::explain::ReasonFacts;
use super::members::one_of;
use super::session::{Session, ended};
use crate::args::{DoorsArgs, UnlockArgs};
use crate::exit::{Exit, Stop};
use crate::report::{Page, Table, Tone};
use door_access_host::CallError;
use door_access_host::contract::access::Door;
use door_access_host::contract::doors::Attempt;
use door_access_host::contract::types::{Demand, Error};
use door_access_scenario::play::facts;
use door_access_scenario::unusable::Unusable;

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
    #[serde(skip)]
    who: String,
    doors: Vec<DoorFacts>,
}

/// The result of opening one.
#[derive(Serialize)]
#[serde(tag = "type", rename = "unlock")]
struct Unlocked {
    member: String,
    #[serde(skip)]
    who: String,
    /// The door's id.
    door: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    door_name: Option<String>,
    opened: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    refused: Option<ReasonFacts>,
}

/// Shows a member's doors.
pub(super) async fn show(
    session: &Session,
    args: &DoorsArgs,
    console: &mut Console<'_>,
) -> Result<Exit, Stop> {
    let member = &session.roll.member(&args.member)?.id;
    let doors = session.ask(console, async |tenant| tenant.list_doors(member).await).await?;
    console.tell(&Doors {
        member: member.clone(),
        who: session.roll.named(member),
        doors: doors.iter().map(DoorFacts::of).collect(),
    })?;
    Ok(if doors.is_empty() { Exit::Shut } else { Exit::AsExpected })
}

/// Opens a door, with one call that is never repeated.
pub(super) async fn unlock(
    session: &Session,
    args: &UnlockArgs,
    console: &mut Console<'_>,
) -> Result<Exit, Stop> {
    let member = &session.roll.member(&args.member)?.id;
    let who = session.roll.named(member);
    let doors = session.ask(console, async |tenant| tenant.list_doors(member).await).await?;
    let known = doors.iter().map(|door| (door, door.id.as_str(), door.name.as_str())).collect();
    // An unknown text may be the id of another door. Then the plugin says why it stays shut.
    let door = one_of("door", &args.door, known);
    if doors.iter().filter(|door| door.name == args.door).count() > 1 {
        door.as_ref().map_err(Unusable::new)?;
    }
    let id = door.as_ref().map_or(args.door.as_str(), |door| door.id.as_str());
    let attempt = match session.tenant.unlock(member, id).await {
        Ok(Ok(attempt)) => attempt,
        Ok(Err(error)) => {
            return Err(match &door {
                Err(_) if doors.is_empty() && error.demand == Demand::Reject => {
                    let text = format!("no door opens for {who} now: `harness explain {member}` says why");
                    Stop::Ended(Exit::Shut, text)
                }
                Err(unknown) if error.demand == Demand::Reject => {
                    let known = unknown.split_once(": ").map_or("", |(_, known)| known);
                    let text = format!(
                        "`{}` is none of the doors that open for {who}: {known} (any other door of Kisi's goes by its id)",
                        args.door
                    );
                    Unusable::new(text).into()
                }
                _ => not_opened(&error),
            });
        }
        Err(error) => return Err(lost(&error)),
    };
    let refused = match &attempt {
        Attempt::Opened => None,
        Attempt::Refused(reason) => Some(ReasonFacts::of(reason)),
    };
    let exit = if refused.is_none() { Exit::AsExpected } else { Exit::Shut };
    console.tell(&Unlocked {
        member: member.clone(),
        who,
        door: id.to_owned(),
        door_name: door.ok().map(|door| door.name.clone()),
        opened: refused.is_none(),
        refused,
    })?;
    Ok(exit)
}

/// How an error of the plugin ends the command. A rejection without an answer of Kisi means that it is not known
/// whether the door opened.
fn not_opened(error: &Error) -> Stop {
    let text = facts::error(error).text;
    match &error.demand {
        Demand::Retry(after_ms) => {
            let after = facts::span(*after_ms);
            let text =
                format!("{text} The door was not opened: try again in {after}, if it is still wanted.");
            Stop::Ended(Exit::Unfinished, text)
        }
        Demand::Reject if error.provider.is_none() => Stop::Ended(Exit::Unknown, text),
        _ => ended(error),
    }
}

/// The call ended without an answer, perhaps after the door opened.
fn lost(error: &CallError) -> Stop {
    Stop::Ended(
        Exit::Unknown,
        format!("{error}. It is not known whether the door opened: look at it before trying again."),
    )
}

impl Answer for Doors {
    fn print(&self, page: &mut Page) -> io::Result<()> {
        page.wide(Tone::Head, &self.who)?;
        if self.doors.is_empty() {
            let text = format!("No door opens now; `harness explain {}` says why.", self.member);
            return page.wide(Tone::Care, &text);
        }
        let mut table = Table::new(["door", "id", "place"]);
        for door in &self.doors {
            let place = door.place.as_deref().unwrap_or_default();
            table.row([(Tone::Good, door.name.as_str()), (Tone::Faint, &door.id), (Tone::Plain, place)]);
        }
        page.table(table)
    }
}

impl Answer for Unlocked {
    fn print(&self, page: &mut Page) -> io::Result<()> {
        let (tone, what) = if self.opened { (Tone::Good, "opened") } else { (Tone::Bad, "stays shut") };
        let door = self.door_name.clone().unwrap_or_else(|| format!("The door {}", self.door));
        page.wide(tone, &format!("{door} {what} for {}.", self.who))?;
        self.refused.as_ref().map_or(Ok(()), |refused| refused.print(page, tone, "why"))
    }
}
