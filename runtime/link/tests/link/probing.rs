//! The doctor's question: would this runner be accepted?

use std::time::Duration;

use runner_link::{Verdict, probe};
use runner_protocol::CloseCode;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;

use crate::gateway::{accept, accept_with, listen};
use crate::runner::{Simulated, parts, settings};
use crate::simulation;

#[test]
fn a_gateway_that_knows_probes_answers_hello() {
    let mut sim = simulation();
    sim.client("gateway", async {
        let listener = listen().await;
        let mut peer = accept_with(&listener, &[("x-semilayer-features", "probe")]).await;
        let hello = peer.hello().await;
        assert_eq!(hello.features, ["probe"]);
        assert_eq!(hello.capabilities, ["postgres"]);
        peer.ack(&["probe"]).await;
        assert_eq!(peer.closed_with().await, Some(1000));
        Ok(())
    });
    sim.client("runner", async {
        let begin = Instant::now();
        let answer = probe(&settings(), &Simulated, parts()).await?;
        assert!(matches!(answer.verdict, Verdict::Accepted { server_version: 1, .. }), "{answer:?}");
        assert!(begin.elapsed() >= Duration::from_secs(2));
        Ok(())
    });
    sim.run().unwrap();
}

#[test]
fn a_gateway_that_does_not_is_never_sent_hello() {
    let mut sim = simulation();
    sim.client("gateway", async {
        let listener = listen().await;
        let mut peer = accept(&listener).await;
        assert!(peer.frame().await.is_none());
        Ok(())
    });
    sim.client("runner", async {
        let answer = probe(&settings(), &Simulated, parts()).await?;
        assert!(matches!(answer.verdict, Verdict::NotRefused), "{answer:?}");
        Ok(())
    });
    sim.run().unwrap();
}

#[test]
fn a_refusal_is_told_with_its_reason() {
    let mut sim = simulation();
    sim.client("gateway", async {
        let listener = listen().await;
        accept(&listener).await.close(4401, "revoked").await;
        let (mut stream, _) = listener.accept().await?;
        let mut request = [0; 2_048];
        assert!(stream.read(&mut request).await? > 0);
        stream
            .write_all(
                b"HTTP/1.1 404 Not Found\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Length: 0\r\n\r\n",
            )
            .await?;
        Ok(())
    });
    sim.client("runner", async {
        let answer = probe(&settings(), &Simulated, parts()).await?;
        match &answer.verdict {
            Verdict::Refused(reason) => {
                assert_eq!(reason.to_string(), "closed by the gateway: 4401 revoked");
                assert!(reason.advice().is_some());
                assert!(matches!(
                    reason,
                    runner_link::Disconnect::Closed { code: CloseCode::Unauthorized, .. }
                ));
            }
            other => panic!("{other:?}"),
        }
        let answer = probe(&settings(), &Simulated, parts()).await?;
        assert_eq!(answer.http_status(), Some(404));
        assert!(answer.clock_skew_seconds.unwrap() < -86_400);
        Ok(())
    });
    sim.run().unwrap();
}

#[test]
fn a_gateway_that_cannot_be_reached_is_an_error_with_its_cause() {
    let mut sim = simulation();
    sim.host("gateway", std::future::pending);
    sim.client("runner", async {
        let error = probe(&settings(), &Simulated, parts()).await.unwrap_err();
        assert!(error.to_string().starts_with("connection failed"), "{error}");
        Ok(())
    });
    sim.run().unwrap();
}
