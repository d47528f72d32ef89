//! Scenarios: stories of a gym as TOML files. A scenario says who is a member, which plan opens which groups, what
//! happens, and what is expected to come of it. `scenarios/README.md` in the repository describes the format.
//!
//! - [`file`](mod@file) reads and checks a scenario.
//! - [`world`] is the Kisi that it is played against: a simulator in this process, or any address.
//! - [`play`] plays it.
//! - [`report`] is the result, as data. Nothing in this crate prints.
//!
//! # Example
//! Plays a scenario against a simulator in this process.
//!
//! ```no_run
//! use std::io;
//! use std::path::Path;
//!
//! use door_access_host::{Engine, EngineConfig};
//! use door_access_scenario::report::{Ending, Opening, Report, StepReport};
//! use door_access_scenario::{Player, Scenario, Shown, world};
//!
//! /// Prints the title of each step.
//! struct Titles;
//!
//! impl Report for Titles {
//!     fn opening(&mut self, opening: &Opening) -> io::Result<()> {
//!         println!("{}", opening.title);
//!         Ok(())
//!     }
//!
//!     fn step(&mut self, step: &StepReport) -> io::Result<()> {
//!         println!("- {}", step.title);
//!         Ok(())
//!     }
//!
//!     fn ending(&mut self, ending: &Ending) -> io::Result<()> {
//!         println!("{} of {} expectations failed", ending.failed, ending.expectations);
//!         Ok(())
//!     }
//! }
//!
//! # async fn play() -> Result<(), Box<dyn std::error::Error>> {
//! let engine = Engine::new(EngineConfig::default())?;
//! let plugin = engine.load_file(Path::new("target/component/kisi_plugin.wasm")).await?;
//! let scenario = Scenario::read(Path::new("scenarios/membership-frozen.toml"))?;
//! let world = world::in_process(&scenario)?;
//! let mut player = Player::new(&scenario, world, plugin, Shown { bodies: false, log: false })?;
//! let ending = player.play(&mut Titles).await?;
//! Titles.ending(&ending)?;
//! # Ok(())
//! # }
//! ```

pub mod file;
pub mod play;
pub mod report;
pub mod unusable;
pub mod words;
pub mod world;

pub use file::Scenario;
pub use play::{PlayError, Player, Shown};
pub use unusable::{Unusable, unusable};
pub use world::World;
