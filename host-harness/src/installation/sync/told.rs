//! How a job stands and what it found, as a line, as a bar, as tables.

use std::collections::BTreeSet;
use std::io;

use serde::Serialize;

use super::super::console::Answer;
use super::super::report::counted;
use super::super::session::Session;
use crate::report::{Page, Table, Tone};
use door_access_host::contract::sync::{Counts, Finding, FindingKind, Hold, Mode, Phase, Progress};
use door_access_scenario::words::{time, word};

/// Lines of each kind that are printed, unless all are asked for.
const LINES: usize = 10;
/// Columns of a full bar.
const BAR: u32 = 24;

/// A job.
#[derive(Serialize)]
pub(in crate::installation) struct JobFacts {
    job: String,
    /// `preview`, `apply`.
    mode: String,
    /// `reading`, `comparing`, `waiting`, `applying`, `done`, `cancelled`.
    phase: String,
    /// `preview`, `brake`.
    #[serde(skip_serializing_if = "Option::is_none")]
    waits: Option<String>,
    #[serde(serialize_with = "time")]
    started_at: u64,
    counts: Counts,
}

impl JobFacts {
    pub(in crate::installation) fn of(progress: &Progress) -> JobFacts {
        JobFacts {
            job: progress.job.clone(),
            mode: word(&progress.mode),
            phase: word(&progress.phase),
            waits: progress.waits.as_ref().map(word),
            started_at: progress.started_at,
            counts: progress.counts,
        }
    }

    /// Whether it would remove more than the brake allows, and was not confirmed.
    pub(in crate::installation) fn is_held(&self) -> bool {
        self.waits.as_deref() == Some("brake")
    }

    /// Whether everybody was compared and brought up to date.
    pub(in crate::installation) fn is_through(&self) -> bool {
        self.phase == "done"
    }
}

/// How a job stands, in a few words.
pub(in crate::installation) fn standing(job: &JobFacts) -> String {
    let Counts { members, differing, applied, .. } = job.counts;
    match (job.phase.as_str(), job.waits.as_deref()) {
        ("reading", _) => format!("reading Kisi, {}", counted(job.counts.rows as usize, "row")),
        ("comparing", _) => format!("comparing, {} so far", counted(members as usize, "member")),
        ("waiting", Some("brake")) => {
            "waits to be confirmed: `harness preview` shows what it takes, `harness sync --yes` confirms"
                .to_owned()
        }
        ("waiting", _) => "a preview is kept: `harness sync` applies it".to_owned(),
        ("applying", _) => format!("applying, {applied} of {}", counted(differing as usize, "member")),
        // One that is through is given up, too, unless it was kept.
        ("cancelled", _) if job.mode == "preview" && applied == 0 => {
            "the last one was a preview, which changed nothing".to_owned()
        }
        ("cancelled", _) => format!(
            "the last one was given up, with {applied} brought up to date: `harness sync` compares everybody anew"
        ),
        _ => {
            format!("through: {} compared, {applied} brought up to date", counted(members as usize, "member"))
        }
    }
}

/// How far a job is. With a bar for who watches.
pub(super) fn bar(progress: &Progress, members: usize, is_watched: bool) -> String {
    let Counts { calls, rows, members: compared, differing, applied, .. } = progress.counts;
    // Whom the members' file has no more is compared as well.
    let members = u32::try_from(members).unwrap_or(u32::MAX).max(compared).max(1);
    let (what, part, text) = match progress.phase {
        Phase::Reading => ("reading", None, format!("{rows} rows")),
        Phase::Comparing => {
            ("comparing", Some((compared, members)), format!("{compared} of {members} members"))
        }
        Phase::Applying => {
            ("applying", Some((applied, differing.max(1))), format!("{applied} of {differing} members"))
        }
        Phase::Waiting | Phase::Done => ("through", Some((1, 1)), format!("{compared} members")),
        Phase::Cancelled => ("cancelled", None, String::new()),
    };
    let requests = counted(calls as usize, "request");
    match part.filter(|_| is_watched) {
        Some((done, all)) => {
            let full = (u64::from(done.min(all)) * u64::from(BAR) / u64::from(all)) as usize;
            let bar = format!("{}{}", "█".repeat(full), "░".repeat((BAR as usize).saturating_sub(full)));
            format!("{what:9} {bar} {text}, {requests}")
        }
        None => format!("{what:9} {text}, {requests}"),
    }
}

/// A job with its report.
#[derive(Serialize)]
#[serde(tag = "type", rename = "sync")]
pub(super) struct Told {
    #[serde(flatten)]
    job: JobFacts,
    findings: Vec<Line>,
    #[serde(skip)]
    all: bool,
    #[serde(skip)]
    hold: Option<Hold>,
    #[serde(skip)]
    mode: Mode,
}

/// A line of the report.
#[derive(Serialize)]
pub(in crate::installation) struct Line {
    kind: String,
    #[serde(skip)]
    class: FindingKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    member: Option<String>,
    /// The member's name, or what Kisi knows of the person.
    who: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<String>,
    text: String,
}

/// A person as staff knows them: by the members' file, else by what Kisi knows.
fn who(session: &Session, finding: &Finding) -> String {
    match (&finding.member, finding.account.as_str()) {
        (Some(id), "") => session.roll.named(id),
        (Some(id), account) if session.roll.members.iter().all(|member| member.id != *id) => {
            format!("{account} ({id})")
        }
        (Some(id), _) => session.roll.named(id),
        (None, "") => "somebody".to_owned(),
        (None, account) => account.to_owned(),
    }
}

/// Findings as they are told.
pub(in crate::installation) fn lines(session: &Session, findings: &[Finding]) -> Vec<Line> {
    let line = |finding: &Finding| Line {
        kind: word(&finding.kind),
        class: finding.kind,
        who: who(session, finding),
        member: finding.member.clone(),
        // A group that is mapped no more has lost its name in the plugin's records.
        group: finding.group.as_ref().map(|group| match group.name.as_str() {
            "" => group.id.clone(),
            name => name.to_owned(),
        }),
        text: finding.explanation.clone(),
    };
    findings.iter().map(line).collect()
}

impl Told {
    pub(super) fn new(session: &Session, progress: &Progress, findings: &[Finding], all: bool) -> Told {
        Told {
            job: JobFacts::of(progress),
            findings: lines(session, findings),
            all,
            hold: progress.waits,
            mode: progress.mode,
        }
    }

    /// For how many members the report says what changes.
    fn listed(&self) -> u32 {
        const CHANGES: [FindingKind; 4] =
            [FindingKind::Gains, FindingKind::ChangesDates, FindingKind::Adopted, FindingKind::Loses];
        let lines = self.findings.iter().filter(|line| CHANGES.contains(&line.class));
        let members: BTreeSet<&str> = lines.filter_map(|line| line.member.as_deref()).collect();
        u32::try_from(members.len()).unwrap_or(u32::MAX)
    }

    /// The numbers that are not 0, with what they count.
    fn summary(&self) -> Vec<(Tone, u32, String)> {
        let counts = &self.job.counts;
        let by_hand = "given by hand in Kisi";
        let (was, is) = match self.hold {
            None => ("", "from now on"),
            Some(_) => ("would be ", "from then on"),
        };
        let all = [
            (Tone::Good, counts.grants_added, format!("grants {was}given")),
            (Tone::Bad, counts.grants_removed, format!("grants {was}taken")),
            (Tone::Good, counts.grants_adjusted, format!("grants {was}given other dates")),
            (Tone::Good, counts.adopted, format!("grants {by_hand}, {was}looked after {is}")),
            (Tone::Faint, counts.unmanaged, format!("grants {by_hand}, kept as they are")),
            (Tone::Care, counts.drifted, "grants changed in Kisi behind the plugin's back".to_owned()),
            (
                Tone::Care,
                counts.conflicts,
                "members who cannot be given what they are entitled to".to_owned(),
            ),
            (Tone::Bad, counts.failures, "refused for good".to_owned()),
        ];
        all.into_iter().filter(|(_, count, _)| *count > 0).collect()
    }
}

impl Answer for Told {
    fn print(&self, page: &mut Page) -> io::Result<()> {
        print_lines(page, &self.findings, self.all)?;
        let Counts { members, differing, applied, calls, grants, grants_removed, .. } = self.job.counts;
        if self.job.phase == "cancelled" {
            let text = format!(
                "Given up, with {} brought up to date. What was done stays; the next `harness sync` compares everybody anew.",
                counted(applied as usize, "member")
            );
            return page.wide(Tone::Head, &text);
        }
        page.wide(
            Tone::Head,
            &match self.hold {
                None => format!(
                    "Kisi matches: {} compared, {applied} of {differing} brought up to date with {}.",
                    counted(members as usize, "member"),
                    counted(calls as usize, "request")
                ),
                Some(_) if differing == 0 => format!(
                    "Kisi matches: {} compared, nothing would change.",
                    counted(members as usize, "member")
                ),
                Some(_) => format!(
                    "{} compared, something would change for {differing}. Nothing has changed in Kisi.",
                    counted(members as usize, "member")
                ),
            },
        )?;
        let unlisted = differing.saturating_sub(self.listed());
        if self.mode == Mode::Preview && self.hold.is_some() && unlisted > 0 {
            let text = format!(
                "For {unlisted} of them nothing is listed: they are looked up when it is applied, and whoever is blocked \
                 loses whatever Kisi shows then, what was given by hand included."
            );
            page.wide(Tone::Care, &text)?;
        }
        for (tone, count, what) in self.summary() {
            page.labelled(tone, &count.to_string(), &what, "")?;
        }
        match self.hold {
            Some(Hold::Brake) => {
                page.gap()?;
                // What staff gave to whom the directory has lost goes as well, and is not counted further than needed.
                let taken = match grants_removed > grants {
                    true => format!("at least {grants_removed} grants, what was given by hand included"),
                    false => format!("{grants_removed} of {grants} grants"),
                };
                let text = format!(
                    "This would take {taken}, more than the brake allows. See whose with \
                     `harness preview --all`. If that is right, `harness sync --yes` does it; if not, correct \
                     members.csv or the mapping, and run `harness sync` again."
                );
                page.wide(Tone::Care, &text)
            }
            Some(Hold::Preview) if self.mode == Mode::Preview && differing > 0 => {
                page.gap()?;
                page.wide(Tone::Plain, "`harness sync` makes it so.")
            }
            _ => Ok(()),
        }
    }
}

/// A table for each kind of line.
pub(in crate::installation) fn print_lines(page: &mut Page, lines: &[Line], all: bool) -> io::Result<()> {
    for (kind, tone, head) in KINDS {
        let lines: Vec<&Line> = lines.iter().filter(|line| line.class == kind).collect();
        if lines.is_empty() {
            continue;
        }
        page.wide(Tone::Head, &format!("{head}: {}", lines.len()))?;
        let mut table = Table::new(["who", "group", "why"]);
        let shown = if all { lines.len() } else { LINES };
        for line in lines.iter().take(shown) {
            table.row([
                (tone, line.who.clone()),
                (Tone::Plain, line.group.clone().unwrap_or_default()),
                (Tone::Plain, line.text.clone()),
            ]);
        }
        page.table(&table)?;
        if lines.len() > shown {
            page.wide(Tone::Faint, &format!("and {} more; --all prints them", lines.len() - shown))?;
        }
        page.gap()?;
    }
    Ok(())
}

/// Kinds of lines in the order in which they are printed: what needs somebody comes last, next to the numbers.
const KINDS: [(FindingKind, Tone, &str); 9] = [
    (FindingKind::Gains, Tone::Good, "Gain a group"),
    (FindingKind::ChangesDates, Tone::Plain, "Other dates"),
    (FindingKind::Adopted, Tone::Good, "In it by hand, looked after from now on"),
    (FindingKind::Unmanaged, Tone::Faint, "In it by hand, kept as they are"),
    (FindingKind::Drifted, Tone::Care, "Changed behind the plugin's back"),
    (FindingKind::ElevatedRole, Tone::Care, "More than a plain member, never touched"),
    (FindingKind::Conflict, Tone::Care, "Cannot be given what they are entitled to"),
    (FindingKind::Failure, Tone::Bad, "Refused for good"),
    (FindingKind::Loses, Tone::Bad, "Lose a group"),
];
