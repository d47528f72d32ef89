//! Reads what they hold at Kisi whom the directory no longer has. All of it is to go, what was given by hand in groups that
//! no plan opens included, and it may be the directory that errs: so it is counted before anything goes.

use super::kept::{self, Turn};
use super::{Step, Went};
use crate::contract::sync::FindingKind;
use crate::contract::types::{GroupRef, Reason};
use crate::explain;
use crate::kisi::error::Error;
use crate::ledger::store::{Loaded, holder_of_user};
use crate::reconcile::directory_error;
use crate::stop::Stop;

/// How often somebody is looked up before the others go on, who then is counted by what the ledger knows alone.
const TRIES_MAX: u64 = 5;

/// Counts what the next one holds.
///
/// # Errors
/// What the host must do; the next step goes on with the same one.
pub(super) fn next(step: &mut Step) -> Result<Went, Stop> {
    let Some(todo) = kept::todo_behind(step.host, Turn::Barred, step.job.value.last.as_deref())? else {
        return Ok(Went::Through);
    };
    if step.host.get_member(&todo.member).map_err(directory_error)?.is_none() {
        count(step, &todo.member)?;
    }
    (step.job.value.last, step.job.value.tries) = (Some(todo.key), 0);
    step.job.save(step.host)?;
    Ok(Went::On)
}

fn count(step: &mut Step, id: &str) -> Result<(), Stop> {
    let record = Loaded::load(step.host, id)?.record;
    let mut found = Vec::new();
    for user in record.users() {
        if holder_of_user(step.host, user)?.is_some_and(|holder| holder != id) {
            continue;
        }
        match step.kisi.assignments_of(user) {
            Ok(rows) => found.extend(rows),
            Err(Error::Missing(_)) => {}
            Err(error) => return Err(error.into_contract()),
        }
    }
    for row in found.iter().filter(|row| row.is_plain()) {
        let is_known = record.holds.iter().any(|hold| hold.assignment() == Some(row.id));
        let Some(group) = row.group().filter(|group| !is_known && !step.was_read(*group)) else { continue };
        step.job.value.counts.grants_removed += 1;
        step.job.value.ended += u64::from(row.window().ends_at.is_some_and(|end| end <= step.now));
        if step.job.value.preview {
            let group = GroupRef { id: group.to_string(), name: row.name.clone() };
            let change = explain::removed_by_hand_given(group, row.window(), Reason::Deleted);
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
    (step.job.value.last, step.job.value.tries) = (todo.map(|todo| todo.key), 0);
    Ok(true)
}
