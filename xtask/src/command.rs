//! Running other programs: to their end, for what they print, or for a bounded time.
//!
//! Every failure names the program and its arguments, so that a person can run the same by hand.

use std::io::{Read, Seek};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// How often a bounded program is looked at: short beside any download, long beside a system call.
const POLL: Duration = Duration::from_millis(50);

/// How a program ended that was given only so much time.
#[derive(Debug)]
pub(crate) enum Bounded {
    /// It succeeded.
    Succeeded,
    /// It failed; what it printed on both streams.
    Failed { printed: String },
    /// It was still running when the time was up, and was killed.
    TimedOut,
}

/// Runs a program with our own streams and demands success.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("failed to start {}", line(command)))?;
    if !status.success() {
        bail!("{} ended with {status}", line(command));
    }
    Ok(())
}

/// Runs a program, demands success and returns its standard output. Its standard error is part of the message
/// when it fails, and nothing otherwise.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("failed to start {}", line(command)))?;
    if !output.status.success() {
        let printed = String::from_utf8_lossy(&output.stderr);
        bail!("{} ended with {}: {}", line(command), output.status, last_line(&printed));
    }
    String::from_utf8(output.stdout).with_context(|| format!("{} printed other than UTF-8", line(command)))
}

/// Runs a program for at most `limit`, then kills it.
///
/// Its output goes to a file, not a pipe: a grandchild that outlives the kill could hold a pipe open for ever.
pub(crate) fn bounded(command: &mut Command, limit: Duration) -> Result<Bounded> {
    let mut printed = tempfile::tempfile().context("failed to open a temporary file")?;
    let mut child = command
        .stdin(Stdio::null())
        .stdout(printed.try_clone()?)
        .stderr(printed.try_clone()?)
        .spawn()
        .with_context(|| format!("failed to start {}", line(command)))?;

    let deadline = Instant::now() + limit;
    let status = loop {
        match child.try_wait()? {
            Some(status) => break status,
            None if Instant::now() >= deadline => {
                child.kill()?;
                child.wait()?;
                return Ok(Bounded::TimedOut);
            }
            None => std::thread::sleep(POLL),
        }
    };
    if status.success() {
        return Ok(Bounded::Succeeded);
    }
    let mut bytes = Vec::new();
    printed.rewind()?;
    printed.read_to_end(&mut bytes)?;
    Ok(Bounded::Failed { printed: String::from_utf8_lossy(&bytes).into_owned() })
}

/// A program and its arguments as a person would type them, for messages only.
pub(crate) fn line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let words: Vec<_> = words.map(|word| word.to_string_lossy()).collect();
    format!("`{}`", words.join(" "))
}

/// The last line with something on it: where most programs say what went wrong.
pub(crate) fn last_line(printed: &str) -> &str {
    printed.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or("it printed nothing")
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
    fn a_program_that_hangs_is_ended_in_bounded_time() {
        let started = Instant::now();
        let ended = bounded(&mut shell("exec sleep 60"), Duration::from_millis(100)).unwrap();
        assert!(matches!(ended, Bounded::TimedOut), "{ended:?}");
        assert!(started.elapsed() < Duration::from_secs(30));
    }

    #[test]
    fn a_failure_carries_what_the_program_printed() {
        let ended = bounded(&mut shell("echo one; echo two >&2; exit 3"), Duration::from_secs(30)).unwrap();
        match ended {
            Bounded::Failed { printed } => assert_eq!(last_line(&printed), "two"),
            other => panic!("{other:?}"),
        }
        let error = output(&mut shell("echo lost >&2; exit 1")).unwrap_err();
        assert!(error.to_string().ends_with(": lost"), "{error}");
    }

    #[test]
    fn success_is_told_apart_and_output_is_returned() {
        assert!(matches!(bounded(&mut shell("true"), Duration::from_secs(30)).unwrap(), Bounded::Succeeded));
        assert_eq!(output(&mut shell("echo hello")).unwrap(), "hello\n");
        assert!(run(&mut shell("exit 1")).is_err());
        assert!(output(&mut Command::new("no-such-program-anywhere")).is_err());
    }
}
