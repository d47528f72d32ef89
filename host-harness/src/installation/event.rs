//! `harness event`: something happened to a member. What holds now is in the members' file.

use super::console::Console;
use super::members::Roll;
use super::report::GrantFacts;
use super::session::{Session, broken_off, ended, pause, rest, waiting};
use crate::args::EventArgs;
use crate::exit::{Exit, Stop};
use crate::report::to;
use door_access_host::contract::events::{Event, EventKind, Outcome, Unfinished};
use door_access_host::{Clock, SystemClock};
use door_access_scenario::file::event_kind;
use door_access_scenario::play::facts;
use door_access_scenario::report::{Fact, FactKind, StepReport};
use door_access_scenario::unusable::Unusable;
use door_access_scenario::words::list;

/// Nothing was asked of Kisi, where somebody may have changed something by hand.
const NOTHING: &str =
    "As far as the plugin knows, everything is as it should be already; `harness sync` looks at Kisi.";

/// Whoever has no row any more cannot be looked up by anything but the id.
const UNKNOWN: &str = "The plugin holds nothing for a member with this id: if this is a name or an address, give the id that their row had.";

/// Delivers it.
pub(super) async fn run(
    session: &Session,
    args: &EventArgs,
    console: &mut Console<'_>,
) -> Result<Exit, Stop> {
    let kind = event_kind(&args.kind).map_err(Unusable::new)?;
    let (member, name) = member(&session.roll, &kind, &args.member)?;
    let has_no_row = session.roll.member(&args.member).is_err();
    let now = SystemClock.now_ms();
    let event = Event { id: format!("event-{now}"), kind, member, occurred_at: now };
    let mut told = StepReport {
        step: "event",
        line: None,
        at: now,
        title: format!("{} · {name}", args.kind),
        note: None,
        facts: Vec::new(),
        calls: Vec::new(),
        log: Vec::new(),
        groups: Vec::new(),
        mismatches: Vec::new(),
    };
    let mut attempt = 1;
    let ending = loop {
        let handled = session.tenant.handle(&event).await;
        told.calls.extend(
            session.recorder.take().exchanges.iter().map(|exchange| facts::call(exchange, args.bodies)),
        );
        let (outcomes, error) = match handled {
            Ok(Ok(outcomes)) => (outcomes, None),
            Ok(Err(Unfinished { error, done })) => (done, Some(error)),
            Err(error) => break Err(broken_off(&error)),
        };
        for outcome in &outcomes {
            let other = (outcome.member != event.member).then(|| session.roll.named(&outcome.member));
            told.facts.extend(facts::of_outcome(outcome, other.as_deref()));
        }
        let Some(error) = error else { break Ok(outcomes) };
        match pause(&error, attempt) {
            Some(wait) if !console.interrupt().is_requested() => {
                waiting(&error, wait, console);
                rest(wait, console).await;
                attempt += 1;
            }
            _ => break Err(ended(&error)),
        }
    };
    let does_nothing = |outcomes: &Vec<Outcome>| outcomes.iter().all(|outcome| outcome.changes.is_empty());
    let is_unknown = has_no_row && told.calls.is_empty() && ending.as_ref().is_ok_and(does_nothing);
    if is_unknown {
        told.facts = vec![facts::plain(FactKind::Nothing, UNKNOWN)];
    } else if let Ok(outcomes) = &ending {
        if told.facts.iter().all(|fact| fact.kind == FactKind::Due) && told.calls.is_empty() {
            told.facts.insert(0, facts::plain(FactKind::Nothing, NOTHING));
        }
        told.facts.extend(outcomes.first().map(|outcome| holds(outcome, now)));
    }
    let (out, json, colour) = console.report();
    to(out, json, colour).step(&told)?;
    if is_unknown && args.member.contains(['@', ' ']) {
        return Ok(Exit::Unusable);
    }
    let failed = ending?.iter().any(|outcome| !outcome.failures.is_empty());
    Ok(if failed { Exit::OtherThanExpected } else { Exit::AsExpected })
}

/// The member's id, and a name for people. Whoever is not in the file was deleted, or misspelt; the first must be said,
/// because a deleted member loses everything.
fn member(roll: &Roll, kind: &EventKind, given: &str) -> Result<(String, String), Unusable> {
    match roll.member(given) {
        Ok(member) => Ok((member.id.clone(), roll.named(&member.id))),
        Err(_) if *kind == EventKind::MemberDeleted => Ok((given.to_owned(), given.to_owned())),
        Err(unknown) => {
            let unknown = unknown.to_string();
            let end = if unknown.ends_with('?') { "" } else { "." };
            Err(Unusable::new(format!("{unknown}{end} Of somebody who was deleted, say `member-deleted`.")))
        }
    }
}

/// What the member holds now.
fn holds(outcome: &Outcome, now_ms: u64) -> Fact {
    let grants = outcome.grants.iter().map(|grant| GrantFacts::of(grant).in_words(now_ms));
    facts::plain(
        FactKind::Found,
        format!("Holds {} through the plugin now.", list(&grants.collect::<Vec<_>>())),
    )
}
