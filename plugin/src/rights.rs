//! Checks by reading alone whether the key may do what the plugin needs.

use crate::contract::types::PauseCause;
use crate::kisi::Kisi;
use crate::kisi::endpoint::{Call, NoContent};
use crate::kisi::error::Error;
use crate::kisi::organization::{self, CurrentUser, Organization};
use crate::stop::{Stop, pause};

/// The organization roles that may do everything. The first is confirmed, the second inferred (I).
const ADMINISTRATORS: [&str; 2] = ["organization_administrator", "organization_owner"];

/// The key's owner and organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Its owner.
    pub owner: CurrentUser,
    /// Its organization.
    pub organization: Organization,
}

/// Verifies the key and its rights. Writes nothing.
///
/// # Errors
/// `pause` when the key is rejected or its owner is no administrator, `retry` when Kisi does not answer.
pub fn check(kisi: &Kisi) -> Result<Key, Stop> {
    let owner = match kisi.send(organization::current_user()) {
        // Every key may read its own user.
        Err(Error::Forbidden(answer)) => {
            let message = "Kisi does not let this key use its API. Ask Kisi whether API access is part of the \
                           organization's plan, then connect again.";
            return Err(pause(PauseCause::KeyWithoutRights, message, Some(*answer)));
        }
        owner => owner.map_err(Error::into_contract)?,
    };
    let organization = kisi.send(organization::current()).map_err(Error::into_contract)?;
    let roles = match kisi.assignments_of(owner.id) {
        Ok(roles) => roles,
        Err(Error::Forbidden(_)) => return Err(without_rights(&owner)),
        Err(error) => return Err(error.into_contract()),
    };
    let is_administrator = roles.iter().any(|role| {
        role.applies_to_type == "Organization" && ADMINISTRATORS.contains(&role.role_id.as_str())
    });
    if !is_administrator {
        // Whether an owner has a role assignment at all is unknown (?). A user who may not even list users certainly
        // has too few rights; otherwise the first refused write shows it. Only the status matters.
        match kisi.send(Call::<NoContent>::get("/users?limit=1&offset=0".to_string())) {
            Ok(NoContent) => {}
            Err(Error::Forbidden(_)) => return Err(without_rights(&owner)),
            Err(error) => return Err(error.into_contract()),
        }
    }
    Ok(Key { owner, organization })
}

fn without_rights(owner: &CurrentUser) -> Stop {
    let who = owner.email.as_deref().or(owner.name.as_deref()).unwrap_or("an unnamed user");
    pause(
        PauseCause::KeyWithoutRights,
        &format!(
            "The key belongs to {who}, who is not an administrator in Kisi. Connect with a key of the \
             organization's owner or an administrator."
        ),
        None,
    )
}
