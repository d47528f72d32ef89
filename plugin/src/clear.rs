//! Takes every group from a blocked or deleted member, those given by hand in Kisi included. Roles above a plain
//! member's are reported and left alone; no user is ever deleted.

use crate::contract::events::{Action, Outcome, WarningKind};
use crate::contract::types::{GroupRef, Member, Reason};
use crate::entitlement::Withheld;
use crate::explain;
use crate::id::UserId;
use crate::identity::{address, find};
use crate::kisi::error::Error;
use crate::kisi::role_assignments::{self, RoleAssignment};
use crate::ledger::store::{Loaded, holder_of_email, holder_of_user};
use crate::ledger::{Account, Cleared, Hold, State, fingerprint};
use crate::outcome;
use crate::plan::Why;
use crate::reconcile::Call;
use crate::rights;
use crate::settle::settle_user;
use crate::stop::Stop;

/// Clears `member`, who is blocked, or deleted when absent. A member that is known to be cleared costs nothing.
///
/// # Errors
/// What the host must do; the next call goes on from there.
pub fn clear(
    call: &mut Call,
    member: Option<&Member>,
    loaded: &mut Loaded,
    outcome: &mut Outcome,
) -> Result<(), Stop> {
    let cleared = Cleared { email: member.and_then(|member| address(member.email.as_deref())) };
    if member.is_some() {
        call.untie_unless(cleared.email.as_deref(), &mut loaded.record, outcome);
    }
    if loaded.record.holds.is_empty() && loaded.record.cleared.as_ref() == Some(&cleared) {
        return Ok(());
    }
    if let (Some(member), Some(email), None) = (member, &cleared.email, &loaded.record.account) {
        tie_to_existing(call, member, email, loaded)?;
    }
    for hold in &mut loaded.record.holds {
        if let Some(assignment) = hold.assignment() {
            hold.state = State::Revoking { assignment };
        }
    }
    loaded.save(call.host)?;
    let reason = if member.is_some() { Reason::Blocked } else { Reason::Deleted };
    let record = &loaded.record;
    let tied = record.account.iter().map(|account| account.user);
    let known = tied.chain(record.former.iter().copied()).chain(record.holds.iter().map(|hold| hold.user));
    let mut users: Vec<UserId> = Vec::new();
    for user in known {
        if !users.contains(&user) {
            users.push(user);
        }
    }
    for user in users {
        // An account that the member left may be somebody else's by now.
        let holder = holder_of_user(call.host, user)?;
        if holder.is_none_or(|holder| holder == loaded.member)
            && let Err(error) = clear_user(call, user, reason, loaded, outcome)
        {
            // What was removed before is recorded in any case; if that fails, it is found out by reading.
            let _saved = loaded.save(call.host);
            return Err(error);
        }
    }
    if outcome.failures.is_empty() && member.is_some() {
        loaded.record.cleared = Some(cleared);
    }
    Ok(())
}

/// A blocked member whom the plugin does not know may still have been let in by hand.
fn tie_to_existing(call: &mut Call, member: &Member, email: &str, loaded: &mut Loaded) -> Result<(), Stop> {
    if holder_of_email(call.host, email)?.is_some() {
        return Ok(());
    }
    let Some(user) = find(&call.kisi, email).map_err(Error::into_contract)? else { return Ok(()) };
    if holder_of_user(call.host, user.id)?.is_none_or(|holder| holder == loaded.member) {
        let name = (user.created_for.as_ref() == Some(&member.id)).then(|| fingerprint(&member.name));
        loaded.record.tie(Account { user: user.id, email: email.to_string(), name });
    }
    Ok(())
}

fn clear_user(
    call: &mut Call,
    user: UserId,
    reason: Reason,
    loaded: &mut Loaded,
    outcome: &mut Outcome,
) -> Result<(), Stop> {
    let rows = match call.kisi.assignments_of(user) {
        Ok(rows) => rows,
        Err(Error::Missing(_)) => {
            loaded.record.forget_user(user);
            return Ok(());
        }
        Err(error) => return Err(error.into_contract()),
    };
    // What was begun earlier and turns out to be there is ours, too; nothing is told of it before it goes again.
    settle_user(&mut loaded.record, user, &rows, &mut Vec::new());
    for row in &rows {
        if row.is_plain() {
            remove(call, row, reason, loaded, outcome)?;
        } else {
            let group =
                GroupRef { id: row.applies_to_id.unwrap_or_default().to_string(), name: row.name.clone() };
            let explanation = explain::elevated(&row.name, &row.role_id);
            outcome::warn(outcome, WarningKind::ElevatedRole, Some(group), explanation);
        }
    }
    Ok(())
}

fn remove(
    call: &mut Call,
    row: &RoleAssignment,
    reason: Reason,
    loaded: &mut Loaded,
    outcome: &mut Outcome,
) -> Result<(), Stop> {
    let group = GroupRef {
        id: row.group().map(|group| group.to_string()).unwrap_or_default(),
        name: row.name.clone(),
    };
    match call.kisi.send(role_assignments::delete(row.id)) {
        Ok(_) | Err(Error::Missing(_)) => {
            let ours: Option<Hold> = loaded.record.hold_mut(row.id).cloned();
            loaded.record.forget(row.id);
            outcome.changes.push(match ours {
                Some(hold) => {
                    let why = Why::Lost(Withheld::member(reason));
                    explain::change(Action::Revoked, group, hold.window, &why, &call.tenant.mappings.value)
                }
                None => explain::removed_by_hand_given(group, row.window(), reason),
            });
            Ok(())
        }
        Err(Error::Invalid(answer) | Error::Conflict(answer)) => {
            outcome::failed(outcome, Action::Revoked, group, &answer);
            Ok(())
        }
        Err(Error::Forbidden(answer)) => {
            rights::check(&call.kisi)?;
            outcome::failed(outcome, Action::Revoked, group, &answer);
            Ok(())
        }
        Err(error) => Err(error.into_contract()),
    }
}
