//! `harness explain`: whether a member may enter now, and if not, why and what to do.

use std::io;

use serde::Serialize;

use super::console::{Answer, Console};
use super::doors::DoorFacts;
use super::facts::{GrantFacts, as_word};
use super::session::Session;
use crate::args::{Answer as YesNo, ExplainArgs, Switch};
use crate::exit::{Exit, Stop};
use crate::report::{Page, Tone};
use door_access_host::contract::access::{Alert, Device, Reason, Verdict};
use door_access_host::{Clock, SystemClock};
use door_access_scenario::words::{list, moment, optional_time, word};

#[derive(Serialize)]
#[serde(tag = "type", rename = "explanation")]
struct Explained {
    member: String,
    #[serde(skip)]
    who: String,
    #[serde(serialize_with = "as_word")]
    verdict: Verdict,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "optional_time")]
    until: Option<u64>,
    groups: Vec<GrantFacts>,
    doors: Vec<DoorFacts>,
    alerts: Vec<AlertFacts>,
    #[serde(skip)]
    now_ms: u64,
}

/// A reason, and its subject.
#[derive(Serialize)]
struct AlertFacts {
    #[serde(flatten)]
    reason: ReasonFacts,
    #[serde(skip_serializing_if = "Option::is_none")]
    membership: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "optional_time")]
    at: Option<u64>,
}

/// Why a door stays shut, or may stay shut.
#[derive(Serialize)]
pub(super) struct ReasonFacts {
    cause: String,
    remedy: String,
    for_member: String,
    for_staff: String,
}

impl ReasonFacts {
    pub(super) fn of(reason: &Reason) -> ReasonFacts {
        ReasonFacts {
            cause: word(&reason.cause),
            remedy: word(&reason.remedy),
            for_member: reason.for_member.clone(),
            for_staff: reason.for_staff.clone(),
        }
    }

    /// Prints it for the front desk, and for the member at the door.
    pub(super) fn print(&self, page: &mut Page, tone: Tone, label: &str) -> io::Result<()> {
        page.labelled(tone, label, &self.for_staff, &format!("[{}]", self.cause))?;
        page.labelled(Tone::Faint, "say", &self.for_member, &format!("[{}]", self.remedy))
    }
}

impl AlertFacts {
    fn of(alert: &Alert) -> AlertFacts {
        AlertFacts {
            reason: ReasonFacts::of(&alert.reason),
            membership: alert.membership.clone(),
            group: alert.group.as_ref().map(|group| group.name.clone()),
            at: alert.at,
        }
    }
}

pub(super) async fn run(
    session: &Session,
    args: &ExplainArgs,
    console: &mut Console<'_>,
) -> Result<Exit, Stop> {
    let member = &session.roll.member(&args.member)?.id;
    let device = Device {
        bluetooth: args.bluetooth.map(|bluetooth| bluetooth == Switch::On),
        location: args.location.map(|location| location == Switch::On),
        signed_in: args.signed_in.map(|signed_in| signed_in == YesNo::Yes),
    };
    let verify = args.verify;
    let explanation =
        session.ask(console, async |tenant| tenant.explain(member, device, verify).await).await?;
    console.tell(&Explained {
        member: member.clone(),
        who: session.roll.named(member),
        verdict: explanation.verdict,
        until: explanation.until,
        groups: explanation.groups.iter().map(GrantFacts::of).collect(),
        doors: explanation.doors.iter().map(DoorFacts::of).collect(),
        alerts: explanation.alerts.iter().map(AlertFacts::of).collect(),
        now_ms: SystemClock.now_ms(),
    })?;
    Ok(match explanation.verdict {
        Verdict::Yes | Verdict::Limited => Exit::AsExpected,
        Verdict::No => Exit::Shut,
    })
}

impl Answer for Explained {
    fn print(&self, page: &mut Page) -> io::Result<()> {
        page.wide(Tone::Head, &self.who)?;
        let until = self.until.map(|until| format!(" until {} UTC", moment(until))).unwrap_or_default();
        let (tone, answer) = match self.verdict {
            Verdict::Yes => (Tone::Good, format!("May enter{until}.")),
            Verdict::Limited if self.doors.is_empty() => {
                (Tone::Care, format!("Memberships include access{until}, but a problem prevents it."))
            }
            Verdict::Limited => (Tone::Care, format!("May enter{until}, but there is a problem.")),
            Verdict::No => (Tone::Bad, "May not enter: no door opens.".to_owned()),
        };
        page.labelled(tone, &word(&self.verdict), &answer, "")?;
        if !self.groups.is_empty() {
            let groups: Vec<String> = self.groups.iter().map(|grant| grant.in_words(self.now_ms)).collect();
            page.labelled(Tone::Faint, "groups", &list(&groups), "")?;
        }
        if !self.doors.is_empty() {
            let doors: Vec<String> = self.doors.iter().map(|door| door.name.clone()).collect();
            page.labelled(Tone::Faint, "doors", &list(&doors), "")?;
        }
        // A yes may have alerts, too.
        let label = if self.verdict == Verdict::Yes { "note" } else { "why" };
        for alert in &self.alerts {
            alert.reason.print(page, tone, label)?;
        }
        Ok(())
    }
}
