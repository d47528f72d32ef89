//! A gym, its platform and its Kisi in one process: the world of tests, benchmarks, simulation and fuzz targets.
//!
//! [`World`] holds a platform's directory and storage, a virtual clock, a simulated Kisi and the plugin between them:
//! the component in the real host, or with [`Native`] the same code compiled for this machine. No socket is opened.
//! Everything that crosses the plugin's border goes through [`Boundary`], where a test plans faults, changes answers and
//! watches requests.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a world that cannot be set up fails its test"
)]

mod boundary;
mod calls;
mod component;
mod doors;
mod members;
mod native;
mod shown;
mod world;

pub use boundary::{At, Boundary, Effect, Exchange, Fault, Passed, Watch};
pub use calls::{Failure, Report};
pub use component::{compiled, component_path, plugin};
pub use members::{DAY, HOUR, LEASED, MAPPING, NO_DEVICE, SETTINGS, START, dated, many, member, membership};
pub use members::{frozen_until, phone, settings, with_email};
pub use native::{Answered, Native};
pub use shown::status;
pub use world::{World, WorldBuilder};
