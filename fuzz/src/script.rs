//! A script of answers in place of Kisi's, in a form that a fuzzer can change byte by byte.
//!
//! Parts are separated by a line with `%%`. A part that is `~` is answered by the simulator, and so is everything after
//! the last part. Any other part begins with a line of status, `X-Collection-Range` and `Retry-After`, blanks between
//! them and `-` for none; the rest is the body.

use door_access_testkit::Answered;
use kisi_plugin::host::SendError;
use kisi_plugin::kisi::endpoint::Response;

/// The separator of two parts.
pub const SEPARATOR: &[u8] = b"\n%%\n";

/// Reads a script. Every text is one. A part without an answer is answered by the simulator.
pub fn parse(script: &[u8]) -> Vec<Option<Answered>> {
    parts(script).into_iter().map(part).collect()
}

/// The texts between the separators.
pub fn parts(mut script: &[u8]) -> Vec<&[u8]> {
    let mut parts = Vec::new();
    while let Some(at) = script.windows(SEPARATOR.len()).position(|window| window == SEPARATOR) {
        parts.push(&script[..at]);
        script = &script[at + SEPARATOR.len()..];
    }
    parts.push(script);
    parts
}

fn part(part: &[u8]) -> Option<Answered> {
    let end = part.iter().position(|byte| *byte == b'\n').unwrap_or(part.len());
    let head = String::from_utf8_lossy(&part[..end]);
    let body = part.get(end + 1..).unwrap_or_default().to_vec();
    let mut words = head.split_whitespace();
    let mut word = || words.next().filter(|word| *word != "-").map(str::to_string);
    match word().as_deref() {
        Some("~") => None,
        Some("lost") => Some(Err(SendError::Lost("the connection broke".to_string()))),
        Some("down") => Some(Err(SendError::NotSent("no connection".to_string()))),
        Some("denied") => Some(Err(SendError::Denied("not approved".to_string()))),
        status => Some(Ok(Response {
            status: status.and_then(|status| status.parse().ok()).unwrap_or(200),
            collection_range: word(),
            retry_after: word().and_then(|seconds| seconds.parse().ok()),
            body,
        })),
    }
}

/// The part for this answer.
pub fn written(response: &Response) -> Vec<u8> {
    let range = response.collection_range.as_deref().unwrap_or("-");
    let mut part = format!("{} {range}\n", response.status).into_bytes();
    part.extend(&response.body);
    part
}
