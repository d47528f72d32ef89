//! `harness event`: brings one member's access up to date after an event. The members' file decides.

use super::console::Console;
use super::facts::GrantFacts;
use super::members::Roll;
use super::session::{Attempts, Session, broken_off};
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

/// No request was sent, so manual changes in Kisi are not noticed.
const NOTHING: &str =
    "As far as the plugin knows, everything is as it should be already; `harness sync` looks at Kisi.";

/// A member without a row is known by the id alone.
const UNKNOWN: &str = "The plugin holds nothing for a member with this id: if this is a name or an address, give the id that their row had.";

/// Delivers the event.
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
    let mut report = StepReport {
        step: "event",
        at: now,
        title: format!("{} · {name}", args.kind),
        ..StepReport::default()
    };
    let ending = deliver(session, &event, args.bodies, &mut report, console).await;
    let does_nothing = |outcomes: &Vec<Outcome>| outcomes.iter().all(|outcome| outcome.changes.is_empty());
    let is_unknown = has_no_row && report.calls.is_empty() && ending.as_ref().is_ok_and(does_nothing);
    if is_unknown {
        report.facts = vec![facts::plain(FactKind::Nothing, UNKNOWN)];
    } else if let Ok(outcomes) = &ending {
        if report.facts.iter().all(|fact| fact.kind == FactKind::Due) && report.calls.is_empty() {
            report.facts.insert(0, facts::plain(FactKind::Nothing, NOTHING));
        }
        report.facts.extend(outcomes.first().map(|outcome| holds(outcome, now)));
    }
    let contradiction = session.roll.contradicts(&event.kind, &event.member);
    if let Some(sentence) = contradiction.as_ref().filter(|_| ending.is_ok()) {
        report.facts.push(facts::plain(FactKind::Failed, sentence));
    }
    let (out, json, look) = console.report();
    to(out, json, look).step(&report)?;
    if is_unknown && args.member.contains(['@', ' ']) {
        return Ok(Exit::Unusable);
    }
    let failed = ending?.iter().any(|outcome| !outcome.failures.is_empty());
    Ok(match contradiction {
        _ if failed => Exit::OtherThanExpected,
        Some(_) => Exit::Contradicted,
        None => Exit::AsExpected,
    })
}

/// Delivers the event until it is handled, and reports what each attempt did.
async fn deliver(
    session: &Session,
    event: &Event,
    bodies: bool,
    report: &mut StepReport,
    console: &mut Console<'_>,
) -> Result<Vec<Outcome>, Stop> {
    let mut attempts = Attempts::default();
    loop {
        let handled = session.tenant.handle(event).await;
        let exchanges = session.recorder.take().exchanges;
        report.calls.extend(exchanges.iter().map(|exchange| facts::call(exchange, bodies)));
        let (outcomes, error) = match handled {
            Ok(Ok(outcomes)) => (outcomes, None),
            Ok(Err(Unfinished { error, done })) => (done, Some(error)),
            Err(error) => return Err(broken_off(&error)),
        };
        for outcome in &outcomes {
            let other = (outcome.member != event.member).then(|| session.roll.named(&outcome.member));
            report.facts.extend(facts::of_outcome(outcome, other.as_deref()));
        }
        match error {
            None => return Ok(outcomes),
            Some(error) => attempts.again(&error, console).await?,
        }
    }
}

/// The member's id, and a name for people. A member without a row was deleted or is misspelt; the kind of the event must
/// say which, because a deleted member loses everything.
fn member(roll: &Roll, kind: &EventKind, given: &str) -> Result<(String, String), Unusable> {
    match roll.member(given) {
        Ok(member) => Ok((member.id.clone(), roll.named(&member.id))),
        Err(_) if *kind == EventKind::MemberDeleted => match roll.aside.of(given, true) {
            Some(unusable) => Err(unusable),
            None => Ok((given.to_owned(), given.to_owned())),
        },
        Err(unknown) => {
            let unknown = unknown.to_string();
            let end = if unknown.ends_with('?') { "" } else { "." };
            Err(Unusable::new(format!("{unknown}{end} For a member who was deleted, use `member-deleted`.")))
        }
    }
}

/// The groups that the member has now.
fn holds(outcome: &Outcome, now_ms: u64) -> Fact {
    let grants = outcome.grants.iter().map(|grant| GrantFacts::of(grant).in_words(now_ms));
    facts::plain(
        FactKind::Found,
        format!("Holds {} through the plugin now.", list(&grants.collect::<Vec<_>>())),
    )
}
