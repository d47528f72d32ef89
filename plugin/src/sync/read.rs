//! Reads Kisi's side: the members of the mapped groups, and where it pays all users.

use std::collections::BTreeSet;

use super::kept::{self, Odd, Owner};
use super::{Step, Went};
use crate::id::{GroupId, UserId};
use crate::identity::address;
use crate::kisi::error::Error;
use crate::kisi::page::OFFSET_MAX;
use crate::kisi::role_assignments::{self, RoleAssignment};
use crate::kisi::users::User;
use crate::ledger::store::{Loaded, holder_of_user};
use crate::stop::{Stop, reject};
use crate::storage;

/// How often lists are read from their beginning again, because they changed between two pages. Those that never rest are
/// read to their end all the same.
const REREADS_MAX: u64 = 5;
/// Kisi's page of users, for weighing it against single look-ups.
const USERS_A_PAGE: u64 = 100;

/// Reads a page of the group whose turn it is. Events go in between, so that the list may be another one at the next
/// page: then it may have skipped somebody.
///
/// # Errors
/// What the host must do; `reject` when the list is too long or does not add up.
pub fn page(step: &mut Step) -> Result<Went, Stop> {
    let Some(&group) = step.job.value.groups.last() else { return Ok(Went::Through) };
    if step.job.value.read_from == 0 {
        step.job.value.read_from = step.job.version().unwrap_or_default();
    }
    // The last row of the page before once more: where it is another one, the list moved, whatever its length says.
    let offset = step.job.value.offset;
    let from = offset.saturating_sub(1);
    let page = match step.kisi.page::<RoleAssignment>(&role_assignments::in_group(group), from) {
        Ok(page) => page,
        // The group is gone, which a refresh of the groups finds out.
        Err(Error::Missing(_)) => {
            next_group(step);
            return Ok(Went::On);
        }
        Err(error) => return Err(error.into_contract()),
    };
    if page.total > OFFSET_MAX {
        let name = step.tenant.mappings.value.group_ref(group).name;
        let message = format!(
            "The group \u{201c}{name}\u{201d} has {} people. Kisi lets a list be read only up to 20,000: divide the group.",
            page.total
        );
        return Err(reject(&message, None));
    }
    let is_joint = offset > 0 && page.rows.first().map(|row| row.id) == step.job.value.joint;
    if step.job.value.total.is_some_and(|total| total != page.total || !is_joint) {
        let job = &mut step.job.value;
        if job.rereads < REREADS_MAX {
            // Else somebody who is blocked and was let in by hand might be among those whom it skipped.
            job.counts.rows = job.counts.rows.saturating_sub(u32::try_from(offset).unwrap_or(u32::MAX));
            (job.offset, job.total, job.rereads) = (0, None, job.rereads + 1);
            step.job.save(step.host)?;
            return Ok(Went::On);
        }
        job.has_moved = true;
    }
    let mut seen = if offset == 0 { BTreeSet::new() } else { kept::seen(step.host, group)? };
    let mut odd = Vec::new();
    for row in page.rows.iter().skip(usize::from(is_joint)) {
        if row.group() != Some(group) {
            let doubt = Error::unrecognized(200, "the list of a group's members holds those of another one");
            return Err(doubt.into_contract());
        }
        if !seen.insert(row.id.0) && !step.job.value.has_moved {
            return Err(reject(
                "A list of Kisi changed while it was read: start the reconciliation again.",
                None,
            ));
        }
        if let Some(user) = row.user() {
            odd.extend(judge(step, row, user, group)?);
        }
    }
    step.job.value.has_odd |= !odd.is_empty();
    kept::keep(step.host, odd)?;
    let job = &mut step.job.value;
    job.offset = from + page.rows.len() as u64;
    job.counts.rows += u32::try_from(job.offset.saturating_sub(offset)).unwrap_or(u32::MAX);
    (job.total, job.joint) = (Some(page.total), page.rows.last().map(|row| row.id));
    if job.offset >= page.total {
        next_group(step);
    }
    let writes = vec![kept::keep_seen(&seen, group), step.job.write()];
    step.job.saved(storage::commit(step.host, writes)?);
    Ok(Went::On)
}

fn next_group(step: &mut Step) {
    let job = &mut step.job.value;
    job.groups.pop();
    (job.offset, job.total) = (0, None);
}

/// Keeps a row that is not what the ledger says.
fn judge(
    step: &Step,
    row: &RoleAssignment,
    user: UserId,
    group: GroupId,
) -> Result<Option<crate::contract::storage::Write>, Stop> {
    let odd = Odd::of(row, user, group);
    let Some(member) = holder_of_user(step.host, user)? else {
        return Ok(address(Some(&row.assignee_email)).map(|email| odd.write(Owner::Email(&email))));
    };
    let record = Loaded::load(step.host, &member)?.record;
    let is_known = record.holds.iter().any(|hold| {
        hold.assignment() == Some(row.id) && hold.window.same_from(&odd.window, step.now) && row.is_plain()
    });
    Ok((!is_known).then(|| odd.write(Owner::Member(&member))))
}

/// Reads a page of all users, when that costs fewer requests than looking for each unknown one.
///
/// # Errors
/// What the host must do.
pub fn users(step: &mut Step) -> Result<Went, Stop> {
    let Some(unknown) = step.job.value.unknown.checked_sub(2) else { return Ok(Went::Through) };
    let page = step.kisi.page::<User>("", step.job.value.offset).map_err(Error::into_contract)?;
    let pays = page.total <= OFFSET_MAX && page.total / USERS_A_PAGE <= unknown;
    // Whom a list does not show that changed meanwhile may be there, so each is looked for: a blocked member, too, who
    // was let in by hand.
    let has_moved = step.job.value.total.is_some_and(|total| total != page.total);
    if !pays || has_moved {
        return Ok(Went::Through);
    }
    let writes = page.rows.iter().filter_map(|row| {
        let email = address(row.email.as_deref())?;
        Some(kept::user(&email, row))
    });
    kept::keep(step.host, writes.collect())?;
    let job = &mut step.job.value;
    job.offset += page.rows.len() as u64;
    job.total = Some(page.total);
    if job.offset >= page.total {
        // The phase changes with the same commit: a step that begins behind the last row would ask for a page that
        // is not there.
        job.users_are_kept = true;
        return Ok(Went::Through);
    }
    step.job.save(step.host)?;
    Ok(Went::On)
}
