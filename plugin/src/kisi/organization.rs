//! `/user`, `/organization`, `/places`: the key's owner, organization and places.

use serde::Deserialize;

use super::endpoint::Call;
use super::page::{List, Row};
use crate::id::UserId;

/// The owner of the key.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct CurrentUser {
    /// The user's id.
    pub id: UserId,
    /// The name.
    pub name: Option<String>,
    /// The address.
    pub email: Option<String>,
}

/// The organization of the key.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Organization {
    /// Its id.
    pub id: u64,
    /// Its name.
    pub name: String,
}

/// A place of the organization.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Place {
    /// Its id.
    pub id: u64,
    /// Its name.
    pub name: String,
}

impl Row for Place {
    const LIST: List = List { path: "/places", limit_max: 250 };

    fn id(&self) -> u64 {
        self.id
    }
}

/// Reads the key's owner.
pub fn current_user() -> Call<CurrentUser> {
    Call::get("/user".to_string())
}

/// Reads the key's organization.
pub fn current() -> Call<Organization> {
    Call::get("/organization".to_string())
}
