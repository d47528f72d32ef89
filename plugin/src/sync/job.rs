//! What is remembered of a reconciliation between its steps.

use crate::contract::sync::{self, Counts};
use crate::contract::types::Timestamp;
use crate::id::{AssignmentId, GroupId};
use crate::json::{self, Fields, Json, Object, Text, Value, Wrong, array};
use crate::settings::Brake;

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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

const PHASES: [(&str, Phase); 10] = [
    ("reading", Phase::Reading),
    ("comparing", Phase::Comparing),
    ("absent", Phase::Absent),
    ("strangers", Phase::Strangers),
    ("waiting", Phase::Waiting),
    ("users", Phase::Users),
    ("applying", Phase::Applying),
    ("cleaning", Phase::Cleaning),
    ("done", Phase::Done),
    ("cancelled", Phase::Cancelled),
];

const WAITS: [(&str, Wait); 2] = [("preview", Wait::Preview), ("brake", Wait::Brake)];

/// Why a job waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// It was a preview.
    Preview,
    /// It would remove more than the brake allows.
    Brake,
}

/// A reconciliation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Its name.
    pub id: String,
    /// Whether it waits before it applies anything.
    pub preview: bool,
    /// Where it stands.
    pub phase: Phase,
    /// Why it waits.
    pub waits: Option<Wait>,
    /// When it was started.
    pub started_at: Timestamp,
    /// When somebody cancelled it, or something could not be believed.
    pub cancelled_at: Option<Timestamp>,
    /// The fingerprint of the mapping that it compares with.
    pub mapping: u64,
    /// The version that storage had before the first list was read: what is newer than that no list need show.
    pub read_from: u64,
    /// Groups that are still to be read, the one that is being read last.
    pub groups: Vec<GroupId>,
    /// How many rows Kisi says the list has that is being read.
    pub total: Option<u64>,
    /// How many of them were read.
    pub offset: u64,
    /// The last of them.
    pub joint: Option<AssignmentId>,
    /// How often a list was read from its beginning again, because it changed: rows of it may be kept that are gone.
    pub rereads: u64,
    /// Where the directory goes on.
    pub next: Option<String>,
    /// The last member that was compared; then the place of the last one who was looked up.
    pub last: Option<String>,
    /// Whether rows were read that are not what the ledger says.
    pub has_odd: bool,
    /// The last row of a person whom nobody knows that was told.
    pub stranger: Option<String>,
    /// Whether Kisi's users were all read and kept.
    pub users_are_kept: bool,
    /// Members for whom a user must be found or made.
    pub unknown: u64,
    /// How often the member whose turn it is could not be looked up or brought up to date.
    pub tries: u64,
    /// How many grants were taken that were not counted when everybody was compared, of members whom nobody blocked.
    pub taken: u64,
    /// Whether those of the member whose turn it is are among them.
    pub is_counted: bool,
    /// Whether a list changed while it was read: what it does not show is looked at, and not told.
    pub has_moved: bool,
    /// Removals of what has ended anyway: nobody loses anything by them, and the brake does not count them.
    pub ended: u64,
    /// The report in numbers.
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
            counts: no_counts(),
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

fn no_counts() -> Counts {
    Counts {
        calls: 0,
        rows: 0,
        members: 0,
        differing: 0,
        applied: 0,
        grants: 0,
        grants_added: 0,
        grants_removed: 0,
        grants_adjusted: 0,
        adopted: 0,
        unmanaged: 0,
        drifted: 0,
        conflicts: 0,
        failures: 0,
    }
}

/// The counts in the order in which they are written.
fn each(counts: &mut Counts) -> [&mut u32; 14] {
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
    } = counts;
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
}

impl Json for Job {
    fn read(value: &Value, wrong: &Wrong) -> Self {
        let fields = Fields::of(value, wrong);
        let mut counts = no_counts();
        let written: Vec<Count> = fields.list("counts");
        for (count, Count(written)) in each(&mut counts).into_iter().zip(written) {
            *count = written;
        }
        Job {
            id: fields.text("id"),
            preview: fields.flag("preview"),
            phase: fields.word("phase", &PHASES, Phase::Cancelled),
            waits: fields.optional_word("waits", &WAITS),
            started_at: fields.number("started_at"),
            cancelled_at: fields.optional_number("cancelled_at"),
            mapping: fields.number("mapping"),
            groups: fields.list("groups"),
            total: fields.optional_number("total"),
            offset: fields.number("offset"),
            joint: fields.optional_number("joint").map(AssignmentId),
            rereads: fields.optional_number("rereads").unwrap_or_default(),
            next: fields.optional_text("next"),
            last: fields.optional_text("last"),
            has_odd: fields.flag("has_odd"),
            stranger: fields.optional_text("stranger"),
            users_are_kept: fields.flag("users_are_kept"),
            unknown: fields.number("unknown"),
            tries: fields.number("tries"),
            taken: fields.optional_number("taken").unwrap_or_default(),
            is_counted: fields.flag("is_counted"),
            has_moved: fields.flag("has_moved"),
            ended: fields.number("ended"),
            // A job that an earlier version began has none.
            read_from: fields.optional_number("read_from").unwrap_or_default(),
            counts,
        }
    }
}

struct Count(u32);

impl Json for Count {
    fn read(value: &Value, wrong: &Wrong) -> Self {
        let count = json::number(value).and_then(|count| u32::try_from(count).ok());
        Count(count.unwrap_or_else(|| {
            wrong.note("", "is not a whole number");
            0
        }))
    }
}

impl From<&Job> for Text {
    fn from(job: &Job) -> Text {
        let mut counts = job.counts;
        let counts = each(&mut counts).map(|count| u64::from(*count));
        Object::default()
            .with("id", job.id.as_str())
            .with("preview", job.preview)
            .with("phase", json::word(&PHASES, job.phase))
            .with_some("waits", job.waits.map(|waits| json::word(&WAITS, waits)))
            .with("started_at", job.started_at)
            .with_some("cancelled_at", job.cancelled_at)
            .with("mapping", job.mapping)
            .with("groups", array(&job.groups, |group| Text::from(*group)))
            .with_some("total", job.total)
            .with("offset", job.offset)
            .with_some("joint", job.joint)
            .with("rereads", job.rereads)
            .with_some("next", job.next.as_deref())
            .with_some("last", job.last.as_deref())
            .with("has_odd", job.has_odd)
            .with_some("stranger", job.stranger.as_deref())
            .with("users_are_kept", job.users_are_kept)
            .with("unknown", job.unknown)
            .with("tries", job.tries)
            .with("taken", job.taken)
            .with("is_counted", job.is_counted)
            .with("has_moved", job.has_moved)
            .with("ended", job.ended)
            .with("read_from", job.read_from)
            .with("counts", array(&counts, |count| Text::from(*count)))
            .into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_is_read_back_as_it_was_written() {
        let mut job = Job::new(true, vec![GroupId(7), GroupId(8)], u64::MAX, 1_000);
        job.phase = Phase::Waiting;
        job.waits = Some(Wait::Brake);
        job.next = Some("m-1".to_string());
        job.cancelled_at = Some(2_000);
        job.counts.calls = 5;
        job.counts.failures = 9;
        let text = Text::from(&job).into_bytes();
        assert_eq!(json::from_slice::<Job>(&text), Ok(job), "{}", String::from_utf8_lossy(&text));
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
