//! `/users`: the accounts that door access is given to.

use super::endpoint::{Call, Method, NoContent, escape};
use super::page::{List, Row};
use crate::id::UserId;
use crate::json::{Fields, Json, Object, Value, Wrong};

/// The key in a user's metadata that carries the member's id, on users that the plugin created. Metadata holds flat
/// values under keys of at most 50 characters (C).
pub const METADATA_MEMBER: &str = "gym_member_id";

/// Longest value in metadata, in characters (C).
const METADATA_CHARS_MAX: usize = 500;

/// A user, as far as the plugin reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The user's id.
    pub id: UserId,
    /// The address they sign in with. It cannot be changed through the API (C).
    pub email: Option<String>,
    /// The member that this user was created for, when the plugin created it.
    pub created_for: Option<String>,
}

impl Json for User {
    fn read(value: &Value, wrong: &Wrong) -> Self {
        let fields = Fields::of(value, wrong);
        let mark = fields.inner_text("metadata", METADATA_MEMBER);
        User {
            id: fields.of_type("id"),
            email: fields.optional_text("email"),
            created_for: mark.map(str::to_string),
        }
    }
}

/// How a user stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Presence {
    /// The user is suspended in the whole organization, by staff or by its directory (C).
    pub is_suspended: bool,
    /// The user has opened a door before.
    pub has_entered: bool,
}

impl Json for Presence {
    fn read(value: &Value, wrong: &Wrong) -> Self {
        let fields = Fields::of(value, wrong);
        let is_off = |name| matches!(fields.get(name), Some(Value::Bool(false)));
        Presence {
            is_suspended: is_off("access_enabled") || is_off("scim_access_enabled"),
            has_entered: fields.get("last_accessed_at").is_some(),
        }
    }
}

impl Row for User {
    const LIST: List = List { path: "/users", limit_max: 100 };
}

/// Whether Kisi writes to the person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Invitation {
    /// Kisi mails instructions for its app.
    KisiMail,
    /// A managed user: no mail from Kisi; a branded app signs them in (C, Kisi's help on adding users).
    Managed,
}

/// The filter that selects users by free text in name, address or notes: never trusted, only looked through for an
/// exact address when the filter by address fails.
pub fn by_text(text: &str) -> String {
    format!("query={}", escape(text))
}

/// The filter that selects users by e-mail address. Its treatment of case is not known (?), so the caller compares
/// exactly.
pub fn by_email(email: &str) -> String {
    format!("email={}", escape(email))
}

/// Creates a user.
pub fn create(email: &str, name: &str, member: &str, invitation: Invitation) -> Call<User> {
    let mark = Some(member).filter(|member| member.chars().count() <= METADATA_CHARS_MAX);
    let user = Object::default()
        .with("email", email)
        .with("name", name)
        .with("send_emails", invitation == Invitation::KisiMail)
        .with("confirm", true)
        .with("metadata", Object::default().with_some(METADATA_MEMBER, mark));
    Call::with_body(Method::Post, "/users".to_string(), Object::default().with("user", user))
}

/// Changes a user's name.
pub fn rename(user: UserId, name: &str) -> Call<NoContent> {
    let body = Object::default().with("user", Object::default().with("name", name));
    Call::with_body(Method::Patch, format!("/users/{user}"), body)
}

/// Reads a user.
pub fn get(user: UserId) -> Call<User> {
    Call::get(format!("/users/{user}"))
}

/// Reads how a user stands.
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
