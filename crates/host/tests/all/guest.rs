//! Components for the tests, assembled from WAT and WIT: no guest toolchain is needed.

use std::path::{Path, PathBuf};

use wit_component::{ComponentEncoder, StringEncoding, dummy_module, embed_component_metadata};
use wit_parser::{ManglingAndAbi, Resolve, WorldId};

const WAT: &str = include_str!("guest.wat");
const WIT: &str = include_str!("guest.wit");

/// The obedient plugin; see `guest.wat` for its orders.
pub(crate) fn component() -> Vec<u8> {
    component_from(WAT)
}

/// The obedient plugin with one text of its source replaced. Texts of the manifest must keep their length.
pub(crate) fn component_with(text: &str, replacement: &str) -> Vec<u8> {
    assert!(WAT.contains(text), "{text} does not occur in guest.wat");
    component_from(&WAT.replace(text, replacement))
}

/// The obedient plugin with further imports, functions and orders. `further` is WAT: imports, a line with `;; functions`,
/// and functions. `$further` gets each order's letter and returns the address of its answer, or 0 for the usual answer.
pub(crate) fn component_with_orders(further: &str) -> Vec<u8> {
    component_from(&wat_with_orders(further))
}

/// The same with one text of the source replaced.
pub(crate) fn component_with_orders_and(further: &str, text: &str, replacement: &str) -> Vec<u8> {
    let wat = wat_with_orders(further);
    assert!(wat.contains(text), "{text} does not occur in the guest");
    component_from(&wat.replace(text, replacement))
}

fn wat_with_orders(further: &str) -> String {
    let (imports, functions) = further.split_once(";; functions").unwrap();
    let asked = "(if (local.tee $text (call $further (local.get $order))) (then (return (local.get $text))))";
    let wat = WAT.replace(";; A test may import more here.", imports);
    let wat = wat.replace(";; A test may add orders here.", asked);
    let end = wat.rfind(')').unwrap();
    format!("{}{functions})", &wat[..end])
}

/// The obedient plugin as a core module, before it is made a component.
pub(crate) fn core_module() -> Vec<u8> {
    wat::parse_str(WAT).unwrap()
}

/// A component of another world of `guest.wit`, without behaviour.
pub(crate) fn dummy(world: &str) -> Vec<u8> {
    let (resolve, world) = world_named(world);
    encode(dummy_module(&resolve, world, ManglingAndAbi::Standard32), &resolve, world)
}

/// The obedient plugin, with another core module in it and an instance of that.
pub(crate) fn component_and_module(module: &[u8]) -> Vec<u8> {
    const CORE_MODULE: u8 = 1;
    const CORE_INSTANCE: u8 = 2;
    let component = component();
    let is_module =
        |payload: &wasmparser::Payload| matches!(payload, wasmparser::Payload::ModuleSection { .. });
    let payloads = wasmparser::Parser::new(0).parse_all(&component).map(Result::unwrap);
    let modules = u8::try_from(payloads.filter(is_module).count()).unwrap();
    // One instance of the last module, without arguments.
    let instance = [1, 0, modules, 0];
    [component, section(CORE_MODULE, module), section(CORE_INSTANCE, &instance)].concat()
}

/// The obedient plugin, padded to so many bytes with a custom section, as debug information is.
pub(crate) fn component_of_size(bytes: usize) -> Vec<u8> {
    const CUSTOM: u8 = 0;
    let component = component();
    // The section's id, a length of three bytes, and an empty name, whose length is its first byte.
    let content = vec![0; bytes - component.len() - 4];
    let padded = [component, section(CUSTOM, &content)].concat();
    assert_eq!(padded.len(), bytes);
    padded
}

/// A section of a component: its id, its length (LEB128), its content.
fn section(id: u8, content: &[u8]) -> Vec<u8> {
    let mut length = content.len();
    let mut section = vec![id];
    while length > 127 {
        section.push(u8::try_from(length & 127).unwrap() | 128);
        length >>= 7;
    }
    section.push(u8::try_from(length).unwrap());
    [section.as_slice(), content].concat()
}

/// A plugin without behaviour, of a contract with one text replaced.
pub(crate) fn dummy_of_another_contract(text: &str, replacement: &str) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let mut replaced = 0;
    for file in std::fs::read_dir(contract()).unwrap().map(|file| file.unwrap().path()) {
        if file.extension().is_some_and(|extension| extension == "wit") {
            let wit = std::fs::read_to_string(&file).unwrap();
            replaced += wit.matches(text).count();
            std::fs::write(folder.path().join(file.file_name().unwrap()), wit.replace(text, replacement))
                .unwrap();
        }
    }
    assert_eq!(replaced, 1, "{text} stands {replaced} times in the contract");
    let (resolve, world) = world_of(folder.path(), "obedient");
    encode(dummy_module(&resolve, world, ManglingAndAbi::Standard32), &resolve, world)
}

fn component_from(wat: &str) -> Vec<u8> {
    let (resolve, world) = world_named("obedient");
    encode(wat::parse_str(wat).unwrap(), &resolve, world)
}

fn contract() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit")
}

fn world_named(world: &str) -> (Resolve, WorldId) {
    world_of(&contract(), world)
}

fn world_of(contract: &Path, world: &str) -> (Resolve, WorldId) {
    let mut resolve = Resolve::default();
    resolve.push_dir(contract).unwrap();
    resolve.push_str("guest.wit", WIT).unwrap();
    let packages: Vec<_> = resolve.package_names.values().copied().collect();
    let world = resolve.select_world(&packages, Some(&format!("test:guests/{world}"))).unwrap();
    (resolve, world)
}

fn encode(mut module: Vec<u8>, resolve: &Resolve, world: WorldId) -> Vec<u8> {
    embed_component_metadata(&mut module, resolve, world, StringEncoding::UTF8).unwrap();
    ComponentEncoder::default().module(&module).unwrap().validate(true).encode().unwrap()
}
