//! Attacks by requests: too many, too large, never finished, never read.

use std::time::Duration;

use bytes::Bytes;
use door_access_host::{CallError, Denial, ExchangeEnd, Limits};

use crate::attack::{Attack, End, last_end, stopped};
use crate::stage::Stage;

/// WASI's `connection-limit-reached`.
const TOO_MANY: &str = "error 11";

pub(crate) fn attacks() -> Vec<Attack> {
    vec![
        Attack::new(
            "open requests",
            "opens 5,000 requests and waits for the last",
            "i5000\n",
            stopped!(CallError::ResourceLimit { limit: 500 }),
        )
        .afterwards(|stage, _| assert!(stage.wire.sent().len() <= 8, "{}", stage.wire.sent().len())),
        Attack::new(
            "open requests",
            "opens 100 requests and waits for the last",
            "i100\n",
            End::Says(TOO_MANY),
        )
        .afterwards(|stage, recording| {
            assert!(stage.wire.sent().len() <= 8);
            let denied = ExchangeEnd::Denied(Denial::TooManyOpen(8));
            let denied = recording.exchanges.iter().filter(|exchange| exchange.end == denied);
            assert_eq!(denied.count(), 92);
        }),
        Attack::new(
            "dropped requests",
            "opens 5,000 requests and lets go of each",
            "j5000\n",
            End::Says("x"),
        )
        .afterwards(|stage, _| assert!(stage.wire.sent().len() <= 1_000)),
        Attack::new(
            "unread answers",
            "opens 60 requests and reads no answer of 8 MB",
            "k60\n",
            End::Says(TOO_MANY),
        )
        .prepare(large_answers)
        .afterwards(|stage, recording| {
            assert_eq!(stage.wire.sent().len(), 8);
            assert!(matches!(last_end(recording), Some(ExchangeEnd::Denied(Denial::TooManyOpen(8)))));
        }),
        Attack::new(
            "refused requests",
            "asks 3,000 times for an origin that is not its own",
            "33000\n",
            End::Says(TOO_MANY),
        )
        // Each answer that it waits for costs it a tick of its computing time.
        .limits(|limits| Limits {
            compute_max: Duration::from_secs(20),
            duration_max: Duration::from_secs(20),
            ..limits
        })
        .afterwards(|stage, recording| {
            assert_eq!(stage.wire.sent().len(), 0);
            // What is over the budget is told once: an observer is not to be flooded either.
            assert_eq!((recording.exchanges.len(), recording.calls[0].requests), (1_001, 3_000));
            assert_eq!(last_end(recording), Some(&ExchangeEnd::Denied(Denial::TooManyRequests(1_000))));
        }),
        Attack::new(
            "unfinished body",
            "lets go of a request's body before it is finished",
            "v",
            End::Says("error 35"),
        )
        .denied(|denial| *denial == Denial::BodyUnfinished),
        Attack::new("endless body", "writes a body until it is refused", "w", End::Says("error 17"))
            .denied(|denial| *denial == Denial::BodyTooLarge(1 << 20)),
        Attack::new(
            "long addresses",
            "opens 450 requests with paths of 64 kB and waits for the last",
            "8450\n64000\n",
            End::Says(TOO_MANY),
        )
        .afterwards(|stage, recording| {
            assert!(stage.wire.sent().len() <= 8);
            let denied = recording
                .exchanges
                .iter()
                .filter(|exchange| exchange.end == ExchangeEnd::Denied(Denial::TooManyOpen(8)));
            // Nobody looked at what they were addressed to.
            assert_eq!(
                denied.map(|exchange| exchange.path.len()).collect::<Vec<_>>(),
                ["[withheld]".len(); 442]
            );
        }),
        Attack::new(
            "body in pieces",
            "writes a body in 5,000 pieces of a byte",
            "65000\n1\n",
            End::Says("200"),
        )
        .prepare(bare)
        // Each piece that it waits for may cost it a tick of its computing time.
        .limits(|limits| Limits {
            compute_max: Duration::from_secs(60),
            duration_max: Duration::from_secs(60),
            ..limits
        })
        .afterwards(|stage, _| assert_eq!(stage.wire.sent()[0].body().len(), 5_000)),
        Attack::new(
            "observed answers",
            "lets go of 30 answers of 8 MB, of each of which an observer keeps a little",
            "730\n",
            End::Says("200"),
        )
        .prepare(large_answers)
        .limits(|limits| Limits { duration_max: Duration::from_secs(20), ..limits })
        .afterwards(|stage, recording| {
            assert_eq!(stage.wire.sent().len(), 30);
            let kept = recording.exchanges.iter().map(|exchange| match &exchange.end {
                ExchangeEnd::Answered { response_bytes: 8_388_608, response_body, .. } => response_body.len(),
                other => panic!("{other:?}"),
            });
            assert_eq!(kept.collect::<Vec<_>>(), [100; 30]);
        }),
        Attack::new(
            "unsent bodies",
            "fills the bodies of 150 requests and sends none",
            "x150\n",
            End::Says("x"),
        )
        .unsent(),
        Attack::new(
            "unsent words",
            "450 requests with methods of 1 MB, none sent",
            "y0\n450\n1000000\n",
            End::Says("450"),
        )
        .unsent(),
        Attack::new(
            "unsent words",
            "450 requests with authorities of 1 MB, none sent",
            "y1\n450\n1000000\n",
            End::Says("450"),
        )
        .unsent(),
        Attack::new(
            "unsent words",
            "450 requests with paths of 64 kB, none sent",
            "y2\n450\n64000\n",
            End::Says("0"),
        )
        .unsent(),
    ]
}

/// Answers without a body.
fn bare(stage: &Stage) {
    stage.wire.answer(|_| Ok(http::Response::default()));
}

/// Answers as large as they may be.
fn large_answers(stage: &Stage) {
    // One allocation for all of them would hide what is kept.
    stage.wire.answer(|_| Ok(http::Response::new(Bytes::from(vec![b'x'; 8 << 20]))));
}
