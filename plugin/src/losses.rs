//! What members would lose without being blocked. Such a loss may be a mistake of the platform, so the brake counts it.

use crate::contract::types::{MemberStatus, Reason, Timestamp};
use crate::entitlement::Entitlement;
use crate::host::Host;
use crate::identity::{address, is_others};
use crate::ledger::store::Loaded;
use crate::ledger::{Hold, Record};
use crate::mapping::Mappings;
use crate::reconcile::{directory_error, entitled};
use crate::settings::{MissingUser, Settings};
use crate::stop::Stop;
use crate::tenant::Tenant;

/// What a member would lose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Losses {
    /// How many grants that open doors.
    pub grants: u64,
    /// Whether the member is still entitled to a group.
    pub keeps: bool,
}

/// What the member would lose because a membership, a mapping, an address or a directory entry is gone.
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
        // An empty directory is taken for a mistake: its losses exceed every brake.
        return Ok(Losses { grants: u64::MAX, keeps: false });
    }
    let mut entitled = entitled(member.as_ref(), mappings, settings, now);
    let mut leaves = false;
    if let Some(member) = member.filter(|_| !entitled.groups.is_empty()) {
        match address(member.email.as_deref()) {
            None => entitled.withhold(Reason::MissingEmail),
            Some(email) if record.account.as_ref().is_some_and(|account| account.email == email) => {}
            Some(email) if is_others(host, &member.id, &email, mappings, settings, now)? => {
                entitled.withhold(Reason::EmailInUse);
            }
            Some(_) => leaves = leaves_account(record, settings),
        }
    }
    losses.grants = lost(&record.holds, &entitled, leaves, mappings, now);
    losses.keeps = !entitled.groups.is_empty();
    Ok(losses)
}

/// Whether a member with a new address leaves the account of the old one. All its grants would go, and the account of
/// the new address may be a stranger's. Where the plugin creates no accounts, there may be none to move to.
pub fn leaves_account(record: &Record, settings: &Settings) -> bool {
    record.account.is_some() && settings.missing_user == MissingUser::Create
}

/// How many grants that open doors would go: all of them, if the member `leaves` the account.
pub fn lost(
    holds: &[Hold],
    entitled: &Entitlement,
    leaves: bool,
    mappings: &Mappings,
    now: Timestamp,
) -> u64 {
    let is_lost =
        |hold: &&Hold| (leaves || entitled.desired(hold.group).is_none()) && is_open(hold, mappings, now);
    holds.iter().filter(is_lost).count() as u64
}

/// Whether a grant opens doors, now or later. The grants of a deleted group are gone with it.
pub fn is_open(hold: &Hold, mappings: &Mappings, now: Timestamp) -> bool {
    hold.window.ends_at.is_none_or(|end| end > now) && !mappings.is_deleted(hold.group)
}
