//! `harness preview` and `harness sync`: reconciliation of everybody, in steps. Each step is a call of its own, so a
//! command that ends between two of them loses nothing: the next one goes on with the same job.

mod findings;
mod told;

use super::console::Console;
use super::session::Session;
use crate::args::{PreviewArgs, StepArgs, SyncArgs};
use crate::exit::{Exit, Stop};
use door_access_host::contract::sync::{Hold, Mode, Phase, Progress};

pub(super) use findings::FILE as FINDINGS;
use findings::Findings;
use told::Told;
pub(super) use told::{JobFacts, Line, lines, print_lines, standing};

/// What a job came to.
enum Came {
    /// It waits for somebody, or is through.
    To(Progress),
    /// Somebody pressed Ctrl-C.
    Interrupted(Progress),
}

/// Shows what a reconciliation would change.
pub(super) async fn preview(
    session: &Session,
    args: &PreviewArgs,
    console: &mut Console<'_>,
) -> Result<Exit, Stop> {
    empty_files(session, console);
    if let Some(job) = under_way(session, console).await? {
        match (job.mode, job.phase) {
            // What waits was compared some time ago.
            (_, Phase::Waiting) => end(session, &job.job, console).await?,
            (Mode::Apply, _) | (_, Phase::Applying) => {
                let text = "a sync is not through yet, and one thing is done at a time: `harness sync` goes on with it, \
                            `harness sync --cancel` gives it up, and then a preview is possible";
                return Err(Stop::Ended(Exit::Unfinished, text.to_owned()));
            }
            _ => {}
        }
    }
    let job = session.ask(console, async |tenant| tenant.start_sync(Mode::Preview).await).await?;
    let mut findings = Findings::of(&session.state, &job)?;
    let progress = match steps(session, &job, args.step, &mut findings, console).await? {
        Came::To(progress) => progress,
        Came::Interrupted(progress) => return interrupted(&progress, "preview"),
    };
    console.tell(&Told::new(session, &progress, findings.all(), args.step.all))?;
    if progress.phase == Phase::Cancelled {
        findings.forget()?;
        return Err(given_up("preview"));
    }
    if args.keep {
        console.note("Kept: the next `harness sync` applies just this, and `harness preview` looks anew.");
    } else {
        end(session, &job, console).await?;
        findings.forget()?;
    }
    Ok(Exit::AsExpected)
}

/// Makes Kisi match.
pub(super) async fn sync(
    session: &Session,
    args: &SyncArgs,
    console: &mut Console<'_>,
) -> Result<Exit, Stop> {
    let mut before = under_way(session, console).await?;
    if args.cancel {
        return cancel(session, before.as_ref(), console).await;
    }
    empty_files(session, console);
    if let Some(job) = before.take_if(|job| job.waits == Some(Hold::Brake) && !args.yes) {
        // Whoever was asked to look has perhaps corrected something.
        end(session, &job.job, console).await?;
    }
    let job = match &before {
        Some(job) => job.job.clone(),
        None => session.ask(console, async |tenant| tenant.start_sync(Mode::Apply).await).await?,
    };
    if let Some(job) = before.as_ref().filter(|_| !console.has_given_way) {
        match (job.phase, job.waits) {
            (Phase::Waiting, Some(Hold::Brake)) => console.note("Goes on with what was to be confirmed."),
            (Phase::Waiting, _) => console.note("Applies the preview that is kept."),
            _ => console.note(&format!("Going on with a reconciliation: {}.", standing(&JobFacts::of(job)))),
        }
    }
    let mut findings = Findings::of(&session.state, &job)?;
    // A job waits at most once; then it is confirmed and goes on, or this ends.
    loop {
        let progress = match steps(session, &job, args.step, &mut findings, console).await? {
            Came::To(progress) => progress,
            Came::Interrupted(progress) => return interrupted(&progress, "sync"),
        };
        match (progress.phase, progress.waits) {
            (Phase::Waiting, Some(Hold::Brake)) if !args.yes => {
                console.tell(&Told::new(session, &progress, findings.all(), args.step.all))?;
                return Ok(Exit::Unconfirmed);
            }
            (Phase::Waiting, _) => {
                session.ask(console, async |tenant| tenant.confirm_sync(&job).await).await?;
            }
            (Phase::Cancelled, _) => {
                findings.forget()?;
                return Err(given_up("sync"));
            }
            _ => {
                console.tell(&Told::new(session, &progress, findings.all(), args.step.all))?;
                findings.forget()?;
                let failed = progress.counts.failures > 0;
                return Ok(if failed { Exit::OtherThanExpected } else { Exit::AsExpected });
            }
        }
    }
}

/// Gives up what is not through.
async fn cancel(session: &Session, job: Option<&Progress>, console: &mut Console<'_>) -> Result<Exit, Stop> {
    let Some(job) = job else {
        return Err(Stop::Ended(Exit::OtherThanExpected, "no sync is under way".to_owned()));
    };
    end(session, &job.job, console).await?;
    session.state.forget(FINDINGS)?;
    let now = session.ask(console, async |tenant| tenant.sync_status().await).await?;
    let now = now.as_ref().unwrap_or(job);
    console.tell(&Told::new(session, now, &[], false))?;
    Ok(Exit::AsExpected)
}

/// The plugin knows the platform's directory; the gym knows a file.
fn empty_files(session: &Session, console: &mut Console<'_>) {
    if session.roll.members.is_empty() {
        console.note(&format!("members.csv in {} has no members.", session.config.members.display()));
    }
}

/// The job that is not through.
async fn under_way(session: &Session, console: &mut Console<'_>) -> Result<Option<Progress>, Stop> {
    let job = session.ask(console, async |tenant| tenant.sync_status().await).await?;
    Ok(job.filter(|job| !matches!(job.phase, Phase::Done | Phase::Cancelled)))
}

/// Steps until the job waits, ends, or somebody wants this to end.
async fn steps(
    session: &Session,
    job: &str,
    args: StepArgs,
    findings: &mut Findings<'_>,
    console: &mut Console<'_>,
) -> Result<Came, Stop> {
    console.interrupt().heed();
    let mut last = String::new();
    loop {
        let stepped = session.ask(console, async |tenant| tenant.step_sync(job, args.calls).await).await?;
        // A recording of all requests of a large gym would only take room.
        session.requests();
        findings.add(stepped.findings)?;
        let progress = stepped.progress;
        let line = told::bar(&progress, session.roll.members.len(), console.is_watched());
        if line != last {
            console.progress(&line);
            last = line;
        }
        if matches!(progress.phase, Phase::Waiting | Phase::Done | Phase::Cancelled) {
            return Ok(Came::To(progress));
        }
        if console.interrupt().is_requested() {
            return Ok(Came::Interrupted(progress));
        }
        if session.gives_way(console).await {
            return Err(Stop::GivesWay);
        }
    }
}

/// Cancels a job and clears up behind it.
async fn end(session: &Session, job: &str, console: &mut Console<'_>) -> Result<(), Stop> {
    session.ask(console, async |tenant| tenant.cancel_sync(job).await).await?;
    session.ask(console, async |tenant| tenant.step_sync(job, 4).await).await?;
    Ok(())
}

fn interrupted(progress: &Progress, command: &str) -> Result<Exit, Stop> {
    let text = format!(
        "ended between two steps ({}): `harness {command}` goes on from here",
        standing(&JobFacts::of(progress))
    );
    Err(Stop::Ended(Exit::Unfinished, text))
}

fn given_up(command: &str) -> Stop {
    let text = format!(
        "the reconciliation was given up, because the mapping changed meanwhile; nobody lost anything by it: run \
         `harness {command}` again"
    );
    Stop::Ended(Exit::Unfinished, text)
}
