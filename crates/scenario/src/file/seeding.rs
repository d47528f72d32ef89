//! What is in Kisi before a scenario begins, as a seed of the simulator.

use std::ops::Range;
use std::path::Path;

use kisi_sim::{
    Seed, SeedError, SeedGroup, SeedLock, SeedOrganization, SeedPlace, SeedRoleAssignment, SeedUser,
};

use super::document::{Document, Group, Person, Text};
use super::source::{Source, meant};
use crate::unusable::Wrong;

/// The name of the organization that scenarios are played in.
const ORGANIZATION: &str = "Gym";

/// The seed that the scenario describes or names; none when it takes Kisi as it is.
pub(super) fn seed(
    document: &Document,
    source: &Source,
    folder: &Path,
    start_ms: u64,
    wrong: &mut Vec<Wrong>,
) -> Option<Seed> {
    let described = !document.groups.is_empty() || !document.people.is_empty();
    let mut seed = match &document.seed {
        Some(file) if described => {
            let message =
                "a scenario with a `seed` has its groups and people there: leave `seed` or the others out";
            wrong.push(source.wrong(&file.span(), message));
            return None;
        }
        Some(file) => match from_file(&folder.join(file.get_ref())) {
            Ok(seed) => seed,
            Err(message) => {
                wrong.push(source.wrong(&file.span(), format!("the seed `{}`: {message}", file.get_ref())));
                return None;
            }
        },
        None if described || document.knobs.is_some() => described_seed(document, source, wrong),
        None => return None,
    };
    if let Some(knobs) = &document.knobs {
        seed.knobs = knobs.get_ref().clone();
    }
    seed.start_time = Some(start_ms);
    Some(seed)
}

/// Where the scenario says that something is in Kisi beforehand.
pub(super) fn span(document: &Document) -> Option<Range<usize>> {
    let seed = document.seed.as_ref().map(Text::span);
    let group = document.groups.first().map(|group| group.name.span());
    let person = document.people.first().map(|person| person.email.span());
    seed.or(group).or(person).or_else(|| document.knobs.as_ref().map(toml::Spanned::span))
}

/// When a seed file says that its time begins.
pub(super) fn start_of_file(document: &Document, folder: &Path) -> Option<u64> {
    from_file(&folder.join(document.seed.as_ref()?.get_ref())).ok()?.start_time
}

fn from_file(path: &Path) -> Result<Seed, String> {
    let text = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
    let seed = Seed::from_toml(&text).map_err(|error: SeedError| error.to_string())?;
    // Names in a seed are resolved when it is planted; a seed that does not hold together is found out here.
    kisi_sim::Simulator::new(seed.clone()).map_err(|error| error.to_string())?;
    Ok(seed)
}

fn described_seed(document: &Document, source: &Source, wrong: &mut Vec<Wrong>) -> Seed {
    let mut organization =
        SeedOrganization { name: Some(ORGANIZATION.to_owned()), ..SeedOrganization::default() };
    for group in &document.groups {
        add_group(&mut organization, group);
    }
    for person in &document.people {
        for group in &person.groups {
            known_group(group, &document.groups, source, wrong);
        }
        add_person(&mut organization, person);
    }
    let seed = Seed { organizations: vec![organization], ..Seed::default() };
    if wrong.is_empty()
        && let Err(error) = kisi_sim::Simulator::new(seed.clone())
    {
        wrong.push(source.wrong(&(0..0), format!("groups and people do not hold together: {error}")));
    }
    seed
}

fn known_group(group: &Text, groups: &[Group], source: &Source, wrong: &mut Vec<Wrong>) {
    let known = || groups.iter().map(|group| group.name.get_ref().as_str());
    if !known().any(|name| name == group.get_ref()) {
        let message = format!("there is no group `{}`: {}", group.get_ref(), meant(group.get_ref(), known()));
        wrong.push(source.wrong(&group.span(), message));
    }
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
