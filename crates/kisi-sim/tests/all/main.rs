//! The simulator's promises, tested from a client's side.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a panic in a test's own functions fails the test; clippy.toml allows it only in the tests themselves"
)]

mod peer;

mod accounts;
mod cli;
mod control;
mod doors;
mod events;
mod faults;
mod groups;
mod hands;
mod journal;
mod large;
mod logins;
mod pace;
mod pages;
mod readme;
mod role_assignments;
mod seeds;
mod server;
mod unlocking;
mod users;
