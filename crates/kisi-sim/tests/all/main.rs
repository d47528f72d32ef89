//! What the simulator promises, asked of it as a client would.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "in a test's own functions a panic is the test's failure; clippy.toml excuses only the tests themselves"
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
