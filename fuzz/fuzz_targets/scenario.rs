//! Any scenario: read, or rejected with the place.

#![cfg_attr(feature = "run", no_main)]

use door_access_fuzz::fuzz_target;
use host_harness::cli::fuzzed;

fuzz_target!(|text: &str| {
    if let Err(refused) = fuzzed::scenario(text) {
        assert!(refused.starts_with("scenario.toml:"), "{refused}");
    }
});
