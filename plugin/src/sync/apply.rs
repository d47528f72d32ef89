//! Applies what differs, one member at a time: blocks first, then other losses, then all the rest. Each member is
//! brought up to date as an event would do it, by what the directory says now.

use super::kept::{self, Odd, Owner};
use super::{Step, Went};
use crate::contract::events::{Action, Outcome};
use crate::contract::sync::FindingKind;
use crate::identity::address;
use crate::ledger::store::{Loaded, holder_of_email, holder_of_user, storage_error};
use crate::ledger::{Account, Hold, State};
use crate::reconcile::{directory_error, entitled};
use crate::stop::{Stop, is_reject};

/// Brings the next member up to date.
///
/// # Errors
/// What the host must do; the next step goes on with the same member.
pub fn next(step: &mut Step) -> Result<Went, Stop> {
    let Some(todo) = kept::take_todo(step.host)? else { return Ok(Went::Through) };
    let verify = todo.verify && !adopt(step, &todo.member)?;
    let done = step.call().run_verified(&todo.member, verify);
    let (outcomes, error) = match done {
        Ok(outcomes) => (outcomes, None),
        Err((error, outcomes)) => (outcomes, Some(error)),
    };
    for outcome in &outcomes {
        report(step, outcome);
    }
    if let Some(error) = error {
        if !is_reject(&error) {
            return Err(error);
        }
        step.job.value.counts.failures += 1;
        step.find(FindingKind::Failure, Some(&todo.member), "", None, error.message);
    }
    step.job.value.counts.applied += 1;
    let writes = vec![todo.done(), step.job.write()];
    step.job.saved(step.host.commit(writes).map_err(storage_error)?);
    step.tenant.reload(step.host)?;
    Ok(Went::On)
}

/// Takes over what somebody holds by hand whom the plugin did not know: the rows that were read say who they are at
/// Kisi, so no look-up is needed. True when it did.
fn adopt(step: &Step, id: &str) -> Result<bool, Stop> {
    let mut loaded = Loaded::load(step.host, id)?;
    if !step.job.value.has_odd || !loaded.record.is_empty() {
        return Ok(false);
    }
    let Some(member) = step.host.get_member(id).map_err(directory_error)? else { return Ok(false) };
    let Some(email) = address(member.email.as_deref()) else { return Ok(false) };
    let rows = Odd::of_owner(step.host, Owner::Email(&email))?;
    let Some(user) = rows.first().map(|row| row.user) else { return Ok(false) };
    if holder_of_email(step.host, &email)?.is_some() || holder_of_user(step.host, user)?.is_some() {
        return Ok(false);
    }
    let settings = &step.tenant.config.value.settings;
    let entitled = entitled(Some(&member), &step.tenant.mappings.value, settings, step.now);
    loaded.record.tie(Account { user, email, name: None });
    for row in rows.iter().filter(|row| row.elevated.is_none() && entitled.desired(row.group).is_some()) {
        let state = State::Held { assignment: row.assignment };
        if loaded.record.holds.iter().all(|hold| hold.group != row.group) {
            loaded.record.holds.push(Hold { user: row.user, group: row.group, window: row.window, state });
        }
    }
    loaded.save(step.host)?;
    Ok(true)
}

fn report(step: &mut Step, outcome: &Outcome) {
    for change in &outcome.changes {
        let kind = match change.action {
            Action::Granted => FindingKind::Gains,
            Action::Adjusted => FindingKind::ChangesDates,
            Action::Revoked => FindingKind::Loses,
            // Told when it was found.
            Action::Adopted | Action::Dropped => continue,
        };
        let (group, text) = (Some(change.group.clone()), change.explanation.clone());
        step.find(kind, Some(&outcome.member), "", group, text);
    }
    for failure in &outcome.failures {
        step.job.value.counts.failures += 1;
        let (group, text) = (Some(failure.group.clone()), failure.message.clone());
        step.find(FindingKind::Failure, Some(&outcome.member), "", group, text);
    }
}
