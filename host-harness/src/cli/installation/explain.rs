//! `harness explain`: whether a member may enter now, and if not, why and what settles it.

use std::io;

use serde::Serialize;

use super::console::{Answer, Console};
use super::doors::DoorFacts;
use super::report::GrantFacts;
use super::session::Session;
use crate::cli::args::ExplainArgs;
use crate::cli::exit::{Exit, Stop};
use crate::cli::report::{Page, Tone, list, moment, word};
use crate::contract::access::{Alert, Device, Verdict};

/// The whole answer.
#[derive(Serialize)]
#[serde(tag = "type", rename = "explanation")]
struct Explained {
    member: String,
    who: String,
    /// `yes`, `limited`, `no`.
    verdict: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<u64>,
    groups: Vec<GrantFacts>,
    doors: Vec<DoorFacts>,
    alerts: Vec<AlertFacts>,
    #[serde(skip)]
    tone: Tone,
}

/// One reason, with its remedy.
#[derive(Serialize)]
pub(super) struct AlertFacts {
    cause: String,
    remedy: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    membership: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<u64>,
    for_member: String,
    for_staff: String,
}

impl AlertFacts {
    pub(super) fn of(alert: &Alert) -> AlertFacts {
        AlertFacts {
            cause: word(&alert.cause),
            remedy: word(&alert.remedy),
            membership: alert.membership.clone(),
            group: alert.group.as_ref().map(|group| group.name.clone()),
            at: alert.at,
            for_member: alert.for_member.clone(),
            for_staff: alert.for_staff.clone(),
        }
    }

    /// For whoever stands at the door, and for the front desk.
    pub(super) fn print(&self, page: &mut Page) -> io::Result<()> {
        let words = format!("[{}: {}]", self.cause, self.remedy);
        page.labelled(Tone::Care, "member", &self.for_member, &words)?;
        page.labelled(Tone::Faint, "staff", &self.for_staff, "")
    }
}

/// Explains.
pub(super) async fn run(session: &Session, args: &ExplainArgs, console: &mut Console<'_>) -> Result<Exit, Stop> {
    let (member, who) = session.roll.known_or_gone(&args.member);
    let device = Device {
        bluetooth: args.bluetooth.map(Into::into),
        location: args.location.map(Into::into),
        signed_in: args.signed_in.map(Into::into),
    };
    let verify = args.verify;
    let told = session.ask(console, async |tenant| tenant.explain(&member, device, verify).await).await?;
    let tone = match told.verdict {
        Verdict::Yes => Tone::Good,
        Verdict::Limited => Tone::Care,
        Verdict::No => Tone::Bad,
    };
    console.tell(&Explained {
        verdict: word(&told.verdict),
        until: told.until,
        groups: told.groups.iter().map(GrantFacts::of).collect(),
        doors: told.doors.iter().map(DoorFacts::of).collect(),
        alerts: told.alerts.iter().map(AlertFacts::of).collect(),
        member,
        who,
        tone,
    })?;
    Ok(Exit::AsExpected)
}

impl Answer for Explained {
    fn print(&self, page: &mut Page) -> io::Result<()> {
        page.wide(Tone::Head, &self.who)?;
        let answer = match self.verdict.as_str() {
            "yes" => "May enter",
            "limited" => "May enter, or nearly: something stands in the way",
            _ => "May not enter",
        };
        let until = self.until.map(|until| format!(" until {} UTC", moment(until))).unwrap_or_default();
        page.labelled(self.tone, &self.verdict, &format!("{answer}{until}."), "")?;
        let names = |names: Vec<String>| list(&names);
        let groups = self.groups.iter().map(|grant| grant.to_string()).collect();
        page.labelled(Tone::Faint, "groups", &names(groups), "")?;
        let doors = self.doors.iter().map(|door| door.name.clone()).collect();
        page.labelled(Tone::Faint, "doors", &names(doors), "")?;
        for alert in &self.alerts {
            alert.print(page)?;
        }
        Ok(())
    }
}
