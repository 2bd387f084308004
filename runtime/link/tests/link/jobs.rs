//! Jobs over one session.

use std::time::Duration;

use bytes::Bytes;
use runner_link::JobReply;
use runner_protocol::{DoneMeta, RunnerFrame};
use tokio::time::timeout;

use crate::gateway::{Peer, listen, welcome};
use crate::runner::{Event, settings, start};
use crate::simulation;

fn chunk(reply: &JobReply, rows: &str) -> Bytes {
    [&reply.prefix()[..], rows.as_bytes(), &reply.suffix()[..]].concat().into()
}

fn chunk_of(reply: &JobReply, bytes: usize) -> Bytes {
    chunk(reply, &format!(r#"{{"x":"{}"}}"#, "x".repeat(bytes)))
}

/// The job that a frame is about, and its type.
async fn answer(peer: &mut Peer) -> (String, &'static str) {
    let frame = peer.answer().await;
    let kind = frame.kind();
    match frame {
        RunnerFrame::Chunk(chunk) => (chunk.id, kind),
        RunnerFrame::Done(done) => (done.id, kind),
        RunnerFrame::Error(error) => (error.id, kind),
        other => panic!("{other:?}"),
    }
}

#[test]
fn rows_arrive_as_they_were_written_and_then_the_end() {
    let mut sim = simulation();
    sim.client("gateway", async {
        let listener = listen().await;
        let mut peer = welcome(&listener, &["credit"]).await;
        peer.job("j").await;
        match peer.answer().await {
            RunnerFrame::Chunk(chunk) => assert_eq!(chunk.rows.as_bytes(), br#"[{"n":1},{"n":2}]"#),
            other => panic!("{other:?}"),
        }
        match peer.answer().await {
            RunnerFrame::Done(done) => assert_eq!(done.meta.map(|meta| meta.count), Some(2)),
            other => panic!("{other:?}"),
        }
        Ok(())
    });
    sim.client("runner", async {
        let mut runner = start(settings());
        let (job, mut reply) = runner.job().await;
        assert_eq!((job.id.as_str(), reply.id()), ("j", "j"));
        reply.chunk(chunk(&reply, r#"{"n":1},{"n":2}"#)).await.unwrap();
        reply.done(DoneMeta { count: 2, ..DoneMeta::default() });
        runner.disconnected().await;
        runner.stop().await;
        Ok(())
    });
    sim.run().unwrap();
}

#[test]
fn a_second_job_with_a_running_id_is_dropped_without_a_frame() {
    let mut sim = simulation();
    sim.client("gateway", async {
        let listener = listen().await;
        let mut peer = welcome(&listener, &[]).await;
        peer.job("twice").await;
        peer.job("twice").await;
        peer.text(r#"{"type":"job","id":"twice","params":7}"#).await;
        peer.job("other").await;
        assert_eq!(answer(&mut peer).await, ("other".into(), "done"));
        assert_eq!(answer(&mut peer).await, ("twice".into(), "done"));
        // The id is free again.
        peer.job("twice").await;
        assert_eq!(answer(&mut peer).await, ("twice".into(), "error"));
        assert!(timeout(Duration::from_secs(5), peer.frame()).await.is_err());
        Ok(())
    });
    sim.client("runner", async {
        let mut runner = start(settings());
        let (_, first) = runner.job().await;
        let (job, other) = runner.job().await;
        assert_eq!(job.id, "other");
        other.done(DoneMeta::default());
        tokio::time::sleep(Duration::from_millis(50)).await;
        first.done(DoneMeta::default());
        let (_, again) = runner.job().await;
        again.error("CANCELLED", "cancelled", false, None);
        runner.disconnected().await;
        runner.stop().await;
        Ok(())
    });
    sim.run().unwrap();
}

#[test]
fn a_job_whose_task_dies_still_ends_once() {
    let mut sim = simulation();
    sim.client("gateway", async {
        let listener = listen().await;
        let mut peer = welcome(&listener, &[]).await;
        peer.job("j").await;
        match peer.answer().await {
            RunnerFrame::Error(error) => {
                assert_eq!((error.id.as_str(), error.code.as_str()), ("j", "INTERNAL"))
            }
            other => panic!("{other:?}"),
        }
        assert!(timeout(Duration::from_secs(5), peer.frame()).await.is_err());
        Ok(())
    });
    sim.client("runner", async {
        let mut runner = start(settings());
        let (_, reply) = runner.job().await;
        drop(reply);
        runner.disconnected().await;
        runner.stop().await;
        Ok(())
    });
    sim.run().unwrap();
}

#[test]
fn a_cancel_reaches_the_job_and_one_for_nobody_is_ignored() {
    let mut sim = simulation();
    sim.client("gateway", async {
        let listener = listen().await;
        let mut peer = welcome(&listener, &[]).await;
        peer.cancel("nobody").await;
        peer.job("j").await;
        peer.cancel("j").await;
        assert_eq!(answer(&mut peer).await, ("j".into(), "error"));
        peer.cancel("j").await;
        peer.job("last").await;
        assert_eq!(answer(&mut peer).await, ("last".into(), "done"));
        Ok(())
    });
    sim.client("runner", async {
        let mut runner = start(settings());
        let (_, reply) = runner.job().await;
        let (_, id) = runner
            .find(|event| match event {
                Event::Cancel(id) => Some(id),
                _ => None,
            })
            .await;
        assert_eq!(id, "j");
        reply.error("CANCELLED", "cancelled", false, None);
        // The next event is the last job, not a second cancel.
        let (_, event) = runner.events.recv().await.unwrap();
        match event {
            Event::Job(job, reply) if job.id == "last" => reply.done(DoneMeta::default()),
            other => panic!("{other:?}"),
        }
        runner.disconnected().await;
        runner.stop().await;
        Ok(())
    });
    sim.run().unwrap();
}

#[test]
fn a_job_that_nobody_reads_stalls_itself_and_no_other() {
    const SIZE: usize = 64 * 1024;
    let mut sim = simulation();
    sim.client("gateway", async {
        let listener = listen().await;
        let mut peer = welcome(&listener, &["credit"]).await;
        peer.job("slow").await;
        let mut received = 0;
        // One window, and the frame that overdraws it.
        while let Ok(Some(RunnerFrame::Chunk(chunk))) = timeout(Duration::from_secs(5), peer.frame()).await {
            assert_eq!(chunk.id, "slow");
            received += chunk.rows.as_bytes().len();
        }
        assert!((1 << 20..(1 << 20) + 2 * SIZE).contains(&received), "{received}");
        for id in 0..20 {
            peer.job(&id.to_string()).await;
            assert_eq!(answer(&mut peer).await, (id.to_string(), "chunk"));
            assert_eq!(answer(&mut peer).await, (id.to_string(), "done"));
        }
        peer.credit("slow", 4 << 20).await;
        while received < 3 << 20 {
            match peer.answer().await {
                RunnerFrame::Chunk(chunk) => received += chunk.rows.as_bytes().len(),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(answer(&mut peer).await, ("slow".into(), "done"));
        Ok(())
    });
    sim.client("runner", async {
        let mut runner = start(settings());
        let (_, mut slow) = runner.job().await;
        let stream = tokio::spawn(async move {
            for _ in 0..48 {
                slow.chunk(chunk_of(&slow, SIZE)).await.unwrap();
            }
            slow.done(DoneMeta::default());
        });
        for _ in 0..20 {
            let (_, mut reply) = runner.job().await;
            reply.chunk(chunk_of(&reply, 100)).await.unwrap();
            reply.done(DoneMeta::default());
        }
        stream.await.unwrap();
        runner.disconnected().await;
        runner.stop().await;
        Ok(())
    });
    sim.run().unwrap();
}

#[test]
fn a_lost_socket_releases_the_jobs_that_wait_on_it() {
    let mut sim = simulation();
    sim.client("gateway", async {
        let listener = listen().await;
        let mut peer = welcome(&listener, &["credit"]).await;
        peer.job("j").await;
        for _ in 0..2 {
            assert_eq!(answer(&mut peer).await, ("j".into(), "chunk"));
        }
        drop(peer);
        welcome(&listener, &[]).await.keep_alive().await;
        Ok(())
    });
    sim.client("runner", async {
        let mut runner = start(settings());
        let (_, mut reply) = runner.job().await;
        let frame = chunk_of(&reply, 800_000);
        while reply.chunk(frame.clone()).await.is_ok() {}
        runner.lost().await;
        // An end for a socket that is gone goes nowhere, not to the next session.
        reply.done(DoneMeta::default());
        runner.acknowledged().await;
        runner.stop().await;
        Ok(())
    });
    sim.run().unwrap();
}
