//! Opening a world for a scenario, and the rules for what may be seeded where.

use std::sync::Arc;

use super::control::{Control, SimulatedClock};
use super::key::Key;
use super::live::Live;
use super::request::Server;
use super::router::RouterTransport;
use super::{Kisi, World};
use crate::file::Scenario;
use crate::unusable::Unusable;
use door_access_host::{
    Clock, Endpoint, HttpsClient, HttpsClientConfig, Pace, PaceConfig, SystemClock, Transport,
};

/// The address of the simulator in this process. Nothing listens there.
const IN_PROCESS: &str = "http://127.0.0.1";
/// A fixed seed for the jitter in pauses, so that a scenario plays the same every time.
const JITTER_SEED: u64 = 1;

/// A simulator in this process, seeded by the scenario.
///
/// # Errors
/// When the scenario's seed cannot be planted.
pub fn in_process(scenario: &Scenario) -> Result<World, Unusable> {
    let mut seed = scenario.seed.clone().unwrap_or_default();
    seed.start_time = Some(scenario.start_ms);
    let simulator = kisi_sim::Simulator::new(seed).map_err(|error| Unusable::new(error.to_string()))?;
    let key = Key::new(&simulator.key())?;
    let endpoint: Endpoint = IN_PROCESS.parse().map_err(|error| Unusable::new(format!("{error}")))?;
    // The control surface answers without delay, so its transport's clock never moves.
    let still: Arc<dyn Clock> = Arc::new(door_access_host::VirtualClock::new(scenario.start_ms));
    let surface = RouterTransport::new(simulator.router(), still);
    let control = Control::new(Server::new(Arc::new(surface), endpoint.clone()));
    let clock: Arc<dyn Clock> = Arc::new(SimulatedClock::new(scenario.start_ms, control.clone()));
    let transport = RouterTransport::new(simulator.router(), Arc::clone(&clock));
    Ok(World {
        name: "a simulator in this process".to_owned(),
        transport: Arc::new(transport),
        endpoint,
        clock,
        pace: pace(),
        key,
        kisi: Kisi::Simulated(control),
    })
}

/// Parses the address given with `--kisi`.
///
/// # Errors
/// When it is no address of an HTTP server, or none that requests may go to.
pub fn endpoint(address: &str) -> Result<Endpoint, Unusable> {
    address.parse().map_err(|error| Unusable::new(format!("--kisi {address}: {error}")))
}

/// The Kisi at an address. Nothing is changed there unless seeding is allowed: then a simulator loses its state, and any
/// other Kisi gets the groups and people that are missing.
///
/// # Errors
/// When the scenario needs more than is allowed or possible there, or when nothing answers.
pub async fn address(
    scenario: &Scenario,
    endpoint: Endpoint,
    key: Key,
    allow_seeding: bool,
) -> Result<World, Unusable> {
    if !allow_seeding {
        refuse_seeding(scenario)?;
    }
    let client =
        HttpsClient::new(&HttpsClientConfig::default()).map_err(|error| Unusable::new(error.to_string()))?;
    let transport: Arc<dyn Transport> = Arc::new(client);
    let server = Server::new(Arc::clone(&transport), endpoint.clone());
    let pace = pace();
    if allow_seeding && Control::is_offered_by(&server).await? {
        let control = Control::new(server);
        let owner = control.owner_of(&key).await?;
        if let Some(seed) = &scenario.seed {
            control.seed(seed, &key, owner).await?;
        }
        control.set_time(scenario.start_ms).await?;
        let clock = Arc::new(SimulatedClock::new(scenario.start_ms, control.clone()));
        let (name, kisi) = (format!("the simulator at {endpoint}"), Kisi::Simulated(control));
        return Ok(World { name, transport, endpoint, clock, pace, key, kisi });
    }
    if let Some((what, place)) = scenario.needs_simulator() {
        let message = format!("the scenario {what}, which only a simulator can play, and {endpoint} is none");
        return Err(Unusable::new(message).at(place));
    }
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let live = Live::new(server, Arc::clone(&clock), Arc::clone(&pace));
    if let Some(seed) = &scenario.seed {
        live.seed(seed, &key).await?;
    }
    let name = format!("Kisi at {endpoint}");
    Ok(World { name, transport, endpoint, clock, pace, key, kisi: Kisi::Live(live) })
}

/// Refuses a scenario that changes Kisi in other ways than through the plugin.
fn refuse_seeding(scenario: &Scenario) -> Result<(), Unusable> {
    let advice = "leave --kisi out to play it against a simulator in this process, or add --allow-seeding: then a simulator \
                  at that address loses all that it holds, its settings and its time included, and any other Kisi gets \
                  the groups and people that are missing";
    let seeds =
        scenario.seeds_at.as_ref().map(|place| ("puts groups and people into Kisi before it begins", place));
    match seeds.or_else(|| scenario.needs_simulator()) {
        Some((what, place)) => Err(Unusable::new(format!("the scenario {what}: {advice}")).at(place)),
        None => Ok(()),
    }
}

fn pace() -> Arc<Pace> {
    Arc::new(Pace::new(PaceConfig { jitter_seed: JITTER_SEED, ..PaceConfig::default() }))
}
