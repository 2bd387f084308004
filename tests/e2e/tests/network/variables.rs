//! Which variable wins, in the real program.

use test_servers::{Exit, Proxy, ProxyOptions};

use crate::{NAME, Site};

#[tokio::test]
async fn status_shows_the_proxy_without_its_password_and_who_set_it() {
    let site = Site::encrypted().await;
    let status = site.status(&site.behind("HTTPS_PROXY", "http://app:hunter2@proxy.corp.example:3128")).await;
    assert_eq!(
        status.lines().nth(4),
        Some("proxy:      http://app:…@proxy.corp.example:3128  (HTTPS_PROXY)"),
        "{status}"
    );
    let secret = site.folder.path().join("proxy");
    std::fs::write(&secret, "socks5h://app:hunter2@socks.corp.example\n").unwrap();
    let options = site
        .behind("HTTPS_PROXY", "http://app:hunter2@proxy.corp.example:3128")
        .set("SEMILAYER_PROXY_FILE", secret.display().to_string());
    let status = site.status(&options).await;
    assert_eq!(
        status.lines().nth(4),
        Some("proxy:      socks5h://app:…@socks.corp.example:1080  (SEMILAYER_PROXY_FILE)"),
        "{status}"
    );
    let spared = site.behind("HTTPS_PROXY", "http://app:hunter2@proxy:1").set("no_proxy", "*.corp, .example");
    let status = site.status(&spared).await;
    let because = "HTTPS_PROXY is set, but no_proxy has \".example\", which names the gateway";
    assert_eq!(status.lines().nth(4), Some(format!("proxy:      none  ({because})").as_str()), "{status}");
    let none = site.status(&site.options).await;
    assert_eq!(none.lines().count(), 4, "{none}");
    assert!(![status, none].concat().contains("hunter2"));
}

#[tokio::test]
async fn a_gateway_on_this_machine_is_dialled_directly_whatever_the_variables_of_all_programs_say() {
    let site = Site::encrypted().await;
    let proxy = Proxy::start(ProxyOptions::default()).await.unwrap();
    let options = site.trusting().set("HTTPS_PROXY", proxy.url("http")).set("ALL_PROXY", proxy.url("http"));
    let _runner = site.serves(&options).await;
    let (exit, out) = site.doctor(&options).await;
    assert_eq!(exit, Exit::Code(0), "{out}");
    assert!(out.contains("without a proxy: HTTPS_PROXY is set, but the gateway is on this machine"), "{out}");
    assert_eq!(proxy.requests(), []);
}

#[tokio::test]
async fn the_flag_wins_over_the_variables() {
    let site = Site::encrypted().await;
    let [right, wrong] = [
        Proxy::start(ProxyOptions::default().route(NAME, site.gateway.port())).await.unwrap(),
        Proxy::start(ProxyOptions::default()).await.unwrap(),
    ];
    let options = site.behind("HTTPS_PROXY", wrong.url("http")).set("SEMILAYER_PROXY", wrong.url("http"));
    let launch = e2e_tests::Runner::launch(&site.gateway, &site.identity, &options).unwrap();
    let flags = ["doctor", "--proxy", &right.url("http")];
    let (exit, out, _) = e2e_tests::Runner::command(&launch, &flags).await.unwrap();
    assert_eq!(exit, Exit::Code(0), "{out}");
    assert!(out.contains("(--proxy)"), "{out}");
    assert_eq!((right.requests().len(), wrong.requests().len()), (2, 0));
}
