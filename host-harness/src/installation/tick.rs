//! `harness tick`: what must be done though nothing happens.

use std::io;

use serde::Serialize;

use super::console::{Answer, Console};
use super::report::{counted, when};
use super::session::Session;
use super::sync::{JobFacts, Line, lines, print_lines, standing};
use crate::args::TickArgs;
use crate::exit::{Exit, Stop};
use crate::report::{Page, Tone};
use door_access_host::contract::sync::{Finding, FindingKind, Hold, Progress};
use door_access_host::{Clock, SystemClock};
use door_access_scenario::words::time;

/// What one or several calls did.
#[derive(Default)]
pub(super) struct Done {
    members: u32,
    groups_refreshed: bool,
    requests: usize,
    sync: Option<Progress>,
    findings: Vec<Finding>,
    next: u64,
    more: bool,
}

/// The same, told.
#[derive(Serialize)]
#[serde(tag = "type", rename = "tick")]
struct Told {
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

/// Does what is due.
pub(super) async fn run(
    session: &Session,
    args: &TickArgs,
    done: &mut Done,
    console: &mut Console<'_>,
) -> Result<Exit, Stop> {
    console.interrupt().heed();
    let ended = calls(session, args, done, console).await;
    if matches!(ended, Err(Stop::GivesWay)) {
        return Err(Stop::GivesWay);
    }
    let told = Told {
        members: done.members,
        groups_refreshed: done.groups_refreshed,
        requests: done.requests,
        sync: done.sync.as_ref().map(JobFacts::of),
        findings: lines(session, &done.findings),
        next: done.next,
        more: done.more,
        all: args.step.all,
    };
    if let Err(stop) = ended {
        // What was done before is told by nobody else.
        if !told.findings.is_empty() {
            console.tell(&told)?;
        }
        return Err(stop);
    }
    console.tell(&told)?;
    let waits = done.sync.as_ref().is_some_and(|job| job.waits == Some(Hold::Brake));
    let failed = done.findings.iter().any(|finding| finding.kind == FindingKind::Failure);
    Ok(match () {
        () if done.more => Exit::Unfinished,
        () if waits => Exit::Unconfirmed,
        () if failed => Exit::OtherThanExpected,
        () => Exit::AsExpected,
    })
}

/// Calls once, or until nothing more is due.
async fn calls(
    session: &Session,
    args: &TickArgs,
    done: &mut Done,
    console: &mut Console<'_>,
) -> Result<(), Stop> {
    loop {
        let ticked = session.ask(console, async |tenant| tenant.tick(args.step.calls).await).await;
        done.requests += session.requests();
        let ticked = ticked?;
        done.members = done.members.saturating_add(ticked.members);
        done.groups_refreshed |= ticked.groups_refreshed;
        done.sync = ticked.sync.or(done.sync.take());
        done.findings.extend(ticked.findings);
        done.next = ticked.next;
        done.more = ticked.next <= SystemClock.now_ms();
        if !done.more || !args.until_done || console.interrupt().is_requested() {
            return Ok(());
        }
        if session.gives_way(console).await {
            return Err(Stop::GivesWay);
        }
        console.progress(&format!("{}, more is due", counted(done.requests, "request")));
    }
}

impl Told {
    fn is_held(&self) -> bool {
        self.requests == 0 && self.sync.as_ref().is_some_and(JobFacts::is_held)
    }
}

impl Answer for Told {
    fn print(&self, page: &mut Page) -> io::Result<()> {
        print_lines(page, &self.findings, self.all)?;
        let mut did = Vec::new();
        if self.members > 0 {
            did.push(format!(
                "{} looked at, for whom something fell due",
                counted(self.members as usize, "member")
            ));
        }
        if self.groups_refreshed {
            did.push("the groups read again".to_owned());
        }
        if self.sync.as_ref().is_some_and(JobFacts::is_through) {
            did.push("everybody compared".to_owned());
        }
        let head = match did.is_empty() {
            true if self.is_held() => "Nothing was done: a sync waits for somebody.".to_owned(),
            true if self.requests == 0 => "Nothing was due.".to_owned(),
            true => format!("Begun: {}.", counted(self.requests, "request")),
            false => format!("Done: {}. It took {}.", did.join("; "), counted(self.requests, "request")),
        };
        page.wide(Tone::Head, &head)?;
        if let Some(job) = &self.sync {
            page.labelled(Tone::Plain, "sync", &standing(job), "")?;
        }
        if self.more {
            let text = "More is due: run `harness tick` again, or with --until-done.";
            page.wide(Tone::Care, text)
        } else {
            let (tone, next) = when(Some(self.next));
            page.labelled(tone, "next", &format!("{next}; earlier does no harm"), "")
        }
    }
}
