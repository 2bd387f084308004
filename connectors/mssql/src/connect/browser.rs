//! A named instance's port, asked of the SQL Server Browser (MS-SQLR).

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use connector_api::unreachable::unreachable;
use connector_api::{ConnectDeadline, OpenContext, Stage};
use connector_model::error::{Error, ErrorCode, Result};
use dial::Destination;
use tokio::net::UdpSocket;

use crate::config::Settings;

/// The Browser's port (UDP).
const BROWSER_PORT: u16 = 1434;
/// `CLNT_UCAST_INST` (MS-SQLR, section 2.2.3): one instance is asked for.
const ASK_INSTANCE: u8 = 0x04;
/// `SVR_RESP` (MS-SQLR, section 2.2.5), before the length and the text.
const RESPONSE: u8 = 0x05;
/// The longest name of an instance, in bytes.
const MAX_NAME: usize = 32;
/// A datagram may be lost: each address is asked again after this.
const AGAIN: Duration = Duration::from_secs(1);
/// How often each address is asked.
const ATTEMPTS: usize = 3;
/// The longest answer about one instance (MS-SQLR, section 2.2.5).
const MAX_ANSWER: usize = 1_024;

/// The TCP port of the instance.
///
/// # Errors
/// `SOURCE_UNREACHABLE` when nobody answers or the instance has no TCP port; `POLICY_DENIED` for an address that the
/// source may not reach.
pub(super) async fn port(
    cx: &OpenContext,
    settings: &Settings,
    instance: &str,
    by: ConnectDeadline,
) -> Result<u16> {
    if instance.len() > MAX_NAME || instance.contains('\0') {
        return Err(Error::config("instanceName", "is no name of an instance"));
    }
    let browser = Destination::new(settings.host.clone(), BROWSER_PORT);
    let resolving = cx.dialer.resolve(&browser, settings.family, &cx.filter);
    let resolved = by.run(&cx.call, Stage::Dns, resolving).await?.map_err(|error| unreachable(&error))?;
    let asking = async {
        for _ in 0..ATTEMPTS {
            for address in &resolved.addresses {
                if let Some(port) = ask(address.socket_addr(), instance).await {
                    return Some(port);
                }
            }
        }
        None
    };
    let asked = cx.call.run(tokio::time::timeout(by.remaining(), asking)).await;
    match asked.map_err(|stopped| stopped.with("stage", Stage::Tcp.as_str()))? {
        Ok(Some(port)) => Ok(port),
        Ok(None) | Err(_) => Err(Error::new(
            ErrorCode::SourceUnreachable,
            format!(
                "{browser}: the SQL Server Browser (UDP) names no TCP port of instance \"{instance}\"; start the \
                 Browser, let UDP {BROWSER_PORT} through, or set `port` instead of `instanceName`"
            ),
        )
        .with("stage", "tcp")
        .with("kind", "timed_out")),
    }
}

/// Asks one address once. Whatever goes wrong with a datagram is the same as no answer.
async fn ask(address: SocketAddr, instance: &str) -> Option<u16> {
    let here: SocketAddr = match address {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let socket = UdpSocket::bind(here).await.ok()?;
    // Connected: datagrams from elsewhere are not heard.
    socket.connect(address).await.ok()?;
    let question = [&[ASK_INSTANCE], instance.as_bytes(), &[0]].concat();
    socket.send(&question).await.ok()?;
    let mut answer = [0; MAX_ANSWER];
    let length = tokio::time::timeout(AGAIN, socket.recv(&mut answer)).await.ok()?.ok()?;
    tcp_port(answer.get(..length)?, instance)
}

/// The port in an answer: `ServerName;H;InstanceName;I;IsClustered;No;Version;16.0.1;tcp;1433;;`.
fn tcp_port(answer: &[u8], instance: &str) -> Option<u16> {
    let (RESPONSE, [_, _, text @ ..]) = answer.split_first().map(|(kind, rest)| (*kind, rest))? else {
        return None;
    };
    let text = String::from_utf8_lossy(text);
    let mut parts = text.split(';');
    let mut named = false;
    while let (Some(key), Some(value)) = (parts.next(), parts.next()) {
        match key {
            "InstanceName" => named = value.eq_ignore_ascii_case(instance),
            "tcp" if named => return value.parse().ok().filter(|port| *port != 0),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_port_of_the_instance_asked_for() {
        let answer = |text: &str| [&[RESPONSE, 0, 0], text.as_bytes()].concat();
        let text = "ServerName;H;InstanceName;SQLEXPRESS;IsClustered;No;Version;16.0.1000.6;tcp;50123;np;\\\\H\\pipe;;";
        assert_eq!(tcp_port(&answer(text), "sqlexpress"), Some(50_123));
        assert_eq!(tcp_port(&answer(text), "OTHER"), None);
        assert_eq!(tcp_port(&answer("ServerName;H;InstanceName;I;Version;1;;"), "I"), None);
        assert_eq!(tcp_port(&[RESPONSE], "I"), None);
    }

    #[tokio::test]
    async fn an_instance_is_asked_for_by_name() {
        let browser = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = browser.local_addr().unwrap();
        let answering = async {
            let mut question = [0; 64];
            let (length, from) = browser.recv_from(&mut question).await.unwrap();
            assert_eq!(&question[..length], b"\x04SQL\0");
            browser.send_to(b"\x05\x00\x00InstanceName;SQL;tcp;1500;;", from).await.unwrap();
        };
        let (port, ()) = tokio::join!(ask(address, "SQL"), answering);
        assert_eq!(port, Some(1_500));
    }

    proptest! {
        #[test]
        fn any_answer_is_read_without_a_panic(answer in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = tcp_port(&answer, "I");
        }
    }
}
