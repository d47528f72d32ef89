//! What is in Kisi before a scenario begins, as a seed of the simulator.

use std::ops::Range;
use std::path::Path;

use kisi_sim::{
    Seed, SeedError, SeedGroup, SeedLock, SeedOrganization, SeedPlace, SeedRoleAssignment, SeedUser,
};
use toml::Spanned;

use super::document::{Document, Group, Person};
use super::source::Mistake;

/// The name of the organization that scenarios are played in.
const ORGANIZATION: &str = "Gym";

/// The seed that the scenario describes or names; `None` when it takes Kisi as it is.
pub(super) fn seed(document: &Document, folder: &Path) -> Result<Option<Seed>, Vec<Mistake>> {
    let described = !document.groups.is_empty() || !document.people.is_empty();
    let mut seed = match &document.seed {
        Some(file) if described => {
            let message = "a scenario with a `seed` takes its groups and people from it: leave `seed` or the others out";
            return Err(vec![Mistake::of(file, message)]);
        }
        Some(file) => from_file(&folder.join(file.get_ref())).map_err(|message| {
            vec![Mistake::of(file, format!("the seed `{}`: {message}", file.get_ref()))]
        })?,
        None if described || document.knobs.is_some() => described_seed(document)?,
        None => return Ok(None),
    };
    if let Some(knobs) = &document.knobs {
        seed.knobs = knobs.get_ref().clone();
    }
    Ok(Some(seed))
}

/// The first place where the scenario puts something into Kisi.
pub(super) fn span(document: &Document) -> Option<Range<usize>> {
    let seed = document.seed.as_ref().map(Spanned::span);
    let group = document.groups.first().map(|group| group.name.span());
    let person = document.people.first().map(|person| person.email.span());
    seed.or(group).or(person).or_else(|| document.knobs.as_ref().map(Spanned::span))
}

fn from_file(path: &Path) -> Result<Seed, String> {
    let text = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
    let seed = Seed::from_toml(&text).map_err(|error: SeedError| error.to_string())?;
    validate(&seed)?;
    Ok(seed)
}

/// The names in a seed are resolved when it is planted: only then its mistakes show.
fn validate(seed: &Seed) -> Result<(), String> {
    kisi_sim::Simulator::new(seed.clone()).map(drop).map_err(|error| error.to_string())
}

fn described_seed(document: &Document) -> Result<Seed, Vec<Mistake>> {
    let known = || document.groups.iter().map(|group| group.name.get_ref().as_str());
    let wanted = document.people.iter().flat_map(|person| &person.groups);
    let unknown: Vec<Mistake> = wanted
        .filter(|group| known().all(|name| name != group.get_ref()))
        .map(|group| Mistake::unknown("group", group, known()))
        .collect();
    if !unknown.is_empty() {
        return Err(unknown);
    }
    let mut organization =
        SeedOrganization { name: Some(ORGANIZATION.to_owned()), ..SeedOrganization::default() };
    document.groups.iter().for_each(|group| add_group(&mut organization, group));
    document.people.iter().for_each(|person| add_person(&mut organization, person));
    let seed = Seed { organizations: vec![organization], ..Seed::default() };
    validate(&seed).map_err(|error| {
        vec![Mistake::at(0..0, format!("groups and people do not fit together: {error}"))]
    })?;
    Ok(seed)
}

fn add_group(organization: &mut SeedOrganization, group: &Group) {
    let place = group.place.clone();
    if let Some(name) = &place
        && organization.places.iter().all(|known| known.name != *name)
    {
        organization.places.push(SeedPlace { name: name.clone(), ..SeedPlace::default() });
    }
    let name = group.name.get_ref();
    let locks: Vec<String> = (1..=group.doors).map(|door| format!("{name}, door {door}")).collect();
    organization.locks.extend(locks.iter().map(|name| SeedLock {
        name: name.clone(),
        place: place.clone(),
        description: None,
        online: true,
    }));
    organization.groups.push(SeedGroup {
        name: name.clone(),
        description: None,
        place,
        locks,
        login_enabled: group.app_access,
    });
}

fn add_person(organization: &mut SeedOrganization, person: &Person) {
    let email = person.email.get_ref();
    organization.users.push(SeedUser {
        name: person.name.clone(),
        email: email.clone(),
        role: person.organization_role,
        access_enabled: true,
        notes: None,
        metadata: serde_json::Map::new(),
    });
    organization.role_assignments.extend(person.groups.iter().map(|group| SeedRoleAssignment {
        user: email.clone(),
        group: Some(group.get_ref().clone()),
        role: person.role.clone(),
        ..SeedRoleAssignment::default()
    }));
}
