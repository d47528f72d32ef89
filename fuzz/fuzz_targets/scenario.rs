//! Any scenario: read, or rejected with the place.

#![cfg_attr(feature = "run", no_main)]

use host_harness::cli::fuzzed;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Err(refused) = fuzzed::scenario(text) {
        assert!(refused.starts_with("scenario.toml:"), "{refused}");
    }
});

#[cfg(not(feature = "run"))]
fn main() {
    door_access_fuzz::explain_how_to_run();
}
