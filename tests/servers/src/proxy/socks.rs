//! The proxy's side of SOCKS5 (RFC 1928) and its passwords (RFC 1929).

use std::net::IpAddr;

use anyhow::{Result, bail, ensure};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::accept::{Verdict, asked};
use super::record::{ProxyRequest, Record};

const VERSION: u8 = 5;
const NO_LOGIN: u8 = 0;
const PASSWORD: u8 = 2;
const NO_METHOD: u8 = 0xff;

/// Agrees on a method, takes a login if it must be `expected`, and reads a request.
pub(super) async fn request(
    client: &mut (impl AsyncRead + AsyncWrite + Unpin),
    expected: Option<&(String, String)>,
    record: &Record,
) -> Result<ProxyRequest> {
    let greeting = read(client, 2, record).await?;
    let [VERSION, count] = greeting[..] else { bail!("not SOCKS5") };
    let methods = read(client, usize::from(count), record).await?;
    let method = if expected.is_some() { PASSWORD } else { NO_LOGIN };
    if !methods.contains(&method) {
        client.write_all(&[VERSION, NO_METHOD]).await?;
        client.shutdown().await?;
        bail!("no method");
    }
    client.write_all(&[VERSION, method]).await?;
    let login = match expected {
        Some(expected) => Some(login(client, expected, record).await?),
        None => None,
    };
    let head = read(client, 4, record).await?;
    let [VERSION, 1, 0, kind] = head[..] else { bail!("not CONNECT") };
    let host = match kind {
        1 => IpAddr::from(<[u8; 4]>::try_from(read(client, 4, record).await?.as_slice())?).to_string(),
        4 => IpAddr::from(<[u8; 16]>::try_from(read(client, 16, record).await?.as_slice())?).to_string(),
        3 => text(client, record).await?,
        _ => bail!("no such type of address"),
    };
    let port = read(client, 2, record).await?;
    Ok(asked(&host, u16::from_be_bytes(<[u8; 2]>::try_from(port.as_slice())?), login))
}

async fn login(
    client: &mut (impl AsyncRead + AsyncWrite + Unpin),
    expected: &(String, String),
    record: &Record,
) -> Result<String> {
    let version = read(client, 1, record).await?;
    ensure!(version == [1], "not RFC 1929");
    let (user, password) = (text(client, record).await?, text(client, record).await?);
    let is_right = (&user, &password) == (&expected.0, &expected.1);
    client.write_all(&[1, u8::from(!is_right)]).await?;
    if !is_right {
        client.shutdown().await?;
        bail!("wrong login");
    }
    Ok(format!("{user}:{password}"))
}

/// Answers a request.
pub(super) async fn answer(client: &mut (impl AsyncWrite + Unpin), verdict: &Verdict) -> Result<()> {
    let reply = match verdict {
        Verdict::Open => 0,
        Verdict::Login => 2,
        Verdict::Unreachable => 4,
        Verdict::Refused(reply) => u8::try_from(*reply)?,
    };
    client.write_all(&[VERSION, reply, 0, 1, 0, 0, 0, 0, 0, 0]).await?;
    client.flush().await?;
    Ok(())
}

async fn text(client: &mut (impl AsyncRead + Unpin), record: &Record) -> Result<String> {
    let length = read(client, 1, record).await?;
    let length = length.first().copied().unwrap_or_default();
    Ok(String::from_utf8(read(client, usize::from(length), record).await?)?)
}

async fn read(client: &mut (impl AsyncRead + Unpin), count: usize, record: &Record) -> Result<Vec<u8>> {
    let mut bytes = vec![0; count];
    client.read_exact(&mut bytes).await?;
    record.hear(&bytes);
    Ok(bytes)
}
