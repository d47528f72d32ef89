//! Attacks on the machine: its time, its memory, its stack.

use std::time::Duration;

use door_access_host::{CallError, Deadline, Limits};

use crate::attack::{Attack, stopped};

/// Long enough that an attack is seen to be interrupted, and that a neighbour who waits for the end of it is seen to.
const MOMENT: Duration = Duration::from_millis(400);

pub(crate) fn attacks() -> Vec<Attack> {
    let moment = |limits| Limits { compute_max: MOMENT, ..limits };
    vec![
        Attack::new(
            "endless loop",
            "computes without end",
            "I",
            stopped!(CallError::TimedOut(Deadline::Compute, 400)),
        )
        .limits(moment),
        Attack::new(
            "endless host calls",
            "asks for the time without end",
            "a",
            stopped!(CallError::TimedOut(Deadline::Compute, 400)),
        )
        .limits(moment),
        Attack::new(
            "endless logging",
            "logs without end",
            "b0\n",
            stopped!(CallError::TimedOut(Deadline::Compute, 400)),
        )
        .limits(moment)
        .afterwards(|_, recording| {
            // A hundred lines, and the one that says how many more there were.
            assert_eq!((recording.lines.len(), recording.calls[0].log_lines), (101, 100));
            assert!(recording.calls[0].log_lines_dropped > 0);
        }),
        Attack::new(
            "endless commits",
            "stores the same without end",
            "c0\n1\n",
            stopped!(CallError::TimedOut(Deadline::Compute, 400)),
        )
        .limits(moment),
        Attack::new(
            "endless waiting",
            "waits for an answer to a request that it never finishes",
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
            "breaks off",
            "T",
            stopped!(CallError::Trapped { message, panic: None } if message.contains("unreachable")),
        ),
    ]
}
