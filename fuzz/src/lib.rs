//! What the fuzz targets share: a gym whose Kisi is the simulator, except where the fuzzer answers, and every call of
//! the contract.
//!
//! The plugin is compiled for this machine, so that the fuzzer sees which of its branches an input reaches. Whatever it
//! reads, it must not panic, send requests without end, store without end, or give an error without words.

pub mod calls;
pub mod gym;
pub mod script;

#[cfg(feature = "run")]
pub use libfuzzer_sys::fuzz_target;

/// A target without the fuzzer: a program that plays the files that are given to it.
///
/// So ordinary builds and lints compile the targets without libFuzzer.
#[cfg(not(feature = "run"))]
#[macro_export]
macro_rules! fuzz_target {
    (|$text:ident: &str| $body:expr) => {
        $crate::fuzz_target!(|bytes: &[u8]| {
            if let Ok($text) = std::str::from_utf8(bytes) {
                $body
            }
        });
    };
    (|$data:ident: &[u8]| $body:expr) => {
        fn main() -> std::io::Result<()> {
            let play = |$data: &[u8]| $body;
            for file in std::env::args_os().skip(1) {
                play(&std::fs::read(file)?);
            }
            Ok(())
        }
    };
}
