//! Whatever stands in a scenario: read, or refused with its place.

#![no_main]

use host_harness::cli::fuzzed;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Err(refused) = fuzzed::scenario(text) {
        assert!(refused.starts_with("scenario.toml:"), "{refused}");
    }
});
