//! A gym that nobody looks after for some days: its host ticks when it is asked to, nobody confirms anything, and whoever
//! pays goes on to enter.

use kisi_sim::{Simulator, Snapshot};

use crate::judge::DAY;
use crate::world::Gym;

/// How many ticks such days may take: far more than they ask for.
const TICKS_MAX: u64 = 100;

impl Gym {
    pub(crate) async fn alone(&mut self, sim: &Simulator, days: u64) {
        if !self.is_left_in_order() {
            return;
        }
        self.seams.state().storm = (0, 0);
        self.set_clock(sim);
        // What dates take is no reconciliation's doing.
        self.seams.state().taken = None;
        let end = sim.now_ms() + days * DAY;
        let mut ticks = 0;
        // What waited before the days began is done first.
        let mut before: Option<Snapshot> = None;
        loop {
            let Some((next, _)) = self.tick(1_000).await else { return };
            if next <= sim.now_ms() {
                ticks += 1;
                if ticks > TICKS_MAX * (days + 1) {
                    return self.wrong("alone: ticks do not come to rest".to_string());
                }
                continue;
            }
            let after = sim.state();
            if let Some(before) = &before {
                self.nobody_is_shut_out(before, &after);
            }
            if after.now >= end {
                return;
            }
            ticks += 1;
            before = Some(after);
            self.wait(sim, next.min(end) - sim.now_ms());
        }
    }

    /// Whoever could enter by us, and is entitled all the same, can still enter.
    fn nobody_is_shut_out(&self, before: &Snapshot, after: &Snapshot) {
        let members = self.seams.directory.members();
        let mut state = self.seams.state();
        // Where dates cost a gap, it lasts until the next try when something goes wrong in it.
        if !state.can_avoid_gaps && !state.is_undisturbed() {
            return;
        }
        let shut_out = state.case.shut_out(&members, before, after);
        state.violations.extend(shut_out.into_iter().map(|shut_out| format!("alone: {shut_out}")));
    }
}
