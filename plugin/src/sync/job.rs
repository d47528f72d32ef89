//! What is remembered of a reconciliation between its steps.

use serde::{Deserialize, Serialize};

use crate::contract::sync::{self, Counts};
use crate::contract::types::Timestamp;
use crate::id::{AssignmentId, GroupId};
use crate::settings::Brake;

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// The members of the mapped groups are read.
    Reading,
    /// The directory is compared with the ledger and with what was read.
    Comparing,
    /// What those hold is read whom the directory no longer has.
    Absent,
    /// People whom the platform does not know are told.
    Strangers,
    /// Somebody must confirm or cancel.
    Waiting,
    /// Kisi's users are read, when that costs less than looking for each unknown one.
    Users,
    /// What differs is applied.
    Applying,
    /// What was kept between the steps is removed.
    Cleaning,
    /// All done.
    Done,
    /// Given up; what was kept is removed by the next step.
    Cancelled,
}

/// Why a job waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Wait {
    /// It was a preview.
    Preview,
    /// It would remove more than the brake allows.
    Brake,
}

/// A reconciliation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// Its name.
    pub id: String,
    /// Whether it waits before it applies anything.
    pub preview: bool,
    /// Where it stands.
    pub phase: Phase,
    /// Why it waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waits: Option<Wait>,
    /// When it was started.
    pub started_at: Timestamp,
    /// When somebody cancelled it, or something could not be believed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cancelled_at: Option<Timestamp>,
    /// The fingerprint of the mapping that it compares with.
    pub mapping: u64,
    /// Groups that are still to be read, the one that is being read last.
    pub groups: Vec<GroupId>,
    /// How many rows Kisi says the list has that is being read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
    /// How many of them were read.
    pub offset: u64,
    /// The last of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub joint: Option<AssignmentId>,
    /// How often a list was read from its beginning again, because it changed: rows of it may be kept that are gone.
    #[serde(default)]
    pub rereads: u64,
    /// Where the directory goes on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// The last member that was compared; then the place of the last one who was looked up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last: Option<String>,
    /// Whether rows were read that are not what the ledger says.
    pub has_odd: bool,
    /// The last row of a person whom nobody knows that was told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stranger: Option<String>,
    /// Whether Kisi's users were all read and kept.
    pub users_are_kept: bool,
    /// Members for whom a user must be found or made.
    pub unknown: u64,
    /// How often the member whose turn it is could not be looked up or brought up to date.
    pub tries: u64,
    /// How many grants were taken that were not counted when everybody was compared, of members whom nobody blocked.
    #[serde(default)]
    pub taken: u64,
    /// Whether those of the member whose turn it is are among them.
    pub is_counted: bool,
    /// Whether a list changed while it was read: what it does not show is looked at, and not told.
    pub has_moved: bool,
    /// Removals of what has ended anyway: nobody loses anything by them, and the brake does not count them.
    pub ended: u64,
    /// The version that storage had before the first list was read: what is newer than that no list need show.
    #[serde(default)]
    pub read_from: u64,
    /// The report in numbers.
    #[serde(with = "stored_counts")]
    pub counts: Counts,
}

impl Job {
    /// A job that has not begun.
    pub fn new(preview: bool, groups: Vec<GroupId>, mapping: u64, now: Timestamp) -> Job {
        Job {
            id: format!("sync-{now}"),
            preview,
            phase: Phase::Reading,
            waits: None,
            started_at: now,
            cancelled_at: None,
            mapping,
            read_from: 0,
            groups,
            total: None,
            offset: 0,
            joint: None,
            rereads: 0,
            next: None,
            last: None,
            has_odd: false,
            stranger: None,
            users_are_kept: false,
            unknown: 0,
            tries: 0,
            taken: 0,
            is_counted: false,
            has_moved: false,
            ended: 0,
            counts: stored_counts::of([0; 14]),
        }
    }

    /// Whether it has more to do, now or after somebody confirms.
    pub fn is_under_way(&self) -> bool {
        !matches!(self.phase, Phase::Done | Phase::Cancelled)
    }

    /// Gives it up.
    pub fn cancel(&mut self, now: Timestamp) {
        (self.phase, self.cancelled_at) = (Phase::Cancelled, Some(now));
        self.forget_people();
    }

    /// Of the people who were passed last, nothing stays.
    pub fn forget_people(&mut self) {
        (self.next, self.last, self.stranger) = (None, None, None);
    }

    /// Whether its phase sends requests.
    pub fn needs_requests(&self) -> bool {
        matches!(self.phase, Phase::Reading | Phase::Absent | Phase::Users | Phase::Applying)
    }

    /// How many grants may go without anybody's word: a number and a share must both be exceeded.
    fn lets_go(&self, brake: &Brake) -> u64 {
        brake.grants.max(brake.percent.saturating_mul(self.counts.grants.into()) / 100)
    }

    /// How many were to go when everybody was compared.
    fn counted(&self) -> u64 {
        u64::from(self.counts.grants_removed).saturating_sub(self.ended)
    }

    /// Whether so many grants may go beside those that were counted.
    pub fn may_take(&self, grants: u64, brake: &Brake) -> bool {
        self.counted().saturating_add(self.taken).saturating_add(grants) <= self.lets_go(brake)
    }

    /// Whether somebody must look at it before it applies anything.
    pub fn must_wait(&self, brake: &Brake) -> Option<Wait> {
        if self.counted() > self.lets_go(brake) {
            Some(Wait::Brake)
        } else if self.preview {
            Some(Wait::Preview)
        } else {
            None
        }
    }
}

impl From<Phase> for sync::Phase {
    fn from(phase: Phase) -> sync::Phase {
        match phase {
            Phase::Reading => sync::Phase::Reading,
            Phase::Comparing | Phase::Absent | Phase::Strangers => sync::Phase::Comparing,
            Phase::Waiting => sync::Phase::Waiting,
            Phase::Users | Phase::Applying | Phase::Cleaning => sync::Phase::Applying,
            Phase::Done => sync::Phase::Done,
            Phase::Cancelled => sync::Phase::Cancelled,
        }
    }
}

impl From<Wait> for sync::Hold {
    fn from(wait: Wait) -> sync::Hold {
        match wait {
            Wait::Preview => sync::Hold::Preview,
            Wait::Brake => sync::Hold::Brake,
        }
    }
}

/// The counts as they are stored: their numbers in the order of the contract.
mod stored_counts {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::Counts;

    pub(super) fn of(numbers: [u32; 14]) -> Counts {
        let [
            calls,
            rows,
            members,
            differing,
            applied,
            grants,
            grants_added,
            grants_removed,
            grants_adjusted,
            adopted,
            unmanaged,
            drifted,
            conflicts,
            failures,
        ] = numbers;
        Counts {
            calls,
            rows,
            members,
            differing,
            applied,
            grants,
            grants_added,
            grants_removed,
            grants_adjusted,
            adopted,
            unmanaged,
            drifted,
            conflicts,
            failures,
        }
    }

    pub(super) fn serialize<S: Serializer>(counts: &Counts, to: S) -> Result<S::Ok, S::Error> {
        let Counts {
            calls,
            rows,
            members,
            differing,
            applied,
            grants,
            grants_added,
            grants_removed,
            grants_adjusted,
            adopted,
            unmanaged,
            drifted,
            conflicts,
            failures,
        } = *counts;
        [
            calls,
            rows,
            members,
            differing,
            applied,
            grants,
            grants_added,
            grants_removed,
            grants_adjusted,
            adopted,
            unmanaged,
            drifted,
            conflicts,
            failures,
        ]
        .serialize(to)
    }

    pub(super) fn deserialize<'a, D: Deserializer<'a>>(from: D) -> Result<Counts, D::Error> {
        <[u32; 14]>::deserialize(from).map(of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;

    #[test]
    fn a_job_is_read_back_as_it_was_written() {
        let mut job = Job::new(true, vec![GroupId(7), GroupId(8)], u64::MAX, 1_000);
        job.phase = Phase::Waiting;
        job.waits = Some(Wait::Brake);
        job.next = Some("m-1".to_string());
        job.cancelled_at = Some(2_000);
        job.counts.calls = 5;
        job.counts.failures = 9;
        let text = json::to_vec(&job);
        assert_eq!(json::object::<Job>(&text), Ok(job), "{}", String::from_utf8_lossy(&text));
    }

    #[test]
    fn the_brake_needs_both_a_number_and_a_share() {
        let brake = Brake { grants: 10, percent: 20 };
        for (grants, removed, waits) in [
            (100, 20, None),
            (100, 21, Some(Wait::Brake)),
            (12, 10, None),
            (12, 11, Some(Wait::Brake)),
            (10_000, 2_000, None),
            (10_000, 2_001, Some(Wait::Brake)),
        ] {
            let mut job = Job::new(false, Vec::new(), 0, 0);
            job.counts.grants = grants;
            job.counts.grants_removed = removed;
            assert_eq!(job.must_wait(&brake), waits, "{removed} of {grants}");
        }
    }
}
