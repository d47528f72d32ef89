//! Attacks on what is kept: storage and the log.

use door_access_host::CallError;

use super::attack::{Attack, End, stopped};
use crate::stage::Stage;

pub(crate) fn attacks() -> Vec<Attack> {
    let mut attacks = storage();
    attacks.extend(log());
    attacks
}

fn storage() -> Vec<Attack> {
    let refused = [
        ("an empty key", "p\nvalue\n".to_owned()),
        ("a key of 513 bytes", format!("p{}\nvalue\n", "k".repeat(513))),
        ("a key of 1,024 bytes in 512 letters", format!("p{}\nvalue\n", "é".repeat(512))),
    ];
    let refused = refused.map(|(tries, order)| {
        Attack::new("strange key", tries, order, End::Says("storage refused10"))
            .afterwards(|stage, _| assert_eq!(stage.storage.entries(), []))
    });
    // A key is text and not a path: any key is this tenant's.
    let kept = [
        "|",
        "a|b",
        "\\",
        "../south-gym/k",
        "/etc/passwd",
        "..",
        ".",
        "south-gym/k",
        "south-gym\\k",
        "%2e%2e/k",
        "k'; DROP TABLE entries; --",
        "%",
        "_",
        "\u{202e}k",
        "\u{feff}",
        "👾",
        "tenant/config",
    ];
    let kept = kept.map(|key| {
        // As `further.wat` converts it.
        let bytes = key.replace('|', "\0");
        Attack::new("strange key", key, format!("p{key}\nvalue\n"), End::Says("")).afterwards(
            move |stage, _| {
                let entries = stage.storage.entries();
                assert_eq!(entries.len(), 1);
                assert!(entries[0].key == bytes || bytes.contains('\\'), "{:?}", entries[0].key);
            },
        )
    });
    let floods = [
        Attack::new(
            "storage flood",
            "stores 256 KiB until storage refuses",
            "c0\n262144\n",
            End::Says("storage refused13 255"),
        ),
        Attack::new("storage flood", "stores 2,000 small values", "c2000\n1\n", End::Says(" 2000")),
        Attack::new(
            "twice in one",
            "writes a key twice in one commit",
            "5a\n",
            stopped!(CallError::Trapped { panic: None, .. }),
        ),
        Attack::new(
            "large reads",
            "reads 4 MiB of storage 50 times",
            "z50\n",
            stopped!(CallError::MemoryLimit { .. }),
        )
        .prepare(|stage| fill(stage, 16)),
        Attack::new(
            "large reads",
            "reads 60 MiB of storage at once",
            "z1\n",
            stopped!(CallError::ScanLimit { limit_bytes: 16_777_216 }),
        )
        .prepare(|stage| fill(stage, 240)),
        Attack::new("whole reads", "reads 2 MiB of storage in one scan", "z1\n", End::Says("130"))
            .prepare(|stage| fill_with(stage, 130, 16 << 10)),
    ];
    refused.into_iter().chain(kept).chain(floods).collect()
}

/// Stores so many values of 256 KiB for a tenant.
fn fill(stage: &Stage, values: usize) {
    fill_with(stage, values, 256 << 10);
}

fn fill_with(stage: &Stage, values: usize, value_bytes: usize) {
    use door_access_host::Storage;
    use door_access_host::contract::storage::{Precondition, Write};
    for number in 0..values {
        let write = Write {
            key: format!("k{number}"),
            value: Some(vec![b'v'; value_bytes]),
            requires: Precondition::None,
        };
        // Storage in memory never waits, so one poll completes it.
        let mut commit = stage.storage.commit(vec![write]);
        let polled = commit.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop()));
        assert!(matches!(polled, std::task::Poll::Ready(Ok(_))));
    }
}

fn log() -> Vec<Attack> {
    vec![
        Attack::new("log flood", "writes 5,000 lines", "b5000\n", End::Says("")).afterwards(
            |_, recording| {
                assert_eq!((recording.lines.len(), recording.calls[0].log_lines_dropped), (101, 4_900));
            },
        ),
        Attack::new("log flood", "a line with 60,000 empty fields", "160000\n", End::Says("")).afterwards(
            |_, recording| {
                // The fields exceed the quota, though they have no text. The one line is the host's own.
                assert_eq!((recording.lines.len(), recording.lines[0].fields.len()), (1, 1));
            },
        ),
        Attack::new(
            "forged line",
            "a line that goes on as another tenant's",
            "Lfine\r\n2026-01-01T00:00:00Z ERROR south-gym: \u{1b}[31mbroken",
            End::Says("logged"),
        )
        .afterwards(|_, recording| assert_eq!(recording.lines.len(), 1)),
    ]
}
