//! Everything outside the plugin, as one trait. The component implements it with the contract's imports (`guest`), tests
//! with plain Rust. Nothing else in the plugin does input or output.

use crate::contract::directory::{DirectoryError, MemberPage};
use crate::contract::log::Level;
use crate::contract::storage::{Entry, StorageError, Write};
use crate::contract::types::{Member, Plan, Timestamp};
use crate::kisi::endpoint::{Request, Response};

/// The host's side of the contract. Every function is one call across the boundary.
pub trait Host {
    /// See `directory.get-member`.
    fn get_member(&self, id: &str) -> Result<Option<Member>, DirectoryError>;
    /// See `directory.find-members`.
    fn find_members(&self, email: &str) -> Result<Vec<Member>, DirectoryError>;
    /// See `directory.list-members`.
    fn list_members(&self, after: Option<&str>, limit: u32) -> Result<MemberPage, DirectoryError>;
    /// See `directory.list-plans`.
    fn list_plans(&self) -> Result<Vec<Plan>, DirectoryError>;
    /// See `storage.get`.
    fn get(&self, key: &str) -> Result<Option<Entry>, StorageError>;
    /// See `storage.scan`.
    fn scan(&self, prefix: &str, after: Option<&str>, limit: u32) -> Result<Vec<Entry>, StorageError>;
    /// See `storage.commit`.
    fn commit(&self, writes: Vec<Write>) -> Result<u64, StorageError>;
    /// See `log.write`.
    fn log(&self, level: Level, message: &str, fields: &[(&str, &str)]);
    /// The time now.
    fn now(&self) -> Timestamp;
    /// Sends one request to Kisi and waits for the whole answer. The host adds the key.
    fn send(&self, request: &Request) -> Result<Response, SendError>;
}

/// Why there is no answer to a request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// The host refuses the request: the origin is not approved or the address is not allowed. A person must act.
    #[error("the host refused the request: {0}")]
    Denied(String),
    /// The request certainly did not reach Kisi.
    #[error("Kisi could not be reached: {0}")]
    NotSent(String),
    /// The answer did not arrive, but the request may have reached Kisi: a write may have been carried out.
    #[error("Kisi's answer was lost: {0}")]
    Lost(String),
}
