//! The handle on one simulated Kisi.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State as Shared};
use axum::response::Response;
use serde::{Deserialize, Serialize};

use crate::clock::ClockMode;
use crate::control;
use crate::error::HandError;
use crate::event::Event;
use crate::faults::{Fault, FaultStatus};
use crate::hands::{self, Hand, HandOutcome};
use crate::hours::AccessHours;
use crate::journal::JournalEntry;
use crate::knobs::Knobs;
use crate::pipeline::{self, ApiRequest, REQUEST_BYTES_MAX};
use crate::records::Snapshot;
use crate::seed::{Seed, SeedError, plant};
use crate::state::State;

/// A handle on one simulated Kisi. Clones share it.
#[derive(Clone)]
pub struct Simulator {
    state: Arc<Mutex<State>>,
}

impl fmt::Debug for Simulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Simulator").field("now_ms", &self.now_ms()).finish_non_exhaustive()
    }
}

/// A key of the API, with its secret.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyInfo {
    /// What a client sends: `Authorization: KISI-LOGIN <secret>`.
    pub secret: String,
    /// The user it belongs to.
    pub user_id: u64,
    /// The organization of that user.
    pub organization_id: u64,
}

impl fmt::Debug for KeyInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyInfo")
            .field("user_id", &self.user_id)
            .field("organization_id", &self.organization_id)
            .finish_non_exhaustive()
    }
}

impl Simulator {
    /// A simulated Kisi on a virtual clock.
    ///
    /// # Errors
    /// When the seed can't be used.
    pub fn new(seed: Seed) -> Result<Simulator, SeedError> {
        Simulator::with_clock(seed, ClockMode::Virtual)
    }

    /// A simulated Kisi on a clock of this mode.
    ///
    /// # Errors
    /// When the seed can't be used.
    pub fn with_clock(seed: Seed, mode: ClockMode) -> Result<Simulator, SeedError> {
        Ok(Simulator { state: Arc::new(Mutex::new(plant(&seed, mode)?)) })
    }

    /// Starts over from another seed. All state is replaced, journal and faults included; the mode of the clock
    /// stays.
    ///
    /// # Errors
    /// When the seed can't be used; then nothing changes.
    pub fn reseed(&self, seed: &Seed) -> Result<(), SeedError> {
        let mut state = self.lock();
        *state = plant(seed, state.clock.mode())?;
        Ok(())
    }

    /// The Kisi API, and the control surface under `/_sim`.
    pub fn router(&self) -> Router {
        Router::new().nest("/_sim", control::router()).fallback(answer).with_state(self.clone())
    }

    /// The secret of the seed's first key, whether it still works or not.
    pub fn key(&self) -> String {
        self.lock().first_secret().to_owned()
    }

    /// All keys and device logins that still work, those of the seed first.
    pub fn keys(&self) -> Vec<KeyInfo> {
        let state = self.lock();
        state
            .working_secrets()
            .into_iter()
            .map(|(secret, login)| KeyInfo {
                secret: secret.to_owned(),
                user_id: login.user_id,
                organization_id: login.organization_id,
            })
            .collect()
    }

    /// The simulator's time, in milliseconds since the Unix epoch.
    pub fn now_ms(&self) -> u64 {
        self.lock().now_ms()
    }

    /// Sets the clock, forward or back.
    pub fn set_now_ms(&self, ms: u64) {
        self.lock().clock.set_now_ms(ms);
    }

    /// Moves the clock forward.
    pub fn advance(&self, by: Duration) {
        self.lock().clock.advance_ms(u64::try_from(by.as_millis()).unwrap_or(u64::MAX));
    }

    /// Replaces the knobs.
    pub fn set_knobs(&self, knobs: Knobs) {
        self.lock().knobs = knobs;
    }

    /// The knobs as they are.
    pub fn knobs(&self) -> Knobs {
        self.lock().knobs.clone()
    }

    /// Adds a fault, after the existing ones.
    pub fn add_fault(&self, fault: Fault) {
        self.lock().faults.push(FaultStatus::new(fault));
    }

    /// The faults, and how often each has fired.
    pub fn faults(&self) -> Vec<FaultStatus> {
        self.lock().faults.clone()
    }

    /// Removes all faults.
    pub fn clear_faults(&self) {
        self.lock().faults.clear();
    }

    /// All API requests, oldest first.
    pub fn journal(&self) -> Vec<JournalEntry> {
        self.lock().journal.entries()
    }

    /// Clears the journal.
    pub fn clear_journal(&self) {
        self.lock().journal.clear();
    }

    /// The latest 200,000 events, oldest first.
    pub fn events(&self) -> Vec<Event> {
        self.lock().events.all()
    }

    /// All records, but not the events.
    pub fn state(&self) -> Snapshot {
        self.lock().snapshot()
    }

    /// Makes a change as staff does in Kisi's web page. The methods below are short forms of this one.
    ///
    /// # Errors
    /// When a field names a record that does not exist, or has a value that can't be used.
    pub fn hand(&self, hand: Hand) -> Result<HandOutcome, HandError> {
        hands::act(&mut self.lock(), hand)
    }

    /// Creates a group in the first organization.
    pub fn add_group(&self, name: &str) -> u64 {
        self.created(Hand::AddGroup {
            name: name.to_owned(),
            organization_id: None,
            place_id: None,
            lock_ids: Vec::new(),
        })
    }

    /// Deletes a group with its role assignments. Returns whether it existed.
    pub fn delete_group(&self, id: u64) -> bool {
        self.hand(Hand::DeleteGroup { id }).is_ok()
    }

    /// Turns app access of a group on or off. Returns whether the group exists.
    pub fn set_group_login_enabled(&self, id: u64, enabled: bool) -> bool {
        self.hand(Hand::SetGroupLoginEnabled { id, enabled }).is_ok()
    }

    /// Creates a user in the first organization. Returns the existing user if the e-mail address is taken, and 0,
    /// which is no id, if it is no e-mail address.
    pub fn add_user(&self, name: &str, email: &str) -> u64 {
        let taken = {
            let state = self.lock();
            state.user_by_email(state.first_organization_id(), email)
        };
        taken.unwrap_or_else(|| {
            self.created(Hand::AddUser {
                name: name.to_owned(),
                email: email.to_owned(),
                organization_id: None,
            })
        })
    }

    /// Deletes a user with its role assignments and keys. Returns whether it existed.
    pub fn delete_user(&self, id: u64) -> bool {
        self.hand(Hand::DeleteUser { id }).is_ok()
    }

    /// Suspends a user, or ends the suspension. Returns whether the user exists.
    pub fn set_user_access_enabled(&self, id: u64, enabled: bool) -> bool {
        self.hand(Hand::SetUserAccessEnabled { id, enabled }).is_ok()
    }

    /// Restricts a group to access hours, or ends the restriction. Returns whether the group exists.
    pub fn set_group_access_hours(&self, id: u64, hours: Option<AccessHours>) -> bool {
        self.hand(Hand::SetGroupAccessHours { id, hours }).is_ok()
    }

    /// Connects a door, or takes it offline. Returns whether the door exists.
    pub fn set_lock_online(&self, id: u64, online: bool) -> bool {
        self.hand(Hand::SetLockOnline { id, online }).is_ok()
    }

    /// Locks a door down for all users, or ends the lockdown. Returns whether the door exists.
    pub fn set_lock_locked_down(&self, id: u64, locked_down: bool) -> bool {
        self.hand(Hand::SetLockLockedDown { id, locked_down }).is_ok()
    }

    /// Locks all doors of a place down for all users, or ends the lockdown. Returns whether the place exists.
    pub fn set_place_locked_down(&self, id: u64, locked_down: bool) -> bool {
        self.hand(Hand::SetPlaceLockedDown { id, locked_down }).is_ok()
    }

    /// Gives a user a role in a group, without dates. Returns 0, which is no id, if there is no such user, group or
    /// role; the error of [`Simulator::hand`] names it.
    pub fn assign(&self, user: u64, group: u64, role: &str) -> u64 {
        self.created(Hand::Assign {
            user_id: user,
            group_id: group,
            role: role.to_owned(),
            valid_from: None,
            valid_until: None,
        })
    }

    /// Deletes a role assignment. Returns whether it existed.
    pub fn unassign(&self, id: u64) -> bool {
        self.hand(Hand::Unassign { id }).is_ok()
    }

    /// Creates a key for a user and returns its secret; empty if there is no such user.
    pub fn add_key(&self, user: u64) -> String {
        self.hand(Hand::AddKey { user_id: user }).ok().and_then(|outcome| outcome.secret).unwrap_or_default()
    }

    /// Revokes a key. Returns whether it worked until now.
    pub fn revoke_key(&self, secret: &str) -> bool {
        self.hand(Hand::RevokeKey { secret: secret.to_owned() }).is_ok()
    }

    fn created(&self, hand: Hand) -> u64 {
        self.hand(hand).ok().and_then(|outcome| outcome.id).unwrap_or_default()
    }

    /// No request leaves the state half changed, so the state is usable after a panic in a test.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Answers every path outside `/_sim` as Kisi would.
async fn answer(Shared(simulator): Shared<Simulator>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, REQUEST_BYTES_MAX).await.ok();
    let request = ApiRequest { method: parts.method, uri: parts.uri, headers: parts.headers, body };
    pipeline::answer(&mut simulator.lock(), &request)
}
