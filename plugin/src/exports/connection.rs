//! The life of an installation.

use super::groups::{import, imported, to_list, update_mappings};
use crate::contract::connection::{self, Connected, Counts, Health, State};
use crate::contract::types::PauseCause;
use crate::host::Host;
use crate::json;
use crate::kisi::error::Error;
use crate::kisi::organization::Place;
use crate::kisi::{Budget, Kisi};
use crate::ledger::store::{MEMBERS, storage_error};
use crate::ledger::{self, Record};
use crate::plan::DateChange;
use crate::rights::{self, Key};
use crate::settings::Settings;
use crate::stop::{Stop, pause, wrong};
use crate::tenant::{self, Config, Owned, Owner, Tenant, Versioned, new_config};

/// How many records are read at once for counting: memory stays small whatever the gym's size.
const COUNT_PAGE: u32 = 500;

/// See `connection.connect`.
///
/// # Errors
/// `settings`, `pause` or `retry`; nothing was written at Kisi.
pub fn connect(host: &dyn Host, settings: &str) -> Result<Connected, Stop> {
    let settings = Settings::parse(settings).map_err(wrong)?;
    let before = tenant::config(host)?;
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
            return Err(error);
        }
    };
    let places: Vec<Place> = kisi.list("").map_err(Error::into_contract)?;
    let groups = imported(host, import(host, &kisi)?)?;
    let mut mappings = tenant::mappings(host)?;
    update_mappings(&mut mappings.value, &groups.value);
    let config = new_config(config(host, settings, &key, before.as_ref()), before);
    host.commit(vec![config.write(), groups.write(), mappings.write()]).map_err(storage_error)?;
    Ok(Connected {
        account: account(&config.value),
        organization: organization(&config.value),
        places: places
            .into_iter()
            .map(|place| connection::Place { id: place.id.to_string(), name: place.name })
            .collect(),
        groups: to_list(&groups.value, &mappings.value).groups,
    })
}

/// See `connection.status`.
///
/// # Errors
/// `retry` or `pause`.
pub fn status(host: &dyn Host) -> Result<Health, Stop> {
    let config = tenant::config(host)?.map(|config| config.value);
    let groups = tenant::groups(host)?.value;
    let mappings = tenant::mappings(host)?.value;
    let (members, grants) = count(host)?;
    let state = match &config {
        None => State::NotConnected,
        Some(Config { paused: Some(paused), .. }) => State::Paused(paused.clone().into()),
        Some(_) => State::Connected,
    };
    let broken =
        mappings.groups.iter().filter(|group| group.deleted).map(|group| mappings.group_ref(group.id));
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
        broken_mappings: broken.collect(),
    })
}

/// A key of another organization would make all that is remembered meaningless.
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
        // Found out anew: what was learnt from one odd answer does not last for ever.
        date_change: DateChange::default(),
        synced_at: before.and_then(|before| before.value.synced_at),
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

/// Members with an account, and groups held by them.
fn count(host: &dyn Host) -> Result<(u32, u32), Stop> {
    let (mut members, mut grants) = (0_u32, 0_u32);
    let mut after: Option<String> = None;
    loop {
        let entries = host.scan(MEMBERS, after.as_deref(), COUNT_PAGE).map_err(storage_error)?;
        for entry in &entries {
            // A damaged record is reported by the event that needs it; it does not hide the installation's health.
            let record: Record = json::from_slice(&entry.value).unwrap_or_default();
            members = members.saturating_add(u32::from(record.account.is_some()));
            let held =
                record.holds.iter().filter(|hold| matches!(hold.state, ledger::State::Held { .. })).count();
            grants = grants.saturating_add(u32::try_from(held).unwrap_or(u32::MAX));
        }
        match entries.last() {
            Some(last) if entries.len() as u64 >= u64::from(COUNT_PAGE) => after = Some(last.key.clone()),
            _ => return Ok((members, grants)),
        }
    }
}
