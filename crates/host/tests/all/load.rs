//! Which components are accepted, and why others are refused.

use std::fs;
use std::path::Path;

use door_access_host::{Engine, EngineConfig, Limits, LoadError, Plugin};

use crate::guest;
use crate::stage::{ENGINE, ORIGIN};

async fn refusal(bytes: &[u8]) -> LoadError {
    ENGINE.load(bytes).await.unwrap_err()
}

fn engine_with(change: impl FnOnce(&mut EngineConfig)) -> Engine {
    let mut config = EngineConfig { calls_max: 2, ..EngineConfig::default() };
    change(&mut config);
    Engine::new(config).unwrap()
}

#[tokio::test]
async fn a_valid_component_shows_its_manifest_and_its_imports() {
    let component = guest::component();
    let plugin = ENGINE.load(&component).await.unwrap();
    assert_eq!(plugin.manifest().name, "example-doors");
    assert_eq!(plugin.origins(), [ORIGIN.parse().unwrap()]);
    assert_eq!(plugin.size_bytes(), component.len() as u64);
    assert_eq!(plugin.hash().len(), 64);
    assert!(
        plugin.imports().contains(&"wasi:http/outgoing-handler@0.2.0".to_owned()),
        "{:?}",
        plugin.imports()
    );
    assert!(plugin.exports().contains(&"gym:door-access/events@0.1.0".to_owned()), "{:?}", plugin.exports());
}

#[tokio::test]
async fn a_file_that_is_not_webassembly_is_refused_without_repeating_it() {
    for bytes in [&b""[..], b"#!/bin/sh\necho", b"PK", b"a-secret-key-of-kisi"] {
        let error = refusal(bytes).await;
        assert!(
            matches!(error, LoadError::NotWebAssembly { bytes: size } if size == bytes.len()),
            "{error:?}"
        );
        let shown = format!("{error} {error:?}");
        let start: String = bytes.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
        assert!(bytes.is_empty() || !(shown.contains(&start) || shown.contains("secret")), "{shown}");
    }
}

#[tokio::test]
async fn a_core_module_is_refused_with_the_command_that_makes_a_component() {
    let error = refusal(&guest::core_module()).await;
    assert!(matches!(error, LoadError::CoreModule), "{error:?}");
    assert!(error.to_string().contains("cargo xtask build"), "{error}");
}

#[tokio::test]
async fn a_damaged_component_is_refused() {
    let component = guest::component();
    let error = refusal(&component[..component.len() / 2]).await;
    assert!(matches!(error, LoadError::Invalid { .. }), "{error:?}");
}

#[tokio::test]
async fn a_component_of_another_world_is_refused_with_its_missing_exports() {
    match refusal(&guest::dummy("partial")).await {
        LoadError::ExportsMissing { exports } => {
            assert!(exports.contains(&"gym:door-access/events".to_owned()), "{exports:?}");
            assert!(!exports.contains(&"gym:door-access/provider".to_owned()), "{exports:?}");
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_component_with_other_imports_is_refused_with_their_names() {
    match refusal(&guest::dummy("greedy")).await {
        LoadError::ImportsNotAllowed { imports } => {
            assert_eq!(imports, ["wasi:random/random@0.2.0", "wasi:clocks/monotonic-clock@0.2.0"]);
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_component_that_cannot_describe_itself_fails_when_it_is_loaded() {
    let describe = r#"(func (export "gym:door-access/provider@0.1.0#describe") (result i32)"#;
    let broken = guest::component_with(describe, &format!("{describe} unreachable"));
    assert!(matches!(refusal(&broken).await, LoadError::Describe(_)));
}

#[tokio::test]
async fn an_unacceptable_manifest_is_refused() {
    let table = [
        (r#"(data (i32.const 0x1060) "0.1.0")"#, r#"(data (i32.const 0x1060) "0.2.0")"#, "contract:"),
        ("https://api.example.com", "https://127.0.0.1/admin", "origins[0]:"),
        (r#""authorization""#, r#""proxy-somehow""#, "credential.header:"),
    ];
    for (text, replacement, place) in table {
        match refusal(&guest::component_with(text, replacement)).await {
            LoadError::Manifest(error) => assert!(error.to_string().starts_with(place), "{error}"),
            other => panic!("{replacement}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_component_larger_than_the_limit_is_refused_before_it_is_compiled() {
    let engine = engine_with(|config| config.component_bytes_max = 100);
    let error = engine.load(&guest::component()).await.unwrap_err();
    assert!(matches!(error, LoadError::TooLarge { bytes_max: 100, .. }), "{error:?}");
}

#[tokio::test]
async fn a_component_over_one_mebibyte_is_accepted_only_by_a_raised_limit() {
    const MIB: usize = 1 << 20;
    let component = guest::component_of_size(MIB + 1);
    let error = engine_with(|_| ()).load(&component).await.unwrap_err();
    assert!(matches!(error, LoadError::TooLarge { bytes_max: 1_048_576, .. }), "{error:?}");
    assert!(error.to_string().contains("build it in release mode, or raise the host's limit"), "{error}");
    assert!(engine_with(|_| ()).load(&guest::component_of_size(MIB)).await.is_ok());
    let raised = engine_with(|config| config.component_bytes_max = 2 << 20);
    assert_eq!(raised.load(&component).await.unwrap().size_bytes(), component.len() as u64);
}

#[tokio::test]
async fn a_component_that_starts_with_too_much_memory_is_refused() {
    let engine = engine_with(|config| {
        config.describe_limits = Limits { memory_bytes_max: 64 << 10, ..Limits::default() };
    });
    let error = engine.load(&guest::component()).await.unwrap_err();
    assert!(matches!(error, LoadError::TooDemanding { .. }), "{error:?}");
}

#[tokio::test]
async fn a_missing_file_is_named() {
    let error = ENGINE.load_file("no/such/file.wasm").await.unwrap_err();
    assert!(error.to_string().contains("no/such/file.wasm"), "{error}");
}

fn compiled(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

async fn load_through(folder: &Path) -> Result<Plugin, LoadError> {
    engine_with(|config| config.cache = Some(folder.to_owned())).load(&guest::component()).await
}

#[cfg(unix)]
#[tokio::test]
async fn a_compiled_component_is_found_again_by_the_next_process() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("compiled");
    load_through(&folder).await.unwrap();
    assert_eq!(fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
    let files = compiled(&folder);
    assert_eq!(files.len(), 1, "{files:?}");
    let written = fs::metadata(&files[0]).unwrap().ino();
    assert_eq!(load_through(&folder).await.unwrap().manifest().name, "example-doors");
    // Compiling again would replace the file.
    assert_eq!(fs::metadata(&files[0]).unwrap().ino(), written);
}

#[tokio::test]
async fn a_damaged_compiled_component_is_compiled_again() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("compiled");
    load_through(&folder).await.unwrap();
    let file = compiled(&folder).remove(0);
    fs::write(&file, b"damaged").unwrap();
    load_through(&folder).await.unwrap();
    assert!(fs::metadata(&file).unwrap().len() > 1_000);
}

#[cfg(unix)]
#[tokio::test]
async fn a_cache_folder_that_others_may_write_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let parent = tempfile::tempdir().unwrap();
    for mode in [0o777, 0o770, 0o702] {
        fs::set_permissions(parent.path(), fs::Permissions::from_mode(mode)).unwrap();
        let error = load_through(parent.path()).await.unwrap_err();
        assert!(matches!(error, LoadError::CacheFolder { .. }), "{mode:o}: {error:?}");
        assert!(error.to_string().contains("chmod go-w"), "{error}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn folders_above_a_cache_folder_are_the_users_decision() {
    use std::os::unix::fs::PermissionsExt;
    let parent = tempfile::tempdir().unwrap();
    fs::set_permissions(parent.path(), fs::Permissions::from_mode(0o777)).unwrap();
    load_through(&parent.path().join("compiled")).await.unwrap();
}

#[cfg(unix)]
#[tokio::test]
async fn a_cache_folder_behind_a_link_and_a_file_in_its_place_are_refused() {
    let parent = tempfile::tempdir().unwrap();
    let (folder, link, file) =
        (parent.path().join("folder"), parent.path().join("link"), parent.path().join("file"));
    fs::create_dir(&folder).unwrap();
    std::os::unix::fs::symlink(&folder, &link).unwrap();
    fs::write(&file, b"").unwrap();
    for path in [link, file] {
        let error = load_through(&path).await.unwrap_err();
        assert!(matches!(error, LoadError::CacheFolder { .. }), "{}: {error:?}", path.display());
    }
}
