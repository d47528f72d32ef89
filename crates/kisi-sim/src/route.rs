//! The endpoints that there are, and how a request finds its own.

use crate::error::ApiError;
use crate::pipeline::Call;
use crate::reply::Reply;
use crate::resources;

/// Who may use an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// Every user with a key.
    AnyUser,
    /// Owners and administrators of the organization. For reading this is inferred: no source says what a plain
    /// member sees of the organization's users and groups.
    Administrator,
}

/// What an endpoint answers with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// An array of rows.
    List,
    /// One object, or nothing.
    One,
}

/// One endpoint of the API.
pub(crate) struct Endpoint {
    pub(crate) method: &'static str,
    /// The path, with `{id}` where an id stands.
    pub(crate) pattern: &'static str,
    pub(crate) access: Access,
    pub(crate) shape: Shape,
    /// The documented query parameters.
    pub(crate) parameters: &'static [&'static str],
    pub(crate) answer: fn(&mut Call<'_>) -> Result<Reply, ApiError>,
}

impl Endpoint {
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
    let argument = endpoint
        .pattern
        .split('/')
        .zip(path.split('/'))
        .find_map(|(part, given)| is_placeholder(part).then_some(given));
    Some((endpoint, argument))
}

/// Whether two paths can mean the same one, where a part in braces on either side stands for any id.
pub(crate) fn overlap(left: &str, right: &str) -> bool {
    let (mut left, mut right) = (left.split('/'), right.split('/'));
    loop {
        match (left.next(), right.next()) {
            (None, None) => return true,
            (Some(one), Some(other)) if same_part(one, other) => {}
            _ => return false,
        }
    }
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
            assert!(names.insert(endpoint.name()), "{} is there twice", endpoint.name());
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
