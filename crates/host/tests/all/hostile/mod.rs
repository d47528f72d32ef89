//! Hostile plugins: what they try, what stops them, and that their neighbours do not notice.
//!
//! `attack` defines an attack and plays it beside a neighbour. `compute`, `boundary`, `requests`, `smuggling`, `keeping`
//! and `key` list attacks by their target; `table` plays them all and prints a table, and `memory` plays each many times
//! and measures the process. `loading`, `network` and `tenants` have setups of their own. What is not claimed is listed,
//! too: see `key::not_searched_for`.
//!
//! `cargo test -p door-access-host hostile -- --nocapture` prints the table.

mod attack;

mod compute;

mod boundary;

mod requests;

mod smuggling;

mod keeping;

mod key;

mod table;

#[cfg(target_os = "linux")]
mod memory;

mod loading;

mod network;

mod tenants;
