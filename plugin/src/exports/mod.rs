//! What the host may call, one file per interface of the contract, as plain functions of a `Host`: the component and
//! native tests call the same.

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
