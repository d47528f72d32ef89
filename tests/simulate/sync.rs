//! A sync of every member, step by step, as a platform runs it; the judge examines each step.

use std::collections::BTreeSet;

use door_access_host::contract::storage::Entry;
use door_access_host::contract::sync::{Mode, Phase, Progress};
use door_access_host::contract::types::{Member, MemberStatus};
use kisi_sim::Simulator;

use super::gym::{Ended, GUARD_GRANTS, GUARD_PERCENT, Gym};

impl Gym {
    pub(crate) async fn sync(&mut self, sim: &Simulator, preview: bool, calls: u32, steps: usize) {
        if self.paused {
            return;
        }
        if self.job.is_none() {
            let mode = if preview { Mode::Preview } else { Mode::Apply };
            let kept = self.world.storage.entries();
            let ended = self.world.tenant().start_sync(mode).await;
            let Ended::Done(job) = self.ended(ended) else { return };
            // A job that a tick began may have compared before the latest changes.
            let is_of = |entry: &Entry| String::from_utf8_lossy(&entry.value).contains(&job);
            let is_kept = |entry: &Entry| kept.iter().any(|known| known.version == entry.version);
            let is_joined = self.world.storage.entries().iter().any(|entry| is_of(entry) && is_kept(entry));
            self.job = Some(job);
            self.is_doubtful = self.world.directory.members().is_empty();
            if !is_joined {
                self.changed.clear();
            }
            let organization = self.watch.state().case.organization;
            let state = sim.state();
            let rows =
                state.role_assignments.iter().filter(|row| row.organization_id == organization).count();
            self.bound = GUARD_GRANTS.max(rows * GUARD_PERCENT / 100);
            self.announced = 0;
            self.watch.state().taken = Some(BTreeSet::new());
            self.watch.state().counts_by_hand = true;
            self.at_start = state;
            let members = self.world.directory.members();
            let is_blocked = |member: &Member| member.status == MemberStatus::Blocked;
            self.blocked_first = (!is_joined)
                .then(|| members.into_iter().filter(is_blocked).map(|member| member.id).collect());
        }
        for _ in 0..steps {
            let Some(job) = self.job.clone() else { return };
            let before = sim.state();
            self.watch.state().first = self.blocked_first.take();
            let is_undisturbed = self.world.boundary.is_undisturbed();
            let out = self.watch.state().taken.clone().filter(|_| is_undisturbed);
            let ended = self.world.tenant().step_sync(&job, calls).await;
            self.blocked_first = self.watch.state().first.take();
            if self.is_doubtful {
                self.takes_nothing(sim, &before);
            }
            match self.ended(ended) {
                Ended::Done(stepped) => {
                    self.check_guard();
                    self.check_no_one_is_between(out);
                    self.check_findings(&stepped.findings, &before);
                    if stepped.progress.phase == Phase::Done {
                        self.has_read_roles(&stepped.progress);
                    }
                    if matches!(stepped.progress.phase, Phase::Done | Phase::Cancelled) {
                        self.job = None;
                        self.watch.state().taken = None;
                        (self.taken_by_ticks, self.most_by_sync) = (0, 0);
                    }
                    if stepped.progress.phase == Phase::Waiting {
                        self.announced = stepped.progress.counts.grants_removed as usize;
                        return;
                    }
                }
                Ended::Refused(_) => {
                    self.check_guard();
                    self.job = None;
                    self.watch.state().taken = None;
                }
                Ended::Retry(_) | Ended::Paused | Ended::Killed => return self.check_guard(),
            }
        }
    }

    /// What the plugin stores of a sync.
    pub(crate) fn kept_of_sync(&self) -> String {
        let entries = self.world.storage.entries().into_iter().filter(|entry| entry.key.contains("sync"));
        entries.map(|entry| String::from_utf8_lossy(&entry.value).into_owned()).collect()
    }

    /// A sync is done: the roles that staff raised before it began were read, and belong to staff from now on.
    pub(crate) fn has_read_roles(&self, progress: &Progress) {
        let rows = self.world.sim.state().role_assignments;
        let mut state = self.watch.state();
        let promoted = std::mem::take(&mut state.case.promoted);
        let (before, after) = promoted.into_iter().partition(|(_, kept)| kept.contains(&progress.job));
        state.case.promoted = before;
        let read = |(id, _): (u64, String)| rows.iter().find(|row| row.id == id).cloned();
        let read: Vec<_> = after.into_iter().filter_map(read).collect();
        state.case.elevated.extend(read);
    }

    pub(crate) async fn confirm(&mut self) {
        if let Some(job) = &self.job {
            let ended = self.world.tenant().confirm_sync(job).await;
            // The confirmation may have arrived even if its answer was lost.
            self.is_confirmed = true;
            self.ended(ended);
            // The sync may remove what its counts announced, and no more. Manual access of members who vanish later is not
            // counted.
            self.bound = self.bound.max(self.announced);
            self.watch.state().counts_by_hand = false;
        }
    }
}
