//! Lists and opens doors, and issues logins for branded apps.

use super::access::Known;
use crate::access::Alert;
use crate::clear::end_login;
use crate::contract::access::{Cause, Door, Reason, Verdict};
use crate::contract::doors::{Attempt, Issued, Login, Phone};
use crate::contract::types::ProviderAnswer;
use crate::explain::alert;
use crate::host::Host;
use crate::kisi::error::Error;
use crate::kisi::{locks, logins};
use crate::stop::{Stop, reject};

/// See `doors.list`.
pub fn list(host: &dyn Host, member: &str) -> Result<Vec<Door>, Stop> {
    Ok(Known::load(host, member)?.doors())
}

/// See `doors.unlock`.
///
/// # Errors
/// `retry` when the door was certainly not opened, `reject` when it may have opened, `pause`.
pub fn unlock(host: &dyn Host, member: &str, door: &str) -> Result<Attempt, Stop> {
    let mut known = Known::load(host, member)?;
    let Some(id) = known.groups.doors.iter().map(|door| door.id).find(|id| id.to_string() == door) else {
        return Err(reject("There is no such door: refresh the groups if it is new.", None));
    };
    let mut refused = known.access().refuses(&known.facts(), id);
    if refused.is_none() {
        refused = known.ask(host, |kisi, known| {
            // The gym's key opens every door, so a member whom staff suspended or removed in Kisi is checked for here.
            known.look(kisi)?;
            known.doubt_unseen();
            match known.access().refuses(&known.facts(), id) {
                None => kisi.send(locks::unlock(id)).err().map(obstacle).transpose(),
                refused => Ok(refused),
            }
        })?;
    }
    Ok(refused.map_or(Attempt::Opened, |refused| Attempt::Refused(told(&refused, &known))))
}

/// Why Kisi did not open a door. Its codes distinguish the obstacles; the documentation does not say what 403, 409 and
/// 503 stand for (C).
fn obstacle(error: Error) -> Result<Alert, Stop> {
    let answer = match error {
        Error::Forbidden(answer) | Error::Conflict(answer) | Error::Invalid(answer) => answer,
        Error::Unavailable { answer, .. } if words(&answer).is_some() => answer,
        Error::Missing(answer) => {
            return Err(reject("Kisi no longer has this door: refresh the groups.", Some(*answer)));
        }
        error if error.nothing_was_done() => return Err(error.into_contract()),
        _ => {
            return Err(reject(
                "It is not known whether the door opened: Kisi's answer was lost or makes no sense. Look at the door \
                 before you try again.",
                None,
            ));
        }
    };
    let (cause, words) = words(&answer).unwrap_or((Cause::Denied, &answer.message));
    let code = &answer.code;
    let for_staff = format!("Kisi did not open the door: {words} ({} {code}).", answer.status);
    Ok(Alert { for_staff, ..Alert::new(true, cause) })
}

/// The meaning of Kisi's code (C).
fn words(answer: &ProviderAnswer) -> Option<(Cause, &'static str)> {
    Some(match answer.code.as_str() {
        "fac001" | "fac002" => (Cause::DoorOffline, "its controller cannot be reached"),
        "fad001" => (Cause::LockedDown, "it is locked down"),
        "fad002" => (Cause::LockedDown, "its place is locked down"),
        "f35ade" => (Cause::Denied, "access is no longer valid"),
        "f358de" => (Cause::Denied, "access is not valid yet"),
        "34ffaa" => (Cause::Denied, "access is not allowed at this hour"),
        "fcd8ff" => (Cause::Denied, "access is disabled"),
        "fcd8ef" | "afc496" => (Cause::Denied, "access is denied"),
        "f01337" => (Cause::Denied, "the group may not be used from the app"),
        "34bd8f" => (Cause::Denied, "it wants the primary device"),
        "a3995f" | "bb4faa" => (Cause::Denied, "the phone is too far away"),
        "bbc93f" => (Cause::Denied, "it opens by a tap of the phone alone"),
        "faa9ff" | "faa9ef" => (Cause::Denied, "the card is not activated or not known"),
        _ => return None,
    })
}

/// See `doors.issue-login`.
pub fn issue_login(host: &dyn Host, member: &str, phone: &Phone) -> Result<Issued, Stop> {
    let mut known = Known::load(host, member)?;
    let access = known.access();
    let Some(email) = known.email().filter(|_| access.verdict != Verdict::No) else {
        let why =
            access.alerts.into_iter().next().unwrap_or_else(|| Alert::new(true, Cause::NotYetInProvider));
        return Ok(Issued::Refused(told(&why, &known)));
    };
    known.ask(host, |kisi, known| {
        // Otherwise Kisi ends the least recently used one, and the record would not know which.
        while known.loaded.record.logins.len() >= logins::DEVICE_LOGINS_MAX {
            end_login(kisi, &mut known.loaded.record.logins, 0)?;
            known.loaded.save(host)?;
        }
        let login = kisi
            .send(logins::create(&email, &phone.brand, &phone.model, &phone.system))
            .map_err(Error::into_contract)?;
        known.loaded.record.logins.push(login.id);
        if let Err(stop) = known.loaded.save(host) {
            // A login that is not recorded would not end with the member's access.
            let _ended = kisi.send(logins::delete(login.id));
            return Err(stop);
        }
        Ok(Issued::Login(Login { id: login.id.to_string(), secret: login.secret }))
    })
}

/// See `doors.revoke-login`.
pub fn revoke_login(host: &dyn Host, member: &str, login: &str) -> Result<(), Stop> {
    let mut known = Known::load(host, member)?;
    let place = known.loaded.record.logins.iter().position(|id| id.to_string() == login);
    let Some(place) = place else {
        return Err(reject("This member has no such login: it has ended, or is another's.", None));
    };
    known.ask(host, |kisi, known| {
        end_login(kisi, &mut known.loaded.record.logins, place)?;
        known.loaded.save(host)
    })
}

fn told(why: &Alert, known: &Known) -> Reason {
    alert::alert(why, &known.tenant.mappings.value).reason
}
