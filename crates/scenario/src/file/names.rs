//! The names that a scenario may use at one point: plans, groups, members.

use std::collections::BTreeSet;

use super::document::Text;
use super::source::Mistake;

/// The names that are known so far.
pub(super) struct Names {
    /// The plans' ids, in the order of the file.
    pub(super) plans: Vec<String>,
    /// Every group so far, deleted ones included: a later step may name one. `None` when the scenario takes Kisi as it
    /// is.
    pub(super) groups: Option<BTreeSet<String>>,
    /// The ids of every member so far, deleted ones included.
    pub(super) members: BTreeSet<String>,
}

impl Names {
    pub(super) fn plan(&self, plan: &Text) -> Result<(), Mistake> {
        known("plan", plan, self.plans.iter())
    }

    pub(super) fn group(&self, group: &Text) -> Result<(), Mistake> {
        self.groups.as_ref().map_or(Ok(()), |groups| known("group", group, groups.iter()))
    }

    pub(super) fn member(&self, member: &Text) -> Result<(), Mistake> {
        known("member", member, self.members.iter())
    }

    /// A member, or an e-mail address at Kisi.
    pub(super) fn person(&self, person: &Text) -> Result<(), Mistake> {
        if person.get_ref().contains('@') { Ok(()) } else { self.member(person) }
    }

    pub(super) fn add_group(&mut self, name: &str) {
        if let Some(groups) = &mut self.groups {
            groups.insert(name.to_owned());
        }
    }
}

fn known<'a>(
    what: &str,
    name: &Text,
    names: impl Iterator<Item = &'a String> + Clone,
) -> Result<(), Mistake> {
    if names.clone().any(|known| known == name.get_ref()) {
        return Ok(());
    }
    Err(Mistake::unknown(what, name, names.map(String::as_str)))
}
