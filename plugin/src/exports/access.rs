//! Whether a member may enter now, and if not, why.

use crate::access::{Access, Facts, Seen, access, current};
use crate::contract::access::{Device, Door, Explanation};
use crate::contract::events::Grant;
use crate::contract::types::{Member, Timestamp};
use crate::explain::alert;
use crate::host::Host;
use crate::identity::address;
use crate::kisi::error::Error;
use crate::kisi::{Budget, Kisi, users};
use crate::ledger::store::{Loaded, holder_of_email};
use crate::reconcile::{directory_error, name_plans};
use crate::stop::Stop;
use crate::tenant::{self, Groups, Tenant};

/// See `access.explain`.
pub fn explain(host: &dyn Host, member: &str, device: Device, verify: bool) -> Result<Explanation, Stop> {
    let mut known = Known::load(host, member)?;
    known.device = device;
    if verify && known.tenant.pause().is_none() {
        known.ask(host, |kisi, known| known.look(kisi))?;
    }
    let Access { verdict, open, doors: _, alerts } = &known.access();
    let mappings = &known.tenant.mappings.value;
    let mut until = Some(0);
    let mut groups = Vec::new();
    for (group, window) in open {
        until = until.and_then(|until| window.ends_at.map(|end| end.max(until)));
        groups.push(Grant { group: mappings.group_ref(*group), window: (*window).into() });
    }
    Ok(Explanation {
        verdict: *verdict,
        until: until.filter(|_| !open.is_empty()),
        groups,
        doors: known.doors(),
        alerts: alerts.iter().map(|found| alert::alert(found, mappings)).collect(),
    })
}

/// What is known about a member, without requests unless [`Known::ask`] is used.
pub(super) struct Known {
    pub(super) tenant: Tenant,
    pub(super) groups: Groups,
    pub(super) loaded: Loaded,
    member: Option<Member>,
    email_is_anothers: bool,
    device: Device,
    seen: Option<Seen>,
    now: Timestamp,
}

impl Known {
    /// Reads directory and storage.
    pub(super) fn load(host: &dyn Host, id: &str) -> Result<Known, Stop> {
        let mut known = Known {
            tenant: Tenant::load_connected(host)?,
            groups: tenant::groups(host)?.value,
            loaded: Loaded::load(host, id)?,
            member: host.get_member(id).map_err(directory_error)?,
            email_is_anothers: false,
            device: Device { bluetooth: None, location: None, signed_in: None },
            seen: None,
            now: host.now(),
        };
        if let Some(member) = &known.member {
            let mappings = &mut known.tenant.mappings.value;
            if member.memberships.iter().any(|membership| mappings.groups_of(membership).is_empty()) {
                name_plans(host, mappings)?;
            }
            if let (Some(email), None) =
                (address(member.email.as_deref()), current(&known.loaded.record, member))
            {
                let holder = holder_of_email(host, &email)?;
                known.email_is_anothers = holder.is_some_and(|holder| holder != id);
            }
        }
        Ok(known)
    }

    /// The inputs of the decision.
    pub(super) fn facts(&self) -> Facts<'_> {
        Facts {
            member: self.member.as_ref(),
            record: &self.loaded.record,
            email_is_anothers: self.email_is_anothers,
            groups: &self.groups,
            mappings: &self.tenant.mappings.value,
            settings: &self.tenant.config.value.settings,
            is_paused: self.tenant.config.value.paused.is_some(),
            seen: self.seen.as_ref(),
            device: self.device,
            now: self.now,
        }
    }

    /// The decision.
    pub(super) fn access(&self) -> Access {
        access(&self.facts())
    }

    /// The doors that the member may open, in the contract's form.
    pub(super) fn doors(&self) -> Vec<Door> {
        let mut doors = Vec::new();
        for id in self.access().doors {
            if let Some(door) = self.groups.doors.iter().find(|door| door.id == id) {
                doors.push(Door {
                    id: id.to_string(),
                    name: door.name.clone(),
                    place: Some(door.place.clone()).filter(|place| !place.is_empty()),
                });
            }
        }
        doors
    }

    /// The address of the member's account, as Kisi has it.
    pub(super) fn email(&self) -> Option<String> {
        let member = self.member.as_ref()?;
        current(&self.loaded.record, member).map(|account| account.email.clone())
    }

    /// Reads the member's account in Kisi.
    pub(super) fn look(&mut self, kisi: &Kisi) -> Result<(), Stop> {
        self.seen = look(kisi, &self.loaded)?;
        Ok(())
    }

    /// Drops recorded grants of accounts that were not read from Kisi.
    pub(super) fn doubt_unseen(&mut self) {
        let seen = self.seen.as_ref().map(|seen| seen.user);
        self.loaded.record.holds.retain(|hold| Some(hold.user) == seen);
        self.loaded.record.elevated.retain(|elevated| Some(elevated.user) == seen);
    }

    /// Sends requests to Kisi, unless the tenant is paused. An error that pauses it is stored.
    pub(super) fn ask<T>(
        &mut self,
        host: &dyn Host,
        ask: impl FnOnce(&Kisi, &mut Known) -> Result<T, Stop>,
    ) -> Result<T, Stop> {
        if let Some(stop) = self.tenant.pause() {
            return Err(stop);
        }
        let integration = self.tenant.config.value.settings.integration.clone();
        let budget = Budget::unlimited();
        let answer = ask(&Kisi::new(host, &integration, &budget), self);
        if let Err(error) = &answer {
            self.tenant.note_pause(host, error);
        }
        answer
    }
}

/// Reads the member's user from Kisi and, if it exists, its role assignments.
fn look(kisi: &Kisi, loaded: &Loaded) -> Result<Option<Seen>, Stop> {
    let record = &loaded.record;
    let tied = record.account.as_ref().map(|account| account.user);
    // Until the new account has the grants, the old one still has them.
    let tied =
        tied.filter(|user| record.holds.is_empty() || record.holds.iter().any(|hold| hold.user == *user));
    let Some(user) = tied.or_else(|| record.holds.first().map(|hold| hold.user)) else { return Ok(None) };
    let mut seen = Seen { user, presence: None, rows: Vec::new() };
    let looked = kisi.send(users::presence(user)).and_then(|presence| {
        seen.rows = kisi.assignments_of(user)?;
        seen.presence = Some(presence);
        Ok(())
    });
    match looked {
        Ok(()) | Err(Error::Missing(_)) => Ok(Some(seen)),
        Err(error) => Err(error.into_contract()),
    }
}
