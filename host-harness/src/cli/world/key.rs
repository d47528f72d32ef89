//! The gym's key as the command line holds it: read from a file, never printed.

use std::fmt;
use std::path::Path;

use crate::Secret;
use crate::cli::exit::{Unusable, unusable};

/// Longest key file. A key has some dozens of characters.
const FILE_BYTES_MAX: u64 = 64 << 10;

/// A key. It has no `Display`, and its `Debug` says nothing.
#[derive(Clone)]
pub(crate) struct Key {
    text: String,
    secret: Secret,
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

impl Key {
    /// Takes a key.
    pub(crate) fn new(text: &str) -> Result<Key, Unusable> {
        let text = text.trim().to_owned();
        let secret = Secret::new(text.clone()).map_err(|error| Unusable(error.to_string()))?;
        Ok(Key { text, secret })
    }

    /// Reads the file that holds a key and nothing else.
    pub(crate) fn read(path: &Path) -> Result<Key, Unusable> {
        let file = path.display();
        let cannot = |error: std::io::Error| Unusable(format!("the key file {file} cannot be read: {error}"));
        if std::fs::metadata(path).map_err(cannot)?.len() > FILE_BYTES_MAX {
            return unusable(format!(
                "the key file {file} is too large to hold a key: it should hold the key and nothing else"
            ));
        }
        let text = std::fs::read_to_string(path).map_err(cannot)?;
        if text.trim().is_empty() {
            return unusable(format!(
                "the key file {file} is empty: put the key of an administrator of Kisi into it"
            ));
        }
        Key::new(&text)
            .map_err(|Unusable(error)| Unusable(format!("the key file {file} holds no key: {error}")))
    }

    /// For the host, which adds it to the plugin's requests.
    pub(crate) fn secret(&self) -> Secret {
        self.secret.clone()
    }

    /// For requests of the command line's own, and for talking to a simulator.
    pub(super) fn expose(&self) -> &str {
        &self.text
    }
}
