//! Turns: one process at a time works on an installation, and others wait.
//!
//! When a short command waits, a long command stops between two steps and releases the lock. After the short one it
//! begins again like a new command, and reads the members' files and the records again. So a door need not wait for a
//! full sync, and a long command never overwrites a short one's work with older data. A long command keeps its [`Place`]
//! meanwhile, so that no other long one begins.

use std::fs::{File, TryLockError};
use std::io::{ErrorKind, Read, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use super::console::Console;
use super::private;
use super::state::{cannot, is_installed};
use crate::args::Installation;
use crate::exit::{Exit, Stop};
use door_access_scenario::unusable::Unusable;

pub(super) const LOCK: &str = "lock";
/// Short commands hold a shared lock on this file while they wait.
pub(super) const QUEUE: &str = "queue";
/// A long command holds a lock on this file from its beginning to its end.
pub(super) const PLACE: &str = "place";

/// Interval between two attempts to lock.
const POLL: Duration = Duration::from_millis(20);
/// How long a command waits before it prints that it waits.
const SILENCE: Duration = Duration::from_secs(1);
/// Shortest time for which a long command leaves the lock to short ones.
const GAP: Duration = Duration::from_millis(100);
/// Longest such time, even if more short commands arrive.
const GAP_MAX: Duration = Duration::from_secs(10);

/// The place of a long command among long ones. It is released when this is dropped.
#[derive(Default)]
pub(super) struct Place(Option<File>);

impl Place {
    /// Whether the command has its place, or needs none. Takes it when it is free.
    fn take(&mut self, installation: &Installation, folder: &Path) -> Result<bool, Stop> {
        if installation.command.is_short() || self.0.is_some() {
            return Ok(true);
        }
        let path = folder.join(PLACE);
        let file = private::open(&path).map_err(|error| is_gone(folder, &path, &error))?;
        match file.try_lock() {
            Ok(()) if private::is_at(&file, &path) => self.0 = Some(file),
            Ok(()) | Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => return Err(cannot(&path, "cannot be locked", &error).into()),
        }
        Ok(self.0.is_some())
    }
}

/// Waits for the lock. It is released when the file is closed, at the latest when the process ends in any way.
pub(super) async fn take(
    installation: &Installation,
    place: &mut Place,
    console: &mut Console<'_>,
) -> Result<File, Stop> {
    let folder = installation.common.state.as_path();
    let wait = Duration::from_secs(installation.common.wait);
    let path = folder.join(LOCK);
    let begun = Instant::now();
    let (mut queue, mut has_said) = (None, false);
    loop {
        let mut lock = private::open(&path).map_err(|error| is_gone(folder, &path, &error))?;
        let locked = match place.take(installation, folder)? {
            true => lock.try_lock(),
            false => Err(TryLockError::WouldBlock),
        };
        match locked {
            // The process that held the lock ended the installation and removed the file.
            Ok(()) if !private::is_at(&lock, &path) => continue,
            Ok(()) => {
                let written = lock.set_len(0).and_then(|()| write!(lock, "{}", std::process::id()));
                written.map_err(|error| cannot(&path, "cannot be written", &error))?;
                return Ok(lock);
            }
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => {
                return Err(cannot(&path, "cannot be locked", &error).into());
            }
        }
        let waited = begun.elapsed();
        if waited >= wait {
            return Err(Stop::Ended(Exit::Unfinished, busy(&mut lock, folder)));
        }
        if installation.command.is_short() && queue.is_none() {
            queue = Some(enqueue(folder)?);
        }
        if waited >= SILENCE && !has_said {
            console.note("Waiting for another harness command, which is working on this installation.");
            has_said = true;
        }
        tokio::time::sleep(POLL).await;
    }
}

/// Why a file of the folder cannot be opened. The process that held the lock may have ended the installation.
fn is_gone(folder: &Path, path: &Path, error: &std::io::Error) -> Unusable {
    match is_installed(folder) {
        Err(gone) if error.kind() == ErrorKind::NotFound => gone,
        _ => cannot(path, "cannot be made", error),
    }
}

fn busy(lock: &mut File, folder: &Path) -> String {
    let mut process = String::new();
    // Without a readable number, the sentence names no process.
    let _ = lock.read_to_string(&mut process);
    let process = if process.is_empty() { String::new() } else { format!(" (process {process})") };
    format!(
        "another harness command{process} is at work on the installation in {}: run the same command again when it has ended, \
         or let it wait for longer with --wait",
        folder.display()
    )
}

/// Joins the queue. The command leaves it when the file is closed.
fn enqueue(folder: &Path) -> Result<File, Unusable> {
    let path = folder.join(QUEUE);
    let queue = private::open(&path).and_then(|queue| queue.lock_shared().map(|()| queue));
    queue.map_err(|error| cannot(&path, "cannot be locked", &error))
}

/// Whether a short command waits.
pub(super) fn is_wanted(folder: &Path) -> bool {
    let path = folder.join(QUEUE);
    path.exists()
        && private::open(&path).is_ok_and(|queue| matches!(queue.try_lock(), Err(TryLockError::WouldBlock)))
}

/// Waits while short commands use the folder. The caller has released the lock.
pub(super) async fn give_way(folder: &Path) {
    let begun = Instant::now();
    loop {
        tokio::time::sleep(GAP).await;
        if begun.elapsed() >= GAP_MAX || !is_wanted(folder) {
            return;
        }
    }
}
