//! The gyms' keys at rest: sealed, so that a copied folder, database or backup opens no door.
//!
//! A platform keeps a [`Sealed`] text wherever it keeps its data, and the [`SealingKey`] elsewhere: in the environment
//! or a file of the process alone. The cipher (ChaCha20-Poly1305), the derivation of its key (HKDF with SHA-256) and
//! the random numbers are those of `ring`, which the host's TLS uses, too; nothing of that is made here.
//!
//! The tenant is part of what is authenticated: a sealed key that is moved to another tenant does not open there.
//! A sealing key is replaced in any number of steps, each of which may be the last: a [`Vault`] seals with one key and
//! opens with others, too.
//!
//! ```
//! use door_access_host::{Sealed, SealingKey, Secret, Vault};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let old = SealingKey::parse("5f0c2d9be1a84763f0e1d2c3b4a5968778695a4b3c2d1e0f1122334455667788")?;
//! let kept = Vault::new(old.clone()).seal("north-gym", &Secret::new("the-gym-s-key")?)?.to_string();
//!
//! // Later, with a new sealing key: both open, everything is sealed anew, then the old one is given up.
//! let vault = Vault::new(SealingKey::generate()?).with_former(old);
//! let sealed: Sealed = kept.parse()?;
//! if let Some(sealed) = vault.reseal("north-gym", &sealed)? {
//!     println!("keep this instead: {sealed}");
//! }
//! # Ok(())
//! # }
//! ```

mod key;
mod sealed;

use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use ring::rand::{SecureRandom, SystemRandom};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::Secret;

pub use key::{SealingKey, SealingKeyError, SealingKeyId};
pub use sealed::Sealed;

use sealed::{NONCE_BYTES, VERSION};

/// What is authenticated along with a sealed key begins with this: whatever else a sealing key is ever used for is no
/// gym's key.
const PURPOSE: &[u8] = b"door-access sealed key";

/// Seals with one key, and opens with that one and with former ones.
///
/// A sealing key is good for some billions of sealed keys (the nonces are random, of 96 bits), which no platform comes
/// near to.
#[derive(Clone, Debug)]
pub struct Vault {
    current: SealingKey,
    former: Vec<SealingKey>,
}

/// Why a key was not sealed or opened. No text contains a key.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum VaultError {
    /// It is no sealed key, or only a part of one. Restore it, or let the gym give its key again.
    #[error(
        "this is no sealed key, or not all of one: restore it from a backup, or give the gym's key again"
    )]
    Form,
    /// It was sealed by a later version of this library. Use that one.
    #[error("it was sealed in the form {0}, which this version does not know: use a newer one")]
    Version(u32),
    /// It was sealed with a key that is not among those given. Give that one.
    #[error("it was sealed with the sealing key {sealed_with}, and {} was given", ids(.given))]
    UnknownKey {
        /// The key that would open it.
        sealed_with: SealingKeyId,
        /// The keys that were there.
        given: Vec<SealingKeyId>,
    },
    /// It was changed after it was sealed, or belongs to another tenant. Nothing of it can be believed.
    #[error(
        "it was changed after it was sealed, or is another gym's: restore it from a backup, or give the gym's key again"
    )]
    Refused,
    /// The operating system gives no random numbers. Nothing was sealed; try again.
    #[error("the operating system gives no random numbers: try again")]
    Random,
}

fn ids(given: &[SealingKeyId]) -> String {
    let ids: Vec<String> = given.iter().map(ToString::to_string).collect();
    ids.join(" or ")
}

impl Vault {
    /// A vault with this sealing key.
    pub fn new(current: SealingKey) -> Self {
        Self { current, former: Vec::new() }
    }

    /// Opens with this key, too: the one before, while not everything is sealed anew.
    #[must_use]
    pub fn with_former(mut self, former: SealingKey) -> Self {
        self.former.push(former);
        self
    }

    /// Seals a tenant's key.
    ///
    /// # Errors
    /// [`VaultError::Random`].
    pub fn seal(&self, tenant: &str, secret: &Secret) -> Result<Sealed, VaultError> {
        let mut nonce = [0; NONCE_BYTES];
        SystemRandom::new().fill(&mut nonce).map_err(|_| VaultError::Random)?;
        let cipher = cipher(&self.current).ok_or(VaultError::Refused)?;
        let key = self.current.id();
        // It is encrypted where it stands, and only then made longer: no plain copy is left behind.
        let mut bytes = secret.expose().as_bytes().to_vec();
        let bound = bound(VERSION, key, tenant);
        match cipher.seal_in_place_append_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(&bound),
            &mut bytes,
        ) {
            Ok(()) => Ok(Sealed { key, nonce, bytes }),
            Err(_) => {
                drop(Zeroizing::new(bytes));
                Err(VaultError::Refused)
            }
        }
    }

    /// Opens a tenant's key.
    ///
    /// # Errors
    /// [`VaultError::UnknownKey`] or [`VaultError::Refused`].
    pub fn open(&self, tenant: &str, sealed: &Sealed) -> Result<Secret, VaultError> {
        let keys = || std::iter::once(&self.current).chain(&self.former);
        let key = keys().find(|key| key.id() == sealed.key).ok_or_else(|| VaultError::UnknownKey {
            sealed_with: sealed.key,
            given: keys().map(SealingKey::id).collect(),
        })?;
        let cipher = cipher(key).ok_or(VaultError::Refused)?;
        let mut bytes = Zeroizing::new(sealed.bytes.clone());
        let bound = bound(VERSION, sealed.key, tenant);
        let opened = cipher
            .open_in_place(Nonce::assume_unique_for_key(sealed.nonce), Aad::from(&bound), &mut bytes)
            .map_err(|_| VaultError::Refused)?;
        // Whatever was sealed was a secret, and is given back as it was.
        let text = std::str::from_utf8(opened).map_err(|_| VaultError::Refused)?;
        Ok(Secret::as_it_is(text.to_owned()))
    }

    /// Seals with the current key what was sealed with a former one; `None` when it is sealed with the current one,
    /// which is checked by opening it.
    ///
    /// # Errors
    /// As [`Vault::open`] and [`Vault::seal`]. What was kept is as good as before.
    pub fn reseal(&self, tenant: &str, sealed: &Sealed) -> Result<Option<Sealed>, VaultError> {
        let secret = self.open(tenant, sealed)?;
        if sealed.key == self.current.id() { Ok(None) } else { self.seal(tenant, &secret).map(Some) }
    }
}

/// `ring` does not overwrite the key that it is given here; so that lives no longer than one sealing.
fn cipher(key: &SealingKey) -> Option<LessSafeKey> {
    UnboundKey::new(&CHACHA20_POLY1305, &*key.for_cipher()?).ok().map(LessSafeKey::new)
}

/// What a sealed key is bound to. All before the tenant is of fixed length, so that no two say the same.
fn bound(version: u32, key: SealingKeyId, tenant: &str) -> Vec<u8> {
    [PURPOSE, &version.to_be_bytes(), key.bytes(), tenant.as_bytes()].concat()
}

#[cfg(test)]
mod tests;
