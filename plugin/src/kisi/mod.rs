//! The client of the Kisi API: typed requests and answers, page integrity, the API's error forms.
//!
//! An endpoint is a value (`endpoint::Call`) made by the resource's file; one function here sends it. Facts about Kisi come
//! from its OpenAPI document and guides. Where they decide something they are marked: (C) confirmed by a source, (I)
//! inferred, (?) not found. The simulator has a knob where it matters.

pub mod endpoint;
pub mod error;
pub mod groups;
pub mod locks;
pub mod logins;
pub mod organization;
pub mod page;
pub mod role_assignments;
pub mod time;
pub mod users;

use std::cell::Cell;

use crate::host::{Host, SendError};
use crate::settings::Integration;
use endpoint::{Answer, Call, Request};
use error::Error;

/// The origin of all requests. The host may route it elsewhere, to a simulator for example; the plugin cannot.
pub const ORIGIN: &str = "https://api.kisi.io";

/// How many more requests a call may send.
#[derive(Debug)]
pub struct Budget {
    left: Cell<u32>,
    spent: Cell<u32>,
    is_exhausted: Cell<bool>,
}

impl Budget {
    /// A budget of `calls` requests.
    pub fn of(calls: u32) -> Budget {
        Budget { left: Cell::new(calls), spent: Cell::new(0), is_exhausted: Cell::new(false) }
    }

    /// Limited only by the host.
    pub fn unlimited() -> Budget {
        Budget::of(u32::MAX)
    }

    /// How many requests are left.
    pub fn left(&self) -> u32 {
        self.left.get()
    }

    /// How many requests were sent since the last call of this function.
    pub fn take_spent(&self) -> u32 {
        self.spent.take()
    }

    /// Whether a request was not sent because the budget was used up.
    pub fn is_exhausted(&self) -> bool {
        self.is_exhausted.get()
    }

    fn want(&self, calls: u32) -> Result<(), Error> {
        if self.left.get() < calls {
            self.is_exhausted.set(true);
            return Err(Error::Send(SendError::NotSent("the requests of this step are used up".to_string())));
        }
        Ok(())
    }

    fn spend(&self) -> Result<(), Error> {
        self.want(1)?;
        self.left.set(self.left.get() - 1);
        self.spent.set(self.spent.get() + 1);
        Ok(())
    }
}

/// The client, which sends through the host.
#[derive(Clone, Copy)]
pub struct Kisi<'a> {
    host: &'a dyn Host,
    integration: &'a Integration,
    budget: &'a Budget,
}

impl<'a> Kisi<'a> {
    /// A client that identifies itself as `integration` and sends at most what `budget` allows.
    pub fn new(host: &'a dyn Host, integration: &'a Integration, budget: &'a Budget) -> Kisi<'a> {
        Kisi { host, integration, budget }
    }

    /// Checks that `calls` more requests are left, before work that must not stop half-way.
    ///
    /// # Errors
    /// When fewer are left: the next step continues.
    pub fn want(&self, calls: u32) -> Result<(), Error> {
        self.budget.want(calls)
    }

    /// Sends one call and reads its answer.
    ///
    /// # Errors
    /// When the answer is not the one that was asked for; see [`Error`].
    pub fn send<T: Answer>(&self, call: Call<T>) -> Result<T, Error> {
        let response = self.exchange(call.method, &call.path, call.body)?;
        T::read(&response.body).map_err(|error| Error::unrecognized(response.status, &error.to_string()))
    }

    fn exchange(
        &self,
        method: endpoint::Method,
        path: &str,
        body: Option<Vec<u8>>,
    ) -> Result<endpoint::Response, Error> {
        let request = Request {
            method,
            path: path.to_string(),
            headers: vec![
                ("accept", "application/json".to_string()),
                // "Integration partners are required to include" both (C, Kisi's guide on headers).
                ("x-kisi-integration-identifier", self.integration.identifier.clone()),
                ("x-kisi-integration-contact", self.integration.contact.clone()),
            ],
            body,
        };
        self.budget.spend()?;
        let response = self.host.send(&request)?;
        if (200..300).contains(&response.status) { Ok(response) } else { Err(Error::from_answer(&response)) }
    }
}
