//! What the component is from outside: its imports, its size, its manifest.

use door_access_host::EngineConfig;
use door_access_testkit::{World, component_path, plugin};

#[test]
fn the_component_imports_what_the_contract_allows_and_nothing_else() {
    let plugin = plugin();
    let mut imports: Vec<&str> = plugin.imports().iter().map(String::as_str).collect();
    imports.sort_unstable();
    insta::assert_snapshot!(imports.join("\n"), @r"
    gym:door-access/directory@0.1.0
    gym:door-access/log@0.1.0
    gym:door-access/storage@0.1.0
    gym:door-access/types@0.1.0
    wasi:clocks/wall-clock@0.2.12
    wasi:http/outgoing-handler@0.2.12
    wasi:http/types@0.2.12
    wasi:io/error@0.2.12
    wasi:io/poll@0.2.12
    wasi:io/streams@0.2.12
    ");
}

#[test]
fn the_component_is_smaller_than_what_a_host_admits_by_default() {
    let bytes = std::fs::metadata(component_path()).unwrap().len();
    assert!(bytes <= EngineConfig::default().component_bytes_max, "the component has {bytes} bytes");
    assert_eq!(plugin().size_bytes(), bytes);
}

#[test]
fn the_component_names_no_path_of_the_machine_it_was_built_on() {
    let bytes = std::fs::read(component_path()).unwrap();
    let home = std::env::var("HOME").unwrap_or_default();
    for path in [home.as_str(), env!("CARGO_MANIFEST_DIR")].into_iter().filter(|path| path.len() > 1) {
        let found = bytes.windows(path.len()).any(|window| window == path.as_bytes());
        assert!(!found, "the component contains a path of the machine it was built on");
    }
}

#[test]
fn the_manifest_asks_for_one_origin_and_the_documented_credential() {
    let plugin = plugin();
    let manifest = plugin.manifest();
    assert_eq!(manifest.origins, ["https://api.kisi.io"]);
    assert_eq!(
        (manifest.credential.header.as_str(), manifest.credential.prefix.as_str()),
        ("authorization", "KISI-LOGIN ")
    );
    let schema: serde_json::Value = serde_json::from_str(&manifest.settings_schema).unwrap();
    let fields: Vec<&String> = schema["properties"].as_object().unwrap().keys().collect();
    assert_eq!(
        fields,
        [
            "brake",
            "grace_days",
            "integration",
            "invitation",
            "lease_days",
            "missing_user",
            "on_block",
            "places"
        ]
    );
}

#[test]
fn each_call_runs_in_an_instance_of_its_own() {
    // An instance that is used again would keep the memory that an earlier call grew.
    let mut world = World::gym(Vec::new());
    let recorder = world.record();
    for _ in 0..3 {
        world.deliver("nobody").unwrap();
    }
    let peaks: Vec<_> = recorder.take().calls.into_iter().map(|call| call.memory_bytes_peak).collect();
    assert_eq!(peaks.len(), 3);
    assert!(peaks.iter().all(|peak| *peak == peaks[0]), "{peaks:?}");
}
