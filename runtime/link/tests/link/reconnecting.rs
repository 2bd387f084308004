//! How sessions end, and when the next one begins.

use std::time::Duration;

use runner_link::{Disconnect, Outcome};
use runner_protocol::CloseCode;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, sleep};

use crate::gateway::{accept, listen, welcome};
use crate::runner::{Event, settings, start};
use crate::simulation;

const fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Simulated time is measured in steps, and messages take a few of them.
fn about(expected: Duration, measured: Duration) -> bool {
    measured >= expected.saturating_sub(Duration::from_millis(20))
        && measured <= expected + Duration::from_millis(200)
}

#[test]
fn a_gateway_that_is_down_is_tried_until_it_is_up() {
    let mut sim = simulation();
    sim.client("gateway", async {
        sleep(s(120)).await;
        let listener = listen().await;
        welcome(&listener, &[]).await.keep_alive().await;
        Ok(())
    });
    sim.client("runner", async {
        let mut runner = start(settings());
        let mut waits = Vec::new();
        for expected in 1..=7 {
            let (attempt, delay) = runner.waiting().await;
            assert_eq!(attempt, expected);
            assert!(delay <= s(30).min(Duration::from_millis(500) * 2_u32.pow(attempt - 1)));
            waits.push(delay);
        }
        assert!(waits.iter().max() > Some(&s(2)), "{waits:?}");
        let (at, _) = runner.acknowledged().await;
        assert!(at.elapsed() < s(1));
        assert!(matches!(runner.stop().await, Outcome::Stopped));
        Ok(())
    });
    sim.run().unwrap();
}

#[test]
fn a_peer_that_accepts_and_says_nothing_is_left_after_ten_seconds() {
    let mut sim = simulation();
    sim.client("gateway", async {
        let listener = listen().await;
        let silent = listener.accept().await?;
        let mut peer = welcome(&listener, &[]).await;
        peer.keep_alive().await;
        drop(silent);
        Ok(())
    });
    sim.client("runner", async {
        let begin = Instant::now();
        let mut runner = start(settings());
        let (at, reason) = runner.disconnected().await;
        assert!(reason.contains("did not answer the upgrade within 10 s"), "{reason}");
        assert!(about(s(10), at - begin), "{:?}", at - begin);
        runner.acknowledged().await;
        runner.stop().await;
        Ok(())
    });
    sim.run().unwrap();
}

#[test]
fn a_hello_that_is_not_acknowledged_ends_the_session_after_ten_seconds() {
    let mut sim = simulation();
    sim.client("gateway", async {
        let listener = listen().await;
        let mut peer = accept(&listener).await;
        peer.hello().await;
        assert_eq!(peer.closed_with().await, Some(1002));
        welcome(&listener, &[]).await.keep_alive().await;
        Ok(())
    });
    sim.client("runner", async {
        let mut runner = start(settings());
        let (connected, ()) = runner.find(|event| matches!(event, Event::Connected).then_some(())).await;
        runner.lost().await;
        let (at, reason) = runner.disconnected().await;
        assert_eq!(reason, "no hello-ack within 10 s");
        assert!(about(s(10), at - connected), "{:?}", at - connected);
        runner.acknowledged().await;
        runner.stop().await;
        Ok(())
    });
    sim.run().unwrap();
}

#[test]
fn a_peer_that_stops_answering_is_dead_after_a_minute() {
    let mut sim = simulation();
    sim.client("gateway", async {
        let listener = listen().await;
        let deaf = welcome(&listener, &[]).await;
        // Holds the socket open without reading, so no ping is answered.
        welcome(&listener, &[]).await.keep_alive().await;
        drop(deaf);
        Ok(())
    });
    sim.client("runner", async {
        let mut runner = start(settings());
        let (acknowledged, _) = runner.acknowledged().await;
        let (at, reason) = runner.disconnected().await;
        assert_eq!(reason, "no sign of life from the gateway for 60 s");
        // The close frame is offered for a second to a peer that does not take it.
        let lived = at - acknowledged;
        assert!(lived >= s(60) && lived <= s(63), "{lived:?}");
        runner.acknowledged().await;
        runner.stop().await;
        Ok(())
    });
    sim.run().unwrap();
}

#[test]
fn a_peer_that_only_answers_pings_lives_for_ever() {
    let mut sim = simulation();
    sim.client("gateway", async {
        let listener = listen().await;
        welcome(&listener, &[]).await.keep_alive().await;
        Ok(())
    });
    sim.client("runner", async {
        let mut runner = start(settings());
        runner.acknowledged().await;
        sleep(s(600)).await;
        runner.events.close();
        while let Some((_, event)) = runner.events.recv().await {
            assert!(!matches!(event, Event::Disconnected(_)), "{event:?}");
        }
        assert!(matches!(runner.stop().await, Outcome::Stopped));
        Ok(())
    });
    sim.run().unwrap();
}

#[test]
fn a_network_that_splits_and_heals_costs_one_session() {
    let mut sim = simulation();
    sim.client("gateway", async {
        let listener = listen().await;
        let before = welcome(&listener, &[]).await;
        welcome(&listener, &[]).await.keep_alive().await;
        drop(before);
        Ok(())
    });
    sim.client("runner", async {
        let mut runner = start(settings());
        runner.acknowledged().await;
        turmoil::partition("runner", "gateway");
        let (_, reason) = runner.disconnected().await;
        assert_eq!(reason, "no sign of life from the gateway for 60 s");
        sleep(s(90)).await;
        turmoil::repair("runner", "gateway");
        let healed = Instant::now();
        let (at, _) = runner.acknowledged().await;
        // One connect timeout and one wait, at the very most.
        assert!(at - healed < s(61), "{:?}", at - healed);
        runner.stop().await;
        Ok(())
    });
    sim.run().unwrap();
}

#[test]
fn an_abrupt_end_is_reported_as_abnormal_and_retried() {
    let mut sim = simulation();
    sim.client("gateway", async {
        let listener = listen().await;
        drop(welcome(&listener, &[]).await);
        welcome(&listener, &[]).await.keep_alive().await;
        Ok(())
    });
    sim.client("runner", async {
        let mut runner = start(settings());
        let (_, reason) = runner.disconnected().await;
        assert!(reason.starts_with("the gateway went away abnormally (1006"), "{reason}");
        assert!(runner.waiting().await.1 <= Duration::from_millis(500));
        runner.acknowledged().await;
        runner.stop().await;
        Ok(())
    });
    sim.run().unwrap();
}

#[test]
fn a_draining_gateway_is_left_for_the_next_one_at_once_and_only_once() {
    let mut sim = simulation();
    sim.client("gateway", async {
        let listener = listen().await;
        welcome(&listener, &[]).await.close(4503, "draining").await;
        welcome(&listener, &[]).await.close(4503, "draining").await;
        welcome(&listener, &[]).await.keep_alive().await;
        Ok(())
    });
    sim.client("runner", async {
        let mut runner = start(settings());
        let (closed, reason) = runner.disconnected().await;
        assert_eq!(reason, "closed by the gateway: 4503 draining");
        assert_eq!(runner.waiting().await, (1, Duration::ZERO));
        let (again, _) = runner.acknowledged().await;
        assert!(again - closed < Duration::from_millis(200));
        let (attempt, delay) = runner.waiting().await;
        assert!(attempt == 1 && delay > Duration::ZERO);
        runner.acknowledged().await;
        runner.stop().await;
        Ok(())
    });
    sim.run().unwrap();
}

#[test]
fn every_other_close_code_takes_the_normal_schedule() {
    let codes =
        [(4400, "protocol error: x"), (4408, "heartbeat timeout"), (1000, ""), (1011, "bug"), (4999, "?")];
    let mut sim = simulation();
    sim.client("gateway", async move {
        let listener = listen().await;
        for (code, reason) in codes {
            welcome(&listener, &[]).await.close(code, reason).await;
        }
        welcome(&listener, &[]).await.keep_alive().await;
        Ok(())
    });
    sim.client("runner", async move {
        let mut runner = start(settings());
        for (index, (code, _)) in codes.into_iter().enumerate() {
            let (_, reason) = runner.disconnected().await;
            assert!(reason.starts_with(&format!("closed by the gateway: {code} ")), "{reason}");
            // None of these sessions lasted: the waits grow.
            let (attempt, delay) = runner.waiting().await;
            assert_eq!(attempt as usize, index + 1);
            assert!(delay <= s(8));
        }
        runner.acknowledged().await;
        runner.stop().await;
        Ok(())
    });
    sim.run().unwrap();
}

#[test]
fn refused_credentials_take_the_slow_schedule_and_end_in_giving_up() {
    let mut sim = simulation();
    sim.client("gateway", async {
        let listener = listen().await;
        for reason in ["revoked", "bad token", "unknown runner"] {
            accept(&listener).await.close(4401, reason).await;
        }
        Ok(())
    });
    sim.client("runner", async {
        let mut runner = start(settings().with_auth_attempts(3));
        let (attempt, first) = runner.waiting().await;
        assert!(attempt == 1 && first <= s(5));
        let (attempt, second) = runner.waiting().await;
        assert!(attempt == 2 && second <= s(10));
        assert!(first + second > s(1), "{first:?} {second:?}");
        match runner.task.await.unwrap() {
            Outcome::CredentialsRefused { attempts: 3, reason } => {
                assert!(reason.advice().unwrap().contains("SEMILAYER_RUNNER_ID"));
                assert!(matches!(reason, Disconnect::Closed { code: CloseCode::Unauthorized, .. }));
            }
            other => panic!("{other:?}"),
        }
        Ok(())
    });
    sim.run().unwrap();
}

#[test]
fn another_version_ends_the_runner() {
    let mut sim = simulation();
    sim.client("gateway", async {
        let listener = listen().await;
        accept(&listener).await.close(4409, "unsupported version").await;
        Ok(())
    });
    sim.client("runner", async {
        match start(settings()).task.await.unwrap() {
            Outcome::VersionRefused { reason } => {
                assert_eq!(reason.to_string(), "closed by the gateway: 4409 unsupported version");
            }
            other => panic!("{other:?}"),
        }
        Ok(())
    });
    sim.run().unwrap();
}

#[test]
fn only_a_session_that_lasted_starts_the_waits_over() {
    let mut sim = simulation();
    sim.client("gateway", async {
        let listener = listen().await;
        for _ in 0..3 {
            welcome(&listener, &[]).await.close(4408, "heartbeat timeout").await;
        }
        let mut lasting = welcome(&listener, &[]).await;
        assert!(tokio::time::timeout(s(31), lasting.keep_alive()).await.is_err());
        lasting.close(4408, "heartbeat timeout").await;
        welcome(&listener, &[]).await.keep_alive().await;
        Ok(())
    });
    sim.client("runner", async {
        let mut runner = start(settings());
        let mut attempts = Vec::new();
        for _ in 0..4 {
            attempts.push(runner.waiting().await.0);
        }
        assert_eq!(attempts, [1, 2, 3, 1]);
        runner.acknowledged().await;
        runner.stop().await;
        Ok(())
    });
    sim.run().unwrap();
}

#[test]
fn an_http_refusal_says_its_status_and_what_to_check() {
    let mut sim = simulation();
    sim.client("gateway", async {
        let listener = listen().await;
        for answer in [
            "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
            "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n",
            "SSH-2.0-OpenSSH_9.9\r\n",
        ] {
            let (mut stream, _) = listener.accept().await?;
            let mut request = [0; 2_048];
            let read = stream.read(&mut request).await?;
            assert!(read > 0);
            stream.write_all(answer.as_bytes()).await?;
        }
        welcome(&listener, &[]).await.keep_alive().await;
        Ok(())
    });
    sim.client("runner", async {
        let mut runner = start(settings());
        assert_eq!(runner.disconnected().await.1, "the gateway refused the upgrade with HTTP 404");
        assert!(runner.waiting().await.1 <= Duration::from_millis(500));
        assert_eq!(runner.disconnected().await.1, "the gateway refused the upgrade with HTTP 403");
        runner.waiting().await;
        assert_eq!(runner.disconnected().await.1, "the answer to the upgrade is not HTTP");
        runner.acknowledged().await;
        runner.stop().await;
        Ok(())
    });
    sim.run().unwrap();
}

#[test]
fn a_stop_is_obeyed_while_connecting_and_while_waiting() {
    let mut sim = simulation();
    sim.client("gateway", async {
        let listener = listen().await;
        let hanging = listener.accept().await?;
        sleep(s(3)).await;
        drop((hanging, listener));
        Ok(())
    });
    sim.client("runner", async {
        let mut connecting = start(settings());
        connecting.find(|event| matches!(event, Event::Connecting).then_some(())).await;
        sleep(s(1)).await;
        let asked = Instant::now();
        assert!(matches!(connecting.stop().await, Outcome::Stopped));
        assert!(asked.elapsed() < Duration::from_millis(20));

        sleep(s(5)).await;
        let mut waiting = start(settings());
        while waiting.waiting().await.1 < s(5) {}
        let asked = Instant::now();
        waiting.signals.drain.cancel();
        assert!(matches!(waiting.task.await.unwrap(), Outcome::Stopped));
        assert!(asked.elapsed() < Duration::from_millis(20));
        Ok(())
    });
    sim.run().unwrap();
}
