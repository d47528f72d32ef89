//! The demo's two child programs: the simulator in the background, the harness in front.
//!
//! Neither outlives the demo. The simulator is killed when its value is dropped, and interrupts do not end this
//! program but the harness, so that the drops (and with them the key file's removal) still happen.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::command;

/// The simulator opens a port and reads a seed; even a loaded machine does that in a fraction of this.
const GREETING_LIMIT: Duration = Duration::from_secs(30);
/// What the harness gets to end by itself after an interrupt. A terminal interrupts it along with us.
const GRACE: Duration = Duration::from_secs(3);
/// How often the harness and the interrupt flag are looked at.
const POLL: Duration = Duration::from_millis(20);

/// The line that the simulator prints when it listens.
pub(super) struct Greeting {
    /// Where it listens.
    pub(super) address: String,
    /// The key that it takes.
    pub(super) key: String,
}

/// A simulator that runs until this value is dropped.
pub(super) struct Simulator {
    /// What it said of itself.
    pub(super) greeting: Greeting,
    _process: Running,
}

impl Simulator {
    /// Starts the simulator and waits for its greeting.
    pub(super) fn start(command: &mut Command) -> Result<Self> {
        let mut process = Running::start(command.stdin(Stdio::null()).stdout(Stdio::piped()))?;
        let output = process.0.stdout.take().context("the simulator has no standard output")?;
        let (sender, receiver) = mpsc::channel();
        std::thread::spawn(move || {
            let mut lines = BufReader::new(output).lines();
            // Nobody waits any more if the sending fails.
            let _ = sender.send(lines.next());
            // Read on to the end: a simulator that prints must not stall on a full pipe.
            lines.take_while(Result::is_ok).for_each(drop);
        });
        let line = match receiver.recv_timeout(GREETING_LIMIT) {
            Ok(Some(line)) => line.context("failed to read what the simulator printed")?,
            Ok(None) => bail!("the simulator ended before it listened"),
            Err(_) => bail!("the simulator did not listen within {} s", GREETING_LIMIT.as_secs()),
        };
        Ok(Self { greeting: Greeting::parse(&line)?, _process: process })
    }
}

impl Greeting {
    /// Reads the line by hand: messages made by a derive would repeat parts of it, and it holds the key.
    fn parse(line: &str) -> Result<Self> {
        let greeting: Value = serde_json::from_str(line).context("the simulator's greeting is not JSON")?;
        let field = |name: &str| -> Result<String> {
            let text = greeting.get(name).and_then(Value::as_str);
            Ok(text.with_context(|| format!("the simulator's greeting has no `{name}`"))?.to_owned())
        };
        Ok(Self { address: field("address")?, key: field("key")? })
    }
}

/// How a program in front ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// By itself, with this exit code.
    By { code: u8 },
    /// Because the user asked for it.
    Interrupted,
}

/// Runs a program in front, with our own streams, until it ends or an interrupt comes.
pub(super) fn wait(command: &mut Command, interrupted: &AtomicBool) -> Result<Ended> {
    let mut process = Running::start(command)?;
    let mut deadline = None;
    loop {
        let asked_to_stop = interrupted.load(Ordering::SeqCst);
        if let Some(status) = process.0.try_wait()? {
            // No code means that a signal ended it, and the only one expected is the user's.
            let code = status.code().map_or(1, |code| u8::try_from(code).unwrap_or(1));
            return Ok(if asked_to_stop { Ended::Interrupted } else { Ended::By { code } });
        }
        if asked_to_stop {
            let deadline = *deadline.get_or_insert_with(|| Instant::now() + GRACE);
            if Instant::now() >= deadline {
                return Ok(Ended::Interrupted);
            }
        }
        std::thread::sleep(POLL);
    }
}

/// From now on an interrupt (or a request to terminate) sets this flag instead of ending the program.
pub(super) fn watch_for_interrupts() -> Result<Arc<AtomicBool>> {
    let interrupted = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&interrupted);
    ctrlc::set_handler(move || flag.store(true, Ordering::SeqCst))
        .context("failed to watch for interrupts")?;
    Ok(interrupted)
}

/// A child that is killed and collected when the value is dropped.
struct Running(Child);

impl Running {
    fn start(command: &mut Command) -> Result<Self> {
        let child = command.spawn();
        Ok(Self(child.with_context(|| format!("failed to start {}", command::line(command)))?))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail for a child that has ended already, which is what is wanted.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn a_greeting_is_read_and_the_simulator_ends_with_its_value() {
        let folder = tempfile::tempdir().unwrap();
        let pid_file = folder.path().join("pid");
        let script = format!(
            r#"echo $$ > {}; echo '{{"address":"127.0.0.1:9","key":"k","more":1}}'; exec sleep 60"#,
            pid_file.display()
        );
        let simulator = Simulator::start(&mut shell(&script)).unwrap();
        assert_eq!(simulator.greeting.address, "127.0.0.1:9");
        assert_eq!(simulator.greeting.key, "k");
        let pid = std::fs::read_to_string(&pid_file).unwrap();
        let alive = || shell(&format!("kill -0 {} 2>/dev/null", pid.trim())).status().unwrap().success();
        assert!(alive());
        drop(simulator);
        assert!(!alive());
    }

    #[test]
    fn a_bad_greeting_does_not_repeat_what_may_hold_the_key() {
        for (script, needle) in [
            ("echo '{\"key\":\"hush\"}'", "address"),
            ("echo hush", "not JSON"),
            ("echo '\"hush\"'", "address"),
            ("true", "ended"),
        ] {
            let error = Simulator::start(&mut shell(script)).err().unwrap();
            let message = format!("{error:#}");
            assert!(message.contains(needle), "{message}");
            assert!(!message.contains("hush"), "{message}");
        }
    }

    #[test]
    fn the_exit_code_of_the_program_in_front_is_passed_on() {
        let quiet = AtomicBool::new(false);
        for code in [0, 1, 7, 64] {
            let ended = wait(&mut shell(&format!("exit {code}")), &quiet).unwrap();
            assert_eq!(ended, Ended::By { code });
        }
    }

    #[test]
    fn an_interrupt_ends_a_program_that_does_not_listen_to_it() {
        let started = Instant::now();
        let interrupted = AtomicBool::new(true);
        assert_eq!(wait(&mut shell("exec sleep 60"), &interrupted).unwrap(), Ended::Interrupted);
        assert!(started.elapsed() >= GRACE && started.elapsed() < Duration::from_secs(30));
    }
}
