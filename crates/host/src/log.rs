//! The plugin's log lines: their destination, and the quota of a call.

use crate::contract::log::{Field, Level};
use crate::limits::Limits;
use crate::shown::OneLine;

/// Replaces a line that contained the tenant's key.
const WITHHELD: &str = "a log line was withheld: it contained the tenant's key";
/// Counted per field besides its text: a blank, an equals sign, and quotes. Otherwise empty fields would be free, and a
/// line could have as many as fit in the guest's memory.
const FIELD_BYTES: usize = 4;
/// A call's last line when lines were dropped.
const DROPPED: &str = "log lines over the call's limit were dropped";

/// One line that a plugin wrote during a call.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct LogLine {
    /// The tenant of the call.
    pub tenant: String,
    /// Counts the tenant's calls from 1.
    pub call: u64,
    /// When, in milliseconds since the Unix epoch on the tenant's clock.
    pub at_ms: u64,
    /// Its level.
    pub level: Level,
    /// Its message.
    pub message: String,
    /// Its structured data.
    pub fields: Vec<Field>,
}

/// Receives a tenant's log lines, during the guest's call: it should be quick and must not block.
///
/// Lines are the plugin's own text and may contain line ends and control characters. A sink that writes to a file or a
/// terminal must keep each on one line; see [`OneLine`](crate::OneLine).
pub trait LogSink: Send + Sync {
    /// Receives a line.
    fn write(&self, line: &LogLine);
}

/// Passes lines to the process's `tracing` subscriber, with the target `door_access::plugin`.
#[derive(Clone, Copy, Debug, Default)]
pub struct TracingSink;

impl LogSink for TracingSink {
    fn write(&self, line: &LogLine) {
        let fields = Fields(&line.fields);
        let LogLine { tenant, call, message, .. } = line;
        let message = OneLine(message);
        macro_rules! event {
            ($level:ident) => {
                tracing::event!(target: "door_access::plugin", tracing::Level::$level, %tenant, call, %fields, "{message}")
            };
        }
        match line.level {
            Level::Debug => event!(DEBUG),
            Level::Info => event!(INFO),
            Level::Warn => event!(WARN),
            Level::Error => event!(ERROR),
        }
    }
}

struct Fields<'a>(&'a [Field]);

impl std::fmt::Display for Fields<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (place, field) in self.0.iter().enumerate() {
            let blank = if place == 0 { "" } else { " " };
            write!(f, "{blank}{}={:?}", OneLine(&field.name), field.value)?;
        }
        Ok(())
    }
}

/// How much a call has logged.
#[derive(Debug)]
pub(crate) struct LogQuota {
    lines_left: u32,
    bytes_left: usize,
    dropped: u32,
}

impl LogQuota {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self { lines_left: limits.log_lines_max, bytes_left: limits.log_bytes_max, dropped: 0 }
    }

    /// Whether the line fits in the quota. Counts it as written or as dropped.
    pub(crate) fn takes(&mut self, message: &str, fields: &[Field]) -> bool {
        let bytes = fields
            .iter()
            .fold(message.len(), |sum, field| sum + FIELD_BYTES + field.name.len() + field.value.len());
        match (self.lines_left.checked_sub(1), self.bytes_left.checked_sub(bytes)) {
            (Some(lines_left), Some(bytes_left)) => {
                (self.lines_left, self.bytes_left) = (lines_left, bytes_left);
                true
            }
            _ => {
                self.dropped += 1;
                false
            }
        }
    }

    pub(crate) fn lines_left(&self) -> u32 {
        self.lines_left
    }

    pub(crate) fn dropped(&self) -> u32 {
        self.dropped
    }

    /// The line about dropped lines, for the end of the call.
    pub(crate) fn notice(&self) -> Option<(Level, String, Vec<Field>)> {
        let count = Field { name: "dropped".to_owned(), value: self.dropped.to_string() };
        (self.dropped > 0).then(|| (Level::Warn, DROPPED.to_owned(), vec![count]))
    }
}

/// The line to log instead of one that contained the tenant's key.
pub(crate) fn withheld() -> (Level, String, Vec<Field>) {
    (Level::Error, WITHHELD.to_owned(), Vec::new())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_over_the_limit_are_dropped_and_counted() {
        let mut quota = LogQuota::new(&Limits { log_lines_max: 2, ..Limits::default() });
        let taken: Vec<bool> = (0..5).map(|_| quota.takes("line", &[])).collect();
        assert_eq!(taken, [true, true, false, false, false]);
        assert_eq!((quota.lines_left(), quota.dropped()), (0, 3));
        assert!(quota.notice().is_some_and(|(_, _, fields)| fields[0].value == "3"));
    }

    #[test]
    fn fields_count_with_name_value_and_separators() {
        let mut quota = LogQuota::new(&Limits { log_bytes_max: 14, ..Limits::default() });
        let field = Field { name: "name".to_owned(), value: "value".to_owned() };
        assert!(!quota.takes("xx", std::slice::from_ref(&field)));
        assert!(quota.takes("x", &[field]));
        assert!(quota.notice().is_some());
    }

    #[test]
    fn fields_stay_on_their_line() {
        let field = Field { name: "a\nb".to_owned(), value: "c\nd".to_owned() };
        assert_eq!(Fields(&[field]).to_string(), "a\\nb=\"c\\nd\"");
    }

    #[test]
    fn a_call_within_its_limits_gets_no_notice() {
        let mut quota = LogQuota::new(&Limits::default());
        assert!(quota.takes("line", &[]));
        assert_eq!(quota.notice(), None);
    }
}
