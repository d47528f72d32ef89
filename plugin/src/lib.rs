//! The Kisi plugin. It reads a gym's members from its host, decides which access groups contain them, and keeps Kisi in
//! step. It is a component for `wasm32-unknown-unknown`; everything except `guest` also builds natively, for tests.
//!
//! Data flows one way: `exports` take a call, `reconcile` reads the member and the record, `entitlement` decides what
//! the member should have, `plan` what must change, `apply` does it through `kisi` and records it in `ledger`, and
//! `explain` puts it into words.

pub mod contract;
pub mod host;

pub mod exports;

pub mod apply;
pub mod clear;
pub mod depart;
pub mod identity;
pub mod losses;
pub mod reconcile;
pub mod settle;
pub mod sync;

pub mod access;
pub mod entitlement;
pub mod explain;
pub mod outcome;
pub mod plan;

pub mod id;
pub mod json;
pub mod mapping;
pub mod settings;
pub mod window;

pub mod kisi;
pub mod ledger;
pub mod rights;
pub mod stop;
pub mod storage;
pub mod tenant;

#[cfg(target_arch = "wasm32")]
mod guest;

#[cfg(test)]
mod first_edition;
#[cfg(test)]
mod stub;
