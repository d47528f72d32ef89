//! `harness tick`: does what is due by date.

use std::io;

use serde::Serialize;

use super::console::{Answer, Console};
use super::facts::when;
use super::session::{Session, broken_off, ended};
use super::sync::{JobFacts, Line, end_unkept_preview, lines, print_lines};
use crate::args::TickArgs;
use crate::exit::{Exit, Stop};
use crate::report::{Page, Tone, counted};
use door_access_host::contract::maintenance as contract;
use door_access_host::contract::sync::{FindingKind, Hold, Phase};
use door_access_host::contract::types::Demand;
use door_access_host::{Clock, SystemClock};
use door_access_scenario::words::time;

/// What one or several calls did.
#[derive(Default, Serialize)]
#[serde(tag = "type", rename = "tick")]
pub(super) struct Ticked {
    members: u32,
    groups_refreshed: bool,
    requests: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    sync: Option<JobFacts>,
    findings: Vec<Line>,
    #[serde(serialize_with = "time")]
    next: u64,
    more: bool,
    #[serde(skip)]
    all: bool,
}

pub(super) async fn run(
    session: &Session,
    args: &TickArgs,
    ticked: &mut Ticked,
    console: &mut Console<'_>,
) -> Result<Exit, Stop> {
    console.interrupt().heed();
    end_unkept_preview(session, console).await?;
    ticked.all = args.report.all;
    match calls(session, args, ticked, console).await {
        Ok(()) => console.tell(ticked)?,
        Err(Stop::GivesWay) => return Err(Stop::GivesWay),
        Err(stop) => {
            // No later command reports these findings again.
            if !ticked.findings.is_empty() {
                console.tell(ticked)?;
            }
            return Err(stop);
        }
    }
    let failed = ticked.findings.iter().any(|line| line.kind == FindingKind::Failure);
    Ok(match () {
        () if ticked.more => Exit::Unfinished,
        () if ticked.is_held() => Exit::Unconfirmed,
        () if failed => Exit::OtherThanExpected,
        () => Exit::AsExpected,
    })
}

/// Calls once, or until nothing more is due.
async fn calls(
    session: &Session,
    args: &TickArgs,
    ticked: &mut Ticked,
    console: &mut Console<'_>,
) -> Result<(), Stop> {
    loop {
        let called = call(session, args, console).await;
        ticked.requests += session.requests();
        let called = called?;
        ticked.members = ticked.members.saturating_add(called.members);
        ticked.groups_refreshed |= called.groups_refreshed;
        ticked.sync = called.sync.as_ref().map(JobFacts::of).or(ticked.sync.take());
        ticked.findings.extend(lines(session, &called.findings));
        ticked.next = called.next;
        ticked.more = called.next <= SystemClock.now_ms();
        if !ticked.more || !args.until_done || console.interrupt().is_requested() {
            return Ok(());
        }
        if session.gives_way(console).await {
            return Err(Stop::GivesWay);
        }
        console.progress(&format!("{}, more is due", counted(ticked.requests, "request")));
    }
}

/// Calls once. While rows are set aside, the plugin asks again for what these rows keep it from: it passes such a member
/// and goes on with the next, but a comparison of all members has to wait for the rows.
async fn call(
    session: &Session,
    args: &TickArgs,
    console: &mut Console<'_>,
) -> Result<contract::Ticked, Stop> {
    if session.roll.aside.is_empty() {
        return session.ask(console, async |tenant| tenant.tick(args.step.calls).await).await;
    }
    let mut before = None;
    loop {
        match session.tenant.tick(args.step.calls).await {
            Ok(Ok(ticked)) => return Ok(ticked),
            Ok(Err(error))
                if matches!(error.demand, Demand::Retry(_)) && before.as_ref() != Some(&error.message) =>
            {
                before = Some(error.message);
            }
            Ok(Err(error)) => {
                session.roll.aside.refuse("the daily comparison")?;
                return Err(ended(&error));
            }
            Err(error) => return Err(broken_off(&error)),
        }
    }
}

impl Ticked {
    /// Whether a sync waits for confirmation.
    fn is_held(&self) -> bool {
        self.sync.as_ref().is_some_and(|job| job.waits == Some(Hold::Brake))
    }
}

impl Answer for Ticked {
    fn print(&self, page: &mut Page) -> io::Result<()> {
        print_lines(page, &self.findings, self.all)?;
        let mut did = Vec::new();
        if self.members > 0 {
            did.push(format!("{} with something due updated", counted(self.members, "member")));
        }
        if self.groups_refreshed {
            did.push("the groups read again".to_owned());
        }
        if self.sync.as_ref().is_some_and(|job| job.phase == Phase::Done) {
            did.push("all members compared".to_owned());
        }
        let requests = counted(self.requests, "request");
        let head = match did.is_empty() {
            true if self.requests == 0 && self.is_held() => {
                "Nothing was done: a sync waits for confirmation.".to_owned()
            }
            true if self.requests == 0 => "Nothing was due.".to_owned(),
            true => format!("Not finished: {requests} sent."),
            false => format!("Done: {}. It took {requests}.", did.join("; ")),
        };
        page.wide(Tone::Head, &head)?;
        if let Some(job) = &self.sync {
            page.labelled(Tone::Plain, "sync", &job.standing(), "")?;
        }
        if self.more {
            page.wide(Tone::Care, "More is due: run `harness tick` again, or with --until-done.")
        } else {
            let text = format!("{}; running it earlier does no harm", when(Some(self.next)));
            page.labelled(Tone::Plain, "next", &text, "")
        }
    }
}
