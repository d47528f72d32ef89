//! `harness disconnect`: ends the installation, in steps, and lists all people with their groups.
//!
//! The plugin forgets the people of a step only when the next step names the last of them. By then they are in the
//! folder, so a command that ends in the middle loses no name, and the next one continues.

use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::config;
use super::console::{Answer, Console};
use super::sealing::{self, Sealing};
use super::session::Session;
use super::state::State;
use super::sync::{FINDINGS, KEPT};
use super::turn::Place;
use crate::args::{DisconnectArgs, Installation};
use crate::exit::{Exit, Stop};
use crate::report::{Page, Table, Tone, counted};
use door_access_host::contract::connection::{Departed, Departure, Health, Person};
use door_access_host::contract::types::{Demand, Error, GroupRef, PauseCause};
use door_access_scenario::unusable::Unusable;

/// The file with the people of earlier steps.
pub(super) const LEFT: &str = "left.jsonl";
/// Says that everything was disconnected and the files are being removed.
const ENDING: &str = "ending.json";

/// For people who neither lose nor keep a group through the plugin.
const NOTHING_KNOWN: &str = "nothing known";
const WHAT_KEEPS_IS: &str = "KEEPS has the groups that the plugin gave or managed. Groups that were given by \
                             hand in Kisi and never managed are not listed: they stay, and Kisi shows them.";

/// A person whose groups the plugin managed.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Left {
    member: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    /// Groups by name.
    removed: Vec<String>,
    keeps: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

#[derive(Serialize)]
#[serde(tag = "type", rename = "disconnected")]
struct Disconnected {
    /// `leave`, `remove-granted`.
    what: &'static str,
    people: Vec<Left>,
    #[serde(skip_serializing_if = "Option::is_none")]
    out: Option<PathBuf>,
    state: PathBuf,
    members: PathBuf,
    #[serde(skip)]
    names: Vec<String>,
}

pub(super) async fn run(
    session: Session,
    args: &DisconnectArgs,
    console: &mut Console<'_>,
) -> Result<Exit, Stop> {
    let health = session.ask(console, async |tenant| tenant.status().await).await?;
    if !args.yes && !is_agreed(&health, args, console) {
        return Err(Stop::Ended(Exit::Unconfirmed, unconfirmed(&health)));
    }
    if let Some(out) = &args.out {
        can_be_written(out)?;
    }
    let mut people = steps(&session, args, console).await?;
    for person in people.iter_mut().filter(|person| person.email.is_none()) {
        let known = session.roll.members.iter().find(|member| member.id == person.member);
        person.email = known.and_then(|member| member.email.clone());
    }
    if let Some(out) = &args.out {
        write(out, &session, &people)?;
    }
    let has_problem = people.iter().any(|person| person.problem.is_some());
    let told = console.tell(&Disconnected {
        what: if args.remove_granted { "remove-granted" } else { "leave" },
        names: people.iter().map(|person| session.roll.named(&person.member)).collect(),
        people,
        out: args.out.clone(),
        state: session.state.folder().to_owned(),
        members: session.config.members.clone(),
    });
    // Whether anybody read the list or not, no key stays behind. A list that could not be written stays.
    if !matches!(told, Ok(()) | Err(Stop::Unread)) {
        return told.map(|()| Exit::Unusable);
    }
    let Session { state, sealing, tenant, .. } = session;
    // The records must be closed before they are removed.
    drop(tenant);
    state.write(ENDING, &true)?;
    remove(state, &sealing)?;
    told?;
    Ok(if has_problem { Exit::OtherThanExpected } else { Exit::AsExpected })
}

/// Removes everything from the folder, the key first, and the sign of it last: it can be continued.
fn remove(state: State, sealing: &Sealing) -> Result<(), Unusable> {
    sealing::forget(&state, sealing)?;
    state.remove(&[config::FILE, LEFT, FINDINGS, KEPT], ENDING)
}

/// Continues a `disconnect` that ended while it removed the files; `None` when there is no such one.
pub(super) async fn continued(
    installation: &Installation,
    place: &mut Place,
    console: &mut Console<'_>,
) -> Result<Option<Exit>, Stop> {
    if !installation.common.state.join(ENDING).exists() {
        return Ok(None);
    }
    let sealing = Sealing::new(&installation.common, console.surroundings())?;
    let state = State::make(installation, place, console).await?;
    remove(state, &sealing)?;
    console.note("The installation was disconnected already; what was left of its files is removed.");
    Ok(Some(Exit::AsExpected))
}

fn gym(health: &Health) -> &str {
    health.organization.as_ref().map_or("", |organization| organization.name.trim())
}

/// Whether the user typed the gym's name.
fn is_agreed(health: &Health, args: &DisconnectArgs, console: &mut Console<'_>) -> bool {
    let what = if args.remove_granted { "are removed from Kisi" } else { "stay in Kisi as they are" };
    let members = counted(health.counts.members, "member");
    let grants = counted(health.counts.grants, "grant");
    let gym = gym(health);
    let question = format!(
        "“{gym}” is about to be disconnected: the plugin forgets {members}, and their {grants} {what}.\nType the gym's \
         name to do it:"
    );
    !gym.is_empty() && console.ask(&question).is_some_and(|typed| typed.trim() == gym)
}

fn unconfirmed(health: &Health) -> String {
    format!(
        "nothing was done: type the gym's name, “{}”, when you are asked for it, or give --yes",
        gym(health)
    )
}

/// Steps until nothing of the installation is left, and returns all people, including those of earlier commands.
async fn steps(
    session: &Session,
    args: &DisconnectArgs,
    console: &mut Console<'_>,
) -> Result<Vec<Left>, Stop> {
    console.interrupt().heed();
    let what = if args.remove_granted { Departure::RemoveGranted } else { Departure::Leave };
    let mut people: Vec<Left> = session.state.lines(LEFT);
    loop {
        let after = people.last().map(|person| person.member.clone());
        let departed = session
            .ask(console, async |tenant| {
                let departed = tenant.disconnect(what, after.as_deref(), args.step.calls).await;
                departed.map(|answer| answer.or_else(finished))
            })
            .await;
        // Drops the recorded requests, which nothing reads here: those of a large gym would fill memory.
        session.requests();
        let departed = departed.map_err(|stop| leave_instead(stop, args))?;
        let first = people.len();
        people.extend(departed.people.into_iter().map(Left::of));
        session.state.append(LEFT, people.get(first..).unwrap_or_default())?;
        if departed.finished {
            return Ok(people);
        }
        console.progress(&format!("{} done", counted(people.len(), "member")));
        if console.interrupt().is_requested() {
            let text = "ended between two steps: `harness disconnect` continues from here".to_owned();
            return Err(Stop::Ended(Exit::Unfinished, text));
        }
    }
}

/// An earlier command may have ended an installation without members: it is then no longer connected.
fn finished(error: Error) -> Result<Departed, Error> {
    match error.demand {
        Demand::Pause(PauseCause::NotConnected) => Ok(Departed { people: Vec::new(), finished: true }),
        _ => Err(error),
    }
}

/// Adds the advice that leaving without removals is possible even with a key that does not work.
fn leave_instead(stop: Stop, args: &DisconnectArgs) -> Stop {
    match stop {
        Stop::Ended(Exit::Paused, text) if args.remove_granted => Stop::Ended(
            Exit::Paused,
            format!("{text} Or leave without removing anything: `harness disconnect`."),
        ),
        other => other,
    }
}

impl Left {
    fn of(person: Person) -> Left {
        let names = |groups: Vec<GroupRef>| {
            groups
                .into_iter()
                .map(|group| if group.name.is_empty() { group.id } else { group.name })
                .collect()
        };
        Left {
            member: person.member,
            email: person.email,
            removed: names(person.removed),
            keeps: names(person.keeps),
            problem: person.problem,
        }
    }
}

/// Checks before the first step that the list can be written. The file keeps its content until the list is complete.
fn can_be_written(out: &Path) -> Result<(), Unusable> {
    let opened = std::fs::OpenOptions::new().append(true).create(true).open(out);
    opened.map(drop).map_err(|error| {
        Unusable::new(format!(
            "{} cannot be written ({error}): nothing was done yet, name another file with --out",
            out.display()
        ))
    })
}

/// Writes the list as CSV.
fn write(out: &Path, session: &Session, people: &[Left]) -> Result<(), Unusable> {
    let rows = || -> csv::Result<()> {
        let mut file = csv::Writer::from_path(out)?;
        file.write_record(["member_id", "name", "email", "removed", "keeps", "problem"])?;
        for person in people {
            let member = session.roll.members.iter().find(|member| member.id == person.member);
            file.write_record([
                person.member.as_str(),
                member.map_or("", |member| member.name.as_str()),
                person.email.as_deref().unwrap_or_default(),
                &person.removed.join("; "),
                &person.keeps.join("; "),
                person.problem.as_deref().unwrap_or_default(),
            ])?;
        }
        Ok(file.flush()?)
    };
    rows().map_err(|error| {
        Unusable::new(format!(
            "{} cannot be written ({error}): the list is kept, run `harness disconnect` again with another --out",
            out.display()
        ))
    })
}

impl Answer for Disconnected {
    fn print(&self, page: &mut Page) -> io::Result<()> {
        if !self.people.is_empty() {
            let mut table = Table::new(["who", "email", "removed", "keeps", "note"]);
            for (person, name) in self.people.iter().zip(&self.names) {
                let keeps = match person.removed.is_empty() && person.keeps.is_empty() {
                    true => (Tone::Faint, NOTHING_KNOWN.to_owned()),
                    false => (Tone::Plain, person.keeps.join(", ")),
                };
                table.row([
                    (Tone::Plain, name.clone()),
                    (Tone::Faint, person.email.clone().unwrap_or_default()),
                    (Tone::Bad, person.removed.join(", ")),
                    keeps,
                    (Tone::Care, person.problem.clone().unwrap_or_default()),
                ]);
            }
            page.table(table)?;
            page.gap()?;
            page.wide(Tone::Faint, WHAT_KEEPS_IS)?;
        }
        if let Some(out) = &self.out {
            page.wide(Tone::Plain, &format!("The list is in {}, too.", out.display()))?;
        }
        let problems = self.people.iter().filter(|person| person.problem.is_some()).count();
        if problems > 0 {
            let text = format!("Check {} in Kisi: the notes above say why.", counted(problems, "member"));
            page.wide(Tone::Care, &text)?;
        }
        page.wide(
            Tone::Head,
            &format!(
                "Disconnected: {} listed, and nothing of the installation is left in {}. The members in {} are as they \
                 were. The key still works: delete it in Kisi.",
                counted(self.people.len(), "member"),
                self.state.display(),
                self.members.display()
            ),
        )
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn blanks_around_the_name_in_kisi_need_not_be_typed() {
        let health = json!({
            "state": "NotConnected", "account": null, "organization": { "id": "1", "name": " Box 42 " },
            "last_checked": null, "groups_refreshed": null, "last_synced": null,
            "counts": { "members": 0, "grants": 0, "groups": 0, "mappings": 0 }, "flawed_groups": [],
        });
        assert_eq!(gym(&serde_json::from_value(health).unwrap()), "Box 42");
    }
}
