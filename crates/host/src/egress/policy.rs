//! The checks that every request must pass before it gets the tenant's key, and every response before the guest sees
//! it. Each depends on its arguments alone; `call::gate` decides their order.

use http::{HeaderMap, HeaderName, Method, Uri, header};
use thiserror::Error;
use wasmtime_wasi_http::Error as WasiError;

use super::credential::Credential;
use super::endpoint::Endpoint;
use super::origin::Origin;

/// Why a request was not sent, or a response withheld. For the transcript; the guest gets only WASI's code.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Denial {
    /// The call's budget of requests is used up.
    #[error("the call has already sent its {0} requests")]
    TooManyRequests(u32),
    /// Too many open requests, responses that the guest still holds included.
    #[error("the call already has {0} open requests")]
    TooManyOpen(usize),
    /// Its address is not an acceptable origin.
    #[error("the address is not acceptable: {0}")]
    Address(String),
    /// The manifest does not name this origin, or the installer did not approve it.
    #[error("{0} is not approved for this plugin")]
    Origin(String),
    /// A method for proxies or debugging.
    #[error("the method {0} is not allowed")]
    Method(String),
    /// A header that only the host sets.
    #[error("the plugin may not set the header {0}")]
    Header(String),
    /// Headers over their limit.
    #[error("the request's headers have more than {0} bytes")]
    HeadersTooLarge(usize),
    /// A body over its limit.
    #[error("the request's body has more than {0} bytes")]
    BodyTooLarge(usize),
    /// A body where the method has none. Servers and proxies disagree about where such a request ends, and the next one
    /// on the connection may be another tenant's.
    #[error("a request with the method {0} has no body")]
    BodyNotAllowed(Method),
    /// The guest did not finish the request's body.
    #[error("the request's body was not finished")]
    BodyUnfinished,
    /// The tenant's key is in the request, where only the host may put it.
    #[error("the request contains the tenant's key in its {0}")]
    KeyInRequest(&'static str),
    /// The provider's limit is exhausted for longer than a call may wait.
    #[error("the provider accepts no request for another {0} ms")]
    Paced(u64),
    /// The tenant's key is in the response.
    #[error("the response contains the tenant's key in its {0}")]
    KeyInAnswer(&'static str),
    /// The response's headers are over their limit.
    #[error("the response's headers have more than {0} bytes")]
    AnswerHeadersTooLarge(usize),
    /// The response is compressed although it was requested uncompressed, so it cannot be searched.
    #[error("the response is encoded as {0}")]
    AnswerEncoded(String),
}

impl From<&Denial> for WasiError {
    fn from(denial: &Denial) -> Self {
        match denial {
            Denial::TooManyRequests(_) | Denial::TooManyOpen(_) | Denial::Paced(_) => {
                Self::ConnectionLimitReached
            }
            Denial::Address(_) | Denial::Origin(_) | Denial::Header(_) | Denial::KeyInRequest(_) => {
                Self::HttpRequestDenied
            }
            Denial::Method(_) => Self::HttpRequestMethodInvalid,
            Denial::HeadersTooLarge(_) => Self::HttpRequestHeaderSectionSize(None),
            Denial::BodyTooLarge(bytes_max) => Self::HttpRequestBodySize(Some(*bytes_max as u64)),
            Denial::BodyNotAllowed(_) => Self::HttpRequestBodySize(Some(0)),
            Denial::BodyUnfinished => Self::HttpProtocolError,
            // "Denied" would be wrong: the request was sent and may have had its effect.
            Denial::KeyInAnswer(_) => Self::InternalError(Some("the response was withheld".to_owned())),
            Denial::AnswerHeadersTooLarge(_) => Self::HttpResponseHeaderSectionSize(None),
            Denial::AnswerEncoded(encoding) => Self::HttpResponseContentCoding(Some(encoding.clone())),
        }
    }
}

/// An origin of the manifest that the installer approved, and where it leads.
#[derive(Clone, Debug)]
pub(crate) struct Route {
    pub(crate) origin: Origin,
    pub(crate) endpoint: Endpoint,
}

/// Is there a request left in the call's budget? `sent` counts this one.
pub(crate) fn within_budget(sent: u32, requests_max: u32) -> Result<(), Denial> {
    if sent > requests_max { Err(Denial::TooManyRequests(requests_max)) } else { Ok(()) }
}

/// Are method and address free of the key? The address as it is and in lower case, because hosts are compared and shown
/// in lower case.
pub(crate) fn keyless_address(method: &Method, uri: &Uri, credential: &Credential) -> Result<(), Denial> {
    if credential.is_in(method.as_str().as_bytes()) {
        return Err(Denial::KeyInRequest("method"));
    }
    let uri = uri.to_string();
    match credential.is_in(uri.as_bytes()) || credential.is_in(uri.to_ascii_lowercase().as_bytes()) {
        true => Err(Denial::KeyInRequest("address")),
        false => Ok(()),
    }
}

/// Is the origin approved, and where does it lead?
pub(crate) fn route<'a>(uri: &Uri, routes: &'a [Route]) -> Result<&'a Route, Denial> {
    let origin = Origin::of(uri).map_err(|error| Denial::Address(error.to_string()))?;
    // Only an absolute path: with `*` or a whole URI in the request line, a server could address another host.
    if !uri.path().starts_with('/') {
        return Err(Denial::Address("the path does not start with /".to_owned()));
    }
    routes.iter().find(|route| route.origin == origin).ok_or_else(|| Denial::Origin(origin.to_string()))
}

/// Is the method one of an ordinary API?
pub(crate) fn ordinary(method: &Method) -> Result<(), Denial> {
    const ORDINARY: [Method; 7] = [
        Method::GET,
        Method::HEAD,
        Method::POST,
        Method::PUT,
        Method::PATCH,
        Method::DELETE,
        Method::OPTIONS,
    ];
    if ORDINARY.contains(method) { Ok(()) } else { Err(Denial::Method(method.to_string())) }
}

/// May the plugin set all these headers, and do they fit their limit?
pub(crate) fn clean_headers(
    headers: &HeaderMap,
    credential: &HeaderName,
    bytes_max: usize,
) -> Result<(), Denial> {
    if let Some(name) = headers.keys().find(|name| reserved(name, credential)) {
        return Err(Denial::Header(name.to_string()));
    }
    if bytes_of(headers) > bytes_max { Err(Denial::HeadersTooLarge(bytes_max)) } else { Ok(()) }
}

/// Are the response's headers within their limit?
pub(crate) fn response_headers_fit(headers: &HeaderMap, bytes_max: usize) -> Result<(), Denial> {
    if bytes_of(headers) > bytes_max { Err(Denial::AnswerHeadersTooLarge(bytes_max)) } else { Ok(()) }
}

fn bytes_of(headers: &HeaderMap) -> usize {
    headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum()
}

/// Is this header reserved for the host? Those are the headers that authenticate, those of a single hop, those that
/// address the request, those that ask for a part of a response (a key echoed in two halves would be found in neither),
/// and the one that the manifest names for the key.
pub(crate) fn reserved(name: &HeaderName, credential: &HeaderName) -> bool {
    const RESERVED: [&str; 19] = [
        "authorization",
        "cookie",
        "cookie2",
        "host",
        "forwarded",
        "via",
        "connection",
        "keep-alive",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "expect",
        "http2-settings",
        "x-http-method-override",
        "x-real-ip",
        "x-original-url",
        "range",
        "if-range",
    ];
    let name = name.as_str();
    RESERVED.contains(&name)
        || name == credential.as_str()
        || name.starts_with("proxy-")
        || name.starts_with("x-forwarded-")
}

/// May the manifest name this header for the key? None that frames or addresses the request.
pub(crate) fn may_carry_key(name: &HeaderName) -> bool {
    // `reserved` also refuses the key's header, so call it with another name for that.
    let framing = [header::CONTENT_LENGTH, header::CONTENT_TYPE, header::CONTENT_ENCODING, header::ACCEPT];
    let other = HeaderName::from_static("x-none");
    *name == header::AUTHORIZATION || !(reserved(name, &other) || framing.contains(name))
}

/// How long may the request's body be, and what is the refusal of a longer one?
pub(crate) fn body_room(method: &Method, bytes_max: usize) -> (usize, Denial) {
    const BODILESS: [Method; 3] = [Method::GET, Method::HEAD, Method::OPTIONS];
    match BODILESS.contains(method) {
        true => (0, Denial::BodyNotAllowed(method.clone())),
        false => (bytes_max, Denial::BodyTooLarge(bytes_max)),
    }
}

/// Are the request's headers and body free of the key?
pub(crate) async fn keyless_content(
    headers: &HeaderMap,
    body: &[u8],
    credential: &Credential,
) -> Result<(), Denial> {
    if credential.is_in_headers(headers) {
        return Err(Denial::KeyInRequest("headers"));
    }
    if credential.is_in_yielding(body).await { Err(Denial::KeyInRequest("body")) } else { Ok(()) }
}

/// Is the response uncompressed, and free of the key in headers and body?
pub(crate) async fn keyless_response(
    headers: &HeaderMap,
    body: &[u8],
    credential: &Credential,
) -> Result<(), Denial> {
    // Before the encoding, because its refusal quotes it to the guest.
    if credential.is_in_headers(headers) {
        return Err(Denial::KeyInAnswer("headers"));
    }
    let encoded =
        headers.get_all(header::CONTENT_ENCODING).iter().find(|value| !is_identity(value.as_bytes()));
    if let Some(encoding) = encoded {
        return Err(Denial::AnswerEncoded(String::from_utf8_lossy(encoding.as_bytes()).into_owned()));
    }
    if credential.is_in_yielding(body).await { Err(Denial::KeyInAnswer("body")) } else { Ok(()) }
}

fn is_identity(encoding: &[u8]) -> bool {
    encoding.trim_ascii().eq_ignore_ascii_case(b"identity") || encoding.trim_ascii().is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

    const KEY: &str = "sesame-open-12345";

    fn routes() -> Vec<Route> {
        let origin: Origin = "https://api.example.com".parse().unwrap();
        vec![Route { endpoint: Endpoint::of(&origin), origin }]
    }

    fn credential() -> Credential {
        let secret = Secret::new(KEY).unwrap();
        Credential::new(HeaderName::from_static("x-api-key"), "", &secret).unwrap()
    }

    #[test]
    fn only_the_approved_origin_is_reached_however_the_request_spells_it() {
        let routes = routes();
        let reaches = |uri: &str| uri.parse::<Uri>().is_ok_and(|uri| route(&uri, &routes).is_ok());
        for approved in
            ["https://api.example.com/", "https://API.EXAMPLE.COM:443/a", "https://api.example.com./a?b=c"]
        {
            assert!(reaches(approved), "{approved} should be reached");
        }
        let denied = "
            http://api.example.com/ https://api.example.com:8443/ https://api.example.com.evil.example/
            https://evil.example/api.example.com https://api.example.com@evil.example/ https://example.com/
            https://x.api.example.com/ https://127.0.0.1/ https://2130706433/ https://[::ffff:127.0.0.1]/ /
            https://169.254.169.254/latest/meta-data https://user@api.example.com/
        ";
        for denied in denied.split_whitespace() {
            assert!(!reaches(denied), "{denied} should be denied");
        }
    }

    #[test]
    fn headers_reserved_for_the_host_are_refused() {
        let credential = HeaderName::from_static("x-api-key");
        let headers =
            |name: &str| HeaderMap::from_iter([(name.parse().unwrap(), http::HeaderValue::from_static("x"))]);
        let denied = "
            Authorization cookie Cookie2 Host X-Api-Key Proxy-Authorization Proxy-Anything Connection
            Transfer-Encoding TE Trailer Upgrade Keep-Alive Expect Forwarded X-Forwarded-Host
            X-Forwarded-For HTTP2-Settings Range If-Range
        ";
        for name in denied.split_whitespace() {
            assert!(clean_headers(&headers(name), &credential, 1_000).is_err(), "{name} should be refused");
        }
        for name in ["accept", "content-type", "user-agent", "x-request-id", "if-none-match"] {
            assert_eq!(clean_headers(&headers(name), &credential, 1_000), Ok(()), "{name}");
        }
        assert_eq!(clean_headers(&headers("accept"), &credential, 6), Err(Denial::HeadersTooLarge(6)));
    }

    #[test]
    fn a_key_may_be_sent_in_its_own_header_and_in_no_framing_header() {
        let may = |name: &str| may_carry_key(&name.parse().unwrap());
        for name in ["authorization", "x-api-key", "api-token"] {
            assert!(may(name), "{name}");
        }
        for name in
            ["host", "cookie", "content-length", "content-type", "proxy-authorization", "connection", "via"]
        {
            assert!(!may(name), "{name} should be refused");
        }
    }

    #[tokio::test]
    async fn a_key_is_found_in_every_part_of_a_request() {
        let check = async |uri: String, header: &str, body: &str| {
            let headers = HeaderMap::from_iter([(header::ACCEPT, header.parse().unwrap())]);
            keyless_address(&Method::GET, &uri.parse().unwrap(), &credential())?;
            keyless_content(&headers, body.as_bytes(), &credential()).await
        };
        let uri = "https://api.example.com/members";
        assert_eq!(check(uri.to_owned(), "text/plain", "{}").await, Ok(()));
        assert_eq!(check(format!("{uri}?k={KEY}"), "", "").await, Err(Denial::KeyInRequest("address")));
        let host = format!("https://{}.example.com/", KEY.to_uppercase());
        assert_eq!(check(host, "", "").await, Err(Denial::KeyInRequest("address")));
        let method = keyless_address(&KEY.parse().unwrap(), &uri.parse().unwrap(), &credential());
        assert_eq!(method, Err(Denial::KeyInRequest("method")));
        assert_eq!(check(uri.to_owned(), KEY, "").await, Err(Denial::KeyInRequest("headers")));
        assert_eq!(check(uri.to_owned(), "", KEY).await, Err(Denial::KeyInRequest("body")));
    }

    #[tokio::test]
    async fn a_response_with_the_key_or_one_that_cannot_be_searched_is_withheld() {
        let check = async |name: &'static str, value: &str, body: &str| {
            let headers = HeaderMap::from_iter([(HeaderName::from_static(name), value.parse().unwrap())]);
            keyless_response(&headers, body.as_bytes(), &credential()).await
        };
        assert_eq!(check("content-encoding", "identity", "{}").await, Ok(()));
        assert_eq!(
            check("location", &format!("https://x.example/?{KEY}"), "").await,
            Err(Denial::KeyInAnswer("headers"))
        );
        assert_eq!(check("etag", "1", &format!("<{KEY}>")).await, Err(Denial::KeyInAnswer("body")));
        assert_eq!(check("content-encoding", KEY, "").await, Err(Denial::KeyInAnswer("headers")));
        let gzip = Err(Denial::AnswerEncoded("gzip".to_owned()));
        assert_eq!(check("content-encoding", "gzip", "").await, gzip);
    }

    #[test]
    fn proxy_methods_are_refused() {
        assert_eq!(ordinary(&Method::PATCH), Ok(()));
        for method in ["CONNECT", "TRACE", "PURGE"] {
            assert!(ordinary(&method.parse().unwrap()).is_err(), "{method} should be refused");
        }
    }

    #[test]
    fn only_methods_with_a_body_may_have_one() {
        for method in [Method::GET, Method::HEAD, Method::OPTIONS] {
            assert_eq!(body_room(&method, 9), (0, Denial::BodyNotAllowed(method)));
        }
        for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
            assert_eq!(body_room(&method, 9), (9, Denial::BodyTooLarge(9)), "{method}");
        }
    }

    #[test]
    fn a_call_s_budget_ends_with_its_last_request() {
        assert_eq!(within_budget(3, 3), Ok(()));
        assert_eq!(within_budget(4, 3), Err(Denial::TooManyRequests(3)));
    }
}
