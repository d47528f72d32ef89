//! Attacks on the machine: its time, its memory, its stack.

use std::time::Duration;

use door_access_host::{CallError, Deadline, Limits};

use super::attack::{Attack, stopped};

pub(crate) fn attacks() -> Vec<Attack> {
    vec![
        Attack::endless("endless loop", "computes without end", "I"),
        Attack::endless("endless host calls", "asks for the time without end", "a"),
        Attack::endless("endless logging", "logs without end", "b0\n").afterwards(|_, recording| {
            // A hundred lines, and the one about dropped lines.
            assert_eq!((recording.lines.len(), recording.calls[0].log_lines), (101, 100));
            assert!(recording.calls[0].log_lines_dropped > 0);
        }),
        Attack::endless("endless commits", "stores the same without end", "c0\n1\n"),
        Attack::new(
            "endless waiting",
            "waits for the response to a request that it never finishes",
            "u",
            stopped!(CallError::TimedOut(Deadline::Duration, 50)),
        )
        .limits(|limits| Limits { duration_max: Duration::from_millis(50), ..limits }),
        Attack::new(
            "memory bomb",
            "takes all memory",
            "M",
            stopped!(CallError::MemoryLimit { limit_bytes, .. } if *limit_bytes == 16 << 20),
        ),
        Attack::new(
            "table bomb",
            "takes table elements without end",
            "e",
            stopped!(CallError::TableLimit { limit: 10_000, .. }),
        ),
        Attack::new(
            "deep recursion",
            "calls itself without end",
            "d",
            stopped!(CallError::StackLimit { limit_bytes: 524_288 }),
        ),
        Attack::new(
            "trap",
            "crashes",
            "T",
            stopped!(CallError::Trapped { message, panic: None } if message.contains("unreachable")),
        ),
    ]
}
