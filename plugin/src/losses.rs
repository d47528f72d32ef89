//! What members would lose though nobody blocked them. Nothing happened to them that the plugin was told of, so that it
//! may be the platform which errs: the brake counts it.

use crate::contract::types::{MemberStatus, Reason, Timestamp};
use crate::entitlement::Entitlement;
use crate::host::Host;
use crate::identity::{address, is_others};
use crate::ledger::Hold;
use crate::ledger::store::Loaded;
use crate::mapping::Mappings;
use crate::reconcile::{directory_error, entitled};
use crate::stop::Stop;
use crate::tenant::Tenant;

/// What a member would lose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Losses {
    /// How many grants that hold at Kisi.
    pub grants: u64,
    /// Whether the member is to have any.
    pub keeps: bool,
}

/// What the member would lose by a membership, a mapping, an address or a directory entry that is gone.
///
/// # Errors
/// `retry` when the directory or storage does not answer.
pub fn losses(host: &dyn Host, tenant: &Tenant, loaded: &Loaded) -> Result<Losses, Stop> {
    let (now, record) = (host.now(), &loaded.record);
    let (mappings, settings) = (&tenant.mappings.value, &tenant.config.value.settings);
    let mut losses = Losses { grants: 0, keeps: true };
    if record.holds.is_empty() {
        return Ok(losses);
    }
    let member = host.get_member(&loaded.member).map_err(directory_error)?;
    if member.as_ref().is_some_and(|member| member.status == MemberStatus::Blocked) {
        return Ok(Losses { keeps: false, ..losses });
    }
    if member.is_none() && host.list_members(None, 1).map_err(directory_error)?.members.is_empty() {
        // An empty directory is not believed: what it takes is more than any brake lets go.
        return Ok(Losses { grants: u64::MAX, keeps: false });
    }
    let mut entitled = entitled(member.as_ref(), mappings, settings, now);
    if let Some(member) = member.filter(|_| !entitled.groups.is_empty()) {
        match address(member.email.as_deref()) {
            None => entitled.withhold(Reason::MissingEmail),
            Some(email) if record.account.as_ref().is_some_and(|account| account.email == email) => {}
            Some(email) if is_others(host, &member.id, &email, mappings, settings, now)? => {
                entitled.withhold(Reason::EmailInUse);
            }
            Some(_) => {}
        }
    }
    losses.grants = lost(&record.holds, &entitled, mappings, now);
    losses.keeps = !entitled.groups.is_empty();
    Ok(losses)
}

/// How many of the grants hold at Kisi and are not to. Those of a group that was deleted there went with it.
pub fn lost(holds: &[Hold], entitled: &Entitlement, mappings: &Mappings, now: Timestamp) -> u64 {
    let is_lost = |hold: &&Hold| {
        hold.window.ends_at.is_none_or(|end| end > now)
            && entitled.desired(hold.group).is_none()
            && !mappings.is_deleted(hold.group)
    };
    holds.iter().filter(is_lost).count() as u64
}
