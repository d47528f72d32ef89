//! For the fuzz targets alone: readers of what people and providers write. Behind the feature `fuzz`.

use std::path::Path;

use http::header::RETRY_AFTER;
use http::{HeaderMap, HeaderValue, StatusCode};

use super::installation;
use super::scenario::Scenario;
use crate::{Pace, PaceConfig};

/// Reads a scenario, with what is wrong in it.
///
/// # Errors
/// The sentences that `harness run` ends with.
pub fn scenario(text: &str) -> Result<(), String> {
    // What it names by a path is not there: the fuzzer reads no files.
    let read = Scenario::parse("scenario.toml", text, Path::new("nowhere"));
    read.map(drop).map_err(|unusable| unusable.to_string())
}

/// Reads `plans.csv` and `members.csv` of a gym, and says how many memberships there are.
///
/// # Errors
/// The sentences that a command of an installation ends with.
pub fn gym_files(plans: &[u8], members: &[u8]) -> Result<usize, String> {
    installation::memberships(plans, members).map_err(|unusable| unusable.to_string())
}

/// How long nobody sends a request after a refusal with this `Retry-After`, in milliseconds.
pub fn pause_ms(now_ms: u64, retry_after: HeaderValue) -> u64 {
    let pace = Pace::new(PaceConfig::default());
    pace.note(now_ms, StatusCode::TOO_MANY_REQUESTS, &HeaderMap::from_iter([(RETRY_AFTER, retry_after)]));
    pace.blocked_until_ms().saturating_sub(now_ms)
}
