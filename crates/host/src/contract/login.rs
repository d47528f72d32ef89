//! A login for a branded app. Its id may be logged; its secret is for the app alone.
//!
//! The generated type would print the secret in `Debug`, so it is converted to this one before it leaves
//! [`Tenant::issue_login`](crate::Tenant::issue_login).

use super::access::Reason;
use super::bindings::exports::gym::door_access::doors as generated;
use crate::secret::Secret;

/// A login for a branded app. Its `Debug` omits the secret, and it has no serializer.
#[derive(Clone, Debug)]
pub struct Login {
    /// The provider's identifier, for [`Tenant::revoke_login`](crate::Tenant::revoke_login).
    pub id: String,
    secret: Secret,
}

impl Login {
    /// What the app needs to open doors as the member. Pass it to the app; do not log or keep it. It is returned
    /// only once.
    pub fn secret(&self) -> &str {
        self.secret.expose()
    }
}

/// The result of a request for a login.
#[derive(Clone, Debug)]
pub enum Issued {
    /// The login.
    Login(Login),
    /// No login: no door opens for the member, above all for this reason.
    Refused(Reason),
}

impl From<generated::Issued> for Issued {
    fn from(issued: generated::Issued) -> Issued {
        match issued {
            generated::Issued::Login(generated::Login { id, secret }) => {
                Issued::Login(Login { id, secret: Secret::unchecked(secret) })
            }
            generated::Issued::Refused(reason) => Issued::Refused(reason),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_s_secret_reaches_the_app_unchanged_and_is_never_printed() {
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
