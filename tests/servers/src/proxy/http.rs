//! The proxy's side of CONNECT (RFC 9110 section 9.3.6).

use anyhow::{Context, Result, bail, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::accept::{Verdict, asked};
use super::record::{ProxyRequest, Record};

/// The longest request that is read.
const MAX_HEAD_BYTES: usize = 16 * 1024;

/// Reads a request, and nothing of what follows it.
pub(super) async fn request(client: &mut (impl AsyncRead + Unpin), record: &Record) -> Result<ProxyRequest> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(client.read_u8().await?);
        ensure!(head.len() < MAX_HEAD_BYTES, "no request");
    }
    record.hear(&head);
    let head = String::from_utf8(head)?;
    let mut lines = head.split("\r\n");
    let mut words = lines.next().unwrap_or_default().split(' ');
    let (Some("CONNECT"), Some(target), Some("HTTP/1.1"), None) =
        (words.next(), words.next(), words.next(), words.next())
    else {
        bail!("not a CONNECT: {head}");
    };
    let headers: Vec<(&str, &str)> = lines.filter_map(|line| line.split_once(": ")).collect();
    let header = |name: &str| {
        headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| *value)
    };
    ensure!(header("host") == Some(target), "Host and target differ: {head}");
    let login = match header("proxy-authorization") {
        None => None,
        Some(value) => {
            let encoded = value.strip_prefix("Basic ").context("not Basic")?;
            Some(String::from_utf8(STANDARD.decode(encoded)?)?)
        }
    };
    let (host, port) = target.rsplit_once(':').context("no port")?;
    Ok(asked(host, port.parse()?, login))
}

/// Answers a request.
pub(super) async fn answer(client: &mut (impl AsyncWrite + Unpin), verdict: &Verdict) -> Result<()> {
    let head = match verdict {
        Verdict::Open => "HTTP/1.1 200 Connection established\r\n\r\n".to_owned(),
        Verdict::Login => refusal(407, "Proxy-Authenticate: Basic realm=\"tests\"\r\n"),
        Verdict::Unreachable => refusal(502, ""),
        Verdict::Refused(status) => refusal(*status, ""),
    };
    client.write_all(head.as_bytes()).await?;
    client.flush().await?;
    Ok(())
}

/// With a page, as real proxies have one.
fn refusal(status: u16, header: &str) -> String {
    let page = "<html><body>This proxy does not do that.</body></html>";
    format!(
        "HTTP/1.1 {status} Whatever\r\n{header}Content-Type: text/html\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{page}",
        page.len()
    )
}
