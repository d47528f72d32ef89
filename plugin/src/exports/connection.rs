//! Connects an installation and reports its state.

use super::groups::{import, to_list, update_mappings};
use crate::contract::connection::{self, Connected, Counts, Health, State};
use crate::contract::types::{InputError, PauseCause};
use crate::host::Host;
use crate::kisi::error::Error;
use crate::kisi::organization::Place;
use crate::kisi::{Budget, Kisi};
use crate::ledger::Record;
use crate::ledger::store::MEMBERS;
use crate::plan::DateChange;
use crate::rights::{self, Key};
use crate::settings::{Settings, problem};
use crate::stop::{Stop, pause, reject};
use crate::storage;
use crate::tenant::{self, Config, Owned, Owner, Tenant, Versioned, new_config};

/// Records that are read together.
const COUNT_PAGE: u32 = 500;

/// See `connection.connect`. Writes nothing in Kisi.
pub fn connect(host: &dyn Host, settings: &str) -> Result<Connected, InputError> {
    let settings = Settings::parse(settings).map_err(InputError::Wrong)?;
    let before = tenant::stored_config(host)?;
    let integration = settings.integration.clone();
    let budget = Budget::unlimited();
    let kisi = Kisi::new(host, &integration, &budget);
    let found = rights::check(&kisi).and_then(|key| of_same_organization(key, before.as_ref()));
    let key = match found {
        Ok(key) => key,
        Err(error) => {
            if let Some(config) = before {
                let mut tenant = Tenant { config, mappings: tenant::mappings(host)? };
                tenant.note_pause(host, &error);
            }
            return Err(error.into());
        }
    };
    let places: Vec<Place> = kisi.list("").map_err(Error::into_contract)?;
    let chosen = |place: &Place| settings.chooses(Some(place.id));
    check_places(&settings, &places)?;
    let groups = import(host, &kisi, &settings)?;
    let mut mappings = tenant::mappings(host)?;
    let is_left_out = |group: &&tenant::Group| {
        mappings.value.knows(group.id)
            && group
                .place
                .as_ref()
                .is_some_and(|name| !places.iter().any(|place| place.name == *name && chosen(place)))
    };
    if let Some(group) = groups.value.groups.iter().find(is_left_out) {
        let message = format!(
            "leaves out {}, and the mapping names its group \u{201c}{}\u{201d}: take that out of the mapping first",
            group.place.as_deref().unwrap_or_default(),
            group.name
        );
        return Err(InputError::Wrong(vec![problem("places", &message)]));
    }
    if groups.value.groups.is_empty() {
        let message = "Kisi has no group in the places that are to be managed: make one in Kisi, put doors \
                       into it, and connect again.";
        return Err(reject(message, None).into());
    }
    let places = places
        .iter()
        .map(|place| connection::Place {
            id: place.id.to_string(),
            name: place.name.clone(),
            chosen: chosen(place),
        })
        .collect();
    update_mappings(&mut mappings.value, &groups.value);
    let config = new_config(config(host, settings, &key, before.as_ref()), before);
    storage::commit(host, vec![config.write(), groups.write(), mappings.write()])?;
    Ok(Connected {
        account: account(&config.value),
        organization: organization(&config.value),
        places,
        groups: to_list(&groups.value, &mappings.value).groups,
    })
}

/// See `connection.status`.
pub fn status(host: &dyn Host) -> Result<Health, Stop> {
    let config = tenant::stored_config(host)?.map(|config| config.value);
    let groups = tenant::groups(host)?.value;
    let mappings = tenant::mappings(host)?.value;
    let (members, grants) = count(host)?;
    let state = match &config {
        None | Some(Config { leaving: true, .. }) => State::NotConnected,
        Some(Config { paused: Some(paused), .. }) => State::Paused(paused.clone().into()),
        Some(_) => State::Connected,
    };
    Ok(Health {
        state,
        account: config.as_ref().map(account),
        organization: config.as_ref().map(organization),
        last_checked: config.as_ref().map(|config| config.checked_at),
        groups_refreshed: config.as_ref().map(|_| groups.refreshed_at),
        counts: Counts {
            groups: u32::try_from(groups.groups.len()).unwrap_or(u32::MAX),
            mappings: u32::try_from(mappings.entries.len()).unwrap_or(u32::MAX),
            members,
            grants,
        },
        last_synced: config.as_ref().and_then(|config| config.synced_at),
        flawed_groups: to_list(&groups, &mappings)
            .groups
            .into_iter()
            .filter(|group| {
                let is_mapped = mappings.groups.iter().any(|mapped| mapped.id.to_string() == group.id);
                is_mapped && !group.warnings.is_empty()
            })
            .collect(),
    })
}

/// Every chosen place must exist.
fn check_places(settings: &Settings, places: &[Place]) -> Result<(), InputError> {
    let mut problems = Vec::new();
    for (index, id) in settings.places.iter().enumerate() {
        if places.iter().all(|place| place.id.to_string() != *id) {
            let mut message = format!("Kisi has no place \u{201c}{id}\u{201d} but");
            for place in places {
                message.push_str(&format!(" {} ({})", place.id, place.name));
            }
            problems.push(problem(&format!("places[{index}]"), &message));
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(InputError::Wrong(problems)) }
}

/// Refuses a key of another organization, for which the stored records would be meaningless.
fn of_same_organization(key: Key, before: Option<&Versioned<Config>>) -> Result<Key, Stop> {
    match before.map(|before| &before.value.organization) {
        Some(known) if known.id != key.organization.id => Err(pause(
            PauseCause::OtherOrganization,
            &format!(
                "The key belongs to {}, and this installation to {}. Connect with a key of {}.",
                key.organization.name, known.name, known.name
            ),
            None,
        )),
        _ => Ok(key),
    }
}

fn config(host: &dyn Host, settings: Settings, key: &Key, before: Option<&Versioned<Config>>) -> Config {
    Config {
        settings,
        account: Owner {
            id: key.owner.id.0,
            name: key.owner.name.clone().unwrap_or_default(),
            email: key.owner.email.clone().unwrap_or_default(),
        },
        organization: Owned { id: key.organization.id, name: key.organization.name.clone() },
        checked_at: host.now(),
        paused: None,
        // Determined again, so that one odd answer has no lasting effect.
        date_change: DateChange::default(),
        // An installation that was being removed starts again.
        synced_at: before.filter(|before| !before.value.leaving).and_then(|before| before.value.synced_at),
        // Events may have been lost during a pause, and an interrupted removal may have removed grants.
        asked_at: before.and_then(|before| match before.value {
            Config { paused: Some(_), .. } | Config { leaving: true, .. } => Some(host.now()),
            Config { asked_at, .. } => asked_at,
        }),
        taken: before.map_or(0, |before| before.value.taken),
        leaving: false,
    }
}

fn account(config: &Config) -> connection::Account {
    let Owner { id, name, email } = config.account.clone();
    connection::Account { id: id.to_string(), name, email }
}

fn organization(config: &Config) -> connection::Organization {
    let Owned { id, name } = config.organization.clone();
    connection::Organization { id: id.to_string(), name }
}

/// Counts members with an account, and their grants. Records are not parsed: a large gym stays fast, and a damaged record
/// hides no others.
fn count(host: &dyn Host) -> Result<(u32, u32), Stop> {
    let (mut members, mut grants) = (0_u32, 0_u32);
    let mut after: Option<String> = None;
    loop {
        let entries = storage::scan(host, MEMBERS, after.as_deref(), COUNT_PAGE)?;
        for entry in &entries {
            let (is_tied, held) = Record::tally(&entry.value);
            members = members.saturating_add(u32::from(is_tied));
            grants = grants.saturating_add(held);
        }
        match entries.last() {
            Some(last) if entries.len() as u64 >= u64::from(COUNT_PAGE) => after = Some(last.key.clone()),
            _ => return Ok((members, grants)),
        }
    }
}
