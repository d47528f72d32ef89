//! The Kisi that a scenario is played against, behind one face: the simulator in this process, a simulator at an
//! address, or any other address that answers like Kisi.

mod control;
mod hands;

mod key;
mod live;
mod open;
mod picture;
mod request;
mod router;

use std::sync::Arc;
use std::time::Duration;

use crate::file::{Hand, Key as KeyChoice};
use crate::unusable::{Unusable, unusable};
use door_access_host::{ApprovedOrigin, Clock, Endpoint, Origin, Pace, Transport};

pub(crate) use control::Control;
pub use key::Key;
pub(crate) use live::Live;
pub use open::{address, endpoint, in_process};
pub use picture::{Held, Picture};
pub use router::{Routed, RouterTransport, call_router};

/// A key in the right form that no Kisi ever gave out.
const WRONG_KEY: &str = "wrong-key-wrong-key-wrong-key";

/// What a scenario is played against.
pub struct World {
    /// In words, for the report.
    pub name: String,
    /// What carries the plugin's requests.
    pub transport: Arc<dyn Transport>,
    /// Where the plugin's requests go; `None` for the origin that its manifest names.
    pub endpoint: Option<Endpoint>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// The budget of requests.
    pub pace: Arc<Pace>,
    /// The gym's key.
    pub key: Key,
    /// What else can be done there.
    pub(crate) kisi: Kisi,
}

/// What can be done at a Kisi beside its API.
pub(crate) enum Kisi {
    /// Everything: it is a simulator.
    Simulated(Control),
    /// Nothing: what is known of it is read through the API.
    Live(Live),
}

impl World {
    /// The origin as the installer approves it.
    pub fn approve(&self, origin: &Origin) -> ApprovedOrigin {
        match &self.endpoint {
            Some(endpoint) => ApprovedOrigin::routed(origin.clone(), endpoint.clone()),
            None => ApprovedOrigin::direct(origin.clone()),
        }
    }

    /// Who is in which group.
    pub async fn picture(&self) -> Result<Picture, Unusable> {
        match &self.kisi {
            Kisi::Simulated(control) => Ok(Picture::of(&control.state().await?)),
            Kisi::Live(live) => live.picture(&self.key).await,
        }
    }

    /// Lets time pass.
    pub async fn advance(&self, ms: u64) -> Result<(), Unusable> {
        self.control("lets time pass")?;
        self.clock.sleep(Duration::from_millis(ms)).await;
        Ok(())
    }

    /// Makes something go wrong.
    pub async fn fault(&self, fault: &kisi_sim::Fault) -> Result<(), Unusable> {
        self.control("injects a fault")?.fault(fault).await
    }

    /// Does what staff does in Kisi's web page.
    pub(crate) async fn hand(&self, hand: &Hand) -> Result<(), Unusable> {
        let control = self.control("does by hand what staff does in Kisi")?;
        let hand = hands::at(&control.state().await?, hand, &self.key)?;
        control.hand(&hand).await.map(drop)
    }

    /// The id of the door of this name.
    pub async fn door(&self, name: &str) -> Result<String, Unusable> {
        let state = self.control("opens a door")?.state().await?;
        hands::door(&state, name).map(|id| id.to_string())
    }

    /// Changes the key that the gym gives.
    pub(crate) async fn change_key(&mut self, choice: KeyChoice, of: Option<&str>) -> Result<(), Unusable> {
        let user = match (choice, of) {
            (KeyChoice::Same, None) => return Ok(()),
            (KeyChoice::Wrong, _) => {
                self.key = Key::new(WRONG_KEY)?;
                return Ok(());
            }
            (KeyChoice::Same | KeyChoice::New, of) => {
                let control = self.control("makes a new key")?;
                hands::user(&control.state().await?, of)?
            }
        };
        let made = self.control("makes a new key")?.hand(&kisi_sim::Hand::AddKey { user_id: user }).await?;
        self.key = Key::new(&made.secret.unwrap_or_default())?;
        Ok(())
    }

    fn control(&self, what: &str) -> Result<&Control, Unusable> {
        match &self.kisi {
            Kisi::Simulated(control) => Ok(control),
            Kisi::Live(_) => unusable(format!("the scenario {what}, which only a simulator can play")),
        }
    }
}
