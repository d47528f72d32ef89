//! Removes an installation.

use crate::contract::connection::{Departed, Departure};
use crate::depart;
use crate::host::Host;
use crate::kisi::Budget;
use crate::stop::{Stop, is_damage};
use crate::storage;
use crate::sync::{CALLS_MAX, CALLS_MIN};
use crate::tenant;

/// See `connection.disconnect`.
pub fn disconnect(
    host: &dyn Host,
    what: Departure,
    after: Option<&str>,
    calls: u32,
) -> Result<Departed, Stop> {
    let config = match tenant::stored_config(host) {
        // A damaged config does not prevent leaving without requests to Kisi.
        Err(stop) if what == Departure::Leave && is_damage(&stop) => None,
        config => match (config?, after) {
            (Some(config), _) => Some(config),
            // The last step may be repeated.
            (None, Some(_)) => return Ok(Departed { people: Vec::new(), finished: true }),
            (None, None) => return Err(tenant::not_connected()),
        },
    };
    let integration = config.as_ref().map(|config| config.value.settings.integration.clone());
    if let Some(mut config) = config.filter(|config| !config.value.leaving) {
        config.value.leaving = true;
        storage::commit(host, vec![config.write(), tenant::without_job()])?;
    }
    let budget = Budget::of(calls.clamp(CALLS_MIN, CALLS_MAX));
    depart::step(host, integration.as_ref().filter(|_| what == Departure::RemoveGranted), after, &budget)
}
