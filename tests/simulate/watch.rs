//! Watches what the plugin asks of Kisi, request by request: gaps, order, other gyms, repeated edits.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use door_access_host::MemoryDirectory;
use door_access_host::contract::types::Member;
use door_access_testkit::{Exchange, Watch};
use kisi_sim::{DuplicateRoleAssignment, RoleAssignment, Simulator, Snapshot, ValidityInPatch};

use super::judge::Case;

pub(crate) struct Watched {
    sim: Simulator,
    directory: Arc<MemoryDirectory>,
    state: Mutex<State>,
}

#[derive(Default)]
pub(crate) struct State {
    pub(crate) case: Case,
    /// Whether the host's clock is right: decisions by a wrong one are not judged.
    pub(crate) clock_is_right: bool,
    /// Whether Kisi allows to change dates without removing a grant: by a change, or by a second grant.
    pub(crate) can_avoid_gaps: bool,
    /// What the sync under way has removed.
    pub(crate) taken: Option<BTreeSet<(String, u64)>>,
    /// Whether manual grants count among that.
    pub(crate) counts_by_hand: bool,
    /// During a step of a sync: members who were blocked when the sync began; `None` once something went wrong in it.
    pub(crate) first: Option<BTreeSet<String>>,
    /// Edits of the call under way that Kisi answered with 404, with their bodies.
    pub(crate) missing: BTreeSet<String>,
    /// Requests and their answers, since the last look.
    pub(crate) calls: Vec<String>,
    pub(crate) violations: Vec<String>,
}

impl State {
    /// Whether a member is out of a group only between two requests that change dates, where Kisi leaves no other way.
    pub(crate) fn is_between(&self, members: &[Member], pair: &(String, u64), kisi: &Snapshot) -> bool {
        let member = members.iter().find(|member| member.id == pair.0);
        !self.can_avoid_gaps
            && member.is_some_and(|member| self.case.desired(member, kisi).contains_key(&pair.1))
    }
}

impl Watched {
    pub(crate) fn new(sim: &Simulator, directory: Arc<MemoryDirectory>, case: Case) -> Arc<Watched> {
        let knobs = sim.knobs();
        let can_avoid_gaps = knobs.validity_in_patch == ValidityInPatch::Honoured
            || knobs.duplicate_role_assignment != DuplicateRoleAssignment::AlwaysConflict;
        let state = State { case, clock_is_right: true, can_avoid_gaps, ..State::default() };
        Arc::new(Watched { sim: sim.clone(), directory, state: Mutex::new(state) })
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The requests since the last look.
    pub(crate) fn take_calls(&self) -> Vec<String> {
        std::mem::take(&mut self.state().calls)
    }

    /// Judges what an edit has changed.
    fn judge_edit(&self, state: &mut State, before: &Snapshot) {
        let after = self.sim.state();
        let members = self.directory.members();
        let organization = state.case.organization;
        let users = after.users.iter().filter(|user| user.organization_id == organization);
        state.case.users_ever.extend(users.map(|user| user.id));
        if state.clock_is_right && state.can_avoid_gaps {
            let gaps = state.case.gaps(&members, before, &after);
            state.violations.extend(gaps.into_iter().map(|gap| format!("gap: {gap}")));
        }
        let held_in = |kisi: &Snapshot| {
            let mut kisi = kisi.clone();
            let counts = |row: &RoleAssignment| state.counts_by_hand || !state.case.by_hand.contains(&row.id);
            kisi.role_assignments.retain(counts);
            state.case.held(&kisi)
        };
        let (held, holds) = (held_in(before), held_in(&after));
        if let Some(taken) = &mut state.taken {
            taken.extend(held.difference(&holds).cloned());
            // A grant that was removed and given again, where Kisi leaves no other way, was not lost.
            taken.retain(|pair| !holds.contains(pair));
        }
        let is_new = |row: &RoleAssignment| before.role_assignments.iter().all(|known| known.id != row.id);
        if let Some(first) = &state.first
            && let Some(row) = after.role_assignments.iter().find(|row| is_new(row))
        {
            let barred = members.iter().filter(|member| first.contains(&member.id));
            let open: Vec<String> = barred.flat_map(|member| state.case.still_open(member, &after)).collect();
            if !open.is_empty() {
                let wrong = format!("order: a sync gives group {}, and {open:?}", row.applies_to_id);
                state.violations.push(wrong);
            }
        }
        let foreign = |kisi: &Snapshot| {
            let rows = kisi.role_assignments.iter().filter(|row| row.organization_id != organization);
            rows.cloned().collect::<Vec<_>>()
        };
        if foreign(before) != foreign(&after) {
            state.violations.push("neighbour: another gym's assignments were changed".to_string());
        }
    }
}

impl Watch for Watched {
    fn exchanged(&self, exchange: &Exchange<'_>) {
        let Exchange { line, body, status, effect, .. } = exchange;
        let mut state = self.state();
        if exchange.is_disturbed {
            state.first = None;
        }
        if let Some(before) = exchange.before {
            self.judge_edit(&mut state, before);
            if *status == Some(http::StatusCode::NOT_FOUND) && effect.is_none() {
                let edit = format!("{line} {}", String::from_utf8_lossy(body));
                if !state.missing.insert(edit) {
                    let wrong = format!("calls: {line} again in one call, and it was not there before");
                    state.violations.push(wrong);
                }
            }
        }
        let answer = status.map_or_else(|| "dropped".to_string(), |status| status.as_u16().to_string());
        let how = effect.map(|effect| format!(" ({effect:?})")).unwrap_or_default();
        state.calls.push(format!("{line} -> {answer}{how}"));
    }
}
