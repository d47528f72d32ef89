//! The key that seals: from the environment or from a file that is its owner's alone.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use ring::hkdf::{HKDF_SHA256, KeyType, Salt};
use ring::rand::{SecureRandom, SystemRandom};
use thiserror::Error;
use zeroize::Zeroizing;

use super::sealed::{Hex, unhex};

const KEY_BYTES: usize = 32;
const ID_BYTES: usize = 8;
/// Longest file: the key, and room for line ends.
const FILE_BYTES_MAX: u64 = 256;
/// What is made of a sealing key, and of which nothing leads to the other or back.
const FOR_CIPHER: &[u8] = b"door-access sealing key 1: cipher";
const FOR_ID: &[u8] = b"door-access sealing key 1: id";

/// A key of 32 random bytes, written as 64 hexadecimal digits. It has no `Display`, its `Debug` shows its id alone, and
/// its memory is overwritten when it goes.
#[derive(Clone)]
pub struct SealingKey {
    bytes: Zeroizing<[u8; KEY_BYTES]>,
    id: SealingKeyId,
}

/// Which sealing key it is: derived from the key in one direction, so that it may be told to anybody.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SealingKeyId([u8; ID_BYTES]);

/// Why there is no sealing key. No text contains one.
#[derive(Debug, Error)]
pub enum SealingKeyError {
    /// Not 64 hexadecimal digits.
    #[error("a sealing key has 64 hexadecimal digits and nothing else: make one with `openssl rand -hex 32`")]
    Form,
    /// All of its bytes are the same: a placeholder.
    #[error("a sealing key is random, and this one is a placeholder: make one with `openssl rand -hex 32`")]
    Placeholder,
    /// The file cannot be read, or not be made.
    #[error("{} cannot be {done}: {error}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// `read`, `made`.
        done: &'static str,
        /// Why.
        #[source]
        error: io::Error,
    },
    /// The file holds no sealing key.
    #[error("{} holds no sealing key: {error}", .path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What it holds.
        #[source]
        error: Box<SealingKeyError>,
    },
    /// The file belongs to somebody else, who can read and change it.
    #[error("{} belongs to another user, and it is a sealing key: use a file of your own", .0.display())]
    Foreign(PathBuf),
    /// Others may read or change the file. Forbid it; when somebody may have read it, make a new key.
    #[error("others may use {path}, and it is a sealing key: run `chmod 600 {path}`", path = .0.display())]
    Shared(PathBuf),
    /// The operating system gives no random numbers. Try again.
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

    /// Reads a key. Blanks and line ends around it are dropped.
    ///
    /// # Errors
    /// [`SealingKeyError::Form`] or [`SealingKeyError::Placeholder`].
    pub fn parse(text: &str) -> Result<Self, SealingKeyError> {
        let decoded = Zeroizing::new(unhex(text.trim()).ok_or(SealingKeyError::Form)?);
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        if decoded.len() != KEY_BYTES {
            return Err(SealingKeyError::Form);
        }
        bytes.copy_from_slice(&decoded);
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

    /// Reads a file that holds a key and nothing else, and is its owner's alone: of this process's user, with no right
    /// for anybody else.
    ///
    /// # Errors
    /// Every [`SealingKeyError`] but [`SealingKeyError::Random`], each with the file.
    pub fn read(path: &Path) -> Result<Self, SealingKeyError> {
        let cannot = |error| SealingKeyError::File { path: path.to_owned(), done: "read", error };
        // What is checked is the file that is read, whatever takes its name meanwhile.
        let file = File::open(path).map_err(cannot)?;
        private::check(&file, path)?;
        let mut text = Zeroizing::new(String::with_capacity(FILE_BYTES_MAX as usize));
        let content = |error| SealingKeyError::Content { path: path.to_owned(), error: Box::new(error) };
        match file.take(FILE_BYTES_MAX).read_to_string(&mut text) {
            Ok(_) => Self::parse(&text).map_err(content),
            Err(error) if error.kind() == io::ErrorKind::InvalidData => Err(content(SealingKeyError::Form)),
            Err(error) => Err(cannot(error)),
        }
    }

    /// Makes a new key and a file for it, which appears whole or not at all and is on the disk then. The folder is made
    /// if need be, for its owner alone. A file that is there stays, and is an error.
    ///
    /// # Errors
    /// [`SealingKeyError::File`] or [`SealingKeyError::Random`].
    pub fn create(path: &Path) -> Result<Self, SealingKeyError> {
        let key = Self::generate()?;
        let text = Zeroizing::new(format!("{}\n", Hex(&*key.bytes)));
        let folder = match path.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        };
        let partial = path.with_added_extension("partial");
        let write = || -> io::Result<()> {
            private::make_folder(folder)?;
            match fs::remove_file(&partial) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            let mut file = private::create(&partial)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            // Not renamed: that would replace a key with which something may be sealed.
            let linked = fs::hard_link(&partial, path);
            fs::remove_file(&partial)?;
            linked?;
            File::open(folder)?.sync_all()
        };
        match write() {
            Ok(()) => Ok(key),
            Err(error) => Err(SealingKeyError::File { path: path.to_owned(), done: "made", error }),
        }
    }

    /// Which one it is.
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

impl SealingKeyId {
    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl From<[u8; ID_BYTES]> for SealingKeyId {
    fn from(bytes: [u8; ID_BYTES]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for SealingKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Hex(&self.0).fmt(f)
    }
}

impl fmt::Debug for SealingKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Fills `out` with what HKDF makes of the key for a purpose; `None` when it is longer than HKDF gives, which none is.
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

/// Files that are their owner's alone.
#[cfg(unix)]
mod private {
    use std::fs::{DirBuilder, File, OpenOptions};
    use std::io;
    use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
    use std::path::Path;

    use super::SealingKeyError;

    const OTHERS: u32 = 0o077;

    pub(super) fn make_folder(folder: &Path) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)
    }

    pub(super) fn create(path: &Path) -> io::Result<File> {
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
    }

    pub(super) fn check(file: &File, path: &Path) -> Result<(), SealingKeyError> {
        let cannot = |error| SealingKeyError::File { path: path.to_owned(), done: "read", error };
        let metadata = file.metadata().map_err(cannot)?;
        if metadata.uid() != rustix::process::geteuid().as_raw() {
            return Err(SealingKeyError::Foreign(path.to_owned()));
        }
        match metadata.mode() & OTHERS {
            0 => Ok(()),
            _ => Err(SealingKeyError::Shared(path.to_owned())),
        }
    }
}

#[cfg(not(unix))]
mod private {
    use std::fs::File;
    use std::io;
    use std::path::Path;

    use super::SealingKeyError;

    fn unknown() -> io::Error {
        io::Error::other("who may read a file can be checked on Unix only: give the key in the environment")
    }

    pub(super) fn make_folder(_: &Path) -> io::Result<()> {
        Err(unknown())
    }

    pub(super) fn create(_: &Path) -> io::Result<File> {
        Err(unknown())
    }

    pub(super) fn check(_: &File, path: &Path) -> Result<(), SealingKeyError> {
        Err(SealingKeyError::File { path: path.to_owned(), done: "read", error: unknown() })
    }
}
