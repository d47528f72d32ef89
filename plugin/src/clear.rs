//! Takes every group from a blocked or deleted member, those given by hand in Kisi included, and ends the logins of their
//! app. Roles above a plain member's are reported and left alone; no user is ever deleted.

use crate::contract::events::{Action, Outcome, WarningKind};
use crate::contract::types::{GroupRef, Member, Reason};
use crate::entitlement::Withheld;
use crate::explain;
use crate::host::Host;
use crate::id::{AssignmentId, LoginId, UserId};
use crate::identity::{address, find_harder, tie_marked};
use crate::kisi::error::Error;
use crate::kisi::{Kisi, logins, role_assignments};
use crate::ledger::store::{Loaded, holder_of_email, holder_of_user};
use crate::ledger::{Account, Cleared, Hold, Record, State, fingerprint};
use crate::outcome;
use crate::plan::Why;
use crate::reconcile::{Call, directory_error, entitled};
use crate::rights;
use crate::settle::{forget_higher, settle_user};
use crate::stop::{Stop, reject};
use crate::window::Window;

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
    if is_cleared(call.host, &loaded.member, &loaded.record, cleared.email.as_deref())? {
        return Ok(());
    }
    loaded.record.elevated.clear();
    for hold in &mut loaded.record.holds {
        if let Some(assignment) = hold.assignment() {
            hold.state = State::Revoking { assignment };
        }
    }
    loaded.save(call.host)?;
    let mut is_doubtful = false;
    let is_known = clear_users(call, member, cleared.email.as_deref(), loaded, outcome, &mut is_doubtful);
    if is_known.is_err() && !is_doubtful {
        // What was removed before is recorded in any case; if that fails, it is found out by reading.
        let _saved = loaded.save(call.host);
    }
    // While the address is another member's, what it opens is theirs: it is looked at once it is free.
    let email = cleared.email.filter(|_| matches!(is_known, Ok(true)));
    is_known?;
    if outcome.failures.is_empty() && member.is_some() {
        loaded.record.cleared = Some(Cleared { email });
        loaded.record.damaged = false;
    }
    Ok(())
}

/// Whether a blocked member is known to hold nothing at this address. While it is another member's, what it opens is
/// theirs.
///
/// # Errors
/// Those of storage.
pub fn is_cleared(host: &dyn Host, id: &str, record: &Record, email: Option<&str>) -> Result<bool, Stop> {
    let Some(known) = record.cleared.as_ref().filter(|_| record.holds.is_empty()) else { return Ok(false) };
    match email {
        Some(email) if known.email.is_none() => {
            Ok(holder_of_email(host, email)?.is_some_and(|holder| holder != id))
        }
        email => Ok(known.email.as_deref() == email),
    }
}

/// False when it is not known what the member holds. While it is doubtful whether their account is still there, nothing of
/// it is to be recorded: else it would be forgotten where to look.
fn clear_users(
    call: &mut Call,
    member: Option<&Member>,
    email: Option<&str>,
    loaded: &mut Loaded,
    outcome: &mut Outcome,
    is_doubtful: &mut bool,
) -> Result<bool, Stop> {
    let reason = if member.is_some() { Reason::Blocked } else { Reason::Deleted };
    let account = loaded.record.account.clone();
    // What the ledger knows goes first: it needs no list, and a list may fail.
    for hold in loaded.record.holds.clone() {
        if let Some(assignment) = hold.assignment() {
            let group = call.tenant.mappings.value.group_ref(hold.group);
            *is_doubtful |= remove(call, assignment, group, hold.window, reason, loaded, outcome)?;
        }
    }
    let mut is_known = true;
    if let (Some(email), None) = (email, &account) {
        is_known = !is_wanted(call, email, loaded)? && tie_to(call, member, email, None, loaded)?;
    }
    clear_known_users(call, reason, loaded, outcome)?;
    *is_doubtful |= account.is_some() && loaded.record.account.is_none();
    if let Some(account) = account.filter(|_| *is_doubtful) {
        // Somebody deleted the account, and may have made it anew.
        is_known = tie_to(call, member, &account.email, Some(account.user), loaded)?;
        let tied = loaded.record.account.as_ref().map(|account| account.user);
        if let Some(user) = tied.filter(|user| *user != account.user) {
            clear_user(call, user, reason, loaded, outcome)?;
        }
        *is_doubtful = false;
    }
    Ok(is_known)
}

/// Takes everything from each user that the member is or was.
fn clear_known_users(
    call: &mut Call,
    reason: Reason,
    loaded: &mut Loaded,
    outcome: &mut Outcome,
) -> Result<(), Stop> {
    for user in loaded.record.users() {
        // An account that the member left may be somebody else's by now.
        let holder = holder_of_user(call.host, user)?;
        if holder.is_none_or(|holder| holder == loaded.member) {
            clear_user(call, user, reason, loaded, outcome)?;
        }
    }
    Ok(())
}

/// Whether somebody else has the address and is entitled to something, or was tied to it: nobody's access is taken for
/// somebody who shares it.
fn is_wanted(call: &Call, email: &str, loaded: &Loaded) -> Result<bool, Stop> {
    let (mappings, settings) = (&call.tenant.mappings.value, &call.tenant.config.value.settings);
    if holder_of_email(call.host, email)?.is_some_and(|holder| holder != loaded.member) {
        return Ok(true);
    }
    let others = call.host.find_members(email).map_err(directory_error)?;
    let is_entitled = |other: &Member| {
        other.id != loaded.member && !entitled(Some(other), mappings, settings, call.now).groups.is_empty()
    };
    Ok(others.iter().any(is_entitled))
}

/// Ties a member to the account with this address: who is blocked may have been let in by hand. False when it is another
/// member's, so that it is not known what they hold. What is found to be another one than `known` is `known` no more.
fn tie_to(
    call: &mut Call,
    member: Option<&Member>,
    email: &str,
    known: Option<UserId>,
    loaded: &mut Loaded,
) -> Result<bool, Stop> {
    let found = if call.users_are_kept {
        call.find(email)?
    } else {
        find_harder(&call.kisi, email).map_err(Error::into_contract)?
    };
    let found = found.filter(|user| Some(user.id) != known);
    if let (Some(known), Some(_)) = (known, &found) {
        loaded.record.forget_user(known);
    }
    let Some(user) = found else { return Ok(true) };
    if known.is_some() && is_wanted(call, email, loaded)? {
        return Ok(false);
    }
    let is_anothers = match holder_of_user(call.host, user.id)? {
        Some(holder) => holder != loaded.member,
        None => tie_marked(call.host, &user, &loaded.member, email)?,
    };
    if is_anothers {
        return Ok(false);
    }
    let member = member.filter(|member| user.created_for.as_ref() == Some(&member.id));
    let name = member.map(|member| fingerprint(&member.name));
    loaded.record.tie(Account { user: user.id, email: email.to_string(), name });
    Ok(true)
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
    forget_higher(&mut loaded.record, &rows);
    settle_user(&mut loaded.record, user, &rows, &mut Vec::new());
    for row in &rows {
        let group = row.group_ref();
        if row.is_plain() {
            remove(call, row.id, group, row.window(), reason, loaded, outcome)?;
        } else {
            let explanation = explain::elevated(&row.name, &row.role_id);
            outcome::warn(outcome, WarningKind::ElevatedRole, Some(group), explanation);
        }
    }
    Ok(())
}

/// Takes one assignment. True when Kisi did not have it any more.
fn remove(
    call: &mut Call,
    assignment: AssignmentId,
    group: GroupRef,
    window: Window,
    reason: Reason,
    loaded: &mut Loaded,
    outcome: &mut Outcome,
) -> Result<bool, Stop> {
    match call.kisi.send(role_assignments::delete(assignment)) {
        removed @ (Ok(_) | Err(Error::Missing(_))) => {
            let ours: Option<Hold> = loaded.record.hold_mut(assignment).cloned();
            loaded.record.forget(assignment);
            outcome.changes.push(match ours {
                Some(hold) => {
                    let why = Why::Lost(Withheld::member(reason));
                    explain::change(Action::Revoked, group, hold.window, &why, &call.tenant.mappings.value)
                }
                None => explain::removed_by_hand_given(group, window, reason),
            });
            Ok(removed.is_err())
        }
        Err(Error::Invalid(answer) | Error::Conflict(answer)) => {
            outcome::failed(outcome, Action::Revoked, group, &answer);
            Ok(false)
        }
        Err(Error::Forbidden(answer)) => {
            rights::check(&call.kisi)?;
            outcome::failed(outcome, Action::Revoked, group, &answer);
            Ok(false)
        }
        Err(error) => Err(error.into_contract()),
    }
}

/// Ends the logins of a member's app. One that cannot be ended keeps none of the others.
///
/// # Errors
/// What the host must do about the first that was not ended; it stays remembered.
pub fn end_logins(kisi: &Kisi, logins: &mut Vec<LoginId>) -> Result<(), Stop> {
    let (mut place, mut ended) = (0, Ok(()));
    while place < logins.len() {
        if let Err(stop) = end_login(kisi, logins, place) {
            ended = ended.and(Err(stop));
            place += 1;
        }
    }
    ended
}

/// Ends the login at `place` and forgets it. One that is gone is fine.
///
/// # Errors
/// What the host must do; the login stays remembered.
pub fn end_login(kisi: &Kisi, logins: &mut Vec<LoginId>, place: usize) -> Result<(), Stop> {
    let Some(&login) = logins.get(place) else { return Ok(()) };
    match kisi.send(logins::delete(login)) {
        Ok(_) | Err(Error::Missing(_)) => {
            logins.remove(place);
            Ok(())
        }
        Err(Error::Forbidden(answer) | Error::Conflict(answer) | Error::Invalid(answer)) => {
            Err(reject("Kisi refuses to end a login of the member's app: end it in Kisi.", Some(*answer)))
        }
        Err(error) => Err(error.into_contract()),
    }
}
