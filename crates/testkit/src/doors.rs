//! A gym with doors.

use crate::members::{SETTINGS, member, membership};
use crate::world::World;

const KISI: &str = r#"
[[organizations]]
name = "Gym"
places = [{ name = "Main Street" }, { name = "Annex" }]
locks = [
    { name = "Front door" },
    { name = "Sauna" },
    { name = "Annex door", place = "Annex" },
    { name = "Office" },
]
groups = [
    { name = "Gym", locks = ["Front door"] },
    { name = "Spa", locks = ["Front door", "Sauna", "Annex door"] },
    { name = "Cards", locks = ["Office"], login_enabled = false },
    { name = "Empty" },
]
"#;

impl World {
    /// A gym with four doors. `basic` gives the gym, `gold` the spa besides, `cards` a group without app access, `empty` a
    /// group without doors, and `towel` nothing.
    pub fn with_doors(settings: &str) -> World {
        let mapping: &[(&str, &[&str])] =
            &[("basic", &["Gym"]), ("gold", &["Gym", "Spa"]), ("cards", &["Cards"]), ("empty", &["Empty"])];
        World::builder().seed(KISI).plans(&["towel"]).settings(settings).mapping(mapping).connected()
    }

    /// A gym with doors whose member `ann` has this plan and what it gives.
    pub fn with_doors_for_ann(plan: &str) -> World {
        let world = World::with_doors(SETTINGS);
        world.directory.insert(member("ann", vec![membership("ms-1", plan)]));
        world.settle("ann");
        world.calls();
        world
    }
}
