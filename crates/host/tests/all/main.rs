//! Tests of the host as a platform uses it: components made on the spot, the network answered in the process,
//! and a clock that the tests own. One binary, because linking the engine is slow.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that panics has failed, which is the point; clippy.toml allows it in test functions only"
)]

mod calls;
mod egress;
#[expect(dead_code, reason = "shared with the hostile plugins, which use the rest")]
mod guest;
mod load;
mod network;
#[cfg(all(unix, feature = "sqlite"))]
mod sealing;
#[expect(dead_code, reason = "shared with the hostile plugins, which use the rest")]
mod stage;
mod state;
