//! What the fuzz targets share: a gym whose Kisi is the simulator, except where the fuzzer answers, and every call of
//! the contract.
//!
//! The plugin is compiled for this machine, so that the fuzzer sees which of its branches an input reaches. What it may
//! not do, whatever it reads: panic, ask without end, keep without end, or end without words.

pub mod calls;
pub mod gym;
pub mod script;
