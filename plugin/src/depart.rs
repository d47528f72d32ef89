//! Ends an installation in steps. Each step reports some members, who keep their grants or lose those that the plugin
//! gave or adopted; manual grants and higher roles stay. A record is removed only when the caller passes its member, or
//! a later one, as `after`: until then a step can be repeated and reports the same.

use crate::clear::end_login;
use crate::contract::connection::{Departed, Person};
use crate::contract::events::Action;
use crate::contract::types::{GroupRef, ProviderAnswer};
use crate::explain;
use crate::host::Host;
use crate::id::{GroupId, UserId};
use crate::kisi::error::Error;
use crate::kisi::{Budget, Kisi, role_assignments};
use crate::ledger::store::{Loaded, MEMBERS, forget};
use crate::ledger::{Hold, State};
use crate::mapping::Mappings;
use crate::outcome;
use crate::rights;
use crate::settings::Integration;
use crate::settle::settle_user;
use crate::stop::{Stop, is_damage, is_reject, reject};
use crate::storage;
use crate::sync::kept;
use crate::tenant::{self, CONFIG, Groups, Versioned};

/// Members that a step reports at most; also the records that are read together for removal.
const PEOPLE_MAX: u32 = 100;
/// Pages of storage that a step clears at most, so that it ends in time.
const PAGES_MAX: u32 = 100;
/// Requests of a check of the key's rights.
const RIGHTS_CALLS: u32 = 4;

/// A step in progress.
struct Step<'a> {
    host: &'a dyn Host,
    /// Absent when members keep their grants.
    kisi: Option<Kisi<'a>>,
    budget: &'a Budget,
    mappings: Mappings,
    groups: Groups,
    /// The key's rights were checked in this step.
    key_is_fine: bool,
    /// The last member's record changed.
    went_on: bool,
}

/// Removes the records up to `after` and handles some members behind it. Without an `integration`, no request is sent
/// and members keep their grants.
///
/// # Errors
/// What the host must do; the same step then continues.
pub fn step(
    host: &dyn Host,
    integration: Option<&Integration>,
    after: Option<&str>,
    budget: &Budget,
) -> Result<Departed, Stop> {
    let after = after.map(|after| format!("{MEMBERS}{after}"));
    let mut departed = Departed { people: Vec::new(), finished: false };
    if let Some(after) = &after
        && !forget_until(host, after)?
    {
        return Ok(departed);
    }
    let entries = storage::scan(host, MEMBERS, after.as_deref(), PEOPLE_MAX)?;
    let mut step = Step {
        host,
        kisi: integration.map(|integration| Kisi::new(host, integration, budget)),
        budget,
        mappings: readable(tenant::mappings(host))?,
        groups: readable(tenant::groups(host))?,
        key_is_fine: false,
        went_on: false,
    };
    for entry in &entries {
        match step.person(entry.key.strip_prefix(MEMBERS).unwrap_or_default()) {
            Ok(person) => departed.people.push(person),
            // Report the members so far first. The next step meets the error again.
            Err(_) if !departed.people.is_empty() => return Ok(departed),
            Err(_) if budget.is_exhausted() && step.went_on => return Ok(departed),
            Err(_) if budget.is_exhausted() => {
                let text = "The next member needs more requests than this step may send: allow it more.";
                return Err(reject(text, None));
            }
            Err(stop) => return Err(stop),
        }
    }
    if entries.is_empty() {
        let mut pages = 0;
        while pages < PAGES_MAX && !departed.finished {
            departed.finished = kept::remove(host, "", CONFIG)?;
            pages += 1;
        }
    }
    Ok(departed)
}

/// Removes the records up to a key. False when more are left.
fn forget_until(host: &dyn Host, last: &str) -> Result<bool, Stop> {
    for _ in 0..PAGES_MAX {
        let entries = storage::scan(host, MEMBERS, None, PEOPLE_MAX)?;
        for entry in &entries {
            if entry.key.as_str() > last {
                return Ok(true);
            }
            forget(host, entry.key.strip_prefix(MEMBERS).unwrap_or_default())?;
        }
        if entries.is_empty() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Mapping and groups give only names here, so damaged ones count as empty.
fn readable<T: Default>(stored: Result<Versioned<T>, Stop>) -> Result<T, Stop> {
    match stored {
        Err(stop) if is_damage(&stop) => Ok(T::default()),
        stored => Ok(stored?.value),
    }
}

impl Step<'_> {
    /// Handles and reports a member.
    fn person(&mut self, member: &str) -> Result<Person, Stop> {
        let mut problems = Vec::new();
        let mut loaded = Loaded::load(self.host, member)?;
        let mut person = Person {
            member: member.to_string(),
            email: None,
            removed: Vec::new(),
            keeps: Vec::new(),
            problem: None,
        };
        if loaded.record.damaged {
            problems.push(
                "The plugin's own record of this member was damaged: look at the member in Kisi.".to_string(),
            );
        }
        if let Some(kisi) = self.kisi {
            let before = loaded.record.clone();
            let taken = self.take(&kisi, &mut loaded, &mut problems);
            self.went_on = loaded.record != before;
            loaded.save(self.host)?;
            taken?;
        }
        person.email = loaded.record.account.map(|account| account.email);
        person.removed = self.named(loaded.record.removed.into_iter());
        person.keeps = self.named(loaded.record.holds.iter().map(|hold| hold.group));
        if loaded.record.holds.iter().any(|hold| !matches!(hold.state, State::Held { .. })) {
            problems.push(
                "A change was under way and it is not known whether Kisi made it: look at the member in Kisi."
                    .to_string(),
            );
        }
        person.problem = Some(problems.join(" ")).filter(|problem| !problem.is_empty());
        Ok(person)
    }

    /// Ends a member's logins and removes the grants that the plugin gave or adopted.
    fn take(&mut self, kisi: &Kisi, loaded: &mut Loaded, problems: &mut Vec<String>) -> Result<(), Stop> {
        let mut place = 0;
        while place < loaded.record.logins.len() {
            match end_login(kisi, &mut loaded.record.logins, place) {
                Err(stop) if is_reject(&stop) => {
                    problems.push(stop.message);
                    place += 1;
                }
                ended => ended?,
            }
        }
        let mut users: Vec<UserId> = Vec::new();
        for hold in &loaded.record.holds {
            if !users.contains(&hold.user) {
                users.push(hold.user);
            }
        }
        for user in users {
            self.take_from(user, kisi, loaded, problems)?;
        }
        Ok(())
    }

    /// Removes a user's recorded grants. Kisi is read first: an intent may have been carried out, and a grant may have
    /// become a higher role.
    fn take_from(
        &mut self,
        user: UserId,
        kisi: &Kisi,
        loaded: &mut Loaded,
        problems: &mut Vec<String>,
    ) -> Result<(), Stop> {
        let rows = match kisi.assignments_of(user) {
            Err(Error::Missing(_)) => Vec::new(),
            rows => rows.map_err(Error::into_contract)?,
        };
        let mut done = Vec::new();
        settle_user(&mut loaded.record, user, &rows, &mut done);
        for done in done {
            // Most likely begun by an interrupted step.
            if done.action == Action::Revoked {
                removed(loaded, done.hold.group);
            }
        }
        let mut taken: Vec<Hold> = Vec::new();
        for hold in loaded.record.holds.iter_mut().filter(|hold| hold.user == user) {
            let Some(row) = rows.iter().find(|row| Some(row.id) == hold.assignment()) else { continue };
            if row.is_plain() {
                hold.state = State::Revoking { assignment: row.id };
                taken.push(hold.clone());
            } else {
                problems.push(explain::elevated(&row.name, &row.role_id));
            }
        }
        loaded.save(self.host)?;
        for hold in taken {
            let Some(assignment) = hold.assignment() else { continue };
            match kisi.send(role_assignments::delete(assignment)) {
                Ok(_) | Err(Error::Missing(_)) => {
                    loaded.record.forget(assignment);
                    removed(loaded, hold.group);
                }
                Err(error) if !error.nothing_was_done() => return Err(error.into_contract()),
                Err(error) => {
                    loaded.record.abandon(user, hold.group, Some(assignment));
                    problems.push(self.refused(kisi, &hold, error)?);
                }
            }
        }
        Ok(())
    }

    /// The sentence for a removal that Kisi refused for good.
    fn refused(&mut self, kisi: &Kisi, hold: &Hold, error: Error) -> Result<String, Stop> {
        let answer: Box<ProviderAnswer> = match error {
            Error::Invalid(answer) | Error::Conflict(answer) => answer,
            Error::Forbidden(answer) => {
                // If the key lacks rights, all removals stop; otherwise only this one is refused. Without requests left
                // for the check, the latter is assumed.
                if !self.key_is_fine && self.budget.left() >= RIGHTS_CALLS {
                    rights::check(kisi)?;
                    self.key_is_fine = true;
                }
                answer
            }
            error => return Err(error.into_contract()),
        };
        let group = self.named(std::iter::once(hold.group)).pop();
        let mut outcome = outcome::new("");
        if let Some(group) = group {
            outcome::failed(&mut outcome, Action::Revoked, group, &answer);
        }
        Ok(outcome.failures.pop().map(|failure| failure.message).unwrap_or_default())
    }

    /// The groups with their names, each once.
    fn named(&self, groups: impl Iterator<Item = GroupId>) -> Vec<GroupRef> {
        let mut named: Vec<GroupRef> = Vec::new();
        for id in groups {
            let mut group = self.mappings.group_ref(id);
            if let Some(known) = self.groups.groups.iter().find(|known| known.id == id) {
                group.name.clone_from(&known.name);
            }
            if !named.contains(&group) {
                named.push(group);
            }
        }
        named
    }
}

fn removed(loaded: &mut Loaded, group: GroupId) {
    if !loaded.record.removed.contains(&group) {
        loaded.record.removed.push(group);
    }
}
