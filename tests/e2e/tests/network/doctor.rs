//! What `doctor` says about a proxy that opens no tunnel: the stage, which proxy, what it said, and what to do.

use test_servers::{Exit, Proxy, ProxyBehaviour, ProxyOptions, ProxyProtocol, free_port};

use crate::{NAME, Site};

/// A proxy that fails, and what is said of it: the finding, the remedy's beginning.
type Case = (ProxyProtocol, ProxyBehaviour, &'static str, &'static str);

#[tokio::test]
async fn a_proxy_that_works_is_named_with_who_set_it() {
    let site = Site::encrypted().await;
    let proxy = Proxy::start(ProxyOptions::default().route(NAME, site.gateway.port())).await.unwrap();
    let (exit, out) = site.doctor(&site.behind("HTTPS_PROXY", proxy.url("http"))).await;
    assert_eq!(exit, Exit::Code(0), "{out}");
    let port = site.gateway.port();
    let reached = format!(
        "✓ reachable  https://{NAME}:{port}/health → 200 through the proxy http://127.0.0.1:{} (HTTPS_PROXY)",
        proxy.port()
    );
    assert!(out.contains(&reached), "{out}");
    assert!(
        out.contains("    certificate: subject CN=server, issuer CN=Test Authority, valid 2001-"),
        "{out}"
    );
    assert!(out.contains("✓ handshake  accepted"), "{out}");
    // Both the question whether it is reachable and the handshake went that way.
    assert_eq!(proxy.requests().len(), 2);
}

#[tokio::test]
async fn every_refusal_is_told_with_its_number_and_what_to_do() {
    use ProxyBehaviour::{Close, Hang, Refuse, Say};
    use ProxyProtocol::{Connect, Socks5};
    let site = Site::encrypted().await;
    let cases: [Case; 10] = [
        (Connect, Refuse(403), "the proxy answers 403 to CONNECT", "the proxy's rules forbid it"),
        (Connect, Refuse(502), "the proxy answers 502 to CONNECT", "the proxy works and does not reach"),
        (Connect, Refuse(405), "the proxy answers 405 to CONNECT", "whoever runs the proxy has to see why"),
        (Connect, Say(b"220 mail ESMTP\r\n"), "not a proxy of this kind", "check host, port and scheme in"),
        (Connect, Close, "closed the connection without an answer", "the proxy hangs up on this machine"),
        (Connect, Hang, "opened no tunnel in time", "the proxy is there and probably cannot reach"),
        (Socks5, Refuse(2), "SOCKS reply 2: its rules do not allow", "the proxy's rules forbid it"),
        (Socks5, Refuse(4), "SOCKS reply 4: it cannot reach the host", "the proxy works and does not reach"),
        (Socks5, Refuse(5), "SOCKS reply 5: the host refused", "the proxy works and does not reach"),
        (Socks5, Refuse(8), "SOCKS reply 8: it does not support", "write socks5h:// in SEMILAYER_PROXY"),
    ];
    for (protocol, behaviour, finding, remedy) in cases {
        let proxy = Proxy::start(ProxyOptions::speaking(protocol).behaving(behaviour.clone())).await.unwrap();
        let scheme = if protocol == Socks5 { "socks5h" } else { "http" };
        told(&site, &proxy.url(scheme), finding, remedy).await;
    }
}

#[tokio::test]
async fn a_login_that_is_missing_or_wrong_is_told_with_the_variable_to_set() {
    let site = Site::encrypted().await;
    for (protocol, scheme) in [(ProxyProtocol::Connect, "http"), (ProxyProtocol::Socks5, "socks5h")] {
        let proxy = Proxy::start(ProxyOptions::speaking(protocol).login("app", "hunter2")).await.unwrap();
        let wants = "the proxy wants a user name and password";
        told(&site, &proxy.url(scheme), wants, "set user name and password in SEMILAYER_PROXY, like").await;
        let wrong = proxy.url_with(scheme, "app:hunter3");
        let refuses = "the proxy does not accept the user name and password";
        told(&site, &wrong, refuses, "compare user name and password in SEMILAYER_PROXY with").await;
    }
}

#[tokio::test]
async fn a_proxy_that_is_not_there_is_told_apart_from_a_gateway_that_is_not() {
    let site = Site::encrypted().await;
    let nobody = format!("http://127.0.0.1:{}", free_port().unwrap());
    let refused = "the proxy cannot be reached, connection refused";
    told(&site, &nobody, refused, "nothing accepts connections there: check the proxy's host and port").await;
    let unknown = "http://proxy.invalid:3128";
    let (exit, out) = site.doctor(&site.behind("SEMILAYER_PROXY", unknown)).await;
    assert_eq!(exit, Exit::Code(1), "{out}");
    // Which of the two depends on whether this machine has a name server that answers.
    assert!(out.contains("— proxy: ") && out.contains("the proxy cannot be reached, the name "), "{out}");
}

async fn told(site: &Site, url: &str, finding: &str, remedy: &str) {
    let (exit, out) = site.doctor(&site.behind("SEMILAYER_PROXY", url)).await;
    assert_eq!(exit, Exit::Code(1), "{out}");
    let line = out.lines().find(|line| line.starts_with("✗ reachable")).unwrap_or_else(|| panic!("{out}"));
    let port = site.gateway.port();
    let start =
        format!("✗ reachable  https://{NAME}:{port}/health — proxy: {NAME}:{port} through the proxy ");
    assert!(line.starts_with(&start) && line.contains(finding), "{out}");
    let place = url.rsplit(['@', '/']).next().unwrap();
    assert!(line.contains(place), "{place}: {line}");
    assert!(out.contains(&format!("    → {remedy}")), "{remedy}: {out}");
    assert!(!out.contains("hunter") && !out.contains(&site.identity.token), "{out}");
}
