//! Endpoints: where requests to an approved origin go. The plugin always names its own origin; the installer may route it
//! to a simulator on this machine, or to a proxy.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use thiserror::Error;

use super::origin::{HTTPS_PORT, Origin, host_name, port_number};

/// Default port of an `http` endpoint.
const HTTP_PORT: u16 = 80;

/// Which addresses an endpoint may resolve to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reach {
    /// Public addresses only.
    Public,
    /// This machine only.
    Loopback,
}

/// Where requests of an origin go: how the installer points a plugin at a simulator or a proxy.
///
/// `http://` is for this machine only; anything else is `https://`. Parse it from text.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Endpoint {
    scheme: &'static str,
    authority: String,
    reach: Reach,
}

/// Why a text is not an endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum EndpointError {
    /// Not of the form `scheme://host` or `scheme://host:port`.
    #[error("{0:?} is not an endpoint: write http://127.0.0.1:PORT or https://host, and nothing after it")]
    Form(String),
    /// The key would be sent unencrypted.
    #[error("plain http is for this machine only (127.0.0.1, [::1], localhost): use https for {0}")]
    PlainHttp(String),
}

impl Endpoint {
    /// The endpoint that is the origin itself.
    pub fn of(origin: &Origin) -> Self {
        let authority = format!("{}:{}", origin.host(), origin.port());
        Self { scheme: "https", authority, reach: Reach::Public }
    }

    /// `http` or `https`.
    pub fn scheme(&self) -> &'static str {
        self.scheme
    }

    /// Host and port.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// Which addresses its name may resolve to.
    pub fn reach(&self) -> Reach {
        self.reach
    }
}

impl FromStr for Endpoint {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, EndpointError> {
        let form = || EndpointError::Form(text.to_owned());
        let (scheme, rest) = text.split_once("://").ok_or_else(form)?;
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        if rest.is_empty() || rest.contains(['/', '?', '#', '\\', '@']) {
            return Err(form());
        }
        let (scheme, port_default) = match scheme.to_ascii_lowercase().as_str() {
            "http" => ("http", HTTP_PORT),
            "https" => ("https", HTTPS_PORT),
            _ => return Err(form()),
        };
        let (host, port) = match rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((address, port)) => {
                let address: std::net::Ipv6Addr = address.parse().map_err(|_| form())?;
                (format!("[{address}]"), port.strip_prefix(':').or((!port.is_empty()).then_some("")))
            }
            None => match rest.split_once(':') {
                Some((host, port)) => (host.to_ascii_lowercase(), Some(port)),
                None => (rest.to_ascii_lowercase(), None),
            },
        };
        let port = match port {
            Some(port) => port_number(port).ok_or_else(form)?,
            None => port_default,
        };
        let known = host_address(&host).is_some() || host_name(&host).is_ok();
        if !known {
            return Err(form());
        }
        let local = host == "localhost" || host_address(&host).is_some_and(|address| address.is_loopback());
        let reach = if local { Reach::Loopback } else { Reach::Public };
        match (scheme, reach) {
            ("http", Reach::Public) => Err(EndpointError::PlainHttp(host)),
            _ => Ok(Self { scheme, authority: format!("{host}:{port}"), reach }),
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.authority)
    }
}

/// The IP address that is the host of a URI, if it is one.
pub(super) fn host_address(host: &str) -> Option<IpAddr> {
    host.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

/// An origin that the installer approved, and where its requests go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApprovedOrigin {
    /// The origin; it counts only if the plugin's manifest names it too.
    pub origin: Origin,
    /// Where requests go instead; `None` for the origin itself. The plugin's key goes there too.
    pub endpoint: Option<Endpoint>,
}

impl ApprovedOrigin {
    /// Requests go to the origin itself.
    pub fn direct(origin: Origin) -> Self {
        Self { origin, endpoint: None }
    }

    /// Requests, and the key with them, go to this endpoint.
    pub fn routed(origin: Origin, endpoint: Endpoint) -> Self {
        Self { origin, endpoint: Some(endpoint) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_is_for_this_machine_only() {
        let table = [
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080", Reach::Loopback),
            ("http://127.0.0.1:8080/", "http://127.0.0.1:8080", Reach::Loopback),
            ("http://[::1]:8080", "http://[::1]:8080", Reach::Loopback),
            ("http://localhost", "http://localhost:80", Reach::Loopback),
            ("https://localhost:8443", "https://localhost:8443", Reach::Loopback),
            ("https://proxy.example.com", "https://proxy.example.com:443", Reach::Public),
            ("https://10.0.0.1", "https://10.0.0.1:443", Reach::Public),
        ];
        for (text, expected, reach) in table {
            let endpoint: Endpoint = text.parse().unwrap();
            assert_eq!((endpoint.to_string().as_str(), endpoint.reach()), (expected, reach), "{text}");
        }
        for text in
            ["http://api.example.com", "http://10.0.0.1:80", "http://localhost.example.com", "http://[::2]"]
        {
            assert!(matches!(text.parse::<Endpoint>(), Err(EndpointError::PlainHttp(_))), "{text}");
        }
        for text in [
            "",
            "127.0.0.1:80",
            "http://",
            "http://127.0.0.1:80/x",
            "http://a@localhost",
            "http://[::1",
            "http://[::1]8",
            "http://localhost:x",
        ] {
            assert!(matches!(text.parse::<Endpoint>(), Err(EndpointError::Form(_))), "{text}");
        }
    }
}
