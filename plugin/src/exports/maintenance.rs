//! Does what is due without an event.

use super::groups::{Refresh, refresh_at, refresh_some};
use crate::contract::maintenance::Ticked;
use crate::contract::sync::{Finding, FindingKind, Mode};
use crate::contract::types::{Demand, Timestamp};
use crate::entitlement::earliest;
use crate::host::Host;
use crate::kisi::time::{DAY_MS, HOUR_MS};
use crate::kisi::{Budget, Kisi};
use crate::ledger::store::{Due, Loaded, first_due, pass_due};
use crate::losses::{Losses, losses};
use crate::reconcile::Call;
use crate::stop::{Stop, is_reject};
use crate::sync::{self, CALLS_MAX, CALLS_MIN, Job, Phase, Wait, apply, progress};
use crate::tenant::{self, Config, Tenant};

/// Wait for a member whose reconciliation failed with `retry`, while the others continue.
const RETRY_MS: u64 = 60_000;
/// Members that a call reconciles at most, so that a call without requests ends in time, too.
const MEMBERS_MAX: u32 = 100;

/// Whether there is more to do at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Left {
    More,
    Nothing,
}

/// See `maintenance.tick`.
pub fn tick(host: &dyn Host, calls: u32) -> Result<Ticked, Stop> {
    let tenant = Tenant::load(host)?;
    let budget = Budget::of(calls.clamp(CALLS_MIN, CALLS_MAX));
    let now = host.now();
    let mut ticked =
        Ticked { members: 0, groups_refreshed: false, sync: None, findings: Vec::new(), next: now };
    match work(host, tenant, &budget, &mut ticked) {
        Ok(Left::Nothing) => ticked.next = next(host)?.max(now),
        Ok(Left::More) => {}
        // Returning the error would lose the findings. The next call meets the error again, unless it has passed.
        Err(error) if !ticked.findings.is_empty() => {
            if let Demand::Retry(after_ms) = error.demand {
                ticked.next = now.saturating_add(after_ms);
            }
        }
        Err(error) => return Err(error),
    }
    Ok(ticked)
}

/// Does what is due, as far as `budget` allows.
fn work(host: &dyn Host, mut tenant: Tenant, budget: &Budget, ticked: &mut Ticked) -> Result<Left, Stop> {
    let integration = tenant.config.value.settings.integration.clone();
    let kisi = Kisi::new(host, &integration, budget);
    if members(host, kisi, &mut tenant, budget, ticked)? == Left::More {
        return Ok(Left::More);
    }
    if refresh_at(&tenant::groups(host)?.value, host.now()) <= host.now() {
        if budget.left() == 0 {
            return Ok(Left::More);
        }
        match refresh_some(host, &mut tenant, &kisi, budget)? {
            Refresh::Done => ticked.groups_refreshed = true,
            Refresh::Unfinished => return Ok(Left::More),
            // The sync is not delayed.
            Refresh::Postponed => {}
        }
    }
    everybody(host, tenant, budget, ticked)
}

/// Reconciles due members, as an event would.
fn members(
    host: &dyn Host,
    kisi: Kisi,
    tenant: &mut Tenant,
    budget: &Budget,
    ticked: &mut Ticked,
) -> Result<Left, Stop> {
    let allowed = budget.left();
    for _ in 0..MEMBERS_MAX {
        let Some(due) = first_due(host)?.filter(|due| due.at <= host.now()) else { return Ok(Left::Nothing) };
        if budget.left() == 0 {
            return Ok(Left::More);
        }
        let (is_first, before) = (budget.left() == allowed, Loaded::load(host, &due.member));
        let mut spares = false;
        if let Ok(loaded) = &before {
            let Losses { grants, keeps } = match losses(host, tenant, loaded) {
                Ok(losses) => losses,
                Err(error) => return Err(wait(host, &due, error)?),
            };
            spares = grants > 0 && !may_go(host, tenant, grants)?;
            if spares && !keeps {
                pass_due(host, &due, Some(host.now().saturating_add(rest_ms(tenant))))?;
                continue;
            }
        }
        let mut call = Call::new(host, kisi, tenant);
        // What the member keeps must not expire while the rest waits for confirmation.
        call.spares = spares;
        let (outcomes, error) = match call.run(&due.member) {
            Ok(outcomes) => (outcomes, None),
            Err((error, outcomes)) => (outcomes, Some(error)),
        };
        for outcome in &outcomes {
            apply::findings(outcome, true, &mut ticked.findings);
        }
        let mut again = None;
        if let Some(error) = error {
            let went_on = || match (&before, Loaded::load(host, &due.member)) {
                (Ok(before), Ok(after)) => before.record != after.record,
                _ => false,
            };
            if budget.is_exhausted() && (!is_first || went_on()) {
                return Ok(Left::More);
            }
            // A whole call's budget changed nothing, so the next call would end in the same way.
            if budget.is_exhausted() || is_reject(&error) {
                ticked.findings.push(failure(Some(&due.member), &error));
                again = Some(host.now().saturating_add(rest_ms(tenant)));
            } else {
                return Err(wait(host, &due, error)?);
            }
            tenant.reload(host)?;
        }
        pass_due(host, &due, again)?;
        ticked.members += 1;
    }
    Ok(Left::More)
}

/// Moves the member's due time, so that a `retry` for one member does not delay the others. Returns the error.
fn wait(host: &dyn Host, due: &Due, error: Stop) -> Result<Stop, Stop> {
    if let Demand::Retry(after_ms) = error.demand {
        pass_due(host, due, Some(host.now().saturating_add(after_ms.max(RETRY_MS))))?;
    }
    Ok(error)
}

/// Wait for a member for whom nothing can be done now: a day, or less where a lease must be extended in time.
fn rest_ms(tenant: &Tenant) -> u64 {
    match tenant.config.value.settings.lease_ms() {
        0 => DAY_MS,
        lease_ms => DAY_MS.min(lease_ms / 4),
    }
}

/// A day after `at`; now, if `at` is in the future, because then the clock was wrong.
pub(super) fn a_day_after(at: Timestamp, now: Timestamp) -> Timestamp {
    if at > now.saturating_add(HOUR_MS) { now } else { at.saturating_add(DAY_MS) }
}

/// Whether a member may lose `grants` because of a date. From one sync to the next, ticks remove at most what the brake
/// allows; more requests a sync, which reports the counts. While that sync is due or waits for confirmation, dates
/// remove nothing.
fn may_go(host: &dyn Host, tenant: &mut Tenant, grants: u64) -> Result<bool, Stop> {
    let config = &mut tenant.config.value;
    let is_braked = |job: Job| job.phase == Phase::Waiting && job.waits == Some(Wait::Brake);
    if config.asked_at.is_some() || tenant::job(host)?.is_some_and(|job| is_braked(job.value)) {
        return Ok(false);
    }
    let taken = config.taken.saturating_add(grants);
    let may_go = taken <= config.settings.brake.grants;
    if may_go {
        config.taken = taken;
    } else {
        config.asked_at = Some(host.now());
    }
    // Saved before anything is removed, so that an interrupted call counts, too.
    tenant.config.save(host)?;
    Ok(may_go)
}

/// Continues the running sync, or starts one when it is due.
fn everybody(host: &dyn Host, tenant: Tenant, budget: &Budget, ticked: &mut Ticked) -> Result<Left, Stop> {
    let last = tenant::job(host)?.map(|job| job.value);
    let id = match &last {
        Some(job) if job.is_under_way() => job.id.clone(),
        _ if sync_at(&tenant, last.as_ref(), host.now()).is_some_and(|at| at <= host.now()) => {
            super::sync::start(host, Mode::Apply)?
        }
        _ => return Ok(Left::Nothing),
    };
    let mut job = super::sync::load(host, &id)?;
    let is_old = job.value.started_at.saturating_add(DAY_MS) <= host.now();
    if job.value.phase == Phase::Waiting && job.value.preview && is_old {
        // An abandoned preview must not prevent syncs.
        job.value.phase = Phase::Cancelled;
    }
    if job.value.mapping != tenant.mappings.value.fingerprint() {
        // The mapping has changed, so the waiting job no longer shows what would happen.
        job.value.phase = Phase::Cancelled;
    }
    let phase = job.value.phase;
    ticked.sync = Some(progress(&job.value));
    if phase == Phase::Waiting || budget.left() == 0 {
        return Ok(if phase == Phase::Waiting { Left::Nothing } else { Left::More });
    }
    // The requests of members and groups do not count for the sync.
    budget.take_spent();
    match sync::step(host, tenant, job, budget) {
        Ok(stepped) => {
            ticked.sync = Some(stepped.progress);
            ticked.findings.extend(stepped.findings);
        }
        Err(error) if is_reject(&error) => {
            ticked.findings.push(failure(None, &error));
            ticked.sync = super::sync::status(host)?;
        }
        Err(error) => return Err(error),
    }
    let job = super::sync::load(host, &id)?.value;
    let is_over = matches!(job.phase, Phase::Waiting | Phase::Done) || job.cancelled_at.is_some();
    Ok(if is_over { Left::Nothing } else { Left::More })
}

/// When the next sync is due: at once when it is requested, otherwise a day after the last one. After a cancelled sync
/// the next one waits a day; a cancelled preview delays nothing.
fn sync_at(tenant: &Tenant, last: Option<&Job>, now: Timestamp) -> Option<Timestamp> {
    let Config { asked_at, synced_at, checked_at, .. } = tenant.config.value;
    let is_mapped = !tenant.mappings.value.entries.is_empty();
    let daily = synced_at.or(is_mapped.then_some(checked_at)).map(|last| a_day_after(last, now));
    let cancelled_at = last.filter(|job| !job.preview).and_then(|job| job.cancelled_at);
    match cancelled_at {
        Some(cancelled) if asked_at.is_none_or(|asked| asked <= cancelled) => {
            earliest(asked_at, daily).map(|at| at.max(a_day_after(cancelled, now)))
        }
        _ => earliest(asked_at, daily),
    }
}

/// When something is due next.
fn next(host: &dyn Host) -> Result<Timestamp, Stop> {
    let tenant = Tenant::load(host)?;
    let mut next = refresh_at(&tenant::groups(host)?.value, host.now());
    if let Some(due) = first_due(host)? {
        next = next.min(due.at);
    }
    let last = tenant::job(host)?.map(|job| job.value);
    if last.as_ref().is_none_or(|job| !job.is_under_way()) {
        next = sync_at(&tenant, last.as_ref(), host.now()).map_or(next, |at| next.min(at));
    }
    Ok(next)
}

fn failure(member: Option<&str>, error: &Stop) -> Finding {
    Finding {
        kind: FindingKind::Failure,
        member: member.map(str::to_string),
        account: String::new(),
        group: None,
        explanation: error.message.clone(),
    }
}
