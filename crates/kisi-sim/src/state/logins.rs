//! Logins and their secrets. The secret of a removed login is not given out again.

use super::State;
use crate::event::EventType;
use crate::login::{DEVICE_LOGINS_MAX, Login, LoginType};

impl State {
    /// Adds a key with this secret, unless the secret is taken.
    pub(crate) fn add_key(&mut self, user_id: u64, secret: String) -> bool {
        let free = !self.secrets.contains_key(&secret);
        if free {
            self.keys_made += 1;
            let organization_id = self.users.get(user_id).map_or(0, |user| user.organization_id);
            let key = Login::key(organization_id, user_id, self.now_ms());
            self.insert_login(key, |_| secret);
        }
        free
    }

    /// Adds a key with a secret made from the user and a count.
    pub(crate) fn make_key(&mut self, user_id: u64) -> String {
        let mut count = self.keys_made;
        loop {
            count += 1;
            let secret = format!("sim-key-{user_id}-{count}");
            if self.add_key(user_id, secret.clone()) {
                return secret;
            }
        }
    }

    /// Adds a login, and returns its id and its secret. One device login too many removes the least recently used
    /// one.
    pub(crate) fn add_login(&mut self, login: Login) -> (u64, String) {
        let user_id = login.user_id;
        let (id, secret) = self.insert_login(login, |id| format!("sim-login-{user_id}-{id}"));
        let mut devices: Vec<(u64, u64)> = self
            .logins_of(user_id)
            .filter(|login| login.login_type == LoginType::Device && login.id != id)
            .map(|login| (login.used_at(), login.id))
            .collect();
        devices.sort_unstable();
        let too_many = (devices.len() + 1).saturating_sub(DEVICE_LOGINS_MAX);
        for (_, oldest) in devices.into_iter().take(too_many) {
            self.remove_login(oldest);
        }
        (id, secret)
    }

    fn insert_login(&mut self, login: Login, secret: impl FnOnce(u64) -> String) -> (u64, String) {
        let user_id = login.user_id;
        let id = self.logins.add(|id| Login { id, ..login });
        let mut secret = secret(id);
        // Only a secret given in a seed can be taken already.
        while self.secrets.contains_key(&secret) {
            secret.push('-');
        }
        if self.first_secret.is_empty() {
            self.first_secret.clone_from(&secret);
        }
        self.secrets.insert(secret.clone(), id);
        self.logins_by_user.insert(user_id, id);
        self.record(EventType::LoginCreate, id);
        (id, secret)
    }

    /// Removes a login: its secret stops working.
    pub(crate) fn remove_login(&mut self, id: u64) -> bool {
        self.record(EventType::LoginDestroy, id);
        let Some(login) = self.logins.remove(id) else { return false };
        self.logins_by_user.remove(login.user_id, id);
        true
    }

    /// The login with this secret, if it works.
    pub(crate) fn login(&self, secret: &str) -> Option<&Login> {
        self.working_login(*self.secrets.get(secret)?)
    }

    /// The login with this id, if it works.
    pub(crate) fn working_login(&self, id: u64) -> Option<&Login> {
        self.logins.get(id).filter(|login| login.works_at(self.now_ms()))
    }

    /// The working logins of a user, in the order of their creation.
    pub(crate) fn logins_of(&self, user_id: u64) -> impl Iterator<Item = &Login> {
        self.logins_by_user.ids(user_id).filter_map(|id| self.working_login(id))
    }

    /// Whether one of the user's devices is the primary one.
    pub(crate) fn has_primary_login(&self, user_id: u64) -> bool {
        self.logins_of(user_id).any(|login| login.primary)
    }

    /// Notes that a login was used.
    pub(crate) fn use_login(&mut self, id: u64) {
        let now_ms = self.now_ms();
        if let Some(login) = self.logins.get_mut(id) {
            login.last_used_at = Some(now_ms);
        }
    }

    /// Revokes a key. Returns whether it worked until now.
    pub(crate) fn revoke_key(&mut self, secret: &str) -> bool {
        self.login(secret).map(|login| login.id).is_some_and(|id| self.remove_login(id))
    }

    /// The secret of the first login, whether it still works or not.
    pub(crate) fn first_secret(&self) -> &str {
        &self.first_secret
    }

    /// The working secrets with their logins, in the order of their creation.
    pub(crate) fn working_secrets(&self) -> Vec<(&str, &Login)> {
        let mut found: Vec<(&str, &Login)> = self
            .secrets
            .iter()
            .filter_map(|(secret, id)| Some((secret.as_str(), self.working_login(*id)?)))
            .collect();
        found.sort_by_key(|(_, login)| login.id);
        found
    }
}
