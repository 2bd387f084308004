//! Serving through a proxy.

use e2e_tests::{GatewayOptions, LIMIT, Runner};
use serde_json::json;
use test_servers::{Postgres, PostgresOptions, Proxy, ProxyBehaviour, ProxyOptions, ProxyProtocol};

use crate::{NAME, Site, contains};

/// Every kind, as its URL has it, and what the variable is that names it.
const KINDS: [(ProxyProtocol, &str, &str); 3] = [
    (ProxyProtocol::Connect, "http", "HTTPS_PROXY"),
    (ProxyProtocol::ConnectInTls, "https", "https_proxy"),
    (ProxyProtocol::Socks5, "socks5h", "ALL_PROXY"),
];

#[tokio::test]
async fn rows_come_through_every_kind_of_proxy_and_none_hears_the_token_or_a_row() {
    let site = Site::encrypted().await;
    for (protocol, scheme, variable) in KINDS {
        let port = site.gateway.port();
        let options = ProxyOptions::speaking(protocol).route(NAME, port).login("app", "hunter2 @:/");
        let proxy = Proxy::start(options).await.unwrap();
        let ca = site.folder.path().join("proxy.pem");
        std::fs::write(&ca, proxy.own_authority()).unwrap();
        let url = proxy.url_with(scheme, "app:hunter2%20%40%3A%2F");
        let options = site.behind(variable, url).set("SEMILAYER_CA_FILE", ca.display().to_string());
        let runner = site.serves(&options).await;
        let asked = proxy.requests();
        assert_eq!((asked[0].host.as_str(), asked[0].port), (NAME, port), "{scheme}");
        assert_eq!(asked[0].login.as_deref(), Some("app:hunter2 @:/"), "{scheme}");
        let heard = proxy.heard();
        assert!(heard.len() > 1000, "{scheme}: the runner went another way");
        for secret in [&site.identity.token, &site.identity.id, "Authorization: Bearer", "\"rows\""] {
            assert!(!contains(&heard, secret), "{scheme}: the proxy heard {secret}");
        }
        let said: Vec<String> = runner.process().lines().into_iter().map(|line| line.text).collect();
        let said = said.join("\n");
        assert!(said.contains(&format!("({variable})")) && !said.contains("hunter2"), "{said}");
        runner.process().kill9().await.unwrap();
    }
}

#[tokio::test]
async fn socks5_without_h_looks_the_name_up_here() {
    let site = Site::encrypted().await;
    let proxy = Proxy::start(ProxyOptions::speaking(ProxyProtocol::Socks5)).await.unwrap();
    let options = site.options.clone().set("NODE_EXTRA_CA_CERTS", site.gateway.authority());
    // The gateway's URL names localhost; a proxy that is set for this program alone is used all the same.
    let _runner = site.serves(&options.set("SEMILAYER_PROXY", proxy.url("socks5"))).await;
    assert_eq!(proxy.requests()[0].host, "127.0.0.1");
}

#[tokio::test]
async fn a_runner_comes_back_through_its_proxy_after_either_of_them_was_gone() {
    let mut site = Site::encrypted().await;
    let proxy = Proxy::start(ProxyOptions::default().route(NAME, site.gateway.port())).await.unwrap();
    let runner = site.serves(&site.behind("HTTPS_PROXY", proxy.url("http"))).await;
    site.gateway.crash_and_restart().await.unwrap();
    site.gateway.serving(&site.caller, "shop").await.unwrap();
    assert!(proxy.requests().len() >= 2);
    // Now it is the proxy that refuses for a while.
    proxy.set_behaviour(ProxyBehaviour::Refuse(503));
    site.gateway.crash_and_restart().await.unwrap();
    let said = runner.process().wait_for_line("the proxy answers 503 to CONNECT", LIMIT).await.unwrap();
    assert!(said.contains(&format!("through the proxy http://127.0.0.1:{}", proxy.port())), "{said}");
    proxy.set_behaviour(ProxyBehaviour::Tunnel);
    site.gateway.serving(&site.caller, "shop").await.unwrap();
}

#[tokio::test]
async fn databases_are_never_reached_through_the_proxy() {
    let site = Site::encrypted().await;
    let postgres = Postgres::start(PostgresOptions::default()).await.unwrap();
    site.gateway.source("orders", "postgres", &site.identity).await.unwrap();
    let proxy = Proxy::start(ProxyOptions::default().route(NAME, site.gateway.port())).await.unwrap();
    let options = site
        .behind("HTTPS_PROXY", proxy.url("http"))
        .set("ALL_PROXY", proxy.url("http"))
        .set("SEMILAYER_SOURCE_ORDERS_URL", postgres.url());
    let _runner = site.serves(&options).await;
    site.gateway.serving(&site.caller, "orders").await.unwrap();
    assert!(proxy.requests().iter().all(|asked| asked.host == NAME), "{:?}", proxy.requests());
}

#[tokio::test]
async fn a_wrong_password_is_said_in_the_log_and_never_shown() {
    let site = Site::encrypted().await;
    let proxy = Proxy::start(ProxyOptions::default().login("app", "hunter2")).await.unwrap();
    let options = site.behind("HTTPS_PROXY", proxy.url_with("http", "app:hunter3"));
    let runner = Runner::spawn(&site.gateway, &site.identity, &options).unwrap();
    let said = "the proxy does not accept the user name and password (407, by Basic)";
    runner.process().wait_for_line(said, LIMIT).await.unwrap();
    let line = runner.process().wait_for_line("connecting again after: ", LIMIT).await.unwrap();
    assert!(line.contains("http://user:password@host:port"), "{line}");
    let all: Vec<String> = runner.process().lines().into_iter().map(|line| line.text).collect();
    assert!(!all.join("\n").contains("hunter"), "{all:?}");
}

#[tokio::test]
async fn a_plain_gateway_behind_a_proxy_must_be_meant() {
    let site = Site::start(GatewayOptions::default()).await;
    let proxy = Proxy::start(ProxyOptions::default()).await.unwrap();
    let options = site.options.clone().set("SEMILAYER_PROXY", proxy.url("http"));
    let launch = Runner::launch(&site.gateway, &site.identity, &options).unwrap();
    let (exit, _, err) = Runner::command(&launch, &["start"]).await.unwrap();
    assert_eq!(exit, test_servers::Exit::Code(2), "{err}");
    assert!(err.contains("the token would reach the proxy") && err.contains("--insecure-gateway"), "{err}");
    assert!(proxy.requests().is_empty());
    // Without TLS it is a tunnel as well, and the proxy hears everything: which is why.
    let meant = launch.arg("--insecure-gateway").arg("start");
    let runner = test_servers::Process::start(&meant).unwrap();
    runner.wait_for_line("connected, awaiting jobs", LIMIT).await.unwrap();
    let answer = site.caller.ask("shop", "query", &json!({"target": "t"})).await.unwrap();
    assert_eq!(answer.rows().len(), 2, "{}", answer.body);
    assert!(contains(&proxy.heard(), &site.identity.token));
}
