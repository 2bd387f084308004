//! HTTP CONNECT: RFC 9110 section 9.3.6.

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use zeroize::Zeroizing;

use super::fault::ProxyFault;
use super::login::Login;
use crate::destination::Destination;
use crate::kind::Kind;
use crate::tls::printable;

/// The longest answer that is read. Real ones have a few hundred bytes; those with a login page are refusals, of which
/// only the head counts.
const MAX_HEAD_BYTES: usize = 16 * 1024;
/// Schemes that are named of a proxy which asks for a login.
const MAX_SCHEMES: usize = 4;

/// Has the proxy open a tunnel on `stream`. Reads not a byte of what comes after its answer.
pub(super) async fn open<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    destination: &Destination,
    login: Option<&Login>,
) -> Result<(), Kind> {
    let lost = |error: std::io::Error| match Kind::of_io(&error) {
        Kind::Closed => Kind::Proxy(ProxyFault::Closed),
        kind => kind,
    };
    stream.write_all(request(destination, login).as_bytes()).await.map_err(lost)?;
    stream.flush().await.map_err(lost)?;
    let mut head = Vec::with_capacity(256);
    let mut is_whole = false;
    while !is_whole {
        // A byte at a time: what follows the head is the tunnel's, and is read by whoever uses it.
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(error) if head.is_empty() => return Err(lost(error)),
            // A refusal without the end of its head is one all the same.
            Err(_) => break,
        }
        is_whole = head.ends_with(b"\r\n\r\n") || head.ends_with(b"\n\n");
        if head.len() == MAX_HEAD_BYTES || !may_be_http(&head) {
            return Err(Kind::Proxy(ProxyFault::NotAProxy));
        }
    }
    match verdict(&head, login.is_some()) {
        Ok(()) if !is_whole => Err(Kind::Proxy(ProxyFault::Closed)),
        verdict => verdict.map_err(Kind::Proxy),
    }
}

fn request(destination: &Destination, login: Option<&Login>) -> Zeroizing<String> {
    let authorization = match login {
        Some(login) => Zeroizing::new(format!("Proxy-Authorization: {}\r\n", &*login.basic())),
        None => Zeroizing::default(),
    };
    Zeroizing::new(format!(
        "CONNECT {destination} HTTP/1.1\r\nHost: {destination}\r\n{}\r\n",
        &*authorization
    ))
}

/// Whether an answer may begin like this: what speaks another protocol may never end a line.
fn may_be_http(head: &[u8]) -> bool {
    head.iter().zip(b"HTTP/1.").all(|(found, expected)| found == expected)
}

fn verdict(head: &[u8], has_login: bool) -> Result<(), ProxyFault> {
    let head = String::from_utf8_lossy(head);
    let mut lines = head.lines();
    let status = lines.next().and_then(status).ok_or(ProxyFault::NotAProxy)?;
    match status {
        200..=299 => Ok(()),
        407 => {
            let schemes = lines.filter_map(scheme).take(MAX_SCHEMES).collect();
            Err(if has_login {
                ProxyFault::LoginRefused { schemes }
            } else {
                ProxyFault::LoginMissing { schemes }
            })
        }
        status => Err(ProxyFault::Status(status)),
    }
}

fn status(line: &str) -> Option<u16> {
    let code = line.strip_prefix("HTTP/1.")?.split(' ').nth(1)?;
    (code.len() == 3).then(|| code.parse().ok()).flatten().filter(|status| *status >= 100)
}

/// The scheme that a `Proxy-Authenticate` header names (RFC 9110 section 11.7.1).
fn scheme(line: &str) -> Option<String> {
    let (name, value) = line.split_once(':')?;
    if !name.trim().eq_ignore_ascii_case("proxy-authenticate") {
        return None;
    }
    value.split_whitespace().next().map(|scheme| printable(scheme.trim_end_matches(',')))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn answered(answer: &[u8], login: Option<&Login>) -> (Result<(), Kind>, String) {
        let (mut proxy, mut client) = tokio::io::duplex(64 * 1024);
        proxy.write_all(answer).await.unwrap();
        proxy.shutdown().await.unwrap();
        let opened = open(&mut client, &Destination::new("fd00::1", 443), login).await;
        drop(client);
        let mut asked = String::new();
        proxy.read_to_string(&mut asked).await.unwrap();
        (opened, asked)
    }

    #[tokio::test]
    async fn the_tunnels_first_bytes_are_left_for_the_tunnel() {
        let (mut proxy, mut client) = tokio::io::duplex(1024);
        proxy.write_all(b"HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\nhello").await.unwrap();
        open(&mut client, &Destination::new("gateway.example", 443), None).await.unwrap();
        let mut tunnel = [0; 5];
        client.read_exact(&mut tunnel).await.unwrap();
        assert_eq!(&tunnel, b"hello");
    }

    #[tokio::test]
    async fn an_ipv6_host_stands_in_brackets_and_a_login_in_its_header() {
        let login = Login::parse("app:hunter2").unwrap().unwrap();
        let (opened, asked) = answered(b"HTTP/1.0 200 OK\r\n\r\n", Some(&login)).await;
        assert_eq!(opened, Ok(()));
        assert_eq!(
            asked,
            "CONNECT [fd00::1]:443 HTTP/1.1\r\nHost: [fd00::1]:443\r\nProxy-Authorization: Basic YXBwOmh1bnRlcjI=\r\n\r\n"
        );
        let (_, asked) = answered(b"HTTP/1.1 204 \n\n", None).await;
        assert!(!asked.contains("Authorization"), "{asked}");
    }

    #[tokio::test]
    async fn every_other_answer_is_a_fault_of_its_own() {
        let login = Login::parse("app:hunter2").unwrap().unwrap();
        let asks = b"HTTP/1.1 407 Proxy Authentication Required\r\nproxy-authenticate: Negotiate\r\nProxy-Authenticate: Basic realm=\"x\"\r\n\r\n";
        let schemes = || vec!["Negotiate".to_owned(), "Basic".to_owned()];
        let endless = [b"HTTP/1.1 200 OK\r\n".as_slice(), &[b'x'; 20_000]].concat();
        for (answer, login, fault) in [
            (&asks[..], None, ProxyFault::LoginMissing { schemes: schemes() }),
            (asks, Some(&login), ProxyFault::LoginRefused { schemes: schemes() }),
            (b"HTTP/1.1 403 Forbidden\r\n\r\n", None, ProxyFault::Status(403)),
            (b"HTTP/1.1 502 Bad Gateway\r\nContent-Le", None, ProxyFault::Status(502)),
            (b"HTTP/1.1 200 OK\r\nContent-Le", None, ProxyFault::Closed),
            (b"SSH-2.0-OpenSSH_9\r\n", None, ProxyFault::NotAProxy),
            (b"\x15\x03\x01\x00\x02\x02\x46", None, ProxyFault::NotAProxy),
            (b"HTTP/1.1 2000 OK\r\n\r\n", None, ProxyFault::NotAProxy),
            (b"HTTP/1.1 099 OK\r\n\r\n", None, ProxyFault::NotAProxy),
            (&endless, None, ProxyFault::NotAProxy),
            (b"", None, ProxyFault::Closed),
        ] {
            let (opened, _) = answered(answer, login).await;
            assert_eq!(opened, Err(Kind::Proxy(fault)), "{}", String::from_utf8_lossy(answer));
        }
    }
}
