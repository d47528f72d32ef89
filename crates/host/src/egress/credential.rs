//! The tenant's key in requests: added to those that passed all checks, and searched for everywhere else.
//!
//! The guest never has the key. The search is a second line of defence: against a provider that echoes the key in a
//! response, a key pasted into the settings, a plugin that got it some other way.

use std::fmt;

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD};
use http::{HeaderName, HeaderValue};
use memchr::memmem;
use zeroize::Zeroizing;

use crate::secret::Secret;

/// How much to search before yielding to other tasks: some tenths of a millisecond, because the forms of the key are
/// searched for one after another.
const SLICE_BYTES: usize = 256 << 10;

/// Which characters JSON writers escape: behind a backslash, and by number. These are the writers of PHP, Go and Rails,
/// Gson, .NET, and those that escape all characters with a meaning in HTML or JavaScript.
const JSON_WRITERS: [(&str, &str); 7] = [
    ("\"\\", ""),
    ("\"\\/", ""),
    ("\"\\", "<>&"),
    ("\"\\", "<>&='"),
    ("\\", "\"<>&'+`"),
    ("\\/", "\"<>&'"),
    ("\\", "\"<>&'+`=/"),
];

/// A key with its header, and the forms to search for so that it is sent nowhere else.
pub(crate) struct Credential {
    header: HeaderName,
    value: HeaderValue,
    /// Prepared once: every stored value and every response is searched for all of them.
    needles: Vec<memmem::Finder<'static>>,
}

impl Credential {
    /// A tenant's credential, sent as the manifest says; `None` when it cannot stand in a header.
    pub(crate) fn new(header: HeaderName, prefix: &str, secret: &Secret) -> Option<Self> {
        let text = Zeroizing::new(format!("{prefix}{}", secret.expose()));
        let mut value = HeaderValue::from_str(&text).ok()?;
        // Keeps it out of the compression tables of HTTP/2 and out of debug output.
        value.set_sensitive(true);
        let needles = forms(secret.expose());
        let needles = needles.iter().map(|form| memmem::Finder::new(form.as_bytes()).into_owned()).collect();
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

    /// [`is_in`](Self::is_in) for megabytes: in slices, with other tasks in between.
    pub(crate) async fn is_in_yielding(&self, haystack: &[u8]) -> bool {
        // Slices overlap, so that a form of the key across an edge is found.
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

/// All forms of a key to search for: as it is, in lower case (header names), as JSON writers escape it, in hexadecimal,
/// percent-encoded as a whole and where needed, and in both base64 alphabets at each of the three offsets at which it can
/// start within a longer text.
fn forms(key: &str) -> Vec<Zeroizing<String>> {
    let mut forms: Vec<Zeroizing<String>> = Vec::new();
    let mut add = |form: String| {
        let form = Zeroizing::new(form);
        if !form.is_empty() && !forms.contains(&form) {
            forms.push(form);
        }
    };
    add(key.to_owned());
    add(key.to_ascii_lowercase());
    // A key is ASCII, so characters are bytes.
    let both_cases: [fn(char) -> String; 2] =
        [|letter| format!("{:02x}", u32::from(letter)), |letter| format!("{:02X}", u32::from(letter))];
    for hex in both_cases {
        add(key.chars().map(hex).collect());
        add(key.chars().map(|letter| format!("%{}", hex(letter))).collect());
        add(escaped(key, |letter| {
            (!letter.is_ascii_alphanumeric() && !"-._~".contains(letter)).then(|| format!("%{}", hex(letter)))
        }));
        for (backslashed, numbered) in JSON_WRITERS {
            add(escaped(key, |letter| match letter {
                letter if backslashed.contains(letter) => Some(format!("\\{letter}")),
                letter if numbered.contains(letter) => Some(format!("\\u00{}", hex(letter))),
                _ => None,
            }));
        }
    }
    for (offset, before) in [&[][..], &[0], &[0, 0]].into_iter().enumerate() {
        for alphabet in [BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD] {
            let text = Zeroizing::new(alphabet.encode([before, key.as_bytes()].concat()));
            // Without the characters that also depend on the neighbours.
            let (start, end) = ((offset * 8).div_ceil(6), (offset + key.len()) * 8 / 6);
            add(text.get(start..end).unwrap_or_default().to_owned());
        }
    }
    forms
}

/// The key with some letters replaced.
fn escaped(key: &str, escape: impl Fn(char) -> Option<String>) -> String {
    key.chars().map(|letter| escape(letter).unwrap_or_else(|| letter.to_string())).collect()
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
            // Base64 of the key alone, behind "LOGIN ", and behind one and two bytes.
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
    fn a_key_is_found_as_any_json_writer_escapes_it() {
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
        // A key without special characters has few forms: as it is, in hexadecimal, in percent, three in base64.
        assert_eq!(forms("0123456789abcdef").len(), 6);
    }

    #[tokio::test]
    async fn a_key_is_found_anywhere_in_megabytes() {
        let credential = credential();
        let length = 3 * SLICE_BYTES;
        assert!(!credential.is_in_yielding(&vec![b'x'; length]).await);
        assert!(!credential.is_in_yielding(b"").await);
        for edge in [0, SLICE_BYTES, 2 * SLICE_BYTES, length - KEY.len()] {
            for place in edge.saturating_sub(2 * KEY.len())..=(edge + KEY.len()).min(length - KEY.len()) {
                let mut text = vec![b'x'; length];
                text[place..place + KEY.len()].copy_from_slice(KEY.as_bytes());
                assert!(credential.is_in_yielding(&text).await, "at {place}");
            }
        }
    }

    #[tokio::test]
    async fn a_search_of_megabytes_lets_other_tasks_run() {
        let searched = credential();
        let text = vec![b'x'; 8 << 20];
        let mut turns = 0;
        let over = std::cell::Cell::new(false);
        let search = async {
            assert!(!searched.is_in_yielding(&text).await);
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
    fn ordinary_text_and_parts_of_a_key_are_not_found() {
        let credential = credential();
        for text in ["", "k3y-With", "an ordinary answer", "{\"id\":1234567890}"] {
            assert!(!credential.is_in(text.as_bytes()), "{text}");
        }
    }
}
