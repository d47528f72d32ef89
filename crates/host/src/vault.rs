//! The gyms' keys at rest: sealed, so that a copied folder, database or backup opens no door.
//!
//! A platform keeps a [`Sealed`] text with its data, and the [`SealingKey`] elsewhere: in the environment or a private
//! file. The cipher (ChaCha20-Poly1305), its key derivation (HKDF with SHA-256) and the random numbers are those of
//! `ring`, which the host's TLS also uses.
//!
//! The tenant is authenticated along with the key: a sealed key that is moved to another tenant does not open there.
//! Replacing a sealing key can stop and resume at any point: a [`Vault`] seals with one key and also opens with former
//! ones.
//!
//! ```
//! use door_access_host::{Sealed, SealingKey, Secret, Vault};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let old = SealingKey::parse("5f0c2d9be1a84763f0e1d2c3b4a5968778695a4b3c2d1e0f1122334455667788")?;
//! let kept = Vault::new(old.clone()).seal("north-gym", &Secret::new("the-gym-s-key")?)?.to_string();
//!
//! // Later, with a new sealing key: both open, everything is resealed, then the old one is discarded.
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

use crate::secret::Secret;

pub use key::{SealingKey, SealingKeyError, SealingKeyId};
pub use sealed::Sealed;

use sealed::{NONCE_BYTES, VERSION};

/// Starts the authenticated data, so that nothing else sealed with the same key can pass for a gym's key.
const PURPOSE: &[u8] = b"door-access sealed key";

/// Seals with one key, and opens with that one and with former ones.
///
/// Nonces are random and have 96 bits, so one sealing key is good for billions of sealed keys.
#[derive(Clone, Debug)]
pub struct Vault {
    current: SealingKey,
    former: Vec<SealingKey>,
}

/// Why a key was not sealed or opened. No text contains a key.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum VaultError {
    /// It is not a sealed key, or only part of one. Restore it, or ask the gym for its key again.
    #[error(
        "this is not a sealed key, or not all of one: restore it from a backup, or give the gym's key again"
    )]
    Form,
    /// It was sealed by a later version of this library. Use that version.
    #[error("it was sealed in the form {0}, which this version does not know: use a newer one")]
    Version(u32),
    /// It was sealed with a key that is not among those given. Give that key.
    #[error("it was sealed with the sealing key {sealed_with}, and {} was given", ids(.given))]
    UnknownKey {
        /// The key that would open it.
        sealed_with: SealingKeyId,
        /// The given keys.
        given: Vec<SealingKeyId>,
    },
    /// It was changed after it was sealed, or belongs to another tenant.
    #[error(
        "it was changed after it was sealed, or is another gym's: restore it from a backup, or give the gym's key again"
    )]
    Refused,
    /// The operating system provides no random numbers. Nothing was sealed; try again.
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

    /// Also opens with this key: the previous one, until everything is resealed.
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
        // Encrypted in place before the buffer grows, so no plain copy is left behind.
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
        let text = std::str::from_utf8(opened).map_err(|_| VaultError::Refused)?;
        Ok(Secret::unchecked(text.to_owned()))
    }

    /// Seals a key again that was sealed with a former sealing key. `None` when it is sealed with the current one, which
    /// is verified by opening it.
    ///
    /// # Errors
    /// Those of [`Vault::open`] and [`Vault::seal`].
    pub fn reseal(&self, tenant: &str, sealed: &Sealed) -> Result<Option<Sealed>, VaultError> {
        let secret = self.open(tenant, sealed)?;
        if sealed.key == self.current.id() { Ok(None) } else { self.seal(tenant, &secret).map(Some) }
    }
}

/// Made for each use: `ring` does not overwrite the key in it.
fn cipher(key: &SealingKey) -> Option<LessSafeKey> {
    UnboundKey::new(&CHACHA20_POLY1305, &*key.for_cipher()?).ok().map(LessSafeKey::new)
}

/// The data that is authenticated with a sealed key. All before the tenant has a fixed length, so it is unambiguous.
fn bound(version: u32, key: SealingKeyId, tenant: &str) -> Vec<u8> {
    [PURPOSE, &version.to_be_bytes(), &key.0, tenant.as_bytes()].concat()
}

#[cfg(test)]
mod tests;
