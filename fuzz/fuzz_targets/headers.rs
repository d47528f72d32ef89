//! Any header or address: Kisi's `X-Collection-Range` and `Retry-After`, and the origins, endpoints and sealed keys that
//! an installer or a file names.

#![cfg_attr(feature = "run", no_main)]

use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use door_access_fuzz::fuzz_target;
use door_access_fuzz::gym;
use door_access_host::{Endpoint, Origin, Pace, PaceConfig, Sealed, SealingKey};
use kisi_plugin::exports;
use kisi_plugin::kisi::endpoint::Response;

/// The longest pause that a provider can ask for, and a quarter more for jitter.
const PAUSE_MS_MAX: u64 = 3_600_000 / 4 * 5;
const NOW: u64 = 1_796_112_000_000;

fuzz_target!(|text: &str| {
    let said = Response {
        status: 200,
        collection_range: Some(text.to_string()),
        retry_after: None,
        body: b"[]".to_vec(),
    };
    let gym = gym::connected(vec![Some(Ok(said))]);
    drop(exports::groups::refresh(&gym));
    gym::check(&gym, "refresh");
    if let Ok(value) = HeaderValue::from_str(text) {
        let pace = Pace::new(PaceConfig::default());
        pace.note(NOW, StatusCode::TOO_MANY_REQUESTS, &HeaderMap::from_iter([(RETRY_AFTER, value)]));
        let pause_ms = pace.blocked_until_ms().saturating_sub(NOW);
        assert!(pause_ms <= PAUSE_MS_MAX, "{text}: {pause_ms}");
    }
    if let Ok(origin) = text.parse::<Origin>() {
        // An origin that is printed can be read again.
        assert_eq!(origin.to_string().parse::<Origin>().as_ref(), Ok(&origin), "{text}");
    }
    drop(text.parse::<Endpoint>());
    drop(text.parse::<Sealed>());
    drop(SealingKey::parse(text));
});
