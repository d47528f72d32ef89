//! Rows that cannot be used. They are set aside, and the rest of the file counts.
//!
//! A member with such a row has not left the gym, and what the row would give must not be taken away. So the member
//! is neither served from the other rows nor left out: the directory answers `unavailable` until the row is corrected.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_trait::async_trait;
use door_access_host::contract::directory::{DirectoryError, MemberPage};
use door_access_host::contract::types::{Member, Plan};
use door_access_host::{Directory, Fault, MemoryDirectory};
use door_access_scenario::unusable::{Unusable, Wrong, told_once};

use super::Row;

/// The rows that cannot be used, and their members.
#[derive(Clone, Default)]
pub(in crate::installation) struct Aside {
    /// The mistakes, by member.
    members: BTreeMap<String, Concerned>,
    /// Mistakes of rows whose member is not certain.
    strays: Vec<Wrong>,
    /// Mistakes in the plans' file.
    plans: Vec<Wrong>,
    /// All of these mistakes, in the order of the files.
    all: Vec<Wrong>,
    /// The texts in all of these rows, as they are compared.
    texts: BTreeSet<String>,
}

#[derive(Clone, Default)]
struct Concerned {
    name: Option<String>,
    wrong: Vec<Wrong>,
}

impl Aside {
    /// Adds a row with its mistakes.
    pub(super) fn row(&mut self, row: &Row, wrong: Vec<Wrong>) {
        self.texts.extend(row.texts().map(comparable));
        self.all.extend(wrong.iter().cloned());
        match row.get("member_id").filter(|_| row.is_whole()) {
            None => self.strays.extend(wrong),
            Some(id) => self.member(id, row.get("name"), wrong),
        }
    }

    /// Adds mistakes of another row that concern a member, too.
    pub(super) fn member(&mut self, id: &str, name: Option<&str>, wrong: Vec<Wrong>) {
        let concerned = self.members.entry(id.to_owned()).or_default();
        concerned.name = concerned.name.take().or(name.map(str::to_owned));
        concerned.wrong.extend(wrong);
    }

    /// Adds a mistake in the plans' file.
    pub(super) fn plan(&mut self, wrong: Wrong) {
        self.all.push(wrong.clone());
        self.plans.push(wrong);
    }

    /// Takes out the members of these rows. A row without a certain member may be that of each member that it names.
    pub(super) fn take_from(&mut self, members: &mut BTreeMap<&str, Member>) {
        if !self.strays.is_empty() {
            let named = |member: &Member| {
                let texts = [Some(member.id.as_str()), Some(&member.name), member.email.as_deref()];
                texts.into_iter().flatten().any(|text| self.texts.contains(&comparable(text)))
            };
            let named: Vec<Member> = members.values().filter(|member| named(member)).cloned().collect();
            for member in named {
                self.member(&member.id, Some(&member.name), self.strays.clone());
            }
        }
        members.retain(|id, _| !self.members.contains_key(*id));
    }

    /// Whether every row can be used.
    pub(in crate::installation) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// All mistakes in the order of the files; one that is the same in many rows is reported once.
    pub(in crate::installation) fn wrong(&self) -> Vec<Wrong> {
        told_once(self.all.clone())
    }

    /// What is set aside, in a sentence; `None` when every row can be used.
    pub(in crate::installation) fn note(&self) -> Option<String> {
        let wrong = self.wrong();
        let first = wrong.first()?;
        let more = match wrong.len() {
            1 => String::new(),
            several => format!(" (and {} more, see `harness status`)", several - 1),
        };
        Some(format!(
            "Set aside: {first}{more}. The members in such rows keep the access they have until they are corrected."
        ))
    }

    /// Refuses what needs all members.
    pub(in crate::installation) fn refuse(&self, what: &str) -> Result<(), Unusable> {
        if self.is_empty() {
            return Ok(());
        }
        let mut wrong = self.wrong();
        wrong.push(Wrong::plain(format!(
            "{what} compares all members, so it waits until these rows are corrected; events and ticks of other \
             members go on"
        )));
        Err(wrong.into())
    }

    /// The members that are concerned: id, and name where the rows have one.
    pub(in crate::installation) fn members(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        self.members.iter().map(|(id, concerned)| (id.as_str(), concerned.name.as_deref()))
    }

    /// Why the member of this id or name cannot be served. A member `is_unknown` may be that of any row without a certain
    /// member.
    pub(in crate::installation) fn of(&self, given: &str, is_unknown: bool) -> Option<Unusable> {
        let given_as = comparable(given);
        let is = |(id, concerned): &(&String, &Concerned)| {
            *id == given || concerned.name.as_deref().is_some_and(|name| comparable(name) == given_as)
        };
        let (wrong, head) = match self.members.iter().find(is) {
            Some((id, concerned)) => {
                let who = concerned.name.as_ref().map_or(id.clone(), |name| format!("{name} ({id})"));
                (&concerned.wrong, format!("{who} keeps the access they have until this is corrected"))
            }
            None if is_unknown && !self.strays.is_empty() => {
                (&self.strays, format!("no other row is that of `{given}`"))
            }
            None => return None,
        };
        Some(Unusable::from(told_once(wrong.clone())).headed(&head))
    }

    fn unavailable<T>(wrong: &[Wrong]) -> Result<T, Fault<DirectoryError>> {
        let first = wrong.first().map(ToString::to_string).unwrap_or_default();
        let more = match wrong.len() {
            0 | 1 => String::new(),
            several => format!(" (and {} more)", several - 1),
        };
        Err(DirectoryError::Unavailable(format!("a row of the gym's files cannot be used: {first}{more}"))
            .into())
    }
}

/// The members and plans of the files. What was set aside is unavailable.
pub(in crate::installation) struct FileDirectory {
    served: MemoryDirectory,
    aside: Aside,
}

impl FileDirectory {
    pub(super) fn new(served: MemoryDirectory, aside: Aside) -> Arc<FileDirectory> {
        Arc::new(FileDirectory { served, aside })
    }
}

#[async_trait]
impl Directory for FileDirectory {
    async fn get_member(&self, id: &str) -> Result<Option<Member>, Fault<DirectoryError>> {
        if let Some(concerned) = self.aside.members.get(id) {
            return Aside::unavailable(&concerned.wrong);
        }
        let found = self.served.get_member(id).await?;
        // A row whose member is not certain may be the only one of this member.
        if found.is_none() && !self.aside.strays.is_empty() {
            return Aside::unavailable(&self.aside.strays);
        }
        Ok(found)
    }

    async fn find_members(&self, email: &str) -> Result<Vec<Member>, Fault<DirectoryError>> {
        if self.aside.texts.contains(&comparable(email)) {
            return Aside::unavailable(&self.aside.all);
        }
        self.served.find_members(email).await
    }

    async fn list_members(
        &self,
        after: Option<&str>,
        limit: u32,
    ) -> Result<MemberPage, Fault<DirectoryError>> {
        if self.aside.is_empty() {
            return self.served.list_members(after, limit).await;
        }
        Aside::unavailable(&self.aside.all)
    }

    async fn list_plans(&self) -> Result<Vec<Plan>, Fault<DirectoryError>> {
        if self.aside.plans.is_empty() {
            return self.served.list_plans().await;
        }
        Aside::unavailable(&self.aside.plans)
    }
}

fn comparable(text: &str) -> String {
    text.trim().to_lowercase()
}
