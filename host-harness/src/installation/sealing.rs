//! The gym's key, sealed in the installation's folder, and the key that seals it, which is kept elsewhere: given in the
//! environment or in a file, or made for this installation in the user's configuration folder.
//!
//! Each change replaces one file as a whole, so that a command that ends at any point leaves a key that opens.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::console::Console;
use super::state::{State, cannot, remove};
use crate::Surroundings;
use crate::args::Common;
use door_access_host::{Sealed, SealingKey, SealingKeyError, SealingKeyId, Vault, VaultError};
use door_access_scenario::unusable::{Unusable, unusable};
use door_access_scenario::world::Key;

const SEALED: &str = "key.sealed";
/// The installation's own number, to which its sealed key is bound.
const TENANT: &str = "tenant";
/// The file in which earlier versions kept the key unsealed.
const PLAIN: &str = "key";

/// Subfolder of the user's configuration folder.
const OWN_FOLDER: &str = "door-access";
/// Longest sealed key.
const SEALED_BYTES_MAX: u64 = 64 << 10;
/// Digits of an installation's number, which is random.
const TENANT_DIGITS: usize = 32;

/// The source of the sealing key: a given one, or else a file of the installation's own.
pub(super) struct Sealing {
    given: Option<SealingKey>,
    /// The folder with one file for each installation.
    folder: Option<PathBuf>,
}

/// The files of an installation's own sealing key.
struct Own {
    key: PathBuf,
    /// Its successor during a rotation.
    next: PathBuf,
}

impl Sealing {
    /// The source that the command line and the environment name.
    pub(super) fn new(common: &Common, surroundings: &Surroundings) -> Result<Sealing, Unusable> {
        let file = common.sealing_key_file.as_deref();
        let given =
            given("HARNESS_SEALING_KEY", "--sealing-key-file", surroundings.sealing_key.as_deref(), file)?;
        let folder = surroundings.config.as_ref().map(|config| config.join(OWN_FOLDER));
        if given.is_none() && folder.is_none() {
            return unusable(
                "there is no place for the key that seals the gym's key: give it in HARNESS_SEALING_KEY or with \
                 --sealing-key-file, or set HOME",
            );
        }
        Ok(Sealing { given, folder })
    }

    fn own(&self, tenant: &str) -> Option<Own> {
        let key = self.folder.as_ref()?.join(format!("{tenant}.key"));
        Some(Own { next: key.with_added_extension("new"), key })
    }

    /// The keys that may have sealed something.
    fn keys(&self, tenant: &str) -> Result<Vec<SealingKey>, Unusable> {
        match (&self.given, self.own(tenant)) {
            (Some(key), _) => Ok(vec![key.clone()]),
            (None, Some(own)) => Ok([read(&own.key)?, read(&own.next)?].into_iter().flatten().collect()),
            (None, None) => Ok(Vec::new()),
        }
    }

    /// The key to seal with. Makes an installation's own if needed.
    fn current(&self, tenant: &str) -> Result<SealingKey, Unusable> {
        match (&self.given, self.own(tenant)) {
            (Some(key), _) => Ok(key.clone()),
            (None, Some(own)) => read_or_make(&own.key),
            (None, None) => unusable("there is no folder for the key that seals the gym's key"),
        }
    }

    /// Removes an installation's own sealing key, unless it is `kept`: the user may give the very same file.
    fn forget_own(&self, tenant: &str, kept: Option<SealingKeyId>) -> Result<(), Unusable> {
        let own = self.own(tenant);
        for path in own.iter().flat_map(|own| [&own.next, &own.key]) {
            let is = |kept| read(path).is_ok_and(|key| key.is_some_and(|key| key.id() == kept));
            let key = (!kept.is_some_and(is)).then(|| path.clone());
            for path in key.into_iter().chain([path.with_added_extension("partial")]) {
                remove(&path).map_err(|error| cannot(&path, "cannot be removed", &error))?;
            }
        }
        Ok(())
    }
}

/// A sealing key from the environment or a file. Giving both is an error, because only one can be meant.
pub(super) fn given(
    variable: &str,
    option: &str,
    text: Option<&OsStr>,
    file: Option<&Path>,
) -> Result<Option<SealingKey>, Unusable> {
    match (text, file) {
        (None, None) => Ok(None),
        // The message does not repeat the name: it may be a key, given by mistake instead of a file.
        (None, Some(file)) => read(file)?.map(Some).ok_or_else(|| {
            Unusable::new(format!(
                "{option} or {variable}_FILE: there is no such file; name one that holds a sealing key and nothing else"
            ))
        }),
        (Some(text), None) => SealingKey::parse(&text.to_string_lossy())
            .map(Some)
            .map_err(|error| Unusable::new(format!("{variable}: {error}"))),
        (Some(_), Some(_)) => unusable(format!(
            "{variable} holds a sealing key, and a file with one is named, too: give one of both"
        )),
    }
}

/// The sealing key in a file; `None` when there is no such file.
fn read(path: &Path) -> Result<Option<SealingKey>, Unusable> {
    match SealingKey::read(path) {
        Err(SealingKeyError::File { error, .. }) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        read => read.map(Some).map_err(|error| Unusable::new(error.to_string())),
    }
}

fn read_or_make(path: &Path) -> Result<SealingKey, Unusable> {
    match read(path)? {
        Some(key) => Ok(key),
        None => SealingKey::create(path).map_err(|error| Unusable::new(error.to_string())),
    }
}

/// Whether a key is in the folder.
pub(super) fn is_kept(folder: &Path) -> bool {
    [PLAIN, "key.partial", SEALED].iter().any(|name| folder.join(name).exists())
}

/// The gym's key, when there is one. Seals a key that an earlier version kept unsealed.
pub(super) fn key(
    state: &State,
    sealing: &Sealing,
    console: &mut Console<'_>,
) -> Result<Option<Key>, Unusable> {
    if let Some(path) = state.owned(PLAIN, "it is the gym's key")? {
        // Only an earlier version writes it, so it is not older than the sealed one.
        let key = Key::read(&path)?;
        keep(state, sealing, &key)?;
        console.note(&format!(
            "The gym's key was kept unsealed, in {}. It is sealed now; copies and backups of the folder still have it.",
            path.display()
        ));
        return Ok(Some(key));
    }
    let Some(sealed) = sealed(state)? else { return Ok(None) };
    let tenant = tenant(state)?;
    let vault = vault(state, &sealed, sealing.keys(&tenant)?)?;
    let secret = vault.open(&tenant, &sealed).map_err(|error| cannot_open(state, &error))?;
    Ok(Some(Key::from(secret)))
}

/// Seals the gym's key in the folder, and removes its other copies.
pub(super) fn keep(state: &State, sealing: &Sealing, key: &Key) -> Result<(), Unusable> {
    let tenant = match tenant(state) {
        Ok(tenant) => tenant,
        Err(_) => new_tenant(state)?,
    };
    let sealed = Vault::new(sealing.current(&tenant)?).seal(&tenant, &key.secret());
    write(state, &sealed.map_err(|error| Unusable::new(error.to_string()))?)?;
    if let Some(given) = &sealing.given {
        sealing.forget_own(&tenant, Some(given.id()))?;
    }
    state.forget(PLAIN)
}

/// Forgets the gym's key, and the sealing key that was made for it.
pub(super) fn forget(state: &State, sealing: &Sealing) -> Result<(), Unusable> {
    [PLAIN, SEALED].iter().try_for_each(|name| state.forget(name))?;
    if let Ok(tenant) = tenant(state) {
        sealing.forget_own(&tenant, sealing.given.as_ref().map(SealingKey::id))?;
    }
    state.forget(TENANT)
}

/// Seals the gym's key with another sealing key, the given one or a new one of the installation's own, and returns its
/// id. It may end at any point and be run again: the former sealing key opens the sealed key until that is replaced, and
/// the new one from then on.
pub(super) fn rotate(
    state: &State,
    sealing: &Sealing,
    new: Option<SealingKey>,
    console: &mut Console<'_>,
) -> Result<SealingKeyId, Unusable> {
    if state.holds(PLAIN) {
        key(state, sealing, console)?;
    }
    let Some(sealed) = sealed(state)? else {
        return unusable("there is no key to seal: run `harness connect`");
    };
    let tenant = tenant(state)?;
    let former = sealing.keys(&tenant)?;
    let own = sealing.own(&tenant).filter(|_| sealing.given.is_none());
    match (new, own) {
        (Some(new), _) => {
            let id = new.id();
            reseal(state, &tenant, &sealed, new, former)?;
            sealing.forget_own(&tenant, Some(id))?;
            Ok(id)
        }
        (None, Some(own)) => {
            vault(state, &sealed, former.clone())?
                .open(&tenant, &sealed)
                .map_err(|error| cannot_open(state, &error))?;
            let new = read_or_make(&own.next)?;
            let id = new.id();
            reseal(state, &tenant, &sealed, new, former)?;
            replace(&own).map_err(|error| cannot(&own.key, "cannot be replaced", &error))?;
            Ok(id)
        }
        (None, None) => unusable(
            "the sealing key is given, so the new one must be, too: in HARNESS_NEW_SEALING_KEY or with \
             --new-sealing-key-file",
        ),
    }
}

fn reseal(
    state: &State,
    tenant: &str,
    sealed: &Sealed,
    new: SealingKey,
    former: Vec<SealingKey>,
) -> Result<(), Unusable> {
    let vault = former.into_iter().fold(Vault::new(new), Vault::with_former);
    match vault.reseal(tenant, sealed).map_err(|error| cannot_open(state, &error))? {
        Some(sealed) => write(state, &sealed),
        None => Ok(()),
    }
}

fn replace(own: &Own) -> io::Result<()> {
    fs::rename(&own.next, &own.key)?;
    own.key.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

/// A vault with these keys, of which there must be one at least.
fn vault(state: &State, sealed: &Sealed, keys: Vec<SealingKey>) -> Result<Vault, Unusable> {
    let mut keys = keys.into_iter();
    match keys.next() {
        Some(first) => Ok(keys.fold(Vault::new(first), Vault::with_former)),
        None => unusable(format!(
            "the gym's key in {} was sealed with the sealing key {}, which is not here: give it in HARNESS_SEALING_KEY \
             or with --sealing-key-file, or seal the gym's key again with `harness connect --key-file FILE`",
            state.folder().display(),
            sealed.key()
        )),
    }
}

fn sealed(state: &State) -> Result<Option<Sealed>, Unusable> {
    let Some(path) = state.owned(SEALED, "the gym's key is sealed in it")? else { return Ok(None) };
    let mut bytes = Vec::new();
    File::open(&path)
        .and_then(|file| file.take(SEALED_BYTES_MAX).read_to_end(&mut bytes))
        .map_err(|error| cannot(&path, "cannot be read", &error))?;
    let sealed = String::from_utf8_lossy(&bytes).parse();
    sealed.map(Some).map_err(|error| cannot_open(state, &error))
}

fn write(state: &State, sealed: &Sealed) -> Result<(), Unusable> {
    state.replace(SEALED, format!("{sealed}\n").as_bytes())
}

fn cannot_open(state: &State, error: &VaultError) -> Unusable {
    let advice = match error {
        VaultError::Form | VaultError::Refused => " with `harness connect --key-file FILE`".to_owned(),
        VaultError::UnknownKey { sealed_with, .. } => format!(
            ": give the key {sealed_with} in HARNESS_SEALING_KEY or with --sealing-key-file, or seal the gym's key again \
             with `harness connect --key-file FILE`"
        ),
        VaultError::Version(_) | VaultError::Random => String::new(),
    };
    let path = state.folder().join(SEALED);
    Unusable::new(format!("the gym's key in {} cannot be opened: {error}{advice}", path.display()))
}

/// The installation's number.
fn tenant(state: &State) -> Result<String, Unusable> {
    let path = state.folder().join(TENANT);
    let text = fs::read_to_string(&path).unwrap_or_default();
    let number = text.trim_end();
    // It becomes the name of a file.
    if number.len() == TENANT_DIGITS && number.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(number.to_owned());
    }
    unusable(format!(
        "{} does not hold the installation's number any more: restore it from a backup, or give the gym's key again \
         with `harness connect --key-file FILE`",
        path.display()
    ))
}

/// Gives the installation a number.
fn new_tenant(state: &State) -> Result<String, Unusable> {
    let mut bytes = [0; TENANT_DIGITS / 2];
    ring::rand::SecureRandom::fill(&ring::rand::SystemRandom::new(), &mut bytes)
        .map_err(|_| Unusable::new(VaultError::Random.to_string()))?;
    let number = hex::encode(bytes);
    state.replace(TENANT, format!("{number}\n").as_bytes())?;
    Ok(number)
}
