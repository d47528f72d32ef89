//! End-to-end tests: the real component in the real host against the simulator, and the command line from outside.
//!
//! There is one test program because linking wasmtime is slow. A folder is a topic.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "all of this crate is test code"
)]

/// What the files in `scenarios/` tell.
mod scenarios;

/// Installing the plugin: connecting, settings, and the end of an installation.
mod installation {
    mod connecting;
    mod leaving;
}

/// What an event about one member changes in Kisi.
mod events {
    mod accounts;
    mod fewest_calls;
    mod kills;
    mod leases;
    mod rules;
}

/// Every member at once: syncs, ticks, and the guard on removals.
mod sync {
    mod compare;
    mod damage;
    mod guard;
    mod isolation;
    mod mapping_preview;
    mod staff;
    mod storage_down;
    mod ticks;
}

/// Whether a door opens, and the reason when it does not.
mod doors {
    pub(crate) mod explain;
    mod unlock;
}

/// What must hold whatever others send, store or read.
mod safety {
    mod component;
    mod hostile_input;
    mod secrets;
}

/// The `harness` command line from outside.
mod command {
    mod address;
    pub(crate) mod desk;
    mod disconnect;
    mod first_steps;
    mod installation;
    mod members;
    mod run;
    mod sealed_key;
    mod set_aside;
    mod steps;
    mod tick;
}

/// Random histories: a fixed share of them here, more with `cargo xtask simulate`.
#[path = "../../simulate/mod.rs"]
mod simulate;
