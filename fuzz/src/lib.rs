//! What the fuzz targets share: a gym whose Kisi is the simulator, except where the fuzzer answers, and every call of
//! the contract.
//!
//! The plugin is compiled for this machine, so that the fuzzer sees which of its branches an input reaches. Whatever it
//! reads, it must not panic, send requests without end, store without end, or give an error without words.

pub mod calls;
pub mod gym;
pub mod script;

/// The whole program of a target that was built without the fuzzer.
///
/// Ordinary builds and lints compile the targets like any other program; only the feature `run` links the fuzzer.
pub fn explain_how_to_run() {
    eprintln!("built without the fuzzer: see fuzz/README.md for the command that runs this target");
}
