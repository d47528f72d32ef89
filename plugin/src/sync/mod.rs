//! Reconciliation of everybody, in steps that are calls of their own: `read` Kisi's side page by page, `compare` it
//! with the directory and the ledger, `apply` what differs. Between steps everything is in storage: the job, what was
//! read, and whom something differs for. What differs is only a hint there: applying brings each member up to date as
//! an event would, so events may go in between, and a step may be repeated.

mod absent;
pub mod apply;
pub mod compare;
mod job;
pub mod kept;
pub mod read;

pub use job::{Job, Phase, Wait};
use kept::{Odd, Owner, clean};

use std::collections::BTreeSet;

use crate::contract::sync::{Finding, FindingKind, Hold, Mode, Progress, Stepped};
use crate::contract::types::{Demand, GroupRef, Timestamp};
use crate::host::Host;
use crate::id::{AssignmentId, GroupId};
use crate::kisi::{Budget, Kisi};
use crate::reconcile::Call;
use crate::stop::{Stop, is_reject, reject};
use crate::tenant::{self, Tenant, Versioned};

/// The fewest requests that a step must be allowed: enough for each member's change to get on.
pub const CALLS_MIN: u32 = 4;
/// The most requests in a step.
pub const CALLS_MAX: u32 = 1_000;
/// How much work a step does at most, so that one which sends nothing ends in time, too. Bringing one member up to date is 1, anything with a page is [`WORK_OF_PAGE`].
const WORK_MAX: u32 = 100;
const WORK_OF_PAGE: u32 = 5;

/// One step at work.
pub struct Step<'a> {
    /// The host.
    pub host: &'a dyn Host,
    /// Kisi, with what this step may still ask of it.
    pub kisi: Kisi<'a>,
    /// The installation.
    pub tenant: Tenant,
    /// The job.
    pub job: Versioned<Job>,
    /// The time of the step.
    pub now: Timestamp,
    /// What this step found.
    pub findings: Vec<Finding>,
    /// How much of that is about what was committed.
    told: usize,
    /// The assignments that were seen, of groups that were asked for in this step.
    seen: Vec<(GroupId, BTreeSet<u64>)>,
}

/// Whether a phase has more to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Went {
    /// It goes on from where it stands.
    On,
    /// It is complete.
    Through,
}

/// Does a step of `job`.
///
/// # Errors
/// What the host must do. What cannot be believed ends the job.
pub fn step(host: &dyn Host, tenant: Tenant, job: Versioned<Job>, budget: &Budget) -> Result<Stepped, Stop> {
    let integration = tenant.config.value.settings.integration.clone();
    let mut step = Step {
        host,
        kisi: Kisi::new(host, &integration, budget),
        job,
        now: host.now(),
        findings: Vec::new(),
        told: 0,
        seen: Vec::new(),
        tenant,
    };
    let done = step.run(budget);
    let spent = budget.take_spent();
    step.job.value.counts.calls += spent;
    let done = match done {
        Err(error) if !budget.is_exhausted() => Err(error),
        // With the step's requests used up the next one goes on, but not with the same member for ever.
        Err(error) => step.put_off(&error).and_then(|_| step.job.save(host)),
        Ok(()) => step.job.save(host),
    };
    if let Err(error) = done {
        step.fail(error, spent)?;
    }
    Ok(Stepped { progress: progress(&step.job.value), findings: step.findings })
}

impl Step<'_> {
    /// Ends a step in which something went wrong. What it was about to note goes, since it was not committed with all
    /// that belongs to it. What was done before is told; the next step meets the same again.
    fn fail(&mut self, error: Stop, spent: u32) -> Result<(), Stop> {
        let noted = self.note(&error, spent);
        if noted.is_err() {
            self.findings.truncate(self.told);
        }
        if self.findings.is_empty() { Err(error) } else { Ok(()) }
    }

    fn note(&mut self, error: &Stop, spent: u32) -> Result<(), Stop> {
        let Some(job) = tenant::job(self.host)? else { return Ok(()) };
        // A commit may have been carried out though its answer was lost.
        if job.version() == self.job.version() {
            self.findings.truncate(self.told);
        }
        self.job = job;
        self.job.value.counts.calls += spent;
        if is_reject(error) {
            self.job.value.cancel(self.now);
            self.findings.clear();
        }
        if !matches!(error.demand, Demand::Retry(_)) || !self.put_off(error)? {
            self.tenant.note_pause(self.host, error);
        }
        self.job.save(self.host)?;
        // Whoever gives it up asks for no step more: of the people whom it was about, nothing stays.
        while is_reject(error) && !clean(self.host)? {}
        Ok(())
    }

    /// Takes note that the member whose turn it is keeps the others waiting. True when they go on.
    fn put_off(&mut self, error: &Stop) -> Result<bool, Stop> {
        match self.job.value.phase {
            Phase::Absent => absent::put_off(self),
            Phase::Applying => apply::put_off(self, error),
            _ => Ok(false),
        }
    }

    fn run(&mut self, budget: &Budget) -> Result<(), Stop> {
        if self.job.value.mapping != self.tenant.mappings.value.fingerprint() && self.job.value.is_under_way()
        {
            // What was compared is no longer what is wanted.
            self.job.value.phase = Phase::Cancelled;
        }
        let mut work = 0;
        while work < WORK_MAX {
            work += if self.job.value.phase == Phase::Applying { 1 } else { WORK_OF_PAGE };
            let went = match self.job.value.phase {
                Phase::Reading => read::page(self)?,
                Phase::Users => read::users(self)?,
                Phase::Comparing => compare::page(self)?,
                Phase::Absent => absent::next(self)?,
                Phase::Strangers => compare::strangers(self)?,
                Phase::Applying => apply::next(self)?,
                Phase::Cleaning | Phase::Cancelled => {
                    if clean(self.host)? {
                        Went::Through
                    } else {
                        Went::On
                    }
                }
                Phase::Waiting | Phase::Done => return Ok(()),
            };
            let is_over = went == Went::Through && self.advance()?;
            self.told = self.findings.len();
            if is_over {
                return Ok(());
            }
            if budget.left() == 0 && self.job.value.needs_requests() {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Goes to the next phase. True when there is nothing more to do in this step.
    fn advance(&mut self) -> Result<bool, Stop> {
        let job = &mut self.job.value;
        (job.offset, job.total, job.tries) = (0, None, 0);
        job.forget_people();
        job.phase = match job.phase {
            Phase::Reading => Phase::Comparing,
            Phase::Comparing => Phase::Absent,
            Phase::Absent => Phase::Strangers,
            Phase::Strangers => {
                job.waits = job.must_wait(&self.tenant.config.value.settings.brake);
                if job.waits.is_some() { Phase::Waiting } else { Phase::Users }
            }
            Phase::Users => Phase::Applying,
            Phase::Applying => Phase::Cleaning,
            Phase::Cleaning => {
                let (config, started_at) = (&mut self.tenant.config.value, job.started_at);
                // As of when it is true.
                config.synced_at = Some(started_at);
                config.taken = 0;
                // What was asked for since then is not done yet.
                config.asked_at = config.asked_at.filter(|&asked| asked > started_at);
                self.tenant.config.save(self.host)?;
                Phase::Done
            }
            Phase::Cancelled => return Ok(true),
            Phase::Waiting | Phase::Done => return Ok(true),
        };
        self.job.save(self.host)?;
        Ok(matches!(self.job.value.phase, Phase::Waiting | Phase::Done))
    }

    /// Adds a line to the report.
    pub fn find(
        &mut self,
        kind: FindingKind,
        member: Option<&str>,
        account: &str,
        group: Option<GroupRef>,
        explanation: String,
    ) {
        let (member, account) = (member.map(str::to_string), account.to_string());
        self.findings.push(Finding { kind, member, account, group, explanation });
    }

    /// Whether the members of a group were read.
    pub fn was_read(&self, group: GroupId) -> bool {
        let mappings = &self.tenant.mappings.value;
        mappings.groups.iter().any(|mapped| mapped.id == group && !mapped.deleted)
    }

    /// Whether an assignment was seen in a group.
    ///
    /// # Errors
    /// Those of storage.
    pub fn has_seen(&mut self, group: GroupId, assignment: AssignmentId) -> Result<bool, Stop> {
        if let Some((_, seen)) = self.seen.iter().find(|(known, _)| *known == group) {
            return Ok(seen.contains(&assignment.0));
        }
        let seen = kept::seen(self.host, group)?;
        let is_there = seen.contains(&assignment.0);
        self.seen.push((group, seen));
        Ok(is_there)
    }

    /// The rows that were kept for somebody, and that the lists showed when they were read last.
    ///
    /// # Errors
    /// Those of storage.
    pub fn rows_of(&mut self, owner: Owner) -> Result<Vec<Odd>, Stop> {
        let mut rows = Odd::of_owner(self.host, owner)?;
        if self.job.value.rereads > 0 {
            let mut there = Vec::new();
            for row in rows {
                if self.has_seen(row.group, row.assignment)? {
                    there.push(row);
                }
            }
            rows = there;
        }
        Ok(rows)
    }

    /// The machinery that brings one member up to date.
    pub fn call(&mut self) -> Call<'_> {
        let mut call = Call::new(self.host, self.kisi, &mut self.tenant);
        call.users_are_kept = self.job.value.users_are_kept;
        call
    }
}

/// A job as the contract tells it.
pub fn progress(job: &Job) -> Progress {
    Progress {
        job: job.id.clone(),
        mode: if job.preview { Mode::Preview } else { Mode::Apply },
        phase: job.phase.into(),
        waits: job.waits.filter(|_| job.phase == Phase::Waiting).map(Hold::from),
        started_at: job.started_at,
        counts: job.counts,
    }
}

/// The error of a job that is not the one under way.
pub fn no_such_job(id: &str) -> Stop {
    reject(&format!("There is no reconciliation \u{201c}{id}\u{201d} under way."), None)
}
