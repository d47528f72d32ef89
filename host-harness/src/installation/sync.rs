//! `harness preview` and `harness sync`: reconciliation of all members, in steps. Each step is a call, so a later
//! command can continue a job that was left between two steps.

mod findings;
mod report;

use super::console::Console;
use super::session::Session;
use crate::args::{PreviewArgs, SyncArgs};
use crate::exit::{Exit, Stop};
use door_access_host::contract::sync::{Hold, Mode, Phase, Progress};
use door_access_host::{Clock, SystemClock};

pub(super) use findings::FILE as FINDINGS;
use findings::Findings;
use report::JobReport;
pub(super) use report::{JobFacts, Line, lines, print_lines};

/// The file with the job of a preview that is kept.
pub(super) const KEPT: &str = "preview.json";
/// How long a preview is kept.
const KEPT_MS_MAX: u64 = 24 * 60 * 60 * 1_000;

/// Shows what a sync would change.
pub(super) async fn preview(
    session: &Session,
    args: &PreviewArgs,
    console: &mut Console<'_>,
) -> Result<Exit, Stop> {
    session.roll.aside.refuse("a preview")?;
    warn_of_no_members(session, console);
    if let Some(job) = unfinished(session, console).await? {
        match (job.mode, job.phase) {
            // The comparison may be old by now.
            (_, Phase::Waiting) => cancel(session, &job.job, console).await?,
            (Mode::Apply, _) | (_, Phase::Applying) => {
                let text = "a sync is unfinished, and only one job runs at a time: `harness sync` continues it, \
                            `harness sync --cancel` cancels it, and then a preview is possible";
                return Err(Stop::Ended(Exit::Unfinished, text.to_owned()));
            }
            _ => {}
        }
    }
    let job = session.ask(console, async |tenant| tenant.start_sync(Mode::Preview).await).await?;
    let mut findings = Findings::of(&session.state, &job)?;
    let progress = steps(session, &job, args.step.calls, &mut findings, "preview", console).await?;
    let report = JobReport::new(session, &progress, &findings.all, args.report.all);
    // First the job ends or is kept, then it is printed: the reader may close the output.
    let is_kept = args.keep && progress.phase != Phase::Cancelled;
    match is_kept {
        true => session.state.write(KEPT, &job)?,
        false => {
            if progress.phase != Phase::Cancelled {
                cancel(session, &job, console).await?;
            }
            findings.forget()?;
        }
    }
    console.tell(&report)?;
    if progress.phase == Phase::Cancelled {
        return Err(cancelled("preview"));
    }
    if is_kept {
        console.note("Kept: the next `harness sync` applies just this; `harness preview` compares again.");
    }
    Ok(Exit::AsExpected)
}

/// Makes Kisi match the members' file.
pub(super) async fn sync(
    session: &Session,
    args: &SyncArgs,
    console: &mut Console<'_>,
) -> Result<Exit, Stop> {
    if args.cancel {
        let job = unfinished(session, console).await?;
        return cancel_sync(session, job.as_ref(), console).await;
    }
    session.roll.aside.refuse("a sync")?;
    warn_of_no_members(session, console);
    end_unkept_preview(session, console).await?;
    let mut before = unfinished(session, console).await?;
    if let Some(job) = before.take_if(|job| job.waits == Some(Hold::Brake) && !args.yes) {
        // The members' file or the mapping may have been corrected since.
        cancel(session, &job.job, console).await?;
    }
    let job = match &before {
        Some(job) => job.job.clone(),
        None => session.ask(console, async |tenant| tenant.start_sync(Mode::Apply).await).await?,
    };
    if let Some(job) = before.as_ref().filter(|_| !console.has_given_way) {
        match (job.phase, job.waits) {
            (Phase::Waiting, Some(Hold::Brake)) => {
                console.note("Continuing the sync that waited for confirmation.");
            }
            (Phase::Waiting, _) => console.note("Applying the preview that is kept."),
            _ => console.note(&format!("Continuing an unfinished sync: {}.", JobFacts::of(job).standing())),
        }
    }
    let mut findings = Findings::of(&session.state, &job)?;
    // A job waits at most once. Then it is confirmed and continues, or the command ends.
    loop {
        let progress = steps(session, &job, args.step.calls, &mut findings, "sync", console).await?;
        let report = JobReport::new(session, &progress, &findings.all, args.report.all);
        match (progress.phase, progress.waits) {
            (Phase::Waiting, Some(Hold::Brake)) if !args.yes => {
                console.tell(&report)?;
                return Ok(Exit::Unconfirmed);
            }
            (Phase::Waiting, _) => {
                session.ask(console, async |tenant| tenant.confirm_sync(&job).await).await?;
            }
            (Phase::Cancelled, _) => {
                findings.forget()?;
                return Err(cancelled("sync"));
            }
            _ => {
                console.tell(&report)?;
                findings.forget()?;
                let failed = progress.counts.failures > 0;
                return Ok(if failed { Exit::OtherThanExpected } else { Exit::AsExpected });
            }
        }
    }
}

/// `harness sync --cancel`.
async fn cancel_sync(
    session: &Session,
    job: Option<&Progress>,
    console: &mut Console<'_>,
) -> Result<Exit, Stop> {
    let Some(job) = job else {
        return Err(Stop::Ended(Exit::OtherThanExpected, "no sync is under way".to_owned()));
    };
    cancel(session, &job.job, console).await?;
    session.state.forget(FINDINGS)?;
    let now = session.ask(console, async |tenant| tenant.sync_status().await).await?;
    console.tell(&JobReport::new(session, now.as_ref().unwrap_or(job), &[], false))?;
    Ok(Exit::AsExpected)
}

/// The plugin reports an empty directory, but it cannot name the file.
fn warn_of_no_members(session: &Session, console: &mut Console<'_>) {
    if session.roll.members.is_empty() {
        console.note(&format!("members.csv in {} has no members.", session.config.members.display()));
    }
}

/// The unfinished job.
async fn unfinished(session: &Session, console: &mut Console<'_>) -> Result<Option<Progress>, Stop> {
    let job = session.ask(console, async |tenant| tenant.sync_status().await).await?;
    Ok(job.filter(|job| !matches!(job.phase, Phase::Done | Phase::Cancelled)))
}

/// Cancels a preview that was not kept, or is old: it must neither be applied nor hold up the daily comparison. A
/// preview that was killed leaves such a job.
pub(super) async fn end_unkept_preview(session: &Session, console: &mut Console<'_>) -> Result<(), Stop> {
    let Some(job) = unfinished(session, console).await? else { return Ok(()) };
    if job.mode != Mode::Preview || job.phase == Phase::Applying {
        return Ok(());
    }
    let is_kept = session.state.read::<String>(KEPT)?.is_some_and(|kept| kept == job.job);
    let is_old = SystemClock.now_ms().saturating_sub(job.started_at) >= KEPT_MS_MAX;
    if is_kept && !is_old {
        return Ok(());
    }
    if is_kept {
        console.note("The preview that was kept is older than a day, so it is not applied.");
    }
    cancel(session, &job.job, console).await?;
    session.state.forget(KEPT)?;
    Ok(session.state.forget(FINDINGS)?)
}

/// Steps until the job waits or ends.
async fn steps(
    session: &Session,
    job: &str,
    calls: u32,
    findings: &mut Findings<'_>,
    command: &str,
    console: &mut Console<'_>,
) -> Result<Progress, Stop> {
    console.interrupt().heed();
    let mut last = String::new();
    loop {
        let stepped = session.ask(console, async |tenant| tenant.step_sync(job, calls).await).await?;
        // Drops the recorded requests, which nothing reads here: those of a large gym would fill memory.
        session.requests();
        findings.add(stepped.findings)?;
        let progress = stepped.progress;
        let line = report::bar(&progress, session.roll.members.len(), console.is_watched());
        if line != last {
            console.progress(&line);
            last = line;
        }
        if matches!(progress.phase, Phase::Waiting | Phase::Done | Phase::Cancelled) {
            return Ok(progress);
        }
        if console.interrupt().is_requested() {
            let standing = JobFacts::of(&progress).standing();
            let text =
                format!("ended between two steps ({standing}): `harness {command}` continues from here");
            return Err(Stop::Ended(Exit::Unfinished, text));
        }
        if session.gives_way(console).await {
            return Err(Stop::GivesWay);
        }
    }
}

/// Cancels a job and removes its records.
async fn cancel(session: &Session, job: &str, console: &mut Console<'_>) -> Result<(), Stop> {
    session.ask(console, async |tenant| tenant.cancel_sync(job).await).await?;
    session.ask(console, async |tenant| tenant.step_sync(job, 4).await).await?;
    Ok(())
}

fn cancelled(command: &str) -> Stop {
    let text = format!(
        "the job was cancelled, because the mapping changed in the meantime; no member lost anything by \
         it: run `harness {command}` again"
    );
    Stop::Ended(Exit::Unfinished, text)
}
