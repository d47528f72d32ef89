//! A host for unit tests: one stored entry and prepared answers. It refuses everything else.

use std::cell::RefCell;
use std::collections::VecDeque;

use crate::contract::directory::{DirectoryError, MemberPage};
use crate::contract::log::Level;
use crate::contract::storage::{Entry, StorageError, Write};
use crate::contract::types::{Member, Plan, Timestamp};
use crate::host::{Host, SendError};
use crate::kisi::endpoint::{Request, Response};

#[derive(Debug, Default)]
pub(crate) struct Stub {
    pub(crate) stored: Option<Entry>,
    pub(crate) answers: RefCell<VecDeque<Response>>,
}

impl Host for Stub {
    fn get_member(&self, id: &str) -> Result<Option<Member>, DirectoryError> {
        unreachable!("{id}")
    }

    fn find_members(&self, email: &str) -> Result<Vec<Member>, DirectoryError> {
        unreachable!("{email}")
    }

    fn list_members(&self, _: Option<&str>, _: u32) -> Result<MemberPage, DirectoryError> {
        unreachable!("no directory")
    }

    fn list_plans(&self) -> Result<Vec<Plan>, DirectoryError> {
        unreachable!("no directory")
    }

    fn get(&self, key: &str) -> Result<Option<Entry>, StorageError> {
        Ok(self.stored.clone().filter(|entry| entry.key == key))
    }

    fn scan(&self, prefix: &str, _: Option<&str>, _: u32) -> Result<Vec<Entry>, StorageError> {
        Ok(self.stored.clone().into_iter().filter(|entry| entry.key.starts_with(prefix)).collect())
    }

    fn commit(&self, writes: Vec<Write>) -> Result<u64, StorageError> {
        unreachable!("{writes:?}")
    }

    fn log(&self, _: Level, _: &str, _: &[(&str, &str)]) {}

    fn now(&self) -> Timestamp {
        0
    }

    fn send(&self, request: &Request) -> Result<Response, SendError> {
        Ok(self.answers.borrow_mut().pop_front().unwrap_or_else(|| unreachable!("{request:?}")))
    }
}
