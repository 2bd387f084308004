use std::sync::Arc;

use bytes::Bytes;
use futures_util::task::noop_waker_ref;
use runner_protocol::{Heartbeat, Stats};

use super::*;

fn chunk(queue: &SendQueue, key: LaneKey, size: usize) -> Poll<Result<(), Gone>> {
    let mut frame = Some(Bytes::from(vec![b'x'; size]));
    queue.poll_chunk(key, &mut frame, &mut Context::from_waker(noop_waker_ref()))
}

fn sent(queue: &SendQueue) -> usize {
    match queue.next() {
        Next::Frame(frame) => frame.len(),
        other => panic!("{other:?}"),
    }
}

fn heartbeat(active_jobs: u64) -> RunnerFrame {
    RunnerFrame::Heartbeat(Heartbeat { stats: Some(Stats { active_jobs, ..Stats::default() }) })
}

#[test]
fn a_job_has_two_chunks_waiting_at_most_and_its_end_never_waits() {
    let queue = SendQueue::default();
    let (key, _) = queue.open("a").unwrap();
    assert!(chunk(&queue, key, 1).is_ready());
    assert!(chunk(&queue, key, 2).is_ready());
    assert!(chunk(&queue, key, 3).is_pending());
    queue.end(key, Bytes::from_static(b"done"));
    assert_eq!([sent(&queue), sent(&queue), sent(&queue)], [1, 2, 4]);
    assert_eq!(queue.next(), Next::Nothing);
    assert_eq!(chunk(&queue, key, 1), Poll::Ready(Err(Gone)));
}

#[test]
fn the_window_holds_chunks_back_only_where_it_is_agreed() {
    let queue = SendQueue::default();
    let (key, _) = queue.open("a").unwrap();
    assert!(chunk(&queue, key, 2 << 20).is_ready());
    sent(&queue);
    assert!(chunk(&queue, key, 1).is_ready());
    sent(&queue);
    queue.enable_windows();
    assert!(chunk(&queue, key, 1).is_pending());
    queue.credit(&Credit { id: "a".into(), bytes: 1 << 20 });
    assert!(chunk(&queue, key, 1).is_pending());
    queue.credit(&Credit { id: "a".into(), bytes: 2 });
    assert!(chunk(&queue, key, 1).is_ready());
    queue.credit(&Credit { id: "nobody".into(), bytes: 2 });
}

#[test]
fn an_id_is_taken_until_its_end_and_free_from_then_on() {
    let queue = SendQueue::default();
    let (key, _) = queue.open("a").unwrap();
    assert_eq!(queue.open("a").unwrap_err(), Refused::Duplicate);
    queue.end(key, Bytes::from_static(b"first"));
    let (again, _) = queue.open("a").unwrap();
    queue.end(again, Bytes::from_static(b"second!"));
    assert_eq!([sent(&queue), sent(&queue)], [5, 7]);
}

#[test]
fn control_frames_go_first_and_do_not_pile_up() {
    let queue = SendQueue::default();
    let (key, _) = queue.open("a").unwrap();
    assert!(chunk(&queue, key, 9).is_ready());
    for active_jobs in 0..1_000 {
        queue.heartbeat(&heartbeat(active_jobs));
        queue.ping();
    }
    assert_eq!(queue.next(), Next::Ping);
    assert_eq!(queue.next(), Next::Frame(heartbeat(999).encode().into()));
    assert_eq!(sent(&queue), 9);
    assert_eq!(queue.next(), Next::Nothing);
}

#[test]
fn answers_that_nobody_reads_are_bounded() {
    let queue = SendQueue::default();
    let mut opened = 0;
    while let Ok((key, _)) = queue.open(&opened.to_string()) {
        queue.end(key, Bytes::from_static(b"error"));
        opened += 1;
    }
    assert_eq!(opened, MAX_UNSENT_ENDS);
    sent(&queue);
    assert!(queue.open("next").is_ok());
}

#[test]
fn closing_sends_what_waits_and_lets_nothing_new_in() {
    let queue = SendQueue::default();
    let (running, _) = queue.open("a").unwrap();
    let (ended, _) = queue.open("b").unwrap();
    queue.end(ended, Bytes::from_static(b"done"));
    queue.close(None);
    assert_eq!(chunk(&queue, running, 1), Poll::Ready(Err(Gone)));
    queue.end(running, Bytes::from_static(b"error"));
    assert_eq!([sent(&queue), sent(&queue)], [4, 5]);
    assert_eq!(queue.next(), Next::Close(None));
    assert_eq!(queue.next(), Next::Ended);
}

#[tokio::test]
async fn a_lost_socket_wakes_everyone_who_waits() {
    let queue = Arc::new(SendQueue::default());
    let (key, _) = queue.open("a").unwrap();
    assert!(chunk(&queue, key, 1).is_ready());
    assert!(chunk(&queue, key, 1).is_ready());
    let waiting = tokio::spawn({
        let queue = Arc::clone(&queue);
        let mut frame = Some(Bytes::from_static(b"x"));
        async move { std::future::poll_fn(|cx| queue.poll_chunk(key, &mut frame, cx)).await }
    });
    let idle = tokio::spawn({
        let queue = Arc::clone(&queue);
        async move { queue.idle().await }
    });
    tokio::task::yield_now().await;
    queue.shut();
    assert_eq!(waiting.await.unwrap(), Err(Gone));
    idle.await.unwrap();
    assert_eq!(queue.next(), Next::Ended);
    assert!(!queue.is_running("a"));
}

#[tokio::test]
async fn idle_means_that_every_answer_has_left() {
    let queue = Arc::new(SendQueue::default());
    let (key, _) = queue.open("a").unwrap();
    let idle = tokio::spawn({
        let queue = Arc::clone(&queue);
        async move { queue.idle().await }
    });
    tokio::task::yield_now().await;
    queue.end(key, Bytes::from_static(b"done"));
    tokio::task::yield_now().await;
    assert!(!idle.is_finished());
    sent(&queue);
    idle.await.unwrap();
}
