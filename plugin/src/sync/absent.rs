//! Reads what they hold at Kisi whom the directory no longer has. All of it is to go, what was given by hand in groups that
//! no plan opens included, and it may be the directory that errs: so it is counted before anything goes. Who cannot be
//! looked up is counted by what the ledger knows alone.

use super::kept::{self, Todo, Turn};
use super::{Step, Wait, Went};
use crate::contract::sync::FindingKind;
use crate::contract::types::Reason;
use crate::explain;
use crate::kisi::error::Error;
use crate::kisi::role_assignments::RoleAssignment;
use crate::ledger::Hold;
use crate::ledger::store::{Loaded, holder_of_user};
use crate::reconcile::directory_error;
use crate::settings::OnBlock;
use crate::stop::{Stop, is_reject};

/// How often somebody is looked up before the others go on: often, since an outage must not keep anybody from being counted.
const TRIES_MAX: u64 = 20;

/// Counts what the next one holds.
///
/// # Errors
/// What the host must do; the next step goes on with the same one.
pub(super) fn next(step: &mut Step) -> Result<Went, Stop> {
    let (job, settings) = (&step.job.value, &step.tenant.config.value.settings);
    // Where somebody must look at it in any case, hundreds of requests more would say nothing else.
    let is_braked = !job.preview && job.must_wait(&settings.brake) == Some(Wait::Brake);
    if is_braked || settings.on_block == OnBlock::Ours {
        return Ok(Went::Through);
    }
    let Some(todo) = kept::todo_behind(step.host, Turn::Barred, job.last.as_deref())? else {
        return Ok(Went::Through);
    };
    if step.host.get_member(&todo.member).map_err(directory_error)?.is_none() {
        match count(step, &todo.member) {
            // Told where it is applied.
            Err(error) if is_reject(&error) => {}
            counted => counted?,
        }
    }
    pass(step, todo)?;
    Ok(Went::On)
}

fn count(step: &mut Step, id: &str) -> Result<(), Stop> {
    let record = Loaded::load(step.host, id)?.record;
    let mut uncounted = Vec::new();
    for user in record.users() {
        let holder = holder_of_user(step.host, user)?;
        if holder.as_ref().is_some_and(|holder| holder != id) {
            continue;
        }
        let rows = match step.kisi.assignments_of(user) {
            Ok(rows) => rows,
            Err(Error::Missing(_)) => continue,
            Err(error) => return Err(error.into_contract()),
        };
        for row in rows.into_iter().filter(RoleAssignment::is_plain) {
            let Some(group) = row.group() else { continue };
            let is_ours = |hold: &Hold| match hold.assignment() {
                Some(assignment) => assignment == row.id,
                None => (hold.user, hold.group) == (user, group),
            };
            // What the lists showed of an account that the ledger knows was counted when everybody was compared.
            let is_counted = holder.is_some() && step.was_read(group) && step.has_seen(group, row.id)?;
            if !is_counted && !record.holds.iter().any(is_ours) {
                uncounted.push(row);
            }
        }
    }
    for row in uncounted {
        step.job.value.counts.grants_removed += 1;
        step.job.value.ended += u64::from(row.window().ends_at.is_some_and(|end| end <= step.now));
        if step.job.value.preview {
            let change = explain::removed_by_hand_given(row.group_ref(), row.window(), Reason::Deleted);
            step.find(FindingKind::Loses, Some(id), "", Some(change.group), change.explanation);
        }
    }
    Ok(())
}

/// Takes note that the one whose turn it is could not be looked up now. True when the others go on.
///
/// # Errors
/// Those of storage.
pub(super) fn put_off(step: &mut Step) -> Result<bool, Stop> {
    step.job.value.tries += 1;
    if step.job.value.tries < TRIES_MAX {
        return Ok(false);
    }
    let todo = kept::todo_behind(step.host, Turn::Barred, step.job.value.last.as_deref())?;
    todo.map_or(Ok(false), |todo| pass(step, todo).map(|()| true))
}

/// Goes to the next one.
fn pass(step: &mut Step, todo: Todo) -> Result<(), Stop> {
    (step.job.value.last, step.job.value.tries) = (Some(todo.key), 0);
    step.job.save(step.host)
}
