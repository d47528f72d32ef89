//! A secret text: a gym's key, or a login for a branded app.

use std::fmt;

use thiserror::Error;
use zeroize::Zeroizing;

/// Shortest key. A shorter one would occur by chance in ordinary text, and could be guessed.
const BYTES_MIN: usize = 8;
/// Longest key: what servers accept in one header.
const BYTES_MAX: usize = 4_096;

/// A tenant's key, or another secret to pass on. It has no `Display`, its `Debug` is redacted, and its memory is
/// overwritten when it is dropped.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

/// Why a text is not a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SecretError {
    /// Too short or too long.
    #[error("a key has 8 to 4096 characters")]
    Length,
    /// Blanks, line ends, or characters beyond ASCII: usually text around the key was copied along with it.
    #[error("a key has no blanks or special characters: copy it again, and nothing around it")]
    Characters,
}

impl Secret {
    /// Takes a key. Blanks and line ends around it are dropped: they come with copying.
    ///
    /// # Errors
    /// A [`SecretError`] that says what a key looks like; it never contains the text.
    pub fn new(key: impl Into<String>) -> Result<Self, SecretError> {
        let given = Zeroizing::new(key.into());
        let key = given.trim();
        if !(BYTES_MIN..=BYTES_MAX).contains(&key.len()) {
            return Err(SecretError::Length);
        }
        if !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(SecretError::Characters);
        }
        Ok(Self(Zeroizing::new(key.to_owned())))
    }

    /// A secret that a provider made, or that was checked before it was sealed: any text.
    pub(crate) fn unchecked(secret: String) -> Self {
        Self(Zeroizing::new(secret))
    }

    /// The secret itself, for the one place that sends it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_around_a_key_are_dropped_and_blanks_within_are_refused() {
        assert_eq!(Secret::new(" 12345678\n").unwrap().expose(), "12345678");
        assert_eq!(Secret::new("1234567").unwrap_err(), SecretError::Length);
        assert_eq!(Secret::new("1".repeat(4_097)).unwrap_err(), SecretError::Length);
        for key in ["1234 5678", "1234\r\n5678", "schlüssel-123"] {
            assert_eq!(Secret::new(key).unwrap_err(), SecretError::Characters, "{key:?}");
        }
    }
}
