//! End-to-end tests: the real component in the real host against the simulator. One binary, since linking wasmtime
//! is slow; a module a topic.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "all of this crate is test code, its worlds and checks included"
)]

mod native;
mod world;

mod access;
mod accounts;
mod brake;
mod calls;
mod component;
mod connecting;
mod damage;
mod disconnecting;
mod doors;
mod first_steps;
mod gym_folder;
mod hands;
mod hindrances;
mod histories;
mod hostile_input;
mod installation;
mod kills;
mod leases;
mod leaving;
mod mapping_preview;
mod member_commands;
mod rules;
mod secrets;
mod storage_down;
mod sync;
mod tick;

mod command_address;
mod command_line;
mod command_tick;
mod scenario_access;
mod scenarios;
mod sealed_key;
