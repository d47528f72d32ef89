//! Components for the tests, made from WAT and WIT on the spot: no toolchain for guests is needed.

use std::path::Path;

use wit_component::{ComponentEncoder, StringEncoding, dummy_module, embed_component_metadata};
use wit_parser::{ManglingAndAbi, Resolve, WorldId};

const WAT: &str = include_str!("guest.wat");
const WIT: &str = include_str!("guest.wit");

/// The plugin that does what it is told; see `guest.wat` for its orders.
pub(crate) fn component() -> Vec<u8> {
    component_from(WAT)
}

/// The same plugin with one text of its source replaced. Texts of the manifest must keep their length.
pub(crate) fn component_with(text: &str, replacement: &str) -> Vec<u8> {
    assert!(WAT.contains(text), "{text} does not occur in guest.wat");
    component_from(&WAT.replace(text, replacement))
}

/// The same plugin with further imports, functions and orders. `further` is WAT: imports, a line with `;; functions`, and
/// functions, of which `$further` gets each order's letter and returns where its answer lies, or 0 for the usual one.
pub(crate) fn component_with_orders(further: &str) -> Vec<u8> {
    component_from(&wat_with_orders(further))
}

/// The same once more with one text of the source replaced.
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

/// The plugin as a core module, before it is made a component.
pub(crate) fn core_module() -> Vec<u8> {
    wat::parse_str(WAT).unwrap()
}

/// A component of another world of `guest.wit`, with no behaviour at all.
pub(crate) fn dummy(world: &str) -> Vec<u8> {
    let (resolve, world) = world_named(world);
    encode(dummy_module(&resolve, world, ManglingAndAbi::Standard32), &resolve, world)
}

fn component_from(wat: &str) -> Vec<u8> {
    let (resolve, world) = world_named("obedient");
    encode(wat::parse_str(wat).unwrap(), &resolve, world)
}

fn world_named(world: &str) -> (Resolve, WorldId) {
    let mut resolve = Resolve::default();
    resolve.push_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../wit")).unwrap();
    resolve.push_str("guest.wit", WIT).unwrap();
    let packages: Vec<_> = resolve.package_names.values().copied().collect();
    let world = resolve.select_world(&packages, Some(&format!("test:guests/{world}"))).unwrap();
    (resolve, world)
}

fn encode(mut module: Vec<u8>, resolve: &Resolve, world: WorldId) -> Vec<u8> {
    embed_component_metadata(&mut module, resolve, world, StringEncoding::UTF8).unwrap();
    ComponentEncoder::default().module(&module).unwrap().validate(true).encode().unwrap()
}
