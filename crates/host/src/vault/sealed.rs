//! A sealed key as text: `door-access-sealed:1:KEY:NONCE:BYTES`, the last three in hexadecimal.

use std::fmt;
use std::str::FromStr;

use super::{SealingKeyId, VaultError};

/// The version that is written.
pub(super) const VERSION: u32 = 1;
pub(super) const NONCE_BYTES: usize = ring::aead::NONCE_LEN;

const MARK: &str = "door-access-sealed";
/// Longest text: the longest key in hexadecimal, and what precedes it.
const TEXT_BYTES_MAX: usize = 16 << 10;

/// A gym's key that only its sealing key opens, for one tenant. Its text may be kept and shown anywhere.
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
        let (nonce, bytes) = (hex::encode(self.nonce), hex::encode(&self.bytes));
        write!(f, "{MARK}:{VERSION}:{}:{nonce}:{bytes}", self.key)
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealed").field("key", &self.key).finish_non_exhaustive()
    }
}

impl FromStr for Sealed {
    type Err = VaultError;

    /// Parses a text, which may end with a line end. Only opening it tells whether it is unchanged.
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
        let (Some(key), Some(nonce), Some(bytes), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(VaultError::Form);
        };
        let form = |_| VaultError::Form;
        let (mut key_bytes, mut nonce_bytes) = ([0; 8], [0; NONCE_BYTES]);
        hex::decode_to_slice(key, &mut key_bytes).map_err(form)?;
        hex::decode_to_slice(nonce, &mut nonce_bytes).map_err(form)?;
        let bytes = hex::decode(bytes).map_err(form)?;
        Ok(Self { key: SealingKeyId(key_bytes), nonce: nonce_bytes, bytes })
    }
}
