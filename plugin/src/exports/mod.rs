//! The contract's exports, one file per interface, as plain functions of a `Host` for the component and native tests.
//! Their errors are documented in `wit/`.

pub mod access;
pub mod connection;
pub mod disconnect;
pub mod doors;
pub mod events;
pub mod groups;
pub mod maintenance;
pub mod mappings;
pub mod provider;
pub mod sync;
