//! The state of a job and its findings, as a line, as a bar, as tables.

use std::collections::BTreeSet;
use std::io;

use serde::Serialize;

use super::super::console::Answer;
use super::super::facts::as_word;
use super::super::session::Session;
use crate::report::{Page, Table, Tone, counted};
use door_access_host::contract::sync::{Counts, Finding, FindingKind, Hold, Mode, Phase, Progress};
use door_access_scenario::words::time;

/// Printed lines of each kind, unless --all is given.
const LINES: usize = 10;
/// Columns of a full bar.
const BAR: usize = 24;

/// A job.
#[derive(Serialize)]
pub(in crate::installation) struct JobFacts {
    job: String,
    #[serde(serialize_with = "as_word")]
    mode: Mode,
    #[serde(serialize_with = "as_word")]
    pub(in crate::installation) phase: Phase,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "as_word")]
    pub(in crate::installation) waits: Option<Hold>,
    #[serde(serialize_with = "time")]
    started_at: u64,
    counts: Counts,
}

impl JobFacts {
    pub(in crate::installation) fn of(progress: &Progress) -> JobFacts {
        JobFacts {
            job: progress.job.clone(),
            mode: progress.mode,
            phase: progress.phase,
            waits: progress.waits,
            started_at: progress.started_at,
            counts: progress.counts,
        }
    }

    /// The state of the job, in a few words.
    pub(in crate::installation) fn standing(&self) -> String {
        let Counts { rows, members, differing, applied, .. } = self.counts;
        let members = counted(members as usize, "member");
        match self.phase {
            Phase::Reading => format!("reading Kisi, {}", counted(rows as usize, "row")),
            Phase::Comparing => format!("comparing, {members} so far"),
            Phase::Waiting if self.waits == Some(Hold::Brake) => {
                "waits to be confirmed: `harness preview` shows what it takes, `harness sync --yes` confirms"
                    .to_owned()
            }
            Phase::Waiting => "a preview is kept: `harness sync` applies it".to_owned(),
            Phase::Applying => format!("applying, {applied} of {}", counted(differing as usize, "member")),
            // A preview that is not kept ends as a cancelled job.
            Phase::Cancelled if self.mode == Mode::Preview && applied == 0 => {
                "the last one was a preview, which changed nothing".to_owned()
            }
            Phase::Cancelled => format!(
                "the last one was cancelled, with {applied} brought up to date: `harness sync` compares all \
                 members again"
            ),
            Phase::Done => format!("done: {members} compared, {applied} brought up to date"),
        }
    }
}

/// The progress of a job, with a bar on a terminal.
pub(super) fn bar(progress: &Progress, members: usize, is_watched: bool) -> String {
    let Counts { calls, rows, members: compared, differing, applied, .. } = progress.counts;
    // Members who are no longer in the file are compared, too.
    let members = members.max(compared as usize).max(1);
    let (what, part, text) = match progress.phase {
        Phase::Reading => ("reading", None, format!("{rows} rows")),
        Phase::Comparing => {
            ("comparing", Some((compared, members)), format!("{compared} of {members} members"))
        }
        Phase::Applying => {
            let all = (differing as usize).max(1);
            ("applying", Some((applied, all)), format!("{applied} of {differing} members"))
        }
        Phase::Waiting | Phase::Done => ("done", Some((1, 1)), format!("{compared} members")),
        Phase::Cancelled => ("cancelled", None, String::new()),
    };
    let requests = counted(calls as usize, "request");
    match part.filter(|_| is_watched) {
        Some((done, all)) => {
            let full = (done as usize).min(all).saturating_mul(BAR) / all;
            let bar = format!("{}{}", "█".repeat(full), "░".repeat(BAR.saturating_sub(full)));
            format!("{what:9} {bar} {text}, {requests}")
        }
        None => format!("{what:9} {text}, {requests}"),
    }
}

/// A job with its findings.
#[derive(Serialize)]
#[serde(tag = "type", rename = "sync")]
pub(super) struct JobReport {
    #[serde(flatten)]
    job: JobFacts,
    findings: Vec<Line>,
    #[serde(skip)]
    all: bool,
    /// Members in the file.
    #[serde(skip)]
    in_file: usize,
}

/// A finding.
#[derive(Serialize)]
pub(in crate::installation) struct Line {
    #[serde(serialize_with = "as_word")]
    pub(in crate::installation) kind: FindingKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    member: Option<String>,
    /// The member's name, or what Kisi knows of the person.
    who: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<String>,
    text: String,
}

/// A person's name and id, by the members' file or else by Kisi.
fn who(session: &Session, finding: &Finding) -> String {
    match (&finding.member, finding.account.as_str()) {
        (Some(id), account) if account.is_empty() || session.roll.has(id) => session.roll.named(id),
        (Some(id), account) => format!("{account} ({id})"),
        (None, "") => "unknown".to_owned(),
        (None, account) => account.to_owned(),
    }
}

/// Findings as they are printed.
pub(in crate::installation) fn lines(session: &Session, findings: &[Finding]) -> Vec<Line> {
    let line = |finding: &Finding| Line {
        kind: finding.kind,
        who: who(session, finding),
        member: finding.member.clone(),
        // The plugin no longer knows the name of a group that is not mapped any more.
        group: finding.group.as_ref().map(|group| match group.name.as_str() {
            "" => group.id.clone(),
            name => name.to_owned(),
        }),
        text: finding.explanation.clone(),
    };
    findings.iter().map(line).collect()
}

impl JobReport {
    pub(super) fn new(session: &Session, progress: &Progress, findings: &[Finding], all: bool) -> JobReport {
        JobReport {
            job: JobFacts::of(progress),
            findings: lines(session, findings),
            all,
            in_file: session.roll.members.len(),
        }
    }

    /// The number of members whose changes are among the findings.
    fn listed(&self) -> u32 {
        const CHANGES: [FindingKind; 4] =
            [FindingKind::Gains, FindingKind::ChangesDates, FindingKind::Adopted, FindingKind::Loses];
        let lines = self.findings.iter().filter(|line| CHANGES.contains(&line.kind));
        let members: BTreeSet<&str> = lines.filter_map(|line| line.member.as_deref()).collect();
        u32::try_from(members.len()).unwrap_or(u32::MAX)
    }

    /// The counts above 0, with their meaning.
    fn summary(&self) -> Vec<(Tone, u32, String)> {
        let counts = &self.job.counts;
        let by_hand = "given by hand in Kisi";
        let (was, is) = match self.job.waits {
            None => ("", "from now on"),
            Some(_) => ("would be ", "from then on"),
        };
        let all = [
            (Tone::Good, counts.grants_added, format!("grants {was}given")),
            (Tone::Bad, counts.grants_removed, format!("grants {was}taken")),
            (Tone::Good, counts.grants_adjusted, format!("grants {was}given other dates")),
            (Tone::Good, counts.adopted, format!("grants {by_hand}, {was}managed {is}")),
            (Tone::Faint, counts.unmanaged, format!("grants {by_hand}, kept as they are")),
            (Tone::Care, counts.drifted, "grants changed manually in Kisi".to_owned()),
            (Tone::Care, counts.conflicts, "members who are entitled, but cannot get access".to_owned()),
            (Tone::Bad, counts.failures, "refused for good".to_owned()),
        ];
        all.into_iter().filter(|(_, count, _)| *count > 0).collect()
    }

    fn head(&self) -> String {
        let Counts { members, differing, applied, calls, .. } = self.job.counts;
        let gone = match (members as usize).saturating_sub(self.in_file) {
            0 => String::new(),
            gone => format!(" ({gone} of them no longer in members.csv)"),
        };
        let compared = format!("{} compared{gone}", counted(members as usize, "member"));
        match self.job.waits {
            None => {
                let calls = counted(calls as usize, "request");
                format!("Kisi matches: {compared}, {applied} of {differing} brought up to date with {calls}.")
            }
            Some(_) if differing == 0 => format!("Kisi matches: {compared}, nothing would change."),
            Some(_) => {
                format!("{compared}, something would change for {differing}. Nothing has changed in Kisi.")
            }
        }
    }
}

impl Answer for JobReport {
    fn print(&self, page: &mut Page) -> io::Result<()> {
        print_lines(page, &self.findings, self.all)?;
        let Counts { differing, applied, grants, grants_removed, .. } = self.job.counts;
        if self.job.phase == Phase::Cancelled {
            let text = format!(
                "Cancelled, with {} brought up to date. What was done stays; the next `harness sync` compares \
                 all members again.",
                counted(applied as usize, "member")
            );
            return page.wide(Tone::Head, &text);
        }
        page.wide(Tone::Head, &self.head())?;
        let is_preview = self.job.mode == Mode::Preview;
        let unlisted = differing.saturating_sub(self.listed());
        if is_preview && self.job.waits.is_some() && unlisted > 0 {
            let text = format!(
                "For {unlisted} of them nothing is listed: Kisi is read for them when the preview is applied. A blocked \
                 member then loses all groups that Kisi shows, including those given by hand."
            );
            page.wide(Tone::Care, &text)?;
        }
        for (tone, count, what) in self.summary() {
            page.labelled(tone, &count.to_string(), &what, "")?;
        }
        match self.job.waits {
            Some(Hold::Brake) => {
                page.gap()?;
                // A blocked or deleted member also loses what staff gave, which is counted only as far as needed.
                let taken = match grants_removed > grants {
                    true => format!("at least {grants_removed} grants, including those given by hand"),
                    false => format!("{grants_removed} of {grants} grants"),
                };
                let text = format!(
                    "This would take {taken}, more than the removal guard allows. See whose with \
                     `harness preview --all`. If that is right, `harness sync --yes` does it; if not, correct \
                     members.csv or the mapping, and run `harness sync` again."
                );
                page.wide(Tone::Care, &text)
            }
            Some(Hold::Preview) if is_preview && differing > 0 => {
                page.gap()?;
                page.wide(Tone::Plain, "`harness sync` applies this.")
            }
            _ => Ok(()),
        }
    }
}

/// Prints a table for each kind of finding.
pub(in crate::installation) fn print_lines(page: &mut Page, lines: &[Line], all: bool) -> io::Result<()> {
    for (kind, tone, head) in KINDS {
        let lines: Vec<&Line> = lines.iter().filter(|line| line.kind == kind).collect();
        if lines.is_empty() {
            continue;
        }
        page.wide(Tone::Head, &format!("{head}: {}", lines.len()))?;
        let mut table = Table::new(["who", "group", "why"]);
        let shown = if all { lines.len() } else { LINES };
        for line in lines.iter().take(shown) {
            let group = line.group.as_deref().unwrap_or_default();
            table.row([(tone, line.who.as_str()), (Tone::Plain, group), (Tone::Plain, &line.text)]);
        }
        page.table(table)?;
        if lines.len() > shown {
            page.wide(Tone::Faint, &format!("and {} more; --all prints them", lines.len() - shown))?;
        }
        page.gap()?;
    }
    Ok(())
}

/// The kinds of findings in the order in which they are printed: the most important ones come last, next to the counts.
const KINDS: [(FindingKind, Tone, &str); 9] = [
    (FindingKind::Gains, Tone::Good, "Gain a group"),
    (FindingKind::ChangesDates, Tone::Plain, "Other dates"),
    (FindingKind::Adopted, Tone::Good, "Added by hand, managed from now on"),
    (FindingKind::Unmanaged, Tone::Faint, "Added by hand, kept as they are"),
    (FindingKind::Drifted, Tone::Care, "Changed manually in Kisi"),
    (FindingKind::ElevatedRole, Tone::Care, "Higher roles, not changed"),
    (FindingKind::Conflict, Tone::Care, "Entitled, but cannot get access"),
    (FindingKind::Failure, Tone::Bad, "Refused for good"),
    (FindingKind::Loses, Tone::Bad, "Lose a group"),
];
