//! What is checked once a gym is at rest: the judge's verdict, what storage keeps, and that nothing costs a call.

use std::collections::BTreeSet;

use door_access_host::contract::sync::{Finding, FindingKind};
use door_access_host::contract::types::MemberStatus;
use kisi_sim::{RoleAssignment, Simulator, Snapshot};

use super::gym::{GUARD_GRANTS, GUARD_PERCENT, Gym};
use super::history::{GROUPS, MEMBERS};
use super::judge::Case;
use super::play::AT_REST;

/// Dates are compared by the second.
const MARGIN_MS: u64 = 2_000;

impl Gym {
    pub(crate) fn judge(&self, sim: &Simulator, when: &str) {
        let kisi = sim.state();
        let members = self.world.directory.members();
        let mut state = self.watch.state();
        // An empty directory removes nothing: grants stay until a person acts.
        if members.is_empty() {
            return;
        }
        let wrong = state.case.at_rest(&members, &kisi);
        state.violations.extend(wrong.into_iter().map(|wrong| format!("{when}: {wrong}")));
        let present: BTreeSet<&str> = members.iter().map(|member| member.id.as_str()).collect();
        for id in state
            .case
            .emails_ever
            .keys()
            .filter(|id| !present.contains(id.as_str()))
            .cloned()
            .collect::<Vec<_>>()
        {
            let kept = self.world.storage.entries().into_iter().find(|entry| {
                // A sync under way stores how far it is.
                let is_under_way = when != AT_REST && entry.key.contains("sync");
                let text = format!("{} {}", entry.key, String::from_utf8_lossy(&entry.value));
                !is_under_way && text.contains(&id)
            });
            if let Some(kept) = kept {
                state.violations.push(format!("{when}: {id} was deleted, and storage keeps {}", kept.key));
            }
        }
    }

    /// A sync removes no more than the guard allows from members who did not change meanwhile, or than it announced when it
    /// was confirmed.
    pub(crate) fn check_guard(&self) {
        let mut state = self.watch.state();
        let Some(taken) = &state.taken else { return };
        let held = state.case.held(&self.at_start);
        let (kisi, members) = (self.world.sim.state(), self.world.directory.members());
        // A blocked member's manual access in unmapped groups is found only when it is removed, and does not count.
        let is_out_of_sight = |pair: &(String, u64)| {
            let is_blocked =
                members.iter().any(|member| member.id == pair.0 && member.status == MemberStatus::Blocked);
            let is_theirs = |row: &&RoleAssignment| {
                row.applies_to_id == pair.1 && state.case.is_of(row, &pair.0, &self.at_start)
            };
            let is_by_hand = |row: &RoleAssignment| state.case.by_hand.contains(&row.id);
            let mut theirs = self.at_start.role_assignments.iter().filter(is_theirs).peekable();
            is_blocked
                && state.case.mapping.iter().all(|(_, group)| *group != pair.1)
                && theirs.peek().is_some()
                && theirs.all(is_by_hand)
        };
        // For a slow clock, access that has just ended has a moment left. It gets that end, which is not a removal.
        let has_run_out = |pair: &(String, u64)| {
            let is_over = |row: &RoleAssignment| {
                row.applies_to_id == pair.1
                    && row.valid_until.is_some_and(|until| until <= kisi.now)
                    && state.case.is_of(row, &pair.0, &kisi)
            };
            !state.clock_is_right && kisi.role_assignments.iter().any(is_over)
        };
        let is_taken = |pair: &(String, u64)| {
            let is_another = self.changed.contains(&pair.0) || state.case.is_shared(&pair.0);
            held.contains(pair) && !is_another && !is_out_of_sight(pair) && !has_run_out(pair)
        };
        let is_lost = |pair: &&(String, u64)| is_taken(pair) && !state.is_between(&members, pair, &kisi);
        let moved = self.moved(&state.case, &self.at_start, &kisi);
        let count = taken.iter().filter(is_lost).count() + moved.len();
        if count > self.bound {
            let text =
                format!("guard: {count} were taken, and {} may be: {taken:?}, moved {moved:?}", self.bound);
            state.violations.push(text);
        }
    }

    /// An undisturbed step that changes dates shuts out no member who could enter before it.
    pub(crate) fn check_no_one_is_between(&self, before: Option<BTreeSet<(String, u64)>>) {
        let (kisi, members) = (self.world.sim.state(), self.world.directory.members());
        let mut state = self.watch.state();
        let (Some(before), Some(taken)) = (before, &state.taken) else { return };
        let is_left = |pair: &&(String, u64)| {
            let is_another = self.changed.contains(&pair.0) || state.case.is_shared(&pair.0);
            !is_another && state.is_between(&members, pair, &kisi)
        };
        let left: Vec<_> = taken.difference(&before).filter(is_left).cloned().collect();
        if !left.is_empty() && self.world.boundary.is_undisturbed() {
            state.violations.push(format!("gap: {left:?} stand outside from one step to the next"));
        }
    }

    /// Ticks remove no more than the guard allows from members who did not change: by their dates, and by a sync without a
    /// confirmation. Manual access of former members is not counted by dates.
    pub(crate) fn takes_few(&mut self, before: &Snapshot) {
        if self.is_confirmed {
            return;
        }
        let mut after = self.world.sim.state();
        let mut before = before.clone();
        let members = self.world.directory.members();
        let is_blocked = |person: &str| {
            members.iter().any(|member| member.id == person && member.status == MemberStatus::Blocked)
        };
        let mut state = self.watch.state();
        for kisi in [&mut before, &mut after] {
            kisi.role_assignments.retain(|row| !state.case.by_hand.contains(&row.id));
        }
        let (held, holds) = (state.case.held(&before), state.case.held(&after));
        let is_counted = |person: &str| {
            !self.changed.contains(person) && !state.case.is_shared(person) && !is_blocked(person)
        };
        let is_lost =
            |pair: &&(String, u64)| is_counted(&pair.0) && !state.is_between(&members, pair, &after);
        let taken: Vec<_> = held.difference(&holds).filter(is_lost).cloned().collect();
        let moved = self.moved(&state.case, &before, &after);
        let by_sync = if members.is_empty() { 0 } else { GUARD_GRANTS.max(held.len() * GUARD_PERCENT / 100) };
        self.most_by_sync = self.most_by_sync.max(by_sync);
        self.taken_by_ticks += taken.len() + moved.len();
        if self.taken_by_ticks > GUARD_GRANTS + self.most_by_sync {
            let (all, most) = (self.taken_by_ticks, self.most_by_sync);
            state.violations.push(format!(
                "guard: ticks took {all}, {most} of them by a sync at most; the last {taken:?}, moved {moved:?}"
            ));
        }
    }

    /// What the former accounts of members lost between two moments because the members suddenly have other people's
    /// addresses. These are removals, because the new account may be a stranger's.
    fn moved(&self, case: &Case, before: &Snapshot, after: &Snapshot) -> Vec<(String, u64)> {
        let mut moved = Vec::new();
        for member in self.readdressed.difference(&self.changed) {
            let is_gone = |row: &&RoleAssignment| {
                let (user, group) = (row.assignee_id, row.applies_to_id);
                let is_staffs =
                    case.users_deleted.contains(&user) || case.unassigned.contains(&(user, group));
                case.is_of(row, member, before)
                    && !is_staffs
                    && row.valid_until.is_none_or(|until| after.now < until)
                    && after
                        .role_assignments
                        .iter()
                        .all(|one| (one.assignee_id, one.applies_to_id) != (user, group))
            };
            let gone = before.role_assignments.iter().filter(is_gone);
            let held = case.held(after);
            let pairs = gone.map(|row| (member.clone(), row.applies_to_id));
            moved.extend(pairs.filter(|pair| held.contains(pair)));
        }
        moved
    }

    /// A step of a sync that began with an empty directory removes nothing.
    pub(crate) fn takes_nothing(&self, sim: &Simulator, before: &Snapshot) {
        let held = |kisi: &Snapshot| self.watch.state().case.held(kisi);
        let taken: Vec<_> = held(before).difference(&held(&sim.state())).cloned().collect();
        if !taken.is_empty() {
            self.wrong(format!("doubt: the directory is empty, and {taken:?} were taken"));
        }
    }

    /// A grant that a finding reports as removed in Kisi is really gone from there.
    pub(crate) fn check_findings(&self, findings: &[Finding], before: &Snapshot) {
        let mut state = self.watch.state();
        for finding in findings.iter().filter(|finding| finding.kind == FindingKind::Drifted) {
            let (Some(member), Some(group)) = (&finding.member, &finding.group) else { continue };
            // Of several accounts it may be the one that is left.
            if state.case.emails_ever.get(member).is_none_or(|emails| emails.len() != 1) {
                continue;
            }
            let is_there = before.role_assignments.iter().any(|row| {
                self.at_start.role_assignments.iter().any(|one| one.id == row.id)
                    && row.applies_to_id.to_string() == group.id
                    && !state.case.by_hand.contains(&row.id)
                    && state.case.is_of(row, member, before)
            });
            if is_there {
                state
                    .violations
                    .push(format!("honest: {member} is said to be out of a group and is not: {finding:?}"));
            }
        }
    }

    /// Events cost nothing, a tick costs nothing, and the day that just passed cost only its pages.
    pub(crate) async fn costs_nothing(&mut self, sim: &Simulator, day: &[String]) {
        self.watch.take_calls();
        if self.world.directory.members().is_empty() {
            // With an empty directory ticks remove nothing, but events do.
            return;
        }
        for who in (0..MEMBERS).chain((0..MEMBERS).rev()) {
            let member = self.id(who);
            self.until_done(sim, &member).await;
        }
        let (is_simple, crowds) = {
            let state = self.watch.state();
            (state.case.elevated.is_empty() && state.case.promoted.is_empty(), state.case.crowds)
        };
        let calls = self.watch.take_calls();
        if !calls.is_empty() && is_simple {
            self.wrong(format!("calls: replaying what is known costs {calls:?}"));
        }
        let ticked = self.tick(1_000).await;
        let calls = self.watch.take_calls();
        if !calls.is_empty() && is_simple {
            self.wrong(format!("calls: a tick with nothing due costs {calls:?}"));
        }
        let pages = |of: &str| day.iter().filter(|call| call.contains(of)).count();
        let lists =
            pages("/groups?") + pages("/group_locks?") + pages("/role_assignments?") + pages("/users?");
        if is_simple && (lists != day.len() || day.len() > 1 + 2 * GROUPS.len() + 2 + 4 * crowds) {
            self.wrong(format!("calls: an uneventful day costs {day:?}"));
        }
        // Until the moment that a tick names, nothing need be done.
        if let Some((next, None)) = ticked
            && next > self.clock_ms() + MARGIN_MS
        {
            self.wait(sim, next - self.clock_ms() - MARGIN_MS);
            self.judge(sim, "before the next tick");
        }
    }
}
