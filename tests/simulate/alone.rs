//! A gym without an operator for some days: its host ticks when ticks are due, there are no confirmations, and members who
//! pay keep their access.

use door_access_testkit::DAY;
use kisi_sim::{RoleAssignment, Simulator, Snapshot};

use super::gym::Gym;

/// Most ticks a day: far more than are due.
const TICKS_MAX: u64 = 100;

impl Gym {
    pub(crate) async fn alone(&mut self, sim: &Simulator, days: u64) {
        if !self.is_left_in_order() {
            return;
        }
        self.world.boundary.storm(0, 0);
        self.set_clock(sim);
        // Removals by dates do not count for a sync.
        self.watch.state().taken = None;
        let end = sim.now_ms() + days * DAY;
        let (mut ticks, mut went_wrong) = (0, false);
        // What waited before the days began is done first.
        let mut before: Option<Snapshot> = None;
        loop {
            let injected = self.injected();
            let Some((next, _)) = self.tick(1_000).await else { return };
            went_wrong |= self.injected() > injected;
            if next <= sim.now_ms() {
                ticks += 1;
                if ticks > TICKS_MAX * (days + 1) {
                    return self.wrong("alone: ticks do not come to rest".to_string());
                }
                continue;
            }
            let after = sim.state();
            // Where a change of dates costs a gap, a fault in it makes the gap last until the next try.
            let is_excused = went_wrong && !self.watch.state().can_avoid_gaps;
            if let Some(mut before) = before.take().filter(|_| !is_excused) {
                if went_wrong {
                    // A grant that ended while Kisi did not answer is extended at the next try.
                    let has_run_out = |row: &RoleAssignment| {
                        let is_over = row.valid_until.is_some_and(|until| until <= after.now);
                        is_over && after.role_assignments.iter().any(|one| one.id == row.id)
                    };
                    before.role_assignments.retain(|row| !has_run_out(row));
                }
                self.check_no_one_is_shut_out(&before, &after);
            }
            went_wrong = false;
            if after.now >= end {
                return;
            }
            ticks += 1;
            before = Some(after);
            self.wait(sim, next.min(end) - sim.now_ms());
        }
    }

    /// How often something went wrong so far.
    fn injected(&self) -> u64 {
        self.world.boundary.injected().values().sum()
    }

    /// A member with access by us who is still entitled still has access.
    fn check_no_one_is_shut_out(&self, before: &Snapshot, after: &Snapshot) {
        let members = self.world.directory.members();
        let mut state = self.watch.state();
        let shut_out = state.case.shut_out(&members, before, after);
        state.violations.extend(shut_out.into_iter().map(|shut_out| format!("alone: {shut_out}")));
    }
}
