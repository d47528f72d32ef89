//! The report of a job, kept in the folder until the job is through: the plugin tells each line once, and the command
//! that hears it may not be the one that prints it.

use serde::{Deserialize, Serialize};

use super::super::state::State;
use door_access_host::contract::sync::Finding;
use door_access_scenario::unusable::Unusable;

pub(in crate::installation) const FILE: &str = "findings.jsonl";

/// The lines of a job's report.
pub(super) struct Findings<'a> {
    state: &'a State,
    job: String,
    found: Vec<Finding>,
}

/// A line of the file.
#[derive(Serialize, Deserialize)]
struct Line {
    job: String,
    finding: Finding,
}

impl<'a> Findings<'a> {
    /// What was found by a job so far. What another one found is forgotten.
    pub(super) fn of(state: &'a State, job: &str) -> Result<Findings<'a>, Unusable> {
        let lines: Vec<Line> = state.lines(FILE);
        if lines.iter().any(|line| line.job != job) {
            state.forget(FILE)?;
        }
        let found = lines.into_iter().filter(|line| line.job == job).map(|line| line.finding).collect();
        Ok(Findings { state, job: job.to_owned(), found })
    }

    /// Adds what a step found.
    pub(super) fn add(&mut self, found: Vec<Finding>) -> Result<(), Unusable> {
        let mut lines = Vec::new();
        for finding in &found {
            let line = Line { job: self.job.clone(), finding: finding.clone() };
            serde_json::to_writer(&mut lines, &line).map_err(|error| Unusable::new(error.to_string()))?;
            lines.push(b'\n');
        }
        if !lines.is_empty() {
            self.state.append(FILE, &lines)?;
        }
        self.found.extend(found);
        Ok(())
    }

    /// All of them.
    pub(super) fn all(&self) -> &[Finding] {
        &self.found
    }

    /// The job is through: names and addresses are kept no longer than needed.
    pub(super) fn forget(&self) -> Result<(), Unusable> {
        self.state.forget(FILE)
    }
}
