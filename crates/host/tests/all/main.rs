//! Tests of the host as a platform uses it: components assembled from text, the network answered in the process, and a
//! clock that the tests set. One binary, because linking the engine is slow.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a panic fails the test, as intended; clippy.toml allows it in test functions only"
)]

mod guest;
mod stage;

mod load;

mod calls;

mod state;

mod egress;

mod network;

mod hostile;
