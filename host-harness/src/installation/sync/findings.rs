//! The findings of a job, kept in the folder until the job ends: the plugin reports each once, and a later command may be
//! the one that prints them.

use serde::{Deserialize, Serialize};

use super::super::state::State;
use door_access_host::contract::sync::Finding;
use door_access_scenario::unusable::Unusable;

pub(in crate::installation) const FILE: &str = "findings.jsonl";

/// The findings of a job.
pub(super) struct Findings<'a> {
    state: &'a State,
    job: String,
    pub(super) all: Vec<Finding>,
}

/// A line of the file.
#[derive(Serialize, Deserialize)]
struct Line {
    job: String,
    finding: Finding,
}

impl<'a> Findings<'a> {
    /// Reads the findings of a job so far, and forgets those of any other.
    pub(super) fn of(state: &'a State, job: &str) -> Result<Findings<'a>, Unusable> {
        let lines: Vec<Line> = state.lines(FILE);
        if lines.iter().any(|line| line.job != job) {
            state.forget(FILE)?;
        }
        let all = lines.into_iter().filter(|line| line.job == job).map(|line| line.finding).collect();
        Ok(Findings { state, job: job.to_owned(), all })
    }

    /// Adds the findings of a step.
    pub(super) fn add(&mut self, found: Vec<Finding>) -> Result<(), Unusable> {
        let line = |finding: &Finding| Line { job: self.job.clone(), finding: finding.clone() };
        if !found.is_empty() {
            self.state.append(FILE, &found.iter().map(line).collect::<Vec<_>>())?;
        }
        self.all.extend(found);
        Ok(())
    }

    /// Forgets them: names and addresses are kept no longer than needed.
    pub(super) fn forget(&self) -> Result<(), Unusable> {
        self.state.forget(FILE)
    }
}
