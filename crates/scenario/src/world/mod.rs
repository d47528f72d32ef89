//! The Kisi that a scenario is played against: a simulator in this process, a simulator at an address, or any other
//! address that answers like Kisi. Both kinds of simulator are driven in the same way, through `control`.

mod control;
mod hands;
mod key;
mod live;
mod open;
mod request;
mod roster;
mod router;

use std::sync::Arc;
use std::time::Duration;

use crate::file::{Hand, KeyChoice};
use crate::unusable::{Unusable, unusable};
use door_access_host::{ApprovedOrigin, Clock, Endpoint, Origin, Pace, Transport};

use control::Control;
pub use key::Key;
use live::Live;
pub use open::{address, endpoint, in_process};
pub(crate) use roster::{Assignment, Roster};
pub use router::RouterTransport;

/// A well-formed key that no Kisi knows.
const WRONG_KEY: &str = "wrong-key-wrong-key-wrong-key";

/// What a scenario is played against.
pub struct World {
    /// Its name in the report.
    pub name: String,
    /// Carries the plugin's requests.
    pub transport: Arc<dyn Transport>,
    /// Where the plugin's requests go.
    pub endpoint: Endpoint,
    /// The time there.
    pub clock: Arc<dyn Clock>,
    /// Paces the plugin's requests.
    pub pace: Arc<Pace>,
    /// The gym's key.
    pub key: Key,
    pub(crate) kisi: Kisi,
}

/// How this crate reads and changes a Kisi.
pub(crate) enum Kisi {
    /// A simulator: through its control surface.
    Simulated(Control),
    /// Any other: through the API.
    Live(Live),
}

impl World {
    /// The approval of a plugin's origin for this world.
    pub fn approve(&self, origin: &Origin) -> ApprovedOrigin {
        ApprovedOrigin::routed(origin.clone(), self.endpoint.clone())
    }

    /// Who is in which group now.
    ///
    /// # Errors
    /// When Kisi does not answer.
    pub(crate) async fn roster(&self) -> Result<Roster, Unusable> {
        match &self.kisi {
            Kisi::Simulated(control) => Ok(Roster::of(&control.state().await?)),
            Kisi::Live(live) => live.roster(&self.key).await,
        }
    }

    pub(crate) fn is_simulated(&self) -> bool {
        matches!(self.kisi, Kisi::Simulated(_))
    }

    /// Lets time pass.
    pub(crate) async fn advance(&self, ms: u64) -> Result<(), Unusable> {
        self.control("lets time pass")?;
        self.clock.sleep(Duration::from_millis(ms)).await;
        Ok(())
    }

    /// Makes later requests fail.
    pub(crate) async fn fault(&self, fault: &kisi_sim::Fault) -> Result<(), Unusable> {
        self.control("injects a fault")?.fault(fault).await
    }

    /// Does what staff does in Kisi's web page.
    pub(crate) async fn hand(&self, hand: &Hand) -> Result<(), Unusable> {
        let control = self.control("does by hand what staff does in Kisi")?;
        let hand = hands::resolve(&control.state().await?, hand, &self.key)?;
        control.hand(&hand).await.map(drop)
    }

    /// The id of the door with this name.
    pub(crate) async fn door(&self, name: &str) -> Result<String, Unusable> {
        let state = self.control("opens a door")?.state().await?;
        hands::door(&state, name).map(|id| id.to_string())
    }

    /// Changes the key that the gym connects with.
    pub(crate) async fn change_key(&mut self, choice: KeyChoice, of: Option<&str>) -> Result<(), Unusable> {
        self.key = match (choice, of) {
            (KeyChoice::Same, None) => return Ok(()),
            (KeyChoice::Wrong, _) => Key::new(WRONG_KEY)?,
            (KeyChoice::Same | KeyChoice::New, of) => {
                let control = self.control("makes a new key")?;
                let state = control.state().await?;
                let user_id = of.map_or_else(|| hands::owner(&state), |email| hands::user(&state, email))?;
                let made = control.hand(&kisi_sim::Hand::AddKey { user_id }).await?;
                Key::new(&made.secret.unwrap_or_default())?
            }
        };
        Ok(())
    }

    fn control(&self, what: &str) -> Result<&Control, Unusable> {
        match &self.kisi {
            Kisi::Simulated(control) => Ok(control),
            Kisi::Live(_) => unusable(format!("the scenario {what}, which only a simulator can play")),
        }
    }
}
