//! Logins: the credentials of users, which are keys of the API and signed-in devices.

use serde::{Deserialize, Serialize};

use crate::clock::{optional_timestamp, timestamp};

/// The device logins that a user may have; one more removes the least recently used one. Documented.
pub(crate) const DEVICE_LOGINS_MAX: usize = 40;
/// The API logins that a user may have; one more is refused. Documented.
pub(crate) const API_LOGINS_MAX: usize = 10;

/// How long an unused device stays signed in, in seconds: Kisi's default of two weeks.
pub(crate) const DEVICE_LOGINS_EXPIRE_AFTER_S: u64 = 1_209_600;
/// The same for an API login: "six months of inactivity", which older pages call 14 days.
const API_LOGINS_EXPIRE_AFTER_S: u64 = 183 * 24 * 60 * 60;

/// The purpose of a login.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LoginType {
    /// A key of the API, for a program.
    Api,
    /// A phone or browser that is signed in.
    Device,
}

/// A login of a user. Only [`crate::Simulator::keys`] shows its secret.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Login {
    /// Its id.
    pub id: u64,
    /// The organization of its user.
    pub organization_id: u64,
    /// Its user, the actor of its requests.
    pub user_id: u64,
    /// Its purpose.
    #[serde(rename = "type")]
    pub login_type: LoginType,
    /// Its name.
    pub name: Option<String>,
    /// The brand of the device.
    pub device_brand: Option<String>,
    /// The model of the device.
    pub device_model: Option<String>,
    /// The device's operating system.
    pub os_name: Option<String>,
    /// Whether it is the primary device of its user.
    pub primary: bool,
    /// Whether it expires after long disuse.
    pub expire: bool,
    /// When it was last used.
    #[serde(with = "optional_timestamp", default)]
    pub last_used_at: Option<u64>,
    /// When it was created.
    #[serde(with = "timestamp")]
    pub created_at: u64,
}

impl Login {
    /// A key of a seed or of staff. It never expires, because a test may move the clock by years.
    pub(crate) fn key(organization_id: u64, user_id: u64, now_ms: u64) -> Login {
        Login {
            id: 0,
            organization_id,
            user_id,
            login_type: LoginType::Api,
            name: None,
            device_brand: None,
            device_model: None,
            os_name: None,
            primary: false,
            expire: false,
            last_used_at: None,
            created_at: now_ms,
        }
    }

    /// When it was last used; if it never was, when it was created. Kisi counts the same way.
    pub(crate) fn used_at(&self) -> u64 {
        self.last_used_at.unwrap_or(self.created_at)
    }

    /// Whether it still works.
    pub(crate) fn works_at(&self, now_ms: u64) -> bool {
        let lasts_s = match self.login_type {
            LoginType::Api => API_LOGINS_EXPIRE_AFTER_S,
            LoginType::Device => DEVICE_LOGINS_EXPIRE_AFTER_S,
        };
        !self.expire || now_ms.saturating_sub(self.used_at()) < lasts_s * 1000
    }
}
