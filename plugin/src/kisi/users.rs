//! `/users`: the accounts that door access is given to.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::endpoint::{Answer, Call, Method, NoContent, Response, escape, read_json};
use super::error::Error;
use super::page::Row;
use crate::id::UserId;

/// The key in a user's metadata that carries the member's id, on users that the plugin created. Metadata holds flat
/// values under keys of at most 50 characters [C].
pub const METADATA_MEMBER: &str = "gym_member_id";

/// Longest value in metadata, in characters [C].
const METADATA_CHARS_MAX: usize = 500;

/// A user, as far as the plugin reads it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct User {
    /// The user's id.
    pub id: UserId,
    /// The address they sign in with. It cannot be changed through the API [C].
    pub email: Option<String>,
    /// Flat values, ours under [`METADATA_MEMBER`].
    #[serde(default)]
    pub metadata: BTreeMap<String, serde_json::Value>,
}

impl User {
    /// The member that this user was created for, when the plugin created it.
    pub fn created_for(&self) -> Option<&str> {
        self.metadata.get(METADATA_MEMBER)?.as_str()
    }
}

impl Row for User {
    const PATH: &'static str = "/users";
    const LIMIT_MAX: u64 = 100;

    fn id(&self) -> u64 {
        self.id.0
    }
}

impl Answer for User {
    fn read(response: Response) -> Result<Self, Error> {
        read_json(&response)
    }
}

/// Whether Kisi writes to the person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Invitation {
    /// Kisi mails instructions for its app.
    KisiMail,
    /// A managed user: no mail from Kisi; a branded app signs them in [C, Kisi's help on adding users].
    Managed,
}

#[derive(Serialize)]
struct Wrapped<T> {
    user: T,
}

#[derive(Serialize)]
struct NewUser<'a> {
    email: &'a str,
    name: &'a str,
    send_emails: bool,
    confirm: bool,
    metadata: BTreeMap<&'a str, &'a str>,
}

#[derive(Serialize)]
struct Rename<'a> {
    name: &'a str,
}

/// The filter that selects users by e-mail address. Its treatment of case is not known [?], so the caller compares
/// exactly; `query=` is a free-text search and never used.
pub fn by_email(email: &str) -> String {
    format!("email={}", escape(email))
}

/// Creates a user.
pub fn create(email: &str, name: &str, member: &str, invitation: Invitation) -> Call<User> {
    let marked = member.chars().count() <= METADATA_CHARS_MAX;
    let user = NewUser {
        email,
        name,
        send_emails: invitation == Invitation::KisiMail,
        confirm: true,
        metadata: marked.then_some((METADATA_MEMBER, member)).into_iter().collect(),
    };
    Call::with_body(Method::Post, "/users".to_string(), &Wrapped { user })
}

/// Changes a user's name.
pub fn rename(user: UserId, name: &str) -> Call<NoContent> {
    Call::with_body(Method::Patch, format!("/users/{user}"), &Wrapped { user: Rename { name } })
}

/// Reads a user.
pub fn get(user: UserId) -> Call<User> {
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
