//! `/logins`: what a phone signs in with. A login's secret is in the answer that makes it and nowhere else.

use super::endpoint::{Call, Method, NoContent};
use crate::id::LoginId;
use crate::json::{Fields, Json, Object, Value, Wrong};

/// How many device logins a user may have; Kisi ends the one that was used least recently for one more (C).
pub const DEVICE_LOGINS_MAX: usize = 40;

/// A login that was just made. Not `Debug`: nobody writes its secret anywhere.
pub struct Login {
    /// Its id.
    pub id: LoginId,
    /// What the phone signs in with.
    pub secret: String,
}

impl Json for Login {
    fn read(value: &Value, wrong: &Wrong) -> Self {
        let fields = Fields::of(value, wrong);
        Login { id: fields.of_type("id"), secret: fields.text("secret") }
    }
}

/// Makes a device login for the user of `email`, as Kisi has the address: by another one it is not found (C, seen in
/// production). Only device logins may be made for others (C). It does not expire: it ends when the gym says so.
pub fn create(email: &str, brand: &str, model: &str, system: &str) -> Call<Login> {
    let login = Object::default()
        .with("type", "device")
        .with("device_brand", brand)
        .with("device_model", model)
        .with("os_name", system)
        .with("email", email)
        .with("expire", false);
    Call::with_body(Method::Post, "/logins".to_string(), Object::default().with("login", login))
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
