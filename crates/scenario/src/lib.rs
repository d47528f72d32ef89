//! Scenarios: stories of a gym as TOML files. A scenario says who is a member, which plan opens which groups, what
//! happens, and what must come of it.
//!
//! [`file`] reads and checks a scenario, [`world`] is the Kisi that it is played against, [`play`] plays it, and
//! [`report`] is what a run says, as data. Nothing here prints.

pub mod file;
pub mod play;
pub mod report;
pub mod unusable;
pub mod words;
pub mod world;

pub use file::Scenario;
pub use play::{PlayError, Player, Shown};
pub use unusable::{Unusable, unusable};
