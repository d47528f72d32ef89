//! `/users`: the accounts that door access is given to.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::endpoint::{Call, Method, NoContent, escape};
use super::page::{List, Row};
use crate::id::UserId;
use crate::json::text_in;

/// The metadata key with the member's id, on users that the plugin created. Metadata has flat values under keys of at most
/// 50 characters (C).
const METADATA_MEMBER: &str = "gym_member_id";

/// Longest value in metadata, in characters (C).
const METADATA_CHARS_MAX: usize = 500;

/// A user, as far as the plugin reads it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "WireUser")]
pub struct User {
    /// The user's id.
    pub id: UserId,
    /// The address for signing in. The API cannot change it (C).
    pub email: Option<String>,
    /// The member for whom the plugin created the user.
    pub created_for: Option<String>,
}

#[derive(Deserialize)]
struct WireUser {
    id: UserId,
    email: Option<String>,
    #[serde(default)]
    metadata: Value,
}

impl From<WireUser> for User {
    fn from(WireUser { id, email, metadata }: WireUser) -> User {
        User { id, email, created_for: text_in(&metadata, METADATA_MEMBER).map(str::to_string) }
    }
}

/// Whether a user can enter.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "WirePresence")]
pub struct Presence {
    /// Staff or the organization's directory suspended the user in the whole organization (C).
    pub is_suspended: bool,
    /// The user has opened a door before.
    pub has_entered: bool,
}

#[derive(Deserialize)]
struct WirePresence {
    #[serde(default)]
    access_enabled: Value,
    #[serde(default)]
    scim_access_enabled: Value,
    #[serde(default)]
    last_accessed_at: Value,
}

impl From<WirePresence> for Presence {
    fn from(wire: WirePresence) -> Presence {
        Presence {
            is_suspended: [wire.access_enabled, wire.scim_access_enabled].contains(&Value::Bool(false)),
            has_entered: !wire.last_accessed_at.is_null(),
        }
    }
}

impl Row for User {
    const LIST: List = List { path: "/users", limit_max: 100 };

    fn id(&self) -> u64 {
        self.id.0
    }
}

/// Whether Kisi writes to a new user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Invitation {
    /// Kisi mails instructions for its app.
    #[default]
    KisiMail,
    /// A managed user gets no mail from Kisi; a branded app signs them in (C, Kisi's help on adding users).
    Managed,
}

/// The filter that selects users by free text in name, address or notes. Its result is only searched for an exact
/// address, when the filter by address finds none.
pub fn by_text(text: &str) -> String {
    format!("query={}", escape(text))
}

/// The filter that selects users by e-mail address. How it treats case is unknown (?), so the caller compares exactly.
pub fn by_email(email: &str) -> String {
    format!("email={}", escape(email))
}

#[derive(Serialize)]
struct Body<T> {
    user: T,
}

#[derive(Serialize)]
struct NewUser<'a> {
    email: &'a str,
    name: &'a str,
    send_emails: bool,
    confirm: bool,
    metadata: BTreeMap<&'static str, &'a str>,
}

#[derive(Serialize)]
struct NewName<'a> {
    name: &'a str,
}

/// Creates a user.
pub fn create(email: &str, name: &str, member: &str, invitation: Invitation) -> Call<User> {
    let user = NewUser {
        email,
        name,
        send_emails: invitation == Invitation::KisiMail,
        confirm: true,
        metadata: [(METADATA_MEMBER, member)]
            .into_iter()
            .filter(|(_, member)| member.chars().count() <= METADATA_CHARS_MAX)
            .collect(),
    };
    Call::with_body(Method::Post, "/users".to_string(), &Body { user })
}

/// Changes a user's name.
pub fn rename(user: UserId, name: &str) -> Call<NoContent> {
    Call::with_body(Method::Patch, format!("/users/{user}"), &Body { user: NewName { name } })
}

/// Reads a user.
pub fn get(user: UserId) -> Call<User> {
    Call::get(format!("/users/{user}"))
}

/// Reads whether a user can enter.
pub fn presence(user: UserId) -> Call<Presence> {
    Call::get(format!("/users/{user}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_user_is_marked_with_the_member_it_was_created_for() {
        let call = create("ann@x.test", "Ann Lee", "m-1", Invitation::Managed);
        assert_eq!(
            String::from_utf8(call.body.unwrap()).unwrap(),
            r#"{"user":{"email":"ann@x.test","name":"Ann Lee","send_emails":false,"confirm":true,"metadata":{"gym_member_id":"m-1"}}}"#
        );
    }
}
