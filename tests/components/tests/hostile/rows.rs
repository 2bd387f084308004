//! Rows that are none: whatever a module returns, no byte of it goes beyond its own job.

use connector_model::error::ErrorCode;

use crate::asked::{ask, breaks, fails, peaceful};
use crate::beside::{Beside, LONG};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn batches_that_are_none_fail_their_own_job_and_reach_nobody() {
    let beside = Beside::begin().await;
    for (target, says) in [
        ("count-more", "2 rows"),
        ("count-less", "2 rows"),
        ("count-most", "1 rows"),
        ("empty", "0 rows"),
        ("not-utf8", "no UTF-8"),
        ("closes-early", "other than objects"),
        ("closes-within", "other than objects"),
        ("nan", ""),
        ("line-break", "control character"),
        ("string-break", "control character"),
        ("no-object", "other than objects"),
        ("open-string", "does not end"),
        ("deep", "levels"),
    ] {
        let mut session = beside.session().await;
        let error = breaks(session.as_mut(), target, "rows").await;
        assert!(error.message().contains(says), "{target}: {error}");
        peaceful(beside.session().await.as_mut()).await;
    }
    beside.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_of_gigabytes_is_refused_before_it_is_copied() {
    let beside = Beside::begin().await;
    for target in ["claims-most", "claims-half", "claims-nothing-there", "huge"] {
        let mut session = beside.session().await;
        let error = breaks(session.as_mut(), target, "interface").await;
        assert!(!error.message().contains("xxx"), "{error}");
        peaceful(beside.session().await.as_mut()).await;
    }
    beside.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_or_a_batch_that_is_too_large_is_told_so_and_is_no_failure_of_the_module() {
    let beside = Beside::begin().await;
    for (target, limit) in [("row-too-large", 8 << 20), ("batch-too-large", 9 << 20)] {
        // Far more often than a module may fail before it is left alone.
        for _ in 0..8 {
            let mut session = beside.session().await;
            let error = fails(session.as_mut(), target).await;
            assert_eq!(error.code(), ErrorCode::ResultTooLarge, "{target}: {error}");
            assert_eq!(error.detail()["limitBytes"], limit, "{target}: {error}");
            assert!(error.message().contains(&limit.to_string()), "{error}");
        }
    }
    assert_eq!(beside.hostile().parking.state().failures, 0);
    beside.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_failed_between_rows_does_not_hand_their_rest_to_the_next_job() {
    let beside = Beside::begin().await;
    for (target, reusable) in [("fails-midway", false), ("fails-at-once", false), ("environment", true)] {
        let mut session = beside.session().await;
        let error = fails(session.as_mut(), target).await;
        assert_eq!(error.code(), ErrorCode::SourceQueryFailed, "{target}: {error}");
        assert_eq!(session.reusable(), reusable, "{target}");
    }
    assert_eq!(beside.hostile().parking.state().failures, 0);
    beside.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn results_that_do_not_end_are_ended() {
    let beside = Beside::begin().await;
    for target in ["endless-rows", "endless-nothing"] {
        let mut session = beside.session().await;
        breaks(session.as_mut(), target, "running_time").await;
        peaceful(beside.session().await.as_mut()).await;
    }
    beside.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_result_that_will_not_be_let_go_ends_its_session_only() {
    let beside = Beside::begin().await;
    for (target, trap) in
        [("drop-panics", "panic"), ("drop-endless", "running_time"), ("next-panics", "panic")]
    {
        let mut session = beside.session().await;
        breaks(session.as_mut(), target, trap).await;
        peaceful(beside.session().await.as_mut()).await;
    }
    beside.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cursors_and_columns_have_bounds() {
    let beside = Beside::begin().await;
    for target in ["long-cursor", "columns-million"] {
        let mut session = beside.session().await;
        breaks(session.as_mut(), target, "interface").await;
        peaceful(beside.session().await.as_mut()).await;
    }
    // Strange, and no harm: it goes into JSON like any other text.
    let answer = ask(beside.session().await.as_mut(), "strange-cursor", LONG).await.unwrap();
    assert_eq!(answer.page.next_cursor.as_deref(), Some("a\r\n\u{0}\u{1b}b"));
    beside.end().await;
}
