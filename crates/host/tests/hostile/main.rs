//! Hostile plugins: what they try, what stops them, and that nobody beside them notices.
//!
//! `attack` says what an attack is and plays one with a neighbour beside it; `compute`, `boundary`, `requests`,
//! `smuggling`, `keeping` and `key` list attacks by what they go for; `table` plays them all, and `memory` plays each
//! many times and looks at what stays. `loading`, `network` and `tenants` have a stage of their own. What is not claimed
//! stands beside what is: see `key::what_nobody_looks_for`.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that panics has failed, which is the point; clippy.toml allows it in test functions only"
)]

mod attack;
mod boundary;
mod compute;
#[expect(dead_code, reason = "shared with the other tests of the host, which use the rest")]
#[path = "../all/guest.rs"]
mod guest;
mod keeping;
mod key;
mod loading;
mod memory;
mod network;
mod requests;
mod smuggling;
#[expect(dead_code, reason = "shared with the other tests of the host, which use the rest")]
#[path = "../all/stage.rs"]
mod stage;
mod table;
mod tenants;
