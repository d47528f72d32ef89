//! Resolves open intents: reads in Kisi what became of requests whose answer was lost, before anything is written again
//! (docs/decisions/0003-intents.md).

use crate::contract::events::Action;
use crate::id::UserId;
use crate::kisi::Kisi;
use crate::kisi::error::Error;
use crate::kisi::role_assignments::RoleAssignment;
use crate::ledger::{Hold, Record, State};

/// How much earlier than the intent Kisi's clock may say that an assignment was made, for it to count as ours: the
/// clocks are two machines'. An older row was there before and is somebody else's.
const CLOCK_SKEW_MS: u64 = 5 * 60 * 1_000;

/// Something begun in an earlier call that turned out to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    /// What was done.
    pub action: Action,
    /// To what; of a removal, as it was.
    pub hold: Hold,
}

/// What became of what was open, and what was read for it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Settled {
    /// What turned out to be done.
    pub done: Vec<Done>,
    /// All assignments of the users that were read, when it was asked to verify.
    pub rows: Vec<RoleAssignment>,
}

/// Makes `record` settled: one list a user, and only of users with something open, or with anything to `verify`.
///
/// # Errors
/// Those of reading; the record is then as it was.
pub fn settle(kisi: &Kisi, record: &mut Record, verify: bool) -> Result<Settled, Error> {
    let is_open = |hold: &&Hold| verify || !matches!(hold.state, State::Held { .. });
    let open = record.holds.iter().filter(is_open).map(|hold| hold.user);
    let mut users: Vec<UserId> = Vec::new();
    for user in open.chain(record.account.iter().filter(|_| verify).map(|account| account.user)) {
        if !users.contains(&user) {
            users.push(user);
        }
    }
    let mut read = Vec::new();
    for user in users {
        match kisi.assignments_of(user) {
            Ok(rows) => read.push((user, Some(rows))),
            Err(Error::Missing(_)) => read.push((user, None)),
            Err(error) => return Err(error),
        }
    }
    let mut settled = Settled::default();
    for (user, rows) in read {
        match rows {
            Some(rows) => {
                forget_higher(record, &rows);
                settle_user(record, user, &rows, &mut settled.done);
                if verify {
                    settled.rows.extend(rows);
                }
            }
            None => record.forget_user(user),
        }
    }
    Ok(settled)
}

/// Forgets what somebody made a higher role of: it is no longer the plugin's.
pub fn forget_higher(record: &mut Record, rows: &[RoleAssignment]) {
    record.holds.retain(|hold| rows.iter().all(|row| row.is_plain() || Some(row.id) != hold.assignment()));
}

/// Settles the holds of one user by all of their role assignments.
pub fn settle_user(record: &mut Record, user: UserId, rows: &[RoleAssignment], done: &mut Vec<Done>) {
    let mut known: Vec<_> = record.holds.iter().filter_map(Hold::assignment).collect();
    let mut holds = Vec::new();
    for hold in std::mem::take(&mut record.holds) {
        if hold.user != user {
            holds.push(hold);
            continue;
        }
        match hold.state {
            State::Granting { at } => {
                let ours = rows.iter().filter(|row| {
                    row.is_plain()
                        && row.group() == Some(hold.group)
                        && row.window().same_from(&hold.window, at)
                        && row.made_at().is_none_or(|made_at| made_at.saturating_add(CLOCK_SKEW_MS) >= at)
                });
                // More than one is one too many of ours: the plan removes all but one.
                for assignment in ours.map(|row| row.id) {
                    if known.contains(&assignment) {
                        continue;
                    }
                    known.push(assignment);
                    let held = Hold { state: State::Held { assignment }, ..hold.clone() };
                    done.push(Done { action: Action::Granted, hold: held.clone() });
                    holds.push(held);
                }
            }
            State::Held { assignment } | State::Adjusting { assignment } | State::Revoking { assignment } => {
                let was_revoking = matches!(hold.state, State::Revoking { .. });
                match rows.iter().find(|row| row.id == assignment) {
                    Some(row) => {
                        let held = Hold { window: row.window(), state: State::Held { assignment }, ..hold };
                        if held.window != hold.window && !was_revoking {
                            done.push(Done { action: Action::Adjusted, hold: held.clone() });
                        }
                        holds.push(held);
                    }
                    None => {
                        let action = if was_revoking { Action::Revoked } else { Action::Dropped };
                        done.push(Done { action, hold });
                    }
                }
            }
        }
    }
    record.holds = holds;
    // Who is in by another one was not removed from the group.
    done.retain(|done| done.action != Action::Dropped || !record.has_another(&done.hold));
}
