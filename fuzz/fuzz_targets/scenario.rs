//! Any scenario: read, or rejected with the place.

#![cfg_attr(feature = "run", no_main)]

use std::path::Path;

use door_access_fuzz::fuzz_target;
use door_access_scenario::Scenario;

fuzz_target!(|text: &str| {
    // A file that the scenario names does not exist: the fuzzer reads no files.
    if let Err(refused) = Scenario::parse("scenario.toml", text, Path::new("nowhere")) {
        let refused = refused.to_string();
        assert!(refused.starts_with("scenario.toml:"), "{refused}");
    }
});
