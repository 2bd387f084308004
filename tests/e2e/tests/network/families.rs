//! Gateways that have one address family.

use e2e_tests::GatewayOptions;
use test_servers::{Proxy, ProxyOptions, ProxyProtocol, ServerCertificate};

use crate::Site;

#[tokio::test]
async fn a_gateway_with_ipv6_alone_is_served_in_clear_over_tls_and_through_proxies() {
    let plain = Site::start(GatewayOptions { ipv6: true, ..GatewayOptions::default() }).await;
    assert!(plain.gateway.connect_url().starts_with("ws://[::1]:"));
    let _runner = plain.serves(&plain.options).await;

    let options = GatewayOptions { tls: Some(ServerCertificate::Good), ipv6: true };
    let site = Site::start(options).await;
    let trusting = site.trusting();
    site.serves(&trusting).await.process().kill9().await.unwrap();
    for (protocol, scheme) in [(ProxyProtocol::Connect, "http"), (ProxyProtocol::Socks5, "socks5")] {
        let proxy = Proxy::start(ProxyOptions::speaking(protocol)).await.unwrap();
        let options = trusting.clone().set("SEMILAYER_PROXY", proxy.url(scheme));
        site.serves(&options).await.process().kill9().await.unwrap();
        assert_eq!(proxy.requests()[0].host, "::1");
    }
}
