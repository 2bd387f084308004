//! A proxy that breaks into TLS, as companies have them.

use e2e_tests::{LIMIT, Runner};
use test_servers::{Exit, Proxy, ProxyBehaviour, ProxyOptions};

use crate::{NAME, Site, contains};

#[tokio::test]
async fn a_proxy_that_signs_anew_is_named_hears_no_token_and_is_let_in_by_its_authority_alone() {
    let site = Site::encrypted().await;
    let upstream = std::fs::read_to_string(site.gateway.authority()).unwrap();
    let inspecting =
        ProxyOptions::default().route(NAME, site.gateway.port()).behaving(ProxyBehaviour::Inspect(upstream));
    let proxy = Proxy::start(inspecting).await.unwrap();
    let options = site.behind("HTTPS_PROXY", proxy.url("http"));

    let (exit, out) = site.doctor(&options).await;
    assert_eq!(exit, Exit::Code(1), "{out}");
    let line = out.lines().find(|line| line.starts_with("✗ reachable")).unwrap_or_else(|| panic!("{out}"));
    assert!(
        line.contains("— tls: ") && line.contains(&format!("through the proxy {}", proxy.url("http"))),
        "{out}"
    );
    assert!(line.contains("the certificate is signed by no trusted authority"), "{out}");
    assert!(line.contains(&format!("subject CN={NAME}, issuer CN=Corporate Inspection Authority")), "{out}");
    assert!(out.contains("set NODE_EXTRA_CA_CERTS (or --ca-file)"), "{out}");

    let runner = Runner::spawn(&site.gateway, &site.identity, &options).unwrap();
    let said =
        runner.process().wait_for_line("connecting again after: gateway.example", LIMIT).await.unwrap();
    assert!(
        said.contains("NODE_EXTRA_CA_CERTS") && said.contains("Corporate Inspection Authority"),
        "{said}"
    );
    runner.process().kill9().await.unwrap();
    assert_eq!(proxy.inspected(), b"", "something was said to a stranger");

    let ca = site.folder.path().join("inspection.pem");
    std::fs::write(&ca, proxy.inspecting_authority()).unwrap();
    let trusting = options.set("NODE_EXTRA_CA_CERTS", ca.display().to_string());
    let (exit, out) = site.doctor(&trusting).await;
    assert_eq!(exit, Exit::Code(0), "{out}");
    let issuer = format!("certificate: subject CN={NAME}, issuer CN=Corporate Inspection Authority");
    assert!(out.contains(&issuer), "{out}");
    let _runner = site.serves(&trusting).await;
    // It does hear the token now: that is what trusting it means, and why docs/network.md says so.
    assert!(contains(&proxy.inspected(), &site.identity.token));
}
