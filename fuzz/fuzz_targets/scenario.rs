//! Whatever stands in a scenario: read, or refused with its place.

#![no_main]

use std::path::Path;

use door_access_scenario::Scenario;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    // A file that the scenario names does not exist: the fuzzer reads no files.
    if let Err(refused) = Scenario::parse("scenario.toml", text, Path::new("nowhere")) {
        let refused = refused.to_string();
        assert!(refused.starts_with("scenario.toml:"), "{refused}");
    }
});
