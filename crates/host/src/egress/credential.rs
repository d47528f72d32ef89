//! The tenant's key: kept where nothing prints it, added to requests that earned it, and looked for
//! everywhere else.
//!
//! The guest never has the key. The search is a second line for what the first cannot see: a provider that
//! echoes the key in an answer, a key that somebody pasted into the settings, a plugin that got it some other
//! way.

use std::fmt;

use http::{HeaderName, HeaderValue};
use memchr::memmem;
use thiserror::Error;
use zeroize::Zeroizing;

/// Shortest key. A shorter one would be found by chance in ordinary text, and guessed by anybody.
const SECRET_BYTES_MIN: usize = 8;
/// Longest key: what servers take in one header.
const SECRET_BYTES_MAX: usize = 4_096;

/// How much is searched before others on the thread have their turn: some tenths of a millisecond's work, since one form
/// of the key after another is looked for.
const SLICE_BYTES: usize = 256 << 10;

/// A tenant's key, or another secret that is handed on. It has no `Display`, its `Debug` is redacted, and its memory is overwritten when it goes.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

/// Why a text is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SecretError {
    /// Too short or too long.
    #[error("a key has 8 to 4096 characters")]
    Length,
    /// Blanks, line ends, or characters beyond ASCII: usually something around the key was copied along with
    /// it.
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
        if !(SECRET_BYTES_MIN..=SECRET_BYTES_MAX).contains(&key.len()) {
            return Err(SecretError::Length);
        }
        if !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(SecretError::Characters);
        }
        Ok(Self(Zeroizing::new(key.to_owned())))
    }

    /// A secret that a provider made, or that was one before it was sealed: whatever it looks like, it is handed on as
    /// it is.
    pub(crate) fn as_it_is(secret: String) -> Self {
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

/// How writers of JSON spell what they do not write as it is: behind a backslash, and by number. Found in the writers of
/// PHP, Go and Rails, Gson, .NET, and in those that escape whatever means something to HTML or JavaScript.
const JSON_WRITERS: [(&[u8], &[u8]); 7] = [
    (b"\"\\", b""),
    (b"\"\\/", b""),
    (b"\"\\", b"<>&"),
    (b"\"\\", b"<>&='"),
    (b"\\", b"\"<>&'+`"),
    (b"\\/", b"\"<>&'"),
    (b"\\", b"\"<>&'+`=/"),
];

/// A key with the header it is sent in, and what to look for so that it is sent nowhere else.
pub(crate) struct Credential {
    header: HeaderName,
    value: HeaderValue,
    /// Prepared once: every value that the plugin stores and every answer that it reads passes through all of them.
    needles: Vec<memmem::Finder<'static>>,
}

impl Credential {
    /// The credential of a tenant, sent as the manifest says; `None` when it does not fit in a header.
    pub(crate) fn new(header: HeaderName, prefix: &str, secret: &Secret) -> Option<Self> {
        let text = Zeroizing::new(format!("{prefix}{}", secret.expose()));
        let mut value = HeaderValue::from_str(&text).ok()?;
        // Keeps it out of the compression tables of HTTP/2 and out of debug output.
        value.set_sensitive(true);
        let needles = needles(secret.expose().as_bytes());
        let needles =
            needles.iter().map(|needle| memmem::Finder::new(needle.as_slice()).into_owned()).collect();
        Some(Self { header, value, needles })
    }

    /// Adds the key to a request.
    pub(crate) fn add_to(&self, headers: &mut http::HeaderMap) {
        headers.insert(self.header.clone(), self.value.clone());
    }

    /// Whether these bytes contain the key, as it is or in one of the usual encodings.
    pub(crate) fn is_in(&self, haystack: &[u8]) -> bool {
        self.needles.iter().any(|needle| needle.find(haystack).is_some())
    }

    /// [`is_in`](Self::is_in) for what may be megabytes: in slices, between which others on the thread have their turn.
    pub(crate) async fn is_in_giving_way(&self, haystack: &[u8]) -> bool {
        // A slice goes on into the next one, so that no form of the key lies across an edge.
        let overlap = self.needles.iter().map(|needle| needle.needle().len()).max().unwrap_or(0);
        let mut rest = haystack;
        loop {
            if self.is_in(rest.get(..SLICE_BYTES + overlap).unwrap_or(rest)) {
                return true;
            }
            match rest.get(SLICE_BYTES..) {
                Some(behind) if behind.len() > overlap => rest = behind,
                _ => return false,
            }
            tokio::task::yield_now().await;
        }
    }

    /// Whether the name or value of any header contains the key.
    pub(crate) fn is_in_headers(&self, headers: &http::HeaderMap) -> bool {
        headers
            .iter()
            .any(|(name, value)| self.is_in(name.as_str().as_bytes()) || self.is_in(value.as_bytes()))
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credential").field("header", &self.header).finish_non_exhaustive()
    }
}

/// All forms of a key that are looked for: as it is, in lower case (header names), within JSON as its usual writers
/// escape it, in hexadecimal, percent-encoded as a whole and where needed, and in both alphabets of base64 at each of the
/// three places where it can start within a longer text.
fn needles(key: &[u8]) -> Vec<Zeroizing<Vec<u8>>> {
    let mut needles: Vec<Zeroizing<Vec<u8>>> = Vec::new();
    let mut add = |needle: Vec<u8>| {
        let needle = Zeroizing::new(needle);
        if !needle.is_empty() && !needles.contains(&needle) {
            needles.push(needle);
        }
    };
    add(key.to_vec());
    add(key.to_ascii_lowercase());
    for (behind_backslash, by_number) in JSON_WRITERS {
        for digits in [b"0123456789abcdef", b"0123456789ABCDEF"] {
            let escaped = key.iter().flat_map(|byte| match byte {
                byte if behind_backslash.contains(byte) => vec![b'\\', *byte],
                byte if by_number.contains(byte) => hex(&[*byte], digits, "\\u00"),
                byte => vec![*byte],
            });
            add(escaped.collect());
        }
    }
    add(hex(key, b"0123456789abcdef", ""));
    add(hex(key, b"0123456789ABCDEF", ""));
    add(hex(key, b"0123456789abcdef", "%"));
    add(hex(key, b"0123456789ABCDEF", "%"));
    let reserved = |byte: u8| !(byte.is_ascii_alphanumeric() || b"-._~".contains(&byte));
    for digits in [b"0123456789abcdef", b"0123456789ABCDEF"] {
        let escaped = key.iter().flat_map(|byte| match reserved(*byte) {
            true => hex(&[*byte], digits, "%"),
            false => vec![*byte],
        });
        add(escaped.collect());
    }
    for offset in 0..3 {
        add(base64_within(key, offset, b"+/"));
        add(base64_within(key, offset, b"-_"));
    }
    needles
}

fn hex(bytes: &[u8], digits: &[u8; 16], mark: &str) -> Vec<u8> {
    let digit = |nibble: u8| digits.get(usize::from(nibble)).copied().unwrap_or_default();
    bytes.iter().flat_map(|byte| mark.bytes().chain([digit(byte >> 4), digit(byte & 15)])).collect()
}

/// The characters of base64 that depend on nothing but `bytes` when these start `offset` (0 to 2) bytes into
/// a group of three: those shared with the neighbours on either side are left out.
fn base64_within(bytes: &[u8], offset: usize, last_two: &[u8; 2]) -> Vec<u8> {
    let bit = |index: usize| -> Option<u8> {
        let byte = bytes.get((index / 8).checked_sub(offset)?)?;
        Some(byte >> (7 - index % 8) & 1)
    };
    let characters = (offset + bytes.len()) * 8 / 6;
    let sextet = |character: usize| {
        (0..6).try_fold(0_u8, |value, place| Some(value << 1 | bit(character * 6 + place)?))
    };
    let letter = |value: u8| match value {
        0..=25 => b'A' + value,
        26..=51 => b'a' + value - 26,
        52..=61 => b'0' + value - 52,
        62 => last_two[0],
        _ => last_two[1],
    };
    (0..characters).filter_map(sextet).map(letter).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "k3y-With/Slash+1234567890";

    fn credential() -> Credential {
        let header = HeaderName::from_static("authorization");
        Credential::new(header, "LOGIN ", &Secret::new(KEY).unwrap()).unwrap()
    }

    #[test]
    fn a_key_is_never_printed() {
        let secret = Secret::new(KEY).unwrap();
        let mut headers = http::HeaderMap::new();
        credential().add_to(&mut headers);
        let printed = format!("{secret:?} {:?} {headers:?}", credential());
        assert!(!printed.contains("k3y") && !printed.contains("Slash"), "{printed}");
    }

    #[test]
    fn a_key_is_sent_behind_the_manifest_s_prefix() {
        let mut headers = http::HeaderMap::new();
        credential().add_to(&mut headers);
        assert_eq!(headers["authorization"], format!("LOGIN {KEY}"));
    }

    #[test]
    fn blanks_around_a_key_are_dropped_and_blanks_within_are_refused() {
        assert_eq!(Secret::new(" 12345678\n").unwrap().expose(), "12345678");
        assert_eq!(Secret::new("1234567").unwrap_err(), SecretError::Length);
        assert_eq!(Secret::new("1".repeat(4_097)).unwrap_err(), SecretError::Length);
        for key in ["1234 5678", "1234\r\n5678", "schlüssel-123"] {
            assert_eq!(Secret::new(key).unwrap_err(), SecretError::Characters, "{key:?}");
        }
    }

    #[test]
    fn a_key_is_found_in_every_usual_encoding() {
        let credential = credential();
        let table = [
            KEY.to_owned(),
            format!("{{\"echo\":\"LOGIN {KEY}\"}}"),
            KEY.to_lowercase(),
            "6b33792d576974682f536c6173682b31323334353637383930".to_owned(),
            "6B33792D576974682F536C6173682B31323334353637383930".to_owned(),
            "?key=k3y-With%2FSlash%2B1234567890".to_owned(),
            "?key=k3y-With%2fSlash%2b1234567890".to_owned(),
            // base64 of the key alone, behind "LOGIN " and behind one more byte; then in the alphabet for
            // URLs.
            "azN5LVdpdGgvU2xhc2grMTIzNDU2Nzg5MA==".to_owned(),
            "TE9HSU4gazN5LVdpdGgvU2xhc2grMTIzNDU2Nzg5MA==".to_owned(),
            "eGszeS1XaXRoL1NsYXNoKzEyMzQ1Njc4OTA=".to_owned(),
            "eHhrM3ktV2l0aC9TbGFzaCsxMjM0NTY3ODkw".to_owned(),
        ];
        for text in table {
            assert!(credential.is_in(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn a_key_is_found_as_any_writer_of_json_escapes_it() {
        let credential = |key: &str| {
            let header = HeaderName::from_static("authorization");
            Credential::new(header, "", &Secret::new(key).unwrap()).unwrap()
        };
        let table = [
            ("abc/def+ghi=", r"abc\/def+ghi="),
            ("abc/def+ghi=", r"abc/def\u002Bghi="),
            ("abc/def+ghi=", r"abc/def+ghi\u003d"),
            ("abc/def+ghi=", r"abc\u002fdef\u002bghi\u003d"),
            ("abc<def>&ghi", r"abc\u003cdef\u003e\u0026ghi"),
            ("abc<def>&ghi", r"abc\u003Cdef\u003E\u0026ghi"),
            (r#"abc'"\def"#, r#"abc\u0027\"\\def"#),
            (r#"abc'"\def"#, r"abc\u0027\u0022\\def"),
            (r#"abc'"\def"#, r#"abc'\"\\def"#),
        ];
        for (key, written) in table {
            assert!(
                credential(key).is_in(format!("{{\"echo\":\"{written}\"}}").as_bytes()),
                "{key} as {written}"
            );
        }
        // A key that no writer escapes is looked for no oftener: as it is, in hexadecimal, in percent, thrice in base64.
        assert_eq!(needles(b"0123456789abcdef").len(), 6);
    }

    #[tokio::test]
    async fn a_key_is_found_wherever_it_lies_in_megabytes() {
        let credential = credential();
        let length = 3 * SLICE_BYTES;
        assert!(!credential.is_in_giving_way(&vec![b'x'; length]).await);
        assert!(!credential.is_in_giving_way(b"").await);
        for edge in [0, SLICE_BYTES, 2 * SLICE_BYTES, length - KEY.len()] {
            for place in edge.saturating_sub(2 * KEY.len())..=(edge + KEY.len()).min(length - KEY.len()) {
                let mut text = vec![b'x'; length];
                text[place..place + KEY.len()].copy_from_slice(KEY.as_bytes());
                assert!(credential.is_in_giving_way(&text).await, "at {place}");
            }
        }
    }

    #[tokio::test]
    async fn a_search_of_megabytes_gives_way_to_others_on_its_thread() {
        let searched = credential();
        let text = vec![b'x'; 8 << 20];
        let mut turns = 0;
        let over = std::cell::Cell::new(false);
        let search = async {
            assert!(!searched.is_in_giving_way(&text).await);
            over.set(true);
        };
        let others = async {
            while !over.get() {
                turns += 1;
                tokio::task::yield_now().await;
            }
        };
        tokio::join!(search, others);
        assert!(turns >= 30, "{turns}");
    }

    #[test]
    fn ordinary_text_and_parts_of_a_key_are_no_finds() {
        let credential = credential();
        for text in ["", "k3y-With", "an ordinary answer", "{\"id\":1234567890}"] {
            assert!(!credential.is_in(text.as_bytes()), "{text}");
        }
    }
}
