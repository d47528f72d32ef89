//! What a call stores, and where a test can cut it off.

use door_access_host::{CallError, Moment, Verdict};

use crate::stage::{KEY, KEY_IN_ORDERS, stage};

#[tokio::test]
async fn a_call_finds_what_an_earlier_one_stored_with_its_version() {
    let stage = stage().await;
    assert_eq!(stage.order("Sfirst").await, "1");
    assert_eq!(stage.order("Ssecond").await, "2");
    let entries = stage.storage.entries();
    assert_eq!((entries[0].value.as_slice(), entries[0].version), (&b"second"[..], 2));
}

#[tokio::test]
async fn a_call_can_be_cut_off_before_and_after_a_commit() {
    let stage = stage().await;
    for (cut, commits) in [(Moment::Before, 0), (Moment::After, 1)] {
        stage.storage.on_commit(move |moment, _| match moment == cut {
            true => Verdict::Abort("killed".to_owned()),
            false => Verdict::Proceed,
        });
        assert_eq!(stage.try_order("Stext").await, Err(CallError::Aborted("killed".to_owned())));
        assert_eq!(stage.storage.commits(), commits, "{cut:?}");
    }
    stage.storage.clear_hook();
    assert_eq!(stage.order("Stext").await, "2");
}

#[tokio::test]
async fn the_guest_learns_that_storage_is_unavailable() {
    let stage = stage().await;
    stage.storage.on_commit(|_, _| Verdict::Unavailable("busy".to_owned()));
    assert_eq!(stage.order("Stext").await, "storage refused");
}

#[tokio::test]
async fn a_value_beyond_the_contract_never_reaches_storage() {
    let stage = stage().await;
    stage.storage.on_commit(|_, _| panic!("the storage was asked"));
    assert_eq!(stage.order(&format!("S{}", "x".repeat((256 << 10) + 1))).await, "storage refused");
}

#[tokio::test]
async fn writing_the_key_to_storage_ends_the_call() {
    let stage = stage().await;
    let stopped = stage.try_order(&format!("S{{\"token\":\"{KEY_IN_ORDERS}\"}}")).await;
    assert_eq!(stopped, Err(CallError::CredentialExposed("a write to storage".to_owned())));
    assert_eq!(stage.storage.commits(), 0);
}

#[tokio::test]
async fn a_log_line_with_the_key_in_it_is_replaced() {
    let stage = stage().await;
    stage.order(&format!("Lusing {KEY_IN_ORDERS}")).await;
    let lines = stage.recorder.take().lines;
    assert_eq!(lines.len(), 1);
    assert!(lines[0].message.contains("withheld") && !format!("{lines:?}").contains(KEY), "{lines:?}");
}
