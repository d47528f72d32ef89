//! Whose turn it is: one program at a time works on an installation, and whoever comes meanwhile waits for a while.
//!
//! Long work ends between two steps when somebody stands in the queue, and begins again behind them as a new command
//! would: with the members' files and the records as they are then. So nobody waits at a door for a sync of everybody,
//! and nothing that a short command did is undone by what long work had read before.

use std::fs::{File, TryLockError};
use std::io::{ErrorKind, Read, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use super::console::Console;
use super::state::{cannot, private, there};
use crate::args::Installation;
use crate::exit::{Exit, Stop};
use door_access_scenario::unusable::Unusable;

pub(super) const LOCK: &str = "lock";
/// Whoever is let in between two steps holds this one, together with others, for as long as they wait.
pub(super) const QUEUE: &str = "queue";

/// How often is looked whether it is free.
const LOOK: Duration = Duration::from_millis(20);
/// Whoever waits for longer is told why.
const SILENCE: Duration = Duration::from_secs(1);
/// Long work leaves the folder alone for at least so long, that whoever is in the queue finds it free.
const GAP: Duration = Duration::from_millis(100);
/// Then it is its turn again, whoever still comes.
const GAP_MAX: Duration = Duration::from_secs(10);

/// A command's turn.
pub(super) struct Turn<'a, 'b> {
    wait: Duration,
    is_short: bool,
    console: &'a mut Console<'b>,
}

impl<'a, 'b> Turn<'a, 'b> {
    pub(super) fn of(command: &Installation, console: &'a mut Console<'b>) -> Turn<'a, 'b> {
        let wait = Duration::from_secs(command.common().wait);
        Turn { wait, is_short: command.is_short(), console }
    }

    /// Waits for it. The lock is given back when the process ends, however it does.
    pub(super) async fn take(&mut self, folder: &Path) -> Result<File, Stop> {
        let path = folder.join(LOCK);
        let begun = Instant::now();
        let (mut queue, mut is_told) = (None, false);
        loop {
            let opened = private::open(&path).map_err(|error| match there(folder) {
                // Whoever was waited for ended the installation, and the folder is gone.
                Err(gone) if error.kind() == ErrorKind::NotFound => gone,
                _ => cannot(&path, "cannot be made", &error),
            });
            let mut lock = opened?;
            match lock.try_lock() {
                // Whoever ended the installation removed the file that was waited for.
                Ok(()) if !private::is_at(&lock, &path) => continue,
                Ok(()) => {
                    let told = lock.set_len(0).and_then(|()| write!(lock, "{}", std::process::id()));
                    told.map_err(|error| cannot(&path, "cannot be written", &error))?;
                    return Ok(lock);
                }
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => {
                    return Err(cannot(&path, "cannot be locked", &error).into());
                }
            }
            let waited = begun.elapsed();
            if waited >= self.wait {
                return Err(Stop::Ended(Exit::Unfinished, busy(&mut lock, folder)));
            }
            if self.is_short && queue.is_none() {
                queue = Some(stand(folder)?);
            }
            if waited >= SILENCE && !is_told {
                self.console.note("Waits for another harness, which is at work on this installation.");
                is_told = true;
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}

fn busy(lock: &mut File, folder: &Path) -> String {
    let mut process = String::new();
    // Without the number the sentence is still true.
    let _ = lock.read_to_string(&mut process);
    let process = if process.is_empty() { String::new() } else { format!(" (process {process})") };
    format!(
        "another harness{process} is at work on the installation in {}: run the same command again when it has ended, \
         or let it wait for longer with --wait",
        folder.display()
    )
}

/// Stands in the queue for as long as the file is open.
fn stand(folder: &Path) -> Result<File, Unusable> {
    let path = folder.join(QUEUE);
    let queue = private::open(&path).and_then(|queue| queue.lock_shared().map(|()| queue));
    queue.map_err(|error| cannot(&path, "cannot be locked", &error))
}

/// Whether somebody waits who is let in between two steps.
pub(super) fn somebody_waits(folder: &Path) -> bool {
    let path = folder.join(QUEUE);
    if !path.exists() {
        return false;
    }
    private::open(&path).is_ok_and(|queue| matches!(queue.try_lock(), Err(TryLockError::WouldBlock)))
}

/// Leaves the folder, which is free by now, to those who wait.
pub(super) async fn give_way(folder: &Path) {
    let begun = Instant::now();
    loop {
        tokio::time::sleep(GAP).await;
        if begun.elapsed() >= GAP_MAX || !somebody_waits(folder) {
            return;
        }
    }
}
