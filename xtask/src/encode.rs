//! From a core WebAssembly module to a component.
//!
//! The module carries, in custom sections written by its bindings, which worlds it implements. The encoder
//! merges them, drops the imports that the code does not use, and validates the result, so that a module with a
//! stray import (a clock or a random source of JavaScript, say) fails here and not at a customer's host.

use anyhow::{Context, Result};
use wit_component::ComponentEncoder;

/// Wraps a core module as the component that its custom sections describe.
pub(crate) fn component(module: &[u8]) -> Result<Vec<u8>> {
    ComponentEncoder::default()
        .validate(true)
        .module(module)
        .context("failed to read the core module")?
        .encode()
        .context("failed to encode the component")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The smallest module: a magic number and a version.
    const EMPTY_MODULE: [u8; 8] = *b"\0asm\x01\0\0\0";

    #[test]
    fn an_empty_module_becomes_an_empty_component() {
        let component = component(&EMPTY_MODULE).unwrap();
        // The version field of a component ends with the layer: 1, where a core module has 0.
        assert_eq!(component.get(..4), Some(&b"\0asm"[..]));
        assert_eq!(component.get(6..8), Some(&[1, 0][..]));
    }

    #[test]
    fn anything_else_than_a_module_is_refused() {
        assert!(component(b"not a module").is_err());
    }

    #[test]
    fn an_import_outside_every_world_is_refused() {
        // (import "env" "f" (func)) by hand: one type, one import.
        let mut module = EMPTY_MODULE.to_vec();
        module.extend_from_slice(&[1, 4, 1, 0x60, 0, 0]);
        module.extend_from_slice(&[2, 9, 1, 3, b'e', b'n', b'v', 1, b'f', 0, 0]);
        let error = component(&module).unwrap_err();
        assert!(format!("{error:#}").contains("env"), "{error:#}");
    }
}
