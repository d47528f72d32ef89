//! A login for a branded app, as the host hands it on: its id may be told, its secret is told to the app alone.
//!
//! The generated type would show the secret to whoever prints an answer for debugging, so it is turned into this one
//! before it leaves [`Tenant::issue_login`](crate::Tenant::issue_login).

use crate::contract::access::Reason;
use crate::contract::bindings::exports::gym::door_access::doors as generated;
use crate::egress::Secret;

/// A login for a branded app. Its `Debug` leaves the secret out, and it goes through no serializer.
#[derive(Clone, Debug)]
pub struct Login {
    /// The provider's identifier, for [`Tenant::revoke_login`](crate::Tenant::revoke_login).
    pub id: String,
    secret: Secret,
}

impl Login {
    /// What the app needs to open doors as the member. Hand it to the app, and neither log nor keep it: the plugin
    /// tells it this once.
    pub fn secret(&self) -> &str {
        self.secret.expose()
    }
}

/// What came of asking for a login.
#[derive(Clone, Debug)]
pub enum Issued {
    /// Here it is.
    Login(Login),
    /// None was made: no door opens for the member, above all for this reason.
    Refused(Reason),
}

impl From<generated::Issued> for Issued {
    fn from(issued: generated::Issued) -> Issued {
        match issued {
            generated::Issued::Login(generated::Login { id, secret }) => {
                Issued::Login(Login { id, secret: Secret::as_it_is(secret) })
            }
            generated::Issued::Refused(reason) => Issued::Refused(reason),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_handed_on_and_shown_to_nobody() {
        // What the provider makes is handed on as it is: it is no key of ours.
        for secret in ["a-login-s-secret-0001", "short", "with blanks in it"] {
            let login = generated::Login { id: "77".to_owned(), secret: secret.to_owned() };
            let issued = Issued::from(generated::Issued::Login(login));
            let shown = format!("{issued:?} {issued:#?}");
            assert!(shown.contains("77") && !shown.contains(secret), "{shown}");
            let Issued::Login(login) = issued else { panic!("{shown}") };
            assert_eq!(login.secret(), secret);
        }
    }
}
