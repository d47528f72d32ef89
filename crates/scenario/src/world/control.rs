//! A simulator's control surface under `/_sim`, in this process or at an address.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use http::{Method, StatusCode};
use kisi_sim::{
    Fault, Hand, HandOutcome, KeyInfo, OrganizationRole, Seed, SeedKey, SeedOrganization, SeedUser, Snapshot,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::key::Key;
use super::request::Server;
use crate::unusable::Unusable;
use door_access_host::Clock;

/// A simulator's control surface.
#[derive(Clone)]
pub(crate) struct Control {
    server: Server,
}

/// The owner of a key.
pub(super) struct Owner {
    user: kisi_sim::User,
    /// The role in the organization.
    role: OrganizationRole,
}

impl Control {
    /// The control surface of the simulator that answers as `server`.
    pub(super) fn new(server: Server) -> Control {
        Control { server }
    }

    /// Whether `server` is a simulator.
    pub(super) async fn is_offered_by(server: &Server) -> Result<bool, Unusable> {
        let (status, answer) = server.send(Method::GET, "/_sim", None, None).await?;
        Ok(status == StatusCode::OK && answer.get("control").is_some())
    }

    /// The whole state.
    pub(super) async fn state(&self) -> Result<Snapshot, Unusable> {
        self.ask("/_sim/state").await
    }

    /// Replaces the state. The given key stays valid for its owner.
    pub(super) async fn seed(&self, seed: &Seed, key: &Key, owner: Owner) -> Result<(), Unusable> {
        let mut seed = seed.clone();
        if seed.organizations.is_empty() {
            seed.organizations.push(SeedOrganization::default());
        }
        if let Some(organization) = seed.organizations.first_mut() {
            keep_key(organization, key, owner);
        }
        let seed = serde_json::to_value(&seed).map_err(|error| Unusable::new(error.to_string()))?;
        self.send(Method::POST, "/_sim/seed", &seed).await.map(drop)
    }

    /// Makes later requests fail.
    pub(super) async fn fault(&self, fault: &Fault) -> Result<(), Unusable> {
        self.send(Method::POST, "/_sim/faults", fault).await.map(drop)
    }

    /// Does what staff does in Kisi's web page.
    pub(super) async fn hand(&self, hand: &Hand) -> Result<HandOutcome, Unusable> {
        read("/_sim/hands", self.send(Method::POST, "/_sim/hands", hand).await?)
    }

    /// Sets the clock.
    pub(super) async fn set_time(&self, now_ms: u64) -> Result<(), Unusable> {
        self.send(Method::PUT, "/_sim/clock", &json!({ "now_ms": now_ms })).await.map(drop)
    }

    /// The owner of the key.
    ///
    /// # Errors
    /// When the simulator does not know the key: then the address may be the wrong one.
    pub(super) async fn owner_of(&self, key: &Key) -> Result<Owner, Unusable> {
        let unknown = || {
            Unusable::new(
                "the simulator does not know the key in --key-file, so nothing was replaced there: give one of those \
                 that it printed when it started",
            )
        };
        let keys: Vec<KeyInfo> = self.ask("/_sim/keys").await?;
        let info = keys.into_iter().find(|info| info.secret == key.expose());
        let info = info.ok_or_else(unknown)?;
        let state = self.state().await?;
        let has = |role: OrganizationRole| {
            state.role_assignments_of(info.user_id).any(|held| Some(held.role_id.as_str()) == role.role_id())
        };
        let role =
            [OrganizationRole::Owner, OrganizationRole::Administrator].into_iter().find(|role| has(*role));
        let user = state.users.iter().find(|user| user.id == info.user_id).cloned();
        let user = user.ok_or_else(unknown)?;
        Ok(Owner { user, role: role.unwrap_or_default() })
    }

    async fn ask<T: DeserializeOwned>(&self, path: &str) -> Result<T, Unusable> {
        let (_, answer) = self.server.send(Method::GET, path, None, None).await?;
        read(path, answer)
    }

    async fn send(&self, method: Method, path: &str, body: &impl Serialize) -> Result<Value, Unusable> {
        let body = serde_json::to_value(body).map_err(|error| Unusable::new(error.to_string()))?;
        let (status, answer) = self.server.send(method, path, None, Some(&body)).await?;
        if status.is_success() {
            return Ok(answer);
        }
        let why = answer.get("error").and_then(Value::as_str).unwrap_or("it does not say why");
        Err(Unusable::new(format!("the simulator refuses {path} with status {}: {why}", status.as_u16())))
    }
}

fn read<T: DeserializeOwned>(path: &str, answer: Value) -> Result<T, Unusable> {
    let read = serde_json::from_value(answer);
    read.map_err(|error| {
        Unusable::new(format!("the simulator's answer to {path} is not understood: {error}"))
    })
}

/// Adds the key and its owner to a seed.
fn keep_key(organization: &mut SeedOrganization, key: &Key, owner: Owner) {
    let Owner { user, role } = owner;
    if organization.users.iter().all(|known| known.email.to_lowercase() != user.email.to_lowercase()) {
        organization.users.push(SeedUser {
            name: user.name,
            email: user.email.clone(),
            role,
            access_enabled: true,
            notes: None,
            metadata: serde_json::Map::new(),
        });
    }
    // A key without a secret is dropped: the secret that the simulator generates could be this one.
    organization.keys.retain(|known| known.secret.as_deref().is_some_and(|secret| secret != key.expose()));
    organization.keys.push(SeedKey { user: Some(user.email), secret: Some(key.expose().to_owned()) });
}

/// A clock that advances the simulator's clock as well, so that waiting takes no real time.
pub(super) struct SimulatedClock {
    now_ms: AtomicU64,
    control: Control,
}

impl SimulatedClock {
    /// A clock at `now_ms`, which must be the simulator's time too.
    pub(super) fn new(now_ms: u64, control: Control) -> SimulatedClock {
        SimulatedClock { now_ms: AtomicU64::new(now_ms), control }
    }
}

#[async_trait]
impl Clock for SimulatedClock {
    fn now_ms(&self) -> u64 {
        self.now_ms.load(Ordering::SeqCst)
    }

    async fn sleep(&self, duration: Duration) {
        let by_ms = u64::try_from(duration.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX);
        self.now_ms.fetch_add(by_ms, Ordering::SeqCst);
        // If the simulator is gone, the next request fails.
        drop(self.control.send(Method::PUT, "/_sim/clock", &json!({ "advance_ms": by_ms })).await);
    }
}
