//! The platform's members: the trait that a platform implements, and a directory in memory.
//!
//! The host passes on the directory's answers unchanged. It checks the plugin's requests against the contract: a page has
//! 1 to 500 members.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use async_trait::async_trait;

use crate::contract::directory::{DirectoryError, MemberPage};
use crate::contract::types::{Member, Plan};
use crate::error::Fault;

/// Largest page that a plugin may ask for.
pub(crate) const PAGE_MEMBERS_MAX: u32 = 500;
/// Most members in an answer about an e-mail address.
const FOUND_MEMBERS_MAX: usize = 100;

/// The current members of a tenant's gym. Read on demand during calls; see the contract's `directory`.
///
/// # Errors
/// The plugin gets [`Fault::Answer`] and answers `retry`. [`Fault::Abort`] ends the call at once.
#[async_trait]
pub trait Directory: Send + Sync {
    /// The member as of now; `None` when deleted or never known.
    async fn get_member(&self, id: &str) -> Result<Option<Member>, Fault<DirectoryError>>;

    /// All members with this e-mail address, ignoring case and surrounding blanks. At most 100.
    async fn find_members(&self, email: &str) -> Result<Vec<Member>, Fault<DirectoryError>>;

    /// At most `limit` (1 to 500) members ordered by id, after `after`: the `next` of the page before.
    async fn list_members(
        &self,
        after: Option<&str>,
        limit: u32,
    ) -> Result<MemberPage, Fault<DirectoryError>>;

    /// All plans, at most 10,000.
    async fn list_plans(&self) -> Result<Vec<Plan>, Fault<DirectoryError>>;
}

/// A directory in memory, for tests, scenarios and demonstrations.
#[derive(Debug, Default)]
pub struct MemoryDirectory {
    state: RwLock<State>,
}

#[derive(Debug, Default)]
struct State {
    members: BTreeMap<String, Member>,
    /// Member ids by e-mail address, in the form in which addresses are compared.
    addresses: BTreeMap<String, BTreeSet<String>>,
    plans: Vec<Plan>,
    unavailable: Option<String>,
}

impl State {
    fn insert(&mut self, member: Member) -> Option<Member> {
        let before = self.remove(&member.id);
        if let Some(email) = &member.email {
            self.addresses.entry(comparable(email)).or_default().insert(member.id.clone());
        }
        self.members.insert(member.id.clone(), member);
        before
    }

    fn remove(&mut self, id: &str) -> Option<Member> {
        let member = self.members.remove(id)?;
        if let Some(address) = member.email.as_deref().map(comparable)
            && let Some(ids) = self.addresses.get_mut(&address)
        {
            ids.remove(id);
            if ids.is_empty() {
                self.addresses.remove(&address);
            }
        }
        Some(member)
    }
}

impl MemoryDirectory {
    /// An empty directory.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a member, or replaces and returns the one with the same id.
    pub fn insert(&self, member: Member) -> Option<Member> {
        self.write().insert(member)
    }

    /// Changes a member in place. Returns whether the id exists.
    pub fn update(&self, id: &str, change: impl FnOnce(&mut Member)) -> bool {
        let mut state = self.write();
        let Some(mut member) = state.members.get(id).cloned() else { return false };
        change(&mut member);
        state.insert(member);
        true
    }

    /// Deletes and returns a member.
    pub fn remove(&self, id: &str) -> Option<Member> {
        self.write().remove(id)
    }

    /// Replaces all plans.
    pub fn set_plans(&self, plans: Vec<Plan>) {
        self.write().plans = plans;
    }

    /// Makes every request fail with this reason, until set to `None`.
    pub fn set_unavailable(&self, reason: Option<String>) {
        self.write().unavailable = reason;
    }

    /// All members, ordered by id.
    pub fn members(&self) -> Vec<Member> {
        self.read().members.values().cloned().collect()
    }

    /// All plans.
    pub fn plans(&self) -> Vec<Plan> {
        self.read().plans.clone()
    }

    fn available(&self) -> Result<RwLockReadGuard<'_, State>, Fault<DirectoryError>> {
        let state = self.read();
        match &state.unavailable {
            Some(reason) => Err(DirectoryError::Unavailable(reason.clone()).into()),
            None => Ok(state),
        }
    }

    // Members are replaced whole, so the data is valid after a panic elsewhere.
    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Directory for MemoryDirectory {
    async fn get_member(&self, id: &str) -> Result<Option<Member>, Fault<DirectoryError>> {
        Ok(self.available()?.members.get(id).cloned())
    }

    async fn find_members(&self, email: &str) -> Result<Vec<Member>, Fault<DirectoryError>> {
        let state = self.available()?;
        let ids = state.addresses.get(&comparable(email)).into_iter().flatten();
        Ok(ids.filter_map(|id| state.members.get(id)).take(FOUND_MEMBERS_MAX).cloned().collect())
    }

    async fn list_members(
        &self,
        after: Option<&str>,
        limit: u32,
    ) -> Result<MemberPage, Fault<DirectoryError>> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let state = self.available()?;
        let start = after.map_or(std::ops::Bound::Unbounded, std::ops::Bound::Excluded);
        let mut rest =
            state.members.range::<str, _>((start, std::ops::Bound::Unbounded)).map(|(_, member)| member);
        let members: Vec<Member> = rest.by_ref().take(limit).cloned().collect();
        let next = rest.next().and_then(|_| members.last()).map(|member| member.id.clone());
        Ok(MemberPage { members, next })
    }

    async fn list_plans(&self) -> Result<Vec<Plan>, Fault<DirectoryError>> {
        Ok(self.available()?.plans.clone())
    }
}

/// An e-mail address in the form in which the contract compares it.
fn comparable(email: &str) -> String {
    email.trim().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::types::MemberStatus;

    fn member(id: &str, email: Option<&str>) -> Member {
        Member {
            id: id.to_owned(),
            name: format!("Name of {id}"),
            email: email.map(str::to_owned),
            status: MemberStatus::Active,
            memberships: Vec::new(),
        }
    }

    #[tokio::test]
    async fn pages_follow_each_other_without_gap_or_overlap() {
        let directory = MemoryDirectory::new();
        for id in ["c", "a", "e", "b", "d"] {
            directory.insert(member(id, None));
        }
        let mut seen = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let page = directory.list_members(after.as_deref(), 2).await.unwrap();
            seen.extend(page.members.into_iter().map(|member| member.id));
            match page.next {
                Some(next) => after = Some(next),
                None => break,
            }
        }
        assert_eq!(seen, ["a", "b", "c", "d", "e"]);
    }

    #[tokio::test]
    async fn a_last_page_that_is_exactly_full_has_no_next() {
        let directory = MemoryDirectory::new();
        directory.insert(member("a", None));
        directory.insert(member("b", None));
        assert_eq!(directory.list_members(None, 2).await.unwrap().next, None);
    }

    #[tokio::test]
    async fn an_email_address_is_found_regardless_of_case_and_blanks() {
        let directory = MemoryDirectory::new();
        directory.insert(member("a", Some(" Ada@Example.com")));
        directory.insert(member("b", Some("bob@example.com")));
        let found = directory.find_members("ada@example.COM ").await.unwrap();
        assert_eq!(found.iter().map(|member| member.id.as_str()).collect::<Vec<_>>(), ["a"]);
    }

    #[tokio::test]
    async fn an_address_finds_only_the_members_who_have_it_now() {
        let directory = MemoryDirectory::new();
        for id in ["a", "b", "c"] {
            directory.insert(member(id, Some("family@example.com")));
        }
        directory.update("a", |member| member.email = Some("own@example.com".to_owned()));
        directory.insert(member("b", None));
        let ids = async |email: &str| -> Vec<String> {
            let found = directory.find_members(email).await.unwrap();
            found.into_iter().map(|member| member.id).collect()
        };
        assert_eq!(ids("family@example.com").await, ["c"]);
        assert_eq!(ids("own@example.com").await, ["a"]);
        directory.remove("c");
        assert!(ids("family@example.com").await.is_empty());
    }

    #[tokio::test]
    async fn an_unavailable_directory_answers_no_request_until_it_is_back() {
        let directory = MemoryDirectory::new();
        directory.set_unavailable(Some("maintenance".to_owned()));
        assert!(directory.list_plans().await.is_err());
        directory.set_unavailable(None);
        assert!(directory.list_plans().await.is_ok());
    }
}
