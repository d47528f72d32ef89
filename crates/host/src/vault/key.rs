//! The sealing key: from the environment or from a private file.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use ring::hkdf::{HKDF_SHA256, KeyType, Salt};
use ring::rand::{SecureRandom, SystemRandom};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::private;

const KEY_BYTES: usize = 32;
const ID_BYTES: usize = 8;
/// What follows the name of a key's file while it is written.
const PARTIAL: &str = "partial";
/// Longest file: the key, and room for line ends.
const FILE_BYTES_MAX: u64 = 256;
/// What is derived from a sealing key. Neither reveals the other or the key.
const FOR_CIPHER: &[u8] = b"door-access sealing key 1: cipher";
const FOR_ID: &[u8] = b"door-access sealing key 1: id";

/// A key of 32 random bytes, written as 64 hexadecimal digits. It has no `Display`, its `Debug` shows only its id, and its
/// memory is overwritten when it is dropped.
#[derive(Clone)]
pub struct SealingKey {
    bytes: Zeroizing<[u8; KEY_BYTES]>,
    id: SealingKeyId,
}

/// Identifies a sealing key. It is derived from the key and does not reveal it, so it may be shown.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SealingKeyId(pub(super) [u8; ID_BYTES]);

/// Why there is no sealing key. No message contains one.
#[derive(Debug, Error)]
pub enum SealingKeyError {
    /// Not 64 hexadecimal digits.
    #[error("a sealing key has 64 hexadecimal digits and nothing else: make one with `openssl rand -hex 32`")]
    Form,
    /// All of its bytes are the same: a placeholder.
    #[error("a sealing key is random, and this one is a placeholder: make one with `openssl rand -hex 32`")]
    Placeholder,
    /// The file cannot be read or made.
    #[error("{} cannot be {done}: {error}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// `read`, `made`.
        done: &'static str,
        /// The reason.
        #[source]
        error: io::Error,
    },
    /// The file contains no sealing key.
    #[error("{} holds no sealing key: {error}", .path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong with its content.
        #[source]
        error: Box<SealingKeyError>,
    },
    /// The file or its folder belongs to another user, who can change the file.
    #[error("{} belongs to another user, and it leads to a sealing key: use a file of your own", .0.display())]
    Foreign(PathBuf),
    /// Other users may read or change the file. Forbid it, and make a new key if one may have read it.
    #[error("others may use {path}, and it is a sealing key: run `chmod 600 {path}`", path = .0.display())]
    Shared(PathBuf),
    /// Other users may replace files in the folder of a new key.
    #[error("others may change {path}, which leads to a sealing key: run `chmod go-w {path}`", path = .0.display())]
    SharedFolder(PathBuf),
    /// The operating system provides no random numbers. Try again.
    #[error("the operating system gives no random numbers: try again")]
    Random,
}

impl SealingKey {
    /// A new key.
    ///
    /// # Errors
    /// [`SealingKeyError::Random`].
    pub fn generate() -> Result<Self, SealingKeyError> {
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        SystemRandom::new().fill(&mut *bytes).map_err(|_| SealingKeyError::Random)?;
        Self::of(bytes)
    }

    /// Parses a key. Blanks and line ends around it are dropped.
    ///
    /// # Errors
    /// [`SealingKeyError::Form`] or [`SealingKeyError::Placeholder`].
    pub fn parse(text: &str) -> Result<Self, SealingKeyError> {
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        hex::decode_to_slice(text.trim(), &mut *bytes).map_err(|_| SealingKeyError::Form)?;
        if bytes.windows(2).all(|pair| pair.first() == pair.last()) {
            return Err(SealingKeyError::Placeholder);
        }
        Self::of(bytes)
    }

    fn of(bytes: Zeroizing<[u8; KEY_BYTES]>) -> Result<Self, SealingKeyError> {
        let mut id = [0; ID_BYTES];
        derive(&bytes, FOR_ID, &mut id).ok_or(SealingKeyError::Form)?;
        Ok(Self { bytes, id: SealingKeyId(id) })
    }

    /// Reads a file or pipe that holds a key and nothing else. It must be private: no other user may have any right to it.
    ///
    /// # Errors
    /// Every [`SealingKeyError`] but [`SealingKeyError::Random`], each with the file.
    pub fn read(path: &Path) -> Result<Self, SealingKeyError> {
        let cannot = |error| SealingKeyError::File { path: path.to_owned(), done: "read", error };
        let file = match private::is_pipe(&fs::metadata(path).map_err(cannot)?) {
            true => File::open(path).map_err(cannot)?,
            false => {
                let real = path.canonicalize().map_err(cannot)?;
                let opened = private::mistrust(&real).and_then(|mistrust| {
                    let access = mistrust.verifier().require_file().file_access();
                    access.open(&real, OpenOptions::new().read(true))
                });
                opened.map_err(|error| not_private(error, path, "read"))?
            }
        };
        if private::others_may(&file.metadata().map_err(cannot)?, private::ANYTHING) {
            return Err(SealingKeyError::Shared(path.to_owned()));
        }
        let mut text = Zeroizing::new(String::with_capacity(FILE_BYTES_MAX as usize));
        let content = |error| SealingKeyError::Content { path: path.to_owned(), error: Box::new(error) };
        match file.take(FILE_BYTES_MAX).read_to_string(&mut text) {
            Ok(_) => Self::parse(&text).map_err(content),
            Err(error) if error.kind() == io::ErrorKind::InvalidData => Err(content(SealingKeyError::Form)),
            Err(error) => Err(cannot(error)),
        }
    }

    /// Makes a new key and a private file for it. The file appears whole and is on the disk on return. The folder is made
    /// if needed, for its owner alone. An existing file is never replaced: keys may be sealed with it.
    ///
    /// # Errors
    /// [`SealingKeyError::File`] or [`SealingKeyError::Random`], and those of a folder that is not private.
    pub fn create(path: &Path) -> Result<Self, SealingKeyError> {
        let key = Self::generate()?;
        let text = Zeroizing::new(format!("{}\n", *Zeroizing::new(hex::encode(*key.bytes))));
        let folder = match path.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        };
        private::mistrust(folder)
            .and_then(|mistrust| mistrust.verifier().permit_readable().make_directory(folder))
            .map_err(|error| not_private(error, path, "made"))?;
        let write = || -> io::Result<()> {
            // A known name, so that the next attempt and the removal of the key find what an interrupted one left.
            let partial = path.with_added_extension(PARTIAL);
            let _ = fs::remove_file(&partial);
            let name = partial.file_name().unwrap_or_default();
            let mut file = tempfile::Builder::new().prefix(name).rand_bytes(0).tempfile_in(folder)?;
            file.write_all(text.as_bytes())?;
            file.as_file().sync_all()?;
            file.persist_noclobber(path)?;
            File::open(folder)?.sync_all()
        };
        match write() {
            Ok(()) => Ok(key),
            Err(error) => Err(SealingKeyError::File { path: path.to_owned(), done: "made", error }),
        }
    }

    /// Its id.
    pub fn id(&self) -> SealingKeyId {
        self.id
    }

    /// The key of the cipher.
    pub(super) fn for_cipher(&self) -> Option<Zeroizing<[u8; KEY_BYTES]>> {
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        derive(&self.bytes, FOR_CIPHER, &mut *key)?;
        Some(key)
    }
}

impl fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealingKey({}, …)", self.id)
    }
}

impl fmt::Display for SealingKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for SealingKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Fills `out` with what HKDF derives from the key for a purpose; `None` when it is longer than HKDF's output, which never
/// happens here.
fn derive(key: &[u8; KEY_BYTES], purpose: &[u8], out: &mut [u8]) -> Option<()> {
    struct Length(usize);
    impl KeyType for Length {
        fn len(&self) -> usize {
            self.0
        }
    }
    let length = Length(out.len());
    Salt::new(HKDF_SHA256, &[]).extract(key).expand(&[purpose], length).ok()?.fill(out).ok()
}

/// Converts the reason why a path is not private, or not there.
fn not_private(error: fs_mistrust::Error, path: &Path, done: &'static str) -> SealingKeyError {
    use fs_mistrust::Error;
    let file = |error| SealingKeyError::File { path: path.to_owned(), done, error };
    match error {
        Error::BadPermission(found, ..) if found.is_dir() => SealingKeyError::SharedFolder(found),
        Error::BadPermission(found, ..) => SealingKeyError::Shared(found),
        Error::BadOwner(found, _) => SealingKeyError::Foreign(found),
        Error::Io { err, .. } | Error::CreatingDir(err) | Error::CouldNotInspect(_, err) => {
            file(io::Error::new(err.kind(), err))
        }
        error @ Error::NotFound(_) => file(io::Error::new(io::ErrorKind::NotFound, error)),
        error => file(io::Error::other(error)),
    }
}
