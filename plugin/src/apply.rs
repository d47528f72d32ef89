//! Carries out a plan: intents first, then one request an edit, then the record of what was done. Where Kisi turns out
//! to be other than the ledger says, the ledger is corrected and the caller plans again.

use crate::contract::events::{Action, Outcome, WarningKind};
use crate::contract::types::ProviderAnswer;
use crate::entitlement::Entitlement;
use crate::explain;
use crate::id::{AssignmentId, GroupId, UserId};
use crate::kisi::error::Error;
use crate::kisi::role_assignments::RoleAssignment;
use crate::kisi::{groups, role_assignments, users};
use crate::ledger::store::Loaded;
use crate::ledger::{Elevated, Hold, State};
use crate::outcome;
use crate::plan::{DateChange, Edit, Refused, Why, intend};
use crate::reconcile::{Call, REFUSED_MS};
use crate::rights;
use crate::stop::{Stop, retry};
use crate::window::Window;

/// How long to wait when Kisi says that something exists and does not show it: its search lags.
const RETRY_LAG_MS: u64 = 2_000;

/// What follows after a plan was carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applied {
    /// All edits were made.
    Done,
    /// Kisi is other than the ledger said: the ledger is corrected, plan again.
    PlanAgain,
}

/// One member's plan being carried out.
pub struct Apply<'c, 'a> {
    /// The call.
    pub call: &'c mut Call<'a>,
    /// The member's record.
    pub loaded: &'c mut Loaded,
    /// What is told of it.
    pub outcome: &'c mut Outcome,
    /// What was refused for good in this call.
    pub refused: &'c mut Vec<Refused>,
    /// What the member is entitled to.
    pub entitled: &'c Entitlement,
}

impl Apply<'_, '_> {
    /// Makes the edits in their order.
    ///
    /// # Errors
    /// What the host must do. What was done is recorded, what is not known to be done stays as an intent.
    pub fn run(&mut self, edits: Vec<Edit>) -> Result<Applied, Stop> {
        intend(&mut self.loaded.record, &edits, self.call.now);
        self.loaded.save(self.call.host)?;
        let mut edits = edits.into_iter();
        let mut applied = Ok(Applied::Done);
        for edit in edits.by_ref() {
            applied = self.edit(edit);
            if applied != Ok(Applied::Done) {
                break;
            }
        }
        for edit in edits {
            match edit {
                Edit::Grant { user, group, .. } => self.loaded.record.abandon(user, group, None),
                Edit::Adjust { hold, assignment, .. } | Edit::Revoke { hold, assignment, .. } => {
                    self.loaded.record.abandon(hold.user, hold.group, Some(assignment));
                }
                Edit::Drop { .. } => {}
            }
        }
        if applied == Ok(Applied::Done) {
            // Not before: whoever is cut off on the way stays due.
            self.loaded.record.due = self.entitled.due(&self.loaded.record.holds, self.call.now);
        }
        let saved = self.loaded.save(self.call.host);
        let applied = applied?;
        saved?;
        Ok(applied)
    }

    fn edit(&mut self, edit: Edit) -> Result<Applied, Stop> {
        match edit {
            Edit::Grant { user, group, window, why } => self.grant(user, group, window, &why),
            Edit::Adjust { hold, assignment, window, why } => self.adjust(&hold, assignment, window, &why),
            Edit::Revoke { hold, assignment, why } => self.revoke(&hold, assignment, &why),
            Edit::Drop { hold, why } => {
                self.loaded.record.holds.retain(|held| *held != hold);
                self.tell(Action::Dropped, hold.group, hold.window, &why);
                Ok(Applied::Done)
            }
        }
    }

    fn grant(&mut self, user: UserId, group: GroupId, window: Window, why: &Why) -> Result<Applied, Stop> {
        match self.call.kisi.assign(user, group, window) {
            Ok(assignment) => {
                self.loaded.record.abandon(user, group, None);
                self.loaded.record.holds.push(Hold {
                    user,
                    group,
                    window,
                    state: State::Held { assignment },
                });
                self.tell(Action::Granted, group, window, why);
                Ok(Applied::Done)
            }
            Err(error) if !error.nothing_was_done() => Err(error.into_contract()),
            Err(error) => {
                self.loaded.record.abandon(user, group, None);
                match error {
                    Error::Missing(answer) | Error::Conflict(answer) | Error::Invalid(answer) => {
                        self.why_no_grant(user, group, &answer, why)
                    }
                    Error::Forbidden(answer) => {
                        self.forbidden(Action::Granted, group, Refused::Grant(group), &answer)
                    }
                    error => Err(error.into_contract()),
                }
            }
        }
    }

    /// Finds out why Kisi refused to add somebody, since the answer does not say whether the assignment exists, or
    /// the group or the user does not.
    fn why_no_grant(
        &mut self,
        user: UserId,
        group: GroupId,
        answer: &ProviderAnswer,
        why: &Why,
    ) -> Result<Applied, Stop> {
        let rows = match self.call.kisi.assignments_of(user) {
            Ok(rows) => rows,
            Err(Error::Missing(_)) => return Ok(self.user_is_gone(user)),
            Err(error) => return Err(error.into_contract()),
        };
        let in_group: Vec<_> = rows.iter().filter(|row| row.group() == Some(group)).collect();
        let is_known =
            |id: AssignmentId| self.loaded.record.holds.iter().any(|hold| hold.assignment() == Some(id));
        if let Some(row) = in_group.iter().find(|row| row.is_plain() && !is_known(row.id)) {
            let state = State::Held { assignment: row.id };
            self.loaded.record.holds.push(Hold { user, group, window: row.window(), state });
            self.tell(Action::Adopted, group, row.window(), why);
            return Ok(Applied::PlanAgain);
        }
        if let Some(row) = in_group.iter().find(|row| !row.is_plain()) {
            let (role, seen_at) = (row.role_id.clone(), self.call.now);
            self.loaded.record.elevated.push(Elevated { user, group, role, seen_at });
            return Ok(Applied::PlanAgain);
        }
        let adding = self.call.date_change() == DateChange::AddThenRemove && !in_group.is_empty();
        let is_rule = self.call.tenant.config.value.date_change == DateChange::AddThenRemove;
        if adding && is_rule && answer.status == 409 {
            self.learn(DateChange::RemoveThenAdd)?;
            return Ok(Applied::PlanAgain);
        }
        // Twice the time, since hosts tick when they can.
        let again = self.call.now.saturating_add(2 * REFUSED_MS);
        let ends_first = |row: &&RoleAssignment| row.window().ends_at.is_some_and(|end| end <= again);
        if adding && in_group.iter().any(ends_first) {
            // Else the member stood outside before it is tried again: a moment now is less. It is no rule.
            self.call.date_change = Some(DateChange::RemoveThenAdd);
            return Ok(Applied::PlanAgain);
        }
        if adding {
            // What was read shows that user and group are there.
            return Ok(self.refuse(Action::Granted, group, Refused::Grant(group), answer));
        }
        if answer.status == 409 {
            let message = "Kisi says that the member is in the group and does not show it yet.";
            return Err(retry(RETRY_LAG_MS, message, Some(answer.clone())));
        }
        match self.call.kisi.send(groups::get(group)) {
            Ok(_) => {}
            Err(Error::Missing(_)) => {
                self.call.mark_deleted(group)?;
                return Ok(Applied::PlanAgain);
            }
            Err(error) => return Err(error.into_contract()),
        }
        match self.call.kisi.send(users::get(user)) {
            Ok(_) => {}
            Err(Error::Missing(_)) => return Ok(self.user_is_gone(user)),
            Err(error) => return Err(error.into_contract()),
        }
        Ok(self.refuse(Action::Granted, group, Refused::Grant(group), answer))
    }

    fn adjust(
        &mut self,
        hold: &Hold,
        assignment: AssignmentId,
        window: Window,
        why: &Why,
    ) -> Result<Applied, Stop> {
        let unknown = self.call.date_change() == DateChange::Unknown;
        match self.call.kisi.send(role_assignments::set_window(assignment, window)) {
            Ok(_) if unknown => {
                // Whether Kisi honours dates here is inferred, not documented: look once per installation.
                let row =
                    self.call.kisi.send(role_assignments::get(assignment)).map_err(Error::into_contract)?;
                let honoured = row.window().same_from(&window, self.call.now);
                self.adjusted(hold, assignment, row.window());
                self.learn(if honoured { DateChange::InPlace } else { DateChange::AddThenRemove })?;
                if !honoured {
                    return Ok(Applied::PlanAgain);
                }
                self.tell(Action::Adjusted, hold.group, window, why);
                Ok(Applied::Done)
            }
            Ok(_) => {
                self.adjusted(hold, assignment, window);
                self.tell(Action::Adjusted, hold.group, window, why);
                Ok(Applied::Done)
            }
            Err(error) if !error.nothing_was_done() => Err(error.into_contract()),
            Err(error) => {
                self.loaded.record.abandon(hold.user, hold.group, Some(assignment));
                match error {
                    Error::Missing(_) => {
                        self.loaded.record.forget(assignment);
                        self.outcome.changes.push(explain::dropped(hold, &self.call.tenant.mappings.value));
                        Ok(Applied::PlanAgain)
                    }
                    Error::Invalid(answer) if !unknown => {
                        Ok(self.refuse(Action::Adjusted, hold.group, Refused::Adjust(assignment), &answer))
                    }
                    // One refusal is no rule: it holds for this member alone, and for now. With a conflict somebody
                    // else's entry may have these dates already, and adding finds it.
                    Error::Invalid(_) | Error::Conflict(_) => {
                        self.call.date_change = Some(DateChange::AddThenRemove);
                        Ok(Applied::PlanAgain)
                    }
                    Error::Forbidden(answer) => {
                        self.forbidden(Action::Adjusted, hold.group, Refused::Adjust(assignment), &answer)
                    }
                    error => Err(error.into_contract()),
                }
            }
        }
    }

    fn revoke(&mut self, hold: &Hold, assignment: AssignmentId, why: &Why) -> Result<Applied, Stop> {
        let is_gap = *why == Why::Replaced && self.call.date_change() == DateChange::RemoveThenAdd;
        // Nobody stands outside from one step to the next.
        let can_follow = self.call.kisi.want(if is_gap { 2 } else { 1 });
        match can_follow.and_then(|()| self.call.kisi.send(role_assignments::delete(assignment))) {
            Ok(_) => {
                self.loaded.record.forget(assignment);
                if is_gap {
                    self.warn_gap(hold.group);
                }
                self.tell(Action::Revoked, hold.group, hold.window, why);
                Ok(Applied::Done)
            }
            // Already gone: what was wanted.
            Err(Error::Missing(_)) => {
                self.loaded.record.forget(assignment);
                self.tell(Action::Dropped, hold.group, hold.window, why);
                Ok(Applied::Done)
            }
            Err(error) if !error.nothing_was_done() => Err(error.into_contract()),
            Err(error) => {
                self.loaded.record.abandon(hold.user, hold.group, Some(assignment));
                match error {
                    Error::Invalid(answer) | Error::Conflict(answer) => {
                        Ok(self.refuse(Action::Revoked, hold.group, Refused::Revoke(assignment), &answer))
                    }
                    Error::Forbidden(answer) => {
                        self.forbidden(Action::Revoked, hold.group, Refused::Revoke(assignment), &answer)
                    }
                    error => Err(error.into_contract()),
                }
            }
        }
    }

    /// A 403 is about the key, which pauses the tenant, or about this one thing, which does not.
    fn forbidden(
        &mut self,
        action: Action,
        group: GroupId,
        refused: Refused,
        answer: &ProviderAnswer,
    ) -> Result<Applied, Stop> {
        rights::check(&self.call.kisi)?;
        Ok(self.refuse(action, group, refused, answer))
    }

    fn refuse(
        &mut self,
        action: Action,
        group: GroupId,
        refused: Refused,
        answer: &ProviderAnswer,
    ) -> Applied {
        outcome::failed(self.outcome, action, self.call.tenant.mappings.value.group_ref(group), answer);
        self.refused.push(refused);
        Applied::PlanAgain
    }

    /// Forgets a user that Kisi no longer has, and tells what went with them.
    pub fn user_is_gone(&mut self, user: UserId) -> Applied {
        let mappings = &self.call.tenant.mappings.value;
        for hold in
            self.loaded.record.holds.iter().filter(|hold| hold.user == user && hold.assignment().is_some())
        {
            self.outcome.changes.push(explain::dropped(hold, mappings));
        }
        self.loaded.record.forget_user(user);
        // The users that a reconciliation kept are those of before.
        self.call.users_are_kept = false;
        Applied::PlanAgain
    }

    fn adjusted(&mut self, hold: &Hold, assignment: AssignmentId, window: Window) {
        if let Some(held) = self.loaded.record.hold_mut(assignment) {
            *held = Hold { window, state: State::Held { assignment }, ..hold.clone() };
        }
    }

    fn learn(&mut self, date_change: DateChange) -> Result<(), Stop> {
        self.call.date_change = None;
        self.call.tenant.config.value.date_change = date_change;
        self.call.tenant.config.save(self.call.host)
    }

    fn warn_gap(&mut self, group: GroupId) {
        let text =
            "Kisi lets dates be changed only by removing and adding again: access was off for a moment.";
        let group = self.call.tenant.mappings.value.group_ref(group);
        outcome::warn(self.outcome, WarningKind::Gap, Some(group), text.to_string());
    }

    fn tell(&mut self, action: Action, group: GroupId, window: Window, why: &Why) {
        let mappings = &self.call.tenant.mappings.value;
        self.outcome.changes.push(explain::change(action, mappings.group_ref(group), window, why, mappings));
    }
}
