//! `harness groups`: Kisi's access groups, and which plans open them.

use std::io;

use serde::Serialize;

use super::config;
use super::console::{Answer, Console};
use super::facts::{GroupFacts, print_places, when};
use super::members::Roll;
use super::session::Session;
use crate::args::GroupsArgs;
use crate::exit::{Exit, Stop};
use crate::report::{Page, Tone};
use door_access_host::contract::mappings::MappingState;
use door_access_scenario::words::time;

/// The groups.
#[derive(Serialize)]
#[serde(tag = "type", rename = "groups")]
struct Groups {
    #[serde(serialize_with = "time")]
    refreshed_at: u64,
    /// The managed places.
    places: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    places_left_out: Vec<String>,
    groups: Vec<GroupFacts>,
}

pub(super) async fn run(
    session: &Session,
    args: &GroupsArgs,
    console: &mut Console<'_>,
) -> Result<Exit, Stop> {
    let list = match args.refresh {
        true => session.ask(console, async |tenant| tenant.refresh_groups().await).await?,
        false => session.ask(console, async |tenant| tenant.list_groups().await).await?,
    };
    let mapping = session.ask(console, async |tenant| tenant.list_mappings().await).await?;
    let groups =
        list.groups.iter().map(|group| GroupFacts::of(group, plans(&session.roll, &mapping, &group.id)));
    let known = &session.config.places;
    console.tell(&Groups {
        refreshed_at: list.refreshed_at,
        places: config::named(known, true),
        places_left_out: config::named(known, false),
        groups: groups.collect(),
    })?;
    Ok(Exit::AsExpected)
}

/// The plans that open a group, by name.
pub(super) fn plans(roll: &Roll, mapping: &[MappingState], group: &str) -> Vec<String> {
    let entries = mapping.iter().filter(|state| state.mapping.group == group);
    let mut plans: Vec<String> = entries
        .map(|state| {
            let plan = roll.plan_name(&state.mapping.plan);
            match &state.mapping.location {
                Some(location) => format!("{plan} at {location}"),
                None => plan.to_owned(),
            }
        })
        .collect();
    plans.dedup();
    plans
}

impl Answer for Groups {
    fn print(&self, page: &mut Page) -> io::Result<()> {
        GroupFacts::print(&self.groups, page)?;
        page.gap()?;
        print_places(page, &self.places, &self.places_left_out)?;
        let when = when(Some(self.refreshed_at));
        page.wide(
            Tone::Faint,
            &format!("Read from Kisi on {when}; `harness groups --refresh` reads them again."),
        )
    }
}
