//! One session while it is up.

use std::time::Duration;

use runner_link::Outcome;
use runner_protocol::{DoneMeta, GatewayFrame, Ping, RunnerFrame};
use tokio::io::AsyncWriteExt;
use tokio::time::{Instant, timeout};

use crate::gateway::{accept, listen, welcome};
use crate::runner::{Event, settings, start};
use crate::simulation;

const fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn hello_says_who_this_is_and_the_token_is_in_the_header_only() {
    let mut sim = simulation();
    sim.client("gateway", async {
        let listener = listen().await;
        let mut peer = accept(&listener).await;
        assert_eq!(peer.request.uri(), "/connect");
        assert_eq!(peer.request.headers()["authorization"], "Bearer rk_secret");
        assert_eq!(peer.request.headers()["x-semilayer-runner-id"], "runner-1");
        let hello = peer.hello().await;
        assert_eq!((hello.version, hello.runner_id.as_str()), (1, "runner-1"));
        assert_eq!(hello.capabilities, ["postgres"]);
        assert_eq!(hello.features, ["credit", "drain"]);
        assert_eq!(hello.runtime_version.as_deref(), Some("0.1.0"));
        assert_eq!(hello.limits.map(|limits| limits.max_concurrent_jobs), Some(256));
        assert_eq!(hello.session_id.map(|id| id.len()), Some(36));
        peer.ack(&["credit", "teleport"]).await;
        peer.keep_alive().await;
        Ok(())
    });
    sim.client("runner", async {
        let mut runner = start(settings());
        let assigned = runner.find(|event| match event {
            Event::Assigned(count) => Some(count),
            _ => None,
        });
        assert_eq!(assigned.await.1, 1);
        assert_eq!(runner.acknowledged().await.1, ["credit"]);
        runner.stop().await;
        Ok(())
    });
    sim.run().unwrap();
}

#[test]
fn a_ping_is_answered_at_once_and_heartbeats_come_every_25_seconds() {
    let mut sim = simulation();
    sim.client("gateway", async {
        let listener = listen().await;
        let mut peer = welcome(&listener, &[]).await;
        let acknowledged = Instant::now();
        peer.send(GatewayFrame::Ping(Ping {})).await;
        for due in [0, 25, 50, 75] {
            match peer.frame().await {
                Some(RunnerFrame::Heartbeat(heartbeat)) => {
                    assert_eq!(heartbeat.stats.map(|stats| stats.active_jobs), Some(3));
                }
                other => panic!("{other:?}"),
            }
            let late = acknowledged.elapsed().saturating_sub(s(due));
            assert!(late < Duration::from_millis(200), "{due}: {late:?}");
        }
        Ok(())
    });
    sim.client("runner", async {
        let mut runner = start(settings());
        runner.disconnected().await;
        runner.stop().await;
        Ok(())
    });
    sim.run().unwrap();
}

#[test]
fn bad_frames_are_passed_over_and_the_session_goes_on() {
    let mut sim = simulation();
    sim.client("gateway", async {
        let listener = listen().await;
        let mut peer = welcome(&listener, &[]).await;
        for bad in
            ["", "not JSON", "{}", "[]", r#"{"type":7}"#, r#"{"type":"teleport"}"#, r#"{"type":"job"}"#]
        {
            peer.text(bad).await;
        }
        for _ in 0..50 {
            peer.text(r#"{"type":"cancel","id":["hunter2"]}"#).await;
        }
        peer.text(r#"{"type":"job","id":"bad","params":{"source":7}}"#).await;
        match peer.answer().await {
            RunnerFrame::Error(error) => {
                assert_eq!((error.id.as_str(), error.code.as_str()), ("bad", "INVALID_JOB"));
                assert!(error.message.starts_with("params.source must"), "{}", error.message);
                assert_eq!(error.retryable, Some(false));
            }
            other => panic!("{other:?}"),
        }
        peer.job("good").await;
        assert!(matches!(peer.answer().await, RunnerFrame::Done(done) if done.id == "good"));
        Ok(())
    });
    sim.client("runner", async {
        let mut runner = start(settings());
        let (job, reply) = runner.job().await;
        assert_eq!(job.id, "good");
        reply.done(DoneMeta::default());
        runner.disconnected().await;
        runner.stop().await;
        Ok(())
    });
    sim.run().unwrap();
}

#[test]
fn a_frame_over_the_limit_is_closed_with_1009_and_then_reconnected() {
    let mut sim = simulation();
    sim.client("gateway", async {
        let listener = listen().await;
        let mut peer = welcome(&listener, &[]).await;
        // The header of a text frame of 20 MB (RFC 6455 section 5.2), and the first of its bytes.
        let mut bytes = vec![0x81, 127];
        bytes.extend_from_slice(&20_000_000_u64.to_be_bytes());
        bytes.extend_from_slice(&[b'x'; 4_096]);
        peer.socket.get_mut().write_all(&bytes).await?;
        assert_eq!(peer.closed_with().await, Some(1009));
        welcome(&listener, &[]).await.keep_alive().await;
        Ok(())
    });
    sim.client("runner", async {
        let mut runner = start(settings());
        runner.acknowledged().await;
        let (_, reason) = runner.disconnected().await;
        assert!(reason.starts_with("the gateway sent a frame of 20000000 bytes"), "{reason}");
        runner.acknowledged().await;
        runner.stop().await;
        Ok(())
    });
    sim.run().unwrap();
}

#[test]
fn draining_tells_the_gateway_and_waits_for_the_jobs_in_flight() {
    let mut sim = simulation();
    sim.client("gateway", async {
        let listener = listen().await;
        let mut peer = welcome(&listener, &["drain"]).await;
        peer.job("slow").await;
        assert!(matches!(peer.answer().await, RunnerFrame::Draining(_)));
        assert!(timeout(s(5), peer.frame()).await.is_err());
        peer.job("late").await;
        match peer.answer().await {
            RunnerFrame::Error(error) => assert_eq!(error.code, "RUNNER_DRAINING"),
            other => panic!("{other:?}"),
        }
        peer.cancel("slow").await;
        assert!(matches!(peer.answer().await, RunnerFrame::Done(done) if done.id == "slow"));
        assert_eq!(peer.closed_with().await, Some(1000));
        Ok(())
    });
    sim.client("runner", async {
        let mut runner = start(settings());
        let (_, slow) = runner.job().await;
        runner.signals.drain.cancel();
        let (_, late) = runner.job().await;
        late.error("RUNNER_DRAINING", "shutting down", true, None);
        runner.find(|event| matches!(event, Event::Cancel(_)).then_some(())).await;
        assert!(!runner.task.is_finished());
        slow.done(DoneMeta::default());
        assert!(matches!(runner.task.await.unwrap(), Outcome::Stopped));
        Ok(())
    });
    sim.run().unwrap();
}

#[test]
fn a_gateway_that_does_not_know_draining_is_not_told() {
    let mut sim = simulation();
    sim.client("gateway", async {
        let listener = listen().await;
        let mut peer = welcome(&listener, &[]).await;
        peer.job("slow").await;
        assert!(matches!(peer.answer().await, RunnerFrame::Done(_)));
        assert_eq!(peer.closed_with().await, Some(1000));
        Ok(())
    });
    sim.client("runner", async {
        let mut runner = start(settings());
        let (_, slow) = runner.job().await;
        runner.signals.drain.cancel();
        runner.find(|event| matches!(event, Event::Draining).then_some(())).await;
        slow.done(DoneMeta::default());
        assert!(matches!(runner.task.await.unwrap(), Outcome::Stopped));
        Ok(())
    });
    sim.run().unwrap();
}

#[test]
fn a_refusal_is_heard_even_while_this_side_is_still_writing() {
    let mut sim = simulation();
    sim.client("gateway", async {
        let listener = listen().await;
        let mut peer = welcome(&listener, &[]).await;
        peer.job("stream").await;
        let RunnerFrame::Chunk(_) = peer.answer().await else { panic!("no chunk") };
        peer.close(4401, "revoked").await;
        Ok(())
    });
    sim.client("runner", async {
        let mut runner = start(settings().with_auth_attempts(1));
        let (_, mut reply) = runner.job().await;
        let mut frame = reply.prefix().to_vec();
        frame.extend_from_slice(&reply.suffix());
        // Until the socket is gone.
        while reply.chunk(frame.clone().into()).await.is_ok() {
            tokio::task::yield_now().await;
        }
        match runner.task.await.unwrap() {
            Outcome::CredentialsRefused { reason, .. } => {
                assert_eq!(reason.to_string(), "closed by the gateway: 4401 revoked");
            }
            other => panic!("{other:?}"),
        }
        Ok(())
    });
    sim.run().unwrap();
}
