//! `/user`, `/organization`, `/places`: whose key it is, and where.

use super::endpoint::Call;
use super::page::{List, Row};
use crate::id::UserId;
use crate::json::{Fields, Json, Value, Wrong};

/// The owner of the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CurrentUser {
    /// The user's id.
    pub id: UserId,
    /// The name.
    pub name: Option<String>,
    /// The address.
    pub email: Option<String>,
}

/// The organization of the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organization {
    /// Its id.
    pub id: u64,
    /// Its name.
    pub name: String,
}

/// A place of the organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Its id.
    pub id: u64,
    /// Its name.
    pub name: String,
}

impl Json for CurrentUser {
    fn read(value: &Value, wrong: &Wrong) -> Self {
        let fields = Fields::of(value, wrong);
        CurrentUser {
            id: fields.of_type("id"),
            name: fields.optional_text("name"),
            email: fields.optional_text("email"),
        }
    }
}

impl Json for Organization {
    fn read(value: &Value, wrong: &Wrong) -> Self {
        let fields = Fields::of(value, wrong);
        Organization { id: fields.number("id"), name: fields.text("name") }
    }
}

impl Json for Place {
    fn read(value: &Value, wrong: &Wrong) -> Self {
        let fields = Fields::of(value, wrong);
        Place { id: fields.number("id"), name: fields.text("name") }
    }
}

impl Row for Place {
    const LIST: List = List { path: "/places", limit_max: 250 };
}

/// Reads the key's owner.
pub fn current_user() -> Call<CurrentUser> {
    Call::get("/user".to_string())
}

/// Reads the key's organization.
pub fn current() -> Call<Organization> {
    Call::get("/organization".to_string())
}
