//! `/users`: the accounts that door access is given to.

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use super::endpoint::{Call, Method, NoContent, escape};
use super::page::{List, Row};
use crate::id::UserId;
use crate::json::lenient;

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
    #[serde(default, deserialize_with = "lenient")]
    metadata: Option<Metadata<String>>,
}

/// What the plugin keeps in a user's metadata, which holds flat values under keys of at most 50 characters (C).
#[derive(Serialize, Deserialize)]
struct Metadata<T> {
    /// The id of the member for whom the plugin created the user.
    #[serde(skip_serializing_if = "Option::is_none")]
    gym_member_id: Option<T>,
}

impl From<WireUser> for User {
    fn from(WireUser { id, email, metadata }: WireUser) -> User {
        User { id, email, created_for: metadata.and_then(|metadata| metadata.gym_member_id) }
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
    #[serde(default, deserialize_with = "lenient")]
    access_enabled: Option<bool>,
    #[serde(default, deserialize_with = "lenient")]
    scim_access_enabled: Option<bool>,
    last_accessed_at: Option<IgnoredAny>,
}

impl From<WirePresence> for Presence {
    fn from(wire: WirePresence) -> Presence {
        Presence {
            is_suspended: wire.access_enabled == Some(false) || wire.scim_access_enabled == Some(false),
            has_entered: wire.last_accessed_at.is_some(),
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
    metadata: Metadata<&'a str>,
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
        metadata: Metadata {
            gym_member_id: Some(member).filter(|member| member.chars().count() <= METADATA_CHARS_MAX),
        },
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
