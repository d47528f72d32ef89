//! The contract's types, generated from `wit/`. The host calls the functions in `guest`; the plugin calls the host
//! through the `Host` trait. Everything between is plain Rust that runs natively.

pub mod bindings {
    #![expect(missing_docs, reason = "the WIT documents them; generated code repeats it only for types")]
    #![expect(clippy::all, reason = "generated")]
    wit_bindgen::generate!({
        path: "../wit",
        world: "plugin",
        additional_derives: [PartialEq, Eq],
        pub_export_macro: true,
        default_bindings_module: "crate::contract::bindings",
    });
}
#[cfg(target_arch = "wasm32")]
pub(crate) use bindings::export;
pub use bindings::exports::gym::door_access as exports;
pub use bindings::gym::door_access::{directory, log, storage, types};
pub use exports::{access, connection, doors, events, groups, maintenance, mappings, provider, sync};
