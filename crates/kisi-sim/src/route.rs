//! The endpoints of the simulated API, and which of them a request is for.

use crate::error::ApiError;
use crate::pipeline::Call;
use crate::reply::Reply;
use crate::resources;

/// Which users may call an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// Every user with a key.
    AnyUser,
    /// Owners and administrators of the organization. For reads this is inferred: no source says what a plain
    /// member sees of the organization's users and groups.
    Administrator,
}

/// The rows that an endpoint answers with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rows {
    /// No array: one object, or nothing.
    None,
    /// All at once.
    All,
    /// One page of them.
    Page,
}

type Handler = fn(&mut Call<'_>) -> Result<Reply, ApiError>;

/// One endpoint of the API.
pub(crate) struct Endpoint {
    pub(crate) access: Access,
    pub(crate) method: &'static str,
    /// The path, with `{id}` in the place of an id.
    pub(crate) pattern: &'static str,
    pub(crate) rows: Rows,
    /// The documented query parameters.
    pub(crate) parameters: &'static [&'static str],
    pub(crate) answer: Handler,
}

impl Endpoint {
    /// An endpoint that answers with one object, or with nothing.
    pub(crate) const fn one(
        access: Access,
        method: &'static str,
        pattern: &'static str,
        answer: Handler,
    ) -> Endpoint {
        Endpoint { access, method, pattern, rows: Rows::None, parameters: &[], answer }
    }

    /// A GET that answers with all rows at once.
    pub(crate) const fn unpaged(access: Access, pattern: &'static str, answer: Handler) -> Endpoint {
        Endpoint { rows: Rows::All, ..Endpoint::one(access, "GET", pattern, answer) }
    }

    /// A GET that answers with a page of rows.
    pub(crate) const fn list(access: Access, pattern: &'static str, answer: Handler) -> Endpoint {
        Endpoint { rows: Rows::Page, ..Endpoint::one(access, "GET", pattern, answer) }
    }

    pub(crate) const fn with_parameters(self, parameters: &'static [&'static str]) -> Endpoint {
        Endpoint { parameters, ..self }
    }

    /// Method and pattern, for example `PATCH /users/{id}`.
    pub(crate) fn name(&self) -> String {
        format!("{} {}", self.method, self.pattern)
    }

    pub(crate) fn is_write(&self) -> bool {
        self.method != "GET"
    }
}

/// Every endpoint of the simulator.
pub(crate) fn endpoints() -> impl Iterator<Item = &'static Endpoint> {
    resources::ENDPOINTS.iter().copied().flatten()
}

/// The endpoint of a request, and the part of the path that stands for `{id}`.
pub(crate) fn find<'p>(method: &str, path: &'p str) -> Option<(&'static Endpoint, Option<&'p str>)> {
    let endpoint =
        endpoints().find(|endpoint| endpoint.method == method && overlap(endpoint.pattern, path))?;
    let mut parts = endpoint.pattern.split('/').zip(path.split('/'));
    Some((endpoint, parts.find(|(part, _)| is_placeholder(part)).map(|(_, given)| given)))
}

/// Whether two paths can name the same resource. A part in braces, on either side, stands for any id.
pub(crate) fn overlap(left: &str, right: &str) -> bool {
    left.split('/').count() == right.split('/').count()
        && left.split('/').zip(right.split('/')).all(|(one, other)| same_part(one, other))
}

fn same_part(one: &str, other: &str) -> bool {
    one == other || (is_placeholder(one) && !other.is_empty()) || (is_placeholder(other) && !one.is_empty())
}

fn is_placeholder(part: &str) -> bool {
    part.starts_with('{') && part.ends_with('}')
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_endpoint_is_found_by_its_own_path_and_no_two_share_one() {
        let mut names = BTreeSet::new();
        for endpoint in endpoints() {
            let path = endpoint.pattern.replace("{id}", "7");
            let (found, argument) = find(endpoint.method, &path).unwrap();
            assert_eq!(found.name(), endpoint.name());
            assert_eq!(argument.is_some(), endpoint.pattern.contains("{id}"), "{path}");
            assert!(names.insert(endpoint.name()), "{} is declared twice", endpoint.name());
        }
        assert!(names.len() > 20, "only {} endpoints", names.len());
    }

    #[test]
    fn near_misses_find_no_endpoint() {
        for path in ["/", "/users/", "/users/1/", "/users/1/x", "/userss", "//users"] {
            assert!(find("GET", path).is_none(), "{path}");
        }
        assert!(find("PUT", "/users/1").is_none());
    }
}
