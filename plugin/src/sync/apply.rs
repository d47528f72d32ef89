//! Applies what differs, one member at a time: blocks first, then other losses, then all the rest. Each member is
//! brought up to date as an event would do it, by what the directory says now.

use super::kept::{self, Owner, Todo};
use super::{Step, Went};
use crate::contract::events::{Action, Change, Outcome};
use crate::contract::sync::{Finding, FindingKind};
use crate::contract::types::{GroupRef, Reason};
use crate::identity::address;
use crate::ledger::store::{Loaded, holder_of_email, holder_of_user, look_again};
use crate::ledger::{Account, Elevated, Hold, State};
use crate::losses::{Losses, losses};
use crate::reconcile::{directory_error, entitled};
use crate::settings::MissingUser;
use crate::stop::{Stop, is_reject};
use crate::storage;

/// How often a member is tried before the others go on, and how long the member is then left alone.
const TRIES_MAX: u64 = 5;
const PUT_OFF_MS: u64 = 60_000;

/// Brings the next member up to date.
///
/// # Errors
/// What the host must do; the next step goes on with the same member.
pub fn next(step: &mut Step) -> Result<Went, Stop> {
    let Some(todo) = kept::take_todo(step.host)? else { return Ok(Went::Through) };
    let Some(spares) = spares(step, &todo)? else {
        finish(step, &todo)?;
        return Ok(Went::On);
    };
    // What was read before somebody was waited for, or from lists that changed meanwhile, is looked at once more.
    let is_old = step.job.value.waits.is_some() || step.job.value.has_moved;
    let verify = todo.verify && (!adopt(step, &todo.member)? || is_old);
    if verify {
        heed_rows(step, &todo.member)?;
    }
    let is_report = step.tenant.config.value.settings.missing_user == MissingUser::Report;
    let is_uncounted = is_report && Loaded::load(step.host, &todo.member)?.record.account.is_none();
    let mut call = step.call();
    call.spares = spares;
    let done = call.run_verified(&todo.member, verify);
    let (outcomes, error) = match done {
        Ok(outcomes) => (outcomes, None),
        Err((error, outcomes)) => (outcomes, Some(error)),
    };
    for outcome in &outcomes {
        report(step, outcome);
        if is_uncounted && outcome.member == todo.member {
            let is_grant = |change: &&Change| change.action == Action::Granted;
            let grants = outcome.changes.iter().filter(is_grant).count();
            step.job.value.counts.grants_added += u32::try_from(grants).unwrap_or(u32::MAX);
        }
    }
    // It is done, whatever becomes of the rest.
    step.told = step.findings.len();
    if let Some(error) = error {
        if !is_reject(&error) {
            return Err(error);
        }
        step.job.value.counts.failures += 1;
        step.find(FindingKind::Failure, Some(&todo.member), "", None, error.message);
        step.tenant.reload(step.host)?;
    }
    step.job.value.counts.applied += 1;
    finish(step, &todo)?;
    Ok(Went::On)
}

/// Goes to the next member.
fn finish(step: &mut Step, todo: &Todo) -> Result<(), Stop> {
    (step.job.value.tries, step.job.value.is_counted) = (0, false);
    let writes = vec![todo.done(), step.job.write()];
    step.job.saved(storage::commit(step.host, writes)?);
    Ok(())
}

/// Whether the member keeps for now what memberships no longer give. The directory may be another one by now than when
/// everybody was compared: beyond what was counted then and what the brake lets go, everybody is to be compared anew.
/// None when there is nothing else to do for the member.
fn spares(step: &mut Step, todo: &Todo) -> Result<Option<bool>, Stop> {
    let loaded = Loaded::load(step.host, &todo.member)?;
    let Losses { grants, keeps } = losses(step.host, &step.tenant, &loaded)?;
    let grants = grants.saturating_sub(todo.losses);
    if grants == 0 || step.job.value.is_counted {
        return Ok(Some(false));
    }
    let config = &mut step.tenant.config;
    if step.job.value.may_take(grants, &config.value.settings.brake) {
        step.job.value.taken = step.job.value.taken.saturating_add(grants);
        step.job.value.is_counted = true;
        // Before anything goes: what is cut off must not be free.
        step.job.save(step.host)?;
        return Ok(Some(false));
    }
    let after = step.now.max(step.job.value.started_at.saturating_add(1));
    if config.value.asked_at.is_none_or(|asked| asked < after) {
        config.value.asked_at = Some(after);
        config.save(step.host)?;
    }
    Ok(keeps.then_some(true))
}

/// Takes note that the member whose turn it is could not be brought up to date now. After some tries the others go
/// on: the member is told, and looked at again by `maintenance.tick`. True when they do.
///
/// # Errors
/// Those of storage.
pub fn put_off(step: &mut Step, error: &Stop) -> Result<bool, Stop> {
    step.job.value.tries += 1;
    if step.job.value.tries < TRIES_MAX {
        return Ok(false);
    }
    let Some(todo) = kept::take_todo(step.host)? else { return Ok(false) };
    (step.job.value.tries, step.job.value.is_counted) = (0, false);
    step.job.value.counts.failures += 1;
    step.find(FindingKind::Failure, Some(&todo.member), "", None, error.message.clone());
    let again = look_again(step.now.saturating_add(PUT_OFF_MS), &todo.member);
    let writes = vec![todo.done(), again, step.job.write()];
    step.job.saved(storage::commit(step.host, writes)?);
    Ok(true)
}

/// Takes in what was read of a member whom the ledger knows: what somebody made a higher role is no longer the plugin's,
/// and the account that has their address now is theirs, as no two have the same.
fn heed_rows(step: &mut Step, id: &str) -> Result<(), Stop> {
    if !step.job.value.has_odd {
        return Ok(());
    }
    let mut loaded = Loaded::load(step.host, id)?;
    for row in step.rows_of(Owner::Member(id))?.iter().filter(|row| row.elevated.is_some()) {
        loaded.record.forget(row.assignment);
    }
    if let Some(account) = loaded.record.account.clone() {
        let rows = step.rows_of(Owner::Email(&account.email))?;
        let user = rows.first().map(|row| row.user).filter(|user| *user != account.user);
        if let Some(user) = user
            && holder_of_user(step.host, user)?.is_none()
        {
            loaded.record.untie();
            loaded.record.tie(Account { user, email: account.email, name: None });
        }
    }
    loaded.save(step.host)
}

/// Takes over what somebody holds by hand whom the plugin did not know: the rows that were read say who they are at
/// Kisi, so no look-up is needed. True when it did.
fn adopt(step: &mut Step, id: &str) -> Result<bool, Stop> {
    let mut loaded = Loaded::load(step.host, id)?;
    if !step.job.value.has_odd || !loaded.record.is_unknown() {
        return Ok(false);
    }
    let Some(member) = step.host.get_member(id).map_err(directory_error)? else { return Ok(false) };
    let Some(email) = address(member.email.as_deref()) else { return Ok(false) };
    let rows = step.rows_of(Owner::Email(&email))?;
    let Some(user) = rows.first().map(|row| row.user) else { return Ok(false) };
    if holder_of_email(step.host, &email)?.is_some() || holder_of_user(step.host, user)?.is_some() {
        return Ok(false);
    }
    // Of several who have the address, Kisi's mark says whose account it is: that is looked at where they are tied.
    if step.host.find_members(&email).map_err(directory_error)?.len() > 1 {
        return Ok(false);
    }
    let settings = &step.tenant.config.value.settings;
    let entitled = entitled(Some(&member), &step.tenant.mappings.value, settings, step.now);
    loaded.record.tie(Account { user, email, name: None });
    for row in rows.iter().filter(|row| entitled.desired(row.group).is_some()) {
        if let Some(role) = row.elevated.clone() {
            loaded.record.elevated.push(Elevated { user, group: row.group, role, seen_at: step.now });
            continue;
        }
        let state = State::Held { assignment: row.assignment };
        if loaded.record.holds.iter().all(|hold| hold.group != row.group) {
            loaded.record.holds.push(Hold { user: row.user, group: row.group, window: row.window, state });
        }
    }
    loaded.save(step.host)?;
    Ok(true)
}

fn report(step: &mut Step, outcome: &Outcome) {
    step.job.value.counts.failures += findings(outcome, false, &mut step.findings);
    for refusal in outcome.refusals.iter().filter(|refusal| refusal.reason == Reason::NoAccount) {
        // Only now is it known that Kisi has nobody by this address.
        step.job.value.counts.conflicts += 1;
        step.find(FindingKind::Conflict, Some(&outcome.member), "", None, refusal.explanation.clone());
    }
}

/// Adds a line for all that was done for a member, and returns how much failed. What was found at Kisi is told by whom
/// it was `found`: a comparison tells it itself.
pub fn findings(outcome: &Outcome, found: bool, findings: &mut Vec<Finding>) -> u32 {
    let mut failures = 0;
    let mut add = |kind, group: &GroupRef, text: &str| {
        failures += u32::from(kind == FindingKind::Failure);
        findings.push(Finding {
            kind,
            member: Some(outcome.member.clone()),
            account: String::new(),
            group: Some(group.clone()),
            explanation: text.to_string(),
        });
    };
    for change in &outcome.changes {
        let kind = match change.action {
            Action::Granted => FindingKind::Gains,
            Action::Adjusted => FindingKind::ChangesDates,
            Action::Revoked => FindingKind::Loses,
            Action::Adopted if found => FindingKind::Adopted,
            Action::Dropped if found => FindingKind::Drifted,
            Action::Adopted | Action::Dropped => continue,
        };
        add(kind, &change.group, &change.explanation);
    }
    for failure in &outcome.failures {
        add(FindingKind::Failure, &failure.group, &failure.message);
    }
    failures
}
