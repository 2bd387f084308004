//! A gateway, or a configuration, that does not let the runner in.

use serde_json::json;

use crate::support::gateway::Gateway;
use crate::support::program::{Running, TOKEN, run};

#[tokio::test]
async fn refused_credentials_end_it_with_4_and_advice() {
    let folder = tempfile::tempdir().unwrap();
    let gateway = Gateway::open().await;
    let url = gateway.url();
    let variables = [
        ("SEMILAYER_RUNNER_TOKEN", TOKEN),
        ("SEMILAYER_RUNNER_ID", "edge"),
        ("SEMILAYER_GATEWAY_URL", &*url),
        ("SEMILAYER_AUTH_ATTEMPTS", "1"),
    ];
    let runner = Running::start(folder.path(), &[], &variables);
    gateway.accept().await.close(4401, "revoked").await;
    let ended = runner.ended().await;
    assert_eq!(ended.code, Some(4), "{}", ended.out);
    assert!(ended.out.contains("WARN ⚠ disconnected: closed by the gateway: 4401 revoked"), "{}", ended.out);
    assert!(ended.out.contains("ERROR the gateway refuses the credentials"), "{}", ended.out);
    assert!(ended.out.contains("make a new token and set SEMILAYER_RUNNER_TOKEN"), "{}", ended.out);
}

#[tokio::test]
async fn a_refused_version_ends_it_with_5() {
    let folder = tempfile::tempdir().unwrap();
    let gateway = Gateway::open().await;
    let url = gateway.url();
    let variables = [
        ("SEMILAYER_RUNNER_TOKEN", TOKEN),
        ("SEMILAYER_RUNNER_ID", "edge"),
        ("SEMILAYER_GATEWAY_URL", &*url),
    ];
    let runner = Running::start(folder.path(), &[], &variables);
    let mut session = gateway.accept().await;
    session.frame("hello").await;
    session.close(4409, "unsupported version").await;
    let ended = runner.ended().await;
    assert_eq!(ended.code, Some(5), "{}", ended.out);
    assert!(ended.out.contains("ERROR the gateway refuses this version of the protocol"), "{}", ended.out);
}

#[tokio::test]
async fn a_gateway_that_is_down_is_tried_again_until_it_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("ws://127.0.0.1:{port}/connect");
    let variables = [
        ("SEMILAYER_RUNNER_TOKEN", TOKEN),
        ("SEMILAYER_RUNNER_ID", "edge"),
        ("SEMILAYER_GATEWAY_URL", &*url),
    ];
    let mut runner = Running::start(folder.path(), &[], &variables);
    let line = runner.logged("⚠ disconnected: ").await;
    assert!(line.contains("connection refused"), "{line}");
    runner.logged("attempt=2").await;
    let gateway = Gateway::at(port).await;
    let (session, _) = gateway.greet(json!([])).await;
    runner.logged("→ connected, awaiting jobs").await;
    drop(session);
    runner.logged("⚠ disconnected: the gateway went away abnormally (1006").await;
}

#[tokio::test]
async fn what_is_missing_is_said_with_flag_and_variable() {
    let folder = tempfile::tempdir().unwrap();
    let ended =
        run(folder.path(), &[], &[("SEMILAYER_RUNNER_ID", "edge"), ("SEMILAYER_RUNNER_TOKEN", "")]).await;
    assert_eq!(ended.code, Some(2));
    assert_eq!(ended.out, "");
    assert_eq!(
        ended.err,
        "error: no runner token: set --token or SEMILAYER_RUNNER_TOKEN (rk_…, shown once when the runner is created; the gateway can issue a new one)\n"
    );
    let ended = run(folder.path(), &["status"], &[("SEMILAYER_RUNNER_TOKEN", TOKEN)]).await;
    assert_eq!(ended.code, Some(2));
    assert_eq!(
        ended.err,
        "error: no runner id: set --id or SEMILAYER_RUNNER_ID (the UUID or name that the gateway shows for this runner)\n"
    );
}

#[tokio::test]
async fn what_is_wrong_is_said_with_its_place_and_without_its_value() {
    let folder = tempfile::tempdir().unwrap();
    let token = [("SEMILAYER_RUNNER_TOKEN", TOKEN), ("SEMILAYER_RUNNER_ID", "edge")];
    let secret = folder.path().join("absent");
    let secret = secret.to_str().unwrap();
    for (arguments, variable, error) in [
        (
            &["--gateway", "ws://example.com/x"][..],
            ("X", ""),
            "error: --gateway: ws://example.com/x is not encrypted",
        ),
        (
            &[],
            ("SEMILAYER_GATEWAY_URL", "wss://u:hunter2@x"),
            "error: SEMILAYER_GATEWAY_URL: the gateway URL must not contain",
        ),
        (
            &[],
            ("SEMILAYER_MAX_JOBS", "0"),
            "error: SEMILAYER_MAX_JOBS: must be a whole number from 1 to 10000",
        ),
        (&[], ("PORT", "http"), "error: PORT: must be a whole number from 0 to 65535"),
        (&[], ("SEMILAYER_TOKEN_IN", "body"), "error: SEMILAYER_TOKEN_IN: must be header, query or auto"),
        (&[], ("SEMILAYER_LOG", "a=b=c"), "error: SEMILAYER_LOG: is no level and no filter"),
        (&["--log-format", "xml"], ("X", ""), "error: --log-format: must be text or json"),
        (
            &[],
            ("SEMILAYER_MANAGED_ALLOW_HOSTS", "10.1.0.0/8"),
            "error: SEMILAYER_MANAGED_ALLOW_HOSTS: `10.1.0.0/8` is not",
        ),
        (
            &[],
            ("SEMILAYER_RUNNER_TOKEN_FILE", secret),
            "error: SEMILAYER_RUNNER_TOKEN and SEMILAYER_RUNNER_TOKEN_FILE are both set",
        ),
        (&[], ("SEMILAYER_GATEWAY_URL_FILE", secret), "error: SEMILAYER_GATEWAY_URL_FILE: cannot read"),
        (&[], ("SSL_CERT_FILE", secret), "error: SSL_CERT_FILE: CA file"),
        (
            &["--client-cert", "/x.pem"],
            ("X", ""),
            "error: --client-cert: needs --client-key or SEMILAYER_CLIENT_KEY as well",
        ),
        (&["--config", "/x.toml"], ("X", ""), "error: configuration file /x.toml: "),
        (&["--max-job", "1"], ("X", ""), "error: unexpected argument '--max-job'"),
    ] {
        let variables: Vec<_> = token.into_iter().chain([variable]).collect();
        let ended = run(folder.path(), arguments, &variables).await;
        assert_eq!(ended.code, Some(2), "{variable:?} {}", ended.err);
        assert!(ended.err.starts_with(error), "{}", ended.err);
        assert!(!ended.err.contains("hunter2"), "{}", ended.err);
    }
}

#[tokio::test]
async fn a_health_port_in_use_ends_it_with_2() {
    let folder = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("0.0.0.0:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let variables = [("SEMILAYER_RUNNER_TOKEN", TOKEN), ("SEMILAYER_RUNNER_ID", "edge"), ("PORT", &*port)];
    let ended = run(folder.path(), &[], &variables).await;
    assert_eq!(ended.code, Some(2));
    assert!(ended.err.starts_with(&format!("error: PORT={port}: the port is in use")), "{}", ended.err);
}
