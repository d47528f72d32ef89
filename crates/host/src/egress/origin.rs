//! Origins: the servers that a plugin may reach.
//!
//! Origins are compared exactly. So whatever can be written in two ways is either normalized (case, default port, a
//! trailing dot) or refused (user names, addresses, other alphabets). One strict parser reads both manifests and
//! requests.

use std::fmt;
use std::str::FromStr;

use http::Uri;
use thiserror::Error;

/// Port of an `https` origin that names none.
pub(super) const HTTPS_PORT: u16 = 443;
/// Longest host name in DNS.
const HOST_BYTES_MAX: usize = 253;
/// Longest label of a host name.
const LABEL_BYTES_MAX: usize = 63;

/// A normalized `https` origin: `https://host` or `https://host:port`, the host in lower case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin {
    host: String,
    port: u16,
}

/// Why a text is not an acceptable origin.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum OriginError {
    /// Not of the form `https://host` or `https://host:port`.
    #[error("{0:?} is not an origin: write https://host or https://host:port, and nothing after it")]
    Form(String),
    /// Another scheme.
    #[error("{0:?} is not https")]
    Scheme(String),
    /// There is a user name or password before the host.
    #[error("an origin has no user name")]
    UserInfo,
    /// The host is an IP address. Addresses have many spellings and no certificate.
    #[error("{0:?} is an IP address: an origin needs a host name")]
    Address(String),
    /// The host has characters other than ASCII letters, digits, hyphens and dots, or it is a name in another alphabet,
    /// which can imitate a known one.
    #[error("{0:?} is not a host name of plain letters, digits and hyphens")]
    Host(String),
    /// The port is not a number from 1 to 65535.
    #[error("{0:?} has no valid port")]
    Port(String),
}

impl Origin {
    /// The normalized origin of an absolute URI. Ignores path and query.
    ///
    /// # Errors
    /// See [`OriginError`].
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

    /// The host name, in lower case.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port, 443 by default.
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

/// Normalizes a host name. The last label must contain a letter: a name that ends in a number is some spelling of an
/// IP address (`127.1`, `2130706433`, `0x7f.1`).
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

/// A port of digits only; `u16`'s own parser accepts a sign.
pub(super) fn port_number(port: &str) -> Option<u16> {
    let digits = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    port.parse().ok().filter(|port| digits && *port != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_origin_are_normalized() {
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
    fn anything_but_a_plain_origin_is_refused() {
        let table = "
            api.example.com http://api.example.com ftp://api.example.com https:// https:///
            https://api.example.com/ https://api.example.com/v1 https://api.example.com?x
            https://api.example.com#x https://user@api.example.com https://api.example.com@evil.example
            https://user:pass@api.example.com https://api.example.com: https://api.example.com:0
            https://api.example.com:+443 https://api.example.com:65536 https://api.example.com:443:443
            https://127.0.0.1 https://127.1 https://2130706433 https://0x7f000001 https://0x7f.1
            https://0177.0.0.1 https://1.2.3.4. https://[::1] https://[::ffff:127.0.0.1]
            https://bücher.example https://xn--bcher-kva.example https://api..example.com
            https://.example.com https://api.example.com.. https://-api.example.com
            https://api_v1.example.com https://api%2eexample.com https://*.example.com
        ";
        for text in
            table.split_whitespace().chain(["", "https://api.example.com\\evil", "https://api example.com"])
        {
            assert!(text.parse::<Origin>().is_err(), "{text} should be refused");
        }
    }

    #[test]
    fn a_request_s_origin_is_parsed_as_strictly_as_a_manifest_s() {
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
