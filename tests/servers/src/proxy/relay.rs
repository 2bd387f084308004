//! Carrying bytes both ways, with an ear on what the client says.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// Bytes carried at once.
const BUFFER_BYTES: usize = 16 * 1024;

/// Carries bytes until both sides have ended, or one has failed.
pub(super) async fn relay(
    client: impl AsyncRead + AsyncWrite,
    server: impl AsyncRead + AsyncWrite,
    hear: impl Fn(&[u8]),
) -> io::Result<()> {
    let (from_client, to_client) = tokio::io::split(client);
    let (from_server, to_server) = tokio::io::split(server);
    tokio::try_join!(carry(from_client, to_server, hear), carry(from_server, to_client, |_| ()))?;
    Ok(())
}

async fn carry(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    hear: impl Fn(&[u8]),
) -> io::Result<()> {
    let mut buffer = Vec::with_capacity(BUFFER_BYTES);
    while from.read_buf(&mut buffer).await? > 0 {
        hear(&buffer);
        to.write_all(&buffer).await?;
        to.flush().await?;
        buffer.clear();
    }
    to.shutdown().await
}
