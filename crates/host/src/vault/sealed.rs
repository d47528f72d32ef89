//! A sealed key as text: `door-access-sealed:1:KEY:NONCE:BYTES`, the last three in hexadecimal.

use std::fmt;
use std::str::FromStr;

use super::{SealingKeyId, VaultError};

/// The form that is written.
pub(super) const VERSION: u32 = 1;
pub(super) const NONCE_BYTES: usize = ring::aead::NONCE_LEN;

const MARK: &str = "door-access-sealed";
/// Longest text: a key of the greatest length, twice over for hexadecimal, and what stands before it.
const TEXT_BYTES_MAX: usize = 16 << 10;

/// A gym's key that only its sealing key opens, for one tenant. Its text may be kept anywhere and shown to anybody.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed {
    pub(super) key: SealingKeyId,
    pub(super) nonce: [u8; NONCE_BYTES],
    pub(super) bytes: Vec<u8>,
}

impl Sealed {
    /// The sealing key that opens it.
    pub fn key(&self) -> SealingKeyId {
        self.key
    }
}

impl fmt::Display for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{MARK}:{VERSION}:{}:{}:{}", self.key, Hex(&self.nonce), Hex(&self.bytes))
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealed").field("key", &self.key).finish_non_exhaustive()
    }
}

impl FromStr for Sealed {
    type Err = VaultError;

    /// Reads a text, which may have a line end behind it. Whether it is as it was sealed is known when it is opened.
    fn from_str(text: &str) -> Result<Self, VaultError> {
        let text = text.trim_end();
        if text.len() > TEXT_BYTES_MAX {
            return Err(VaultError::Form);
        }
        let rest = text.strip_prefix(MARK).and_then(|rest| rest.strip_prefix(':')).ok_or(VaultError::Form)?;
        let (version, rest) = rest.split_once(':').ok_or(VaultError::Form)?;
        match version.parse().map_err(|_| VaultError::Form)? {
            VERSION => {}
            other => return Err(VaultError::Version(other)),
        }
        let mut parts = rest.split(':');
        let mut part = || parts.next().and_then(unhex).ok_or(VaultError::Form);
        let (key, nonce, bytes) = (part()?, part()?, part()?);
        let key = <[u8; 8]>::try_from(key).map_err(|_| VaultError::Form)?;
        let nonce = nonce.try_into().map_err(|_| VaultError::Form)?;
        if parts.next().is_some() {
            return Err(VaultError::Form);
        }
        Ok(Self { key: SealingKeyId::from(key), nonce, bytes })
    }
}

/// Bytes in hexadecimal.
pub(super) struct Hex<'a>(pub(super) &'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The bytes of a text in hexadecimal.
pub(super) fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    // All the room at once: a vector that grows leaves copies behind.
    let mut bytes = Vec::with_capacity(pairs.len());
    for [high, low] in pairs {
        bytes.push(digit(*high)? << 4 | digit(*low)?);
    }
    rest.is_empty().then_some(bytes)
}
