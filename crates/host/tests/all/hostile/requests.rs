//! Attacks by requests: too many, too large, never finished, never read.

use bytes::Bytes;
use door_access_host::{CallError, Denial, ExchangeEnd};

use super::attack::{Attack, End, bare, last_end, stopped};
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
        Attack::new("dropped requests", "opens 5,000 requests and drops each", "j5000\n", End::Says("x"))
            .afterwards(|stage, _| assert!(stage.wire.sent().len() <= 1_000)),
        Attack::new(
            "unread responses",
            "opens 60 requests and reads no response of 8 MB",
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
        .afterwards(|stage, recording| {
            assert_eq!(stage.wire.sent().len(), 0);
            // Requests over the budget are reported once, so as not to flood the observer.
            assert_eq!((recording.exchanges.len(), recording.calls[0].requests), (1_001, 3_000));
            assert_eq!(last_end(recording), Some(&ExchangeEnd::Denied(Denial::TooManyRequests(1_000))));
        }),
        Attack::new("unfinished body", "drops a request's body unfinished", "v", End::Says("error 35"))
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
            // Their addresses were not examined.
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
        .afterwards(|stage, _| assert_eq!(stage.wire.sent()[0].body().len(), 5_000)),
        Attack::new(
            "observed responses",
            "drops 30 responses of 8 MB, of which an observer keeps a little each",
            "730\n",
            End::Says("200"),
        )
        .prepare(large_answers)
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

/// Responses of the largest size.
fn large_answers(stage: &Stage) {
    // A new allocation each time; a shared one would hide what is kept.
    stage.wire.answer(|_| Ok(http::Response::new(Bytes::from(vec![b'x'; 8 << 20]))));
}
