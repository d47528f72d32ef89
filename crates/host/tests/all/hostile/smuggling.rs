//! Attacks on the request's target and sender: reserved headers, addresses in every spelling, methods.

use door_access_host::{Denial, ExchangeEnd};

use super::attack::{Attack, End, bare, last_end};
use crate::stage::ORIGIN;

/// WASI's `HTTP-request-denied`.
const DENIED: &str = "error 15";
/// The plugin's text when the interface itself refuses.
const REFUSED: &str = "authority refused";

pub(crate) fn attacks() -> Vec<Attack> {
    let mut attacks = headers();
    attacks.extend(authorities());
    attacks.extend(paths());
    attacks.extend(methods_and_schemes());
    attacks
}

fn headers() -> Vec<Attack> {
    let reserved = "
         Authorization AUTHORIZATION aUTHORIZATION Cookie cOOKIE Cookie2 Proxy-Authorization
         PROXY-authorization proxy-anything Proxy-Connection Host hOST Transfer-Encoding TRANSFER-encoding TE
         Trailer Connection Keep-Alive Upgrade HTTP2-Settings Expect Forwarded X-Forwarded-Host
         x-FORWARDED-for Via X-Real-IP X-HTTP-Method-Override X-Original-URL Range rANGE If-Range
    ";
    // `forbidden`, whether it is appended, set, or given to the constructor.
    let reserved = reserved.split_whitespace().map(|name| {
        Attack::new("reserved header", name, format!("s{name}\nx\n"), End::Says("!1!1!1")).unsent()
    });
    let malformed = [
        ("a line end in a value", "sx-note\na\\Authorization: x\n"),
        ("a NUL in a value", "sx-note\na|b\n"),
        ("a line end in a name", "sx-note\\Cookie\nx\n"),
        ("a NUL in a name", "sauthorization|\nx\n"),
        ("a blank behind a name", "sauthorization \nx\n"),
        ("a blank before a name", "s authorization\nx\n"),
        ("a colon in a name", "sauthorization:\nx\n"),
        ("a name of HTTP/2's own", "s:authority\nevil.example\n"),
        ("a name without letters", "s\nx\n"),
        ("a name in another alphabet", "sаuthorization\nx\n"),
    ];
    let malformed = malformed
        .into_iter()
        .map(|(tries, order)| Attack::new("malformed header", tries, order, End::Says("!0!0!0")).unsent());
    let after =
        Attack::new("late header", "adds headers to a finished request", "t", End::Says("!1!2")).unsent();
    let length = ["5", "+0", "0, 5", "-1", "18446744073709551616"].into_iter().map(|length| {
        let order = format!("HG\nhttps\napi.example.com\n/\ncontent-length\n{length}\n");
        let refused = |said: &str| ["error 17", "error 38", "header refused"].contains(&said);
        Attack::new("lying length", "a length without a body", order, End::SaysLike(refused)).unsent()
    });
    reserved.chain(malformed).chain([after]).chain(length).collect()
}

fn authorities() -> Vec<Attack> {
    // Other names, similar to the plugin's own or not.
    let other = "
         evil.example api.example.com.evil.example evil-api.example.com example.com x.api.example.com
         api.example.com:8443 api.example.com:80 metadata.google.internal localhost localhost.localdomain
         ip6-localhost kubernetes.default.svc 127.0.0.1.nip.io apiexample.com
    ";
    let other = other.split_whitespace().map(|authority| {
        Attack::new("other origin", authority, to(authority), End::Says(DENIED))
            .denied(|denial| matches!(denial, Denial::Origin(_)))
    });
    // IP addresses in every spelling.
    let addresses = "
         127.0.0.1 127.1 127.0.0.1. 0.0.0.0 0 2130706433 017700000001 0177.0.0.1 0x7f000001 0x7f.0.0.1 0X7F.1
         10.0.0.1 192.168.1.1 172.16.0.1 100.64.0.1 169.254.169.254 169.254.169.254:80 168.63.129.16
         2852039166 0xa9fea9fe [::1] [::] [::ffff:127.0.0.1] [::ffff:7f00:1] [::127.0.0.1] [64:ff9b::7f00:1]
         [2002:7f00:1::] [fd00:ec2::254] [fe80::1] [fe80::1%25eth0] [::1]:443
    ";
    // Some are refused when set, the others when sent.
    let addresses = addresses.split_whitespace().map(|authority| {
        let refused = |said: &str| [DENIED, REFUSED].contains(&said);
        Attack::new("address", authority, to(authority), End::SaysLike(refused)).afterwards(
            |stage, recording| {
                assert_eq!(stage.wire.sent().len(), 0);
                let end = last_end(recording);
                assert!(matches!(end, None | Some(ExchangeEnd::Denied(Denial::Address(_)))), "{end:?}");
            },
        )
    });
    let malformed = [
        "user@api.example.com",
        "user:password@api.example.com",
        "api.example.com@evil.example",
        "api.example.com:443@evil.example",
        "evil.example#@api.example.com",
        "evil.example?@api.example.com",
        "evil.example/@api.example.com",
        "evil.example\\@api.example.com",
        "api.example.com:",
        "api.example.com:0",
        "api.example.com:+443",
        "api.example.com:0443x",
        "api.example.com:65536",
        "api.example.com:443:443",
        "api.example.com..",
        ".api.example.com",
        "api..example.com",
        "api.example.com ",
        " api.example.com",
        "api.example.com\t",
        "api%2eexample%2ecom",
        "аpi.example.com",
        "api。example。com",
        "xn--pi-7kc.example.com",
        "*.example.com",
        "api_x.example.com",
        "-api.example.com",
        "",
    ];
    let malformed = malformed.iter().map(|authority| {
        let refused = |said: &str| [DENIED, REFUSED, "error 19", "error 35", "error 38"].contains(&said);
        Attack::new("odd authority", authority, to(authority), End::SaysLike(refused)).afterwards(
            |stage, recording| {
                assert_eq!(stage.wire.sent().len(), 0);
                let end = last_end(recording);
                assert!(matches!(end, None | Some(ExchangeEnd::Denied(Denial::Address(_)))), "{end:?}");
            },
        )
    });
    // Spellings of the plugin's own origin reach that origin.
    let own = ["API.Example.COM", "api.example.com.", "api.example.com:443", "API.EXAMPLE.COM.:443"];
    let own = own.iter().map(|authority| {
        Attack::new("own origin", authority, to(authority), End::Says("200")).prepare(bare).afterwards(
            |stage, _| {
                let sent = stage.wire.sent();
                assert_eq!(sent[0].uri().to_string(), format!("{ORIGIN}:443/"));
                assert_eq!(sent[0].headers().get("host"), None);
            },
        )
    });
    other.chain(addresses).chain(malformed).chain(own).collect()
}

fn paths() -> Vec<Attack> {
    let refused = [
        "https://evil.example/",
        "http://169.254.169.254/latest/meta-data",
        "evil.example:443",
        "*",
        "@evil.example/",
        "/ HTTP/1.1",
        "/a b",
        "/\tx",
        "evil",
    ];
    let refused = refused.iter().map(|path| {
        Attack::new(
            "odd path",
            path,
            format!("HG\nhttps\napi.example.com\n{path}\n"),
            End::Says("path refused"),
        )
        .unsent()
    });
    // Any path goes to the plugin's own origin; the provider interprets it.
    let harmless = [
        "//evil.example/",
        "/\\evil.example",
        "/..//../etc/passwd",
        "/%2e%2e/%0d%0aHost:%20evil.example",
        "/@evil.example",
        "/?https://evil.example",
        "?x",
        "/#fragment",
    ];
    let harmless = harmless.iter().map(|path| {
        let order = format!("HG\nhttps\napi.example.com\n{path}\n");
        let fine = |said: &str| ["200", "path refused"].contains(&said);
        Attack::new("odd path", path, order, End::SaysLike(fine)).prepare(bare).afterwards(|stage, _| {
            for sent in stage.wire.sent() {
                let uri = sent.uri();
                assert_eq!(uri.authority().map(http::uri::Authority::as_str), Some("api.example.com:443"));
                assert!(uri.path().starts_with('/'), "{uri}");
            }
        })
    });
    refused.chain(harmless).collect()
}

fn methods_and_schemes() -> Vec<Attack> {
    let methods = ["CONNECT", "TRACE", "PURGE", "get", "Post", "GET_"].iter().map(|method| {
        Attack::new("odd method", method, format!("n{method}\n\n"), End::Says("error 18"))
            .denied(|denial| matches!(denial, Denial::Method(_)))
    });
    let malformed =
        ["GET / HTTP/1.1\\Host: evil.example\\\\GET", "GET\\", "GET ", "|"].iter().map(|method| {
            Attack::new("malformed method", method, format!("n{method}\n\n"), End::Says("x")).unsent()
        });
    let hidden = "GET /second HTTP/1.1\r\nhost: evil.example\r\n\r\n";
    let bodies = [
        ("a second request in the body of a GET", format!("HG\nhttps\napi.example.com\n/\n\n\n{hidden}")),
        ("one byte in the body of a GET", "HG\nhttps\napi.example.com\n/\n\n\nx".to_owned()),
    ];
    let bodies = bodies.into_iter().map(|(tries, order)| {
        Attack::new("body without a place", tries, order, End::Says("error 17"))
            .denied(|denial| *denial == Denial::BodyNotAllowed(http::Method::GET))
    });
    let schemes = ["http", "ftp", "file", "ws", "data", "unix"].iter().map(|scheme| {
        let refused = |said: &str| [DENIED, "error 35"].contains(&said);
        Attack::new("other scheme", scheme, format!("n\n{scheme}\n"), End::SaysLike(refused)).afterwards(
            |stage, _| {
                assert_eq!(stage.wire.sent().len(), 0);
            },
        )
    });
    let redirect = [301, 302, 303, 307, 308].map(|status| {
        Attack::new(
            "redirect",
            "hopes that the host follows",
            to("api.example.com"),
            End::SaysLike(|said| said.starts_with('3')),
        )
        .prepare(move |stage| {
            stage.wire.answer_with(status, ("location", "http://169.254.169.254/latest/meta-data"), "");
        })
        .afterwards(|stage, _| assert_eq!(stage.wire.sent().len(), 1))
    });
    methods.chain(malformed).chain(bodies).chain(schemes).chain(redirect).collect()
}

fn to(authority: &str) -> String {
    format!("HG\nhttps\n{authority}\n/\n")
}
