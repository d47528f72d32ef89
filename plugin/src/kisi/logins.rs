//! `/logins`: what a phone signs in with. A login's secret is in the answer that makes it and nowhere else.

use serde::{Deserialize, Serialize};

use super::endpoint::{Call, Method, NoContent};
use crate::id::LoginId;

/// How many device logins a user may have; Kisi ends the one that was used least recently for one more (C).
pub const DEVICE_LOGINS_MAX: usize = 40;

/// A login that was just made. Not `Debug`: nobody writes its secret anywhere.
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

/// Makes a device login for the user of `email`, as Kisi has the address: by another one it is not found (C, seen in
/// production). Only device logins may be made for others (C). It does not expire: it ends when the gym says so.
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
    fn a_login_is_a_devices_and_lasts_until_it_is_ended() {
        let call = create("ann@x.test", "Apple", "iPhone 17", "iOS");
        assert_eq!(
            String::from_utf8(call.body.unwrap()).unwrap(),
            r#"{"login":{"type":"device","device_brand":"Apple","device_model":"iPhone 17","os_name":"iOS","email":"ann@x.test","expire":false}}"#
        );
    }
}
