//! The gym's key: read from a file, never printed.

use std::fmt;
use std::path::Path;

use zeroize::Zeroizing;

use crate::unusable::{Unusable, unusable};
use door_access_host::{Secret, SecretError};

/// Longest key file. A key has some dozens of characters.
const FILE_BYTES_MAX: u64 = 64 << 10;

/// A key. It has no `Display`, and its `Debug` does not show it.
#[derive(Clone)]
pub struct Key(Secret);

impl From<Secret> for Key {
    fn from(secret: Secret) -> Key {
        Key(secret)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

impl Key {
    /// A key from text.
    ///
    /// # Errors
    /// When the text cannot be a key.
    pub fn new(text: &str) -> Result<Key, Unusable> {
        Secret::new(text).map(Key).map_err(|error| Unusable::new(error.to_string()))
    }

    /// Reads a file that holds a key and nothing else.
    ///
    /// # Errors
    /// When the file cannot be read or holds no key. The message does not repeat the content.
    pub fn read(path: &Path) -> Result<Key, Unusable> {
        let file = path.display();
        // The path is not repeated: it may be the key itself, given by mistake.
        let cannot = |error: std::io::Error| {
            Unusable::new(format!(
                "the key file cannot be read: {error}. --key-file must be the path of a file that holds the key and \
                 nothing else"
            ))
        };
        if std::fs::metadata(path).map_err(cannot)?.len() > FILE_BYTES_MAX {
            return unusable(format!(
                "the key file {file} is too large to hold a key: it should hold the key and nothing else"
            ));
        }
        // Bytes that are not text become special characters, which the check refuses.
        let bytes = Zeroizing::new(std::fs::read(path).map_err(cannot)?);
        let text = Zeroizing::new(String::from_utf8_lossy(&bytes).into_owned());
        let found = match Secret::new(text.as_str()) {
            Ok(secret) => return Ok(Key(secret)),
            Err(_) if text.trim().is_empty() => "is empty".to_owned(),
            Err(error @ SecretError::Length) => {
                format!("holds no key: its length is {}, and {error}", text.trim().chars().count())
            }
            Err(SecretError::Characters) => {
                "holds no key: it has blanks or special characters, and a key is one word of letters, digits and signs"
                    .to_owned()
            }
        };
        unusable(format!(
            "the key file {file} {found}; let an administrator make an API key in Kisi under My Account > API, and put \
             it and nothing else into the file"
        ))
    }

    /// The key for the host, which adds it to the plugin's requests.
    pub fn secret(&self) -> Secret {
        self.0.clone()
    }

    /// The key itself, for this crate's own requests.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}
