//! Makes Kisi match one member as they are now. Why it was called never reaches a decision: an event is a hint.

use crate::apply::{Applied, Apply};
use crate::clear;
use crate::contract::directory::DirectoryError;
use crate::contract::events::{AccountAction, Action, Outcome, WarningKind};
use crate::contract::types::{Member, MemberStatus, Reason, Timestamp};
use crate::entitlement::{Entitlement, Withheld, earliest, entitlement};
use crate::explain;
use crate::host::Host;
use crate::id::{GroupId, UserId};
use crate::identity::{self, Tie, address};
use crate::kisi::Kisi;
use crate::kisi::error::Error;
use crate::kisi::role_assignments::RoleAssignment;
use crate::kisi::users::{self, User};
use crate::ledger::store::{Loaded, followed, freed, look_again};
use crate::ledger::{Elevated, Hold, Record, State, fingerprint};
use crate::mapping::{MappedPlan, Mappings};
use crate::outcome;
use crate::plan::{DateChange, Edit, Refused, Why, plan};
use crate::settings::{OnBlock, Settings};
use crate::settle::settle;
use crate::stop::{Stop, is_reject, is_retry, retry};
use crate::storage;
use crate::sync::kept;
use crate::tenant::Tenant;

/// How often a member is planned anew in one call because Kisi was other than the ledger said. Each round settles at
/// least one group, so more means that somebody else is changing the same member at the same time.
const ROUNDS_MAX: usize = 200;
/// How many freed addresses one event may follow up. The rest waits for the next event.
const FOLLOWERS_MAX: usize = 20;

/// How long a role above a plain member's is taken to be still there: nobody tells when it goes.
const ELEVATED_MS: u64 = 24 * 60 * 60 * 1_000;

/// How often somebody is looked at whose account another member holds something through.
const TAKEN_MS: u64 = 60 * 60 * 1_000;
/// When somebody is looked at again who could not have an address that became free.
const LOOK_AGAIN_MS: u64 = 60_000;
const RETRY_DIRECTORY_MS: u64 = 1_000;
const RETRY_ROUNDS_MS: u64 = 5_000;

/// When what Kisi refused is tried again by itself.
pub const REFUSED_MS: u64 = 6 * 60 * 60 * 1_000;

/// One call that changes members.
pub struct Call<'a> {
    /// The host.
    pub host: &'a dyn Host,
    /// Kisi, through the host.
    pub kisi: Kisi<'a>,
    /// The installation.
    pub tenant: &'a mut Tenant,
    /// The time of the call.
    pub now: Timestamp,
    /// Whether a reconciliation has kept all of Kisi's users, so that nobody need be looked for.
    pub users_are_kept: bool,
    /// Whether what memberships no longer give is left, because somebody must confirm first that it goes.
    pub spares: bool,
    /// How dates of the member in progress are changed, when it is otherwise than is known of the installation.
    pub date_change: Option<DateChange>,
    /// Whom the ledger is not believed about before Kisi was read.
    verify: Option<String>,
    outcomes: Vec<Outcome>,
    in_progress: Vec<String>,
    reconciled: Vec<String>,
}

/// What one round came to.
enum Round {
    Settled,
    Again,
}

impl<'a> Call<'a> {
    /// A call for `tenant`.
    pub fn new(host: &'a dyn Host, kisi: Kisi<'a>, tenant: &'a mut Tenant) -> Call<'a> {
        Call {
            host,
            kisi,
            tenant,
            now: host.now(),
            users_are_kept: false,
            spares: false,
            date_change: None,
            verify: None,
            outcomes: Vec::new(),
            in_progress: Vec::new(),
            reconciled: Vec::new(),
        }
    }

    /// Brings `member` up to date, and those who waited for an address that became free by it. The member's own
    /// outcome is the first.
    ///
    /// # Errors
    /// What the host must do, with the outcomes so far.
    pub fn run(mut self, member: &str) -> Result<Vec<Outcome>, (Stop, Vec<Outcome>)> {
        let done = self.reconcile(member).and_then(|()| self.followers());
        let first = self.outcomes.iter().position(|outcome| outcome.member == member).unwrap_or(0);
        if let Some(outcomes) = self.outcomes.get_mut(..=first) {
            outcomes.rotate_right(1);
        }
        match done {
            Ok(()) => Ok(self.outcomes),
            Err(error) => {
                self.tenant.note_pause(self.host, &error);
                Err((error, self.outcomes))
            }
        }
    }

    /// The same, where Kisi may be other than the ledger says: then what it says is read first.
    ///
    /// # Errors
    /// As [`Call::run`].
    pub fn run_verified(mut self, member: &str, verify: bool) -> Result<Vec<Outcome>, (Stop, Vec<Outcome>)> {
        self.verify = verify.then(|| member.to_string());
        self.run(member)
    }

    /// The user with this address.
    ///
    /// # Errors
    /// What the host must do.
    pub fn find(&self, email: &str) -> Result<Option<User>, Stop> {
        if self.users_are_kept {
            return kept::user_with(self.host, email);
        }
        identity::find(&self.kisi, email).map_err(Error::into_contract)
    }

    /// Brings one member up to date.
    ///
    /// # Errors
    /// What the host must do.
    pub fn reconcile(&mut self, member: &str) -> Result<(), Stop> {
        let mut outcome = outcome::new(member);
        self.in_progress.push(member.to_string());
        // What one member's refusal made necessary is no rule for the next one.
        let date_change = self.date_change.take();
        let result = self.rounds(member, &mut outcome);
        self.date_change = date_change;
        self.in_progress.pop();
        // Who could not be brought up to date now may still make way.
        if !result.as_ref().is_err_and(is_retry) {
            self.reconciled.push(member.to_string());
        }
        if result.is_ok() || outcome::did_something(&outcome) {
            self.outcomes.push(outcome);
        }
        result
    }

    /// How dates of assignments can be changed.
    pub fn date_change(&self) -> DateChange {
        self.date_change.unwrap_or(self.tenant.config.value.date_change)
    }

    /// Whether this member is being brought up to date further up.
    pub fn is_in_progress(&self, member: &str) -> bool {
        self.in_progress.iter().any(|other| other == member)
    }

    /// Whether this member was brought up to date in this call.
    pub fn was_reconciled(&self, member: &str) -> bool {
        self.reconciled.iter().any(|other| other == member)
    }

    /// Remembers that Kisi no longer has a group.
    ///
    /// # Errors
    /// Those of storage.
    pub fn mark_deleted(&mut self, group: GroupId) -> Result<(), Stop> {
        self.tenant.mappings.value.mark_deleted(group);
        self.tenant.mappings.value.forget_unmapped_plans();
        self.tenant.mappings.save(self.host)
    }

    /// Brings those up to date who may have waited for an address that became free, in this call or in one before
    /// that was cut off.
    fn followers(&mut self) -> Result<(), Stop> {
        for _ in 0..FOLLOWERS_MAX {
            let Some(email) = freed(self.host, 1)?.pop() else { break };
            for waiting in self.host.find_members(&email).map_err(directory_error)? {
                if self.was_reconciled(&waiting.id) {
                    continue;
                }
                match self.reconcile(&waiting.id) {
                    // What keeps them from it holds up nobody else.
                    Err(stop) if is_retry(&stop) => {
                        let at = self.now.saturating_add(LOOK_AGAIN_MS);
                        storage::commit(self.host, vec![look_again(at, &waiting.id)])?;
                        self.put_off(&waiting.id, at);
                    }
                    // What is wrong with their data is told when an event of theirs comes.
                    Err(stop) if !is_reject(&stop) => return Err(stop),
                    _ => {}
                }
            }
            followed(self.host, &email)?;
        }
        Ok(())
    }

    /// Tells the host when somebody is looked at again.
    fn put_off(&mut self, member: &str, at: Timestamp) {
        if self.outcomes.last().is_none_or(|outcome| outcome.member != member) {
            self.outcomes.push(outcome::new(member));
        }
        if let Some(outcome) = self.outcomes.last_mut() {
            outcome.due_at = Some(at);
        }
    }

    fn rounds(&mut self, id: &str, outcome: &mut Outcome) -> Result<(), Stop> {
        let mut refused = Vec::new();
        for _ in 0..ROUNDS_MAX {
            let mut loaded = Loaded::load(self.host, id)?;
            let member = self.host.get_member(id).map_err(directory_error)?;
            if let Round::Settled = self.round(member.as_ref(), &mut loaded, outcome, &mut refused)? {
                return Ok(());
            }
        }
        let message = "Kisi keeps changing while this member is brought up to date.";
        Err(retry(RETRY_ROUNDS_MS, message, None))
    }

    fn round(
        &mut self,
        member: Option<&Member>,
        loaded: &mut Loaded,
        outcome: &mut Outcome,
        refused: &mut Vec<Refused>,
    ) -> Result<Round, Stop> {
        let settings = &self.tenant.config.value.settings;
        let on_block = settings.on_block;
        loaded.record.removed.clear();
        let mut entitled = entitled(member, &self.tenant.mappings.value, settings, self.now);
        // In the first round alone: what it found out holds for the others.
        let verify = self.verify.take_if(|verify| *verify == loaded.member).is_some()
            || loaded.record.damaged && loaded.record.account.is_some();
        if entitled.withheld.iter().any(|withheld| withheld.reason == Reason::PlanWithoutAccess) {
            name_plans(self.host, &mut self.tenant.mappings.value)?;
        }
        let barred = member.is_none_or(|member| member.status == MemberStatus::Blocked);
        if barred && on_block == OnBlock::All {
            if verify {
                loaded.record.cleared = None;
            }
            // The phone is shut out though a group may not be left yet.
            let cleared = clear::clear(self, member, loaded, outcome);
            self.end_logins(loaded)?;
            cleared?;
            return self.conclude(member, &entitled, loaded, outcome);
        }
        let settled = settle(&self.kisi, &mut loaded.record, verify).map_err(Error::into_contract)?;
        loaded.record.cleared = None;
        if verify && loaded.record.damaged && loaded.record.account.is_some() {
            loaded.record.damaged = false;
            // Before a tie ends by which it is known whose they are.
            for row in &settled.rows {
                self.adopt(row, &entitled, &mut loaded.record, outcome);
            }
        }
        let email = member.and_then(|member| address(member.email.as_deref()));
        let email = match &loaded.record.account {
            // It may be a stranger's: whoever is spared stays in the account that they have.
            Some(account) if self.spares => email.map(|_| account.email.clone()),
            _ => email,
        };
        let leaves = !barred
            && loaded.record.account.as_ref().is_some_and(|account| Some(&account.email) != email.as_ref());
        // What keeps the member from a new account; the old one goes on giving what memberships give, and no more.
        let mut unusable = None;
        if leaves && !loaded.record.logins.is_empty() {
            // The account may be somebody else's soon, and a phone that is signed in would open that one's doors.
            match self.end_logins(loaded) {
                Err(stop) if is_reject(&stop) => unusable = Some(stop),
                ended => ended?,
            }
        }
        if unusable.is_none() && self.untie_unless(email.as_deref(), &mut loaded.record, outcome) {
            // Recorded at once, so that it is told once, whatever fails from here on.
            loaded.save(self.host)?;
        }
        if verify {
            // Those that are still there are among the rows.
            loaded.record.elevated.clear();
        }
        for row in &settled.rows {
            self.adopt(row, &entitled, &mut loaded.record, outcome);
        }
        for done in settled.done {
            let why = match entitled.desired(done.hold.group) {
                Some(desired) => Why::Entitled(desired.clone()),
                None => Why::Lost(entitled.why_not(done.hold.group)),
            };
            let mappings = &self.tenant.mappings.value;
            let group = mappings.group_ref(done.hold.group);
            outcome.changes.push(explain::change(done.action, group, done.hold.window, &why, mappings));
        }
        if let Some(member) = member
            && !entitled.groups.is_empty()
        {
            match email {
                None => entitled.withhold(Reason::MissingEmail),
                Some(_) if loaded.record.account.is_some() => {}
                Some(email) => match identity::tie(self, member, &email, loaded, outcome) {
                    // What the account holds was given by a record that is lost, most likely.
                    Ok(Tie::Tied) if loaded.record.damaged => {
                        loaded.save(self.host)?;
                        return Ok(Round::Again);
                    }
                    Ok(Tie::Tied) => {}
                    Ok(Tie::Again) => return Ok(Round::Again),
                    // There is no new account to move to: what the old one gives stays as memberships say.
                    Ok(Tie::Withheld(Reason::NoAccount)) if !loaded.record.holds.is_empty() => {
                        entitled.withheld.push(Withheld::member(Reason::NoAccount));
                    }
                    Ok(Tie::Withheld(reason)) => entitled.withhold(reason),
                    Ok(Tie::Taken) => {
                        entitled.withhold(Reason::EmailInUse);
                        let again = self.now.saturating_add(TAKEN_MS);
                        entitled.due_at = earliest(entitled.due_at, Some(again));
                    }
                    Ok(Tie::Waits(stop)) if !loaded.record.holds.is_empty() => unusable = Some(stop),
                    Err(stop) if is_reject(&stop) && !loaded.record.holds.is_empty() => {
                        unusable = Some(stop);
                    }
                    Ok(Tie::Waits(stop)) | Err(stop) => return Err(stop),
                },
            }
        }
        let tied = loaded.record.account.as_ref().map(|account| account.user);
        let user = tied.or_else(|| loaded.record.holds.first().map(|hold| hold.user));
        self.heed_elevated(&entitled, user, &mut loaded.record, outcome, refused);
        let date_change = self.date_change();
        let mappings = &self.tenant.mappings.value;
        let mut edits = plan(&entitled, user, &loaded.record, mappings, date_change, refused, self.now);
        if self.spares {
            edits.retain(|edit| !matches!(edit, Edit::Revoke { why: Why::Lost(_), .. }));
        }
        if !edits.is_empty() {
            let mut apply = Apply { call: self, loaded, outcome, refused, entitled: &entitled };
            if apply.run(edits)? == Applied::PlanAgain {
                return Ok(Round::Again);
            }
        }
        if let Some(member) = member.filter(|_| !entitled.groups.is_empty() && !self.spares)
            && let Some(user) = self.rename(member, loaded, outcome)?
        {
            let mut apply = Apply { call: self, loaded, outcome, refused, entitled: &entitled };
            apply.user_is_gone(user);
            loaded.save(self.host)?;
            return Ok(Round::Again);
        }
        if barred {
            self.end_logins(loaded)?;
        }
        let concluded = self.conclude(member, &entitled, loaded, outcome)?;
        unusable.map_or(Ok(concluded), Err)
    }

    /// Ends the logins of a member's app, after the groups: without these they open nothing. When one cannot be ended,
    /// the call fails and the next one tries again.
    fn end_logins(&self, loaded: &mut Loaded) -> Result<(), Stop> {
        let ended = clear::end_logins(&self.kisi, &mut loaded.record.logins);
        if ended.is_err() {
            loaded.record.cleared = None;
            loaded.save(self.host)?;
        }
        ended
    }

    /// Takes over what was given by hand and the member is entitled to, and takes note of roles above a plain member's.
    fn adopt(
        &self,
        row: &RoleAssignment,
        entitled: &Entitlement,
        record: &mut Record,
        outcome: &mut Outcome,
    ) {
        let tied = record.account.as_ref().map(|account| account.user);
        let (Some(group), Some(user)) = (row.group(), row.user().filter(|user| Some(*user) == tied)) else {
            return;
        };
        let Some(desired) = entitled.desired(group) else { return };
        record.elevated.retain(|elevated| elevated.group != group || elevated.user != user);
        if !row.is_plain() {
            let (role, seen_at) = (row.role_id.clone(), self.now);
            record.elevated.push(Elevated { user, group, role, seen_at });
        } else if record.holds.iter().all(|hold| hold.group != group || hold.user != user) {
            let state = State::Held { assignment: row.id };
            record.holds.push(Hold { user, group, window: row.window(), state });
            let (mappings, why) = (&self.tenant.mappings.value, Why::Entitled(desired.clone()));
            let group = mappings.group_ref(group);
            outcome.changes.push(explain::change(Action::Adopted, group, row.window(), &why, mappings));
        }
    }

    /// Ends the tie to an account whose address is no longer the member's. True when there was one.
    pub fn untie_unless(&mut self, email: Option<&str>, record: &mut Record, outcome: &mut Outcome) -> bool {
        if record.account.as_ref().is_none_or(|account| Some(account.email.as_str()) == email) {
            return false;
        }
        let Some(account) = record.untie() else { return false };
        let explanation = explain::tied(AccountAction::Unlinked, &account.email);
        outcome::account(outcome, AccountAction::Unlinked, account.user, explanation);
        true
    }

    /// Leaves groups alone in which the member has a role above a plain member's, and says so.
    fn heed_elevated(
        &self,
        entitled: &Entitlement,
        user: Option<UserId>,
        record: &mut Record,
        outcome: &mut Outcome,
        refused: &mut Vec<Refused>,
    ) {
        record.elevated.retain(|elevated| {
            Some(elevated.user) == user
                && entitled.desired(elevated.group).is_some()
                && self.now < elevated.seen_at.saturating_add(ELEVATED_MS)
        });
        for elevated in &record.elevated {
            let group = self.tenant.mappings.value.group_ref(elevated.group);
            let explanation = explain::elevated(&group.name, &elevated.role);
            outcome::warn(outcome, WarningKind::ElevatedRole, Some(group), explanation);
            if !refused.contains(&Refused::Grant(elevated.group)) {
                refused.push(Refused::Grant(elevated.group));
            }
        }
    }

    /// Keeps the name of an account that the plugin created in step. A repeated rename does no harm, so it needs no
    /// intent. Gives the user when Kisi no longer has them.
    fn rename(
        &mut self,
        member: &Member,
        loaded: &mut Loaded,
        outcome: &mut Outcome,
    ) -> Result<Option<UserId>, Stop> {
        let current = fingerprint(&member.name);
        let Some(account) =
            loaded.record.account.as_mut().filter(|account| account.name.is_some_and(|name| name != current))
        else {
            return Ok(None);
        };
        match self.kisi.send(users::rename(account.user, &member.name)) {
            Ok(_) => {
                account.name = Some(current);
                let explanation = explain::tied(AccountAction::Renamed, &account.email);
                outcome::account(outcome, AccountAction::Renamed, account.user, explanation);
            }
            // A name that Kisi does not take locks nobody out: it is tried again when the name changes again.
            Err(Error::Invalid(_) | Error::Forbidden(_)) => account.name = Some(current),
            Err(Error::Missing(_)) => return Ok(Some(account.user)),
            Err(error) => return Err(error.into_contract()),
        }
        Ok(None)
    }

    fn conclude(
        &mut self,
        member: Option<&Member>,
        entitled: &Entitlement,
        loaded: &mut Loaded,
        outcome: &mut Outcome,
    ) -> Result<Round, Stop> {
        if member.is_none() && loaded.record.holds.is_empty() && outcome.failures.is_empty() {
            self.untie_unless(None, &mut loaded.record, outcome);
            loaded.record = Record::default();
        }
        loaded.record.due = entitled.due(&loaded.record.holds, self.now);
        if !outcome.failures.is_empty() {
            loaded.record.due = earliest(loaded.record.due, Some(self.now.saturating_add(REFUSED_MS)));
        }
        loaded.save(self.host)?;
        let mappings = &self.tenant.mappings.value;
        for withheld in entitled.withheld.iter().filter(|withheld| withheld.reason == Reason::GroupDeleted) {
            let group = withheld.group.map(|group| mappings.group_ref(group));
            outcome::warn(
                outcome,
                WarningKind::BrokenMapping,
                group,
                explain::refusal(withheld, mappings).explanation,
            );
        }
        outcome::conclude(outcome, &loaded.record, entitled, self.now, mappings);
        Ok(Round::Settled)
    }
}

/// What a member is entitled to; nothing when the directory no longer has them.
pub fn entitled(
    member: Option<&Member>,
    mappings: &Mappings,
    settings: &Settings,
    now: Timestamp,
) -> Entitlement {
    match member {
        Some(member) => {
            let mut entitled = entitlement(member, mappings, settings.grace_ms(), now);
            for desired in &mut entitled.groups {
                desired.lease_ms = settings.lease_ms();
            }
            entitled
        }
        None => {
            let mut nothing = Entitlement::default();
            nothing.withhold(Reason::Deleted);
            nothing
        }
    }
}

/// Learns the names of all plans, where one must be named that is not mapped.
///
/// # Errors
/// `retry` when the directory does not answer.
pub fn name_plans(host: &dyn Host, mappings: &mut Mappings) -> Result<(), Stop> {
    let plans = host.list_plans().map_err(directory_error)?;
    mappings.plans = plans.into_iter().map(|plan| MappedPlan { id: plan.id, name: plan.name }).collect();
    Ok(())
}

/// What the host must do about a directory that does not answer.
pub fn directory_error(error: DirectoryError) -> Stop {
    let DirectoryError::Unavailable(why) = error;
    retry(RETRY_DIRECTORY_MS, &format!("The platform's directory does not answer: {why}."), None)
}
