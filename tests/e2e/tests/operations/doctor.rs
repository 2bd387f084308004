//! What doctor says of a real gateway and real sources.

use e2e_tests::{Gateway, GatewayOptions, Identity, Runner, RunnerOptions};
use reqwest::Method;
use test_servers::{Exit, Postgres, PostgresOptions, ServerCertificate};

async fn doctor(gateway: &Gateway, identity: &Identity, options: &RunnerOptions) -> (Exit, String) {
    let launch = Runner::launch(gateway, identity, options).unwrap();
    let (exit, out, err) = Runner::command(&launch, &["doctor"]).await.unwrap();
    assert_eq!(err, "");
    assert!(!out.contains(&identity.token), "the token was printed");
    (exit, out)
}

#[tokio::test]
async fn each_way_of_being_refused_has_its_own_line_and_what_to_do() {
    let gateway = Gateway::start(GatewayOptions::default()).await.unwrap();
    let known = gateway.runner("known").await.unwrap();
    let revoked = gateway.runner("revoked").await.unwrap();
    gateway.admin(Method::POST, &format!("/v1/runners/{}/revoke", revoked.id), None).await.unwrap();
    let wrong = Identity { token: known.token.replace("rk_default_", "rk_default_X"), ..known.clone() };
    let unknown = Identity { id: "0198a1b2-0000-7000-8000-000000000000".to_owned(), ..known.clone() };
    for (identity, reason, advice) in [
        (wrong, "4401 bad token", "copy it again into SEMILAYER_RUNNER_TOKEN"),
        (unknown, "4401 unknown runner", "compare SEMILAYER_RUNNER_ID with the id the gateway shows"),
        (revoked, "4401 revoked", "make a new token and set SEMILAYER_RUNNER_TOKEN"),
    ] {
        let (exit, out) = doctor(&gateway, &identity, &RunnerOptions::default()).await;
        assert_eq!(exit, Exit::Code(1), "{out}");
        let refused = format!("✗ handshake  the gateway refuses the credentials: {reason}");
        assert!(out.contains(&refused) && out.contains(advice), "{out}");
        assert!(out.contains("- assignment  not known: the handshake failed"), "{out}");
    }
}

#[tokio::test]
async fn the_gateways_certificate_is_shown_with_its_issuer_and_its_end() {
    let gateway = Gateway::start(GatewayOptions { tls: Some(ServerCertificate::Good) }).await.unwrap();
    let identity = gateway.runner("first").await.unwrap();
    let trusting = RunnerOptions::default().set("NODE_EXTRA_CA_CERTS", gateway.authority());
    let (exit, out) = doctor(&gateway, &identity, &trusting).await;
    assert_eq!(exit, Exit::Code(0), "{out}");
    let line = out.lines().find(|line| line.contains(" certificate  ")).unwrap_or_else(|| panic!("{out}"));
    assert!(line.contains("signed by ") && line.contains("valid until "), "{line}");

    let (exit, out) = doctor(&gateway, &identity, &RunnerOptions::default()).await;
    assert_eq!(exit, Exit::Code(1), "{out}");
    assert!(
        out.contains("✗ reachable") && out.contains("issuer ") && out.contains("NODE_EXTRA_CA_CERTS"),
        "{out}"
    );
    let skipped = "- certificate, handshake, assignment  not tried: the gateway cannot be reached";
    assert!(out.contains(skipped), "{out}");
}

#[tokio::test]
async fn a_name_that_is_nearly_right_is_held_against_what_the_gateway_assigns() {
    let postgres = Postgres::start(PostgresOptions::default()).await.unwrap();
    let gateway = Gateway::start(GatewayOptions::default()).await.unwrap();
    let identity = gateway.runner("first").await.unwrap();
    gateway.source("primary-db", "postgres", &identity).await.unwrap();
    let nearly = RunnerOptions::default().set("SEMILAYER_SOURCE_PRIMARYDB_URL", postgres.url());
    let (exit, out) = doctor(&gateway, &identity, &nearly).await;
    assert_eq!(exit, Exit::Code(3), "{out}");
    for expected in [
        "✓ assignment  one source: primary-db",
        "✗ primary-db  config",
        "set SEMILAYER_SOURCE_PRIMARY_DB_URL (set, but not read: SEMILAYER_SOURCE_PRIMARYDB_URL)",
        "! config SEMILAYER_SOURCE_PRIMARYDB_URL is set, and no source reads it; did you mean SEMILAYER_SOURCE_PRIMARY_DB_…?",
        "✓ primarydb  auth",
    ] {
        assert!(out.contains(expected), "{expected:?} is not in\n{out}");
    }

    let right = RunnerOptions::default().set("SEMILAYER_SOURCE_PRIMARY_DB_URL", postgres.url());
    let (exit, out) = doctor(&gateway, &identity, &right).await;
    assert_eq!(exit, Exit::Code(0), "{out}");
    assert_eq!(out.matches("  auth  ").count(), 1, "{out}");
}
