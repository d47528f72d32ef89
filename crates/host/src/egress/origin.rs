//! Origins: whom a plugin may talk to.
//!
//! An origin is compared as a whole and exactly, so everything that could be written in two ways is either
//! brought to one form (case, default port, a trailing dot) or refused (user names, addresses, other
//! alphabets). A parser that is strict on both sides, the manifest's and the request's, leaves nothing to
//! argue about.

use std::fmt;
use std::str::FromStr;

use http::Uri;
use thiserror::Error;

/// Port of an `https` origin that names none.
pub(super) const HTTPS_PORT: u16 = 443;
/// Longest name of a host in DNS.
const HOST_BYTES_MAX: usize = 253;
/// Longest part of such a name between dots.
const LABEL_BYTES_MAX: usize = 63;

/// An `https` origin, in one form: `https://host` or `https://host:port`, the host a name in lower case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin {
    host: String,
    port: u16,
}

/// Why a text is no origin that a plugin may have.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum OriginError {
    /// Not of the form `https://host` or `https://host:port`.
    #[error("{0:?} is no origin: write https://host or https://host:port, and nothing behind it")]
    Form(String),
    /// Another scheme.
    #[error("{0:?} is not https")]
    Scheme(String),
    /// A user name or password stands before the host.
    #[error("an origin has no user name")]
    UserInfo,
    /// The host is an address. Addresses have many spellings and no certificate.
    #[error("{0:?} is an address: an origin names its host")]
    Address(String),
    /// The host is not made of letters, digits, hyphens and dots; or it is a name in another alphabet, which
    /// looks like one thing and is another.
    #[error("{0:?} is no host name of plain letters, digits and hyphens")]
    Host(String),
    /// The port is no number from 1 to 65535.
    #[error("{0:?} has no valid port")]
    Port(String),
}

impl Origin {
    /// The origin that an absolute URI names, in its one form.
    ///
    /// # Errors
    /// An [`OriginError`] for each thing that a plugin's request may not have. Path and query are not looked
    /// at.
    pub fn of(uri: &Uri) -> Result<Self, OriginError> {
        let scheme = uri.scheme_str().unwrap_or_default();
        if scheme != "https" {
            return Err(OriginError::Scheme(scheme.to_owned()));
        }
        let authority = uri.authority().ok_or_else(|| OriginError::Form(uri.to_string()))?.as_str();
        Self::of_authority(authority)
    }

    fn of_authority(authority: &str) -> Result<Self, OriginError> {
        if authority.contains('@') {
            return Err(OriginError::UserInfo);
        }
        if authority.starts_with('[') {
            return Err(OriginError::Address(authority.to_owned()));
        }
        let (host, port) = match authority.split_once(':') {
            None => (authority, HTTPS_PORT),
            Some((host, port)) => {
                (host, port_number(port).ok_or_else(|| OriginError::Port(authority.to_owned()))?)
            }
        };
        Ok(Self { host: host_name(host)?, port })
    }

    /// The host's name, in lower case.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port, 443 when none was named.
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl FromStr for Origin {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Self, OriginError> {
        let Some((scheme, authority)) = text.split_once("://") else {
            return Err(OriginError::Form(text.to_owned()));
        };
        if !scheme.eq_ignore_ascii_case("https") {
            return Err(OriginError::Scheme(text.to_owned()));
        }
        if authority.contains(['/', '?', '#', '\\']) {
            return Err(OriginError::Form(text.to_owned()));
        }
        Self::of_authority(authority)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            HTTPS_PORT => write!(f, "https://{}", self.host),
            port => write!(f, "https://{}:{port}", self.host),
        }
    }
}

/// A host's name in its one form. The last part must have a letter: what ends in a number is an address in
/// some spelling (`127.1`, `2130706433`, `0x7f.1`).
pub(super) fn host_name(host: &str) -> Result<String, OriginError> {
    let name = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    let plain = |label: &str| {
        (1..=LABEL_BYTES_MAX).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
            && !label.starts_with("xn--")
    };
    if name.len() > HOST_BYTES_MAX || !name.split('.').all(plain) {
        return Err(OriginError::Host(host.to_owned()));
    }
    let last = name.rsplit('.').next().unwrap_or_default();
    if last.starts_with("0x") || last.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(OriginError::Address(host.to_owned()));
    }
    Ok(name)
}

/// A port as digits only; `u16`'s own parser would also take a sign.
pub(super) fn port_number(port: &str) -> Option<u16> {
    let digits = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    port.parse().ok().filter(|port| digits && *port != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_origin_become_one() {
        let table = [
            ("https://api.example.com", "https://api.example.com"),
            ("https://API.Example.COM", "https://api.example.com"),
            ("HTTPS://api.example.com:443", "https://api.example.com"),
            ("https://api.example.com.", "https://api.example.com"),
            ("https://api.example.com:8443", "https://api.example.com:8443"),
        ];
        for (text, expected) in table {
            assert_eq!(
                text.parse::<Origin>().map(|origin| origin.to_string()),
                Ok(expected.to_owned()),
                "{text}"
            );
        }
    }

    #[test]
    fn whatever_is_not_plainly_an_origin_is_refused() {
        let table = [
            "",
            "api.example.com",
            "http://api.example.com",
            "ftp://api.example.com",
            "https://",
            "https:///",
            "https://api.example.com/",
            "https://api.example.com/v1",
            "https://api.example.com?x",
            "https://api.example.com#x",
            "https://user@api.example.com",
            "https://api.example.com@evil.example",
            "https://user:pass@api.example.com",
            "https://api.example.com:",
            "https://api.example.com:0",
            "https://api.example.com:+443",
            "https://api.example.com:65536",
            "https://api.example.com:443:443",
            "https://api.example.com\\evil",
            "https://127.0.0.1",
            "https://127.1",
            "https://2130706433",
            "https://0x7f000001",
            "https://0x7f.1",
            "https://0177.0.0.1",
            "https://1.2.3.4.",
            "https://[::1]",
            "https://[::ffff:127.0.0.1]",
            "https://bücher.example",
            "https://xn--bcher-kva.example",
            "https://api..example.com",
            "https://.example.com",
            "https://api.example.com..",
            "https://-api.example.com",
            "https://api_v1.example.com",
            "https://api example.com",
            "https://api%2eexample.com",
            "https://*.example.com",
        ];
        for text in table {
            assert!(text.parse::<Origin>().is_err(), "{text} should be refused");
        }
    }

    #[test]
    fn a_request_s_origin_is_read_as_strictly_as_a_manifest_s() {
        let origin =
            |uri: &str| uri.parse::<Uri>().map(|uri| Origin::of(&uri).map(|origin| origin.to_string()));
        assert_eq!(origin("https://API.example.com.:443/a?b").unwrap().unwrap(), "https://api.example.com");
        for uri in [
            "http://api.example.com/",
            "/path",
            "api.example.com:443",
            "https://u@api.example.com/",
            "https://[::1]/",
        ] {
            assert!(!matches!(origin(uri), Ok(Ok(_))), "{uri} should be refused");
        }
    }
}
