//! Faults on demand: the effect, the requests, how many to skip, and how often to fire.

mod effect;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

pub use effect::FaultEffect;

use crate::route::{self, Rows};

/// One fault to inject.
///
/// Of several faults that match a request, the first one added fires; the others neither fire nor count it. A fault
/// about lists matches only endpoints that answer with a list, and one about pages only those whose list has pages.
/// Requests refused with 429 reach no fault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// The requests it is for.
    pub route: FaultRoute,
    /// The number of them that pass first.
    #[serde(default)]
    pub skip: u32,
    /// How often it fires; once when left out.
    #[serde(default = "once")]
    pub times: u32,
    /// The effect.
    pub effect: FaultEffect,
}

fn once() -> u32 {
    1
}

impl Fault {
    /// A fault that fires once, at the first matching request.
    ///
    /// # Errors
    /// When no endpoint matches the route; see [`FaultRoute`].
    pub fn new(route: &str, effect: FaultEffect) -> Result<Fault, FaultRouteError> {
        Ok(Fault { route: route.parse()?, skip: 0, times: once(), effect })
    }

    /// Lets this many matching requests pass first.
    #[must_use]
    pub fn skip(self, skip: u32) -> Fault {
        Fault { skip, ..self }
    }

    /// Fires this often.
    #[must_use]
    pub fn times(self, times: u32) -> Fault {
        Fault { times, ..self }
    }

    /// Fires at every matching request until the faults are cleared.
    #[must_use]
    pub fn always(self) -> Fault {
        self.times(u32::MAX)
    }
}

/// The requests that a fault is for: a method or `*`, and a path or `*`.
///
/// In a path, a part in braces stands for any id: `DELETE /role_assignments/{id}`. A part without braces stands for
/// itself: `DELETE /role_assignments/100000001`. `*` alone stands for every request, unknown endpoints included.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FaultRoute {
    method: Option<String>,
    path: Option<String>,
}

/// The route of a fault can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FaultRouteError {
    /// The text is not a route.
    #[error("`{0}` is not a route: write a method and a path, such as `POST /users`, or `*`")]
    Malformed(String),
    /// The fault could never fire.
    #[error("`{0}` fits no endpoint of the simulator; ids are written as `{{id}}`")]
    NoSuchEndpoint(String),
}

impl FromStr for FaultRoute {
    type Err = FaultRouteError;

    fn from_str(text: &str) -> Result<FaultRoute, FaultRouteError> {
        let any = |part: &str| (part != "*").then(|| part.to_owned());
        let mut parts = text.split_whitespace();
        let route = match (parts.next(), parts.next(), parts.next()) {
            (Some("*"), None, None) => FaultRoute { method: None, path: None },
            (Some(method), Some(path), None) if path == "*" || path.starts_with('/') => {
                FaultRoute { method: any(method), path: any(path) }
            }
            _ => return Err(FaultRouteError::Malformed(text.to_owned())),
        };
        if route::endpoints().any(|endpoint| route.fits(endpoint.method, endpoint.pattern)) {
            Ok(route)
        } else {
            Err(FaultRouteError::NoSuchEndpoint(text.to_owned()))
        }
    }
}

impl TryFrom<String> for FaultRoute {
    type Error = FaultRouteError;

    fn try_from(text: String) -> Result<FaultRoute, FaultRouteError> {
        text.parse()
    }
}

impl fmt::Display for FaultRoute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.method, &self.path) {
            (None, None) => f.write_str("*"),
            (method, path) => {
                write!(f, "{} {}", method.as_deref().unwrap_or("*"), path.as_deref().unwrap_or("*"))
            }
        }
    }
}

impl From<FaultRoute> for String {
    fn from(route: FaultRoute) -> String {
        route.to_string()
    }
}

impl FaultRoute {
    fn fits(&self, method: &str, path: &str) -> bool {
        self.method.as_deref().is_none_or(|own| own == method)
            && self.path.as_deref().is_none_or(|own| route::overlap(own, path))
    }
}

/// A fault, and how often it has fired.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultStatus {
    /// The fault as it was added.
    pub fault: Fault,
    /// The number of matching requests, skipped ones included.
    pub seen: u32,
    /// The number of times it has fired.
    pub fired: u32,
}

impl FaultStatus {
    pub(crate) fn new(fault: Fault) -> FaultStatus {
        FaultStatus { fault, seen: 0, fired: 0 }
    }
}

/// The effect of the first fault that fires for this request.
pub(crate) fn fire(faults: &mut [FaultStatus], method: &str, path: &str, rows: Rows) -> Option<FaultEffect> {
    for status in faults {
        let fault = &status.fault;
        let spent = status.fired >= fault.times;
        if spent || !fault.route.fits(method, path) || !fault.effect.changes(rows) {
            continue;
        }
        status.seen = status.seen.saturating_add(1);
        if status.seen > fault.skip {
            status.fired += 1;
            return Some(fault.effect.clone());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_that_could_never_match_is_refused() {
        for denied in
            ["", "POST", "/users", "POST users", "POST /user", "PUT /users", "GET /x", "GET /users x"]
        {
            assert!(denied.parse::<FaultRoute>().is_err(), "{denied} should be refused");
        }
        for allowed in ["*", "* *", "GET *", "* /users", "PATCH /users/{id}", "PATCH /users/10000001"] {
            assert!(allowed.parse::<FaultRoute>().is_ok(), "{allowed} should be accepted");
        }
    }

    #[test]
    fn a_fault_skips_requests_and_then_fires_the_given_number_of_times() {
        let fault = Fault::new("POST /users", FaultEffect::Html {}).unwrap().skip(1).times(2);
        let mut faults = [FaultStatus::new(fault)];
        let fired: Vec<bool> =
            (0..5).map(|_| fire(&mut faults, "POST", "/users", Rows::None).is_some()).collect();
        assert_eq!(fired, [false, true, true, false, false]);
        assert_eq!(faults[0].fired, 2);
        assert!(fire(&mut faults, "GET", "/users", Rows::Page).is_none());
    }

    #[test]
    fn faults_are_read_from_json_strictly() {
        let fault: Fault =
            serde_json::from_str(r#"{"route":"GET /users","effect":{"kind":"truncated"}}"#).unwrap();
        assert_eq!(fault, Fault::new("GET /users", FaultEffect::Truncated { missing: 1 }).unwrap());
        for denied in [
            r#"{"route":"GET /users","effect":{"kind":"status","status":200}}"#,
            r#"{"route":"GET /users","effect":{"kind":"html","ms":1}}"#,
            r#"{"route":"GET /users","effect":{"kind":"explode"}}"#,
            r#"{"route":"GET /users","effect":{"kind":"html"},"time":2}"#,
        ] {
            assert!(serde_json::from_str::<Fault>(denied).is_err(), "{denied} should be refused");
        }
    }
}
