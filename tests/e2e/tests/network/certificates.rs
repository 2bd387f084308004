//! Authorities and client certificates, against real TLS.

use e2e_tests::{GatewayOptions, LIMIT, Runner, RunnerOptions};
use test_servers::{Exit, Proxy, ProxyOptions, ServerCertificate, TlsDoor, TlsDoorOptions};

use crate::Site;

/// What a runner is told that goes through the door.
fn at(site: &Site, door: &TlsDoor) -> RunnerOptions {
    let options =
        site.options.clone().set("SEMILAYER_GATEWAY_URL", format!("wss://localhost:{}/connect", door.port()));
    options.set("SEMILAYER_CA_FILE", write(site, "ca.pem", door.certificates().authority()))
}

fn write(site: &Site, name: &str, text: &str) -> String {
    let path = site.folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

#[tokio::test]
async fn an_extra_authority_is_taken_from_each_place_that_may_name_it() {
    let site = Site::encrypted().await;
    let (exit, out) = site.doctor(&site.options).await;
    assert_eq!(exit, Exit::Code(1), "{out}");
    assert!(out.contains("issuer CN=Test Authority") && out.contains("NODE_EXTRA_CA_CERTS"), "{out}");
    for variable in ["SEMILAYER_CA_FILE", "NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE"] {
        let (exit, out) = site.doctor(&site.options.clone().set(variable, site.gateway.authority())).await;
        assert_eq!(exit, Exit::Code(0), "{variable}: {out}");
    }
    let launch = Runner::launch(&site.gateway, &site.identity, &site.options).unwrap();
    let flags = ["doctor", "--ca-file", &site.gateway.authority()];
    assert_eq!(Runner::command(&launch, &flags).await.unwrap().0, Exit::Code(0));
}

#[tokio::test]
async fn a_certificate_that_is_wrong_is_told_by_what_is_wrong_with_it() {
    let site = Site::start(GatewayOptions::default()).await;
    for (certificate, finding, remedy) in [
        (ServerCertificate::Expired, "the certificate has expired", "has to be renewed"),
        (ServerCertificate::WrongName, "the certificate is not for localhost", "must be one of the names"),
    ] {
        let options = TlsDoorOptions { certificate, ..TlsDoorOptions::default() };
        let door = TlsDoor::start(site.gateway.port(), options).await.unwrap();
        let (exit, out) = site.doctor(&at(&site, &door)).await;
        assert_eq!(exit, Exit::Code(1), "{out}");
        assert!(out.contains(finding) && out.contains(remedy), "{out}");
        assert!(out.contains("subject CN=server, issuer CN=Test Authority"), "{out}");
    }
}

#[tokio::test]
async fn a_gateway_that_asks_for_a_client_certificate_is_served_with_one_and_says_so_without() {
    let site = Site::start(GatewayOptions::default()).await;
    let asking = TlsDoorOptions { asks_clients: true, ..TlsDoorOptions::default() };
    let door = TlsDoor::start(site.gateway.port(), asking).await.unwrap();
    let options = at(&site, &door);
    let (exit, out) = site.doctor(&options).await;
    assert_eq!(exit, Exit::Code(1), "{out}");
    let runner = Runner::spawn(&site.gateway, &site.identity, &options).unwrap();
    runner
        .process()
        .wait_for_line("⚠ disconnected: the gateway wants a client certificate", LIMIT)
        .await
        .unwrap();
    let said = runner
        .process()
        .wait_for_line("connecting again after: the gateway wants a client", LIMIT)
        .await
        .unwrap();
    runner.process().kill9().await.unwrap();
    for text in [said, out] {
        assert!(text.contains("set --client-cert and --client-key"), "{text}");
    }

    let client = door.certificates().client();
    let shown = options
        .set("SEMILAYER_CLIENT_CERT", write(&site, "client.pem", &client.certificate))
        .set("SEMILAYER_CLIENT_KEY", write(&site, "client.key", &client.key));
    let (exit, out) = site.doctor(&shown).await;
    assert_eq!(exit, Exit::Code(0), "{out}");
    site.serves(&shown).await.process().kill9().await.unwrap();

    // And through a proxy: both ends of TLS are where they were.
    let proxy = Proxy::start(ProxyOptions::default()).await.unwrap();
    let _runner = site.serves(&shown.set("SEMILAYER_PROXY", proxy.url("http"))).await;
    assert_eq!(proxy.requests()[0].port, door.port());
}
