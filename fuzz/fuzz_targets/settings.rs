//! Any settings: accepted and kept as they were meant, or rejected with the field.

#![cfg_attr(feature = "run", no_main)]

use door_access_fuzz::fuzz_target;
use door_access_fuzz::gym;
use kisi_plugin::contract::types::InputError;
use kisi_plugin::exports;
use kisi_plugin::json;
use kisi_plugin::settings::Settings;

fuzz_target!(|text: &str| match Settings::parse(text) {
    Ok(settings) => {
        // Accepted settings are the same after they were stored.
        let stored = String::from_utf8(json::to_vec(&settings)).expect("JSON is text");
        assert_eq!(Settings::parse(&stored).as_ref(), Ok(&settings), "{text}");
        drop(exports::connection::connect(&gym::connected(Vec::new()), text));
    }
    Err(problems) => {
        assert!(!problems.is_empty());
        assert!(problems.iter().all(|one| !one.path.is_empty() && !one.message.is_empty()), "{problems:?}");
        let refused = exports::connection::connect(&gym::connected(Vec::new()), text);
        assert!(matches!(refused, Err(InputError::Wrong(_))), "{refused:?}");
    }
});
