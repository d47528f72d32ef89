//! Which Kisi user a member is: found by the exact e-mail address or created, and never taken from somebody else.

use crate::contract::events::{AccountAction, Outcome};
use crate::contract::types::{Member, MemberStatus, Reason, Timestamp};
use crate::explain;
use crate::host::Host;
use crate::kisi::Kisi;
use crate::kisi::error::Error;
use crate::kisi::users::{self, User};
use crate::ledger::store::{Loaded, holder_of_email, holder_of_user, transfer};
use crate::ledger::{Account, fingerprint};
use crate::mapping::Mappings;
use crate::outcome;
use crate::reconcile::{Call, directory_error, entitled};
use crate::rights;
use crate::settings::{MissingUser, Settings};
use crate::stop::{Stop, is_reject, is_retry, reject, retry};

/// How long to wait when Kisi says that a user exists and does not show it: its search lags.
const RETRY_LAG_MS: u64 = 2_000;

/// What became of the attempt to tie a member to a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tie {
    /// The record names the user now.
    Tied,
    /// There is none for this member, for this reason.
    Withheld(Reason),
    /// Another member had to be looked at first, and was: start anew with this one.
    Again,
    /// Another member must be looked at first, and cannot be now.
    Waits(Stop),
    /// Another member holds something through the user, and may leave it without a word.
    Taken,
}

/// An e-mail address as it is compared: trimmed, in lower case. Blank counts as none. Letters outside ASCII are
/// compared as written: stored addresses depend on it.
pub fn address(email: Option<&str>) -> Option<String> {
    email.map(|email| email.trim().to_ascii_lowercase()).filter(|email| !email.is_empty())
}

/// Ties the member to the user of `email`, creating one when policy says so.
///
/// # Errors
/// What the host must do.
pub fn tie(
    call: &mut Call,
    member: &Member,
    email: &str,
    loaded: &mut Loaded,
    outcome: &mut Outcome,
) -> Result<Tie, Stop> {
    if let Some(holder) = other(holder_of_email(call.host, email)?, member) {
        return make_way(call, &holder, email, loaded);
    }
    let (user, action) = match call.find(email)? {
        Some(user) => (user, AccountAction::Linked),
        None if call.tenant.config.value.settings.missing_user == MissingUser::Report => {
            let found = if call.users_are_kept { Ok(None) } else { find_harder(&call.kisi, email) };
            match found.map_err(Error::into_contract)? {
                Some(user) => (user, AccountAction::Linked),
                None => return Ok(Tie::Withheld(Reason::NoAccount)),
            }
        }
        None => create(call, member, email)?,
    };
    let holder = holder_of_user(call.host, user.id)?;
    // The ledger says whose it is, whoever it was made for.
    let is_settled = holder.is_some();
    if let Some(holder) = other(holder, member) {
        if !call.is_in_progress(&holder) {
            let way = make_way(call, &holder, email, loaded)?;
            // No address becomes free when the user does.
            return Ok(if way == Tie::Withheld(Reason::EmailInUse) { Tie::Taken } else { way });
        }
        // Two members exchange their addresses: what the other still holds through this user is now this member's.
        let mut theirs = Loaded::load(call.host, &holder)?;
        let (taken, kept) = theirs.record.holds.drain(..).partition(|hold| hold.user == user.id);
        theirs.record.holds = kept;
        loaded.record.holds.extend::<Vec<_>>(taken);
        transfer(call.host, &mut theirs, loaded)?;
    }
    if !is_settled && tie_marked(call.host, &user, &member.id, email)? {
        return Ok(Tie::Withheld(Reason::EmailInUse));
    }
    let ours = action == AccountAction::Created || user.created_for.as_ref() == Some(&member.id);
    let name = match &user.created_for {
        _ if ours => Some(fingerprint(&member.name)),
        // Made for a member who has left it: it gets this member's name.
        Some(_) => Some(!fingerprint(&member.name)),
        None => None,
    };
    loaded.record.tie(Account { user: user.id, email: email.to_string(), name });
    outcome::account(outcome, action, user.id, explain::tied(action, email));
    Ok(Tie::Tied)
}

/// Whether an address belongs to another member, or will: of several who are entitled to something, the first is served.
/// Who is blocked comes after all of them.
///
/// # Errors
/// `retry` when the directory or storage does not answer.
pub fn is_others(
    host: &dyn Host,
    id: &str,
    email: &str,
    mappings: &Mappings,
    settings: &Settings,
    now: Timestamp,
) -> Result<bool, Stop> {
    if let Some(holder) = holder_of_email(host, email)? {
        if holder == id {
            return Ok(false);
        }
        // Who has moved on makes way.
        if has_address(host, &holder, email)?.is_some() {
            return Ok(true);
        }
    }
    let others = host.find_members(email).map_err(directory_error)?;
    let is_barred = others.iter().any(|one| one.id == id && one.status == MemberStatus::Blocked);
    let is_first = |other: &Member| {
        (other.id.as_str() < id || is_barred && other.id != id)
            && !entitled(Some(other), mappings, settings, now).groups.is_empty()
    };
    Ok(others.iter().any(is_first))
}

/// The member, when this is still their address.
fn has_address(host: &dyn Host, id: &str, email: &str) -> Result<Option<Member>, Stop> {
    let member = host.get_member(id).map_err(directory_error)?;
    Ok(member.filter(|member| address(member.email.as_deref()).as_deref() == Some(email)))
}

/// Whether Kisi's mark says that a user was made for somebody else than `id` who still has the user's address. Where the
/// ledger does not know it (any more), it does from now on.
///
/// # Errors
/// Those of directory and storage.
pub fn tie_marked(host: &dyn Host, user: &User, id: &str, email: &str) -> Result<bool, Stop> {
    let Some(creator) = user.created_for.as_deref().filter(|&creator| creator != id) else {
        return Ok(false);
    };
    let Some(claimant) = has_address(host, creator, email)? else { return Ok(false) };
    let mut theirs = Loaded::load(host, creator)?;
    if theirs.record.account.is_none() {
        let name = Some(fingerprint(&claimant.name));
        theirs.record.tie(Account { user: user.id, email: email.to_string(), name });
        theirs.save(host)?;
    }
    Ok(true)
}

/// The user with exactly this address.
///
/// # Errors
/// Those of reading a list; also when several users have the address, which Kisi does not allow.
pub fn find(kisi: &Kisi, email: &str) -> Result<Option<User>, Error> {
    exact(kisi.list(&users::by_email(email))?, email)
}

/// The same where Kisi says that the user exists and the filter does not give them: it may heed the case.
pub fn find_harder(kisi: &Kisi, email: &str) -> Result<Option<User>, Error> {
    match find(kisi, email)? {
        Some(user) => Ok(Some(user)),
        None => exact(kisi.list(&users::by_text(email))?, email),
    }
}

fn exact(users: Vec<User>, email: &str) -> Result<Option<User>, Error> {
    let mut exact = users.into_iter().filter(|user| address(user.email.as_deref()).as_deref() == Some(email));
    match (exact.next(), exact.next()) {
        (found, None) => Ok(found),
        (_, Some(_)) => Err(Error::unrecognized(200, "several users have the same e-mail address")),
    }
}

fn create(call: &Call, member: &Member, email: &str) -> Result<(User, AccountAction), Stop> {
    let invitation = call.tenant.config.value.settings.invitation;
    match call.kisi.send(users::create(email, &member.name, &member.id, invitation)) {
        Ok(user) => Ok((user, AccountAction::Created)),
        // Made by an earlier call whose answer was lost, or by somebody else just now. 422 is documented, 409 seen.
        Err(Error::Conflict(answer) | Error::Invalid(answer)) => {
            match find_harder(&call.kisi, email).map_err(Error::into_contract)? {
                Some(user) => Ok((user, AccountAction::Linked)),
                None if answer.status == 409 => {
                    let message =
                        "Kisi says that an account with this e-mail address exists and does not show it yet.";
                    Err(retry(RETRY_LAG_MS, message, Some(*answer)))
                }
                None => {
                    let said = &answer.message;
                    let message = format!(
                        "Kisi does not accept this member's data ({said}): check the e-mail address and the name."
                    );
                    Err(reject(&message, Some(*answer)))
                }
            }
        }
        Err(Error::Forbidden(answer)) => {
            rights::check(&call.kisi)?;
            Err(reject("Kisi does not let an account be created for this member.", Some(*answer)))
        }
        Err(error) => Err(error.into_contract()),
    }
}

/// Lets the member that has what this one needs be brought up to date first: they may have moved on, and the event
/// that says so may be late or lost.
fn make_way(call: &mut Call, holder: &str, email: &str, loaded: &mut Loaded) -> Result<Tie, Stop> {
    if call.is_in_progress(holder) || call.was_reconciled(holder) {
        return Ok(Tie::Withheld(Reason::EmailInUse));
    }
    if has_address(call.host, holder, email)?.is_some() {
        return Ok(Tie::Withheld(Reason::EmailInUse));
    }
    loaded.save(call.host)?;
    match call.reconcile(holder) {
        Ok(()) => Ok(Tie::Again),
        // What is wrong with the other member's data is no fault of this one's.
        Err(stop) if is_reject(&stop) => Ok(Tie::Withheld(Reason::EmailInUse)),
        Err(stop) if is_retry(&stop) => Ok(Tie::Waits(stop)),
        Err(stop) => Err(stop),
    }
}

fn other(holder: Option<String>, member: &Member) -> Option<String> {
    holder.filter(|holder| *holder != member.id)
}
