//! `/logins`: what a phone signs in with. Only the answer that creates a login contains its secret.

use serde::{Deserialize, Serialize};

use super::endpoint::{Call, Method, NoContent};
use crate::id::LoginId;

/// How many device logins a user may have. One more makes Kisi end the least recently used one (C).
pub const DEVICE_LOGINS_MAX: usize = 40;

/// A new login. Not `Debug`, so that its secret is never printed.
#[derive(Deserialize)]
pub struct Login {
    /// Its id.
    pub id: LoginId,
    /// What the phone signs in with.
    pub secret: String,
}

#[derive(Serialize)]
struct Body<'a> {
    login: NewLogin<'a>,
}

#[derive(Serialize)]
struct NewLogin<'a> {
    r#type: &'static str,
    device_brand: &'a str,
    device_model: &'a str,
    os_name: &'a str,
    email: &'a str,
    expire: bool,
}

/// Creates a device login for the user with `email`, spelled as Kisi has the address; otherwise Kisi does not find the
/// user (C, seen in production). Only device logins may be created for other users (C). It does not expire: the plugin
/// ends it with the member's access.
pub fn create(email: &str, brand: &str, model: &str, system: &str) -> Call<Login> {
    let login = NewLogin {
        r#type: "device",
        device_brand: brand,
        device_model: model,
        os_name: system,
        email,
        expire: false,
    };
    Call::with_body(Method::Post, "/logins".to_string(), &Body { login })
}

/// Ends a login.
pub fn delete(login: LoginId) -> Call<NoContent> {
    Call::delete(format!("/logins/{login}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_login_lasts_until_it_is_ended() {
        let call = create("ann@x.test", "Apple", "iPhone 17", "iOS");
        assert_eq!(
            String::from_utf8(call.body.unwrap()).unwrap(),
            r#"{"login":{"type":"device","device_brand":"Apple","device_model":"iPhone 17","os_name":"iOS","email":"ann@x.test","expire":false}}"#
        );
    }
}
